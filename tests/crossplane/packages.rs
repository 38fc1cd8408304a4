//! Providers, functions, and which of their kinds are active.

use super::*;

/// `registry/owner/name` and version of a package reference.
fn split(package: &str) -> (&str, &str) {
    package.rsplit_once(':').unwrap_or_else(|| panic!("{package} has no version"))
}

/// `aws` of `provider-aws-rds` and `provider-family-aws`.
fn family(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("provider-")?;
    rest.strip_prefix("family-").or_else(|| Some(rest.split_once('-')?.0))
}

#[test]
fn packages_are_pinned_and_called_as_dependency_resolution_calls_them() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut families = BTreeSet::new();
    let packages =
        [of_kind("crossplane/providers", "Provider"), of_kind("crossplane/providers", "Function")].concat();
    assert_eq!(packages.len(), 10);
    let runtimes: BTreeSet<_> = of_kind("crossplane/providers", "DeploymentRuntimeConfig")
        .iter()
        .map(|object| name(object).to_owned())
        .collect();
    for package in &packages {
        let (repository, version) = split(text(package, "/spec/package"));
        let path = repository
            .strip_prefix("xpkg.crossplane.io/")
            .expect("the community's registry, with its full name");
        // Another name, and a dependency would install the package a second time (crossplane/crossplane
        // `internal/controller/pkg/resolver/reconciler.go`).
        assert_eq!(name(package), path.replace('/', "-"));
        let digits: Vec<_> = version.strip_prefix('v').expect("vX.Y.Z").split('.').collect();
        assert!(digits.len() == 3 && digits.iter().all(|digits| digits.parse::<u16>().is_ok()), "{version}");
        let runtime = text(package, "/spec/runtimeConfigRef/name");
        assert!(runtimes.contains(runtime), "{runtime}");
        let short = path.strip_prefix("crossplane-contrib/").unwrap();
        if let Some(family) = family(short) {
            versions.entry(family.to_owned()).or_default().insert(version.to_owned());
            if short.starts_with("provider-family-") {
                families.insert(family.to_owned());
            }
        }
    }
    // One version in a family, and the family package itself is pinned.
    for (family, versions) in versions {
        assert_eq!(versions.len(), 1, "{family}: {versions:?}");
        assert!(families.contains(&family), "{family} has no family package");
    }
}

/// The table of pins in the README is the truth.
#[test]
fn the_readme_names_the_pins() {
    let readme = fs::read_to_string(root().join("crossplane/README.md")).unwrap();
    let mut rows: BTreeMap<String, String> = BTreeMap::new();
    for row in readme.lines().filter(|row| row.starts_with("| provider-") || row.starts_with("| function-")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let mut names = cells[1].split(", ");
        let first = names.next().unwrap();
        rows.insert(first.to_owned(), cells[2].to_owned());
        for short in names {
            // `provider-family-aws, -aws-rds`
            rows.insert(format!("provider{short}"), cells[2].to_owned());
        }
    }
    let packages =
        [of_kind("crossplane/providers", "Provider"), of_kind("crossplane/providers", "Function")].concat();
    let pinned: BTreeMap<_, _> = packages
        .iter()
        .map(|package| {
            let (repository, version) = split(text(package, "/spec/package"));
            (repository.rsplit('/').next().unwrap().to_owned(), version.to_owned())
        })
        .collect();
    assert_eq!(rows, pinned);
    let chart = &of_kind("crossplane/install", "HelmRelease")[0];
    let version = text(chart, "/spec/chart/spec/version");
    assert!(readme.contains(&format!("| Crossplane | {version} |")), "{version}");
}

/// Exactly the kinds that Compositions use become CRDs.
#[test]
fn activation_covers_what_is_composed_and_no_more() {
    let Some(crds) = Crds::load() else { return };
    let active: BTreeSet<String> = of_kind("crossplane/providers", "ManagedResourceActivationPolicy")
        .iter()
        .flat_map(|policy| policy["spec"]["activate"].as_array().unwrap().clone())
        .map(|entry| entry.as_str().unwrap().to_owned())
        .collect();
    let mut used: BTreeSet<String> = compositions::all_composed()
        .iter()
        .filter(|object| compositions::is_managed(object))
        .map(|object| name(crds.of(object).unwrap_or_else(|| panic!("no CRD for {object}"))).to_owned())
        .collect();
    // For Compositions of the user's own.
    used.insert("objects.kubernetes.m.crossplane.io".to_owned());
    assert_eq!(active, used);
    let release = &of_kind("crossplane/install", "HelmRelease")[0];
    assert_eq!(release.pointer("/spec/values/provider/defaultActivations"), Some(&serde_json::json!([])));
}

/// Each cloud with a provider has an account, of a kind that its family package brings.
#[test]
fn every_provider_has_an_account() {
    let accounts: BTreeSet<String> = of_kind("crossplane/provider-configs", "ClusterProviderConfig")
        .iter()
        .filter(|config| name(config) == "default")
        .map(|config| text(config, "/apiVersion").split('.').next().unwrap().to_owned())
        .collect();
    let clouds: BTreeSet<String> = of_kind("crossplane/providers", "Provider")
        .iter()
        .map(|provider| split(text(provider, "/spec/package")).0.rsplit('/').next().unwrap().to_owned())
        .map(|short| family(&short).or_else(|| short.strip_prefix("provider-")).unwrap().to_owned())
        .collect();
    assert_eq!(accounts, clouds);
}
