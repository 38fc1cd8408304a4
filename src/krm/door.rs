//! Which door a call means.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use super::stream::LIMITS;
use crate::{
    finding::{Finding, Findings, codes},
    yaml::Limits,
};

/// The variable that kustomize sets for a legacy plugin.
pub const PLUGIN_ROOT: &str = "KUSTOMIZE_PLUGIN_CONFIG_ROOT";
/// The variable that raises or lowers the size of input that is read, in MiB.
pub const MAX_INPUT: &str = "INFRAFLUX_MAX_INPUT_MIB";

/// The kinds whose names make a legacy plugin of a program. The ConfigMap is among them for those who link it
/// themselves; see [`super::plugin_home`] for why we do not.
const KINDS: [&str; 4] = ["ClusterPlan", "FleetPlan", "Admission", "ConfigMap"];

/// What is known of a call before anything is read.
#[derive(Debug, Clone, Copy)]
pub struct Call<'call> {
    /// The name by which the program was called, `argv[0]`.
    pub program: &'call OsStr,
    /// The arguments after it.
    pub arguments: &'call [OsString],
    /// Whether [`PLUGIN_ROOT`] is set.
    pub has_plugin_root: bool,
    /// Whether standard input is a terminal.
    pub stdin_is_terminal: bool,
}

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door<'call> {
    /// A ResourceList on stdin.
    Function,
    /// A legacy exec plugin of kustomize.
    LegacyPlugin {
        /// The file that holds the configuration.
        config: &'call OsStr,
        /// The words of `argsOneLiner` and the lines of `argsFromFile`, which we have no use for.
        words: &'call [OsString],
    },
    /// The command line.
    Commands,
}

/// Decides.
///
/// kustomize calls a legacy plugin by its path, which ends in the kind, with a configuration file as first argument. A
/// script of that name that calls us with its arguments is told by the variable and a first argument with a slash:
/// kustomize names the file by an absolute path, and a plugin that runs `infraflux up` inherits the variable too.
#[must_use]
pub fn decide(call: Call<'_>) -> Door<'_> {
    let Some((first, rest)) = call.arguments.split_first() else {
        return if call.stdin_is_terminal { Door::Commands } else { Door::Function };
    };
    let is_option = first.to_string_lossy().starts_with('-');
    let by_root = call.has_plugin_root && has_slash(first);
    if !is_option && (is_kind(call.program) || by_root) {
        return Door::LegacyPlugin { config: first, words: rest };
    }
    Door::Commands
}

fn is_kind(program: &OsStr) -> bool {
    let name = Path::new(program).file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    KINDS.contains(&name)
}

fn has_slash(argument: &OsStr) -> bool {
    Path::new(argument).components().count() > 1
}

/// The limits for input, from the value of [`MAX_INPUT`]. At most 4095 MiB: a place is a 32-bit number.
pub fn limits(max_input: Option<&str>) -> Result<Limits, Findings> {
    let Some(text) = max_input.filter(|text| !text.trim().is_empty()) else {
        return Ok(LIMITS);
    };
    match text.trim().parse::<usize>() {
        Ok(mib @ 1..=4095) => Ok(Limits { bytes: mib << 20, ..LIMITS }),
        _ => Err(Finding::error(&codes::BAD_INPUT_LIMIT, format!("`{MAX_INPUT}` is `{}`", text.trim()))
            .hint("write a whole number of MiB from 1 to 4095")
            .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, Door, decide, limits};
    use std::ffi::{OsStr, OsString};

    fn door(program: &str, arguments: &[&str], has_plugin_root: bool, stdin_is_terminal: bool) -> String {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let call =
            Call { program: OsStr::new(program), arguments: &arguments, has_plugin_root, stdin_is_terminal };
        match decide(call) {
            Door::Function => "function".to_owned(),
            Door::Commands => "commands".to_owned(),
            Door::LegacyPlugin { config, words } => format!("plugin {} {}", config.display(), words.len()),
        }
    }

    #[test]
    fn every_way_of_being_called_has_its_door() {
        // program, arguments, variable set, terminal, door
        let table: [(&str, &[&str], bool, bool, &str); 16] = [
            ("infraflux", &[], false, false, "function"),
            ("/usr/bin/infraflux", &[], true, false, "function"),
            ("infraflux", &[], false, true, "commands"),
            ("infraflux", &["up"], false, false, "commands"),
            ("infraflux", &["up", "-f", "/plan.yaml"], true, false, "commands"),
            ("infraflux", &["--help"], true, true, "commands"),
            ("infraflux", &["/tmp/kust-plugin-config-1"], false, false, "commands"),
            ("infraflux", &["/tmp/kust-plugin-config-1"], true, false, "plugin /tmp/kust-plugin-config-1 0"),
            (
                "/home/x/.config/kustomize/plugin/infraflux.io/v1alpha1/clusterplan/ClusterPlan",
                &["/tmp/c"],
                true,
                false,
                "plugin /tmp/c 0",
            ),
            ("ClusterPlan", &["config.yaml", "a", "b"], false, true, "plugin config.yaml 2"),
            ("FleetPlan.exe", &["c"], false, false, "plugin c 0"),
            ("./Admission", &["c"], false, false, "plugin c 0"),
            ("ConfigMap", &["c"], false, false, "plugin c 0"),
            ("ClusterPlan", &["--version"], false, false, "commands"),
            ("ClusterPlan", &[], false, false, "function"),
            ("clusterplan", &["c"], false, false, "commands"),
        ];
        for (program, arguments, variable, terminal, expected) in table {
            assert_eq!(door(program, arguments, variable, terminal), expected, "{program} {arguments:?}");
        }
    }

    #[test]
    fn the_limit_is_a_whole_number_of_mib() {
        assert_eq!(limits(None).map(|limits| limits.bytes >> 20), Ok(40));
        assert_eq!(limits(Some(" 100 ")).map(|limits| limits.bytes >> 20), Ok(100));
        for wrong in ["0", "-1", "1.5", "4096", "many"] {
            assert_eq!(limits(Some(wrong)).map_err(|findings| findings.exit_code()), Err(2), "{wrong}");
        }
    }
}
