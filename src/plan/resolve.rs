//! From a merged plan to a [`ResolvedCluster`]: every default decided, everything that makes rendering impossible found.

mod bundles;
mod machines;
mod versions;

pub use bundles::COMMON_VARIABLES;

use std::sync::Arc;

use serde_json::Value;

use super::{
    cluster_plan::{ClusterPlanSpec, Provider},
    constraints,
    origin::Origins,
    resolved::{ResolvedCluster, ResolvedEndpoint, ResolvedGitOps, ResolvedNetwork, ResolvedTalos},
    schematic::Schematic,
};
use crate::{
    catalog::{Index, descriptor::Descriptor, profile::Profile},
    finding::{Code, Finding, Findings, codes, suggest},
    yaml::{Origin, pointer::FieldPath, typed},
};

/// A plan whose layers are merged, on its way to a [`ResolvedCluster`].
#[derive(Debug, Clone)]
pub struct MergedPlan {
    /// The cluster's name, as written.
    pub name: String,
    /// Where the name stands in the plan: `metadata.name`, or a fleet's `spec.clusters[3].name`.
    pub name_location: Option<crate::yaml::Location>,
    /// `Kind/name` of the plan.
    pub plan: String,
    /// The merged tree, with `spec` at its root.
    pub origins: Origins,
}

/// Decides every default of a cluster. Remarks and warnings come with the cluster, errors instead of it.
pub fn resolve(plan: &MergedPlan, index: &Index) -> Result<(ResolvedCluster, Findings), Findings> {
    let mut resolver = Resolver { plan, index, findings: Findings::new() };
    let cluster = resolver.cluster();
    match cluster {
        Some(cluster) if !resolver.findings.has_errors() => Ok((cluster, resolver.findings)),
        _ => Err(resolver.findings),
    }
}

struct Resolver<'plan> {
    plan: &'plan MergedPlan,
    index: &'plan Index,
    findings: Findings,
}

/// The path of a field of the plan.
fn field(path: &str) -> FieldPath {
    FieldPath::of(path.split('.'))
}

impl Resolver<'_> {
    fn cluster(&mut self) -> Option<ResolvedCluster> {
        let plan = self.plan;
        let spec = self.typed()?;
        let Some(provider) = spec.provider else {
            self.findings.push(
                Finding::error(&codes::PLAN_MISSING, "the plan names no provider")
                    .field(field("spec.provider"))
                    .at(self.plan_place())
                    .hint("set `spec.provider` (or `--provider`) to `aws`, `azure`, `gcp` or `proxmox`"),
            );
            return None;
        };
        self.foreign_blocks(&spec, provider);
        let profile_name = spec.profile.clone().unwrap_or_default();
        let profile = self.profile(&profile_name);
        let descriptor = self.index.descriptor(provider);
        let descriptor = self.take(descriptor);
        let named = self.name(descriptor.as_deref());
        let (profile, descriptor) = (profile?, descriptor?);
        let kubernetes = self.kubernetes(&spec, &profile);
        let talos_version = self.talos_version(&spec, &profile);
        let control_plane = self.control_plane(&spec, provider, &descriptor, &profile);
        let pools = self.pools(&spec, provider, &descriptor);
        // Names of domains and buckets are made from the cluster's, so a wrong one would be told many times.
        let bundles = if named { self.bundles(&spec, provider, kubernetes.as_ref()) } else { None };
        let namespace = self.namespace(&spec);
        let (kubernetes, talos_version, control_plane, pools, bundles, namespace) =
            (kubernetes?, talos_version?, control_plane?, pools?, bundles?, namespace?);
        let addons = spec.addons.clone().unwrap_or_default();
        let cilium = addons.cilium.filter(|cilium| cilium.enabled != Some(false));
        let gateway = addons.gateway.filter(|gateway| gateway.enabled != Some(false));
        let cloud_provider = addons.cloud_provider.filter(|cloud| cloud.enabled != Some(false));
        let schematic = self.schematic(&spec, &descriptor, &bundles, &pools, provider);
        let talos = spec.talos.clone().unwrap_or_default();
        let block = self.block(provider);
        let region = spec.region.clone().unwrap_or_default();
        if region.is_empty() {
            self.findings.push(
                Finding::error(&codes::PLAN_MISSING, "the plan names no region")
                    .field(field("spec.region"))
                    .at(self.plan_place())
                    .hint("set `spec.region` or `--region`"),
            );
        }
        self.api_port(&spec, provider, &descriptor);
        let network = Self::network(&spec);
        let schedulable_control_plane =
            spec.control_plane.as_ref().and_then(|machines| machines.schedulable).unwrap_or(pools.is_empty());
        let gitops = gitops(&spec);
        Some(ResolvedCluster {
            name: plan.name.clone(),
            name_location: plan.name_location.clone(),
            plan: plan.plan.clone(),
            namespace,
            provider,
            descriptor,
            profile,
            region,
            kubernetes,
            talos: ResolvedTalos {
                version: talos_version,
                schematic,
                image_factory: talos.image_factory.unwrap_or_default(),
                secure_boot: talos.secure_boot.unwrap_or(false),
            },
            network,
            control_plane,
            schedulable_control_plane,
            pools,
            cilium,
            gateway,
            cloud_provider,
            bundles,
            gitops,
            variables: spec.variables.clone().unwrap_or_default(),
            block,
            spec,
            origins: plan.origins.clone(),
        })
    }

    /// Takes the value out of a result, and its findings over.
    fn take<Type>(&mut self, result: Result<Type, Findings>) -> Option<Type> {
        result.map_err(|findings| self.findings.extend(findings)).ok()
    }

    fn error(&mut self, code: &'static Code, path: &FieldPath, message: String, hint: impl Into<String>) {
        let finding =
            Finding::error(code, message).field(path.clone()).at(self.plan.origins.location(path)).hint(hint);
        self.findings.push(finding);
    }

    fn typed(&mut self) -> Option<ClusterPlanSpec> {
        let origins = &self.plan.origins;
        let path = field("spec");
        let node = origins.node(&path)?;
        let spec = typed::from_node(node, &path, origins.sources(), &codes::PLAN_SCHEMA);
        let limits = constraints::check(node, &path, origins.sources());
        let mut wrong = match spec {
            Ok(spec) if limits.is_empty() => return Some(spec),
            Ok(_) => Findings::new(),
            Err(mistakes) => mistakes,
        };
        // What is of the wrong type is not out of its limits as well.
        let told: Vec<Option<FieldPath>> = wrong.iter().map(|finding| finding.field.clone()).collect();
        wrong.extend(limits.into_iter().filter(|finding| !told.contains(&finding.field)));
        self.findings.extend(wrong.by_place());
        None
    }

    /// Where something belongs that the plan lacks: its `spec`, else its name. Nobody can add a line to a flag or to a default.
    fn plan_place(&self) -> Option<crate::yaml::Location> {
        let spec = self.plan.origins.written(&field("spec"));
        spec.or_else(|| self.plan.name_location.clone()).filter(|place| place.origin() != Origin::Flag)
    }

    fn foreign_blocks(&mut self, spec: &ClusterPlanSpec, provider: Provider) {
        let given = [
            (Provider::Aws, spec.aws.is_some()),
            (Provider::Azure, spec.azure.is_some()),
            (Provider::Gcp, spec.gcp.is_some()),
            (Provider::Proxmox, spec.proxmox.is_some()),
        ];
        for (other, _) in given.into_iter().filter(|(other, given)| *given && *other != provider) {
            let path = field("spec").key(other.as_str());
            let origins = &self.plan.origins;
            let key = origins.root().key_place(&["spec", other.as_str()]);
            let location = key.and_then(|place| origins.sources().locate(place));
            self.findings.push(
                Finding::error(
                    &codes::PLAN_FOREIGN_BLOCK,
                    format!("the plan is for `{provider}` and has a block `{other}`"),
                )
                .field(path)
                .at(location)
                .hint(format!("remove the block, or set `provider: {other}`")),
            );
        }
    }

    fn profile(&mut self, name: &str) -> Option<Arc<Profile>> {
        let names = self.index.profile_names();
        if !names.iter().any(|known| known == name) {
            let hint = suggest::hint(name, names.iter().map(String::as_str)).unwrap_or_default();
            let path = field("spec.profile");
            self.error(&codes::PLAN_UNKNOWN_NAME, &path, format!("there is no profile `{name}`"), hint);
            return None;
        }
        let profile = self.index.profile(name);
        self.take(profile)
    }

    fn name(&mut self, descriptor: Option<&Descriptor>) -> bool {
        let name = &self.plan.name;
        let limit = descriptor.and_then(|descriptor| descriptor.max_name_length).unwrap_or(32).min(32);
        let problem = if name.is_empty() {
            Some("a cluster needs a name".to_owned())
        } else if !is_dns_label(name) {
            Some(format!("`{name}` is not a DNS label"))
        } else if name.len() > limit {
            Some(format!("the name `{name}` has {} characters, at most {limit} are possible", name.len()))
        } else if name == "management" {
            Some("`management` is reserved for the files of `infraflux init`".to_owned())
        } else if descriptor.is_some_and(|descriptor| descriptor.name_starts_with_letter)
            && !name.starts_with(|first: char| first.is_ascii_lowercase())
        {
            Some(format!("the name `{name}` must start with a letter on this provider"))
        } else if descriptor.is_some_and(|descriptor| descriptor.name_single_hyphens) && name.contains("--") {
            Some(format!(
                "the name `{name}` has two hyphens in a row, which this provider's tags cannot have"
            ))
        } else {
            None
        };
        let Some(problem) = problem else { return true };
        let hint = if problem.contains("start with a letter") {
            format!("begin it with a letter, for instance `c{name}`")
        } else if problem.contains("reserved") {
            "give the cluster another name".to_owned()
        } else {
            "use lower-case letters, digits and `-`, at most 32 characters (Cilium's limit), beginning and ending with a \
             letter or digit"
                .to_owned()
        };
        self.findings.push(
            Finding::error(&codes::PLAN_NAME, problem)
                .field(field("metadata.name"))
                .at(self.plan.name_location.clone())
                .hint(hint),
        );
        false
    }

    fn namespace(&mut self, spec: &ClusterPlanSpec) -> Option<String> {
        let namespace = spec.namespace.clone().unwrap_or_else(|| self.plan.name.clone());
        if spec.namespace.is_some() && !is_dns_label(&namespace) {
            self.error(
                &codes::PLAN_NAME,
                &field("spec.namespace"),
                format!("`{namespace}` is not a DNS label"),
                "use lower-case letters, digits and `-`, at most 63 characters",
            );
            return None;
        }
        Some(namespace)
    }

    /// Load balancers that reach the machines on the port that they listen on themselves; Talos' API server has 6443.
    ///
    /// Source: kubernetes-sigs/cluster-api-provider-aws pkg/cloud/services/elb/loadbalancer.go;
    /// kubernetes-sigs/cluster-api-provider-azure azure/services/loadbalancers/spec.go
    fn api_port(&mut self, spec: &ClusterPlanSpec, provider: Provider, descriptor: &Descriptor) {
        let port = spec.network.as_ref().and_then(|network| network.endpoint.as_ref()?.port);
        if let Some(port) = port.filter(|port| *port != 6443)
            && matches!(provider, Provider::Aws | Provider::Azure)
        {
            self.error(
                &codes::PLAN_NOT_OFFERED,
                &field("spec.network.endpoint.port"),
                format!(
                    "the load balancer of {} passes port {port} on as it is, and the API server listens on 6443",
                    descriptor.title
                ),
                "leave the port out",
            );
        }
    }

    fn network(spec: &ClusterPlanSpec) -> ResolvedNetwork {
        let network = spec.network.clone().unwrap_or_default();
        let endpoint = network.endpoint.and_then(|endpoint| {
            let port = endpoint.port.unwrap_or(6443);
            endpoint.host.map(|host| ResolvedEndpoint { host, port })
        });
        ResolvedNetwork {
            pod_cidrs: network.pod_cidrs.unwrap_or_default(),
            service_cidrs: network.service_cidrs.unwrap_or_default(),
            service_domain: network.service_domain.unwrap_or_default(),
            endpoint,
            management_cidrs: network.management_cidrs.unwrap_or_default(),
            node_cidrs: network.node_cidrs.unwrap_or_default(),
        }
    }

    /// The extensions and kernel arguments of the cluster's one image, sorted: their order decides the schematic's id, and
    /// a plan written in another order must not replace machines.
    fn schematic(
        &mut self,
        spec: &ClusterPlanSpec,
        descriptor: &Descriptor,
        bundles: &[super::resolved::ResolvedBundle],
        pools: &[super::resolved::Machines],
        provider: Provider,
    ) -> Schematic {
        let talos = spec.talos.clone().unwrap_or_default();
        let mut extensions = talos.extensions.unwrap_or_default();
        extensions.extend(descriptor.talos_extensions.iter().cloned());
        for bundle in bundles {
            for extension in &bundle.bundle.spec.talos_extensions {
                if extension.providers.as_ref().is_none_or(|providers| providers.contains(&provider)) {
                    extensions.push(extension.name.clone());
                }
            }
        }
        let has_driver = extensions.iter().any(|name| name.contains("/nvidia-"));
        if pools.iter().any(|pool| pool.gpu.is_some()) && !has_driver {
            // The bundle `gpu` or the plan names a branch already; two in one image do not work. siderolabs/docs talos-guides/configuration/nvidia-gpu: the open kernel modules and the container toolkit.
            extensions.push("siderolabs/nvidia-open-gpu-kernel-modules-production".to_owned());
            extensions.push("siderolabs/nvidia-container-toolkit-production".to_owned());
        }
        extensions.sort();
        extensions.dedup();
        let mut extra_kernel_args = descriptor.extra_kernel_args.clone();
        extra_kernel_args.extend(talos.extra_kernel_args.unwrap_or_default());
        let schematic = Schematic { extensions, extra_kernel_args };
        let uncertain: Vec<String> = schematic.uncertain().into_iter().map(str::to_owned).collect();
        for text in uncertain {
            let path = if schematic.extensions.contains(&text) {
                field("spec.talos.extensions")
            } else {
                field("spec.talos.extraKernelArgs")
            };
            self.error(
                &codes::PLAN_SCHEMATIC,
                &path,
                format!("`{text}` cannot be part of a schematic whose id is computed offline"),
                "its spelling in the Image Factory's canonical YAML is not known for sure; leave it out, or make the \
                 image at the factory and give it in the provider's block",
            );
        }
        schematic
    }

    fn block(&self, provider: Provider) -> Value {
        self.plan
            .origins
            .node(&field("spec").key(provider.as_str()))
            .map_or_else(|| Value::Object(serde_json::Map::new()), crate::yaml::Node::to_value)
    }
}

fn gitops(spec: &ClusterPlanSpec) -> ResolvedGitOps {
    let gitops = spec.gitops.clone().unwrap_or_default();
    let source = gitops.source_ref.unwrap_or_default();
    let path = gitops.path.unwrap_or_default();
    let trimmed = path.trim_start_matches("./").trim_matches('/');
    ResolvedGitOps {
        source_kind: source.kind.unwrap_or_default(),
        source_name: source.name.unwrap_or_default(),
        source_namespace: source.namespace.unwrap_or_default(),
        path: if trimmed.is_empty() { ".".to_owned() } else { format!("./{trimmed}") },
        interval: gitops.interval.unwrap_or_default(),
        retry_interval: gitops.retry_interval.unwrap_or_default(),
        decryption_secret: gitops.decryption_secret,
        shard: gitops.shard,
    }
}

/// Whether a name is a DNS label: 1 to 63 of `a-z`, `0-9` and `-`, with a letter or digit at both ends.
#[must_use]
pub fn is_dns_label(name: &str) -> bool {
    let ends =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.len() <= 63
        && ends(name.as_bytes().first())
        && ends(name.as_bytes().last())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
