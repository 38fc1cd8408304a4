//! Schemas and CEL against CRDs, and a second opinion on every verdict.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "counts are a part of what these tests are for")]

mod common;

use std::fmt::Write as _;

use common::{mutate::mutants, oracle::Oracle, schemas as crds};
use infraflux::{
    admission::{
        Object, Objects,
        schema::{Check, Crd, Report, Schemas},
    },
    finding::{Severity, text},
};
use proptest::prelude::*;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

fn check(schemas: &Schemas, object: &Value, previous: Option<&Value>) -> Report {
    let objects: Objects = [Object::new(object.clone())].into_iter().collect();
    let previous: Objects = previous.into_iter().map(|value| Object::new(value.clone())).collect();
    schemas.check(&objects, &previous, Check { no_namespace: Some(Severity::Warning) })
}

/// What is structurally wrong; CEL, metadata and keys of lists are not the business of the second opinion.
fn structure(schemas: &Schemas, object: &Value) -> Vec<String> {
    let codes = ["IF0501", "IF0502", "IF0503", "IF0504", "IF0505", "IF0506", "IF0507", "IF0508"];
    let report = check(schemas, object, None);
    report
        .violations
        .iter()
        .filter(|violation| codes.contains(&violation.code.id))
        .filter(|violation| {
            violation.path.to_string() != "metadata" && !violation.path.to_string().starts_with("metadata.")
        })
        .map(|violation| format!("{} {}: {}", violation.code.id, violation.path, violation.message))
        .collect()
}

/// A value of a schema: what a user could write, with every field up to a depth.
fn sample(schema: &Value, depth: usize) -> Value {
    let rule = |key: &str| schema.get(key).filter(|value| !value.is_null());
    if let Some(default) = rule("default") {
        return default.clone();
    }
    if let Some(first) = rule("enum").and_then(|list| list.get(0)) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let mut out = Map::new();
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                if depth > 0 || required.contains(&name.as_str()) {
                    out.insert(name.clone(), sample(field, depth.saturating_sub(1)));
                }
            }
            if schema["additionalProperties"].is_object() {
                out.insert(
                    "key".to_owned(),
                    sample(&schema["additionalProperties"], depth.saturating_sub(1)),
                );
            }
            if schema["x-kubernetes-embedded-resource"] == true {
                out.insert("apiVersion".to_owned(), json!("v1"));
                out.insert("kind".to_owned(), json!("Thing"));
            }
            Value::Object(out)
        }
        Some("array") => {
            let least = schema["minItems"].as_u64().unwrap_or(1).clamp(1, 3);
            json!((0..least).map(|_| sample(&schema["items"], depth.saturating_sub(1))).collect::<Vec<_>>())
        }
        Some("integer") => json!(schema["minimum"].as_i64().unwrap_or(1)),
        Some("number") => json!(schema["minimum"].as_f64().unwrap_or(1.5)),
        Some("boolean") => json!(true),
        Some("string") => json!(match schema["format"].as_str() {
            Some("date-time") => "2026-11-23T12:00:00Z",
            Some("cidr") => "10.0.0.0/16",
            Some("byte") => "YWJj",
            Some("uri") => "https://example.org",
            // What asks for no format in these CRDs asks for a duration by its pattern.
            _ => "1h",
        }),
        _ => json!("text"),
    }
}

/// Mutants of one CRD; an even choice of them when there are more.
const MOST: usize = 120;

#[test]
fn the_second_opinion_agrees_on_every_crd() {
    let Some(crds) = crds::load() else { return };
    let versions: Vec<_> = crds.versions().collect();
    let outcomes: Vec<(usize, usize, String)> = versions
        .par_iter()
        .map(|(api_version, kind, schema)| {
            let oracle = Oracle::new(schema);
            let mut good = sample(schema, 4);
            let whole = good.as_object_mut().unwrap();
            whole.remove("status");
            whole.insert("apiVersion".to_owned(), json!(api_version));
            whole.insert("kind".to_owned(), json!(kind));
            whole.insert("metadata".to_owned(), json!({"name": "x", "namespace": "y"}));
            let mut all = vec![("good", "the whole".to_owned(), good.clone())];
            let changed = mutants(&good);
            let step = changed.len().div_ceil(MOST).max(1);
            for mutant in changed.into_iter().step_by(step) {
                // The second opinion does not look into metadata.
                if !mutant.path.to_string().starts_with("metadata") && mutant.change != "entry-twice" {
                    all.push((mutant.change, mutant.path.to_string(), mutant.object));
                }
            }
            let mut problems = String::new();
            let mut refused = 0;
            for (change, path, object) in &all {
                let ours = structure(&crds.schemas, object);
                refused += usize::from(!ours.is_empty());
                // Twins in a sample's lists are the keys' business.
                let ours: Vec<_> = ours.into_iter().filter(|line| !line.starts_with("IF0507")).collect();
                if ours.is_empty() != oracle.holds(object) {
                    let theirs = oracle.errors(object);
                    writeln!(
                        problems,
                        "{api_version} {kind}, {change} of {path}: ours {:?}, theirs {:?}",
                        ours.first(),
                        theirs.first()
                    )
                    .unwrap();
                }
            }
            (all.len(), refused, problems)
        })
        .collect();
    let count: usize = outcomes.iter().map(|(count, ..)| count).sum();
    let refused: usize = outcomes.iter().map(|(_, refused, _)| refused).sum();
    let problems: String = outcomes.iter().map(|(.., problems)| &**problems).collect();
    println!("{} schemas, {count} objects, {refused} refused", versions.len());
    let lines: Vec<&str> = problems.lines().take(120).collect();
    assert!(problems.is_empty(), "{}", lines.join("\n"));
    assert!(count > 10_000 && refused > count / 2, "{count} objects, {refused} refused");
}

#[test]
fn all_rules_of_the_crds_compile() {
    let Some(crds) = crds::load() else { return };
    let mut rules = 0;
    let mut problems = Vec::new();
    for (api_version, kind, _) in crds.versions() {
        rules += crds.schemas.rules(&api_version, kind);
        for problem in crds.schemas.problems(&api_version, kind) {
            problems.push(format!("{api_version} {kind}: {problem}"));
        }
    }
    println!("{rules} CEL rules, {} parts of schemas not checked", problems.len());
    assert!(rules > 800, "{rules} rules");
    // A rule that does not compile would be listed here with the function that is missing.
    assert_eq!(problems, Vec::<String>::new());
}

/// A CRD around a schema of `spec`.
fn crd(spec: &Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.org"},
        "spec": {
            "group": "example.org",
            "names": {"kind": "Widget", "plural": "widgets"},
            "scope": "Namespaced",
            "versions": [
                {"name": "v1alpha1", "served": false, "storage": false, "schema": {"openAPIV3Schema": {"type": "object"}}},
                {"name": "v1beta1", "served": true, "storage": false, "deprecated": true,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}},
                {"name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}},
            ],
        },
    })
}

fn widget(spec: &Value) -> Value {
    json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "a", "namespace": "b"}, "spec": spec})
}

fn with(spec: &Value) -> Schemas {
    let mut schemas = Schemas::new();
    schemas.add(Crd::read(&crd(spec)).unwrap());
    schemas
}

/// One line for each violation and for what was not checked.
fn lines(report: &Report, schemas: &Schemas) -> Vec<String> {
    let mut lines: Vec<String> = report
        .violations
        .iter()
        .map(|violation| {
            let hint = violation.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!(
                "{} {} {}: {}{hint}",
                violation.severity, violation.code.id, violation.path, violation.message
            )
        })
        .collect();
    lines.extend(report.findings(schemas).iter().map(text::short));
    lines
}

#[test]
fn messages_say_what_is_there_what_is_allowed_and_the_next_step() {
    let spec = json!({
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 9},
            "mode": {"type": "string", "enum": ["Fast", "Slow"]},
            "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
            "network": {"type": "string", "format": "cidr"},
            "enabled": {"type": "boolean"},
            "port": {"x-kubernetes-int-or-string": true},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "maxItems": 3, "items": {"type": "string"}},
            "ports": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "required": ["name"], "properties": {
                    "name": {"type": "string"}, "number": {"type": "integer", "default": 80}}},
            },
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "maybe": {"type": "string", "nullable": true},
            "inner": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
            "source": {"type": "object", "oneOf": [{"required": ["git"]}, {"required": ["oci"]}],
                "properties": {"git": {"type": "string"}, "oci": {"type": "string"}}},
            "share": {"type": "number", "multipleOf": 0.5, "exclusiveMinimum": true, "minimum": 0},
        },
    });
    let schemas = with(&spec);
    let cases = [
        json!({"size": 3, "mode": "Fast", "maybe": null, "mode_": null}),
        json!({"siez": 3}),
        json!({"size": "3", "enabled": "true", "name": 5, "tags": "a", "labels": {"a": 1}, "port": 1.5}),
        json!({"size": 10, "mode": "fast", "name": "UPPER", "network": "10.0.0.0", "share": 0, "tags": ["a", "b", "a", "c"]}),
        json!({"size": null, "name": "toolong"}),
        json!({"size": 1, "ports": [{"name": "a"}, {"name": "a"}, {"number": 1}], "source": {}, "inner": {"kind": ""}}),
        json!({"size": 1, "source": {"git": "a", "oci": "b"}, "free": {"any": [1]}, "share": 0.7}),
        json!("not a mapping"),
    ];
    let mut out = String::new();
    for case in &cases {
        writeln!(out, "{case}").unwrap();
        for line in lines(&check(&schemas, &widget(case), None), &schemas) {
            writeln!(out, "  {line}").unwrap();
        }
    }
    let mut more = |what: &str, object: &Value| {
        writeln!(out, "{what}").unwrap();
        for line in lines(&check(&schemas, object, None), &schemas) {
            writeln!(out, "  {line}").unwrap();
        }
    };
    let good = widget(&json!({"size": 1}));
    let change = |pointer: &str, value: Value| {
        let mut object = good.clone();
        *object.pointer_mut(pointer).unwrap() = value;
        object
    };
    more("not served", &change("/apiVersion", json!("example.org/v1alpha1")));
    more("deprecated", &change("/apiVersion", json!("example.org/v1beta1")));
    more("no such version", &change("/apiVersion", json!("example.org/v2")));
    more("no such kind", &change("/kind", json!("Wigdet")));
    more("no such group", &change("/apiVersion", json!("example.com/v1")));
    more(
        "metadata",
        &change("/metadata", json!({"name": "A_b", "labels": {"a b": "x", "c": "-"}, "annotation": {}})),
    );
    more("no name", &change("/metadata", json!({"namespace": "b"})));
    more("no metadata", &json!({"apiVersion": "example.org/v1", "kind": "Widget", "spec": {"size": 1}}));
    more(
        "Kubernetes",
        &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "b"},
        "spec": {"replicas": 1_u64 << 33, "selector": {}, "template": {"spec": {"containers": [
            {"name": "a", "imagePullPolicy": "always", "ports": [{"containerPort": "80"}], "resources": {"limits": {"cpu": 1}}},
            {"name": "a", "image": "b", "comand": ["x"]}]}}}}),
    );
    more(
        "a namespace that means nothing",
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a.b", "namespace": "b"}}),
    );
    more(
        "an old version of Kubernetes",
        &json!({"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "a"}}),
    );
    more(
        "Secret",
        &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "b"}, "data": {"a": "not base64"}}),
    );
    insta::assert_snapshot!(out);
}

#[test]
fn rules_are_judged_as_the_api_server_judges_them() {
    // The schema of `spec`, the spec, the spec before, what comes of it.
    let rule = |rule: &str| json!({"rule": rule, "message": "no"});
    let object = |rules: Vec<Value>| {
        json!({"type": "object", "x-kubernetes-validations": rules, "properties": {
            "a": {"type": "integer"}, "b": {"type": "string"}, "c-d": {"type": "string"}, "e_f": {"type": "string"},
            "namespace": {"type": "string"}, "n": {"type": "number"}, "w": {"type": "string", "default": "set"},
            "when": {"type": "string", "format": "date-time"}, "long": {"type": "string", "format": "duration"},
            "m": {"type": "object", "additionalProperties": {"type": "string"}},
            "list": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "integer"}},
                    "x-kubernetes-validations": [{"rule": "self.v >= oldSelf.v", "message": "v shrinks", "fieldPath": ".v"}]}},
        }})
    };
    let cases: Vec<(Value, Value, Option<Value>, &[&str])> = vec![
        (object(vec![rule("self.a > 1")]), json!({"a": 2}), None, &[]),
        (object(vec![rule("self.a > 1")]), json!({"a": 1}), None, &["IF0601 spec: no"]),
        (
            object(vec![rule("self.a > 1")]),
            json!({}),
            None,
            &["IF0603 spec: the CRD's rule `self.a > 1` cannot be decided for this value: there is no `a`"],
        ),
        (object(vec![rule("!has(self.a) || self.a > 1")]), json!({}), None, &[]),
        (
            object(vec![rule("self.c__dash__d == 'x' && self.e_f == 'y' && self.__namespace__ == 'z'")]),
            json!({"c-d": "x", "e_f": "y", "namespace": "z"}),
            None,
            &[],
        ),
        (object(vec![rule("self.n > 0.5")]), json!({"n": 1}), None, &[]),
        (object(vec![rule("self.w == 'set'")]), json!({}), None, &[]),
        (
            object(vec![rule("self.when > timestamp('2026-01-01T00:00:00Z')")]),
            json!({"when": "2026-11-23T00:00:00Z"}),
            None,
            &[],
        ),
        (object(vec![rule("self.long < duration('1h')")]), json!({"long": "30m"}), None, &[]),
        (object(vec![rule("self.m['a.b'] == 'x'")]), json!({"m": {"a.b": "x"}}), None, &[]),
        (object(vec![rule("self.b.matches('^\\\\d+$')")]), json!({"b": "12"}), None, &[]),
        // rules about changes
        (object(vec![rule("self.a == oldSelf.a")]), json!({"a": 2}), None, &[]),
        (
            object(vec![rule("self.a == oldSelf.a")]),
            json!({"a": 2}),
            Some(json!({"a": 1})),
            &["IF0601 spec: no"],
        ),
        (object(vec![rule("self.a == oldSelf.a")]), json!({"a": 2}), Some(json!({"a": 2})), &[]),
        (
            object(vec![]),
            json!({"list": [{"k": "y", "v": 1}, {"k": "x", "v": 5}]}),
            Some(json!({"list": [{"k": "x", "v": 4}, {"k": "y", "v": 2}]})),
            &["IF0601 spec.list[0].v: v shrinks"],
        ),
        (
            object(vec![
                json!({"rule": "oldSelf.hasValue() || self.a == 1", "optionalOldSelf": true, "message": "no"}),
            ]),
            json!({"a": 2}),
            None,
            &["IF0601 spec: no"],
        ),
        (
            object(vec![
                json!({"rule": "!oldSelf.hasValue() || oldSelf.value().a == self.a", "optionalOldSelf": true, "message": "no"}),
            ]),
            json!({"a": 2}),
            Some(json!({"a": 1})),
            &["IF0601 spec: no"],
        ),
        // messages and places
        (
            object(vec![
                json!({"rule": "self.a > 1", "messageExpression": "'a is ' + string(self.a)", "message": "no"}),
            ]),
            json!({"a": 1}),
            None,
            &["IF0601 spec: a is 1"],
        ),
        (
            object(vec![json!({"rule": "self.a > 1", "messageExpression": "''", "message": "no"})]),
            json!({"a": 1}),
            None,
            &["IF0601 spec: no"],
        ),
        (
            object(vec![json!({"rule": "self.a > 1"})]),
            json!({"a": 1}),
            None,
            &["IF0601 spec: the rule `self.a > 1` does not hold"],
        ),
        (
            object(vec![json!({"rule": "self.a > 1", "fieldPath": ".m['x/y']", "message": "no."})]),
            json!({"a": 1}),
            None,
            &["IF0601 spec.m[\"x/y\"]: no"],
        ),
        // what cannot be run is told, and neither true nor false
        (
            object(vec![rule("self.b.frobnicate() == 1")]),
            json!({"b": ""}),
            None,
            &[
                "warning IF0602: the rule `self.b.frobnicate() == 1` of example.org/v1 Widget was not checked for 1 object: the function `frobnicate` is not supported",
            ],
        ),
        (
            object(vec![rule("self.a >")]),
            json!({"a": 1}),
            None,
            &[
                "warning IF0602: the rule `self.a >` of example.org/v1 Widget was not checked for 1 object: it does not compile: ",
            ],
        ),
        (
            object(vec![rule("self.a + 1")]),
            json!({"a": 1}),
            None,
            &[
                "warning IF0602: the rule `self.a + 1` of example.org/v1 Widget was not checked for 1 object: it cannot be evaluated here: its result is not true or false",
            ],
        ),
        (
            object(vec![rule("self.a + 'x' == 'y'")]),
            json!({"a": 1}),
            None,
            &[
                "warning IF0602: the rule `self.a + 'x' == 'y'` of example.org/v1 Widget was not checked for 1 object: it cannot be evaluated here: ",
            ],
        ),
        (
            object(vec![json!({"message": "there is no rule"})]),
            json!({"a": 1}),
            None,
            &[
                "warning IF0602: the rule `` of example.org/v1 Widget was not checked for 1 object: it does not compile: ",
            ],
        ),
        (
            object(vec![json!(7)]),
            json!({"a": 1}),
            None,
            &[
                "warning IF0602: the rule `` of example.org/v1 Widget was not checked for 1 object: it does not compile: ",
            ],
        ),
    ];
    let mut problems = String::new();
    for (schema, spec, before, expected) in cases {
        let schemas = with(&schema);
        let report = check(&schemas, &widget(&spec), before.map(|before| widget(&before)).as_ref());
        let mut found: Vec<String> = report
            .violations
            .iter()
            .map(|violation| format!("{} {}: {}", violation.code.id, violation.path, violation.message))
            .collect();
        found.extend(report.findings(&schemas).iter().map(text::short));
        let agrees = found.len() == expected.len()
            && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
        if !agrees {
            writeln!(
                problems,
                "{}\n  on {spec}\n  expected {expected:#?}\n  found {found:#?}",
                schema["x-kubernetes-validations"]
            )
            .unwrap();
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

/// A schema that somebody wrote with bad intent, or a generator with a bug.
fn hostile_schema() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("object"),
        Just("array"),
        Just("string"),
        Just("integer"),
        Just("number"),
        Just("boolean"),
        Just(""),
        Just("x"),
    ];
    let rule = prop_oneof![
        "[a-z(){}\\[\\]!&|<>=+*/.,?:' 0-9]{0,40}",
        Just("(".repeat(5000)),
        Just("!".repeat(5000)),
        Just("self.all(a, self.all(b, self.all(c, self.all(d, true))))".to_owned()),
        Just("self.map(a, a).map(a, a).size() > 0".to_owned()),
        Just("self == oldSelf".to_owned()),
        Just("size(self) < 3".to_owned()),
        Just("self[0] == self[99]".to_owned()),
        Just("'a'.matches('((((a*)*)*)*)*b')".to_owned()),
    ];
    let leaf = (word, any::<bool>(), "[\\[\\](){}*+?\\\\^$a-c|-]{0,12}", rule, any::<i64>(), any::<f64>()).prop_map(
        |(kind, flag, pattern, rule, integer, number)| {
            json!({
                "type": kind, "nullable": flag, "pattern": pattern, "minLength": integer, "maxItems": integer,
                "maximum": number, "multipleOf": number, "enum": [integer, pattern, null], "default": pattern,
                "x-kubernetes-int-or-string": flag, "x-kubernetes-list-type": "set", "uniqueItems": flag,
                "x-kubernetes-validations": [{"rule": rule, "messageExpression": rule, "fieldPath": pattern, "optionalOldSelf": flag}],
                "required": ["a", integer], "format": "date-time",
            })
        },
    );
    leaf.prop_recursive(5, 40, 4, |inner| {
        (inner.clone(), inner.clone(), inner, any::<bool>()).prop_map(|(one, two, three, flag)| {
            json!({
                "type": if flag { "object" } else { "array" },
                "properties": {"a": one, "b": two, "metadata": three},
                "additionalProperties": if flag { three.clone() } else { json!(flag) },
                "items": one, "oneOf": [two, one], "anyOf": [three], "allOf": [one], "not": two,
                "x-kubernetes-embedded-resource": flag, "x-kubernetes-preserve-unknown-fields": !flag,
                "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a", "b"],
                "x-kubernetes-validations": one.get("x-kubernetes-validations"),
            })
        })
    })
}

fn hostile_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[ab]|metadata|kind|.{0,4}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn hostile_schemas_and_objects_are_survived(schema in hostile_schema(), spec in hostile_value(), before in hostile_value()) {
        let schemas = with(&schema);
        let report = check(&schemas, &widget(&spec), Some(&widget(&before)));
        // One more than a hundred says that there are more.
        prop_assert!(report.violations.len() <= 400);
        prop_assert_eq!(report.objects, 1);
    }

    #[test]
    fn anything_in_place_of_a_crd_is_refused_or_read(value in hostile_value(), where_to in 0_usize..6) {
        let mut crd = crd(&json!({"type": "object"}));
        let pointers = ["/spec", "/spec/versions", "/spec/versions/0", "/spec/names", "/metadata", "/spec/versions/1/schema"];
        *crd.pointer_mut(pointers[where_to]).unwrap() = value.clone();
        if let Ok(crd) = Crd::read(&crd) {
            let again = Crd::read(&crd.compact());
            prop_assert_eq!(again.as_ref(), Ok(&crd));
        }
        let _ = check(&Schemas::new(), &value, None);
    }
}

#[test]
fn a_rule_that_would_run_for_ever_is_not_run() {
    let rule = "self.all(a, self.all(b, self.all(c, self.all(d, a + b + c + d >= 0))))";
    let schema =
        json!({"type": "array", "items": {"type": "integer"}, "x-kubernetes-validations": [{"rule": rule}]});
    let schemas = with(&schema);
    let long: Vec<u32> = (0..2000).collect();
    let report = check(&schemas, &widget(&json!(long)), None);
    assert_eq!((report.violations.len(), report.unchecked_rules.len()), (0, 1));
    let short: Vec<u32> = (0..5).collect();
    let report = check(&schemas, &widget(&json!(short)), None);
    assert_eq!((report.violations.len(), report.unchecked_rules.len(), report.rules), (0, 0, 1));
}
