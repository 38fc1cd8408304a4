//! What InfraFlux wrote into a folder: the list that tells its files from the user's.

use std::{collections::BTreeMap, sync::Arc};

use sha2::{Digest as _, Sha256};

use super::path::RelativePath;
use crate::{
    finding::{Finding, Findings, codes},
    yaml::{Location, source::Source},
};

/// The name of the inventory in each folder.
///
/// Neither `kubectl apply -f`, kustomize, kpt nor Flux reads a file that ends so, and `sha256sum -c` does.
pub const INVENTORY: &str = ".infraflux.sha256";

const HEADER: &str = "# The files that infraflux wrote here. It removes those that it no longer renders and leaves all others alone.\n";

/// SHA-256 of a file's bytes.
pub(crate) type Digest = [u8; 32];

/// The files of one folder that InfraFlux wrote, each with the SHA-256 of what it wrote.
///
/// The form is that of `sha256sum`: `<64 hexadecimal digits>  <path>`, sorted by path, `#` for comments. Lines of two
/// branches merge like the files do. What a merge conflict left behind is read as both sides at once: either content
/// is one that InfraFlux wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Inventory {
    files: BTreeMap<RelativePath, Vec<Digest>>,
}

impl Inventory {
    /// The inventory of these files.
    pub(crate) fn of<'file>(files: impl Iterator<Item = (&'file RelativePath, &'file [u8])>) -> Self {
        Self { files: files.map(|(path, bytes)| (path.clone(), vec![digest(bytes)])).collect() }
    }

    /// Reads an inventory; `name` is the path that messages show.
    pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<Self, Findings> {
        let damaged = |message: String| {
            Finding::error(&codes::BAD_INVENTORY, message).hint(format!(
                "restore `{name}` from Git; or delete the folder, except for files of your own, and run again"
            ))
        };
        let text = std::str::from_utf8(bytes)
            .map_err(|error| damaged(format!("`{name}` is not text (byte {})", error.valid_up_to())))?;
        let mut inventory = Self::default();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let range = start..start + line.trim_end().len();
            start += line.len();
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() || line.starts_with('#') || is_conflict_marker(line) {
                continue;
            }
            match entry(line) {
                Ok((path, digest)) => inventory.files.entry(path).or_default().push(digest),
                Err(reason) => {
                    let source = Arc::new(Source::new(name, text));
                    return Err(damaged(format!("`{name}` has a line that is not an inventory's: {reason}"))
                        .at(Location::new(source, range))
                        .into());
                }
            }
        }
        Ok(inventory)
    }

    /// The text of the file; equal files give equal bytes.
    pub(crate) fn render(&self) -> Vec<u8> {
        let mut text = String::with_capacity(HEADER.len() + self.files.len() * 110);
        text.push_str(HEADER);
        for (path, digests) in &self.files {
            for digest in digests {
                for byte in digest {
                    text.push(hex(byte >> 4));
                    text.push(hex(byte & 15));
                }
                text.push_str("  ");
                text.push_str(path.as_str());
                text.push('\n');
            }
        }
        text.into_bytes()
    }

    /// Whether InfraFlux wrote a file of this path.
    pub(crate) fn has(&self, path: &RelativePath) -> bool {
        self.files.contains_key(path)
    }

    /// The entry that has this path as text.
    pub(crate) fn find(&self, path: &str) -> Option<&RelativePath> {
        self.files.get_key_value(path).map(|(path, _)| path)
    }

    /// Whether these bytes are what InfraFlux wrote there.
    pub(crate) fn wrote(&self, path: &RelativePath, bytes: &[u8]) -> bool {
        self.files.get(path).is_some_and(|digests| digests.contains(&digest(bytes)))
    }

    /// The paths in order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &RelativePath> {
        self.files.keys()
    }
}

/// The paths that an inventory lists, in order; `name` is the path that messages show. A damaged one is an error.
pub fn listed(name: &str, bytes: &[u8]) -> Result<Vec<RelativePath>, Findings> {
    Inventory::parse(name, bytes).map(|inventory| inventory.paths().cloned().collect())
}

fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

fn entry(line: &str) -> Result<(RelativePath, Digest), String> {
    let (digits, path) = line.split_once("  ").ok_or("it should be a SHA-256, two spaces and a path")?;
    if digits.len() != 64 {
        return Err("the SHA-256 has not 64 digits".to_owned());
    }
    let mut digest = Digest::default();
    for (byte, pair) in digest.iter_mut().zip(digits.as_bytes().chunks(2)) {
        for digit in pair {
            let value = char::from(*digit).to_digit(16).ok_or("the SHA-256 is not hexadecimal")?;
            *byte = (*byte << 4) | u8::try_from(value).unwrap_or_default();
        }
    }
    let path = RelativePath::new(path).map_err(|bad| bad.to_string())?;
    Ok((path, digest))
}

fn is_conflict_marker(line: &str) -> bool {
    ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|marker| line.starts_with(marker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() -> Result<(), Findings> {
        let (first, second) = (RelativePath::new("b/a.yaml")?, RelativePath::new("a b")?);
        let inventory = Inventory::of([(&first, &b"x"[..]), (&second, &b""[..])].into_iter());
        let bytes = inventory.render();
        assert_eq!(Inventory::parse("i", &bytes)?, inventory);
        assert!(inventory.wrote(&first, b"x") && !inventory.wrote(&first, b"y"));
        insta::assert_snapshot!(String::from_utf8_lossy(&bytes), @r"
        # The files that infraflux wrote here. It removes those that it no longer renders and leaves all others alone.
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a b
        2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  b/a.yaml
        ");
        Ok(())
    }

    #[test]
    fn a_merge_conflict_means_both_sides() -> Result<(), Findings> {
        let path = RelativePath::new("a")?;
        let side = |bytes: &[u8]| {
            let text = Inventory::of([(&path, bytes)].into_iter()).render();
            String::from_utf8_lossy(&text[HEADER.len()..]).into_owned()
        };
        let text =
            format!("{HEADER}<<<<<<< HEAD\r\n{}=======\r\n{}>>>>>>> topic\n", side(b"ours"), side(b"theirs"));
        let inventory = Inventory::parse("i", text.as_bytes())?;
        assert!(inventory.wrote(&path, b"ours") && inventory.wrote(&path, b"theirs"));
        assert!(!inventory.wrote(&path, b"other"));
        Ok(())
    }

    #[test]
    fn a_line_that_leads_outside_is_refused_at_its_place() {
        let text = format!("{HEADER}{}  ../../x\n", "0".repeat(64));
        let findings =
            Inventory::parse("out/lab/.infraflux.sha256", text.as_bytes()).err().unwrap_or_default();
        let finding = findings.iter().next();
        assert_eq!(finding.and_then(|finding| finding.location.as_ref()).map(Location::start), Some((2, 1)));
        for text in [&b"\xff"[..], b"abc", b"zz  a", &[b'z'; 80]] {
            assert!(Inventory::parse("i", text).is_err(), "{text:?}");
        }
    }
}
