//! Stable codes and what they mean.

/// What kind of trouble a code is, which decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The content of a file is wrong.
    Content,
    /// The command line is wrong.
    Usage,
    /// The operating system said no: an unreadable file, a full disk.
    System,
}

impl Class {
    /// 1, 2 or 3.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Content => 1,
            Self::Usage => 2,
            Self::System => 3,
        }
    }
}

/// A stable code with the text that `infraflux explain` and the documentation show.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `IF` and four digits; never used again for something else.
    pub id: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// Why it is refused or reported and what to do, in a few sentences of Markdown.
    pub explanation: &'static str,
    /// What kind of trouble it is.
    pub class: Class,
}
