//! Input texts and places in them.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

/// What a text is part of, which decides whether a place in it is one that a person or a code host can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// A file.
    #[default]
    File,
    /// Standard input.
    Stream,
    /// A flag of the command line.
    Flag,
    /// A text of this program: defaults, files of the embedded catalogue.
    BuiltIn,
    /// A text within another one, for instance a patch in a plan.
    Part,
}

/// One input text: a file, standard input, a flag, or a file of the embedded catalogue.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    origin: Origin,
    /// Where lines begin; found at the first question, so that thousands of findings in one text cost one look.
    lines: OnceLock<Vec<usize>>,
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.text == other.text
    }
}

impl Eq for Source {}

impl Source {
    /// A text under the name that messages show (a path as the user wrote it, `<stdin>`, `--workers`): a file's, unless
    /// [`Self::of`] says otherwise.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), origin: Origin::File, lines: OnceLock::new() }
    }

    /// The same with another origin.
    #[must_use]
    pub fn of(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// What it is part of.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The name shown in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset, both counted from 1, the column in characters.
    ///
    /// An offset past the end means the end.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let lines = self.lines.get_or_init(|| {
            let after = |(at, _): (usize, &str)| at + 1;
            std::iter::once(0).chain(self.text.match_indices('\n').map(after)).collect()
        });
        let line = lines.partition_point(|start| *start <= offset);
        let start = lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        (line, self.text[start..offset].chars().count() + 1)
    }
}

/// A number that stands for a [`Source`] within one [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(u32);

/// A byte range in a source. Small and `Copy`: every node carries one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Which text.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Place {
    /// A place from byte offsets. Offsets beyond 4 GiB are cut; [`crate::yaml::Limits`] refuses such input earlier.
    #[must_use]
    pub fn new(source: SourceId, range: Range<usize>) -> Self {
        let cut = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { source, start: cut(range.start), end: cut(range.end) }
    }

    /// The byte range.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// All texts of one run.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    list: Vec<Arc<Source>>,
}

impl Sources {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a text in and gives the number by which places name it.
    pub fn add(&mut self, source: impl Into<Arc<Source>>) -> SourceId {
        let id = SourceId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(source.into());
        id
    }

    /// The text behind a number, if it is one of this table's.
    #[must_use]
    pub fn get(&self, id: SourceId) -> Option<&Arc<Source>> {
        self.list.get(id.0 as usize)
    }

    /// A self-contained location for a message.
    #[must_use]
    pub fn locate(&self, place: Place) -> Option<Location> {
        self.get(place.source).map(|source| Location::new(source.clone(), place.range()))
    }

    /// The source text that a place covers, empty if the place is not of this table.
    #[must_use]
    pub fn slice(&self, place: Place) -> &str {
        self.get(place.source).and_then(|source| source.text().get(place.range())).unwrap_or_default()
    }
}

/// A place together with its text, so that a message can show the line whoever prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    source: Arc<Source>,
    range: Range<usize>,
}

impl Location {
    /// A location from a text and a byte range in it. A parser may stop inside a character; the range takes it in whole.
    #[must_use]
    pub fn new(source: Arc<Source>, range: Range<usize>) -> Self {
        let text = source.text();
        let mut end = range.end.min(text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let mut start = range.start.min(end);
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        Self { source, range: start..end }
    }

    /// The name of the file (or flag, or stream).
    #[must_use]
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// What the text that it lies in is part of.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.source.origin()
    }

    /// The text that it lies in.
    #[must_use]
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The byte range.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Line and column of the first character, from 1.
    #[must_use]
    pub fn start(&self) -> (usize, usize) {
        self.source.line_column(self.range.start)
    }

    /// Line and column just after the last character, from 1.
    #[must_use]
    pub fn end(&self) -> (usize, usize) {
        self.source.line_column(self.range.end)
    }
}
