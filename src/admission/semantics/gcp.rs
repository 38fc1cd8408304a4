//! `spec.gcp`.

use super::{Check, network, spec};
use crate::finding::codes;

pub(super) fn check(check: &mut Check<'_>) {
    let Some(gcp) = check.cluster.spec.gcp.clone() else { return };
    region(check);
    if let Some(text) = &gcp.subnet_cidr {
        let path = spec("gcp.subnetCIDR");
        if let Some(net) = network::one(check, text, &path)
            && (!net.addr().is_ipv4() || net.prefix_len() > 29)
        {
            check.error(
                &codes::NETWORK_SIZE,
                &path,
                format!("`{net}` cannot be a subnet: GCP takes IPv4 networks up to /29"),
                "use for instance `10.0.0.0/20`",
            );
        }
    }
    if let Some(image) = &gcp.image {
        let bare = image
            .trim_start_matches("https://www.googleapis.com/compute/v1/")
            .trim_start_matches("https://compute.googleapis.com/compute/v1/");
        let parts: Vec<&str> = bare.split('/').collect();
        let full = matches!(&*parts, ["projects", project, "global", "images", name] if !project.is_empty() && !name.is_empty())
            || matches!(&*parts, ["projects", _, "global", "images", "family", name] if !name.is_empty());
        if !full {
            check.error(
                &codes::PLAN_FORM,
                &spec("gcp.image"),
                format!("`{image}` is not the full reference of an image"),
                "write it like `projects/my-project/global/images/talos-v1-13-10`",
            );
        }
    }
    if let Some(account) =
        gcp.service_account.as_ref().filter(|account| *account != "default" && !account.contains('@'))
    {
        check.error(
            &codes::PLAN_FORM,
            &spec("gcp.serviceAccount"),
            format!("`{account}` is not a service account"),
            "write its e-mail address, or `default`",
        );
    }
}

/// `europe-west3`.
fn region(check: &mut Check<'_>) {
    let region = &check.cluster.region;
    let fits = region.split_once('-').is_some_and(|(area, place)| {
        let name = place.trim_end_matches(|c: char| c.is_ascii_digit());
        !area.is_empty()
            && area.bytes().all(|byte| byte.is_ascii_lowercase())
            && !name.is_empty()
            && name.len() < place.len()
            && name.bytes().all(|byte| byte.is_ascii_lowercase())
    });
    if fits || region.is_empty() {
        return;
    }
    let hint = match region.rsplit_once('-') {
        Some((rest, zone)) if zone.len() == 1 && rest.ends_with(|c: char| c.is_ascii_digit()) => {
            format!("`{region}` looks like a zone; its region is `{rest}`")
        }
        _ => "write it like `europe-west3`".to_owned(),
    };
    check.error(&codes::PLACE_FORM, &spec("region"), format!("`{region}` is not a region of GCP"), hint);
}
