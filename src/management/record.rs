//! What `infraflux init` was given by flags, kept beside what it wrote: the next run starts from there.
//!
//! Only flags are kept. What stands in infraflux.yaml is read there by every run, so that a line taken out of it is gone.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Settings;
use crate::{
    finding::{Findings, codes},
    yaml::{Limits, Source, Sources, emit, pointer::FieldPath, read, scalar::Schema, typed},
};

/// The file below `out/management/`.
pub const FILE: &str = "settings.yaml";

const HEAD: &str = "\
# What `infraflux init` was given by flags. The next run starts from here; its own flags win, then infraflux.yaml, and `--reset`
# forgets all of it. The form is that of infraflux.yaml.
";

/// Flags of one run or of several.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// `--catalog`.
    pub catalog: Option<String>,
    /// The others.
    #[serde(default)]
    pub management: Settings,
}

impl Record {
    /// Reads the file of an earlier run.
    pub fn read(source: Source) -> Result<Self, Findings> {
        let mut sources = Sources::new();
        let id = sources.add(source);
        let documents = read(&sources, id, Schema::Core, Limits::PLAN)?;
        let Some(document) = documents.first().filter(|document| document.root.as_mapping().is_some()) else {
            return Ok(Self::default());
        };
        typed::from_node(&document.root, &FieldPath::root(), &sources, &codes::INIT_RECORD)
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        // A record is strings, numbers and booleans under names, which serde_json takes.
        let value = serde_json::to_value(self).unwrap_or_default();
        let value = without_nulls(value);
        let empty = value.as_object().is_none_or(Map::is_empty);
        format!("{HEAD}{}", if empty { String::new() } else { emit::document(&value) })
    }

    /// This record without what somebody else decides.
    #[must_use]
    pub fn without(self, other: &Self) -> Self {
        Self {
            catalog: self.catalog.filter(|_| other.catalog.is_none()),
            management: self.management.without(&other.management),
        }
    }

    /// This record with another one above it.
    #[must_use]
    pub fn under(self, over: Self) -> Self {
        Self { catalog: over.catalog.or(self.catalog), management: self.management.under(over.management) }
    }

    /// As flags, `--profile current --shards 2`; empty when there are none.
    #[must_use]
    pub fn flags(&self) -> String {
        let command = self.management.command(self.catalog.as_deref(), "out");
        command.strip_prefix("infraflux init").unwrap_or_default().trim().to_owned()
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object
                .into_iter()
                .map(|(key, value)| (key, without_nulls(value)))
                .filter(|(_, value)| !value.is_null() && !value.as_object().is_some_and(Map::is_empty));
            Value::Object(kept.collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Provider;

    fn record() -> Record {
        Record {
            catalog: Some("./platform".to_owned()),
            management: Settings {
                providers: Some(vec![Provider::Aws, Provider::Proxmox]),
                profile: Some("current".to_owned()),
                multitenant: Some(true),
                variables: [("HUB_TIME_SERVERS".to_owned(), serde_json::json!(["192.0.2.1"]))].into(),
                ..Settings::default()
            },
        }
    }

    #[test]
    fn the_file_holds_what_was_given_and_nothing_else() {
        let text = record().text();
        assert_eq!(
            text.strip_prefix(HEAD),
            Some(
                "catalog: \"./platform\"\nmanagement:\n  multitenant: true\n  profile: current\n  providers:\n    - aws\n    - proxmox\n  \
                 variables:\n    HUB_TIME_SERVERS:\n      - \"192.0.2.1\"\n"
            )
        );
        assert_eq!(Record::read(Source::new(FILE, text)), Ok(record()));
        let nothing = Record::default();
        assert_eq!(nothing.text(), HEAD);
        assert_eq!(Record::read(Source::new(FILE, nothing.text())), Ok(nothing));
    }

    #[test]
    fn what_others_decide_is_left_out_and_the_rest_said_as_flags() {
        let others = Record {
            catalog: None,
            management: Settings {
                profile: Some("stable".to_owned()),
                multitenant: Some(false),
                ..Settings::default()
            },
        };
        let kept = record().without(&others);
        assert_eq!(
            kept.flags(),
            "--providers aws,proxmox --catalog ./platform --set 'HUB_TIME_SERVERS=[\"192.0.2.1\"]'"
        );
        assert_eq!(Record::default().flags(), "");
    }

    #[test]
    fn a_record_that_cannot_be_read_is_told_at_its_line() {
        let findings =
            Record::read(Source::new(FILE, "management:\n  profil: stable\n")).err().unwrap_or_default();
        let found: Vec<_> = findings
            .iter()
            .map(|finding| (finding.code.id, finding.location.as_ref().map(|location| location.start().0)))
            .collect();
        assert_eq!(found, [(codes::INIT_RECORD.id, Some(2))]);
    }
}
