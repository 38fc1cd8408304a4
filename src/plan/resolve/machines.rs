//! Machines with every default decided.

use serde_json::{Value, json};

use super::{Resolver, field, is_dns_label};
use crate::{
    catalog::{descriptor::Descriptor, profile::Profile},
    finding::codes,
    plan::{
        cluster_plan::{ClusterPlanSpec, Provider},
        machines::{ControlPlane, Gpu, HealthCheck, Pool, Rollout, Spot},
        resolved::{Machines, ResolvedAutoscaling, ResolvedHealthCheck, ResolvedRollout, ResolvedSpot, Role},
    },
    yaml::pointer::FieldPath,
};

/// Virtual CPUs of a machine when a plan says nothing.
const DEFAULT_CPU: i32 = 4;
/// Memory of a machine when a plan says nothing, in GiB.
const DEFAULT_MEMORY_GIB: i32 = 8;
/// What the control plane is called among the machines: in names of its objects, and where a plan names pools.
const CONTROL_PLANE: &str = "control-plane";
/// Machines of a pool when a plan says nothing.
const DEFAULT_POOL_REPLICAS: i32 = 2;

/// A machine type, picked or given.
struct Instance {
    name: Option<String>,
    picked: bool,
    cpu: Option<i32>,
    memory_gib: Option<i32>,
    gpu_count: i32,
}

/// What a plan asks of a machine.
struct Wanted<'plan> {
    instance_type: Option<&'plan str>,
    cpu: Option<i32>,
    memory_gib: Option<i32>,
    gpu: Option<Gpu>,
}

impl Resolver<'_> {
    pub(super) fn control_plane(
        &mut self,
        spec: &ClusterPlanSpec,
        provider: Provider,
        descriptor: &Descriptor,
        profile: &Profile,
    ) -> Option<Machines> {
        let path = field("spec.controlPlane");
        let written = spec.control_plane.clone().unwrap_or_default();
        let ControlPlane { instance_type, cpu, memory_gib, .. } = &written;
        let wanted =
            Wanted { instance_type: instance_type.as_deref(), cpu: *cpu, memory_gib: *memory_gib, gpu: None };
        let instance = self.instance(&wanted, provider, &path)?;
        let replicas = written.replicas.unwrap_or(3);
        // More than two of an even number work, so they are a warning later on.
        if replicas < 1 || replicas == 2 {
            let path = path.key("replicas");
            let message = if replicas == 2 {
                "a control plane of 2 machines stops when either of them does".to_owned()
            } else {
                format!("a control plane needs machines, {replicas} is none")
            };
            self.error(
                &codes::PLAN_REPLICAS,
                &path,
                message,
                "use 3 or 5, or 1 where an outage is acceptable: etcd needs a majority of its members",
            );
        }
        if written.rollout.as_ref().is_some_and(|rollout| rollout.max_unavailable.is_some()) {
            let path = path.key("rollout").key("maxUnavailable");
            self.error(
                &codes::PLAN_NOT_OFFERED,
                &path,
                "the control-plane provider knows no `maxUnavailable`".to_owned(),
                "remove it; with `maxSurge: 0` a machine goes before its successor comes",
            );
        }
        self.zones(written.failure_domains.as_deref(), descriptor, &path);
        self.labels(written.labels.as_ref(), &path);
        // CACPPT 0.5 replaces no unhealthy machine, so a check would only mark them (issue 262 there).
        let remediates = !profile
            .spec
            .component("controlPlaneTalos")
            .is_some_and(|component| component.version.starts_with("v0.5."));
        Some(Machines {
            name: CONTROL_PLANE.to_owned(),
            role: Role::ControlPlane,
            replicas,
            autoscaling: None,
            picked: instance.picked,
            instance_type: instance.name,
            cpu: instance.cpu,
            memory_gib: instance.memory_gib,
            disk_gib: written.disk_gib.unwrap_or(descriptor.default_disk_gib),
            failure_domains: written.failure_domains.unwrap_or_default(),
            labels: written.labels.unwrap_or_default(),
            annotations: written.annotations.unwrap_or_default(),
            taints: written.taints.unwrap_or_default(),
            patches: written.patches.unwrap_or_default(),
            spot: None,
            gpu: None,
            gpu_count: 0,
            rollout: rollout(written.rollout),
            // The only machine of a control plane cannot be replaced by deleting it.
            health_check: health_check(
                written.health_check,
                remediates && replicas > 1,
                replicas,
                descriptor,
            ),
            deletion: crate::plan::machines::Deletion::default(),
            field: path,
        })
    }

    pub(super) fn pools(
        &mut self,
        spec: &ClusterPlanSpec,
        provider: Provider,
        descriptor: &Descriptor,
    ) -> Option<Vec<Machines>> {
        let default = [Pool { name: Some("default".to_owned()), ..Pool::default() }];
        let written = spec.workers.as_deref().unwrap_or(&default);
        let mut pools: Vec<Machines> = Vec::with_capacity(written.len());
        let mut whole = true;
        for (position, pool) in written.iter().enumerate() {
            let path = field("spec.workers").index(position);
            match self.pool(pool.clone(), provider, descriptor, &path) {
                Some(pool) => {
                    if pools.iter().any(|other| other.name == pool.name) {
                        let path = path.key("name");
                        self.error(
                            &codes::PLAN_NAME,
                            &path,
                            format!("there are two pools of the name `{}`", pool.name),
                            "give each pool a name of its own",
                        );
                    }
                    pools.push(pool);
                }
                None => whole = false,
            }
        }
        whole.then_some(pools)
    }

    fn pool(
        &mut self,
        written: Pool,
        provider: Provider,
        descriptor: &Descriptor,
        path: &FieldPath,
    ) -> Option<Machines> {
        let name = written.name.clone().unwrap_or_default();
        if !is_dns_label(&name) || name.len() > 20 {
            let message = if name.is_empty() {
                "this pool has no name".to_owned()
            } else {
                format!("`{name}` is not a name for a pool")
            };
            self.error(
                &codes::PLAN_NAME,
                &path.key("name"),
                message,
                "use lower-case letters, digits and `-`, at most 20 characters, beginning with a letter",
            );
            return None;
        }
        if name == CONTROL_PLANE {
            self.error(
                &codes::PLAN_NAME,
                &path.key("name"),
                format!("a pool cannot be called `{CONTROL_PLANE}`: that is what the control plane's machines are called"),
                "give it another name, for instance `workers`",
            );
            return None;
        }
        let wanted = Wanted {
            instance_type: written.instance_type.as_deref(),
            cpu: written.cpu,
            memory_gib: written.memory_gib,
            gpu: written.gpu,
        };
        if written.gpu.is_some() && !descriptor.supports.gpu {
            self.error(
                &codes::PLAN_NOT_OFFERED,
                &path.key("gpu"),
                format!("InfraFlux has no GPU machines for {}", descriptor.title),
                "leave `gpu` out; to pass a device through, use `overrides.workers` and the bundle `gpu`",
            );
        }
        let instance = self.instance(&wanted, provider, path)?;
        let autoscaling = self.autoscaling(&written, path);
        let spot = self.spot(written.spot.as_ref(), descriptor, path);
        self.zones(written.failure_domains.as_deref(), descriptor, path);
        self.labels(written.labels.as_ref(), path);
        let replicas = written.replicas.unwrap_or(DEFAULT_POOL_REPLICAS);
        let fewest = autoscaling.as_ref().map_or(replicas, |autoscaling| autoscaling.min);
        Some(Machines {
            name,
            role: Role::Worker,
            replicas,
            autoscaling,
            picked: instance.picked,
            instance_type: instance.name,
            cpu: instance.cpu,
            memory_gib: instance.memory_gib,
            disk_gib: written.disk_gib.unwrap_or(descriptor.default_disk_gib),
            failure_domains: written.failure_domains.unwrap_or_default(),
            labels: written.labels.unwrap_or_default(),
            annotations: written.annotations.unwrap_or_default(),
            taints: written.taints.unwrap_or_default(),
            patches: written.patches.unwrap_or_default(),
            spot,
            gpu: written.gpu,
            gpu_count: instance.gpu_count,
            rollout: rollout(written.rollout),
            health_check: health_check(written.health_check, true, fewest, descriptor),
            deletion: written.deletion.unwrap_or_default(),
            field: path.clone(),
        })
    }

    fn autoscaling(&mut self, written: &Pool, path: &FieldPath) -> Option<ResolvedAutoscaling> {
        let autoscaling = written.autoscaling.as_ref()?;
        if written.replicas.is_some() {
            self.error(
                &codes::PLAN_AUTOSCALING,
                &path.key("autoscaling"),
                "a pool has either `replicas` or `autoscaling`".to_owned(),
                "remove `replicas`: the autoscaler decides the number, and Flux would set it back",
            );
        }
        let (Some(min), Some(max)) = (autoscaling.min, autoscaling.max) else {
            self.error(
                &codes::PLAN_AUTOSCALING,
                &path.key("autoscaling"),
                "autoscaling needs both `min` and `max`".to_owned(),
                "give both; the autoscaler ignores a pool that has only one of them",
            );
            return None;
        };
        if min > max {
            self.error(
                &codes::PLAN_AUTOSCALING,
                &path.key("autoscaling").key("min"),
                format!("`min` is {min} and `max` is {max}"),
                "let `min` be at most `max`",
            );
        }
        Some(ResolvedAutoscaling { min, max, options: autoscaling.options.clone().unwrap_or_default() })
    }

    fn spot(
        &mut self,
        spot: Option<&Spot>,
        descriptor: &Descriptor,
        path: &FieldPath,
    ) -> Option<ResolvedSpot> {
        let max_price = match spot? {
            Spot::Switch(false) => return None,
            Spot::Switch(true) => None,
            Spot::Priced { max_price } => Some(max_price.clone()),
        };
        let path = path.key("spot");
        if !descriptor.supports.spot {
            self.error(
                &codes::PLAN_NOT_OFFERED,
                &path,
                format!("{} has no spot capacity", descriptor.title),
                "remove `spot`",
            );
        } else if max_price.is_some() && !descriptor.supports.spot_max_price {
            self.error(
                &codes::PLAN_NOT_OFFERED,
                &path,
                format!("{} takes no price limit for spot capacity", descriptor.title),
                "write `spot: true`",
            );
        }
        if let Some(price) = &max_price
            && !price.parse::<f64>().is_ok_and(|price| price.is_finite() && price > 0.0)
            && price != "-1"
        {
            self.error(
                &codes::PLAN_VALUE,
                &path.key("maxPrice"),
                format!("`{price}` is not a price"),
                "write US dollars an hour as a string, for instance \"0.10\"",
            );
        }
        Some(ResolvedSpot { max_price })
    }

    fn zones(&mut self, zones: Option<&[String]>, descriptor: &Descriptor, path: &FieldPath) {
        let Some(zones) = zones else { return };
        let path = path.key("failureDomains");
        if !descriptor.supports.failure_domains {
            self.error(
                &codes::PLAN_NOT_OFFERED,
                &path,
                format!("{} has no failure domains", descriptor.title),
                "remove `failureDomains`; spread machines with `allowedNodes`",
            );
        }
        for (position, zone) in zones.iter().enumerate() {
            if zones[..position].contains(zone) {
                self.error(
                    &codes::PLAN_VALUE,
                    &path.index(position),
                    format!("the zone `{zone}` is given twice"),
                    "name each zone once",
                );
            }
        }
    }

    fn labels(&mut self, labels: Option<&std::collections::BTreeMap<String, String>>, path: &FieldPath) {
        for (key, value) in labels.into_iter().flatten() {
            if let Some(problem) = label_problem(key, value) {
                self.error(
                    &codes::PLAN_VALUE,
                    &path.key("labels").key(key.clone()),
                    problem,
                    "a label is `name` or `prefix/name`; names and values have at most 63 letters, digits, `-`, `_`, `.`",
                );
            }
        }
    }

    fn instance(&mut self, wanted: &Wanted<'_>, provider: Provider, path: &FieldPath) -> Option<Instance> {
        let table = self.index.instances(provider);
        let table = self.take(table)?;
        let cpu = wanted.cpu.unwrap_or(DEFAULT_CPU);
        let memory_gib = wanted.memory_gib.unwrap_or(DEFAULT_MEMORY_GIB);
        let Some(table) = &*table else {
            if let Some(given) = wanted.instance_type {
                self.error(
                    &codes::PLAN_NOT_OFFERED,
                    &path.key("instanceType"),
                    format!("`{provider}` has no machine types, so `{given}` means nothing"),
                    "use `cpu`, `memoryGiB` and `diskGiB`",
                );
            }
            return Some(Instance {
                name: None,
                picked: false,
                cpu: Some(cpu),
                memory_gib: Some(memory_gib),
                gpu_count: 0,
            });
        };
        if let Some(given) = wanted.instance_type {
            if wanted.cpu.is_some() || wanted.memory_gib.is_some() {
                self.error(
                    &codes::PLAN_VALUE,
                    &path.key("instanceType"),
                    "a machine has either `instanceType`, or `cpu` and `memoryGiB`".to_owned(),
                    "remove one of the two",
                );
            }
            let known = table.find(given);
            return Some(Instance {
                name: Some(given.to_owned()),
                picked: false,
                cpu: known.map(|entry| entry.cpu),
                memory_gib: known.map(|entry| entry.memory_gib),
                gpu_count: known.map_or(i32::from(wanted.gpu.is_some()), |entry| entry.gpu_count),
            });
        }
        let Some(entry) = table.pick(cpu, memory_gib, wanted.gpu) else {
            let largest = table.largest(wanted.gpu).map_or_else(
                || "there is none at all".to_owned(),
                |entry| {
                    format!(
                        "the largest is `{}` with {} CPUs and {} GiB",
                        entry.name, entry.cpu, entry.memory_gib
                    )
                },
            );
            self.error(
                &codes::PLAN_NO_INSTANCE,
                path,
                format!(
                    "no machine type of `clusters/{provider}/instances.yaml` has {cpu} CPUs and {memory_gib} GiB{}",
                    if wanted.gpu.is_some() { " with a GPU" } else { "" }
                ),
                format!("{largest}; ask for less, or name an `instanceType`"),
            );
            return None;
        };
        Some(Instance {
            name: Some(entry.name.clone()),
            picked: true,
            cpu: Some(entry.cpu),
            memory_gib: Some(entry.memory_gib),
            gpu_count: entry.gpu_count,
        })
    }
}

fn rollout(written: Option<Rollout>) -> ResolvedRollout {
    let written = written.unwrap_or_default();
    ResolvedRollout {
        kind: written.kind.unwrap_or_default(),
        max_surge: written.max_surge.unwrap_or_else(|| json!(1)),
        max_unavailable: written.max_unavailable.unwrap_or_else(|| json!(0)),
    }
}

/// `fewest` is the least number of machines that there are.
fn health_check(
    written: Option<HealthCheck>,
    enabled: bool,
    fewest: i32,
    descriptor: &Descriptor,
) -> Option<ResolvedHealthCheck> {
    let written = written.unwrap_or_default();
    written.enabled.unwrap_or(enabled).then(|| ResolvedHealthCheck {
        node_startup_timeout_seconds: written
            .node_startup_timeout_seconds
            .unwrap_or(descriptor.node_startup_timeout_seconds),
        unhealthy_timeout_seconds: written.unhealthy_timeout_seconds.unwrap_or(300),
        unhealthy_less_than_or_equal_to: written.unhealthy_less_than_or_equal_to.unwrap_or_else(|| {
            // Cluster API rounds down: 40% of two machines is none, and nothing would ever be replaced
            // (kubernetes-sigs/cluster-api core/reconcilers/machinehealthcheck/machinehealthcheck_controller.go).
            if fewest < 3 { Value::from(1) } else { Value::from("40%") }
        }),
    })
}

/// What is wrong with a label (kubernetes/apimachinery `pkg/util/validation/validation.go`).
fn label_problem(key: &str, value: &str) -> Option<String> {
    let word = |text: &str| {
        let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        text.len() <= 63
            && ends(text.as_bytes().first())
            && ends(text.as_bytes().last())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let prefix_ok = prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_dns_label));
    if !prefix_ok || !word(name) {
        return Some(format!("`{key}` is not a label key"));
    }
    if !value.is_empty() && !word(value) {
        return Some(format!("`{value}` is not a label value"));
    }
    None
}
