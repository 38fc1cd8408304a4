//! What a hub is made of: the flags of `infraflux init`, and `management:` in infraflux.yaml under the same names.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};

use crate::{
    finding::{Finding, Findings, codes},
    plan::Provider,
};

/// More shards than anybody runs; a mistyped number must not render a thousand Deployments.
const MAX_SHARDS: u16 = 64;

/// A hub as somebody asked for it; what is left out has a default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The infrastructure providers. Default: all whose files are in the catalogue.
    pub providers: Option<Vec<Provider>>,
    /// The set of versions. Default `stable`.
    pub profile: Option<String>,
    /// The repository that Flux reads, `https://...` or `ssh://...`. Without it an example stands there.
    #[serde(rename = "repoURL")]
    pub repo_url: Option<String>,
    /// Its branch. Default `main`.
    pub branch: Option<String>,
    /// The Secret in flux-system with which Flux reads a private repository. Default: none, the repository is public.
    pub repo_secret: Option<String>,
    /// Where the output folder lies in the repository. Default: the output folder itself when that is a relative path, else `out`.
    pub out_path: Option<String>,
    /// How many Flux shards, called `shard1` and so on. Default 0.
    pub shards: Option<u16>,
    /// Whether others than the platform team write Flux objects on the hub. Default false.
    pub multitenant: Option<bool>,
    /// Whether the hub runs Crossplane. Default false.
    pub crossplane: Option<bool>,
    /// Whether the hub gets its cert-manager from here. Default true.
    pub cert_manager: Option<bool>,
    /// Variables of the templates (`management/hub-variables.yaml`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, serde_json::Value>,
}

impl Settings {
    /// These settings with others above them.
    #[must_use]
    pub fn under(mut self, over: Self) -> Self {
        self.variables.extend(over.variables);
        Self {
            providers: over.providers.or(self.providers),
            profile: over.profile.or(self.profile),
            repo_url: over.repo_url.or(self.repo_url),
            branch: over.branch.or(self.branch),
            repo_secret: over.repo_secret.or(self.repo_secret),
            out_path: over.out_path.or(self.out_path),
            shards: over.shards.or(self.shards),
            multitenant: over.multitenant.or(self.multitenant),
            crossplane: over.crossplane.or(self.crossplane),
            cert_manager: over.cert_manager.or(self.cert_manager),
            variables: self.variables,
        }
    }

    /// These settings without those that others decide.
    #[must_use]
    pub fn without(mut self, others: &Self) -> Self {
        self.variables.retain(|name, _| !others.variables.contains_key(name));
        Self {
            providers: self.providers.filter(|_| others.providers.is_none()),
            profile: self.profile.filter(|_| others.profile.is_none()),
            repo_url: self.repo_url.filter(|_| others.repo_url.is_none()),
            branch: self.branch.filter(|_| others.branch.is_none()),
            repo_secret: self.repo_secret.filter(|_| others.repo_secret.is_none()),
            out_path: self.out_path.filter(|_| others.out_path.is_none()),
            shards: self.shards.filter(|_| others.shards.is_none()),
            multitenant: self.multitenant.filter(|_| others.multitenant.is_none()),
            crossplane: self.crossplane.filter(|_| others.crossplane.is_none()),
            cert_manager: self.cert_manager.filter(|_| others.cert_manager.is_none()),
            variables: self.variables,
        }
    }

    /// What is wrong with values that no default can mend.
    pub fn check(&self) -> Result<(), Findings> {
        let mut findings = Findings::new();
        let mut wrong = |message: String, hint: &str| {
            findings.push(Finding::error(&codes::INIT_SETTING, message).hint(hint));
        };
        if let Some(url) = &self.repo_url {
            match url.split_once("://") {
                Some(("https" | "http", rest))
                    if rest.split('/').next().is_some_and(|host| host.contains('@')) =>
                {
                    wrong(
                        "the repository's address has a user or a password in it, which would stand in Git"
                            .to_owned(),
                        "leave it out and name a Secret with `--repo-secret`",
                    );
                }
                Some(("https" | "http" | "ssh", rest)) if !rest.is_empty() && is_plain(url) => {}
                _ => wrong(
                    format!("`{url}` is not an address that Flux takes"),
                    "write `https://host/path` or `ssh://git@host/path`; the form `git@host:path` is not known to Flux",
                ),
            }
        }
        if self.shards.is_some_and(|shards| shards > MAX_SHARDS) {
            wrong(
                format!("{} shards are more than {MAX_SHARDS}", self.shards.unwrap_or_default()),
                "a handful serves thousands of clusters",
            );
        }
        if let Some(path) = &self.out_path
            && (crate::output::RelativePath::new(path).is_err() || !is_plain(path))
        {
            wrong(
                format!("`{path}` is not a path in a repository"),
                "write it relative to the root of the repository, for instance `out` or `fleet/out`",
            );
        }
        if self.providers.as_ref().is_some_and(Vec::is_empty) {
            wrong(
                "there is no provider left".to_owned(),
                "name one or several of aws, azure, gcp and proxmox",
            );
        }
        let name = |text: &str| is_plain(text) && !text.starts_with('-');
        for (what, text) in [("branch", &self.branch), ("name of a Secret", &self.repo_secret)] {
            if let Some(text) = text
                && !name(text)
            {
                wrong(format!("`{text}` is not a {what}"), "leave it out for the default");
            }
        }
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    /// The command that gives these settings, for the documents that say how they came about.
    #[must_use]
    pub fn command(&self, catalog: Option<&str>, out: &str) -> String {
        let mut command = "infraflux init".to_owned();
        let mut flag = |name: &str, value: &str| {
            // Writing to a String cannot fail.
            let _ = write!(command, " --{name} {}", quoted(value));
        };
        if let Some(providers) = &self.providers {
            let names: Vec<&str> = providers.iter().map(|provider| provider.as_str()).collect();
            flag("providers", &names.join(","));
        }
        for (name, value) in [
            ("profile", self.profile.as_deref()),
            ("repo-url", self.repo_url.as_deref()),
            ("branch", self.branch.as_deref()),
            ("repo-secret", self.repo_secret.as_deref()),
            ("catalog", catalog),
            ("out", (out != "out").then_some(out)),
            ("out-path", self.out_path.as_deref()),
        ] {
            if let Some(value) = value {
                flag(name, value);
            }
        }
        if let Some(shards) = self.shards.filter(|shards| *shards > 0) {
            flag("shards", &shards.to_string());
        }
        for (name, value) in &self.variables {
            let value = match value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            flag("set", &format!("{name}={value}"));
        }
        for (name, on) in [
            ("multitenant", self.multitenant == Some(true)),
            ("crossplane", self.crossplane == Some(true)),
            ("no-cert-manager", self.cert_manager == Some(false)),
        ] {
            if on {
                let _ = write!(command, " --{name}");
            }
        }
        command
    }
}

/// Whether a word means itself in a POSIX shell. What stands in the documents' commands must.
#[must_use]
pub fn is_plain(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=,@+%~".contains(&byte);
    !word.is_empty() && word.bytes().all(plain)
}

/// A word as a POSIX shell takes it.
#[must_use]
pub fn quoted(word: &str) -> String {
    if is_plain(word) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_variables_add_up() {
        let file = Settings {
            profile: Some("current".to_owned()),
            shards: Some(2),
            variables: [("A".to_owned(), 1.into()), ("B".to_owned(), 2.into())].into(),
            ..Settings::default()
        };
        let flags = Settings {
            shards: Some(0),
            variables: [("B".to_owned(), 3.into())].into(),
            ..Settings::default()
        };
        let both = file.under(flags);
        assert_eq!((both.profile.as_deref(), both.shards), (Some("current"), Some(0)));
        assert_eq!(both.variables, [("A".to_owned(), 1.into()), ("B".to_owned(), 3.into())].into());
    }

    #[test]
    fn values_that_cannot_be_meant() {
        let table: &[(Settings, bool)] = &[
            (
                Settings {
                    repo_url: Some("https://git.example.org/a.git".to_owned()),
                    ..Settings::default()
                },
                true,
            ),
            (
                Settings {
                    repo_url: Some("ssh://git@git.example.org/a.git".to_owned()),
                    ..Settings::default()
                },
                true,
            ),
            (
                Settings { repo_url: Some("git@git.example.org:a.git".to_owned()), ..Settings::default() },
                false,
            ),
            (
                Settings {
                    repo_url: Some("https://me:word@git.example.org/a".to_owned()),
                    ..Settings::default()
                },
                false,
            ),
            (Settings { repo_url: Some("https://".to_owned()), ..Settings::default() }, false),
            (Settings { shards: Some(65), ..Settings::default() }, false),
            (Settings { out_path: Some("../out".to_owned()), ..Settings::default() }, false),
            (Settings { out_path: Some("fleet/out".to_owned()), ..Settings::default() }, true),
            (Settings { providers: Some(Vec::new()), ..Settings::default() }, false),
            (Settings { branch: Some("-x".to_owned()), ..Settings::default() }, false),
            (Settings { branch: Some("$(id)".to_owned()), ..Settings::default() }, false),
            (Settings { repo_url: Some("https://a/b;id".to_owned()), ..Settings::default() }, false),
            (Settings { out_path: Some("my out".to_owned()), ..Settings::default() }, false),
        ];
        for (settings, good) in table {
            assert_eq!(settings.check().is_ok(), *good, "{settings:?}");
        }
    }

    #[test]
    fn the_command_says_what_was_asked_for() {
        let settings = Settings {
            providers: Some(vec![Provider::Aws, Provider::Proxmox]),
            shards: Some(2),
            multitenant: Some(true),
            cert_manager: Some(false),
            variables: [("AWS_ROLE_ARN".to_owned(), "it's".into())].into(),
            ..Settings::default()
        };
        assert_eq!(
            settings.command(Some("."), "fleet/out"),
            "infraflux init --providers aws,proxmox --catalog . --out fleet/out --shards 2 --set 'AWS_ROLE_ARN=it'\\''s' \
             --multitenant --no-cert-manager"
        );
    }
}
