//! Machine types that somebody names: whether they are this provider's, and whether they go with the image.

use super::{Check, spec};
use crate::{
    finding::{Finding, codes, suggest},
    plan::{
        Provider,
        providers::Overrides,
        resolved::{Machines, ResolvedCluster, Role},
    },
};

/// Sizes of AWS' machine types, beside `4xlarge` and `metal-24xl`.
///
/// Source: AWS, Amazon EC2 instance types, naming conventions
const AWS_SIZES: [&str; 8] = ["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "metal"];

/// Shapes of GCP's machine types, the word behind the series.
///
/// Source: Google, Compute Engine machine types
const GCP_SHAPES: [&str; 16] = [
    "standard",
    "highmem",
    "highcpu",
    "custom",
    "micro",
    "small",
    "medium",
    "highgpu",
    "megagpu",
    "ultragpu",
    "maxgpu",
    "edgegpu",
    "highlssd",
    "standardlssd",
    "megamem",
    "ultramem",
];

pub(super) fn check(check: &mut Check<'_>) {
    let cluster = check.cluster;
    for machines in std::iter::once(&cluster.control_plane).chain(&cluster.pools) {
        form(check, machines);
    }
    architectures(check);
    premium_disks(check);
}

/// The provider whose machine types are called like this.
fn provider_of(instance: &str) -> Option<Provider> {
    if azure_parts(instance).is_some() {
        return Some(Provider::Azure);
    }
    let plain = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    match instance.split_once('.') {
        Some((family, size)) => {
            let sized = !size.is_empty()
                && size
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            (plain(family) && sized).then_some(Provider::Aws)
        }
        None => (plain(instance) && instance.contains('-')).then_some(Provider::Gcp),
    }
}

fn form(check: &mut Check<'_>, machines: &Machines) {
    let provider = check.cluster.provider;
    let Some(instance) = machines.instance_type.as_deref().filter(|_| !machines.picked) else { return };
    let example = match provider {
        Provider::Aws => "m7i.large",
        Provider::Azure => "Standard_D4s_v5",
        Provider::Gcp => "n2-standard-4",
        Provider::Proxmox => return,
    };
    let path = machines.field.key("instanceType");
    let title = check.cluster.descriptor.title.clone();
    let of = provider_of(instance);
    if of != Some(provider) {
        let prefixed = format!("Standard_{instance}");
        let hint = match of {
            Some(Provider::Aws) => format!("that is how AWS calls them; write it like `{example}`"),
            Some(Provider::Azure) => format!("that is how Azure calls them; write it like `{example}`"),
            Some(Provider::Gcp) => format!("that is how GCP calls them; write it like `{example}`"),
            _ if provider == Provider::Azure && azure_parts(&prefixed).is_some() => {
                format!("write `{prefixed}`")
            }
            _ => format!("write it like `{example}`"),
        };
        check.error(
            &codes::PLAN_FORM,
            &path,
            format!("`{instance}` is not a machine type of {title}"),
            format!("{hint}, or give `cpu` and `memoryGiB`"),
        );
    } else if provider == Provider::Aws
        && let Some((family, size)) = instance.split_once('.')
        && !is_aws_size(size)
    {
        let near = suggest::nearest(size, AWS_SIZES);
        let hint = near.first().map_or_else(
            || "sizes are `large`, `xlarge`, `2xlarge` and so on".to_owned(),
            |near| format!("did you mean `{family}.{near}`?"),
        );
        check.error(&codes::PLAN_FORM, &path, format!("AWS has no machines of the size `{size}`"), hint);
    } else if provider == Provider::Gcp
        && let Some((series, rest)) = instance.split_once('-')
    {
        let (shape, size) = rest.split_once('-').unwrap_or((rest, ""));
        // A shape that nobody here knows may be a new one; one letter off is a slip.
        let near = suggest::nearest(shape, GCP_SHAPES);
        if let Some(near) = near.first().filter(|_| !GCP_SHAPES.contains(&shape)) {
            let dash = if size.is_empty() { "" } else { "-" };
            check.warning(
                &codes::PLAN_FORM,
                &path,
                format!("`{shape}` is no shape of machines on GCP that is known here"),
                format!("did you mean `{series}-{near}{dash}{size}`?"),
            );
        }
    }
}

fn is_aws_size(size: &str) -> bool {
    let multiple = |text: &str, unit: &str| {
        text.strip_suffix(unit).is_some_and(|number| number.parse::<u32>().is_ok_and(|number| number > 1))
    };
    AWS_SIZES.contains(&size)
        || multiple(size, "xlarge")
        || size.strip_prefix("metal-").is_some_and(|rest| multiple(rest, "xl"))
}

/// Family, and the letters behind the number of CPUs, of an Azure size: `Standard_E8-4ads_v5` is `E` and `ads`.
///
/// Source: Microsoft, Azure VM sizes naming conventions
fn azure_parts(instance: &str) -> Option<(&str, &str)> {
    let (tier, rest) = instance.split_once('_')?;
    if !["standard", "basic"].contains(&tier.to_ascii_lowercase().as_str()) {
        return None;
    }
    let size = rest.split('_').next()?;
    let family = &size[..size.find(|c: char| !c.is_ascii_alphabetic())?];
    let features = size[family.len()..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    let whole = !family.is_empty()
        && features.bytes().all(|byte| byte.is_ascii_alphabetic())
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    whole.then_some((family, features))
}

/// Whether a machine type is an ARM one; `None` for a name that does not tell.
///
/// On AWS its family has a `g` behind the generation (`m7g`, `c6gn`, `im4gn`), or is the first of them, `a1`. On Azure a `p` stands
/// behind the number of CPUs (`D4ps_v5`). On GCP these are series.
///
/// Source: kubernetes/autoscaler cluster-autoscaler/cloudprovider/aws/ec2_instance_types.go (Architecture); Microsoft, Azure
/// VM sizes naming conventions; Google, Arm VMs on Compute Engine
fn is_arm(provider: Provider, instance: &str) -> Option<bool> {
    match provider {
        Provider::Aws => {
            let (family, _) = instance.split_once('.')?;
            let generation = family.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
            let options = generation.trim_start_matches(|digit: char| digit.is_ascii_digit());
            if generation.is_empty() || options.len() == generation.len() {
                return None;
            }
            let options = options.split('-').next().unwrap_or_default();
            Some(family == "a1" || options.contains('g'))
        }
        Provider::Azure => azure_parts(instance).map(|(_, features)| features.contains('p')),
        Provider::Gcp => {
            let (series, _) = instance.split_once('-')?;
            Some(["t2a", "c4a", "n4a", "a4x"].contains(&series))
        }
        Provider::Proxmox => None,
    }
}

/// The image of some machines, as far as it tells one from another.
fn image(cluster: &ResolvedCluster, machines: &Machines) -> Option<String> {
    let raw = |overrides: Option<&Overrides>, key: &str| {
        let overrides = overrides?;
        let fields = match machines.role {
            Role::ControlPlane => overrides.control_plane.as_ref(),
            Role::Worker => overrides.workers.as_ref(),
        };
        fields?.get(key).map(ToString::to_string)
    };
    let spec = &cluster.spec;
    match cluster.provider {
        Provider::Aws => {
            let aws = spec.aws.as_ref()?;
            let of_pool = || aws.pool_amis.as_ref().and_then(|amis| amis.get(&machines.name)).cloned();
            raw(aws.overrides.as_ref(), "ami").or_else(of_pool).or_else(|| aws.ami.clone())
        }
        Provider::Azure => raw(spec.azure.as_ref()?.overrides.as_ref(), "image"),
        Provider::Gcp => raw(spec.gcp.as_ref()?.overrides.as_ref(), "image"),
        Provider::Proxmox => None,
    }
}

/// An image is for one architecture, so machines of both cannot share it.
fn architectures(check: &mut Check<'_>) {
    let cluster = check.cluster;
    let all: Vec<(&Machines, Option<String>, bool)> = std::iter::once(&cluster.control_plane)
        .chain(&cluster.pools)
        .filter_map(|machines| {
            let arm = is_arm(cluster.provider, machines.instance_type.as_deref()?)?;
            Some((machines, image(cluster, machines), arm))
        })
        .collect();
    for (machines, image, _) in all.iter().filter(|(.., arm)| *arm) {
        let Some((other, ..)) = all.iter().find(|(_, other, arm)| !arm && other == image) else { continue };
        let name = machines.instance_type.clone().unwrap_or_default();
        let (path, beside) = (machines.field.key("instanceType"), other.field.key("instanceType"));
        let finding = Finding::error(
            &codes::ARCHITECTURE,
            format!(
                "`{name}` is an ARM machine, and its image is that of `{}`, which is x86-64",
                other.instance_type.as_deref().unwrap_or_default()
            ),
        );
        let hint = if cluster.provider == Provider::Aws {
            format!(
                "give it an ARM image with `spec.aws.poolAMIs: {{{}: ami-...}}`, or take an x86-64 type",
                machines.name
            )
        } else {
            "take types of one architecture for all machines: the plan names one image".to_owned()
        };
        check.between(finding, (&path, &beside), "x86-64 with the same image", hint);
    }
}

/// Azure attaches premium disks only to sizes with an `s` among their features; of the oldest ones it stands in the family.
///
/// Source: Microsoft, Azure VM sizes naming conventions (`s`: premium storage capable)
fn premium_disks(check: &mut Check<'_>) {
    use crate::plan::providers::azure::AzureDiskType::{PremiumLrs, PremiumZrs};
    let cluster = check.cluster;
    let Some(azure) = &cluster.spec.azure else { return };
    let disk = azure.os_disk.as_ref().and_then(|disk| disk.storage_account_type).unwrap_or(PremiumLrs);
    if !matches!(disk, PremiumLrs | PremiumZrs) {
        return;
    }
    for machines in std::iter::once(&cluster.control_plane).chain(&cluster.pools) {
        let Some(instance) = &machines.instance_type else { continue };
        let Some((family, features)) = azure_parts(instance) else { continue };
        if features.contains('s') || ["DS", "GS"].contains(&family) {
            continue;
        }
        let path = machines.field.key("instanceType");
        let finding = Finding::warning(
            &codes::BLOCK_FIELDS,
            format!("`{instance}` takes no premium disk, and the system disk is one"),
        );
        check.between(
            finding,
            (&path, &spec("azure.osDisk.storageAccountType")),
            "the system disk",
            "take a size with an `s` behind its number, such as `Standard_D4s_v5`, or set \
             `spec.azure.osDisk.storageAccountType: StandardSSD_LRS`",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{azure_parts, is_arm, is_aws_size, provider_of};
    use crate::plan::Provider;

    #[test]
    fn names_tell_their_provider() {
        for (provider, names) in [
            (
                Provider::Aws,
                &["m7i.large", "m7i-flex.large", "u-6tb1.metal", "g4dn.12xlarge", "i4i.metal-24xl"][..],
            ),
            (
                Provider::Azure,
                &[
                    "Standard_D4s_v5",
                    "Standard_NC24ads_A100_v4",
                    "Standard_E8-4ads_v5",
                    "Basic_A1",
                    "standard_d4s_v5",
                ],
            ),
            (
                Provider::Gcp,
                &["e2-medium", "n2-standard-4", "a2-highgpu-1g", "n2-custom-4-8192", "c4-standard-4-lssd"],
            ),
        ] {
            for name in names {
                assert_eq!(provider_of(name), Some(provider), "{name}");
            }
        }
        for neither in ["m7i", "large", "D4s_v5", "Standard", "Standard_", "M7I.large", "m7i large"] {
            assert_eq!(provider_of(neither), None, "{neither}");
        }
    }

    #[test]
    fn sizes_of_aws() {
        for size in ["nano", "large", "xlarge", "2xlarge", "112xlarge", "metal", "metal-48xl"] {
            assert!(is_aws_size(size), "{size}");
        }
        for size in ["xlage", "1xlarge", "xxlarge", "metal-large", "4", ""] {
            assert!(!is_aws_size(size), "{size}");
        }
    }

    #[test]
    fn parts_of_azure_sizes() {
        for (name, parts) in [
            ("Standard_D4s_v5", Some(("D", "s"))),
            ("Standard_E8-4ads_v5", Some(("E", "ads"))),
            ("Standard_NC64as_T4_v3", Some(("NC", "as"))),
            ("Standard_DS2_v2", Some(("DS", ""))),
            ("Standard_D4_v5", Some(("D", ""))),
            ("D4s_v5", None),
        ] {
            assert_eq!(azure_parts(name), parts, "{name}");
        }
    }

    #[test]
    fn architectures_of_machine_types() {
        let arm = [
            (
                Provider::Aws,
                &[
                    "m7g.large",
                    "c6gd.xlarge",
                    "c7gn.medium",
                    "t4g.small",
                    "im4gn.large",
                    "is4gen.large",
                    "a1.medium",
                ][..],
            ),
            (
                Provider::Azure,
                &["Standard_D4ps_v5", "Standard_D4pls_v6", "Standard_B2pts_v2", "Standard_E4pds_v5"],
            ),
            (Provider::Gcp, &["t2a-standard-4", "c4a-highmem-8", "n4a-standard-2"]),
        ];
        let x86 = [
            (
                Provider::Aws,
                &[
                    "m7i.large",
                    "m7i-flex.large",
                    "g5.xlarge",
                    "g4dn.xlarge",
                    "g6e.xlarge",
                    "p5.48xlarge",
                    "t3.micro",
                ][..],
            ),
            (Provider::Azure, &["Standard_D4s_v5", "Standard_NP10s", "Standard_NC64as_T4_v3"]),
            (Provider::Gcp, &["t2d-standard-4", "c4-standard-8", "a2-highgpu-1g"]),
        ];
        for (table, expected) in [(arm, true), (x86, false)] {
            for (provider, names) in table {
                for name in names {
                    assert_eq!(is_arm(provider, name), Some(expected), "{name}");
                }
            }
        }
        for other in ["u-6tb1.metal", "large", "standard.large"] {
            assert_eq!(is_arm(Provider::Aws, other), None, "{other}");
        }
    }
}
