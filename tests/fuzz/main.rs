//! Any bytes into every reader: an answer, no panic, soon.
//!
//! `fuzz/` has the same properties as cargo-fuzz targets, which search for hours; this searches a little at every run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::{Duration, Instant},
};

use proptest::prelude::*;

mod doors;

/// Files to start from.
fn corpus(folders: &[&str]) -> Vec<String> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                out.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    for folder in folders {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut paths);
    }
    let texts: Vec<String> = paths.into_iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    assert!(!texts.is_empty());
    texts
}

static PLANS: LazyLock<Vec<String>> = LazyLock::new(|| corpus(&["tests/fixtures/mistakes", "examples"]));
static TEMPLATES: LazyLock<Vec<String>> =
    LazyLock::new(|| corpus(&["clusters/templates", "clusters/proxmox"]));
static LISTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut lists: Vec<String> =
        corpus(&["tests/fixtures/krm"]).into_iter().filter(|text| text.contains("ResourceList")).collect();
    for plan in PLANS.iter().take(20) {
        let indented = plan.lines().collect::<Vec<_>>().join("\n  ");
        lists.push(format!(
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\nfunctionConfig:\n  {indented}\n"
        ));
    }
    lists
});

/// Pieces that mean something to one of the readers.
const TOKENS: &[&str] = &[
    "\n",
    ": ",
    "- ",
    "---\n",
    "...\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "'",
    "|\n",
    ">-\n",
    "#",
    " #",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "? ",
    "%YAML 1.2\n",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{2028}",
    "\u{0}",
    "null",
    "~",
    "true",
    "1e400",
    "0x1F",
    "010",
    "-1",
    "99999999999999999999",
    "${",
    "}",
    "${X}",
    "${?CLUSTER_NAME}",
    "${CLUSTER_NAME:-x}",
    "$${",
    "spec:\n",
    "metadata:\n",
    "kind: FleetPlan\n",
    "kind: ClusterPlan\n",
    "kind: ConfigMap\n",
    "items:\n",
    "functionConfig:\n",
    "workers: []\n",
    "0.0.0.0/0",
    "::/0",
    "fd00::/8",
    "10.0.0.0/33",
    "/",
    "..",
    "../../x",
    "# infraflux.io/when: gpu, !spot\n",
    "# infraflux.io/merge: spec <- X\n",
    "config.kubernetes.io/index: '0'\n",
    "\u{1b}[31m",
];

#[derive(Debug, Clone)]
enum Change {
    Insert(u16, usize),
    Flip(u16, u8),
    Cut(u16, u8),
    Repeat(u16, u8, u8),
    CutLine(u16),
    SwapLines(u16, u16),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<u16>(), 0..TOKENS.len()).prop_map(|(at, token)| Change::Insert(at, token)),
        2 => (any::<u16>(), any::<u8>()).prop_map(|(at, bits)| Change::Flip(at, bits)),
        2 => (any::<u16>(), any::<u8>()).prop_map(|(at, length)| Change::Cut(at, length)),
        1 => (any::<u16>(), any::<u8>(), 1..20_u8).prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
        2 => any::<u16>().prop_map(Change::CutLine),
        2 => (any::<u16>(), any::<u16>()).prop_map(|(one, two)| Change::SwapLines(one, two)),
    ]
}

fn apply(text: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for change in changes {
        let place = |at: u16, length: usize| if length == 0 { 0 } else { usize::from(at) % length };
        match change {
            Change::Insert(at, token) => {
                let at = place(*at, bytes.len() + 1);
                bytes.splice(at..at, TOKENS[*token].bytes());
            }
            Change::Flip(at, bits) if !bytes.is_empty() => {
                let at = place(*at, bytes.len());
                bytes[at] ^= bits;
            }
            Change::Cut(at, length) => {
                let at = place(*at, bytes.len());
                let end = (at + usize::from(*length)).min(bytes.len());
                bytes.drain(at..end);
            }
            Change::Repeat(at, length, times) => {
                let at = place(*at, bytes.len());
                let end = (at + usize::from(*length)).min(bytes.len());
                let piece = bytes[at..end].repeat(usize::from(*times));
                bytes.splice(end..end, piece);
            }
            Change::CutLine(at) | Change::SwapLines(at, _) => {
                let mut lines: Vec<Vec<u8>> =
                    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                if lines.is_empty() {
                    continue;
                }
                let first = place(*at, lines.len());
                if let Change::SwapLines(_, other) = change {
                    let second = place(*other, lines.len());
                    lines.swap(first, second);
                } else {
                    lines.remove(first);
                }
                bytes = lines.concat();
            }
            Change::Flip(..) => {}
        }
    }
    bytes
}

/// Anything, or something near a text of a corpus.
fn input(corpus: &'static LazyLock<Vec<String>>) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => proptest::collection::vec(any::<u8>(), 0..400),
        1 => "\\PC{0,200}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(0..TOKENS.len(), 0..60)
            .prop_map(|tokens| tokens.into_iter().map(|token| TOKENS[token]).collect::<String>().into_bytes()),
        7 => (any::<prop::sample::Index>(), proptest::collection::vec(change(), 1..6))
            .prop_map(move |(index, changes)| apply(&corpus[index.index(corpus.len())], &changes)),
    ]
}

/// A generous bound for an unoptimised build on a busy machine: what is quadratic or worse takes minutes.
fn soon(door: impl FnOnce(&[u8]), data: &[u8]) {
    let start = Instant::now();
    door(data);
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_resource_list(data in input(&LISTS)) {
        soon(doors::resource_list, &data);
    }

    #[test]
    fn a_plan(data in input(&PLANS)) {
        soon(doors::plan, &data);
    }

    #[test]
    fn a_template(data in input(&TEMPLATES)) {
        soon(doors::template, &data);
    }
}

/// What was found once, by name.
#[test]
fn what_was_found_before() {
    // A new `items` and a new result belong to one place of the text, in this order.
    doors::resource_list(
        b"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nresults:\n- message: x\n  severity: error\n  tags:\n    code: IF0008\n",
    );
    // A byte order mark where a value stands: the parser's error ends inside the character.
    let mark = "kind: ClusterPlan\nspec:\n  network: \u{feff}{endpoint: {host: 192.0.2.10}}\n".as_bytes();
    for data in
        [mark, b"\xef\xbb\xbf", b"---\n...\n", b"? \n", b"- - - -", b"&a *a", b"a: !!str\n", b"<<: *a"]
    {
        doors::resource_list(data);
        doors::plan(data);
        doors::template(data);
    }
}
