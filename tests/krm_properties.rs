//! What holds for every ResourceList: foreign items come back byte for byte and in order, the answer to an answer is the
//! same, and no bytes make the program panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use infraflux::{
    krm::{FunctionConfig, LIMITS, ResourceList, function, item, legacy_plugin},
    yaml::Sources,
};
use proptest::prelude::*;

#[path = "krm/fake.rs"]
mod fake;
use fake::Fake;

/// Values as clients and people write them; `@` stands for the indentation of the line that they begin on.
const VALUES: [&str; 32] = [
    "=",
    "1e400",
    "!!merge <<",
    "\"<<\"",
    "'a\u{2028}b'",
    "'it''s'",
    "plain text # with a comment",
    "\"# no comment\"",
    "- no list",
    "|\n@  one\n@\n@    two\n@  # no comment\n",
    "|+\n@  kept\n@\n\n",
    "|-\n@  - no item\n@  --- no marker\n",
    ">\n@  folded\n@  text\n\n@  more\n",
    "|2\n@    deep\n",
    "\"two\n@  lines\"",
    "'two\n\n@  lines'",
    "plain\n@  over lines",
    "{a: [1, \"x\", {b: c}], d: {}}",
    "{\n@  a: b, # comment\n@  c: [d,\n@  e]\n@  }",
    "[]",
    "\n@  - x\n@  -  y # c\n@  # between\n@  - z: 1\n@    w: 2",
    "\n@- compact\n@- list",
    "\n@  nested: &anchor\n@    x: y\n@  again: *anchor",
    "&a1 value",
    "null",
    "~",
    "",
    "\"\\u00e9\\t\"",
    "é 日本 😀",
    "0o7",
    "2026-11-23",
    "? odd",
];

fn fix(value: &str) -> String {
    // Two that cannot stand plain behind a key.
    match value {
        "- no list" | "? odd" => format!("'{value}'"),
        _ => value.to_owned(),
    }
}

#[derive(Debug, Clone)]
struct Entry {
    values: Vec<usize>,
    head: u8,
    name: u8,
    /// 0: foreign; 1, 2: ours, still rendered; 3: ours, gone; 4: of another plan.
    owner: u8,
    has_path: bool,
}

fn entry() -> impl Strategy<Value = Entry> {
    (
        prop::collection::vec(0..VALUES.len(), 0..6),
        any::<u8>(),
        any::<u8>(),
        prop_oneof![5 => Just(0u8), 1 => 1..5u8],
        any::<bool>(),
    )
        .prop_map(|(values, head, name, owner, has_path)| Entry { values, head, name, owner, has_path })
}

fn metadata(entry: &Entry, position: usize) -> (String, String) {
    let mut annotations = Vec::new();
    let name = match entry.owner {
        1 => "a".to_owned(),
        2 => "b".to_owned(),
        _ => format!("n{position}-{}", entry.name),
    };
    match entry.owner {
        1..=3 => annotations.push("infraflux.io/plan: lab/lab".to_owned()),
        4 => annotations.push("infraflux.io/plan: other/other".to_owned()),
        _ => {}
    }
    if entry.has_path {
        let path = if entry.name.is_multiple_of(3) { "lab/cluster/a.yaml" } else { "some/file.yaml" };
        for group in ["config.kubernetes.io", "internal.config.kubernetes.io"] {
            annotations.push(format!("{group}/path: '{path}'"));
            annotations.push(format!("{group}/index: '{position}'"));
        }
        annotations.push(format!("config.k8s.io/id: '{position}'"));
    }
    (name, annotations.join(", "))
}

/// A ResourceList in block style.
fn block(entries: &[Entry], dash: usize, after: usize, crlf: bool, config: usize, order: bool) -> String {
    let mut out = String::from("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n");
    let mut items = match (entries.is_empty(), after % 4) {
        (false, _) | (true, 1) => "items:\n",
        (true, 2) => "items: null # none\n",
        (true, 3) => "",
        (true, _) => "items: []\n",
    }
    .to_owned();
    for (position, entry) in entries.iter().enumerate() {
        let dash_indent = " ".repeat(dash);
        let indent = " ".repeat(dash + 1 + after);
        match entry.head % 7 {
            1 => writeln!(items, "{dash_indent}# before the dash").unwrap(),
            2 => items.push_str("# - at the margin\n\n"),
            _ => {}
        }
        write!(items, "{dash_indent}-").unwrap();
        if entry.head % 5 == 1 {
            write!(items, " # behind the dash - or\n{indent}# below\n{indent}").unwrap();
        } else if entry.head % 11 == 2 {
            write!(items, "\n{indent}").unwrap();
        } else {
            items.push_str(&" ".repeat(after));
        }
        let (name, annotations) = metadata(entry, position);
        let namespace = if matches!(entry.owner, 1 | 2) { ", namespace: lab" } else { "" };
        if entry.head % 13 == 3 {
            writeln!(
                items,
                "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}{namespace}, annotations: {{{annotations}}}}}}} # flow"
            )
            .unwrap();
            continue;
        }
        write!(items, "apiVersion: v1\n{indent}kind: ConfigMap # kind\n").unwrap();
        writeln!(items, "{indent}metadata: {{name: {name}{namespace}, annotations: {{{annotations}}}}}")
            .unwrap();
        for (position, value) in entry.values.iter().enumerate() {
            let value = fix(VALUES[*value]).replace('@', &indent);
            write!(items, "{indent}k{position}:{}{value}", if value.starts_with('\n') { "" } else { " " })
                .unwrap();
            if !value.ends_with('\n') {
                items.push('\n');
            }
            if entry.head % 3 == 0 {
                writeln!(items, "{indent}# about the next").unwrap();
            }
        }
        if entry.head % 4 == 3 {
            items.push('\n');
        }
    }
    let config = [
        "",
        "functionConfig:\n",
        "functionConfig: null\n",
        "functionConfig:\n  apiVersion: infraflux.io/v1alpha1\n  kind: ClusterPlan\n  metadata:\n    name: lab\n  spec: {warn: look} # c\n",
        "functionConfig: {apiVersion: v1, kind: ConfigMap, metadata: {name: function-input}, data: {name: lab}}\n",
    ][config % 5];
    if order {
        out.push_str(&items);
        out.push_str(config);
    } else {
        out.push_str(config);
        out.push_str(&items);
    }
    if crlf { out.replace('\n', "\r\n") } else { out }
}

fn json(entries: &[Entry], style: usize, config: usize) -> String {
    let items: Vec<serde_json::Value> = entries
        .iter()
        .enumerate()
        .map(|(position, entry)| {
            let (name, annotations) = metadata(entry, position);
            let annotations: serde_json::Map<String, serde_json::Value> = annotations
                .split(", ")
                .filter_map(|pair| pair.split_once(": "))
                .map(|(key, value)| (key.to_owned(), value.trim_matches('\'').into()))
                .collect();
            let mut metadata = serde_json::json!({"name": name, "annotations": annotations});
            if matches!(entry.owner, 1 | 2) {
                metadata["namespace"] = "lab".into();
            }
            let data: Vec<&str> = entry.values.iter().map(|value| VALUES[*value]).collect();
            serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        })
        .collect();
    let mut list = serde_json::json!({"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList"});
    if !(items.is_empty() && style == 2) {
        list["items"] = items.into();
    }
    if config.is_multiple_of(2) {
        list["functionConfig"] = serde_json::json!({
            "apiVersion": "infraflux.io/v1alpha1", "kind": "ClusterPlan", "metadata": {"name": "lab"},
            "spec": {"warn": "look"},
        });
    }
    match style {
        0 => list.to_string(),
        1 => serde_json::to_string_pretty(&list).unwrap(),
        _ => {
            let mut out = Vec::new();
            let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
            let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
            serde::Serialize::serialize(&list, &mut serializer).unwrap();
            String::from_utf8(out).unwrap()
        }
    }
}

fn read(text: &str) -> (Sources, ResourceList) {
    let mut sources = Sources::new();
    let list = ResourceList::read(&mut sources, text.as_bytes(), LIMITS)
        .unwrap_or_else(|findings| panic!("{:?}\n{text}", findings.iter().next().map(|one| &one.message)));
    (sources, list)
}

fn is_ours(item: &infraflux::krm::Item) -> bool {
    item.mark(item::PLAN) == Some("lab/lab")
}

fn foreign(list: &ResourceList) -> Vec<&str> {
    list.items.iter().filter(|item| !is_ours(item)).map(|item| list.slice(item)).collect()
}

/// Items of no plan at all: damage can give the plan another name.
fn unmarked(list: &ResourceList) -> Vec<&str> {
    list.items.iter().filter(|item| item.mark(item::PLAN).is_none()).map(|item| list.slice(item)).collect()
}

fn values(sources: &Sources, list: &ResourceList) -> Vec<serde_json::Value> {
    list.items
        .iter()
        .filter(|item| !is_ours(item))
        .map(|item| item.node(sources, LIMITS).unwrap().to_value())
        .collect()
}

fn check(input: &str) {
    let (sources, before) = read(input);
    let reply = function::run(input.as_bytes(), LIMITS, &Fake);
    assert_eq!(reply.exit, 0, "{}\n{input}", reply.stderr);
    let output = String::from_utf8(reply.stdout).unwrap();
    let (sources_after, after) = read(&output);
    assert_eq!(foreign(&before), foreign(&after), "foreign bytes\n{input}\n=>\n{output}");
    assert_eq!(values(&sources, &before), values(&sources_after, &after), "foreign values\n{input}");

    let renders = matches!(before.function_config, FunctionConfig::Object { .. });
    let ours: Vec<_> = after.items.iter().filter(|item| is_ours(item)).collect();
    if renders {
        let mut names: Vec<_> = ours.iter().map(|item| item.id.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b"], "{input}\n=>\n{output}");
        for item in &ours {
            let node = item.node(&sources_after, LIMITS).unwrap();
            assert_eq!(node.at(["data", "text"]).and_then(|text| text.as_str()), Some("one\n\n  two\n"));
            assert_eq!(item.mark(item::PATH), item.mark(item::PATH_LEGACY));
            assert_eq!(item.mark(item::INDEX), item.mark(item::INDEX_LEGACY));
        }
        let mut places: Vec<_> =
            after.items.iter().filter_map(|item| Some((item.path()?, item.index()))).collect();
        let count = places.len();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), count, "paths and indexes are unique\n{output}");
    }
    if input.trim_start().starts_with('{') {
        serde_json::from_str::<serde_json::Value>(&output).unwrap();
    } else {
        assert!(output.contains("items:"), "{output}");
    }

    let again = function::run(output.as_bytes(), LIMITS, &Fake);
    assert_eq!(String::from_utf8(again.stdout).unwrap(), output, "the answer to the answer\n{input}");
}

/// One of each of ours at most, as no client holds two objects of one identity.
fn unique(mut entries: Vec<Entry>) -> Vec<Entry> {
    let mut seen = [false; 2];
    for entry in &mut entries {
        if let 1 | 2 = entry.owner {
            let slot = &mut seen[usize::from(entry.owner) - 1];
            if *slot {
                entry.owner = 0;
            }
            *slot = true;
        }
    }
    entries
}

fn stream(entries: &[Entry], crlf: bool) -> String {
    let mut out = String::new();
    for (position, entry) in entries.iter().enumerate() {
        if position > 0 || entry.head % 3 == 0 {
            out.push_str(if entry.head % 4 == 0 { "--- # marker\n" } else { "---\n" });
        }
        let (name, annotations) = metadata(entry, position);
        let namespace = if matches!(entry.owner, 1 | 2) { ", namespace: lab" } else { "" };
        write!(
            out,
            "# head {position}\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}{namespace}, annotations: {{{annotations}}}}}\n"
        )
        .unwrap();
        for (position, value) in entry.values.iter().enumerate() {
            let value = fix(VALUES[*value]).replace('@', "");
            // At the margin `@- list` and multi-line scalars are well-formed too.
            write!(out, "k{position}:{}{value}", if value.starts_with('\n') { "" } else { " " }).unwrap();
            if !value.ends_with('\n') {
                out.push('\n');
            }
        }
        if entry.head % 5 == 0 {
            out.push_str("...\n");
        }
    }
    if crlf { out.replace('\n', "\r\n") } else { out }
}

type Damage = Vec<(prop::sample::Index, u8, String)>;

fn damage() -> impl Strategy<Value = Damage> {
    let bytes = "[-:?&*!|>{}\\[\\],#'\"% \n\ta\r]{1,3}|---|\n---\n|\n\\.\\.\\.\n";
    prop::collection::vec((any::<prop::sample::Index>(), 0..3u8, bytes), 1..4)
}

fn hurt(input: &mut String, damage: &Damage) {
    for (index, action, text) in damage {
        let mut at = index.index(input.len() + 1);
        while !input.is_char_boundary(at) {
            at -= 1;
        }
        match action {
            0 => input.insert_str(at, text),
            1 if at < input.len() => {
                input.remove(at);
            }
            _ if at > input.len() / 2 => input.truncate(at),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn block_lists_keep_what_is_foreign(
        entries in prop::collection::vec(entry(), 0..6),
        dash in prop_oneof![Just(0usize), Just(2), Just(3)],
        after in 1..4usize,
        crlf: bool,
        config in 0..5usize,
        order: bool,
    ) {
        check(&block(&unique(entries), dash, after, crlf, config, order));
    }

    #[test]
    fn json_lists_keep_what_is_foreign(
        entries in prop::collection::vec(entry(), 0..5),
        style in 0..3usize,
        config in 0..2usize,
    ) {
        check(&json(&unique(entries), style, config));
    }

    #[test]
    fn streams_keep_what_is_foreign(entries in prop::collection::vec(entry(), 0..5), crlf: bool) {
        let entries = unique(entries);
        let input = stream(&entries, crlf);
        let config = b"apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\n";
        let reply = legacy_plugin::run("<config>", config, input.as_bytes(), LIMITS, &Fake);
        prop_assert_eq!(reply.exit, 0, "{}\n{}", reply.stderr, input);
        let output = String::from_utf8(reply.stdout).unwrap();
        let mut at = 0;
        for (position, entry) in entries.iter().enumerate() {
            if matches!(entry.owner, 0 | 4) {
                let start = input.find(&format!("# head {position}")).unwrap();
                let end = input[start..].find("---").map_or(input.len(), |end| {
                    // Not the one inside a literal block.
                    let mut end = start + end;
                    while !(end == 0 || input[..end].ends_with('\n')) {
                        end = input[end + 1..].find("---").map_or(input.len(), |next| end + 1 + next);
                        if end == input.len() { break; }
                    }
                    end
                });
                let bytes = &input[start..end];
                let found = output[at..].find(bytes);
                prop_assert!(found.is_some(), "lost {:?}\n{}\n=>\n{}", bytes, input, output);
                at += found.unwrap() + bytes.len();
            }
        }
        let again = legacy_plugin::run("<config>", config, output.as_bytes(), LIMITS, &Fake);
        prop_assert_eq!(String::from_utf8(again.stdout).unwrap(), output);
    }

    #[test]
    fn no_bytes_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..300)) {
        let reply = function::run(&input, LIMITS, &Fake);
        prop_assert!(reply.exit != 0 && !reply.stderr.is_empty());
        let _ = legacy_plugin::run("<config>", &input, &input, LIMITS, &Fake);
    }

    #[test]
    fn no_yaml_like_text_makes_it_panic(input in "(kind: ResourceList\n|items:|[-:?&*!|>{}\\[\\],#'\" \n\ta-c0]){0,60}") {
        let _ = function::run(input.as_bytes(), LIMITS, &Fake);
        let _ = legacy_plugin::run("<config>", input.as_bytes(), input.as_bytes(), LIMITS, &Fake);
    }

    /// A broken list is refused with a whole answer, and one that is still a list is answered in a stable way.
    #[test]
    fn damaged_lists_get_a_whole_answer(
        entries in prop::collection::vec(entry(), 0..5),
        dash in 0..3usize,
        flow: bool,
        damage in damage(),
    ) {
        let entries = unique(entries);
        let mut input = if flow { json(&entries, 1, 0) } else { block(&entries, dash, 1, false, 3, true) };
        hurt(&mut input, &damage);
        let reply = function::run(input.as_bytes(), LIMITS, &Fake);
        let output = String::from_utf8(reply.stdout).unwrap();
        let (_, list) = read(&output);
        prop_assert_eq!(reply.exit == 0, !reply.stderr.contains("error IF"));
        if reply.exit == 0 {
            let (_, before) = read(&input);
            prop_assert_eq!(unmarked(&before), unmarked(&list), "{}\n=>\n{}", input, output);
            let again = function::run(output.as_bytes(), LIMITS, &Fake);
            prop_assert_eq!(String::from_utf8(again.stdout).unwrap(), output, "from\n{}", input);
        }
    }

    #[test]
    fn damaged_streams_are_answered_in_a_stable_way(
        entries in prop::collection::vec(entry(), 1..5),
        damage in damage(),
    ) {
        let mut input = stream(&unique(entries), false);
        hurt(&mut input, &damage);
        let config = b"apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\n";
        let reply = legacy_plugin::run("<config>", config, input.as_bytes(), LIMITS, &Fake);
        prop_assert_eq!(reply.exit == 0, !reply.stderr.contains("error IF"));
        if reply.exit == 0 {
            let again = legacy_plugin::run("<config>", config, &reply.stdout, LIMITS, &Fake);
            prop_assert_eq!(again.exit, 0, "{}\nfrom\n{}\n=>\n{}", again.stderr, input, String::from_utf8_lossy(&reply.stdout));
            prop_assert_eq!(String::from_utf8(again.stdout), String::from_utf8(reply.stdout), "from\n{}", input);
        }
    }
}
