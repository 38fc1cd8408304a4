//! What must hold for any bytes that come in. Shared by the property tests here and the cargo-fuzz targets in `fuzz/`.

use std::sync::{Arc, LazyLock};

use infraflux::{
    catalog::Catalog,
    engine::{self, Engine, Options},
    finding::{Findings, json, sarif, text},
    krm::{LIMITS, function},
    plan::read::Request,
    render::Library,
    template::{Language, Scope, Template, Value},
    yaml::Source,
};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Library::new(Catalog::embedded()), Options::default()));

/// Every form in which findings leave the program can be made of them.
fn printable(findings: &Findings) {
    let text = text::render(findings, text::Style::default());
    assert!(!text.contains('\u{1b}'), "an input draws on the terminal: {text}");
    assert!(json::render(findings)["findings"].is_array());
    assert_eq!(sarif::render(findings, "0")["version"], "2.1.0");
}

/// A ResourceList, or what claims to be one: answered as a whole, with 0 or 1, and a second call changes nothing.
pub fn resource_list(data: &[u8]) {
    let first = function::run(data, LIMITS, &*ENGINE);
    assert!(first.exit <= 1, "exit code {}", first.exit);
    assert!(first.exit == 0 || !first.stderr.is_empty(), "an error without a word on stderr");
    if first.exit == 0 {
        let second = function::run(&first.stdout, LIMITS, &*ENGINE);
        assert_eq!(second.exit, 0, "{}", second.stderr);
        // An Admission that returns no items has none to count the second time.
        let emits = data.windows(4).any(|word| word == b"emit");
        assert!(emits || first.stdout == second.stdout, "f(f(x)) is not f(x)");
    }
}

/// A plan: refused with findings, or rendered to text that reads back as what it should say.
pub fn plan(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut request = Request::default();
    if let Err(findings) = request.add_plans(Source::new("plan.yaml", text)) {
        assert!(findings.has_errors());
        printable(&findings);
        return;
    }
    let outcome = ENGINE.run(request);
    printable(&outcome.findings);
    assert!(outcome.findings.has_errors() || !outcome.clusters.is_empty(), "neither clusters nor errors");
    let again = engine::reread(&outcome.clusters);
    assert!(again.is_empty(), "{}", text::render(&again, text::Style::default()));
}

/// Values for the variables of any template: awkward ones, or the plainest of the same kinds.
struct Values {
    awkward: bool,
}

impl Scope for Values {
    fn variable(&self, name: &str) -> Option<Value> {
        let value = match (name.len() % 7, self.awkward) {
            (0, _) => return None,
            (1, true) => serde_json::json!("a: b # c\n'\"{[&*!|>%@`"),
            (2, _) => serde_json::json!(-7),
            (3, true) => serde_json::json!(["x", "", "null", "- y"]),
            (3, false) => serde_json::json!(["x"]),
            (4, true) => serde_json::json!({"k": {"": [true, "yes"]}}),
            (4, false) => serde_json::json!({"k": "v"}),
            (5, true) => serde_json::json!("\u{2028}\u{feff}\u{85}\t"),
            (1 | 5, false) => serde_json::json!("x"),
            _ => serde_json::json!(false),
        };
        Value::from_json(value)
    }

    fn feature(&self, name: &str) -> bool {
        name.len().is_multiple_of(2)
    }

    fn names(&self) -> Vec<String> {
        vec!["CLUSTER_NAME".to_owned()]
    }
}

impl Language for Values {
    fn features(&self) -> Vec<&str> {
        vec!["gpu", "spot", "recipe.*"]
    }
}

/// A template: refused with findings, or filled with awkward values into text that reads back as the data beside it.
///
/// The two readers differ in corners of YAML that a fuzzed template can have by itself (a byte order mark before a block
/// scalar). What must never be is that a *value* makes the difference.
pub fn template(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let source = Arc::new(Source::new("template.yaml", text));
    let awkward = Values { awkward: true };
    let template = match Template::compile(&source, &awkward) {
        Ok(template) => template,
        Err(findings) => return printable(&findings),
    };
    let read = |text: &str| serde_yaml::from_str::<serde_json::Value>(text).ok();
    for document in template.documents() {
        let filled = match document.fill(&awkward) {
            Ok(filled) => filled,
            Err(findings) => {
                printable(&findings);
                continue;
            }
        };
        if read(&filled.text).as_ref() == Some(&filled.value) {
            continue;
        }
        let plain = document.fill(&Values { awkward: false });
        let agrees = plain.is_ok_and(|plain| read(&plain.text).as_ref() == Some(&plain.value));
        assert!(!agrees, "a value changed the document\n{}\n{:#}", filled.text, filled.value);
    }
}
