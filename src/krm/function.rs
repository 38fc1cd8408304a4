//! Door 1: the KRM function.

use std::ops::Range;

use super::{
    engine::Engine,
    exchange::{self, Form, Input},
    item::{PATH, PATH_LEGACY, read_node},
    reply::Changes,
    resource_list::{FunctionConfig, ResourceList},
    results::{self, CODE_TAG, ConfigPlace, Whereabouts},
};
use crate::{
    finding::Findings,
    yaml::{Limits, Sources},
};

/// What the program prints and with which code it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// For standard output, and nothing else may go there.
    pub stdout: Vec<u8>,
    /// For standard error: errors and warnings, one line each.
    pub stderr: String,
    /// 0 without errors; clients only look whether it is 0.
    pub exit: u8,
}

/// Answers one ResourceList.
///
/// An error is told in `results`, on stderr and by the exit code, and all items come back as they were: clients parse
/// the output before they look at the exit code, and a list that misses items has deleted packages before.
#[must_use]
pub fn run(input: &[u8], limits: Limits, engine: &dyn Engine) -> Reply {
    let mut sources = Sources::new();
    match ResourceList::read(&mut sources, input, limits) {
        Ok(list) => answer(&sources, &list, limits, engine),
        Err(findings) => refuse(input, &findings),
    }
}

fn answer(sources: &Sources, list: &ResourceList, limits: Limits, engine: &dyn Engine) -> Reply {
    let input = Input {
        sources,
        config: &list.function_config,
        items: &list.items,
        form: if list.takes_json() { Form::JsonList } else { Form::List },
        limits,
    };
    let outcome = exchange::exchange(input, engine);
    let whereabouts = whereabouts(list);
    let results = results::results(&outcome.findings, &whereabouts);
    let is_own = |body: &Range<usize>| is_own_result(sources, list, body, limits);
    Reply {
        stdout: list.with(&outcome.changes, &results, is_own).into_bytes(),
        stderr: results::lines(&outcome.findings, &whereabouts),
        exit: outcome.findings.exit_code(),
    }
}

fn whereabouts(list: &ResourceList) -> Whereabouts<'_> {
    let mark = |key: &str| {
        list.config_marks.iter().find(|(name, _)| **name == *key).map(|(_, value)| value.to_string())
    };
    let config = list.config_range.clone().map(|range| ConfigPlace {
        source: list.text.clone(),
        range,
        id: match &list.function_config {
            FunctionConfig::Object { id, .. } => Some(id.clone()),
            _ => None,
        },
        path: mark(PATH).or_else(|| mark(PATH_LEGACY)),
    });
    Whereabouts { input: Some(&list.text), items: &list.items, config }
}

/// Whether a result that came in is from an earlier run of ours: results of other functions in a pipe stay.
fn is_own_result(sources: &Sources, list: &ResourceList, body: &Range<usize>, limits: Limits) -> bool {
    read_node(sources, list.source, body.clone(), limits).is_ok_and(|node| {
        let code = node.at(["tags", CODE_TAG]).and_then(|code| code.as_str());
        code.and_then(|code| code.strip_prefix("IF"))
            .is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// The answer to an input that is no ResourceList: there is nothing to give back.
fn refuse(input: &[u8], findings: &Findings) -> Reply {
    let results = results::results(findings, &Whereabouts::UNKNOWN);
    let stderr = results::lines(findings, &Whereabouts::UNKNOWN);
    let exit = findings.exit_code().max(1);
    let is_json = input.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let empty: &[u8] = if is_json {
        br#"{"apiVersion":"config.kubernetes.io/v1","kind":"ResourceList","items":[]}"#
    } else {
        b"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n"
    };
    let stdout = match ResourceList::read(&mut Sources::new(), empty, super::LIMITS) {
        Ok(list) => list.with(&Changes::none(0), &results, |_| false).into_bytes(),
        // Not reached; if it were, the bare list is still a whole one.
        Err(_) => empty.to_vec(),
    };
    Reply { stdout, stderr, exit }
}
