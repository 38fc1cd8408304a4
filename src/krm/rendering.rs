//! The engine of the program behind the doors of kustomize and kpt.

use super::engine::{Engine as Doors, Rendered, RenderedItem, Request};
use crate::{
    engine::{self, Engine},
    finding::Findings,
    plan,
};

impl Doors for Engine {
    fn render(&self, request: Request<'_>) -> Rendered {
        let plans = plan::read::Request {
            sources: request.sources.clone(),
            documents: request.configs.iter().map(|config| config.node.clone()).collect(),
            ..plan::read::Request::default()
        };
        let outcome = self.run(plans);
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
