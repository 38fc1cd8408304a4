//! The rules of `.sops.yaml`: which keys encrypt which file.
//!
//! Read as sops reads them (getsops/sops, `config/config.go`): the first rule whose `path_regex` matches the path counts,
//! seen from the folder of `.sops.yaml`; a rule without one matches everything; regular expressions are Go's and match
//! anywhere in the path unless anchored. What sops would ignore in silence is a finding.

use std::collections::BTreeSet;

use regex::Regex;

use crate::{
    finding::{Finding, Findings, codes, suggest},
    yaml::{self, Limits, Node, Place, SourceId, Sources, scalar::Schema},
};

/// All creation rules, in order.
#[derive(Debug, Default)]
pub struct Rules {
    list: Vec<Rule>,
}

/// One creation rule.
#[derive(Debug)]
pub struct Rule {
    /// Where it stands in `.sops.yaml`.
    pub place: Place,
    /// To whom it encrypts.
    pub recipients: BTreeSet<Recipient>,
    /// What it encrypts in a file.
    pub selection: Selection,
    path: Option<Regex>,
}

/// A key that can open a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recipient {
    /// What kind of key: `age`, `pgp`, `kms`, `gcp_kms`, `azure_keyvault` or `hc_vault`.
    pub kind: &'static str,
    /// The public key, fingerprint, ARN or URL.
    pub id: String,
}

/// Which values of a file are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// One of [`SELECTORS`].
    pub selector: &'static str,
    /// Its value.
    pub value: String,
    /// Whether the checksum leaves plain values out.
    pub mac_only_encrypted: bool,
}

/// The keys that choose what is encrypted; at most one may be given.
pub const SELECTORS: [&str; 6] = [
    "encrypted_regex",
    "unencrypted_regex",
    "encrypted_suffix",
    "unencrypted_suffix",
    "encrypted_comment_regex",
    "unencrypted_comment_regex",
];

/// What a rule may have besides the selectors.
const RULE_KEYS: [&str; 13] = [
    "path_regex",
    "age",
    "pgp",
    "kms",
    "aws_profile",
    "gcp_kms",
    "azure_keyvault",
    "hc_vault_transit_uri",
    "hckms",
    "key_groups",
    "shamir_threshold",
    "mac_only_encrypted",
    "omit_extensions",
];

/// A path that no rule should be meant for.
const UNPLANNED: &str = "an/unplanned/place/secret.sops.yaml";

impl Default for Selection {
    /// Without a selector sops encrypts every value whose key does not end in `_unencrypted`.
    fn default() -> Self {
        Self { selector: "unencrypted_suffix", value: "_unencrypted".to_owned(), mac_only_encrypted: false }
    }
}

impl Selection {
    /// What the `sops` block of a file, or a rule, says.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        let mac_only_encrypted =
            node.get("mac_only_encrypted").is_some_and(|node| node.data == yaml::Data::Bool(true));
        let given = SELECTORS.iter().find_map(|selector| {
            let value = node.get(selector)?.as_str().filter(|value| !value.is_empty())?;
            Some((*selector, value.to_owned()))
        });
        match given {
            Some((selector, value)) => Self { selector, value, mac_only_encrypted },
            None => Self { mac_only_encrypted, ..Self::default() },
        }
    }

    /// Whether everything in a file is encrypted, its structure excepted.
    #[must_use]
    pub fn is_whole_file(&self) -> bool {
        self.selector == "unencrypted_suffix"
    }
}

impl std::fmt::Display for Selection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.selector, self.value)?;
        if self.mac_only_encrypted {
            formatter.write_str(", mac_only_encrypted: true")?;
        }
        Ok(())
    }
}

impl Rules {
    /// Reads `.sops.yaml`. What is wrong with it comes back beside the rules that can be used all the same.
    #[must_use]
    pub fn read(sources: &Sources, id: SourceId) -> (Self, Findings) {
        let mut findings = Findings::new();
        let documents = match yaml::read(sources, id, Schema::Core, Limits::PLAN) {
            Ok(documents) => documents,
            Err(wrong) => return (Self::default(), wrong),
        };
        let root = documents.first().map(|document| &document.root);
        let Some(rules) = root.and_then(|root| root.get("creation_rules")).and_then(Node::as_sequence) else {
            findings.push(
                Finding::error(&codes::SOPS_CONFIG, "`creation_rules` is missing or not a list")
                    .at(root.and_then(|root| sources.locate(root.place)))
                    .hint("write one rule for each folder that holds secrets"),
            );
            return (Self::default(), findings);
        };
        let list = rules.iter().filter_map(|node| Rule::read(sources, node, &mut findings)).collect();
        (Self { list }, findings)
    }

    /// The rule for a path, seen from the folder of `.sops.yaml`, with `/` between folders.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Rule> {
        self.list.iter().find(|rule| rule.covers(path))
    }

    /// All rules, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Rule] {
        &self.list
    }
}

impl Rule {
    /// Whether its `path_regex` matches.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        self.path.as_ref().is_none_or(|regex| regex.is_match(path))
    }

    /// Whether it covers also what nobody planned.
    #[must_use]
    pub fn covers_everything(&self) -> bool {
        self.covers(UNPLANNED)
    }

    fn read(sources: &Sources, node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut problem = |place: Place, message: String, hint: Option<String>| {
            let finding = Finding::error(&codes::SOPS_CONFIG, message).at(sources.locate(place));
            findings.push(match hint {
                Some(hint) => finding.hint(hint),
                None => finding,
            });
        };
        let Some(mapping) = node.as_mapping() else {
            problem(node.place, "a creation rule is a mapping".to_owned(), None);
            return None;
        };
        for entry in &mapping.entries {
            let known = RULE_KEYS.iter().chain(&SELECTORS).copied();
            if !known.clone().any(|key| *key == *entry.key) {
                let hint = suggest::hint(&entry.key, known);
                problem(entry.key_place, format!("sops ignores the key `{}` of this rule", entry.key), hint);
            }
        }
        let given: Vec<_> = mapping.entries.iter().filter(|entry| SELECTORS.contains(&&*entry.key)).collect();
        if let [first, second, ..] = given[..] {
            problem(
                second.key_place,
                format!("`{}` and `{}` cannot stand in one rule", first.key, second.key),
                Some("keep one of them; sops refuses the whole file".to_owned()),
            );
        }
        for entry in given.iter().filter(|entry| entry.key.ends_with("_regex")) {
            if let Err(reason) = entry.value.as_str().map_or(Ok(()), |pattern| compile(pattern).map(drop)) {
                problem(
                    entry.value.place,
                    format!("`{}` is no regular expression: {reason}", entry.key),
                    None,
                );
            }
        }
        let path = match mapping.get("path_regex").and_then(Node::as_str) {
            None | Some("") => None,
            Some(pattern) => match compile(pattern) {
                Ok(regex) => Some(regex),
                Err(reason) => {
                    let place = mapping.get("path_regex").map_or(node.place, |node| node.place);
                    problem(place, format!("`path_regex` is no regular expression: {reason}"), None);
                    return None;
                }
            },
        };
        let rule =
            Self { place: node.place, recipients: recipients(node), selection: Selection::of(node), path };
        rule.review(sources, node, findings);
        Some(rule)
    }

    /// What is allowed but unwise.
    fn review(&self, sources: &Sources, node: &Node, findings: &mut Findings) {
        let place = node.key_place(&["path_regex"]).unwrap_or(node.place);
        if self.covers_everything() {
            findings.push(
                Finding::warning(&codes::SOPS_CATCH_ALL, "this rule covers every folder")
                    .at(sources.locate(place))
                    .hint("start `path_regex` with `^` and the folder that the rule is for"),
            );
        }
        if self.recipients.len() < 2 {
            let count = if self.recipients.is_empty() { "no recipient" } else { "one recipient only" };
            findings.push(
                Finding::warning(&codes::SOPS_FEW_RECIPIENTS, format!("this rule has {count}"))
                    .at(sources.locate(place))
                    .hint("add a second key: when the only one is lost, so are the secrets"),
            );
        }
        for recipient in self.recipients.iter().filter(|recipient| !recipient.is_plausible()) {
            findings.push(
                Finding::warning(&codes::SOPS_PLACEHOLDER, format!("`{}` is no age recipient", recipient.id))
                    .at(sources.locate(place))
                    .hint("put a public key there, as `age-keygen` prints it; until then sops refuses to encrypt"),
            );
        }
    }
}

impl Recipient {
    /// Whether it has the form of a key. Only age's can be told.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        const BECH32: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
        if self.kind != "age" || self.id.starts_with("ssh-") {
            return true;
        }
        // `age1` and data, or `age1<plugin>1` and data: data follows the last `1`, which is no letter of bech32.
        let data =
            self.id.strip_prefix("age1").map(|rest| rest.rsplit_once('1').map_or(rest, |(_, data)| data));
        data.is_some_and(|data| data.len() >= 20 && data.chars().all(|letter| BECH32.contains(letter)))
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.kind != "age" {
            write!(formatter, "{} ", self.kind)?;
        }
        formatter.write_str(&self.id)
    }
}

/// A regular expression of Go. Its syntax is that of the `regex` crate but for `\Q...\E` and `\C`, which are refused.
///
/// # Errors
/// What is wrong, in a few words.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| match error {
        regex::Error::Syntax(text) => {
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
        other => other.to_string(),
    })
}

/// The recipients of a rule, or of one of its key groups.
fn recipients(rule: &Node) -> BTreeSet<Recipient> {
    const LISTS: [(&str, &str, &str); 7] = [
        ("age", "age", ""),
        ("pgp", "pgp", ""),
        ("kms", "kms", "arn"),
        ("gcp_kms", "gcp_kms", "resource_id"),
        ("azure_keyvault", "azure_keyvault", ""),
        ("hc_vault_transit_uri", "hc_vault", ""),
        ("hc_vault", "hc_vault", ""),
    ];
    let mut all = BTreeSet::new();
    for (key, kind, field) in LISTS {
        for id in rule.get(key).map(|node| words(node, field)).unwrap_or_default() {
            // An ARN may be followed by the role to take on.
            let id = if kind == "kms" { id.split('+').next().unwrap_or_default().to_owned() } else { id };
            all.insert(Recipient { kind, id });
        }
    }
    for groups in ["key_groups", "merge"] {
        for group in rule.get(groups).and_then(Node::as_sequence).unwrap_or_default() {
            all.extend(recipients(group));
        }
    }
    all
}

/// A comma-separated string, a list of strings, or a list of mappings with the string under `field`.
fn words(node: &Node, field: &str) -> Vec<String> {
    let split = |text: &str| {
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    match node.as_sequence() {
        None => node.as_str().map(split).unwrap_or_default(),
        Some(items) => items
            .iter()
            .filter_map(|item| item.as_str().or_else(|| item.get(field)?.as_str()))
            .flat_map(split)
            .collect(),
    }
}
