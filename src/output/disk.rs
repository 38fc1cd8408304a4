//! The few operations on a file system that writing is made of.
//!
//! They stand behind a trait so that tests can let each one fail in turn, or stop the run at it as `kill -9` would,
//! or take away what not every file system has (hard links, exchanging two folders).

use std::{
    ffi::OsString,
    fs::{self, File, Permissions},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// What a name stands for. A symbolic link is itself, never what it points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
    /// A socket, a pipe or a device.
    Other,
}

impl From<fs::FileType> for Kind {
    fn from(kind: fs::FileType) -> Self {
        if kind.is_symlink() {
            Self::Link
        } else if kind.is_dir() {
            Self::Folder
        } else if kind.is_file() {
            Self::File
        } else {
            Self::Other
        }
    }
}

/// A device and an inode number, by which one file is told from another of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// What is known of a file without opening it.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) kind: Kind,
    /// `None` where the system has no such numbers.
    pub(crate) identity: Option<Identity>,
    pub(crate) modified: Option<SystemTime>,
    pub(crate) permissions: Permissions,
}

/// A path inside `root`, which is `root` itself for the empty one: `root/` would be read through a symbolic link.
pub(crate) fn inside(root: &Path, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { root.to_owned() } else { root.join(path) }
}

/// A file system. Nothing here follows a symbolic link in the last part of a path.
pub(crate) trait Disk: Send + Sync {
    /// What is there; `None` when nothing is.
    fn look(&self, path: &Path) -> io::Result<Option<Look>>;
    /// The names in a folder, sorted.
    fn list(&self, folder: &Path) -> io::Result<Vec<(OsString, Kind)>>;
    fn read(&self, file: &Path) -> io::Result<Vec<u8>>;
    fn make_folder(&self, folder: &Path) -> io::Result<()>;
    /// Writes a file that must not exist yet.
    fn write_new(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Copies a file with its permissions and time, or a symbolic link as such; `to` must not exist.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn set_permissions(&self, path: &Path, permissions: Permissions) -> io::Result<()>;
    /// Renames; `to` must not exist.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames a file over whatever file there is.
    fn rename_over(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Lets two names change places in one step; [`ErrorKind::Unsupported`] where the system cannot do that.
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()>;
    fn remove_file(&self, file: &Path) -> io::Result<()>;
    /// Removes an empty folder.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;
    /// Returns when everything written so far would survive a power cut, and reports what could not be written.
    /// `anchor` is a folder of the file system, opened before the first write.
    fn flush(&self, anchor: Option<&File>) -> io::Result<()>;
}

/// The file system of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Real;

impl Disk for Real {
    fn look(&self, path: &Path) -> io::Result<Option<Look>> {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        Ok(Some(Look {
            kind: metadata.file_type().into(),
            identity: identity(&metadata),
            modified: metadata.modified().ok(),
            permissions: metadata.permissions(),
        }))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(OsString, Kind)>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            names.push((entry.file_name(), entry.file_type()?.into()));
        }
        names.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(names)
    }

    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        fs::read(file)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn write_new(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create_new(file)?;
        file.write_all(bytes)?;
        flush_file(&file)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let metadata = fs::symlink_metadata(from)?;
        if metadata.is_symlink() {
            return copy_link(from, to);
        }
        if !metadata.is_file() {
            return Err(io::Error::new(ErrorKind::Unsupported, "not a regular file"));
        }
        let mut source = File::open(from)?;
        let mut target = File::create_new(to)?;
        io::copy(&mut source, &mut target)?;
        if let Ok(modified) = metadata.modified() {
            target.set_modified(modified)?;
        }
        flush_file(&target)?;
        target.set_permissions(metadata.permissions())
    }

    fn set_permissions(&self, path: &Path, permissions: Permissions) -> io::Result<()> {
        fs::set_permissions(path, permissions)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        #[cfg(any(target_vendor = "apple", target_os = "linux", target_os = "android"))]
        match rename_with(from, to, rustix::fs::RenameFlags::NOREPLACE) {
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            result => return result,
        }
        // Not atomic, but a folder is never renamed over one that holds something.
        if self.look(to)?.is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        fs::rename(from, to)
    }

    fn rename_over(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    #[cfg(any(target_vendor = "apple", target_os = "linux", target_os = "android"))]
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        rename_with(one, other, rustix::fs::RenameFlags::EXCHANGE)
    }

    #[cfg(not(any(target_vendor = "apple", target_os = "linux", target_os = "android")))]
    fn exchange(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir(folder)
    }

    fn flush(&self, anchor: Option<&File>) -> io::Result<()> {
        match anchor {
            // One call for all files instead of one for each; since Linux 5.8 it also reports what a network file
            // system could not store. The folder was opened before the first write, or its errors would be missed.
            #[cfg(target_os = "linux")]
            Some(anchor) => Ok(rustix::fs::syncfs(anchor)?),
            #[cfg(not(target_os = "linux"))]
            Some(anchor) => flush_file(anchor),
            None => Ok(()),
        }
    }
}

/// Where one call cannot flush them all, each file is flushed when it is written.
#[cfg(all(unix, not(target_os = "linux")))]
fn flush_file(file: &File) -> io::Result<()> {
    // Not `File::sync_all`, which on macOS waits for the drive's own cache (tens of milliseconds for each file).
    Ok(rustix::fs::fsync(file)?)
}

#[cfg(not(all(unix, not(target_os = "linux"))))]
#[cfg_attr(target_os = "linux", expect(clippy::unnecessary_wraps, reason = "can fail on other systems"))]
fn flush_file(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(any(target_vendor = "apple", target_os = "linux", target_os = "android"))]
fn rename_with(from: &Path, to: &Path, flags: rustix::fs::RenameFlags) -> io::Result<()> {
    use rustix::io::Errno;
    rustix::fs::renameat_with(rustix::fs::CWD, from, rustix::fs::CWD, to, flags).map_err(|error| {
        // Old kernels and some file systems (NFS, FUSE) do not know the flag and say so in different ways.
        if [Errno::NOSYS, Errno::INVAL, Errno::NOTSUP, Errno::OPNOTSUPP].contains(&error) {
            io::Error::new(ErrorKind::Unsupported, io::Error::from(error))
        } else {
            error.into()
        }
    })
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn identity(metadata: &fs::Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    Some(Identity { device: metadata.dev(), inode: metadata.ino() })
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> Option<Identity> {
    None
}

#[cfg(unix)]
fn copy_link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(fs::read_link(from)?, to)
}

#[cfg(not(unix))]
fn copy_link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::new(ErrorKind::Unsupported, "a symbolic link cannot be copied on this system"))
}

/// The same permissions with everything allowed to the owner, so that what lies in a folder can be removed.
#[cfg(unix)]
pub(crate) fn writable(permissions: &Permissions) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = permissions.mode();
    (mode & 0o700 != 0o700).then(|| Permissions::from_mode(mode | 0o700))
}

#[cfg(not(unix))]
pub(crate) fn writable(_: &Permissions) -> Option<Permissions> {
    None
}

/// Permissions that keep other users out of a folder.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
pub(crate) fn private() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
pub(crate) fn private() -> Option<Permissions> {
    None
}
