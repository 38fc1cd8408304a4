//! Fleets of small clusters.

use std::fmt::Write as _;

/// What the clusters of a fleet differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clusters {
    /// Name and addresses.
    Alike,
    /// Also the domain under which their services are found, and the size of their pool.
    #[allow(dead_code, reason = "not every benchmark asks")]
    Different,
}

/// The plan of a fleet with recipes and a gateway.
#[must_use]
pub fn fleet(clusters: usize, kind: Clusters) -> String {
    let mut out = String::from(
        "apiVersion: infraflux.io/v1alpha1\nkind: FleetPlan\nmetadata: {name: fleet}\nspec:\n  defaults:\n    provider: proxmox\n    region: home\n    network: {managementCIDRs: [198.51.100.0/24], podCIDRs: [172.16.0.0/16], serviceCIDRs: [172.20.0.0/16]}\n    proxmox: {dnsServers: [192.0.2.3], gateway: 10.0.0.1, prefix: 8}\n  clusters:\n",
    );
    for number in 0..clusters {
        let (high, low) = (number / 250 + 1, number % 250);
        let own = match kind {
            Clusters::Alike => String::new(),
            Clusters::Different => format!(
                ", recipes: [{{name: base, variables: {{cluster_domain: d{number}.example.org}}}}], workers: [{{name: default, replicas: {}}}]",
                2 + number % 10
            ),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "    - {{name: c{number}, network: {{endpoint: {{host: 10.{high}.{low}.10}}}}, proxmox: {{addresses: [10.{high}.{low}.20-10.{high}.{low}.60]}}{own}}}"
        );
    }
    out
}
