//! Real clients for tests.

use std::path::PathBuf;

/// The path of a client. A user's machine may lack it, which is then said loudly; with `INFRAFLUX_REQUIRE_CLIENTS=1`, as
/// in CI, its absence is a failure.
pub fn client(name: &str, test: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        let is_required = std::env::var_os("INFRAFLUX_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
        assert!(
            !is_required,
            "{test} needs `{name}` on PATH, and INFRAFLUX_REQUIRE_CLIENTS=1 forbids to skip it"
        );
        // Past the capture of the test harness: a skipped test must not look like one that ran.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("\nSKIPPED: {test}: `{name}` is not on PATH\n").as_bytes(),
        );
    }
    found
}

/// Every kubectl to test with: the one on PATH, and those that `INFRAFLUX_KUBECTL` names (paths, separated as in PATH),
/// since kustomize behaves differently from version to version.
pub fn kubectls(test: &str) -> Vec<PathBuf> {
    let more = std::env::var_os("INFRAFLUX_KUBECTL").unwrap_or_default();
    client("kubectl", test)
        .into_iter()
        .chain(std::env::split_paths(&more).filter(|path| !path.as_os_str().is_empty()))
        .collect()
}
