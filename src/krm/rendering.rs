//! The engine of the program behind the doors of kustomize and kpt.

use std::collections::BTreeMap;

use super::{
    engine::{Engine as Doors, Rendered, RenderedItem, Request},
    item,
};
use crate::{
    admission::{
        Object, Objects,
        rendered::{Before, Previous},
    },
    engine::{self, Engine},
    finding::Findings,
    plan,
    render::RenderedCluster,
    yaml::Limits,
};

/// What an earlier call made, by plan and namespace: kpt hands a function its own output.
struct Items<'run>(BTreeMap<(&'run str, &'run str), Objects>);

impl<'run> Items<'run> {
    fn of(request: Request<'run>) -> Self {
        let mut by_home: BTreeMap<(&str, &str), Vec<Object>> = BTreeMap::new();
        for own in request.items {
            let Some(plan) = own.mark(item::PLAN) else { continue };
            // An item that cannot be read passes through as it is, and there is nothing to compare.
            if let Ok(node) = own.node(request.sources, Limits::STREAM) {
                // The Namespace itself belongs to the namespace that it makes.
                let namespace = own.id.namespace.as_deref().unwrap_or(&own.id.name);
                by_home.entry((plan, namespace)).or_default().push(Object::new(node.to_value()));
            }
        }
        Self(by_home.into_iter().map(|(home, objects)| (home, objects.into_iter().collect())).collect())
    }
}

impl Previous for Items<'_> {
    fn of(&self, cluster: &RenderedCluster, _: &mut Findings) -> Before {
        self.0
            .get(&(&*cluster.cluster.plan, &*cluster.cluster.namespace))
            .map_or(Before::Nothing, |objects| Before::Objects(objects.clone()))
    }
}

impl Doors for Engine {
    fn render(&self, request: Request<'_>) -> Rendered {
        let plans = plan::read::Request {
            sources: request.sources.clone(),
            documents: request.configs.iter().map(|config| config.node.clone()).collect(),
            ..plan::read::Request::default()
        };
        let outcome = self.run_after(plans, &Items::of(request));
        let items = outcome
            .clusters
            .iter()
            .flat_map(|cluster| {
                cluster.documents().map(|(path, document)| RenderedItem {
                    id: document.id.clone(),
                    plan: cluster.cluster.plan.clone(),
                    path: format!("{}/{path}", cluster.name),
                    text: document.text.clone(),
                })
            })
            .collect();
        Rendered { items, plans: engine::plans_of(&outcome.clusters), findings: outcome.findings }
    }

    fn admit(&self, request: Request<'_>) -> Findings {
        let _ = request;
        Findings::new()
    }
}
