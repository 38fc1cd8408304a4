//! Secret values in plain text.

use super::{
    Input,
    encrypted::{collect, is_sealed},
};
use crate::{
    finding::{Finding, Findings, ObjectRef, codes},
    yaml::{Data, Node, Place, pointer::FieldPath},
};

/// Values of a Talos machine configuration (first five) or secrets bundle that are secret whatever they look like; private
/// keys are known by their form (`keys.rs`). Source: siderolabs/talos
/// `pkg/machinery/config/types/v1alpha1/v1alpha1_types.go` and `pkg/machinery/config/generate/secrets/bundle.go`.
const TALOS: [&[&str]; 9] = [
    &["machine", "token"],
    &["cluster", "token"],
    &["cluster", "secret"],
    &["cluster", "secretboxEncryptionSecret"],
    &["cluster", "aescbcEncryptionSecret"],
    &["trustdinfo", "token"],
    &["secrets", "bootstraptoken"],
    &["secrets", "secretboxencryptionsecret"],
    &["secrets", "aescbcencryptionsecret"],
];

/// Checks one document that has no `sops` block.
pub(super) fn check(input: &mut Input<'_>, document: &Node) -> Findings {
    let mut findings = Findings::new();
    secrets(input, document, &mut FieldPath::root(), &mut findings);
    literals(input, document, &mut findings);
    for path in TALOS {
        if let Some(node) = document.at(path.iter().copied())
            && node.as_str().is_some_and(is_plain)
        {
            let path = FieldPath::of(path.iter().copied());
            findings.push(
                found(
                    input,
                    &path,
                    node.place,
                    format!("`{path}` of a Talos configuration is in plain text"),
                )
                .hint("keep the file under a rule of `.sops.yaml` that encrypts all of it"),
            );
        }
    }
    findings
}

/// Every Secret in the tree: of its own, in a List, or inside another object.
fn secrets(input: &mut Input<'_>, node: &Node, path: &mut FieldPath, findings: &mut Findings) {
    match &node.data {
        Data::Mapping(mapping) => {
            let is = |key: &str, value: &str| mapping.get(key).and_then(Node::as_str) == Some(value);
            if is("kind", "Secret") && is("apiVersion", "v1") {
                secret(input, node, path, findings);
                return;
            }
            for entry in &mapping.entries {
                path.push_key(&*entry.key);
                secrets(input, &entry.value, path, findings);
                path.pop();
            }
        }
        Data::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_index(index);
                secrets(input, item, path, findings);
                path.pop();
            }
        }
        _ => {}
    }
}

fn secret(input: &mut Input<'_>, node: &Node, path: &FieldPath, findings: &mut Findings) {
    let mut plain = Vec::new();
    for key in ["data", "stringData"] {
        if let Some(values) = node.get(key) {
            collect(values, &mut path.key(key), &mut |path, leaf| {
                let fine = match &leaf.data {
                    Data::Null => true,
                    Data::String(text) => !is_plain(text),
                    _ => false,
                };
                if !fine {
                    plain.push((path.clone(), leaf.place));
                }
            });
        }
    }
    let object = ObjectRef::of(&node.to_value());
    for (path, place) in plain {
        let message = format!("`{path}` of the Secret `{}` is in plain text", object.name);
        findings.push(
            found(input, &path, place, message)
                .object(object.clone())
                .hint("take it for known: make a new value, and encrypt the file with `sops encrypt -i`"),
        );
    }
}

/// `secretGenerator` of a kustomization.
fn literals(input: &mut Input<'_>, document: &Node, findings: &mut Findings) {
    let generators = document.get("secretGenerator").and_then(Node::as_sequence).unwrap_or_default();
    for (index, generator) in generators.iter().enumerate() {
        let literals = generator.get("literals").and_then(Node::as_sequence).unwrap_or_default();
        for (position, literal) in literals.iter().enumerate() {
            let Some((key, value)) = literal.as_str().and_then(|text| text.split_once('=')) else { continue };
            if is_plain(value) {
                let path = FieldPath::of(["secretGenerator"]).index(index).key("literals").index(position);
                let message = format!("the literal `{key}` of a secretGenerator is in plain text");
                findings.push(
                    found(input, &path, literal.place, message)
                        .hint("write it to a file that sops encrypts and name that under `files` or `envs`"),
                );
            }
        }
    }
}

fn found(input: &mut Input<'_>, path: &FieldPath, place: Place, message: String) -> Finding {
    input.mask(place);
    Finding::error(&codes::SECRET_PLAIN, message).at(input.sources.locate(place)).field(path.clone())
}

/// Not empty, not ciphertext, and not just the name of a variable that Flux or InfraFlux fills in.
pub(super) fn is_plain(text: &str) -> bool {
    !is_sealed(text) && !is_variable(text)
}

fn is_variable(text: &str) -> bool {
    text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(|name| {
        let name = name.strip_prefix('?').unwrap_or(name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_variable_stands_for_a_value() {
        assert!(is_variable("${password}"));
        assert!(is_variable("${?PASSWORD}"));
        assert!(!is_variable("${password:=hunter2}"));
        assert!(!is_variable("${a}${b}"));
        assert!(!is_variable("x${a}"));
        assert!(!is_variable("${}"));
    }
}
