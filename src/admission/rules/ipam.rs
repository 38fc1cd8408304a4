//! The in-cluster IPAM provider.

use std::net::IpAddr;

use serde_json::Value;

use crate::{finding::codes, yaml::pointer::FieldPath};

use super::{
    Context, Kind, Rule, Violation,
    address::{self, Range},
    field,
};

const GROUP: &str = "ipam.cluster.x-k8s.io";
const POOLS: &[Kind] = &[Kind::new(GROUP, "InClusterIPPool"), Kind::new(GROUP, "GlobalInClusterIPPool")];

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "ipam/pool",
        code: &codes::ADDRESS_FORM,
        kinds: POOLS,
        meaning: "A pool has addresses of one family, all in the network that the first of them has with the prefix; gateway \
                  and excluded addresses are of that family.",
        source: "kubernetes-sigs/cluster-api-ipam-provider-in-cluster internal/webhooks/inclusterippool.go",
        check: pool,
    },
    Rule {
        name: "ipam/pool-shrunk",
        code: &codes::FIELD_CHANGED,
        kinds: POOLS,
        meaning: "Addresses that are in use are not taken out of a pool; the webhook refuses the change.",
        source: "kubernetes-sigs/cluster-api-ipam-provider-in-cluster internal/webhooks/inclusterippool.go",
        check: shrunk,
    },
];

fn pool(context: &Context<'_>) -> Vec<Violation> {
    match context.object.at("spec") {
        Some(spec) => pool_problems(context, &FieldPath::of(["spec"]), spec),
        None => Vec::new(),
    }
}

/// What is wrong with the addresses, prefix, gateway and exclusions at a path.
pub(super) fn pool_problems(context: &Context<'_>, base: &FieldPath, spec: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    let path = |key: &str| base.key(key);
    let ranges = read(context, &path("addresses"), spec, "addresses", &mut found);
    if field::list(spec, "addresses").is_empty() {
        found.push(
            context
                .error(path("addresses"), "the pool has no addresses")
                .hint("list addresses, ranges `first-last` or CIDR blocks"),
        );
    }
    let excluded = read(context, &path("excludedAddresses"), spec, "excludedAddresses", &mut found);
    let family = ranges.first().map(|(_, range)| range.is_ipv4());
    for (key, list) in [("addresses", &ranges), ("excludedAddresses", &excluded)] {
        if let Some((index, range)) =
            list.iter().find(|(_, range)| Some(range.is_ipv4()) != family && family.is_some())
        {
            found.push(
                context
                    .error(
                        path(key).index(*index),
                        format!("`{range}` is of the other IP family than the pool"),
                    )
                    .hint("make one pool for IPv4 and one for IPv6"),
            );
        }
    }
    if let Some(text) = field::text(spec, "gateway") {
        match text.parse::<IpAddr>() {
            Err(_) => found.push(
                context
                    .error(path("gateway"), format!("the gateway `{text}` is not an IP address"))
                    .hint("give the address of the router, without a prefix"),
            ),
            Ok(gateway) if family.is_some_and(|ipv4| ipv4 != gateway.is_ipv4()) => found.push(
                context
                    .error(
                        path("gateway"),
                        format!("the gateway `{text}` is of the other IP family than the pool"),
                    )
                    .hint("give a gateway of the pool's own family"),
            ),
            Ok(_) => {}
        }
    }
    let (Some((_, first)), Some(length)) = (ranges.first(), field::integer(spec, "prefix")) else {
        return found;
    };
    if !found.is_empty() {
        return found;
    }
    // The webhook takes the network of the lowest address.
    let lowest = ranges.iter().map(|(_, range)| range.first()).min().unwrap_or(first.first());
    let Some(network) = u32::try_from(length).ok().and_then(|length| address::prefix(lowest, length)) else {
        found.push(
            context
                .error(path("prefix"), format!("a prefix of {length} is not possible for `{lowest}`"))
                .hint("give the length of the network's prefix, such as 24"),
        );
        return found;
    };
    for (index, range) in &ranges {
        if !network.covers(*range) {
            found.push(
                context
                    .error(
                        path("addresses").index(*index),
                        format!("`{range}` is not in the network `{}/{length}` of the pool", network.first()),
                    )
                    .hint("use addresses of one subnet, or a smaller `prefix`"),
            );
        }
    }
    found
}

fn read(
    context: &Context<'_>,
    path: &FieldPath,
    spec: &Value,
    key: &str,
    found: &mut Vec<Violation>,
) -> Vec<(usize, Range)> {
    let mut ranges = Vec::new();
    for (index, text) in field::texts(spec, key) {
        match address::pool_entry(text) {
            Some(range) => ranges.push((index, range)),
            None => found.push(
                context
                    .error(path.index(index), format!("`{text}` is not an address, a range or a CIDR block"))
                    .hint("write `192.0.2.10`, `192.0.2.10-192.0.2.20` or `192.0.2.0/28`"),
            ),
        }
    }
    ranges
}

/// The addresses that a pool gives to machines: those listed, without exclusions, gateway, and the first and last of
/// the network unless reserved ones are allowed.
///
/// Source: kubernetes-sigs/cluster-api-ipam-provider-in-cluster internal/poolutil/pool.go, PoolSpecToIPSet
pub(super) fn usable(spec: &Value) -> u128 {
    let read = |key: &str| -> Vec<Range> {
        field::texts(spec, key).filter_map(|(_, text)| address::pool_entry(text)).collect()
    };
    let ranges = read("addresses");
    let mut taken = read("excludedAddresses");
    taken.extend(field::text(spec, "gateway").and_then(address::pool_entry));
    let lowest = ranges.iter().map(|range| range.first()).min();
    let length = field::integer(spec, "prefix").and_then(|length| u32::try_from(length).ok());
    if let (Some(lowest), Some(length)) = (lowest, length)
        && !field::flag(spec, "allocateReservedIPAddresses")
        && let Some(network) = address::prefix(lowest, length)
    {
        taken.extend(address::prefix(network.first(), if network.is_ipv4() { 32 } else { 128 }));
        taken.extend(address::prefix(network.last(), 32).filter(|_| network.is_ipv4()));
    }
    address::count(&ranges, &taken)
}

fn shrunk(context: &Context<'_>) -> Vec<Violation> {
    let (Some(old), Some(new)) =
        (context.previous.and_then(|previous| previous.at("spec")), context.object.at("spec"))
    else {
        return Vec::new();
    };
    let ranges = |spec: &Value, key: &str| -> Vec<Range> {
        field::texts(spec, key).filter_map(|(_, text)| address::pool_entry(text)).collect()
    };
    let (before, now) = (ranges(old, "addresses"), ranges(new, "addresses"));
    let lost = address::count(&before, &now) > 0
        || ranges(new, "excludedAddresses").iter().any(|range| {
            !ranges(old, "excludedAddresses").iter().any(|old| old.covers(*range))
                && before.iter().any(|before| before.overlaps(*range))
        });
    if !lost {
        return Vec::new();
    }
    vec![
        context
            .warning(
                "spec.addresses",
                "addresses were taken out of the pool; if one of them is in use, the change is refused",
            )
            .hint("check the IPAddress objects of the pool first"),
    ]
}
