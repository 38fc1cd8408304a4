//! The parser's events of an untrusted input, within limits.

use std::{collections::HashMap, ops::Range};

use granit_parser::{Event, Parser};

use crate::{
    finding::{Finding, Findings, codes},
    yaml::{self, Limits, Place, SourceId, Sources},
};

/// How much is read when nobody says otherwise: 40 MiB, and 4 million values after aliases are followed.
pub const LIMITS: Limits = Limits { bytes: 40 << 20, depth: 96, nodes: 4_000_000 };

/// The text of an input, without a byte-order mark, or what keeps it from being one.
pub(super) fn text<'input>(input: &'input [u8], name: &str, limits: Limits) -> Result<&'input str, Findings> {
    // A place needs a text; for what is no text the beginning of an empty one stands in.
    let nowhere = || crate::yaml::Location::new(yaml::Source::new(name, "").into(), 0..0);
    if input.len() > limits.bytes {
        return Err(yaml::read::too_large(input.len(), limits.bytes)
            .hint("check what fills the pipe; `INFRAFLUX_MAX_INPUT_MIB` raises the limit")
            .at(nowhere())
            .into());
    }
    match std::str::from_utf8(input) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let hint = if input.starts_with(&[0xff, 0xfe]) || input.starts_with(&[0xfe, 0xff]) {
                "this is UTF-16; save or convert it as UTF-8"
            } else if input.starts_with(&[0x1f, 0x8b]) {
                "this is gzip data; unpack it first"
            } else {
                "this looks like binary data; check what fills the pipe"
            };
            let at = error.valid_up_to();
            Err(Finding::error(&codes::NOT_UTF8, format!("the input is not UTF-8 text (byte {at})"))
                .hint(hint)
                .at(nowhere())
                .into())
        }
    }
}

/// Where an anchor was set and how many values its node holds.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    size: usize,
    segment: usize,
}

/// Counts what a text would grow to if its aliases were followed, without following them.
#[derive(Debug, Default)]
pub(super) struct Growth {
    anchors: HashMap<usize, Anchor>,
    /// For each open collection: its anchor and the values in it so far.
    open: Vec<(usize, usize)>,
    total: usize,
}

/// What an alias does that it should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offence {
    TooMuch,
    Recursive,
    /// The anchor stands in another segment.
    Across,
}

impl Growth {
    /// Takes one event; `segment` is a number for the part of the text that has to stand alone.
    pub(super) fn take(&mut self, event: &Event<'_>, segment: usize, limits: Limits) -> Result<(), Offence> {
        match event {
            Event::Scalar(_, _, anchor, _) => {
                self.add(1, limits)?;
                self.set(*anchor, 1, segment);
            }
            Event::Alias(target) => {
                let anchor = *self.anchors.get(target).ok_or(Offence::Recursive)?;
                if anchor.segment != segment {
                    return Err(Offence::Across);
                }
                self.add(anchor.size, limits)?;
            }
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                self.open.push((*anchor, 0));
                self.add(1, limits)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((anchor, size)) = self.open.pop() {
                    if let Some((_, outer)) = self.open.last_mut() {
                        *outer = outer.saturating_add(size);
                    }
                    self.set(anchor, size, segment);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, size: usize, limits: Limits) -> Result<(), Offence> {
        if let Some((_, inner)) = self.open.last_mut() {
            *inner = inner.saturating_add(size);
        }
        self.total = self.total.saturating_add(size);
        if self.total > limits.nodes { Err(Offence::TooMuch) } else { Ok(()) }
    }

    fn set(&mut self, anchor: usize, size: usize, segment: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchor { size, segment });
        }
    }
}

impl Offence {
    pub(super) fn finding(self, sources: &Sources, place: Place, limits: Limits) -> Finding {
        let finding = match self {
            Self::TooMuch => Finding::error(
                &codes::ALIAS_BOMB,
                format!("the input has more than {} values once its aliases are followed", limits.nodes),
            )
            .hint("write the values out, or use fewer aliases"),
            Self::Recursive => {
                Finding::error(&codes::UNSUPPORTED_YAML, "an alias stands inside the value that it names")
                    .hint("write the value out; no Kubernetes client can follow this")
            }
            Self::Across => Finding::error(
                &codes::ALIAS_ACROSS_ITEMS,
                format!("the alias `{}` refers to an anchor in another item", sources.slice(place)),
            )
            .hint("write the value out in this item, kustomize and kpt take items apart"),
        };
        finding.at(sources.locate(place))
    }
}

/// The events of a text with their byte ranges; a syntax error becomes a finding.
pub(super) fn events<'text>(
    sources: &'text Sources,
    id: SourceId,
    text: &'text str,
) -> impl Iterator<Item = Result<(Event<'text>, Range<usize>), Findings>> {
    let options = granit_parser::options! { emit_comments: false };
    Parser::new_from_str_with_options(text, options).map(move |event| match event {
        Ok((event, span)) => Ok((event, span.byte_range().unwrap_or(0..0))),
        Err(error) => Err(yaml::read::syntax(sources, id, &error).into()),
    })
}
