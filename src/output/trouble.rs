//! What the operating system said, in words for the person who gets it.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::finding::{Code, Finding, codes};

/// An operation that failed, on a path that the user knows.
#[derive(Debug)]
pub(crate) struct Trouble {
    doing: &'static str,
    path: PathBuf,
    error: io::Error,
}

/// The result of one operation.
pub(crate) type Step<T> = Result<T, Trouble>;

/// Adds to an [`io::Error`] what was tried.
pub(crate) trait During<T> {
    /// `doing` completes "cannot ...", `path` is where the user would look.
    fn during(self, doing: &'static str, path: &Path) -> Step<T>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, doing: &'static str, path: &Path) -> Step<T> {
        self.map_err(|error| Trouble { doing, path: path.to_owned(), error })
    }
}

impl Trouble {
    /// A file of the user's that cannot be brought back because something else has its place.
    pub(crate) fn in_the_way(file: &Path, place: &Path) -> Self {
        let error = io::Error::new(
            ErrorKind::AlreadyExists,
            format!("it belongs to `{}`, which is taken", place.display()),
        );
        Self { doing: "bring back", path: file.to_owned(), error }
    }

    /// The finding of a write after which the output folder is as it was.
    pub(crate) fn nothing_written(&self, out: &Path) -> Finding {
        let hint = format!("{}; nothing in `{}` was changed", self.advice(), out.display());
        self.finding(&codes::WRITE_FAILED).hint(hint)
    }

    /// The finding of a read.
    pub(crate) fn unreadable(&self) -> Finding {
        self.finding(&codes::OUT_UNREADABLE).hint(self.advice())
    }

    /// A finding without a next step.
    pub(crate) fn finding(&self, code: &'static Code) -> Finding {
        Finding::error(code, self.to_string())
    }

    fn advice(&self) -> String {
        let path = self.path.display();
        match self.error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space and run again".to_owned(),
            ErrorKind::FileTooLarge => {
                "raise the limit on the size of files (`ulimit -f`) and run again".to_owned()
            }
            ErrorKind::ReadOnlyFilesystem => {
                "choose a folder on a file system that can be written (`--out`)".to_owned()
            }
            ErrorKind::PermissionDenied => {
                format!("look at the owner and the mode of `{path}` and of the folders above it")
            }
            ErrorKind::CrossesDevices => format!(
                "`{path}` cannot be moved: it is a mount point, or comes from a lower layer of an overlay file system; \
                 mount the output folder as a whole, or remove `{path}` first (not without files of your own in it)"
            ),
            ErrorKind::ResourceBusy => {
                format!("`{path}` is a mount point or in use; mount the output folder as a whole")
            }
            ErrorKind::NotFound | ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty => {
                "somebody else changed the output folder meanwhile; run again".to_owned()
            }
            _ => format!("see why the system refuses this for `{path}`, and run again"),
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "cannot {} `{}`: {}", self.doing, self.path.display(), self.error)
    }
}
