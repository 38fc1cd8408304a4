//! Which files of a repository source-controller leaves out of an artifact.
//!
//! Source: fluxcd/pkg `sourceignore/sourceignore.go`, and go-git/go-git `plumbing/format/gitignore`, whose patterns it takes:
//! the last pattern that matches a path, or a folder above it, decides.

use regex::RegexSet;

/// The file with a repository's own patterns.
pub const FILE: &str = ".sourceignore";

/// What is left out by default. Pictures and archives are too, but nobody can know whether the source says otherwise
/// (`spec.ignore` takes the place of these patterns), and no folder is built of them.
const DEFAULT: [&str; 15] = [
    ".git/",
    ".gitignore",
    ".gitmodules",
    ".gitattributes",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-*.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// Patterns, in the form of `.gitignore`.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    paths: RegexSet,
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone, Copy)]
struct Pattern {
    only_folders: bool,
    /// `!`: what matches stays.
    keeps: bool,
}

impl Ignore {
    /// What is left out by default, and by the text of a `.sourceignore`. A pattern that is none is passed over.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let read: Vec<(String, Pattern)> =
            DEFAULT.into_iter().chain(text.lines()).filter_map(Pattern::read).collect();
        let paths = RegexSet::new(read.iter().map(|(path, _)| path)).unwrap_or_default();
        // Nothing is left out when the patterns are too large to be taken together.
        let patterns =
            if paths.is_empty() { Vec::new() } else { read.into_iter().map(|(_, rest)| rest).collect() };
        Self { paths, patterns }
    }

    /// Whether a file of this path is left out.
    #[must_use]
    pub fn leaves_out(&self, path: &str) -> bool {
        self.decides(path, false)
    }

    /// Whether a folder of this path is left out. It may still hold something that a later pattern takes back.
    #[must_use]
    pub fn leaves_out_folder(&self, path: &str) -> bool {
        self.decides(path, true)
    }

    fn decides(&self, path: &str, is_folder: bool) -> bool {
        let above = path.match_indices('/').map(|(end, _)| (&path[..end], true));
        above
            .chain([(path, is_folder)])
            .flat_map(|(path, is_folder)| {
                let fits = move |index: &usize| is_folder || !self.patterns[*index].only_folders;
                self.paths.matches(path).into_iter().filter(fits).collect::<Vec<_>>()
            })
            .max()
            .is_some_and(|last| !self.patterns[last].keeps)
    }
}

impl Pattern {
    fn read(line: &str) -> Option<(String, Self)> {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (line, keeps) = line.strip_prefix('!').map_or((line, false), |rest| (rest, true));
        let line = line.strip_prefix('\\').unwrap_or(line);
        let (line, only_folders) = line.strip_suffix('/').map_or((line, false), |rest| (rest, true));
        // A slash anywhere but at the end ties a pattern to the root.
        let (line, tied) = line.strip_prefix('/').map_or((line, line.contains('/')), |rest| (rest, true));
        let mut pattern = String::from(if tied { "^" } else { "^(?:.*/)?" });
        let mut rest = line;
        while let Some(character) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("**/") {
                pattern.push_str("(?:.*/)?");
                rest = after;
            } else if let Some(after) = rest.strip_prefix("**") {
                pattern.push_str(".*");
                rest = after;
            } else {
                match character {
                    '*' => pattern.push_str("[^/]*"),
                    '?' => pattern.push_str("[^/]"),
                    other => pattern.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
                }
                rest = &rest[character.len_utf8()..];
            }
        }
        pattern.push('$');
        Some((pattern, Self { only_folders, keeps }))
    }
}

#[cfg(test)]
mod tests {
    use super::Ignore;

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let ignore = Ignore::new("# all\n/*\n\n!/apps/\n!/clusters/\nclusters/**/old\n*.md\n");
        let table = [
            ("apps/a.yaml", false),
            ("apps/x/y/b.yaml", false),
            ("apps/README.md", true),
            ("docs/a.yaml", true),
            ("root.yaml", true),
            ("clusters/a/old/x.yaml", true),
            ("clusters/old/x.yaml", true),
            ("clusters/a/new/x.yaml", false),
        ];
        for (path, out) in table {
            assert_eq!(ignore.leaves_out(path), out, "{path}");
        }
        assert!(ignore.leaves_out_folder("docs") && !ignore.leaves_out_folder("apps"));
    }

    #[test]
    fn some_files_are_never_part_of_an_artifact() {
        let ignore = Ignore::new("");
        for path in [".git/config", ".github/workflows/a.yaml", "a/b/.sops.yaml", "codeship-steps.yml"] {
            assert!(ignore.leaves_out(path), "{path}");
        }
        for path in ["a.yaml", "a/github/b.yaml", ".config/a.yaml", "x/logo.png"] {
            assert!(!ignore.leaves_out(path), "{path}");
        }
    }
}
