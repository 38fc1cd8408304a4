//! A set of objects with its relations: who refers to whom, and which machines run Talos.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Externals, field,
    talos::config::{MachineConfig, PatchTexts, Role},
};
use crate::admission::{Object, Objects};

pub(super) const CORE: &str = "cluster.x-k8s.io";
pub(super) const INFRASTRUCTURE: &str = "infrastructure.cluster.x-k8s.io";
pub(super) const BOOTSTRAP: &str = "bootstrap.cluster.x-k8s.io";
pub(super) const CONTROL_PLANE: &str = "controlplane.cluster.x-k8s.io";

/// Group, kind, namespace and name.
pub(super) type Identity<'set> = (&'set str, &'set str, Option<&'set str>, &'set str);

/// The identity of an object.
pub(super) fn identity(object: &Object) -> Identity<'_> {
    (object.group(), &object.id.kind, object.id.namespace.as_deref(), &object.id.name)
}

/// Machines that are made from one template: those of a control plane or of one pool.
pub(super) struct Machines<'set> {
    /// The control plane, MachineDeployment, MachineSet, MachinePool or Machine.
    pub(super) owner: &'set Object,
    /// What they are.
    pub(super) role: Role,
    /// Whether they run Talos.
    pub(super) talos: bool,
    /// The name of their cluster, where it stands in the object.
    cluster: Option<&'set str>,
    template: Option<Identity<'set>>,
    config: Option<usize>,
}

impl Machines<'_> {
    /// How many of them there may be at once, without those of a rollout.
    pub(super) fn most(&self) -> u64 {
        self.limit(super::core::MAX_SIZE)
    }

    /// How many of them there are at least: the autoscaler's minimum.
    pub(super) fn fewest(&self) -> u64 {
        self.limit(super::core::MIN_SIZE)
    }

    fn limit(&self, annotation: &str) -> u64 {
        let annotations = self.owner.value.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let limit = annotations
            .and_then(|annotations| annotations.get(annotation))
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok());
        let replicas = field::integer(&self.owner.value, "spec.replicas")
            .and_then(|replicas| u64::try_from(replicas).ok());
        limit.or(replicas).unwrap_or(1)
    }
}

/// A checked set of objects, with indexes.
pub struct Set<'set> {
    pub(super) externals: &'set Externals,
    by_identity: HashMap<Identity<'set>, Vec<&'set Object>>,
    by_kind: HashMap<(&'set str, &'set str), Vec<&'set Object>>,
    by_home: HashMap<(&'set str, &'set str, Option<&'set str>), Vec<&'set Object>>,
    by_name: HashMap<&'set str, Vec<&'set Object>>,
    before: HashMap<Identity<'set>, &'set Object>,
    configs: Vec<MachineConfig<'set>>,
    configs_of: HashMap<Identity<'set>, Vec<usize>>,
    machines: Vec<Machines<'set>>,
    machines_of: HashMap<Identity<'set>, Vec<usize>>,
    clusters_of: HashMap<Identity<'set>, Vec<&'set Object>>,
    machines_in: HashMap<(Option<&'set str>, &'set str), Vec<usize>>,
}

impl<'set> Set<'set> {
    /// Indexes a set. `previous` and `externals` are those of [`super::check`].
    #[must_use]
    pub fn new(objects: &'set Objects, previous: &'set Objects, externals: &'set Externals) -> Self {
        let objects: Vec<&Object> = objects.iter().collect();
        Self::index(&objects, previous, externals, &mut PatchTexts::default())
    }

    /// Indexes parts of a set, which may overlap. Each is made when it is asked for, so that only one is there at a time.
    pub fn of_views(
        views: impl Iterator<Item = Vec<&'set Object>>,
        previous: &'set Objects,
        externals: &'set Externals,
    ) -> impl Iterator<Item = Self> {
        let mut texts = PatchTexts::default();
        views.map(move |objects| Self::index(&objects, previous, externals, &mut texts))
    }

    fn index(
        objects: &[&'set Object],
        previous: &'set Objects,
        externals: &'set Externals,
        texts: &mut PatchTexts<'set>,
    ) -> Self {
        let mut set = Self {
            externals,
            by_identity: HashMap::with_capacity(objects.len()),
            by_kind: HashMap::new(),
            by_home: HashMap::new(),
            by_name: HashMap::with_capacity(objects.len()),
            before: previous.iter().map(|object| (identity(object), object)).collect(),
            configs: Vec::new(),
            configs_of: HashMap::new(),
            machines: Vec::new(),
            machines_of: HashMap::new(),
            clusters_of: HashMap::new(),
            machines_in: HashMap::new(),
        };
        for object in objects.iter().copied() {
            set.by_identity.entry(identity(object)).or_default().push(object);
            set.by_kind.entry((object.group(), &object.id.kind)).or_default().push(object);
            let home = (object.group(), &*object.id.kind, object.id.namespace.as_deref());
            set.by_home.entry(home).or_default().push(object);
            set.by_name.entry(&object.id.name).or_default().push(object);
            for config in MachineConfig::of(object, texts) {
                set.configs_of.entry(identity(object)).or_default().push(set.configs.len());
                set.configs.push(config);
            }
        }
        for cluster in objects.iter().copied().filter(|object| object.is(CORE, "Cluster")) {
            for path in ["spec.controlPlaneRef", "spec.infrastructureRef"] {
                let namespace = cluster.id.namespace.as_deref();
                if let Some(target) = cluster.at(path).and_then(|reference| target(reference, namespace)) {
                    set.clusters_of.entry(target).or_default().push(cluster);
                }
            }
        }
        for object in objects.iter().copied() {
            let Some(machines) = set.read_machines(object) else { continue };
            let index = set.machines.len();
            if let Some(template) = machines.template {
                set.machines_of.entry(template).or_default().push(index);
            }
            if let Some(cluster) = machines.cluster {
                set.machines_in.entry((object.id.namespace.as_deref(), cluster)).or_default().push(index);
            }
            set.machines.push(machines);
        }
        set
    }

    fn read_machines(&self, object: &'set Object) -> Option<Machines<'set>> {
        let namespace = object.id.namespace.as_deref();
        let configs =
            |identity: Identity<'set>| self.configs_of.get(&identity).and_then(|list| list.first().copied());
        if object.group() == CONTROL_PLANE && object.id.kind.ends_with("ControlPlane") {
            let reference = ["spec.infrastructureTemplate", "spec.machineTemplate.spec.infrastructureRef"]
                .into_iter()
                .find_map(|path| object.at(path));
            return Some(Machines {
                owner: object,
                role: Role::ControlPlane,
                talos: object.id.kind == "TalosControlPlane",
                cluster: self.clusters_of(object).first().map(|cluster| &*cluster.id.name),
                template: reference.and_then(|reference| target(reference, namespace)),
                config: configs(identity(object)),
            });
        }
        if object.group() != CORE {
            return None;
        }
        let spec = match &*object.id.kind {
            "MachineDeployment" | "MachineSet" | "MachinePool" => object.at("spec.template.spec")?,
            "Machine" => object.at("spec")?,
            _ => return None,
        };
        let bootstrap = field::at(spec, "bootstrap.configRef");
        Some(Machines {
            owner: object,
            role: Role::Worker,
            talos: bootstrap.is_some_and(|reference| {
                field::text(reference, "kind").is_some_and(|kind| kind.starts_with("TalosConfig"))
            }),
            cluster: object.text("spec.clusterName"),
            template: field::at(spec, "infrastructureRef").and_then(|reference| target(reference, namespace)),
            config: bootstrap.and_then(|reference| target(reference, namespace)).and_then(configs),
        })
    }

    /// The objects with an identity; more than one if it is given twice.
    pub(super) fn with_identity(&self, identity: Identity<'set>) -> &[&'set Object] {
        self.by_identity.get(&identity).map(Vec::as_slice).unwrap_or_default()
    }

    /// The object of a group, kind, namespace and name.
    pub(super) fn find<'key>(
        &self,
        group: &'key str,
        kind: &'key str,
        namespace: Option<&'key str>,
        name: &'key str,
    ) -> Option<&'set Object>
    where
        'set: 'key,
    {
        let identity: Identity<'key> = (group, kind, namespace, name);
        // The map's keys live longer than the question, so the question's lifetime is enough to ask with.
        let index: &HashMap<Identity<'key>, Vec<&'set Object>> = &self.by_identity;
        index.get(&identity)?.first().copied()
    }

    /// All objects of a kind.
    pub(super) fn of<'this>(&'this self, group: &'this str, kind: &'this str) -> &'this [&'set Object] {
        let index: &HashMap<(&'this str, &'this str), Vec<&'set Object>> = &self.by_kind;
        index.get(&(group, kind)).map(Vec::as_slice).unwrap_or_default()
    }

    /// All objects of a kind in a namespace.
    pub(super) fn of_in<'this>(
        &'this self,
        group: &'this str,
        kind: &'this str,
        namespace: Option<&'this str>,
    ) -> &'this [&'set Object] {
        let index: &HashMap<(&'this str, &'this str, Option<&'this str>), Vec<&'set Object>> = &self.by_home;
        index.get(&(group, kind, namespace)).map(Vec::as_slice).unwrap_or_default()
    }

    /// All objects of a name, whatever they are.
    pub(super) fn named<'this>(&'this self, name: &'this str) -> &'this [&'set Object] {
        let index: &HashMap<&'this str, Vec<&'set Object>> = &self.by_name;
        index.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The object of the same identity in the render before this one.
    pub(super) fn previous(&self, object: &'set Object) -> Option<&'set Object> {
        self.before.get(&identity(object)).copied()
    }

    /// The object of the same kind and name that the render before this one had in another namespace, if it is there no
    /// more and this one is new.
    pub(super) fn only_before(&self, object: &'set Object) -> Option<&'set Object> {
        if self.previous(object).is_some() {
            return None;
        }
        let (group, kind, _, name) = identity(object);
        let mut elsewhere: Vec<&'set Object> = self
            .before
            .iter()
            .filter(|(before, _)| (before.0, before.1, before.3) == (group, kind, name))
            .filter(|(before, _)| !self.by_identity.contains_key(*before))
            .map(|(_, object)| *object)
            .collect();
        elsewhere.sort_by(|left, right| left.id.namespace.cmp(&right.id.namespace));
        elsewhere.first().copied()
    }

    /// The machine configurations in an object.
    pub(super) fn configs(&self, object: &'set Object) -> impl Iterator<Item = &MachineConfig<'set>> {
        self.configs_of
            .get(&identity(object))
            .into_iter()
            .flatten()
            .filter_map(|index| self.configs.get(*index))
    }

    /// The machines that are made from a template.
    pub(super) fn machines_of(&self, template: &'set Object) -> impl Iterator<Item = &Machines<'set>> {
        self.machines_of
            .get(&identity(template))
            .into_iter()
            .flatten()
            .filter_map(|index| self.machines.get(*index))
    }

    /// Those machines of a template that run Talos.
    pub(super) fn talos_machines_of(&self, template: &'set Object) -> impl Iterator<Item = &Machines<'set>> {
        self.machines_of(template).filter(|machines| machines.talos)
    }

    /// The Clusters that name this object as their control plane or infrastructure.
    pub(super) fn clusters_of(&self, part: &'set Object) -> &[&'set Object] {
        self.clusters_of.get(&identity(part)).map(Vec::as_slice).unwrap_or_default()
    }

    /// The Clusters that name the object of an identity, in the order given.
    pub(super) fn clusters_sharing(&self, part: Identity<'set>) -> &[&'set Object] {
        self.clusters_of.get(&part).map(Vec::as_slice).unwrap_or_default()
    }

    /// The machines of a Cluster, its control plane first.
    pub(super) fn machines_in(&self, cluster: &'set Object) -> Vec<&Machines<'set>> {
        let mut machines: Vec<_> = self
            .machines_in
            .get(&(cluster.id.namespace.as_deref(), &*cluster.id.name))
            .into_iter()
            .flatten()
            .filter_map(|index| self.machines.get(*index))
            .collect();
        machines.sort_by_key(|machines| machines.role != Role::ControlPlane);
        machines
    }

    /// The control plane object of a Cluster.
    pub(super) fn control_plane(&self, cluster: &'set Object) -> Option<&'set Object> {
        let reference = cluster.at("spec.controlPlaneRef")?;
        let identity = target(reference, cluster.id.namespace.as_deref())?;
        self.with_identity(identity).first().copied()
    }

    /// The infrastructure object of a Cluster.
    pub(super) fn infrastructure(&self, cluster: &'set Object) -> Option<&'set Object> {
        let reference = cluster.at("spec.infrastructureRef")?;
        let identity = target(reference, cluster.id.namespace.as_deref())?;
        self.with_identity(identity).first().copied()
    }

    /// The Cluster that some machines belong to.
    pub(super) fn cluster(&self, machines: &Machines<'set>) -> Option<&'set Object> {
        match machines.role {
            Role::ControlPlane => self.clusters_of(machines.owner).first().copied(),
            Role::Worker => {
                self.find(CORE, "Cluster", machines.owner.id.namespace.as_deref(), machines.cluster?)
            }
        }
    }

    /// The template that some machines are made from.
    pub(super) fn template(&self, machines: &Machines<'set>) -> Option<&'set Object> {
        self.with_identity(machines.template?).first().copied()
    }

    /// The Talos configuration of some machines.
    pub(super) fn config(&self, machines: &Machines<'set>) -> Option<&MachineConfig<'set>> {
        self.configs.get(machines.config?)
    }

    /// The Clusters with a Talos control plane whose infrastructure is this object.
    pub(super) fn talos_clusters_of(
        &self,
        infrastructure: &'set Object,
    ) -> impl Iterator<Item = (&'set Object, &'set Object)> {
        self.clusters_of(infrastructure).iter().filter_map(|cluster| {
            let control_plane = self.control_plane(cluster)?;
            control_plane.is(CONTROL_PLANE, "TalosControlPlane").then_some((*cluster, control_plane))
        })
    }
}

/// Where a reference points, in either of Cluster API's forms.
pub(super) fn target<'set>(reference: &'set Value, namespace: Option<&'set str>) -> Option<Identity<'set>> {
    let group = field::text(reference, "apiGroup").or_else(|| {
        Some(field::text(reference, "apiVersion")?.rsplit_once('/').map_or("", |(group, _)| group))
    })?;
    let namespace = field::text(reference, "namespace").or(namespace);
    Some((group, field::text(reference, "kind")?, namespace, field::text(reference, "name")?))
}
