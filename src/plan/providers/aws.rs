//! `spec.aws`: Cluster API Provider AWS, `infrastructure.cluster.x-k8s.io/v1beta2`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ByRole, Overrides};

/// The CIDR of a new VPC when a plan says nothing (kubernetes-sigs/cluster-api-provider-aws
/// `pkg/cloud/services/network/vpc.go`).
pub const DEFAULT_VPC_CIDR: &str = "10.0.0.0/16";

/// Amazon Web Services.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Aws {
    /// The Talos AMI of the region, for x86-64 unless every machine type is ARM. Official ids are in the `cloud-images.json` of
    /// each Talos release; with extensions, import the Image Factory's AWS image (siderolabs/docs
    /// `public/talos/v1.13/platform-specific-installations/cloud-platforms/aws.mdx`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^ami-[0-9a-f]{8,17}$"))]
    pub ami: Option<String>,
    /// Other AMIs for single pools, by the pool's name (`control-plane` for the control plane): an ARM pool needs an ARM
    /// image. Default: `ami` for all.
    #[serde(rename = "poolAMIs", skip_serializing_if = "Option::is_none")]
    pub pool_amis: Option<BTreeMap<String, String>>,
    /// The CIDR of a VPC that is made for the cluster. Default `10.0.0.0/16`, as the provider has it
    /// (kubernetes-sigs/cluster-api-provider-aws `pkg/cloud/services/network/vpc.go`). Either this, or `vpcID` with subnets.
    #[serde(rename = "vpcCIDR", skip_serializing_if = "Option::is_none")]
    pub vpc_cidr: Option<String>,
    /// An existing VPC. It needs DNS hostnames and DNS resolution switched on: nodes are called by their private DNS name.
    #[serde(rename = "vpcID", skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^vpc-[0-9a-f]{8,17}$"))]
    pub vpc_id: Option<String>,
    /// Subnets of the existing VPC: a private one in every zone for machines and, for a load balancer that faces the
    /// internet, a public one in every zone (kubernetes-sigs/cluster-api-provider-aws
    /// `docs/book/src/topics/bring-your-own-aws-infrastructure.md`). `subnets` says more about each.
    #[serde(rename = "subnetIDs", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub subnet_ids: Option<Vec<String>>,
    /// Subnets one by one, instead of `subnetIDs` or of those that the provider makes. In a new VPC this is how zones are
    /// chosen: each entry has a name, a zone and a CIDR. In an existing VPC it tells InfraFlux the zones, so that it finds a
    /// pool in a zone without a subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub subnets: Option<Vec<AwsSubnet>>,
    /// In how many zones a new VPC gets subnets, in alphabetical order. Default 3, as the provider has it. Without effect
    /// when `subnets` are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 6))]
    pub availability_zone_usage_limit: Option<i32>,
    /// Whose rights the controller uses. Default `{kind: AWSClusterControllerIdentity, name: default}`. Cluster-scoped; it must
    /// allow the cluster's namespace (`allowedNamespaces`, absent means none). May be changed, but not removed
    /// (kubernetes-sigs/cluster-api-provider-aws `webhooks/awscluster_webhook.go`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<AwsIdentity>,
    /// IAM instance profiles. Defaults as `clusterawsadm` makes them: `control-plane.cluster-api-provider-aws.sigs.k8s.io`
    /// and `nodes.cluster-api-provider-aws.sigs.k8s.io`. The control plane's needs the rights of the cloud controller
    /// manager and of the EBS CSI controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_profiles: Option<ByRole>,
    /// `internet-facing` (default) or `internal`: then the hub needs a way into the VPC also for the Kubernetes API. Cannot be
    /// changed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_scheme: Option<LoadBalancerScheme>,
    /// Public addresses for machines, which then live in public subnets. Default none. With `controlPlane: true` a hub
    /// outside the VPC reaches the Talos API without VPN or peering, as far as `network.managementCIDRs` allows it.
    #[serde(rename = "publicIP", skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<AwsPublicIp>,
    /// The root volume; its size is `diskGiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_volume: Option<AwsRootVolume>,
    /// From where NodePorts (30000-32767) are reached. Default: the new VPC's own CIDR; for an existing VPC the private
    /// ranges of RFC 1918 and RFC 6598. The provider's default is the whole world. Load balancers do not depend on it.
    #[serde(rename = "nodePortCIDRs", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub node_port_cidrs: Option<Vec<String>>,
    /// Hops that answers of the instance metadata service may take, on all machines; with 1, no pod outside the host's network
    /// gets one. Left out: 2 on control planes, where the EBS CSI controller takes the machine's rights from it, and 1 on
    /// workers, because the machine configuration with its join tokens stands there too
    /// (kubernetes-sigs/aws-ebs-csi-driver `docs/install.md`). With 2, external-dns and cert-manager can use the workers'
    /// instance profile, and so can every other pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub metadata_hop_limit: Option<i32>,
    /// Tags on every cloud resource, EBS volumes of the CSI driver included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// Raw fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Overrides>,
}

/// A subnet, in the words of `AWSCluster.spec.network.subnets`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsSubnet {
    /// In an existing VPC the id, `subnet-...`. In a new one any other name, unique in the list; the provider makes the subnet
    /// and remembers its id elsewhere.
    #[schemars(length(min = 1))]
    pub id: String,
    /// The availability zone. Needed in a new VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub availability_zone: Option<String>,
    /// The CIDR, a part of `vpcCIDR`. Needed in a new VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub cidr_block: Option<String>,
    /// Whether it routes to an internet gateway: for NAT gateways and load balancers. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_public: Option<bool>,
    /// Tags of this subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

/// Which machines have public addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsPublicIp {
    /// Control planes. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<bool>,
    /// Workers. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<bool>,
}

/// A reference to an AWS identity object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsIdentity {
    /// The kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<AwsIdentityKind>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub name: Option<String>,
}

/// The kinds of AWS identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AwsIdentityKind {
    /// The controller's own rights.
    #[serde(rename = "AWSClusterControllerIdentity")]
    Controller,
    /// A role that the controller assumes.
    #[serde(rename = "AWSClusterRoleIdentity")]
    Role,
    /// A static key in a Secret of the controller's namespace.
    #[serde(rename = "AWSClusterStaticIdentity")]
    Static,
}

/// Who reaches the API load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoadBalancerScheme {
    /// Everybody who may by security group.
    InternetFacing,
    /// Only the VPC.
    Internal,
}

/// The root volume of AWS machines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsRootVolume {
    /// The volume type. Default `gp3`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<AwsVolumeType>,
    /// Whether it is encrypted. Default true: it holds the cluster's secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
    /// The KMS key. Default: the account's default key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub encryption_key: Option<String>,
    /// I/O operations a second; required for `io1` and `io2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 256_000))]
    pub iops: Option<i32>,
    /// MiB a second; `gp3` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 125, max = 2000))]
    pub throughput: Option<i32>,
}

/// The types of EBS volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AwsVolumeType {
    /// General purpose, the older kind.
    Gp2,
    /// General purpose.
    Gp3,
    /// Provisioned I/O.
    Io1,
    /// Provisioned I/O, more durable.
    Io2,
}
