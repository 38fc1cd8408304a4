//! Names that are safe to become paths.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::finding::{Finding, Findings, codes};

/// Longest file or folder name in bytes: what ext4, XFS, APFS and NTFS hold.
const NAME_LIMIT: usize = 255;
/// Longest path in bytes, so that what is written here can be checked out anywhere.
const PATH_LIMIT: usize = 1000;

/// A path inside a folder of the output: relative, separated by `/`, and unable to leave that folder.
///
/// Parts are printable ASCII without what Windows refuses (`<>:"|?*\`, a trailing dot or space, device names such as
/// `con` or `nul.yaml`). Beyond ASCII, file systems disagree on which two names are the same one (composed and
/// decomposed letters on macOS). `.git` is refused because a hook in it is a program, and names that begin with
/// `.infraflux` because they are kept for the inventory and the stage.
///
/// Cheap to clone: the files of a thousand clusters share their paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(Arc<str>);

impl RelativePath {
    /// Checks a path.
    pub fn new(path: &str) -> Result<Self, BadPath> {
        check(path).map_err(|reason| BadPath { path: path.to_owned(), reason })?;
        Ok(Self(path.into()))
    }

    /// The path as text, with `/` on every system.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names that it consists of; the last is the file's.
    #[must_use]
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The folders above the file, outermost first: `a` and `a/b` for `a/b/c.yaml`.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(slash, _)| &self.0[..slash])
    }

    /// The name of the file.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Where it lies when the folder is `folder`.
    #[must_use]
    pub fn under(&self, folder: &Path) -> PathBuf {
        folder.join(&*self.0)
    }
}

impl std::borrow::Borrow<str> for RelativePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::str::FromStr for RelativePath {
    type Err = BadPath;

    fn from_str(path: &str) -> Result<Self, BadPath> {
        Self::new(path)
    }
}

/// A path or a name that may not be written, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` cannot be a path in the output folder: {reason}")]
pub struct BadPath {
    /// As it was given.
    pub path: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl From<BadPath> for Finding {
    fn from(bad: BadPath) -> Self {
        Finding::error(&codes::BAD_PATH, bad.to_string()).hint(
            "rename the cluster or the template file: lowercase letters, digits, `-` and `.` always fit",
        )
    }
}

impl From<BadPath> for Findings {
    fn from(bad: BadPath) -> Self {
        Finding::from(bad).into()
    }
}

/// Checks the name of a folder directly under the output folder: a DNS label (RFC 1123), which a cluster name is.
pub(crate) fn check_folder_name(name: &str) -> Result<(), BadPath> {
    let bad = |reason| Err(BadPath { path: name.to_owned(), reason });
    if name.is_empty() {
        return bad("it is empty");
    }
    if name.len() > 63 {
        return bad("it is longer than 63 characters");
    }
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return bad("a folder for a cluster has only lowercase letters, digits and `-` in its name");
    }
    if name.starts_with('-') || name.ends_with('-') {
        return bad("it begins or ends with `-`");
    }
    if let Err(reason) = check(name) {
        return bad(reason);
    }
    Ok(())
}

fn check(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("it is empty");
    }
    if path.len() > PATH_LIMIT {
        return Err("it is longer than 1000 bytes");
    }
    if path.starts_with('/') {
        return Err("it begins with `/`, so it does not lie in a folder");
    }
    path.split('/').try_for_each(check_part)
}

fn check_part(part: &str) -> Result<(), &'static str> {
    match part {
        "" => return Err("it has an empty part (`//`, or `/` at the end)"),
        "." => return Err("it has a `.` part"),
        ".." => return Err("it has a `..` part, which leads out of the folder"),
        _ => {}
    }
    if part.len() > NAME_LIMIT {
        return Err("a part of it is longer than 255 bytes");
    }
    if part.bytes().any(|byte| byte.is_ascii_control()) {
        return Err("it has a control character");
    }
    if !part.is_ascii() {
        return Err("it has a letter beyond ASCII, which file systems do not agree on");
    }
    if part.contains(['<', '>', ':', '"', '|', '?', '*', '\\']) {
        return Err("it has one of the characters `<>:\"|?*\\`, which Windows refuses");
    }
    if part.ends_with(['.', ' ']) || part.starts_with(' ') {
        return Err("a part of it begins with a space or ends with a space or a dot");
    }
    let lower = part.to_ascii_lowercase();
    if lower == ".git" || lower == "git~1" {
        return Err("it lies in a `.git` folder, where files can be run as hooks");
    }
    if lower.starts_with(".infraflux") {
        return Err("names that begin with `.infraflux` are kept for InfraFlux itself");
    }
    if is_device(&lower) {
        return Err("a part of it is the name of a device on Windows");
    }
    Ok(())
}

/// `con`, `nul`, `com1` and so on, with any extension.
fn is_device(lower: &str) -> bool {
    let stem = lower.split('.').next().unwrap_or_default().trim_end();
    if ["con", "prn", "aux", "nul", "conin$", "conout$"].contains(&stem) {
        return true;
    }
    let digit = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    digit.is_some_and(|digit| digit.len() == 1 && digit.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_templates_have() {
        for path in [
            "kustomization.yaml",
            "cluster/control-plane.yaml",
            "SECRETS.md",
            "a/b/c/d",
            "..a/b..c",
            "-x",
            "a b",
        ] {
            assert!(RelativePath::new(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn paths_that_may_not_be_written() {
        let long = "x".repeat(256);
        let deep = "x/".repeat(600) + "x";
        for path in [
            "",
            ".",
            "..",
            "/",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/..",
            "./a",
            "a/./b",
            "a//b",
            "a/",
            "a\0b",
            "a\nb",
            "a\u{7f}b",
            "a\\..\\b",
            "C:/x",
            "c:x",
            "con",
            "CON.yaml",
            "nul",
            "aux.tar.gz",
            "com1",
            "LPT9.md",
            "con .x",
            "a.",
            "a ",
            " a",
            "a./b",
            ".git/hooks/post-checkout",
            "a/.GIT/config",
            "git~1/config",
            ".infraflux.sha256",
            "a/.infraflux-stage",
            "caf\u{e9}",
            "a\u{202e}b",
            "x?",
            "x*",
            "a|b",
            &long,
            &deep,
        ] {
            assert!(RelativePath::new(path).is_err(), "{path:?}");
        }
        assert!(RelativePath::new("com10").is_ok());
        assert!(RelativePath::new("console").is_ok());
    }

    #[test]
    fn folders_of_a_path() -> Result<(), BadPath> {
        let path = RelativePath::new("a/b/c.yaml")?;
        assert_eq!(path.folders().collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(path.name(), "c.yaml");
        assert_eq!(RelativePath::new("c.yaml")?.folders().count(), 0);
        Ok(())
    }

    #[test]
    fn folder_names_are_dns_labels() {
        for name in ["lab", "prod-eu", "1", "management"] {
            assert!(check_folder_name(name).is_ok(), "{name}");
        }
        let long = "x".repeat(64);
        for name in ["", ".", "..", "../../x", "a/b", "Lab", "a.b", "-a", "a-", "nul", "com3", "a_b", &long] {
            assert!(check_folder_name(name).is_err(), "{name}");
        }
    }
}
