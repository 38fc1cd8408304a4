//! Cluster API Provider Azure (CAPZ).

use crate::finding::codes;

use super::{Kind, Rule, machine_template, set::INFRASTRUCTURE};

mod boot;
mod changes;
mod cluster;
mod load_balancer;
mod machines;
mod network;

const CLUSTER: Kind = Kind::new(INFRASTRUCTURE, "AzureCluster");
const TEMPLATE: Kind = machine_template::AZURE;
const IDENTITY: Kind = Kind::new(INFRASTRUCTURE, "AzureClusterIdentity");

const CLUSTER_VALIDATION: &str =
    "kubernetes-sigs/cluster-api-provider-azure internal/webhooks/azurecluster_validation.go";
const MACHINE_VALIDATION: &str =
    "kubernetes-sigs/cluster-api-provider-azure internal/webhooks/azuremachine_validation.go";

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "azure/cluster-name",
        code: &codes::NAME_FORM,
        kinds: &[CLUSTER],
        meaning: "The name of an AzureCluster has 2 to 44 lower-case letters, digits and `-`.",
        source: CLUSTER_VALIDATION,
        check: cluster::name,
    },
    Rule {
        name: "azure/identity-ref",
        code: &codes::MISSING_PART,
        kinds: &[CLUSTER],
        meaning: "An AzureCluster refers to an AzureClusterIdentity.",
        source: CLUSTER_VALIDATION,
        check: cluster::identity_ref,
    },
    Rule {
        name: "azure/identity-use",
        code: &codes::IDENTITY_USE,
        kinds: &[CLUSTER],
        meaning: "The identity of a cluster allows its namespace: `allowedNamespaces` absent allows none.",
        source: "kubernetes-sigs/cluster-api-provider-azure azure/scope/identity.go",
        check: cluster::identity_use,
    },
    Rule {
        name: "azure/cluster-changed",
        code: &codes::FIELD_CHANGED,
        kinds: &[CLUSTER],
        meaning: "Location, resource group, subscription, environment, endpoint, private DNS, bastion, outbound load balancers \
                  and the names and blocks of networks do not change.",
        source: "kubernetes-sigs/cluster-api-provider-azure internal/webhooks/azurecluster_webhook.go, \
                 azurecluster_validation.go",
        check: changes::cluster,
    },
    Rule {
        name: "azure/subnet-roles",
        code: &codes::MISSING_PART,
        kinds: &[CLUSTER],
        meaning: "The subnets have a `control-plane` and a `node` role, or one has the role `cluster`.",
        source: CLUSTER_VALIDATION,
        check: network::roles,
    },
    Rule {
        name: "azure/subnet-names",
        code: &codes::NAME_FORM,
        kinds: &[CLUSTER],
        meaning: "Names of resource groups, subnets, load balancers and private endpoints are ones Azure \
                  takes; subnets and peerings differ.",
        source: CLUSTER_VALIDATION,
        check: network::names,
    },
    Rule {
        name: "azure/subnet-blocks",
        code: &codes::ADDRESS_FORM,
        kinds: &[CLUSTER],
        meaning: "CIDR blocks are valid, and those of subnets (and addresses of private endpoints) lie in their network; \
                  what is left out gets the provider's defaults.",
        source: "kubernetes-sigs/cluster-api-provider-azure internal/webhooks/azurecluster_validation.go, \
                 internal/api/v1beta1/azurecluster_default.go",
        check: network::blocks,
    },
    Rule {
        name: "azure/network-overlap",
        code: &codes::OVERLAP,
        kinds: &[CLUSTER],
        meaning: "Pod and service networks do not overlap the subnets, and the virtual network (whose default is all \
                  of 10.0.0.0/8) only where Azure itself routes pods.",
        source: "kubernetes-sigs/cluster-api-provider-azure internal/api/v1beta1/azurecluster_default.go",
        check: network::overlap,
    },
    Rule {
        name: "azure/security-rules",
        code: &codes::REFUSED_VALUE,
        kinds: &[CLUSTER],
        meaning: "Security rules have priorities from 100 to 4096, different ones for each direction, and \
                  `source` or `sources`.",
        source: CLUSTER_VALIDATION,
        check: network::security_rules,
    },
    Rule {
        name: "azure/service-endpoints",
        code: &codes::REFUSED_VALUE,
        kinds: &[CLUSTER],
        meaning: "Service endpoints and private endpoints of a subnet are complete, valid and different.",
        source: CLUSTER_VALIDATION,
        check: network::endpoints,
    },
    Rule {
        name: "azure/load-balancer",
        code: &codes::REFUSED_VALUE,
        kinds: &[CLUSTER],
        meaning: "The API server's load balancer is Standard, Public with one public IP or Internal with one private IP of \
                  the control-plane subnet; outbound load balancers only where they belong.",
        source: CLUSTER_VALIDATION,
        check: load_balancer::check,
    },
    Rule {
        name: "azure/private-dns",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[CLUSTER],
        meaning: "A private DNS zone is for clusters with an internal load balancer, and its resource \
                  group needs its name.",
        source: CLUSTER_VALIDATION,
        check: load_balancer::private_dns,
    },
    Rule {
        name: "azure/bastion",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[CLUSTER],
        meaning: "Tunnels through Azure Bastion need the SKU `Standard`.",
        source: CLUSTER_VALIDATION,
        check: cluster::bastion,
    },
    Rule {
        name: "azure/edge-zone",
        code: &codes::FEATURE_GATE,
        kinds: &[CLUSTER],
        meaning: "`extendedLocation` needs the gate `EdgeZone`.",
        source: CLUSTER_VALIDATION,
        check: cluster::edge_zone,
    },
    Rule {
        name: "azure/identity",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[IDENTITY],
        meaning: "`resourceID` is for UserAssignedMSI, the credentials path for UserAssignedIdentityCredential, and a \
                  service principal has its secret.",
        source: "kubernetes-sigs/cluster-api-provider-azure \
                 internal/webhooks/azureclusteridentity_validation.go",
        check: cluster::identity_form,
    },
    Rule {
        name: "azure/identity-changed",
        code: &codes::FIELD_CHANGED,
        kinds: &[IDENTITY],
        meaning: "The type of an identity does not change.",
        source: "kubernetes-sigs/cluster-api-provider-azure internal/webhooks/azureclusteridentity_webhook.go",
        check: changes::identity,
    },
    Rule {
        name: "azure/template-changed",
        code: &codes::TEMPLATE_CHANGED,
        kinds: &[TEMPLATE],
        meaning: "The spec of an AzureMachineTemplate does not change, once both sides have the webhook's \
                  defaults.",
        source: "kubernetes-sigs/cluster-api-provider-azure internal/webhooks/azuremachinetemplate_webhook.go",
        check: changes::template,
    },
    Rule {
        name: "azure/image",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[TEMPLATE],
        meaning: "An image is named in exactly one way, and a gallery has subscription and resource group \
                  or neither.",
        source: "kubernetes-sigs/cluster-api-provider-azure internal/webhooks/azureimage_validation.go",
        check: machines::image,
    },
    Rule {
        name: "azure/disks",
        code: &codes::REFUSED_VALUE,
        kinds: &[TEMPLATE],
        meaning: "Sizes, types, caching and slots of disks are ones that Azure takes.",
        source: MACHINE_VALIDATION,
        check: machines::disks,
    },
    Rule {
        name: "azure/template-fields",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[TEMPLATE],
        meaning: "Identities, role assignments, network interfaces and VM extensions fit together and \
                  into a template.",
        source: "kubernetes-sigs/cluster-api-provider-azure \
                 internal/webhooks/azuremachinetemplate_webhook.go, azuremachine_validation.go",
        check: machines::fields,
    },
    Rule {
        name: "azure/resource-ids",
        code: &codes::REFUSED_VALUE,
        kinds: &[TEMPLATE],
        meaning: "Identities and capacity reservations are named by full Azure resource ids, and an SSH \
                  key is base64 text.",
        source: MACHINE_VALIDATION,
        check: machines::resource_ids,
    },
    Rule {
        name: "azure/confidential",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[TEMPLATE],
        meaning: "Confidential VMs: the encryption of the disk fits the security profile.",
        source: MACHINE_VALIDATION,
        check: machines::confidential,
    },
    Rule {
        name: "azure/diagnostics",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[TEMPLATE],
        meaning: "Boot diagnostics: a storage account of your own has a URI, and only that has one.",
        source: MACHINE_VALIDATION,
        check: machines::diagnostics,
    },
    Rule {
        name: "azure/spot-eviction",
        code: &codes::SPOT,
        kinds: &[TEMPLATE],
        meaning: "A spot VM that is only deallocated keeps its Machine, which then never comes back; \
                  `Delete` lets it be replaced.",
        source: "kubernetes-sigs/cluster-api-provider-azure internal/api/v1beta1/azuremachine_default.go, \
                 docs/book/src/self-managed/spot-vms.md",
        check: machines::spot_eviction,
    },
    Rule {
        name: "azure/talos-image",
        code: &codes::NO_TALOS_IMAGE,
        kinds: &[TEMPLATE],
        meaning: "For Talos the image is given: the default is one made for kubeadm.",
        source: "kubernetes-sigs/cluster-api-provider-azure internal/webhooks/azureimage_validation.go; \
                 siderolabs/docs azure.mdx",
        check: boot::image,
    },
    Rule {
        name: "azure/talos-agent",
        code: &codes::NO_GUEST_TOOLS,
        kinds: &[TEMPLATE],
        meaning: "Talos has no VM agent: extensions are switched off.",
        source: "kubernetes-sigs/cluster-api-provider-azure azure/scope/machine.go, \
                 azure/services/virtualmachines/spec.go",
        check: boot::agent,
    },
    Rule {
        name: "azure/talos-ports",
        code: &codes::TALOS_PORTS,
        kinds: &[CLUSTER],
        meaning: "From outside the virtual network nothing reaches the Talos API (50000) without a \
                  security rule; asked for where control planes have public addresses.",
        source: "kubernetes-sigs/cluster-api-provider-azure azure/scope/cluster.go",
        check: boot::ports,
    },
    Rule {
        name: "azure/ssh-open",
        code: &codes::OPEN_TO_WORLD,
        kinds: &[CLUSTER],
        meaning: "CAPZ opens port 22 of the control-plane subnet to any source unless a rule for that \
                  port is there.",
        source: "kubernetes-sigs/cluster-api-provider-azure azure/scope/cluster.go \
                 (SetControlPlaneSecurityRules)",
        check: boot::ssh_open,
    },
];
