//! The programs of other projects that tests talk to.

use std::process::{Command, Stdio};

/// Whether a program is on PATH. When it is not, says loudly that `what` was skipped;
/// with `INFRAFLUX_REQUIRE_CLIENTS=1`, as in CI, absence is a failure.
#[expect(clippy::print_stderr, reason = "a skipped test has to be seen")]
pub fn have(program: &str, what: &str) -> bool {
    let found = Command::new(program)
        .arg("--help")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        assert!(
            std::env::var_os("INFRAFLUX_REQUIRE_CLIENTS").is_none_or(|value| value != "1"),
            "`{program}` is required here (INFRAFLUX_REQUIRE_CLIENTS=1) and is not on PATH"
        );
        eprintln!("SKIPPED: {what}: `{program}` is not on PATH");
    }
    found
}
