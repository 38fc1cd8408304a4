//! Who may use a cloud identity; AWS and Azure say it alike.

use crate::{admission::Object, finding::suggest};

use super::{Context, Violation, field};

/// Whether an identity lets the namespace of the object under check use it.
///
/// An absent `allowedNamespaces` allows none, an empty one all. What a selector matches depends on the labels of
/// namespaces, which a set need not have, so a selector is trusted.
/// Source: kubernetes-sigs/cluster-api-provider-aws pkg/cloud/scope/session.go (isClusterPermittedToUsePrincipal),
/// kubernetes-sigs/cluster-api-provider-azure azure/scope/identity.go (IsClusterNamespaceAllowed)
pub(super) fn may_use(context: &Context<'_>, identity: &Object, path: &str) -> Vec<Violation> {
    let namespace = context.object.id.namespace.as_deref().unwrap_or_default();
    let fault = match identity.at("spec.allowedNamespaces") {
        None => "lets no namespace use it, it has no `allowedNamespaces`".to_owned(),
        Some(allowed) => {
            let list: Vec<&str> = field::texts(allowed, "list").map(|(_, name)| name).collect();
            let selects = field::given(allowed, "selector");
            if selects || list.contains(&namespace) || !field::given(allowed, "list") {
                return Vec::new();
            }
            format!("may be used from {}, not from `{namespace}`", suggest::list(&list, "and"))
        }
    };
    vec![context.error(path, format!("the identity `{}` {fault}", identity.id.name)).hint(format!(
        "add `{namespace}` to `spec.allowedNamespaces.list` of the {}; `allowedNamespaces: {{}}` allows all",
        identity.id.kind
    ))]
}
