//! What a person does, step by step: data in the catalogue, Markdown for reading.

use std::fmt::Write as _;

use serde::Deserialize;

use super::values::{self, Values};
use crate::{
    catalog::Catalog,
    finding::{Finding, Findings, codes},
};

/// A document with commands (`management/runbooks/*.yaml`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Runbook {
    /// The heading.
    pub title: String,
    /// What one should know before the first step, as Markdown.
    #[serde(default)]
    pub introduction: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What comes after the last step, as Markdown.
    #[serde(default)]
    pub closing: String,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// What is done, in a few words.
    pub title: String,
    /// Why, and what to decide, as Markdown.
    #[serde(default)]
    pub text: String,
    /// Commands for a POSIX shell, one a line.
    #[serde(default)]
    pub run: String,
    /// Commands that show whether it worked.
    #[serde(default)]
    pub check: String,
    /// What they show then, as Markdown.
    #[serde(default)]
    pub expect: String,
    /// What to look at when not, as Markdown.
    #[serde(default)]
    pub trouble: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    api_version: String,
    kind: String,
    #[expect(dead_code, reason = "for people, and for tools that list objects")]
    metadata: crate::catalog::bundle::BundleMetadata,
    spec: Runbook,
}

impl Runbook {
    /// Fills a runbook of the catalogue, for instance `bootstrap`.
    pub fn read(catalog: &Catalog, name: &str, values: &Values) -> Result<Self, Findings> {
        let path = format!("management/runbooks/{name}.yaml");
        let data = values::data(catalog, &path, values)?;
        let wrong = |message: String| -> Findings {
            Finding::error(&codes::RUNBOOK, format!("`{path}` is not a runbook: {message}"))
                .hint("`infraflux eject` writes the original beside yours")
                .into()
        };
        let file: File = serde_json::from_value(data).map_err(|error| wrong(error.to_string()))?;
        if file.api_version != crate::plan::read::API_VERSION || file.kind != "Runbook" {
            return Err(wrong(format!("it is {} {}", file.api_version, file.kind)));
        }
        Ok(file.spec)
    }

    /// All commands, in order: those that do something and those that check. A command that goes on after a `\\` is one.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        let texts = self.steps.iter().flat_map(|step| [&step.run, &step.check]);
        texts.flat_map(|text| commands_of(text)).collect()
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n", self.title);
        paragraph(&mut out, &self.introduction);
        for (number, step) in (1..).zip(&self.steps) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\n## {number}. {}\n", step.title);
            paragraph(&mut out, &step.text);
            commands(&mut out, &step.run);
            if !step.check.trim().is_empty() {
                out.push_str("\nCheck:\n");
                commands(&mut out, &step.check);
            }
            labelled(&mut out, "Expected", &step.expect);
            labelled(&mut out, "Otherwise", &step.trouble);
        }
        paragraph(&mut out, &self.closing);
        out
    }

    /// The commands alone, for a terminal: titles are comments.
    #[must_use]
    pub fn script(&self) -> String {
        let mut out = String::new();
        for (number, step) in (1..).zip(&self.steps) {
            let gap = if number == 1 { "" } else { "\n" };
            let _ = writeln!(out, "{gap}# {number}. {}", step.title);
            for part in [&step.run, &step.check] {
                if !part.trim().is_empty() {
                    let _ = writeln!(out, "{}", part.trim_end());
                }
            }
        }
        out
    }
}

/// The commands of a shell's text, without remarks.
#[must_use]
pub fn commands_of(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines().map(str::trim) {
        let (line, more) = match line.strip_suffix('\\') {
            Some(line) => (line.trim_end(), true),
            None => (line, false),
        };
        match out.last_mut().filter(|_| goes_on) {
            Some(command) => {
                command.push(' ');
                command.push_str(line);
            }
            None if line.is_empty() || line.starts_with('#') => {}
            None => out.push(line.to_owned()),
        }
        goes_on = more;
    }
    out
}

fn paragraph(out: &mut String, text: &str) {
    if !text.trim().is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n{}\n", text.trim_end());
    }
}

fn commands(out: &mut String, text: &str) {
    if !text.trim().is_empty() {
        let _ = write!(out, "\n```sh\n{}\n```\n", text.trim_end());
    }
}

/// A label before a sentence, and a line of its own before a list.
fn labelled(out: &mut String, label: &str, text: &str) {
    let text = text.trim_end();
    if text.is_empty() {
        return;
    }
    let gap = if text.starts_with("- ") { "\n\n" } else { " " };
    let _ = write!(out, "\n{label}:{gap}{text}\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runbook_as_markdown_and_as_commands() {
        let runbook = Runbook {
            title: "Title".to_owned(),
            introduction: "Words.\n".to_owned(),
            steps: vec![
                Step {
                    title: "One".to_owned(),
                    text: String::new(),
                    run: "# a remark\na \\\n  --b\n".to_owned(),
                    check: "c\n".to_owned(),
                    expect: "`d`".to_owned(),
                    trouble: "- e\n- f\n".to_owned(),
                },
                Step {
                    title: "Two".to_owned(),
                    text: "Only words.\n".to_owned(),
                    run: String::new(),
                    check: String::new(),
                    expect: String::new(),
                    trouble: String::new(),
                },
            ],
            closing: "End.\n".to_owned(),
        };
        assert_eq!(runbook.commands(), ["a --b", "c"]);
        assert_eq!(runbook.script(), "# 1. One\n# a remark\na \\\n  --b\nc\n\n# 2. Two\n");
        insta::assert_snapshot!(runbook.markdown(), @r"
        # Title

        Words.

        ## 1. One

        ```sh
        # a remark
        a \
          --b
        ```

        Check:

        ```sh
        c
        ```

        Expected: `d`

        Otherwise:

        - e
        - f

        ## 2. Two

        Only words.

        End.
        ");
    }
}
