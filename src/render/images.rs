//! The images of a cluster's machines at the Image Factory, and the schematic that they are made from.

use std::fmt::Write as _;

use crate::plan::resolved::ResolvedCluster;

/// The installer image, for installations from metal or an ISO and for upgrades.
///
/// Source: siderolabs/docs `learn-more/image-factory.mdx`; since 1.10 the factory has an installer for each platform.
#[must_use]
pub fn installer(cluster: &ResolvedCluster) -> String {
    let talos = &cluster.talos;
    let platform = &cluster.descriptor.talos_platform;
    let variant = if talos.secure_boot { "installer-secureboot" } else { "installer" };
    format!("{}/{platform}-{variant}/{}:v{}", talos.image_factory, talos.schematic.id(), talos.version)
}

/// Where the disk image lies that becomes the provider's image or VM template; for amd64, which is what the tables of
/// machine types hold.
///
/// Source: siderolabs/docs `platform-specific-installations/cloud-platforms/{aws,azure,gcp,nocloud}.mdx`.
#[must_use]
pub fn disk(cluster: &ResolvedCluster) -> String {
    let talos = &cluster.talos;
    let descriptor = &cluster.descriptor;
    let variant = if talos.secure_boot { "-secureboot" } else { "" };
    format!(
        "https://{}/image/{}/v{}/{}-amd64{variant}.{}",
        talos.image_factory,
        talos.schematic.id(),
        talos.version,
        descriptor.talos_platform,
        descriptor.talos_image
    )
}

/// `cluster/schematic.yaml`: what is posted to the factory, which knows an id only after that, with what comes of it as
/// comments. They do not change the id: the factory hashes its own writing of the content.
#[must_use]
pub fn schematic_file(cluster: &ResolvedCluster) -> String {
    let mut out = String::new();
    let factory = &cluster.talos.image_factory;
    let lines = [
        "Post this to the Image Factory once; it serves the images below from then on:".to_owned(),
        format!("  curl --data-binary @schematic.yaml https://{factory}/schematics"),
        format!("id: {}", cluster.talos.schematic.id()),
        format!("disk image: {}", disk(cluster)),
        format!("installer: {}", installer(cluster)),
    ];
    for line in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# {line}");
    }
    out + &cluster.talos.schematic.to_yaml()
}
