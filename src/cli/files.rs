//! Files and standard input as sources.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::{
    finding::{Finding, Findings, codes},
    yaml::{Limits, Origin, Source},
};

/// What messages call standard input.
const STDIN: &str = "<stdin>";

/// Reads a text file, or standard input for `-`.
pub fn source(path: &Path, limits: Limits) -> Result<Source, Findings> {
    let name = if path == Path::new("-") { STDIN.to_owned() } else { path.display().to_string() };
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        // One byte more than is taken tells a text that is too long from one that fits.
        let limit = limits.bytes as u64 + 1;
        io::stdin().lock().take(limit).read_to_end(&mut bytes).map(|_| bytes)
    } else {
        read_file(path, limits)
    };
    let bytes = bytes.map_err(|error| unreadable(&name, &error))?;
    let origin = if path == Path::new("-") { Origin::Stream } else { Origin::File };
    text(name, bytes, limits).map(|source| source.of(origin))
}

/// What an empty input mostly means.
const EMPTY_FILE: &str = "check that this is the right file, and that it was saved";
const EMPTY_STREAM: &str = "in a pipe this mostly means that the command before it failed";

fn read_file(path: &Path, limits: Limits) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limits.bytes as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Bytes as a source, if they are text that is not too long.
pub fn text(name: String, bytes: Vec<u8>, limits: Limits) -> Result<Source, Findings> {
    if bytes.len() > limits.bytes {
        return Err(Findings::from(crate::yaml::read::too_large(bytes.len(), limits.bytes)).named(&name));
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => {
            let hint = if name == STDIN { EMPTY_STREAM } else { EMPTY_FILE };
            Err(Finding::error(&codes::EMPTY_INPUT, format!("`{name}` is empty")).hint(hint).into())
        }
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => Err(Finding::error(
            &codes::NOT_UTF8,
            format!(
                "`{name}` is not UTF-8 text, byte {} is the first wrong one",
                error.utf8_error().valid_up_to()
            ),
        )
        .hint("check that this is the right file and that it is not compressed")
        .into()),
    }
}

/// The finding for a file that the operating system does not give.
#[must_use]
pub fn unreadable(name: &str, error: &io::Error) -> Findings {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => "check the permissions of the file and its folders",
        io::ErrorKind::IsADirectory => "name a file in it",
        _ => "check the path and the disk",
    };
    Finding::error(&codes::UNREADABLE, format!("`{name}` cannot be read: {error}")).hint(hint).into()
}

/// Whether a folder that somebody named is there and is one.
pub fn folder(path: &Path) -> Result<(), Findings> {
    let name = path.display().to_string();
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(Finding::error(&codes::UNREADABLE, format!("`{name}` is not a folder"))
            .hint("name the folder that holds the clusters' folders")
            .into()),
        Err(error) => Err(unreadable(&name, &error)),
    }
}

/// All files below a folder with their slash-separated paths, sorted; hidden ones and editors' leftovers stay out.
pub fn walk(folder: &Path) -> Result<Vec<(String, PathBuf)>, Findings> {
    let mut out = Vec::new();
    let mut open = vec![(String::new(), folder.to_owned())];
    while let Some((prefix, folder)) = open.pop() {
        let entries =
            fs::read_dir(&folder).map_err(|error| unreadable(&folder.display().to_string(), &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&folder.display().to_string(), &error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            let path = entry.path();
            let relative = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            // The type of the link itself: a link to a folder above would never end.
            let kind = entry.file_type().map_err(|error| unreadable(&path.display().to_string(), &error))?;
            if kind.is_dir() {
                open.push((relative, path));
            } else if kind.is_file() || path.is_file() {
                // Findings in `.` are about `a.yaml`, as code hosts name it, not about `./a.yaml`.
                let path = path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
                out.push((relative, path));
            }
        }
    }
    out.sort();
    Ok(out)
}

impl Findings {
    /// The same with the name of the input in front of each message that has no place.
    #[must_use]
    fn named(self, name: &str) -> Self {
        self.into_iter()
            .map(|mut finding| {
                if finding.location.is_none() {
                    finding.message = format!("`{name}`: {}", finding.message);
                }
                finding
            })
            .collect()
    }
}
