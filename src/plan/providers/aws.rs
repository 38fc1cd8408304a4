//! `spec.aws`: Cluster API Provider AWS, `infrastructure.cluster.x-k8s.io/v1beta2`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ByRole, Overrides};

/// Amazon Web Services.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Aws {
    /// The Talos AMI of the region. Official ids are in the `cloud-images.json` of each Talos release; with extensions,
    /// import the Image Factory's AWS image (siderolabs/docs `cloud-platforms/aws.mdx`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^ami-[0-9a-f]{8,17}$"))]
    pub ami: Option<String>,
    /// The CIDR of a VPC that is made for the cluster. Either this, or `vpcID` with `subnetIDs`.
    #[serde(rename = "vpcCIDR", skip_serializing_if = "Option::is_none")]
    pub vpc_cidr: Option<String>,
    /// An existing VPC.
    #[serde(rename = "vpcID", skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^vpc-[0-9a-f]{8,17}$"))]
    pub vpc_id: Option<String>,
    /// Subnets of the existing VPC, public and private ones of every zone in use.
    #[serde(rename = "subnetIDs", skip_serializing_if = "Option::is_none")]
    pub subnet_ids: Option<Vec<String>>,
    /// In how many zones a new VPC gets subnets. Default 3, as Cluster API Provider AWS has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 6))]
    pub availability_zone_usage_limit: Option<i32>,
    /// Whose rights the controller uses. Default `{kind: AWSClusterControllerIdentity, name: default}`. Cluster-scoped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<AwsIdentity>,
    /// IAM instance profiles. Defaults as `clusterawsadm` makes them: `control-plane.cluster-api-provider-aws.sigs.k8s.io`
    /// and `nodes.cluster-api-provider-aws.sigs.k8s.io`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_profiles: Option<ByRole>,
    /// `internet-facing` (default) or `internal`. Cannot be changed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_scheme: Option<LoadBalancerScheme>,
    /// The root volume; its size is `diskGiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_volume: Option<AwsRootVolume>,
    /// From where NodePorts (30000-32767) are reached. Default: the VPC's own CIDR when it is known (the provider's default
    /// is the whole world).
    #[serde(rename = "nodePortCIDRs", skip_serializing_if = "Option::is_none")]
    pub node_port_cidrs: Option<Vec<String>>,
    /// Hops that answers of the instance metadata service may take. Default 2: with 1, pods cannot reach it, and the EBS
    /// CSI driver needs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub metadata_hop_limit: Option<i32>,
    /// Tags on every cloud resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// Raw fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Overrides>,
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
