//! The parts of a ResourceList, picked up in one pass over the parser's events.

use std::ops::Range;

use granit_parser::{Event, ScalarStyle, StructureStyle};

use super::{List, Style};
use crate::{
    finding::{Finding, Findings, codes, suggest},
    krm::{
        header::{Header, HeaderScan},
        slice::{Entry, Tail, block_end, block_entries, colon_after, line_start},
        stream::Growth,
    },
    yaml::{Limits, Place, SourceId, Sources},
};

/// What the scan hands over.
pub(super) struct Parts {
    pub(super) items: Vec<Header>,
    pub(super) item_list: Option<List>,
    pub(super) result_list: Option<List>,
    pub(super) config: Option<(Range<usize>, Header)>,
    pub(super) is_flow: bool,
    pub(super) column: usize,
    pub(super) last_key: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    ApiVersion,
    Kind,
    Items,
    FunctionConfig,
    Results,
    Other,
}

/// A value at the top that is being read.
struct Value {
    key: Key,
    colon: usize,
    /// The first event.
    start: usize,
    tail: Tail,
    shape: Shape,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Scalar,
    Mapping,
    Sequence(Style),
}

pub(super) struct Scan<'input> {
    sources: &'input Sources,
    id: SourceId,
    text: &'input str,
    limits: Limits,
    growth: Growth,
    depth: usize,
    /// Every item and every other value at the top has to stand alone: the number of the present one.
    segment: usize,
    /// Set once the root mapping was seen; a document after it has to be empty.
    root: Option<StructureStyle>,
    root_start: usize,
    key: Option<(Key, usize)>,
    seen: Vec<(Key, Range<usize>)>,
    value: Option<Value>,
    entry: Option<(HeaderScan, usize, Tail)>,
    entries: Vec<(Header, Range<usize>)>,
    config: Option<HeaderScan>,
    kind: Option<(String, Range<usize>)>,
    parts: Parts,
}

impl<'input> Scan<'input> {
    pub(super) fn new(sources: &'input Sources, id: SourceId, text: &'input str, limits: Limits) -> Self {
        Self {
            sources,
            id,
            text,
            limits,
            growth: Growth::default(),
            depth: 0,
            segment: 0,
            root: None,
            root_start: 0,
            key: None,
            seen: Vec::new(),
            value: None,
            entry: None,
            entries: Vec::new(),
            config: None,
            kind: None,
            parts: Parts {
                items: Vec::new(),
                item_list: None,
                result_list: None,
                config: None,
                is_flow: false,
                column: 0,
                last_key: 0,
                end: 0,
            },
        }
    }

    fn at(&self, finding: Finding, range: Range<usize>) -> Finding {
        finding.at(self.sources.locate(Place::new(self.id, range)))
    }

    fn bad(&self, range: Range<usize>, message: impl Into<String>, hint: &str) -> Findings {
        self.at(Finding::error(&codes::BAD_RESOURCE_LIST, message).hint(hint), range).into()
    }

    pub(super) fn take(&mut self, event: &Event<'_>, range: &Range<usize>) -> Result<(), Findings> {
        let opens = matches!(event, Event::MappingStart(..) | Event::SequenceStart(..));
        let closes = matches!(event, Event::MappingEnd | Event::SequenceEnd);
        let is_node = opens || matches!(event, Event::Scalar(..) | Event::Alias(_));
        if !is_node && !closes {
            return Ok(());
        }
        if closes {
            self.depth -= 1;
        }
        if is_node {
            match self.depth {
                0 => self.begin_root(event, range)?,
                1 => self.begin_in_root(event, range)?,
                2 => self.begin_entry(event, range)?,
                _ => {}
            }
        }
        if let Err(offence) = self.growth.take(event, self.segment, self.limits) {
            let place = Place::new(self.id, range.clone());
            return Err(offence.finding(self.sources, place, self.limits).into());
        }
        if let Some(value) = &mut self.value {
            value.tail.take(event, range);
        }
        if let Some((header, _, tail)) = &mut self.entry {
            header.take(event);
            tail.take(event, range);
        }
        if let Some(config) = &mut self.config {
            config.take(event);
        }
        if opens {
            self.depth += 1;
        } else {
            match self.depth {
                2 => self.end_entry(),
                1 => self.end_in_root(range),
                _ => {}
            }
        }
        Ok(())
    }

    fn begin_root(&mut self, event: &Event<'_>, range: &Range<usize>) -> Result<(), Findings> {
        if self.root.is_some() {
            if matches!(event, Event::Scalar(text, ..) if is_null(text)) {
                return Ok(());
            }
            return Err(self.bad(
                range.clone(),
                "there is a second document after the ResourceList",
                "a function reads one ResourceList; split the stream",
            ));
        }
        match event {
            Event::MappingStart(style, ..) => {
                self.root = Some(*style);
                self.root_start = range.start;
                self.parts.is_flow = *style == StructureStyle::Flow;
                Ok(())
            }
            // Nothing, then `---`.
            Event::Scalar(text, ..) if is_null(text) => Ok(()),
            _ => Err(self
                .at(Finding::error(&codes::NOT_A_RESOURCE_LIST, "the input is not a mapping"), range.clone())
                .hint(FUNCTION_HINT)
                .into()),
        }
    }

    fn begin_in_root(&mut self, event: &Event<'_>, range: &Range<usize>) -> Result<(), Findings> {
        if self.root.is_none() {
            return Ok(());
        }
        let Some((key, colon)) = self.key else {
            self.segment += 1;
            let Event::Scalar(text, ..) = event else {
                return Err(self.bad(
                    range.clone(),
                    "a key of the ResourceList is not a word",
                    "a ResourceList has the keys `apiVersion`, `kind`, `items`, `functionConfig` and `results`",
                ));
            };
            let key = match &**text {
                "apiVersion" => Key::ApiVersion,
                "kind" => Key::Kind,
                "items" => Key::Items,
                "functionConfig" => Key::FunctionConfig,
                "results" => Key::Results,
                _ => Key::Other,
            };
            if key != Key::Other
                && let Some((_, first)) = self.seen.iter().find(|(seen, _)| *seen == key)
            {
                let first = self.sources.locate(Place::new(self.id, first.clone()));
                let finding = Finding::error(
                    &codes::DUPLICATE_KEY,
                    format!("the key `{text}` is given twice in the ResourceList"),
                )
                .related("first given here", first)
                .hint("keep one of them; readers disagree on which one counts");
                return Err(self.at(finding, range.clone()).into());
            }
            let Some(colon) = colon_after(self.text, range.end) else {
                return Err(self.bad(
                    range.clone(),
                    format!("the key `{text}` of the ResourceList has no value"),
                    "write a colon and the value after it",
                ));
            };
            self.seen.push((key, range.clone()));
            self.parts.last_key = range.start;
            self.key = Some((key, colon));
            return Ok(());
        };
        let shape = match event {
            Event::SequenceStart(style, ..) => Shape::Sequence(match style {
                StructureStyle::Block => Style::Block,
                StructureStyle::Flow => Style::Flow,
            }),
            Event::MappingStart(..) => Shape::Mapping,
            _ => Shape::Scalar,
        };
        let text = match event {
            Event::Scalar(text, ..) => text.to_string(),
            _ => String::new(),
        };
        let is_list = matches!(key, Key::Items | Key::Results);
        // A tag or an anchor on nothing would be in the way of what is put there.
        let is_null = matches!(event, Event::Scalar(text, ScalarStyle::Plain, 0, None) if is_null(text));
        if is_list && !is_null && !matches!(shape, Shape::Sequence(_)) {
            let name = if key == Key::Items { "items" } else { "results" };
            let what = match event {
                Event::MappingStart(..) => "a mapping",
                Event::Alias(_) => "an alias",
                _ => "a scalar",
            };
            return Err(self.bad(
                range.clone(),
                format!("`{name}` is {what}, not a list"),
                "write the objects as a list, one `-` for each",
            ));
        }
        if key == Key::FunctionConfig {
            self.config = Some(HeaderScan::default());
        }
        self.value = Some(Value { key, colon, start: range.start, tail: Tail::default(), shape, text });
        Ok(())
    }

    fn begin_entry(&mut self, event: &Event<'_>, range: &Range<usize>) -> Result<(), Findings> {
        let Some(value) = &self.value else { return Ok(()) };
        let Shape::Sequence(_) = value.shape else { return Ok(()) };
        match value.key {
            Key::Items if !matches!(event, Event::MappingStart(..)) => Err(self.bad(
                range.clone(),
                format!("item {} is not a mapping", self.entries.len()),
                "every item is one Kubernetes object; look for a stray `-` or a wrong indentation",
            )),
            Key::Items | Key::Results => {
                self.segment += 1;
                self.entry = Some((HeaderScan::default(), range.start, Tail::default()));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn end_entry(&mut self) {
        if let Some((header, start, tail)) = self.entry.take() {
            self.entries.push((header.finish(), start..tail.end(self.text).max(start)));
        }
    }

    fn end_in_root(&mut self, range: &Range<usize>) {
        let Some(value) = self.value.take() else { return };
        self.key = None;
        let end = value.tail.end(self.text).max(value.colon);
        self.parts.end = end;
        match value.key {
            Key::Kind => self.kind = Some((value.text, value.start..range.end)),
            Key::Items | Key::Results => {
                let (headers, bodies): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut self.entries).into_iter().unzip();
                let list = self.list(&value, end, bodies);
                if value.key == Key::Items {
                    self.parts.items = headers;
                    self.parts.item_list = Some(list);
                } else {
                    self.parts.result_list = Some(list);
                }
            }
            Key::FunctionConfig => {
                let header = self.config.take().unwrap_or_default().finish();
                self.parts.config = Some((value.colon..end, header));
            }
            Key::ApiVersion | Key::Other => {}
        }
    }

    fn list(&self, value: &Value, end: usize, bodies: Vec<Range<usize>>) -> List {
        let flow = |range: Range<usize>| Entry { range: range.clone(), body: range };
        let (style, range, entries) = match value.shape {
            Shape::Sequence(Style::Block) => {
                let entries = block_entries(self.text, value.colon, &bodies);
                let start = entries.first().map_or(value.start, |entry| entry.range.start);
                let end = entries.last().map_or(end, |entry| entry.range.end);
                (Style::Block, start..end, entries)
            }
            Shape::Sequence(_) => (Style::Flow, value.start..end, bodies.into_iter().map(flow).collect()),
            _ => {
                // A null that is only implied has no bytes, and the parser places it before the colon.
                let written = value.start >= value.colon && end > value.start;
                (Style::Null, if written { value.start..end } else { value.colon..value.colon }, Vec::new())
            }
        };
        List { style, colon: value.colon, range, entries }
    }

    pub(super) fn finish(mut self) -> Result<Parts, Findings> {
        if self.root.is_none() {
            return Err(self
                .at(Finding::error(&codes::EMPTY_INPUT, "the input is empty"), 0..0)
                .hint(
                    "as a function the program reads a ResourceList from standard input; \
                     look at the command before it in the pipe, or see `infraflux --help`",
                )
                .into());
        }
        match &self.kind {
            Some((kind, _)) if kind == "ResourceList" => {}
            Some((kind, range)) => {
                let hint = if matches!(kind.as_str(), "ClusterPlan" | "FleetPlan") {
                    "to render a plan from a pipe, use `infraflux up -f -`".to_owned()
                } else if !suggest::nearest(kind, ["ResourceList"]).is_empty() {
                    "did you mean `ResourceList`?".to_owned()
                } else {
                    FUNCTION_HINT.to_owned()
                };
                let finding = Finding::error(
                    &codes::NOT_A_RESOURCE_LIST,
                    format!("the input is a `{kind}`, not a ResourceList"),
                );
                return Err(self.at(finding.hint(hint), range.clone()).into());
            }
            None => {
                let finding = Finding::error(
                    &codes::NOT_A_RESOURCE_LIST,
                    "the input has no `kind`, so it is not a ResourceList",
                );
                let start = self.root_start;
                return Err(self.at(finding.hint(FUNCTION_HINT), start..start).into());
            }
        }
        if !self.parts.is_flow {
            self.parts.column = self.root_start - line_start(self.text, self.root_start);
            self.parts.end = block_end(self.text, self.parts.end, self.parts.column, self.text.len());
        }
        Ok(self.parts)
    }
}

const FUNCTION_HINT: &str = "as a function the program reads `kind: ResourceList`, as kustomize and `kpt fn source` write it; \
                             for other uses see `infraflux --help`";

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}
