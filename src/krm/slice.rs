//! Where the pieces of a block text begin and end, by the byte.
//!
//! The parser says where tokens are. What belongs to an entry of a list besides its tokens (its dash, blank lines and
//! comments) is found by looking at lines.

use std::ops::Range;

use granit_parser::{Event, ScalarStyle};

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The bytes that are its own: from its dash to its last comment, or a bare node in flow style.
    pub(super) range: Range<usize>,
    /// Its node, with what stands between the dash and it.
    pub(super) body: Range<usize>,
}

/// The start of the line that holds `offset`.
pub(super) fn line_start(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1)
}

/// The start of the line after the one that holds `offset`.
pub(super) fn next_line(text: &str, offset: usize) -> usize {
    let bytes = text.as_bytes();
    match bytes[offset..].iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        None => bytes.len(),
        Some(at) => {
            let at = offset + at;
            if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') { at + 2 } else { at + 1 }
        }
    }
}

/// Where the last token of a node ends; fed with the events of the node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tail {
    end: usize,
    kind: Token,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Token {
    #[default]
    Plain,
    BlockScalar,
    /// A null that is only implied.
    Nothing,
}

impl Tail {
    pub(super) fn take(&mut self, event: &Event<'_>, range: &Range<usize>) {
        // The ends of block collections are where the next token begins: they would take in foreign comments.
        let is_token = match event {
            Event::Scalar(..) | Event::Alias(_) => true,
            Event::SequenceStart(..) | Event::MappingStart(..) | Event::SequenceEnd | Event::MappingEnd => {
                range.start < range.end
            }
            _ => false,
        };
        if is_token {
            self.end = range.end;
            self.kind = match event {
                Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => Token::BlockScalar,
                Event::Scalar(..) if range.is_empty() => Token::Nothing,
                _ => Token::Plain,
            };
        }
    }

    /// The end of the last token; a block scalar ends with its last line break.
    pub(super) fn end(self, text: &str) -> usize {
        match self.kind {
            Token::Plain => self.end,
            Token::BlockScalar => {
                // Its span reaches to the column of the next token.
                let line = line_start(text, self.end);
                if text[line..self.end].bytes().all(|byte| byte == b' ') { line } else { self.end }
            }
            // The parser places it in front of its colon.
            Token::Nothing => colon_after(text, self.end).unwrap_or(self.end),
        }
    }
}

/// The end of the colon that is the next token after `end`, if it is.
pub(super) fn colon_after(text: &str, end: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = end;
    loop {
        match bytes.get(at)? {
            b':' => return Some(at + 1),
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b'#' => at = next_line(text, at),
            _ => return None,
        }
    }
}

/// The bytes of the entries of a block list whose nodes lie at `bodies`; `from` is where the list may begin.
pub(super) fn block_entries(text: &str, from: usize, bodies: &[Range<usize>]) -> Vec<Entry> {
    let mut dashes = Vec::with_capacity(bodies.len());
    let mut before = from;
    for body in bodies {
        dashes.push(dash_before(text, body.start, before));
        before = body.end;
    }
    bodies
        .iter()
        .enumerate()
        .map(|(position, body)| {
            let dash = dashes[position];
            let limit = dashes.get(position + 1).map_or(text.len(), |next| line_start(text, *next));
            let column = dash - line_start(text, dash);
            Entry {
                range: dash..block_end(text, body.end, column, limit.max(body.end)),
                body: (dash + 1).min(body.start)..body.end,
            }
        })
        .collect()
}

/// The dash in front of the entry whose node starts at `node`, not before `from`.
///
/// Between the two stand only blanks, comments, an anchor and a tag, and none of their lines can start with a dash.
fn dash_before(text: &str, node: usize, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut end = node;
    loop {
        let start = line_start(text, end).max(from);
        let mut at = start;
        // `? items` and `: - item` may share the dash's line.
        while at < end && matches!(bytes[at], b' ' | b'\t' | b':' | b'?') {
            at += 1;
        }
        let is_dash = bytes.get(at) == Some(&b'-')
            && bytes.get(at + 1).is_none_or(|next| matches!(next, b' ' | b'\t' | b'\r' | b'\n'));
        if is_dash && at <= end {
            return at;
        }
        if start <= from {
            return node;
        }
        end = start - 1;
    }
}

/// The end of a block whose last token ends at `end`: with the rest of that line, with blank lines, and with comments
/// that are indented deeper than `column`.
pub(super) fn block_end(text: &str, end: usize, column: usize, limit: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at =
        if end > 0 && matches!(bytes.get(end - 1), Some(b'\n' | b'\r')) && end == line_start(text, end) {
            end
        } else {
            next_line(text, end)
        };
    while at < limit {
        let next = next_line(text, at);
        let line = text[at..next].trim_end_matches(['\n', '\r']);
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if indent == line.len() || (line.as_bytes()[indent] == b'#' && indent > column) {
            at = next;
        } else {
            break;
        }
    }
    at.min(limit)
}
