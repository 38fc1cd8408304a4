//! Encrypted files: whole, by the rule, and readable for Flux where it must read.

use std::collections::BTreeSet;

use super::{
    Input,
    creation_rules::{Recipient, Rule, Selection, compile},
};
use crate::{
    finding::{Finding, Findings, codes},
    yaml::{Data, Entry, Node, pointer::FieldPath},
};

/// The block that sops adds to an encrypted document.
pub(super) fn block(document: &Node) -> Option<&Entry> {
    document.as_mapping()?.entry("sops").filter(|entry| entry.value.as_mapping().is_some())
}

/// Whether a value is ciphertext, or one that sops leaves alone because it is empty.
pub(super) fn is_sealed(text: &str) -> bool {
    text.is_empty() || (text.starts_with("ENC[AES256_GCM,") && text.ends_with(']'))
}

/// Checks one document that has a `sops` block.
pub(super) fn check(input: &mut Input<'_>, path: &str, document: &Node, rule: Option<&Rule>) -> Findings {
    let mut findings = Findings::new();
    let Some(entry) = block(document) else { return findings };
    let sops = &entry.value;
    let at = |place| input.sources.locate(place);

    let recorded = recipients(sops);
    let mac = sops.get("mac").and_then(Node::as_str).is_some_and(|mac| !mac.is_empty() && is_sealed(mac));
    let missing: Vec<&str> =
        [(!mac, "`mac`"), (sops.get("version").is_none(), "`version`"), (recorded.is_empty(), "a recipient")]
            .into_iter()
            .filter_map(|(missing, what)| missing.then_some(what))
            .collect();
    if let [most @ .., last] = &missing[..] {
        let list = if most.is_empty() { String::new() } else { format!("{} and ", most.join(", ")) };
        findings.push(
            Finding::error(&codes::SOPS_INCOMPLETE, format!("the `sops` block lacks {list}{last}"))
                .at(at(entry.key_place))
                .hint("take the file from Git's history and change it with `sops edit`"),
        );
    }

    let selection = Selection::of(sops);
    match rule {
        None => findings.push(
            Finding::error(&codes::SOPS_NO_RULE, format!("no rule of `.sops.yaml` covers `{path}`"))
                .at(at(entry.key_place))
                .hint("move the file to a folder that has a rule, or write one"),
        ),
        Some(rule) => {
            if !recorded.is_empty() && recorded != rule.recipients {
                findings.push(
                    Finding::error(&codes::SOPS_RECIPIENTS, difference(&recorded, &rule.recipients))
                        .at(at(entry.key_place))
                        .related("the rule", at(rule.place))
                        .hint(format!("run `sops updatekeys -y {path}`")),
                );
            }
            if selection != rule.selection {
                findings.push(
                    Finding::error(
                        &codes::SOPS_SELECTION,
                        format!(
                            "the file was encrypted with `{selection}`, its rule says `{}`",
                            rule.selection
                        ),
                    )
                    .at(at(entry.key_place))
                    .related("the rule", at(rule.place))
                    .hint("decrypt the file and encrypt it again"),
                );
            }
        }
    }

    // A file that is encrypted as a whole is not for Flux, unless it looks like an object and its rule had meant it to be one.
    if !rule.is_some_and(|rule| rule.selection.is_whole_file()) {
        findings.extend(metadata(input, document));
    }
    findings.extend(left_plain(input, document, &selection));
    findings
}

/// `apiVersion`, `kind` and what is under `metadata` must be plain.
fn metadata(input: &Input<'_>, document: &Node) -> Option<Finding> {
    let sealed = |node: &Node| node.as_str().is_some_and(|text| !text.is_empty() && is_sealed(text));
    let mut leaves = Vec::new();
    for key in ["apiVersion", "kind", "metadata"] {
        if let Some(node) = document.get(key) {
            collect(node, &mut FieldPath::of([key]), &mut |path, leaf| {
                if sealed(leaf) {
                    leaves.push((path.clone(), leaf.place));
                }
            });
        }
    }
    let (path, place) = leaves.into_iter().next()?;
    Some(
        Finding::error(
            &codes::SOPS_METADATA,
            format!("`{path}` is encrypted, so Flux cannot read the object"),
        )
        .at(input.sources.locate(place))
        .field(path)
        .hint("give the rule `encrypted_regex: ^(data|stringData)$`, decrypt the file and encrypt it again"),
    )
}

/// Values that the file's own selection wants encrypted and that are not: someone wrote them in by hand.
fn left_plain(input: &mut Input<'_>, document: &Node, selection: &Selection) -> Findings {
    let Some(wanted) = Wanted::of(selection) else { return Findings::new() };
    let mut plain = Vec::new();
    let Some(mapping) = document.as_mapping() else { return Findings::new() };
    for entry in mapping.entries.iter().filter(|entry| &*entry.key != "sops") {
        let mut path = FieldPath::of([&*entry.key]);
        walk(&entry.value, &mut path, wanted.takes(&entry.key, wanted.by_default), &wanted, &mut plain);
    }
    plain
        .into_iter()
        .map(|(path, place)| {
            input.mask(place);
            Finding::error(&codes::SECRET_PLAIN, format!("`{path}` is in plain text in an encrypted file"))
                .at(input.sources.locate(place))
                .field(path)
                .hint("make a new value and enter it with `sops edit`")
        })
        .collect()
}

/// Which keys are to be encrypted. Selection by comment cannot be told from here.
struct Wanted {
    by_default: bool,
    matches: Box<dyn Fn(&str) -> bool>,
}

impl Wanted {
    fn of(selection: &Selection) -> Option<Self> {
        let value = selection.value.clone();
        Some(match selection.selector {
            "encrypted_regex" => {
                let regex = compile(&value).ok()?;
                Self { by_default: false, matches: Box::new(move |key| regex.is_match(key)) }
            }
            "unencrypted_regex" => {
                let regex = compile(&value).ok()?;
                Self { by_default: true, matches: Box::new(move |key| regex.is_match(key)) }
            }
            "encrypted_suffix" => {
                Self { by_default: false, matches: Box::new(move |key| key.ends_with(&value)) }
            }
            "unencrypted_suffix" => {
                Self { by_default: true, matches: Box::new(move |key| key.ends_with(&value)) }
            }
            _ => return None,
        })
    }

    /// A key that matches decides for everything below it.
    fn takes(&self, key: &str, above: bool) -> bool {
        if above != self.by_default || (self.matches)(key) { !self.by_default } else { above }
    }
}

fn walk(
    node: &Node,
    path: &mut FieldPath,
    encrypted: bool,
    wanted: &Wanted,
    plain: &mut Vec<(FieldPath, crate::yaml::Place)>,
) {
    match &node.data {
        Data::Mapping(mapping) => {
            for entry in &mapping.entries {
                path.push_key(&*entry.key);
                walk(&entry.value, path, wanted.takes(&entry.key, encrypted), wanted, plain);
                path.pop();
            }
        }
        Data::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_index(index);
                walk(item, path, encrypted, wanted, plain);
                path.pop();
            }
        }
        Data::Null => {}
        Data::String(text) if is_sealed(text) => {}
        _ if encrypted => plain.push((path.clone(), node.place)),
        _ => {}
    }
}

/// Calls back for every scalar below a node.
pub(super) fn collect<'tree>(
    node: &'tree Node,
    path: &mut FieldPath,
    seen: &mut impl FnMut(&FieldPath, &'tree Node),
) {
    match &node.data {
        Data::Mapping(mapping) => {
            for entry in &mapping.entries {
                path.push_key(&*entry.key);
                collect(&entry.value, path, seen);
                path.pop();
            }
        }
        Data::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_index(index);
                collect(item, path, seen);
                path.pop();
            }
        }
        _ => seen(path, node),
    }
}

/// The recipients that a `sops` block records.
fn recipients(sops: &Node) -> BTreeSet<Recipient> {
    const LISTS: [(&str, &str, &str); 4] = [
        ("age", "age", "recipient"),
        ("pgp", "pgp", "fp"),
        ("kms", "kms", "arn"),
        ("gcp_kms", "gcp_kms", "resource_id"),
    ];
    let text = |node: &Node, key| node.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
    let items = |node: &Node, key| -> Vec<Node> {
        node.get(key).and_then(Node::as_sequence).unwrap_or_default().to_vec()
    };
    let mut all = BTreeSet::new();
    for (key, kind, field) in LISTS {
        all.extend(items(sops, key).iter().map(|item| Recipient { kind, id: text(item, field) }));
    }
    for item in items(sops, "azure_kv") {
        let id =
            format!("{}/keys/{}/{}", text(&item, "vault_url"), text(&item, "name"), text(&item, "version"));
        all.insert(Recipient { kind: "azure_keyvault", id });
    }
    for item in items(sops, "hc_vault") {
        let (address, engine, key) =
            (text(&item, "vault_address"), text(&item, "engine_path"), text(&item, "key_name"));
        all.insert(Recipient { kind: "hc_vault", id: format!("{address}/v1/{engine}/keys/{key}") });
    }
    for group in items(sops, "key_groups") {
        all.extend(recipients(&group));
    }
    all
}

fn difference(recorded: &BTreeSet<Recipient>, wanted: &BTreeSet<Recipient>) -> String {
    let list = |left: &BTreeSet<Recipient>, right: &BTreeSet<Recipient>| {
        left.difference(right).map(|recipient| format!("`{recipient}`")).collect::<Vec<_>>().join(", ")
    };
    match (list(wanted, recorded), list(recorded, wanted)) {
        (missing, extra) if extra.is_empty() => {
            format!("the file is not encrypted to {missing}, as its rule says")
        }
        (missing, extra) if missing.is_empty() => {
            format!("the file is encrypted to {extra}, which its rule does not name")
        }
        (missing, extra) => {
            format!("the file is encrypted to {extra} instead of {missing}, as its rule says")
        }
    }
}
