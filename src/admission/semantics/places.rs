//! Regions and zones: whether they have the form of their provider, and whether zones lie in the region.

use super::{Check, spec};
use crate::{
    finding::codes,
    plan::{Provider, resolved::Machines},
};

pub(super) fn check(check: &mut Check<'_>) {
    let (provider, region) = (check.cluster.provider, check.cluster.region.clone());
    if !region.is_empty() && !is_region(provider, &region) {
        let what = match provider {
            Provider::Azure => "the name of an Azure location".to_owned(),
            Provider::Gcp => "a region of GCP".to_owned(),
            _ => "a region of AWS".to_owned(),
        };
        let hint = region_hint(provider, &region);
        // What lies in a region of no form would be wrong as well, and only because of it.
        check.error(&codes::PLACE_FORM, &spec("region"), format!("`{region}` is not {what}"), hint);
        return;
    }
    let cluster = check.cluster;
    for machines in std::iter::once(&cluster.control_plane).chain(&cluster.pools) {
        zones(check, machines);
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether a text has the form of a provider's regions: `eu-central-1`, `us-gov-west-1`; `westeurope`; `europe-west3`. A
/// Proxmox region is any name.
///
/// Source: aws/aws-sdk-go-v2 internal/endpoints/awsrulesfn/partitions.json (regionRegex of each partition); Microsoft, Azure
/// regions list; Google, Regions and zones
fn is_region(provider: Provider, text: &str) -> bool {
    match provider {
        Provider::Aws => {
            let parts: Vec<&str> = text.split('-').collect();
            parts.len() >= 3
                // `eusc` is the European Sovereign Cloud.
                && (2..=4).contains(&parts[0].len())
                && parts
                    .last()
                    .is_some_and(|last| last.len() == 1 && last.bytes().all(|byte| byte.is_ascii_digit()))
                && parts[..parts.len() - 1].iter().all(|part| is_word(part))
        }
        Provider::Azure => text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()),
        Provider::Gcp => text.split_once('-').is_some_and(|(area, place)| {
            let name = place.trim_end_matches(|c: char| c.is_ascii_digit());
            is_word(area) && is_word(name) && name.len() < place.len()
        }),
        Provider::Proxmox => true,
    }
}

fn region_hint(provider: Provider, region: &str) -> String {
    let lower = region.to_ascii_lowercase();
    if lower != region && provider != Provider::Azure && is_region(provider, &lower) {
        return format!("write it in lower case, `{lower}`");
    }
    let ends_in_digit = |text: &str| text.ends_with(|c: char| c.is_ascii_digit());
    let other = [Provider::Aws, Provider::Gcp]
        .into_iter()
        .find(|other| *other != provider && is_region(*other, region))
        .map(|other| if other == Provider::Aws { "AWS" } else { "GCP" });
    match provider {
        Provider::Aws => match region.strip_suffix(|c: char| c.is_ascii_lowercase()) {
            Some(rest) if ends_in_digit(rest) => {
                format!("`{region}` looks like a zone; its region is `{rest}`")
            }
            _ => other_cloud(other, "write it like `eu-central-1`"),
        },
        Provider::Gcp => match region.rsplit_once('-') {
            Some((rest, zone)) if zone.len() == 1 && ends_in_digit(rest) && !ends_in_digit(zone) => {
                format!("`{region}` looks like a zone; its region is `{rest}`")
            }
            _ => other_cloud(other, "write it like `europe-west3`"),
        },
        _ if other.is_some() => other_cloud(other, "write it like `westeurope`"),
        _ if region.rsplit_once('-').is_some_and(|(rest, _)| is_region(Provider::Gcp, rest)) => {
            other_cloud(Some("GCP"), "write it like `westeurope`")
        }
        _ => {
            let name: String =
                region.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
            format!("write it in lower case without blanks, for instance `{name}`")
        }
    }
}

fn other_cloud(other: Option<&str>, form: &str) -> String {
    other.map_or_else(|| form.to_owned(), |other| format!("that is how {other} calls its places; {form}"))
}

fn zones(check: &mut Check<'_>, machines: &Machines) {
    let region = check.cluster.region.clone();
    for (position, zone) in machines.failure_domains.iter().enumerate() {
        let (fits, hint) = match check.cluster.provider {
            Provider::Aws => (
                zone.strip_prefix(region.as_str()).is_some_and(|rest| {
                    // Local zones and wavelength zones carry a place behind the region.
                    rest.len() == 1 && rest.starts_with(|c: char| c.is_ascii_lowercase())
                        || rest.starts_with('-')
                }),
                format!("zones of this region are `{region}a`, `{region}b` and so on"),
            ),
            Provider::Azure => (
                matches!(zone.as_str(), "1" | "2" | "3"),
                "Azure's zones are \"1\", \"2\" and \"3\", in quotes".to_owned(),
            ),
            Provider::Gcp => (
                zone.strip_prefix(region.as_str()).and_then(|rest| rest.strip_prefix('-')).is_some_and(
                    |rest| rest.len() == 1 && rest.starts_with(|c: char| c.is_ascii_lowercase()),
                ),
                format!("zones of this region are `{region}-a`, `{region}-b` and so on"),
            ),
            Provider::Proxmox => continue,
        };
        if !fits {
            check.error(
                &codes::PLACE_FORM,
                &machines.field.key("failureDomains").index(position),
                format!("`{zone}` is not a zone of `{region}`"),
                hint,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_region, region_hint};
    use crate::plan::Provider;

    #[test]
    fn regions_have_their_providers_form() {
        for (provider, good, bad) in [
            (
                Provider::Aws,
                &["eu-central-1", "us-gov-west-1", "ap-southeast-2", "eusc-de-east-1"][..],
                &["eu-central-1a", "europe-west3", "westeurope", "EU-CENTRAL-1", "eu-central"][..],
            ),
            (Provider::Azure, &["westeurope", "eastus2"], &["West Europe", "europe-west3", "eu-central-1"]),
            (
                Provider::Gcp,
                &["europe-west3", "us-central1", "northamerica-northeast1"],
                &["europe-west1-b", "eu-central-1", "westeurope", "europe-west"],
            ),
            (Provider::Proxmox, &["home", "Rack 1"], &[]),
        ] {
            for text in good {
                assert!(is_region(provider, text), "{provider} {text}");
            }
            for text in bad {
                assert!(!is_region(provider, text), "{provider} {text}");
            }
        }
    }

    #[test]
    fn hints_lead_to_the_region_that_was_meant() {
        for (provider, text, words) in [
            (Provider::Aws, "eu-central-1a", "its region is `eu-central-1`"),
            (Provider::Aws, "EU-Central-1", "`eu-central-1`"),
            (Provider::Aws, "europe-west3", "GCP"),
            (Provider::Aws, "frankfurt", "`eu-central-1`"),
            (Provider::Gcp, "europe-west1-b", "its region is `europe-west1`"),
            (Provider::Gcp, "eu-central-1", "AWS"),
            (Provider::Azure, "West Europe", "`westeurope`"),
            (Provider::Azure, "europe-west3", "GCP"),
            (Provider::Azure, "europe-west3-b", "GCP"),
            (Provider::Azure, "eu-central-1", "AWS"),
        ] {
            let hint = region_hint(provider, text);
            assert!(hint.contains(words), "{provider} {text}: {hint}");
        }
    }
}
