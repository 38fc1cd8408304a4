//! Templates as users write them: what is filled in, what is left out, and what is refused with which words.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::scope::{TestLanguage, TestScope};
use infraflux::{
    finding::text,
    template::Template,
    yaml::{Source, pointer::FieldPath},
};
use proptest::prelude::*;

/// A fixture: YAML with `values` and `features`, a line `===`, and the template.
fn render(fixture: &str) -> String {
    let (head, body) = fixture.split_once("\n===\n").expect("a line `===` between values and template");
    let head: serde_json::Value = serde_yaml::from_str(head).unwrap();
    let mut scope = TestScope::default();
    if let Some(values) = head["values"].as_object() {
        scope.values = values.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    }
    if let Some(features) = head["features"].as_array() {
        scope.features = features.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    }
    let source = Arc::new(Source::new("template.yaml", body));
    let template = match Template::compile(&source, &TestLanguage) {
        Ok(template) => template,
        Err(findings) => return text::render(&findings, text::Style::default()),
    };
    let mut out = String::new();
    for document in template.documents() {
        if !document.applies(&scope) {
            out.push_str("--- (left out)\n");
            continue;
        }
        out.push_str("---\n");
        match document.fill(&scope) {
            Ok(filled) => {
                let again: serde_json::Value = serde_yaml::from_str(&filled.text)
                    .unwrap_or_else(|error| panic!("not YAML: {error}\n{}", filled.text));
                assert_eq!(again, filled.value, "text and data differ\n{}", filled.text);
                out.push_str(&filled.text);
            }
            Err(findings) => out.push_str(&text::render(&findings, text::Style::default())),
        }
    }
    out
}

#[test]
fn fixtures() {
    insta::glob!("fixtures/template/*.yaml", |path| {
        let fixture = std::fs::read_to_string(path).unwrap();
        insta::with_settings!({ description => fixture.clone(), omit_expression => true }, {
            insta::assert_snapshot!(render(&fixture));
        });
    });
}

#[test]
fn a_field_leads_back_to_its_template_and_variable() {
    let source = Arc::new(Source::new(
        "t.yaml",
        "a:\n  - x: ${?GONE}\n    y: 1\n  - z: \"n-${NAME}\"\nspec: ${SPEC}\n",
    ));
    // The first item's first key is optional, which a list item cannot have: the fixture is about the rest.
    assert!(Template::compile(&source, &TestLanguage).is_err());
    let source = Arc::new(Source::new("t.yaml", "a:\n  - ${?GONE}\n  - z: \"n-${NAME}\"\nspec: ${SPEC}\n"));
    let template = Template::compile(&source, &TestLanguage).unwrap();
    let mut scope = TestScope::default();
    scope.values.insert("NAME".to_owned(), "x".into());
    scope.values.insert("SPEC".to_owned(), serde_json::json!({"deep": [1, 2]}));
    let document = &template.documents()[0];
    let origin = document.origin(&scope, &FieldPath::parse("a[0].z").unwrap());
    assert_eq!(origin.variables, ["NAME"]);
    assert_eq!(document.location(&origin).start(), (3, 5));
    let origin = document.origin(&scope, &FieldPath::parse("spec.deep[1]").unwrap());
    assert_eq!((origin.variables, origin.rest.to_string()), (vec!["SPEC".to_owned()], "deep[1]".to_owned()));
}

proptest! {
    /// No value can change the structure of a document: the text always reads back as the shape says.
    #[test]
    fn no_value_leaves_its_scalar(
        text in any::<String>(),
        key in any::<String>(),
        number in any::<i64>(),
        list in prop::collection::vec(any::<String>(), 0..4),
    ) {
        let template = "# ${T} in a comment\nplain: ${T}\nsingle: '${T}'\ndouble: \"a ${T}\" # c\nblock: |\n  x ${T}\n  y\nflow: [\"${T}\", {k: '${T}'}]\nnumber: ${N}\nlist: ${L} # l\nnested:\n  - ${T}\n  - - ${L}\n    - ${N}\n  - ${K}: v\nlast: end\n";
        let source = Arc::new(Source::new("t.yaml", template));
        let template = Template::compile(&source, &TestLanguage).unwrap();
        let mut scope = TestScope::default();
        scope.values.insert("T".to_owned(), text.clone().into());
        scope.values.insert("K".to_owned(), key.clone().into());
        scope.values.insert("N".to_owned(), number.into());
        scope.values.insert("L".to_owned(), list.clone().into());
        let filled = template.documents()[0].fill(&scope).unwrap();
        let again: serde_json::Value = serde_yaml::from_str(&filled.text).unwrap();
        prop_assert_eq!(&again, &filled.value);
        prop_assert_eq!(&again["plain"], &serde_json::json!(text));
        prop_assert_eq!(&again["list"], &serde_json::json!(list));
        prop_assert_eq!(&again["nested"][2][&key], "v");
        prop_assert_eq!(&again["last"], "end");
    }

    /// Whatever a template file holds, compiling it ends in a template or in findings.
    #[test]
    fn any_text_compiles_or_is_refused(text in "[a-z:\\-\\[\\]{}#$?|>'\" \n&*!A-Z,=.~0-9]{0,120}") {
        let source = Arc::new(Source::new("t.yaml", text));
        if let Ok(template) = Template::compile(&source, &TestLanguage) {
            for document in template.documents() {
                let _ = document.fill(&TestScope::default());
            }
        }
    }
}
