//! Door 2: the legacy exec plugin of kustomize, the only form that `kubectl kustomize` runs as a program.
//!
//! The configuration comes in a file that is named by the first argument, resources as a stream of documents on stdin:
//! none for a generator, and none for a transformer in a build without resources either. Documents go out, so there is
//! no room for results, and since kustomize 5.6 stderr is only shown when the exit code is not 0.

use std::{ops::Range, sync::Arc};

use granit_parser::Event;

use super::{
    engine::Engine,
    exchange::{self, Form, Input},
    function::Reply,
    header::{Header, HeaderScan},
    item::{Item, resolve_header},
    reply::{Changes, Edits, Fate, without_blank_end},
    resource_list::{FunctionConfig, STDIN, function_config},
    results::{self, ConfigPlace, Whereabouts},
    slice::{line_start, next_line},
    stream::{self, Growth},
};
use crate::{
    finding::{Finding, Findings, codes},
    yaml::{Limits, Place, Source, SourceId, Sources},
};

/// Answers one call: `config` is the content of the configuration file, `config_name` what messages call it.
#[must_use]
pub fn run(config_name: &str, config: &[u8], input: &[u8], limits: Limits, engine: &dyn Engine) -> Reply {
    let mut sources = Sources::new();
    let config = match read_config(&mut sources, config_name, config, limits) {
        Ok(config) => config,
        Err(findings) => return refuse(input, &findings),
    };
    let stream = match DocumentStream::read(&mut sources, input, limits) {
        Ok(stream) => stream,
        Err(findings) => return refuse(b"", &findings),
    };
    let exchanged = exchange::exchange(
        Input { sources: &sources, config: &config.config, items: &stream.items, form: Form::Stream, limits },
        engine,
    );
    let whereabouts =
        Whereabouts { input: Some(&stream.text), items: &stream.items, config: Some(config.place) };
    Reply {
        stdout: stream.with(&exchanged.changes).into_bytes(),
        stderr: results::lines(&exchanged.findings, &whereabouts),
        exit: exchanged.findings.exit_code(),
    }
}

/// On errors kustomize reads nothing of the output; what came in is given back all the same.
fn refuse(input: &[u8], findings: &Findings) -> Reply {
    Reply {
        stdout: input.to_vec(),
        stderr: results::lines(findings, &Whereabouts::UNKNOWN),
        exit: findings.exit_code().max(1),
    }
}

struct LegacyConfig {
    config: FunctionConfig,
    place: ConfigPlace,
}

fn read_config(
    sources: &mut Sources,
    name: &str,
    config: &[u8],
    limits: Limits,
) -> Result<LegacyConfig, Findings> {
    let source = Arc::new(Source::new(name, stream::text(config, name, limits)?));
    let whole = 0..source.text().len();
    let id = sources.add(source.clone());
    if source.text().trim().is_empty() {
        return Err(Finding::error(&codes::EMPTY_INPUT, "the plugin configuration is empty")
            .at(sources.locate(Place::new(id, 0..0)))
            .hint("kustomize writes it to the file that is named by the first argument")
            .into());
    }
    let config = function_config(sources, id, whole.clone(), limits);
    let object = match &config {
        FunctionConfig::Object { id, .. } => Some(id.clone()),
        _ => None,
    };
    Ok(LegacyConfig { config, place: ConfigPlace { source, range: whole, id: object, path: None } })
}

/// A stream of documents and the bytes of each.
struct DocumentStream {
    text: Arc<Source>,
    items: Vec<Item>,
    /// For each document: where its `---` stands, or its text begins if it has none.
    markers: Vec<usize>,
}

/// One document while it is read.
struct Open {
    marker: usize,
    /// Behind `---`, or where the document begins without it.
    start: usize,
    header: HeaderScan,
}

impl DocumentStream {
    fn read(sources: &mut Sources, input: &[u8], limits: Limits) -> Result<Self, Findings> {
        let mut text = stream::text(input, STDIN, limits)?.to_owned();
        if !text.is_empty() && !text.ends_with(['\n', '\r']) {
            text.push('\n');
        }
        let source = Arc::new(Source::new(STDIN, text));
        let id = sources.add(source.clone());
        let (markers, documents) = documents(sources, id, source.text(), limits)?;
        let items = documents
            .into_iter()
            .map(|(header, range)| {
                let header = resolve_header(header, sources, id, range.clone(), limits);
                Item::new(header, id, range.clone(), range)
            })
            .collect();
        Ok(Self { text: source, items, markers })
    }

    /// The stream with changed documents.
    fn with(&self, changes: &Changes) -> String {
        let text = self.text.text();
        let mut edits = Edits::default();
        for (position, (item, fate)) in self.items.iter().zip(&changes.fates).enumerate() {
            // A document after `...` needs no `---`, but after what stands here now it does.
            let next = self.markers.get(position + 1).and_then(|next| text.get(*next..));
            let after = if next.is_some_and(|next| !next.starts_with("---")) { "---\n" } else { "" };
            match fate {
                Fate::Keep => {}
                Fate::Replace(new) => {
                    let start = item.range.start;
                    // On a line of its own behind `---`.
                    let before = if start > line_start(text, start) { "\n" } else { "" };
                    let new = without_blank_end(new);
                    edits.replace(item.range.clone(), format!("{before}{new}\n{after}"));
                }
                Fate::Drop => {
                    let marker = self.markers.get(position).copied().unwrap_or(item.range.start);
                    edits.replace(marker..item.range.end, after);
                }
            }
        }
        let mut out = edits.apply(text);
        for new in &changes.append {
            if !out.trim().is_empty() {
                out.push_str("---\n");
            }
            out.push_str(without_blank_end(new));
            out.push('\n');
        }
        out
    }
}

type Documents = (Vec<usize>, Vec<(Header, Range<usize>)>);

fn documents(sources: &Sources, id: SourceId, text: &str, limits: Limits) -> Result<Documents, Findings> {
    let mut growth = Growth::default();
    let mut open: Option<Open> = None;
    // Where a document may begin: at the start, and behind `...`.
    let mut free = 0;
    let mut done: Vec<(usize, usize, HeaderScan)> = Vec::new();
    for event in stream::events(sources, id, text) {
        let (event, range) = event?;
        if let Err(offence) = growth.take(&event, done.len(), limits) {
            return Err(offence.finding(sources, Place::new(id, range), limits).into());
        }
        match &event {
            Event::DocumentStart(explicit, _) => {
                // Comments in front of a document without `---` are its own.
                let marker = if *explicit { range.start } else { free };
                let start = if *explicit { behind_marker(text, range.end) } else { free };
                open = Some(Open { marker, start, header: HeaderScan::default() });
            }
            Event::DocumentEnd => {
                free = if range.is_empty() { range.start } else { next_line(text, range.end) };
                if let Some(Open { marker, start, header }) = open.take() {
                    done.push((marker, start, header));
                }
            }
            _ => {
                if let Some(open) = &mut open {
                    open.header.take(&event);
                }
            }
        }
    }
    let markers: Vec<usize> = done.iter().map(|(marker, ..)| *marker).collect();
    let documents = done
        .into_iter()
        .enumerate()
        .map(|(position, (_, start, header))| {
            let end = markers.get(position + 1).copied().unwrap_or(text.len());
            (header.finish(), start..end.max(start))
        })
        .collect();
    Ok((markers, documents))
}

/// Where a document begins whose `---` ends at `end`: on the next line, unless something stands on this one.
fn behind_marker(text: &str, end: usize) -> usize {
    let next = next_line(text, end);
    if text[end..next].trim().is_empty() { next } else { end }
}
