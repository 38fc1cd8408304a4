//! `kustomization.yaml` of the output folder: the list of clusters.

use std::{collections::BTreeSet, path::Path};

use super::{
    Edited,
    disk::{Disk, Kind},
    inventory::INVENTORY,
    path,
    summary::State,
    tree::MANAGEMENT,
    trouble::During as _,
};
use crate::finding::{Finding, Findings, Severity, codes};

/// Its name. The other two names that kustomize accepts must not be there beside it.
pub const INDEX: &str = "kustomization.yaml";

const MARK: &str = "# Written by infraflux";

const HEAD: &str = "\
# Written by infraflux: every cluster in this folder, and nothing else.
# To add resources of your own, write a kustomization elsewhere that lists this folder.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
";

/// What has to happen to the index.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) state: State,
    pub(crate) bytes: Vec<u8>,
    pub(crate) findings: Findings,
}

/// The text that lists these clusters.
///
/// An empty list is written as such, because Flux makes up a kustomization of everything below when there is none
/// (`fluxcd/pkg`, `kustomize/kustomize_generator.go`), which would take `management` in. kustomize builds nothing from it.
pub(crate) fn render(clusters: &BTreeSet<String>) -> Vec<u8> {
    let mut text = HEAD.to_owned();
    if clusters.is_empty() {
        text.push_str("resources: []\n");
    } else {
        text.push_str("resources:\n");
        for cluster in clusters {
            // `./` keeps a cluster named `on` or `1e3` a string.
            text.push_str("  - ./");
            text.push_str(cluster);
            text.push('\n');
        }
    }
    text.into_bytes()
}

/// Whether these bytes are a list that [`render`] made, so that nothing of the user's is lost with them.
fn is_ours(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let clusters = text.lines().filter_map(|line| line.strip_prefix("  - ./")).map(str::to_owned).collect();
    render(&clusters) == bytes
}

/// Adds the clusters that InfraFlux wrote in earlier runs: folders with an inventory.
pub(crate) fn discover(
    disk: &dyn Disk,
    out: &Path,
    known: impl Fn(&str) -> bool,
    clusters: &mut BTreeSet<String>,
) -> Result<(), Findings> {
    let unreadable = |trouble: super::trouble::Trouble| Findings::from(trouble.unreadable());
    for (name, kind) in disk.list(out).during("read", out).map_err(unreadable)? {
        let Some(name) = name.to_str() else { continue };
        if kind != Kind::Folder || name == MANAGEMENT || known(name) || path::check_folder_name(name).is_err()
        {
            continue;
        }
        let inventory = out.join(name).join(INVENTORY);
        let look = disk.look(&inventory).during("read", &inventory).map_err(unreadable)?;
        if look.is_some_and(|look| look.kind == Kind::File) {
            clusters.insert(name.to_owned());
        }
    }
    Ok(())
}

/// Compares the list with what is there.
pub(crate) fn examine(
    disk: &dyn Disk,
    out: &Path,
    clusters: &BTreeSet<String>,
    edited: Edited,
) -> Result<Index, Findings> {
    let bytes = render(clusters);
    let mut findings = Findings::new();
    for name in ["kustomization.yml", "Kustomization"] {
        let path = out.join(name);
        let look = disk.look(&path).during("read", &path).map_err(|trouble| trouble.unreadable())?;
        if look.is_some_and(|look| look.kind != Kind::Folder) {
            findings.push(in_the_way(&path).hint(
                "kustomize refuses a folder with two kustomizations: move yours into another folder and let it list \
                 this one",
            ));
        }
    }
    let path = out.join(INDEX);
    let look = disk.look(&path).during("read", &path).map_err(|trouble| trouble.unreadable())?;
    let state = match look.map(|look| look.kind) {
        None => State::Created,
        Some(Kind::File) => {
            let found = disk.read(&path).during("read", &path).map_err(|trouble| trouble.unreadable())?;
            if found == bytes {
                State::Unchanged
            } else {
                if !is_ours(&found) {
                    findings.push(foreign(&path, &found, edited));
                }
                State::Changed
            }
        }
        Some(Kind::Link) => {
            let message = format!("`{}` is a symbolic link where a rendered file belongs", path.display());
            findings.push(Finding::error(&codes::LINK_IN_THE_WAY, message).hint("remove the link"));
            State::Changed
        }
        Some(Kind::Folder | Kind::Other) => {
            findings.push(in_the_way(&path).hint("move it away; the list of clusters is written there"));
            State::Changed
        }
    };
    if findings.has_errors() { Err(findings) } else { Ok(Index { state, bytes, findings }) }
}

fn in_the_way(path: &Path) -> Finding {
    Finding::error(
        &codes::FILE_IN_THE_WAY,
        format!("`{}` is not InfraFlux's and is in the way of what is rendered", path.display()),
    )
}

fn foreign(path: &Path, found: &[u8], edited: Edited) -> Finding {
    let hint = "keep resources of your own in a kustomization elsewhere that lists this folder";
    if !found.starts_with(MARK.as_bytes()) {
        return in_the_way(path).hint(format!("{hint}; then remove this one"));
    }
    let what = format!("`{}` was edited after InfraFlux had written it", path.display());
    let (severity, message) = match edited {
        Edited::Overwrite => {
            (Severity::Warning, format!("{what}; the edit is lost when it is written again"))
        }
        Edited::Refuse => (Severity::Error, what),
    };
    Finding::new(&codes::EDITED, severity, message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_clusters_in_order() {
        let clusters: BTreeSet<String> = ["prod", "lab", "on", "1e3"].map(str::to_owned).into();
        let bytes = render(&clusters);
        insta::assert_snapshot!(String::from_utf8_lossy(&bytes), @r"
        # Written by infraflux: every cluster in this folder, and nothing else.
        # To add resources of your own, write a kustomization elsewhere that lists this folder.
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        resources:
          - ./1e3
          - ./lab
          - ./on
          - ./prod
        ");
        assert!(is_ours(&bytes) && is_ours(&render(&BTreeSet::new())));
        assert!(!is_ours(b"") && !is_ours(&[bytes.as_slice(), b"  - other.yaml\n"].concat()));
    }
}
