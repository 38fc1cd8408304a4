//! Cluster API Provider AWS (CAPA).

use crate::finding::codes;

use super::{Kind, Rule, machine_template, set::INFRASTRUCTURE};

mod boot;
mod changes;
mod cluster;
mod machines;
mod network;

const CLUSTER: Kind = Kind::new(INFRASTRUCTURE, "AWSCluster");
const TEMPLATE: Kind = machine_template::AWS;
const MACHINE_POOL: Kind = Kind::new(INFRASTRUCTURE, "AWSMachinePool");
const CONTROLLER_IDENTITY: Kind = Kind::new(INFRASTRUCTURE, "AWSClusterControllerIdentity");
const ROLE_IDENTITY: Kind = Kind::new(INFRASTRUCTURE, "AWSClusterRoleIdentity");
const STATIC_IDENTITY: Kind = Kind::new(INFRASTRUCTURE, "AWSClusterStaticIdentity");
const IDENTITIES: &[Kind] = &[CONTROLLER_IDENTITY, ROLE_IDENTITY, STATIC_IDENTITY];

const CLUSTER_WEBHOOK: &str = "kubernetes-sigs/cluster-api-provider-aws webhooks/awscluster_webhook.go";
const TEMPLATE_WEBHOOK: &str =
    "kubernetes-sigs/cluster-api-provider-aws webhooks/awsmachinetemplate_webhook.go";

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "aws/region",
        code: &codes::MISSING_PART,
        kinds: &[CLUSTER],
        meaning: "An AWSCluster names its region, although its schema does not ask for it.",
        source: "kubernetes-sigs/cluster-api-provider-aws api/v1beta2/awscluster_types.go, \
                 pkg/cloud/scope/session.go",
        check: cluster::region,
    },
    Rule {
        name: "aws/cluster-changed",
        code: &codes::FIELD_CHANGED,
        kinds: &[CLUSTER],
        meaning: "Region, endpoint, VPC id, the load balancer's scheme, name, probe and target type, and the presence of \
                  an identity do not change.",
        source: CLUSTER_WEBHOOK,
        check: changes::cluster,
    },
    Rule {
        name: "aws/vpc-changed",
        code: &codes::FIELD_CHANGED,
        kinds: &[CLUSTER],
        meaning: "The CIDR block of a VPC is used once, to make it; then the provider writes back what it finds.",
        source: "kubernetes-sigs/cluster-api-provider-aws pkg/cloud/services/network/vpc.go",
        check: changes::vpc,
    },
    Rule {
        name: "aws/load-balancer",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[CLUSTER],
        meaning: "A disabled load balancer has no other settings, a target type fits the load balancer and the VPC, and a \
                  second load balancer is a named NLB with the other scheme.",
        source: CLUSTER_WEBHOOK,
        check: cluster::load_balancer,
    },
    Rule {
        name: "aws/classic-load-balancer",
        code: &codes::REFUSED_VALUE,
        kinds: &[CLUSTER],
        meaning: "The classic load balancer, which is the default, is deprecated.",
        source: CLUSTER_WEBHOOK,
        check: cluster::classic_load_balancer,
    },
    Rule {
        name: "aws/network",
        code: &codes::ADDRESS_FORM,
        kinds: &[CLUSTER],
        meaning: "CIDR blocks of VPC, subnets, NodePort rules and bastion are valid, and the second ones \
                  differ from the first.",
        source: "kubernetes-sigs/cluster-api-provider-aws webhooks/awscluster_webhook.go, \
                 api/v1beta2/bastion.go",
        check: network::addresses,
    },
    Rule {
        name: "aws/network-fields",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[CLUSTER],
        meaning: "Fields of VPC, subnets and bastion that exclude or need each other.",
        source: "kubernetes-sigs/cluster-api-provider-aws webhooks/awscluster_webhook.go, \
                 api/v1beta2/bastion.go",
        check: network::fields,
    },
    Rule {
        name: "aws/ingress-rules",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[CLUSTER],
        meaning: "An ingress rule has one kind of source: CIDR blocks, security groups, or the NAT gateways.",
        source: CLUSTER_WEBHOOK,
        check: network::ingress_rules,
    },
    Rule {
        name: "aws/s3-bucket",
        code: &codes::FEATURE_GATE,
        kinds: &[CLUSTER],
        meaning: "A bucket for Ignition needs the gate `BootstrapFormatIgnition`; Talos has no use for it.",
        source: "kubernetes-sigs/cluster-api-provider-aws api/v1beta2/s3bucket.go",
        check: cluster::bucket,
    },
    Rule {
        name: "aws/gc-tasks",
        code: &codes::REFUSED_VALUE,
        kinds: &[CLUSTER],
        meaning: "The annotation with garbage collection tasks names tasks that exist.",
        source: CLUSTER_WEBHOOK,
        check: cluster::gc_tasks,
    },
    Rule {
        name: "aws/tags",
        code: &codes::METADATA_FORM,
        kinds: &[CLUSTER, TEMPLATE, MACHINE_POOL],
        meaning: "At most 50 tags, with keys and values as AWS takes them.",
        source: "kubernetes-sigs/cluster-api-provider-aws api/v1beta2/tags.go",
        check: cluster::tags,
    },
    Rule {
        name: "aws/ssh-key-name",
        code: &codes::NAME_FORM,
        kinds: &[CLUSTER, TEMPLATE],
        meaning: "The name of an SSH key is printable and does not start or end in a space.",
        source: "kubernetes-sigs/cluster-api-provider-aws webhooks/sshkeyname.go",
        check: cluster::ssh_key_name,
    },
    Rule {
        name: "aws/identity",
        code: &codes::REFUSED_VALUE,
        kinds: IDENTITIES,
        meaning: "The controller identity is called `default`, a role has a source identity, and \
                  namespace selectors are valid.",
        source: "kubernetes-sigs/cluster-api-provider-aws \
                 webhooks/{awsclustercontrolleridentity,awsclusterroleidentity,awsclusterstaticidentity}_webhook.go",
        check: cluster::identity_form,
    },
    Rule {
        name: "aws/identity-changed",
        code: &codes::FIELD_CHANGED,
        kinds: IDENTITIES,
        meaning: "The controller identity, the Secret of a static identity and the presence of a source \
                  identity do not change.",
        source: "kubernetes-sigs/cluster-api-provider-aws \
                 webhooks/{awsclustercontrolleridentity,awsclusterroleidentity,awsclusterstaticidentity}_webhook.go",
        check: changes::identity,
    },
    Rule {
        name: "aws/identity-use",
        code: &codes::IDENTITY_USE,
        kinds: &[CLUSTER],
        meaning: "The identity of a cluster allows its namespace: `allowedNamespaces` absent allows none.",
        source: "kubernetes-sigs/cluster-api-provider-aws api/v1beta2/awsidentity_types.go, \
                 pkg/cloud/scope/session.go",
        check: cluster::identity_use,
    },
    Rule {
        name: "aws/template-changed",
        code: &codes::TEMPLATE_CHANGED,
        kinds: &[TEMPLATE],
        meaning: "The spec of an AWSMachineTemplate does not change, except that metadata options may \
                  be added.",
        source: TEMPLATE_WEBHOOK,
        check: changes::template,
    },
    Rule {
        name: "aws/cloud-init",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[TEMPLATE],
        meaning: "A template has no names of secrets, and cloud-init settings exclude Ignition.",
        source: TEMPLATE_WEBHOOK,
        check: machines::cloud_init,
    },
    Rule {
        name: "aws/ignition-gate",
        code: &codes::FEATURE_GATE,
        kinds: &[TEMPLATE, MACHINE_POOL],
        meaning: "Ignition needs the gate `BootstrapFormatIgnition`.",
        source: TEMPLATE_WEBHOOK,
        check: machines::ignition_gate,
    },
    Rule {
        name: "aws/volumes",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[TEMPLATE, MACHINE_POOL],
        meaning: "Volumes of type io1 and io2 have iops, throughput is for gp3, and volumes besides the \
                  first have a device name.",
        source: "kubernetes-sigs/cluster-api-provider-aws webhooks/awsmachinetemplate_webhook.go, \
                 exp/webhooks/awsmachinepool_webhook.go",
        check: machines::volumes,
    },
    Rule {
        name: "aws/security-groups",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[TEMPLATE, MACHINE_POOL],
        meaning: "A security group (and a subnet of a pool) is named by id or by filters, not both.",
        source: "kubernetes-sigs/cluster-api-provider-aws webhooks/awsmachinetemplate_webhook.go, \
                 exp/webhooks/awsmachinepool_webhook.go",
        check: machines::security_groups,
    },
    Rule {
        name: "aws/dedicated-host",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[TEMPLATE],
        meaning: "Dedicated hosts: a host id or dynamic allocation, with `tenancy: host` and \
                  `hostAffinity: host`.",
        source: TEMPLATE_WEBHOOK,
        check: machines::dedicated_host,
    },
    Rule {
        name: "aws/pool-market",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[MACHINE_POOL],
        meaning: "How an AWSMachinePool buys its machines: market type, spot options, mixed instances and \
                  reservations fit together.",
        source: "kubernetes-sigs/cluster-api-provider-aws exp/webhooks/awsmachinepool_webhook.go",
        check: machines::pool_market,
    },
    Rule {
        name: "aws/pool-refresh",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[MACHINE_POOL],
        meaning: "The healthy percentages of a rolling refresh come together and lie at most 100 apart.",
        source: "kubernetes-sigs/cluster-api-provider-aws exp/webhooks/awsmachinepool_webhook.go",
        check: machines::pool_refresh,
    },
    Rule {
        name: "aws/talos-user-data",
        code: &codes::NO_USER_DATA,
        kinds: &[TEMPLATE],
        meaning: "For Talos the user data is passed as it is: `cloudInit.insecureSkipSecretsManager: \
                  true` and no Ignition.",
        source: "kubernetes-sigs/cluster-api-provider-aws docs/book/src/topics/userdata-privacy.md; \
                 siderolabs/cluster-api-templates aws/standard/standard.yaml",
        check: boot::user_data,
    },
    Rule {
        name: "aws/talos-image",
        code: &codes::NO_TALOS_IMAGE,
        kinds: &[TEMPLATE, MACHINE_POOL],
        meaning: "For Talos `ami.id` is given: the look-up finds images made for kubeadm.",
        source: "kubernetes-sigs/cluster-api-provider-aws pkg/cloud/services/ec2/ami.go",
        check: boot::image,
    },
    Rule {
        name: "aws/talos-ports",
        code: &codes::TALOS_PORTS,
        kinds: &[CLUSTER],
        meaning: "For Talos the security groups let 50000 and 50001 reach the control planes.",
        source: "kubernetes-sigs/cluster-api-provider-aws pkg/cloud/services/securitygroup/securitygroups.go; \
                 siderolabs/docs public/talos/v1.13/learn-more/talos-network-connectivity.mdx",
        check: boot::ports,
    },
    Rule {
        name: "aws/cni-ports",
        code: &codes::TALOS_PORTS,
        kinds: &[CLUSTER],
        meaning: "Without `network.cni` only Calico's ports are open between nodes; with it, the list \
                  must let VXLAN through for Cilium.",
        source: "kubernetes-sigs/cluster-api-provider-aws api/v1beta2/defaults.go",
        check: boot::cni_ports,
    },
    Rule {
        name: "aws/node-ports",
        code: &codes::OPEN_TO_WORLD,
        kinds: &[CLUSTER],
        meaning: "NodePorts are open to the world unless `nodePortIngressRuleCidrBlocks` says who may \
                  reach them.",
        source: "kubernetes-sigs/cluster-api-provider-aws pkg/cloud/services/securitygroup/securitygroups.go",
        check: boot::node_ports,
    },
    Rule {
        name: "aws/ssh-key-default",
        code: &codes::MISSING_PART,
        kinds: &[TEMPLATE],
        meaning: "Without any `sshKeyName` CAPA asks for a key pair called `default`, which few accounts \
                  have; `\"\"` means none.",
        source: "kubernetes-sigs/cluster-api-provider-aws pkg/cloud/services/ec2/instances.go",
        check: boot::ssh_key,
    },
    Rule {
        name: "aws/node-names",
        code: &codes::NODE_IDENTITY,
        kinds: &[TEMPLATE],
        meaning: "The AWS cloud controller finds a node by its private DNS name, so Talos must register \
                  with the full name.",
        source: "siderolabs/cluster-api-templates aws/standard/standard.yaml",
        check: boot::node_names,
    },
    Rule {
        name: "aws/zone",
        code: &codes::ZONE,
        kinds: &[super::core::MACHINE_DEPLOYMENT],
        meaning: "The failure domain of a pool is a zone in which the AWSCluster has a subnet, where it \
                  lists its subnets.",
        source: "kubernetes-sigs/cluster-api-provider-aws pkg/cloud/services/ec2/instances.go (findSubnet)",
        check: boot::zone,
    },
];
