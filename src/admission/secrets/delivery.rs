//! Flux Kustomizations that read encrypted files must decrypt them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Input, Parsed, has_extension};
use crate::{
    admission::flux::folder::normal,
    finding::{Finding, Findings, ObjectRef, codes},
    yaml::Node,
};

/// The file names by which kustomize knows a kustomization.
const KUSTOMIZATION: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Checks every Flux Kustomization among the files whose `spec.path` is a folder of the same repository.
///
/// A path that is not there belongs to another source or is another check's business.
pub(super) fn check(input: &Input<'_>, files: &[Parsed<'_>]) -> Findings {
    let tree: BTreeMap<&str, &Parsed<'_>> = files.iter().map(|file| (file.path, file)).collect();
    let mut findings = Findings::new();
    for file in files {
        for document in &file.documents {
            let text = |path: &[&str]| document.root.at(path.iter().copied()).and_then(Node::as_str);
            let is_flux = text(&["kind"]) == Some("Kustomization")
                && text(&["apiVersion"])
                    .is_some_and(|version| version.starts_with("kustomize.toolkit.fluxcd.io/"));
            if !is_flux || text(&["spec", "decryption", "provider"]) == Some("sops") {
                continue;
            }
            let folder = normal("", text(&["spec", "path"]).unwrap_or_default());
            let Some(sealed) = encrypted_below(&tree, &folder) else { continue };
            let object = ObjectRef::of(&document.root.to_value());
            let place = document.root.key_place(&["spec", "path"]).unwrap_or(document.root.place);
            findings.push(
                Finding::error(
                    &codes::DECRYPTION_MISSING,
                    format!("the Kustomization `{}` reads the encrypted file `{sealed}`", object.name),
                )
                .at(input.sources.locate(place))
                .object(object)
                .hint("add `decryption: {provider: sops, secretRef: {name: sops-age}}` to its spec"),
            );
        }
    }
    findings
}

/// The first encrypted file that kustomize-controller would read from a folder: what its kustomization names, or, without
/// one, every YAML file below it.
fn encrypted_below<'tree>(tree: &BTreeMap<&'tree str, &Parsed<'_>>, folder: &str) -> Option<&'tree str> {
    let below =
        |path: &str| folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    if kustomization(tree, folder).is_none() {
        return tree
            .iter()
            .find(|(path, file)| file.encrypted && below(path) && has_extension(path, &["yaml", "yml"]))
            .map(|(path, _)| *path);
    }
    let mut open = vec![folder.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(folder) = open.pop() {
        if !seen.insert(folder.clone()) {
            continue;
        }
        let Some(kustomization) = kustomization(tree, &folder) else { continue };
        for name in names(&kustomization.documents.iter().map(|document| &document.root).collect::<Vec<_>>())
        {
            let path = normal(&folder, &name);
            match tree.get_key_value(path.as_str()) {
                Some((path, file)) if file.encrypted => return Some(path),
                Some(_) => {}
                None => open.push(path),
            }
        }
    }
    None
}

fn kustomization<'tree, 'file>(
    tree: &BTreeMap<&str, &'tree Parsed<'file>>,
    folder: &str,
) -> Option<&'tree Parsed<'file>> {
    KUSTOMIZATION.iter().find_map(|name| tree.get(normal(folder, name).as_str()).copied())
}

/// All files and folders that a kustomization names.
fn names(documents: &[&Node]) -> Vec<String> {
    let mut names = Vec::new();
    let strings = |node: Option<&Node>| -> Vec<String> {
        node.and_then(Node::as_sequence)
            .unwrap_or_default()
            .iter()
            .filter_map(|item| item.as_str().or_else(|| item.get("path")?.as_str()))
            .map(str::to_owned)
            .collect()
    };
    for document in documents {
        for list in
            ["resources", "bases", "components", "patches", "patchesStrategicMerge", "crds", "generators"]
        {
            names.extend(strings(document.get(list)));
        }
        for list in ["secretGenerator", "configMapGenerator"] {
            for generator in document.get(list).and_then(Node::as_sequence).unwrap_or_default() {
                for files in ["files", "envs"] {
                    // `key=path` or only the path.
                    names.extend(
                        strings(generator.get(files)).into_iter().map(|name| {
                            name.split_once('=').map_or(name.clone(), |(_, path)| path.to_owned())
                        }),
                    );
                }
                names.extend(generator.get("env").and_then(Node::as_str).map(str::to_owned));
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn paths_are_seen_from_the_root() {
        assert_eq!(normal("", "./"), "");
        assert_eq!(normal("", "./sops/management"), "sops/management");
        assert_eq!(normal("a/b", "../c/./d.yaml"), "a/c/d.yaml");
        assert_eq!(normal("a", "../../../etc"), "etc");
    }
}
