//! What becomes of each item: the part that is the same for a ResourceList and for a stream of documents.

use std::collections::{BTreeMap, HashMap};

use super::{
    annotate,
    engine::{Config, ConfigKind, Engine, Rendered, RenderedItem, Request},
    item::{INDEX, INDEX_LEGACY, Item, KUSTOMIZE_ID, PATH, PATH_LEGACY, PLAN, object_key},
    numbering::Numbering,
    reply::{Changes, Fate},
    resource_list::FunctionConfig,
};
use crate::{
    finding::{Finding, Findings, ObjectRef, codes, suggest},
    yaml::{Limits, Node, Place, Sources, pointer::FieldPath},
};

/// How items are handed over, which decides what new ones look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Entries of a ResourceList in YAML, with path and index.
    List,
    /// Entries of a ResourceList in JSON, with path and index.
    JsonList,
    /// Documents of a stream.
    Stream,
}

/// What came in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'run> {
    pub(super) sources: &'run Sources,
    pub(super) config: &'run FunctionConfig,
    pub(super) items: &'run [Item],
    pub(super) form: Form,
    pub(super) limits: Limits,
}

/// What goes out.
#[derive(Debug)]
pub(super) struct Outcome {
    /// With an error among them, nothing changes.
    pub(super) findings: Findings,
    pub(super) changes: Changes,
}

/// Renders or checks what the input asks for.
pub(super) fn exchange(input: Input<'_>, engine: &dyn Engine) -> Outcome {
    let mut findings = Findings::new();
    warn_of_plans_that_would_be_applied(input, &mut findings);
    let changes = match task(input, &mut findings) {
        Ok(Task::Nothing) => None,
        Ok(Task::Admit { config, clears }) => {
            findings.extend(engine.admit(request(input, std::slice::from_ref(&config))));
            clears.then(|| Changes::clear(input.items.len()))
        }
        Ok(Task::Render { configs, from_items }) => {
            let mut rendered = engine.render(request(input, &configs));
            findings.extend(std::mem::take(&mut rendered.findings));
            if from_items {
                report_left_behind(input, &rendered.plans, &mut findings);
            }
            if findings.has_errors() {
                None
            } else {
                match replace(input, &rendered) {
                    Ok(changes) => Some(changes),
                    Err(errors) => {
                        findings.extend(errors);
                        None
                    }
                }
            }
        }
        Err(errors) => {
            findings.extend(errors);
            None
        }
    };
    let unchanged = || Changes::none(input.items.len());
    let changes = if findings.has_errors() { unchanged() } else { changes.unwrap_or_else(unchanged) };
    Outcome { findings, changes }
}

fn request<'run>(input: Input<'run>, configs: &'run [Config]) -> Request<'run> {
    Request { sources: input.sources, configs, items: input.items }
}

enum Task {
    Nothing,
    Render { configs: Vec<Config>, from_items: bool },
    Admit { config: Config, clears: bool },
}

fn task(input: Input<'_>, findings: &mut Findings) -> Result<Task, Findings> {
    if let FunctionConfig::Unreadable(findings) = input.config {
        return Err(findings.clone());
    }
    if let FunctionConfig::Object { id, node } = input.config {
        let Some(kind) = ConfigKind::of(id) else {
            return Err(unknown_kind(input.sources, id, node).into());
        };
        let config = Config { kind, id: id.clone(), node: node.clone() };
        return Ok(if kind == ConfigKind::Admission {
            let clears = emits_nothing(input.sources, &config)?;
            Task::Admit { config, clears }
        } else {
            Task::Render { configs: vec![config], from_items: false }
        });
    }
    let mut configs = Vec::new();
    let mut errors = Findings::new();
    for item in input.items {
        match ConfigKind::of(&item.id) {
            Some(kind) if kind.is_plan() => match item.node(input.sources, input.limits) {
                Ok(node) => configs.push(Config { kind, id: item.id.clone(), node }),
                Err(more) => errors.extend(more),
            },
            None if is_of_our_group(&item.id) && item.id.kind != "Bundle" => {
                findings.push(unknown_plan(input.sources, item));
            }
            _ => {}
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if configs.is_empty() {
        findings.push(
            Finding::warning(&codes::NOTHING_TO_RENDER, "there is no plan, so nothing was rendered").hint(
                "give a ClusterPlan or FleetPlan as functionConfig, `-- provider=... name=...` with kpt, \
                 or put a plan among the resources",
            ),
        );
        report_left_behind(input, &[], findings);
        return Ok(Task::Nothing);
    }
    Ok(Task::Render { configs, from_items: true })
}

fn is_of_our_group(id: &ObjectRef) -> bool {
    object_key(id).0 == "infraflux.io"
}

const KINDS: [&str; 3] = ["ClusterPlan", "FleetPlan", "Admission"];

fn unknown_kind(sources: &Sources, id: &ObjectRef, node: &Node) -> Finding {
    let place = |key| node.get(key).map_or(node.place, |value| value.place);
    let known = "a functionConfig is a ClusterPlan, FleetPlan or Admission of `infraflux.io/v1alpha1`, or a `v1` ConfigMap";
    if KINDS.contains(&id.kind.as_str()) {
        return Finding::error(
            &codes::UNKNOWN_CONFIG_KIND,
            format!("`{}` is not of apiVersion `{}`", id.kind, id.api_version),
        )
        .at(sources.locate(place("apiVersion")))
        .field(FieldPath::of(["apiVersion"]))
        .hint(format!("write `apiVersion: {}`", ConfigKind::API_VERSION));
    }
    let near = suggest::nearest(&id.kind, KINDS);
    let hint = match near.first() {
        Some(kind) => format!("did you mean `{kind}` of `{}`?", ConfigKind::API_VERSION),
        None => known.to_owned(),
    };
    let message = if id.kind.is_empty() {
        "the functionConfig has no `kind`".to_owned()
    } else {
        format!("a functionConfig of kind `{}` is not known", id.kind)
    };
    Finding::error(&codes::UNKNOWN_CONFIG_KIND, message)
        .at(sources.locate(place("kind")))
        .field(FieldPath::of(["kind"]))
        .hint(hint)
}

fn unknown_plan(sources: &Sources, item: &Item) -> Finding {
    let hint = if KINDS.contains(&item.id.kind.as_str()) {
        Some(format!("write `apiVersion: {}`", ConfigKind::API_VERSION))
    } else {
        suggest::hint(&item.id.kind, KINDS)
    };
    Finding::warning(
        &codes::UNKNOWN_PLAN_KIND,
        format!("`{}` of `{}` is not known, nothing is rendered from it", item.id.kind, item.id.api_version),
    )
    .at(sources.locate(item.place()))
    .object(item.id.clone())
    .hint(hint.unwrap_or_default())
}

/// Reads `spec.emit` of an Admission: whether no item is to come back.
fn emits_nothing(sources: &Sources, config: &Config) -> Result<bool, Findings> {
    let Some(emit) = config.node.at(["spec", "emit"]) else { return Ok(false) };
    match emit.as_str() {
        Some("none") => Ok(true),
        Some("items") => Ok(false),
        other => Err(Finding::error(
            &codes::UNKNOWN_EMIT,
            format!(
                "`spec.emit` is {}",
                other.map_or(emit.data.kind().to_owned(), |text| format!("`{text}`"))
            ),
        )
        .at(sources.locate(emit.place))
        .object(config.id.clone())
        .field(FieldPath::of(["spec", "emit"]))
        .hint("write `items` (the default) or `none`, which is for `validators` of kustomize")
        .into()),
    }
}

fn warn_of_plans_that_would_be_applied(input: Input<'_>, findings: &mut Findings) {
    for item in input.items {
        // kpt hands over whole packages, where a plan without the mark is nothing odd; kustomize only what it builds.
        let is_plan = ConfigKind::of(&item.id).is_some_and(ConfigKind::is_plan);
        if is_plan && item.mark(KUSTOMIZE_ID).is_some() && !item.is_local_config() {
            findings.push(
                Finding::warning(
                    &codes::PLAN_NOT_LOCAL,
                    format!("the plan `{}` lies among the resources and would be applied", item.id.name),
                )
                .at(input.sources.locate(item.place()))
                .object(item.id.clone())
                .hint("add the annotation `config.kubernetes.io/local-config: \"true\"` to it"),
            );
        }
    }
}

fn report_left_behind(input: Input<'_>, plans: &[String], findings: &mut Findings) {
    let mut counts: BTreeMap<&str, (usize, Place)> = BTreeMap::new();
    for item in input.items {
        if let Some(plan) = item.mark(PLAN)
            && !plans.iter().any(|known| known == plan)
        {
            counts.entry(plan).or_insert((0, item.place())).0 += 1;
        }
    }
    for (plan, (count, first)) in counts {
        let items = if count == 1 { "1 item was".to_owned() } else { format!("{count} items were") };
        findings.push(
            Finding::warning(
                &codes::LEFT_BEHIND,
                format!(
                    "{items} rendered from the plan `{plan}`, which is not here; nothing was done to them"
                ),
            )
            .at(input.sources.locate(first))
            .hint("delete them if the plan is gone for good"),
        );
    }
}

/// Matches what was rendered with what came in.
fn replace(input: Input<'_>, rendered: &Rendered) -> Result<Changes, Findings> {
    let mut errors = Findings::new();
    let mut new: HashMap<(&str, &str, &str, &str), usize> = HashMap::with_capacity(rendered.items.len());
    for (position, item) in rendered.items.iter().enumerate() {
        if new.insert(object_key(&item.id), position).is_some() {
            errors.push(
                Finding::error(&codes::OBJECT_EXISTS, format!("{} is rendered twice", item.id))
                    .object(item.id.clone())
                    .hint("two plans or templates make the same object; give one another name or namespace"),
            );
        }
        if let Some(problem) = path_problem(&item.path) {
            errors.push(
                Finding::error(
                    &codes::BAD_ITEM_PATH,
                    format!("the path `{}` of a rendered item {problem}", item.path),
                )
                .object(item.id.clone())
                .hint("paths are relative to the package, with slashes, and stay inside it"),
            );
        }
    }

    // For each rendered item, the earlier one that it replaces.
    let mut earlier: Vec<Option<usize>> = vec![None; rendered.items.len()];
    let mut fates = vec![Fate::Keep; input.items.len()];
    for (position, item) in input.items.iter().enumerate() {
        let is_own = item.mark(PLAN).is_some_and(|plan| rendered.plans.iter().any(|known| known == plan));
        match (new.get(&object_key(&item.id)), is_own) {
            (Some(target), true) if earlier[*target].is_none() => earlier[*target] = Some(position),
            (_, true) => fates[position] = Fate::Drop,
            (Some(_), false) => errors.push(object_exists(input.sources, item)),
            (None, false) => {}
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }

    let mut numbering = Numbering::default();
    if input.form != Form::Stream {
        for (item, fate) in input.items.iter().zip(&fates) {
            if *fate == Fate::Keep {
                numbering.occupy(item);
            }
        }
    }
    let mut append = Vec::new();
    for (item, earlier) in rendered.items.iter().zip(&earlier) {
        let old = earlier.map(|position| &input.items[position]);
        match write(item, old, &mut numbering, input.form) {
            Ok(text) => match earlier {
                Some(position) => fates[*position] = Fate::Replace(text),
                None => append.push(text),
            },
            Err(more) => errors.extend(more.into_iter().map(|finding| finding.object(item.id.clone()))),
        }
    }
    if errors.is_empty() { Ok(Changes { fates, append }) } else { Err(errors) }
}

fn object_exists(sources: &Sources, item: &Item) -> Finding {
    let message = match item.mark(PLAN) {
        Some(plan) => format!("{} is already there, from the plan `{plan}`", item.id),
        None => format!("{} is already there and was not rendered by this plan", item.id),
    };
    Finding::error(&codes::OBJECT_EXISTS, message)
        .at(sources.locate(item.place()))
        .object(item.id.clone())
        .hint("remove it, or give the cluster another name or namespace")
}

/// What clients have against a path, if anything.
fn path_problem(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("is empty");
    }
    if path.starts_with('/') {
        return Some("is not relative");
    }
    if path.contains('\\') || path.chars().any(char::is_control) {
        return Some("has a character that is not for file names");
    }
    path.split('/').any(|part| matches!(part, "" | "." | "..")).then_some("has an empty part, `.` or `..`")
}

/// The annotations of an earlier item that a client wants to see again.
fn is_kept(key: &str) -> bool {
    key.starts_with("internal.config.kubernetes.io/")
        || matches!(key, PATH_LEGACY | INDEX_LEGACY | KUSTOMIZE_ID | "config.k8s.io/id")
}

fn write(
    item: &RenderedItem,
    old: Option<&Item>,
    numbering: &mut Numbering,
    form: Form,
) -> Result<String, Findings> {
    let mut annotations: BTreeMap<&str, &str> = BTreeMap::new();
    annotations.insert(PLAN, &item.plan);
    for (key, value) in old.iter().flat_map(|old| &old.marks) {
        if is_kept(key) {
            annotations.entry(key).or_insert(value);
        }
    }
    let index;
    if form != Form::Stream {
        // Both spellings, and where a client set only one, the other says the same.
        let path = old.and_then(Item::path).unwrap_or(&item.path);
        index = match old.and_then(|old| old.mark(INDEX).or_else(|| old.mark(INDEX_LEGACY))) {
            Some(index) => index.to_owned(),
            None => numbering.next(path).to_string(),
        };
        for key in [PATH, PATH_LEGACY] {
            annotations.entry(key).or_insert(path);
        }
        for key in [INDEX, INDEX_LEGACY] {
            annotations.entry(key).or_insert(&index);
        }
    }
    let annotations: Vec<(&str, &str)> = annotations.into_iter().collect();
    let text = annotate::annotate(&item.text, &annotations)?;
    if form == Form::JsonList { annotate::to_json(&text) } else { Ok(text) }
}
