//! Talos Image Factory schematics, whose ids are computed here without asking a factory.
//!
//! An id is the SHA-256 of the schematic's canonical YAML (siderolabs/image-factory `pkg/schematic/schematic.go` v1.5.0):
//! block style, 4 blanks of indentation, list dashes below their key, one final newline, empty fields left out. A factory
//! serves an id only after the schematic was posted to it once, so the text is part of the output.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::catalog::hex;

/// What is added to a Talos image. The order of both lists is part of the id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schematic {
    /// System extensions, for instance `siderolabs/iscsi-tools`.
    pub extensions: Vec<String>,
    /// Kernel arguments.
    pub extra_kernel_args: Vec<String>,
}

impl Schematic {
    /// The canonical YAML.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        if self.extensions.is_empty() && self.extra_kernel_args.is_empty() {
            return "customization: {}\n".to_owned();
        }
        let mut out = "customization:\n".to_owned();
        if !self.extra_kernel_args.is_empty() {
            out.push_str("    extraKernelArgs:\n");
            for argument in &self.extra_kernel_args {
                // Writing to a String cannot fail.
                let _ = writeln!(out, "        - {argument}");
            }
        }
        if !self.extensions.is_empty() {
            out.push_str("    systemExtensions:\n        officialExtensions:\n");
            for extension in &self.extensions {
                let _ = writeln!(out, "            - {extension}");
            }
        }
        out
    }

    /// The id: 64 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        hex(&Sha256::digest(self.to_yaml()))
    }

    /// Entries whose spelling in canonical YAML is not known for sure: go-yaml would quote them, and in which style was
    /// not established. They are refused rather than guessed.
    #[must_use]
    pub fn uncertain(&self) -> Vec<&str> {
        self.extensions
            .iter()
            .chain(&self.extra_kernel_args)
            .map(String::as_str)
            .filter(|text| !is_plain_in_go(text))
            .collect()
    }
}

/// Whether go-yaml v3 surely writes a string plain: it starts with a letter, holds nothing that YAML reads as structure,
/// and is no word of YAML 1.1.
fn is_plain_in_go(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-=,:+@".contains(&byte))
        && !text.ends_with(':')
        && !["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::Schematic;

    fn id(extensions: &[&str], arguments: &[&str]) -> String {
        Schematic {
            extensions: extensions.iter().map(|text| (*text).to_owned()).collect(),
            extra_kernel_args: arguments.iter().map(|text| (*text).to_owned()).collect(),
        }
        .id()
    }

    #[test]
    fn ids_are_those_of_the_image_factory() {
        // siderolabs/image-factory pkg/schematic/schematic_test.go
        assert_eq!(id(&[], &[]), "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba");
        assert_eq!(
            id(&["siderolabs/qemu-guest-agent"], &[]),
            "ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515"
        );
        // siderolabs/docs public/kubernetes-guides/csi/longhorn.mdx
        assert_eq!(
            id(&["siderolabs/iscsi-tools", "siderolabs/util-linux-tools"], &[]),
            "613e1592b2da41ae5e265e8789429f22e121aab91cb4deb6bc3c0b6262961245"
        );
        assert_eq!(
            id(&[], &["noapic", "nolapic"]),
            "9cba8e32753f91a16c1837ab8abf356af021706ef284aef07380780177d9a06c"
        );
    }

    #[test]
    fn unsure_spellings_are_named() {
        let schematic = Schematic {
            extensions: vec!["siderolabs/iscsi-tools".to_owned()],
            extra_kernel_args: vec!["console=ttyS0,115200".to_owned(), "-quiet".to_owned(), "no".to_owned()],
        };
        assert_eq!(schematic.uncertain(), ["-quiet", "no"]);
    }
}
