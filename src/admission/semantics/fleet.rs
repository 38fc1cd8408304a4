//! Clusters beside each other: what only one of them may have.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
};

use serde_json::Value;

use super::{
    addresses::{self, Use},
    place, spec,
};
use crate::{
    admission::rules::address::{self, Range},
    finding::{Finding, Findings, Severity, codes},
    plan::{Provider, resolved::ResolvedCluster},
    render::library::PLAN_ANNOTATION,
    yaml::{Location, pointer::FieldPath},
};

/// The annotation of a Cluster that holds its region.
const REGION_ANNOTATION: &str = "infraflux.io/region";

/// The variable with the addresses of load balancers (`clusters/cilium/`).
const BALANCERS_VARIABLE: &str = "lb_pool_blocks";

/// A cluster that is not rendered now, by what it claims: one that lies in `out/` or runs on the hub.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Neighbour {
    /// Its name.
    pub name: String,
    /// Its hub namespace.
    pub namespace: String,
    /// The host of its API endpoint.
    pub endpoint: Option<String>,
    /// Addresses that its machines take: addresses, ranges or networks.
    pub addresses: Vec<String>,
    /// The networks that its machines are in, where the cluster brings them (VPC, VNet, subnet).
    pub networks: Vec<String>,
    /// Addresses that its load balancers take.
    pub balancers: Vec<String>,
    /// First and last VM id.
    pub vm_ids: Option<(i64, i64)>,
    /// Its region, which tells Proxmox clusters apart.
    pub region: Option<String>,
    /// The plan that it was rendered from, `Kind/name`.
    pub plan: Option<String>,
    /// Where its Cluster object stands, if it was read from a file.
    pub location: Option<Location>,
}

impl Neighbour {
    /// What a cluster's rendered objects claim; `None` when there is no Cluster API `Cluster` among them.
    #[must_use]
    pub fn of(objects: &[Value]) -> Option<Self> {
        let kind = |kind: &str| objects.iter().find(|object| object["kind"] == kind);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let cluster = kind("Cluster")?;
        let mut out = Self {
            name: text(&cluster["metadata"]["name"])?,
            namespace: text(&cluster["metadata"]["namespace"]).unwrap_or_default(),
            region: text(&cluster["metadata"]["annotations"][REGION_ANNOTATION]),
            plan: text(&cluster["metadata"]["annotations"][PLAN_ANNOTATION]),
            ..Self::default()
        };
        let list = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(text).collect()
        };
        if let Some(proxmox) = kind("ProxmoxCluster") {
            out.endpoint = text(&proxmox["spec"]["controlPlaneEndpoint"]["host"]);
            out.addresses = list(&proxmox["spec"]["ipv4Config"]["addresses"]);
            out.addresses.extend(list(&proxmox["spec"]["ipv6Config"]["addresses"]));
        }
        if let Some(aws) = kind("AWSCluster") {
            out.networks.extend(text(&aws["spec"]["network"]["vpc"]["cidrBlock"]));
            out.endpoint = text(&aws["spec"]["controlPlaneEndpoint"]["host"]);
        }
        if let Some(azure) = kind("AzureCluster") {
            out.networks = list(&azure["spec"]["networkSpec"]["vnet"]["cidrBlocks"]);
            out.endpoint = text(&azure["spec"]["controlPlaneEndpoint"]["host"]);
        }
        if let Some(gcp) = kind("GCPCluster") {
            let subnets = gcp["spec"]["network"]["subnets"].as_array();
            out.networks =
                subnets.into_iter().flatten().filter_map(|subnet| text(&subnet["cidrBlock"])).collect();
            out.endpoint = text(&gcp["spec"]["controlPlaneEndpoint"]["host"]);
        }
        for object in objects.iter().filter(|object| object["kind"] == "Kustomization") {
            out.balancers.extend(balancers(&object["spec"]["postBuild"]["substitute"][BALANCERS_VARIABLE]));
        }
        let ids =
            kind("ProxmoxMachineTemplate").map(|template| &template["spec"]["template"]["spec"]["vmIDRange"]);
        out.vm_ids = ids.and_then(|ids| Some((ids["start"].as_i64()?, ids["end"].as_i64()?)));
        Some(out)
    }
}

/// The blocks of a CiliumLoadBalancerIPPool, as its variable holds them: JSON in a text.
fn balancers(value: &Value) -> Vec<String> {
    let blocks: Vec<Value> =
        value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    blocks
        .iter()
        .filter_map(|block| match (block["cidr"].as_str(), block["start"].as_str(), block["stop"].as_str()) {
            (Some(cidr), ..) => Some(cidr.to_owned()),
            (None, Some(start), Some(stop)) => Some(format!("{start}-{stop}")),
            _ => None,
        })
        .collect()
}

/// Who claims something, and where that is written.
#[derive(Clone)]
struct Owner {
    name: String,
    field: FieldPath,
    location: Option<Location>,
    /// It is not rendered now.
    beside: bool,
    /// Nobody wrote the value: it is an example or a default.
    unwritten: bool,
}

impl Owner {
    fn of(cluster: &ResolvedCluster, field: FieldPath) -> Self {
        Self {
            name: cluster.name.clone(),
            location: place(cluster, &field),
            beside: false,
            unwritten: cluster.origins.written(&field).is_none(),
            field,
        }
    }

    fn beside(other: &Neighbour) -> Self {
        Self {
            name: other.name.clone(),
            field: FieldPath::root(),
            location: other.location.clone(),
            beside: true,
            unwritten: false,
        }
    }

    /// Whether a clash with another one is worth telling. An example is to be replaced anyway, and says so itself.
    fn may_clash(&self, other: &Self) -> bool {
        match (self.beside, other.beside) {
            (true, true) => false,
            (true, false) => !other.unwritten,
            (false, true) => !self.unwritten,
            (false, false) => true,
        }
    }
}

/// A run of addresses, or of numbers as addresses of IPv6.
struct Claim {
    owner: Owner,
    what: &'static str,
    text: String,
    range: Range,
}

/// Clusters that a fleet's plan does not name any more, and whose files are still there to be applied.
fn left_over(clusters: &[ResolvedCluster], others: &[&Neighbour], findings: &mut Findings) {
    let fleets: BTreeSet<&str> =
        clusters.iter().map(|cluster| &*cluster.plan).filter(|plan| plan.starts_with("FleetPlan/")).collect();
    for other in others {
        let Some(plan) = other.plan.as_deref().filter(|plan| fleets.contains(plan)) else { continue };
        findings.push(
            Finding::warning(
                &codes::FLEET_LEFT_OVER,
                format!("`{}` is not in `{plan}` any more, and its files still are in the output folder", other.name),
            )
            .at(other.location.clone())
            .hint(format!(
                "`infraflux destroy --name {} --remove` writes the order in which a cluster goes and takes its files out; \
                 if it has a plan of its own now, render that",
                other.name
            )),
        );
    }
}

pub(super) fn check(clusters: &[ResolvedCluster], others: &[Neighbour]) -> Findings {
    // A cluster that is rendered now replaces its own earlier self.
    let names: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    let others: Vec<&Neighbour> =
        others.iter().filter(|other| !names.contains(&other.name.as_str())).collect();
    if clusters.len() + others.len() < 2 {
        return Findings::new();
    }
    let mut findings = Findings::new();
    left_over(clusters, &others, &mut findings);
    unique(clusters, &others, &mut findings);
    let mut pools = Vec::new();
    let mut networks = Vec::new();
    let mut ids: BTreeMap<String, Vec<Claim>> = BTreeMap::new();
    for cluster in clusters {
        collect(cluster, &mut pools, &mut networks, &mut ids);
    }
    for other in &others {
        collect_beside(other, &mut pools, &mut networks, &mut ids);
    }
    for (one, two) in overlaps(&mut pools) {
        // Equal endpoints have a finding of their own.
        let told = one.what == Use::Endpoint.words() && two.what == one.what;
        if told || !one.owner.may_clash(&two.owner) {
            continue;
        }
        findings.push(clash(
            Severity::Error,
            two,
            one,
            &format!(
                "{} `{}` of `{}` and {} `{}` of `{}` overlap",
                two.what, two.text, two.owner.name, one.what, one.text, one.owner.name
            ),
            "give each cluster addresses of its own",
        ));
    }
    for (one, two) in overlaps(&mut networks) {
        findings.push(clash(
            Severity::Warning,
            two,
            one,
            &format!(
                "`{}` and `{}` have overlapping machine networks, {} and {}",
                two.owner.name, one.owner.name, two.text, one.text
            ),
            "choose different networks if the two are ever connected (peering, VPN, one hub for both)",
        ));
    }
    for claims in ids.values_mut() {
        for (one, two) in overlaps(claims) {
            let mut finding = clash(
                Severity::Error,
                two,
                one,
                &format!(
                    "the VM ids {} of `{}` overlap {} of `{}`",
                    two.text, two.owner.name, one.text, one.owner.name
                ),
                "give each cluster of one Proxmox cluster a range of its own; clusters elsewhere differ in `spec.region`",
            );
            finding.code = &codes::VM_IDS;
            findings.push(finding);
        }
    }
    mesh(clusters, &mut findings);
    findings
}

fn clash(severity: Severity, later: &Claim, earlier: &Claim, message: &str, hint: &str) -> Finding {
    // What is rendered now can be changed now.
    let (here, there) = if later.owner.beside { (earlier, later) } else { (later, earlier) };
    Finding::new(&codes::FLEET_CLASH, severity, message)
        .field(here.owner.field.clone())
        .at(here.owner.location.clone())
        .related(format!("{} of `{}`", there.what, there.owner.name), there.owner.location.clone())
        .hint(hint)
}

/// Names, namespaces, endpoints: equal ones.
fn unique(clusters: &[ResolvedCluster], others: &[&Neighbour], findings: &mut Findings) {
    type Seen = HashMap<String, Owner>;
    let (mut names, mut namespaces, mut endpoints): (Seen, Seen, Seen) = Default::default();
    for other in others {
        names.insert(other.name.clone(), Owner::beside(other));
        namespaces.insert(other.namespace.clone(), Owner::beside(other));
        if let Some(endpoint) = &other.endpoint {
            endpoints.insert(canonical(endpoint), Owner::beside(other));
        }
    }
    for cluster in clusters {
        let owner = |field: FieldPath| {
            let mut owner = Owner::of(cluster, field);
            owner.location = owner.location.or_else(|| cluster.name_location.clone());
            owner
        };
        let name = FieldPath::of(["metadata", "name"]);
        let mut claim =
            |seen: &mut Seen, key: String, field: FieldPath, message: &dyn Fn(&str) -> String, hint: &str| {
                let mine = owner(field);
                if let Some(first) = seen.get(&key) {
                    let label = format!("`{}` has it already", first.name);
                    findings.push(
                        Finding::error(&codes::FLEET_CLASH, message(&first.name))
                            .field(mine.field.clone())
                            .at(mine.location)
                            .related(label, first.location.clone())
                            .hint(hint),
                    );
                    return true;
                }
                seen.insert(key, mine);
                false
            };
        let twice = claim(
            &mut names,
            cluster.name.clone(),
            name.clone(),
            &|_| format!("two clusters are called `{}`", cluster.name),
            "give each cluster a name of its own; it is also the folder in `out/`",
        );
        if twice {
            // Everything else would be reported too.
            continue;
        }
        let field = if cluster.spec.namespace.is_some() { spec("namespace") } else { name };
        claim(
            &mut namespaces,
            cluster.namespace.clone(),
            field,
            &|first| {
                format!("`{}` and `{first}` share the hub namespace `{}`", cluster.name, cluster.namespace)
            },
            "give each cluster a namespace of its own; left out, it has the cluster's name",
        );
        if let Some(endpoint) = &cluster.network.endpoint {
            let key = canonical(&endpoint.host);
            let mine = Owner::of(cluster, spec("network.endpoint.host"));
            if endpoints.get(&key).is_some_and(|first| !first.may_clash(&mine)) {
                continue;
            }
            claim(
                &mut endpoints,
                key,
                spec("network.endpoint.host"),
                &|first| {
                    format!("`{}` and `{first}` have the same API endpoint `{}`", cluster.name, endpoint.host)
                },
                "give each cluster an endpoint of its own",
            );
        }
    }
}

/// Two spellings of one address are one host.
fn canonical(host: &str) -> String {
    host.parse::<IpAddr>().map_or_else(|_| host.to_ascii_lowercase(), |address| address.to_string())
}

fn collect(
    cluster: &ResolvedCluster,
    pools: &mut Vec<Claim>,
    networks: &mut Vec<Claim>,
    ids: &mut BTreeMap<String, Vec<Claim>>,
) {
    for claim in addresses::claims(cluster) {
        let into = match claim.purpose {
            Use::Pool | Use::LoadBalancers | Use::Endpoint => &mut *pools,
            // The network behind a gateway is shared by all clusters in it.
            Use::MachineNetwork if cluster.provider != Provider::Proxmox => &mut *networks,
            _ => continue,
        };
        into.push(Claim {
            owner: Owner::of(cluster, claim.path),
            what: claim.purpose.words(),
            text: claim.text,
            range: claim.range,
        });
    }
    let range = cluster.spec.proxmox.as_ref().and_then(|proxmox| proxmox.vm_id_range.as_ref());
    if let Some(range) = range {
        let owner = Owner::of(cluster, spec("proxmox.vmIDRange"));
        ids.entry(cluster.region.clone()).or_default().extend(id_claim(owner, range.start, range.end));
    }
}

fn collect_beside(
    other: &Neighbour,
    pools: &mut Vec<Claim>,
    networks: &mut Vec<Claim>,
    ids: &mut BTreeMap<String, Vec<Claim>>,
) {
    let owner = || Owner::beside(other);
    let add = |into: &mut Vec<Claim>, what: &'static str, text: &String| {
        if let Some(range) = address::pool_entry(text) {
            into.push(Claim { owner: owner(), what, text: text.clone(), range });
        }
    };
    for text in &other.addresses {
        add(pools, Use::Pool.words(), text);
    }
    for text in &other.balancers {
        add(pools, Use::LoadBalancers.words(), text);
    }
    if let Some(endpoint) = &other.endpoint {
        add(pools, Use::Endpoint.words(), endpoint);
    }
    for text in &other.networks {
        add(networks, Use::MachineNetwork.words(), text);
    }
    if let (Some((start, end)), Some(region)) = (other.vm_ids, &other.region) {
        ids.entry(region.clone()).or_default().extend(id_claim(owner(), start, end));
    }
}

/// Ids as a range, so that one sweep serves both.
fn id_claim(owner: Owner, start: i64, end: i64) -> Option<Claim> {
    let number = |id: i64| u32::try_from(id).ok().map(|id| IpAddr::V4(id.into()));
    let range = address::pool_entry(&format!("{}-{}", number(start)?, number(end)?))?;
    Some(Claim { owner, what: "the VM ids", text: format!("{start}-{end}"), range })
}

/// Pairs of claims of different clusters that share something, one for each later claim: sorted by their beginning, the
/// earlier claim that reaches farthest is the one that a later one can overlap.
fn overlaps(claims: &mut [Claim]) -> Vec<(&Claim, &Claim)> {
    // Stable: of equal beginnings the plan's order decides.
    claims.sort_by_key(|claim| claim.range.first());
    let mut farthest: Vec<usize> = Vec::new();
    let mut out = Vec::new();
    for (position, claim) in claims.iter().enumerate() {
        // Two clusters are enough to remember: the claim that reaches farthest, and the farthest of another cluster; two
        // of those that are rendered and two of those beside them, which are not compared with each other.
        let earlier = farthest.iter().map(|index| &claims[*index]).find(|other| {
            other.owner.name != claim.owner.name
                && !(other.owner.beside && claim.owner.beside)
                && other.range.overlaps(claim.range)
        });
        if let Some(earlier) = earlier {
            out.push((earlier, claim));
        }
        farthest.push(position);
        farthest.sort_by(|left, right| claims[*right].range.last().cmp(&claims[*left].range.last()));
        let mut kept: Vec<usize> = Vec::new();
        for index in farthest.drain(..) {
            let owner = &claims[index].owner;
            let alike = kept.iter().filter(|one| claims[**one].owner.beside == owner.beside).count();
            if alike < 2 && !kept.iter().any(|one| claims[*one].owner.name == owner.name) {
                kept.push(index);
            }
        }
        farthest = kept;
    }
    out
}

/// Clusters of a mesh: numbers differ, and so do pod networks.
///
/// Source: cilium/cilium Documentation/network/clustermesh/setup.rst (prerequisites)
fn mesh(clusters: &[ResolvedCluster], findings: &mut Findings) {
    let number = |cluster: &ResolvedCluster| cluster.cilium.as_ref().and_then(|cilium| cilium.cluster_id);
    let mut seen: HashMap<i32, &ResolvedCluster> = HashMap::new();
    let mut pods: Vec<Claim> = Vec::new();
    for cluster in clusters {
        let Some(id) = number(cluster) else { continue };
        let field = spec("addons.cilium.clusterID");
        if let Some(first) = seen.get(&id) {
            findings.push(
                Finding::error(
                    &codes::FLEET_CLASH,
                    format!("`{}` and `{}` have the same mesh number {id}", cluster.name, first.name),
                )
                .field(field.clone())
                .at(place(cluster, &field))
                .related(format!("`{}` has it already", first.name), place(first, &field))
                .hint("give each cluster of the mesh a number of its own, 1 to 255"),
            );
        } else {
            seen.insert(id, cluster);
        }
        for claim in addresses::claims(cluster).into_iter().filter(|claim| claim.purpose == Use::Pods) {
            pods.push(Claim {
                owner: Owner::of(cluster, claim.path),
                what: Use::Pods.words(),
                text: claim.text,
                range: claim.range,
            });
        }
    }
    for (one, two) in overlaps(&mut pods) {
        findings.push(clash(
            Severity::Error,
            two,
            one,
            &format!(
                "`{}` and `{}` are in one mesh, and their pod networks {} and {} overlap",
                two.owner.name, one.owner.name, two.text, one.text
            ),
            "give each cluster of the mesh pod networks of its own; they cannot be changed later",
        ));
    }
}
