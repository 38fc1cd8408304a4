//! One compiled rule.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kube_core::cel::{
    CompilationError, CompilationResult,
    cel::{
        Context, ExecutionError, Value as Cel,
        common::ast::{Expr, IdedExpr},
    },
    compile_schema,
};
use serde_json::{Value, json};

use super::{environment, value};
use crate::yaml::pointer::FieldPath;

/// Bytes of one rule. The longest of the CRDs that we know has 1,270.
const LENGTH: usize = 16 << 10;
/// Brackets inside brackets in one rule: the parser calls itself for each.
const NESTING: usize = 40;
/// Operators in one rule, which bounds the depth of its tree.
const OPERATORS: usize = 600;
/// How often the body of a loop may run for one value. The API server has a budget too, and refuses rules that could
/// exceed it when the CRD is made; so this stops only what no cluster would take.
const STEPS: u64 = 5_000_000;

/// Why a rule was not checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unchecked {
    /// It calls a function that there is none of here.
    Function(String),
    /// It cannot be compiled.
    Compile(String),
    /// It could not be evaluated, for a reason that lies here rather than in the object.
    Evaluate(String),
    /// It would take too long.
    Cost,
}

impl std::fmt::Display for Unchecked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Function(name) => write!(formatter, "the function `{name}` is not supported"),
            Self::Compile(why) => write!(formatter, "it does not compile: {why}"),
            Self::Evaluate(why) => write!(formatter, "it cannot be evaluated here: {why}"),
            Self::Cost => formatter.write_str("it would take too many steps for this value"),
        }
    }
}

/// What a rule says about a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    /// With the message of the rule.
    Fails(String),
    /// The evaluation went wrong in a way in which it goes wrong in the API server too.
    Errs(String),
    Unchecked(Unchecked),
}

/// A rule of a schema, compiled if that can be done.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The expression.
    pub(crate) text: String,
    message: Option<String>,
    /// Where in `self` the finding belongs.
    pub(super) field: FieldPath,
    /// Runs without an old object too, with `oldSelf` as an optional.
    pub(super) optional_old: bool,
    /// Compares with the old object.
    pub(super) is_transition: bool,
    program: Result<Box<CompilationResult>, Unchecked>,
    loops: Loops,
    /// The fields of `self` that it looks at; `None` means all.
    pub(super) looks_at: Option<Vec<String>>,
}

/// How an expression repeats itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Loops {
    /// Loops inside loops over something that does not come from the outer one.
    depth: u32,
    /// Whether there is a loop at all.
    any: bool,
}

impl Rule {
    /// Compiles a rule as it stands in a schema. It always gives a rule; one that cannot be run says so when asked.
    pub(crate) fn new(raw: &Value) -> Self {
        let word = |key: &str| raw.get(key).and_then(Value::as_str).map(str::to_owned);
        let text = word("rule").unwrap_or_default();
        let program = compile(raw, &text);
        let (mut loops, mut looks_at, mut is_transition) = (Loops::default(), None, text.contains("oldSelf"));
        if let Ok(compiled) = &program {
            is_transition = compiled.is_transition_rule;
            let expression = compiled.program.expression();
            loops.any = count_loops(expression, &mut Vec::new(), 0, &mut loops.depth);
            if compiled.message_program.is_none() {
                let mut fields = Vec::new();
                looks_at = fields_of_self(expression, &mut fields).then_some(fields);
            }
        }
        Self {
            field: word("fieldPath").map(|path| field_path(&path)).unwrap_or_default(),
            message: word("message").filter(|message| !message.trim().is_empty()),
            optional_old: raw.get("optionalOldSelf") == Some(&Value::Bool(true)),
            is_transition,
            program,
            loops,
            looks_at,
            text,
        }
    }

    /// Why it cannot be checked at all.
    pub(crate) fn unchecked(&self) -> Option<&Unchecked> {
        self.program.as_ref().err()
    }

    /// Judges the value that is bound as `self`; `longest` is its longest list, `size` the values in it.
    pub(super) fn judge(&self, context: &Context<'_>, longest: u64, size: u64) -> Verdict {
        let compiled = match &self.program {
            Ok(compiled) => compiled,
            Err(unchecked) => return Verdict::Unchecked(unchecked.clone()),
        };
        let steps =
            longest.saturating_pow(self.loops.depth).saturating_mul(if self.loops.any { size } else { 1 });
        if steps > STEPS {
            return Verdict::Unchecked(Unchecked::Cost);
        }
        // A panic of the evaluator on a strange rule must not end a run that checks thousands of objects.
        let outcome = catch_unwind(AssertUnwindSafe(|| compiled.program.execute(context)));
        match outcome {
            Err(_) => Verdict::Unchecked(Unchecked::Evaluate("the evaluator gave up".to_owned())),
            Ok(Ok(Cel::Bool(true))) => Verdict::Holds,
            Ok(Ok(Cel::Bool(false))) => Verdict::Fails(self.told(compiled, context)),
            Ok(Ok(_)) => {
                Verdict::Unchecked(Unchecked::Evaluate("its result is not true or false".to_owned()))
            }
            Ok(Err(error)) => classify(&error),
        }
    }

    fn told(&self, compiled: &CompilationResult, context: &Context<'_>) -> String {
        let dynamic = compiled.message_program.as_ref().and_then(|program| {
            match catch_unwind(AssertUnwindSafe(|| program.execute(context))) {
                Ok(Ok(Cel::String(text))) => Some(text.trim().to_owned()),
                _ => None,
            }
        });
        // As the API server does: an empty message, or one with a line break, is not used.
        dynamic
            .filter(|text| !text.is_empty() && !text.contains('\n'))
            .or_else(|| {
                self.message
                    .as_deref()
                    .map(|message| message.split_whitespace().collect::<Vec<_>>().join(" "))
            })
            .unwrap_or_else(|| format!("the rule `{}` does not hold", self.short()))
    }

    /// The expression in one line of bearable length.
    pub(crate) fn short(&self) -> String {
        let line = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        crate::admission::schema::cut(&line, 160)
    }
}

fn compile(raw: &Value, text: &str) -> Result<Box<CompilationResult>, Unchecked> {
    for text in [Some(text), raw.get("messageExpression").and_then(Value::as_str)].into_iter().flatten() {
        if text.len() > LENGTH || nesting(text) > NESTING || operators(text) > OPERATORS {
            return Err(Unchecked::Compile("it is too long or too deeply nested".to_owned()));
        }
    }
    let schema = json!({"x-kubernetes-validations": [raw]});
    let compiled = catch_unwind(AssertUnwindSafe(|| compile_schema(&schema)))
        .map_err(|_| Unchecked::Compile("the parser gave up".to_owned()))?;
    let compiled = match compiled.validations.into_iter().next() {
        Some(Ok(compiled)) => compiled,
        Some(Err(CompilationError::InvalidRule(error))) => return Err(Unchecked::Compile(error.to_string())),
        Some(Err(
            CompilationError::Parse { source, .. } | CompilationError::MessageExpressionParse { source, .. },
        )) => {
            let first = source.to_string();
            return Err(Unchecked::Compile(first.lines().next().unwrap_or_default().to_owned()));
        }
        Some(Err(error)) => return Err(Unchecked::Compile(error.to_string())),
        None => return Err(Unchecked::Compile("there is no rule".to_owned())),
    };
    let missing = {
        let programs = std::iter::once(&compiled.program).chain(&compiled.message_program);
        let mut missing: Vec<String> = programs
            .flat_map(|program| {
                program.references().functions().into_iter().map(str::to_owned).collect::<Vec<_>>()
            })
            .filter(|name| !environment::has_function(name))
            .collect();
        missing.sort();
        missing.into_iter().next()
    };
    match missing {
        Some(name) => Err(Unchecked::Function(name)),
        None => Ok(Box::new(compiled)),
    }
}

fn nesting(text: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                most = most.max(depth);
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

fn operators(text: &str) -> usize {
    text.bytes().filter(|byte| b"!-+*/%<>=&|?:.".contains(byte)).count()
}

/// What an error of the evaluator means.
///
/// Where the API server would meet the same error, the object is refused there. An error about types cannot happen in the
/// API server, which checks them when the CRD is made: then it is this evaluator that does not follow.
fn classify(error: &ExecutionError) -> Verdict {
    match error {
        ExecutionError::UndeclaredReference(name) => {
            Verdict::Unchecked(Unchecked::Function(name.to_string()))
        }
        ExecutionError::NoSuchKey(key) => Verdict::Errs(format!("there is no `{key}`")),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            Verdict::Errs("it divides by zero".to_owned())
        }
        ExecutionError::Overflow(..) => Verdict::Errs("a number gets too large".to_owned()),
        ExecutionError::IndexOutOfBounds(_) => Verdict::Errs("a list is too short".to_owned()),
        ExecutionError::FunctionError { function, message } => {
            Verdict::Errs(format!("`{function}`: {}", crate::admission::schema::cut(message, 160)))
        }
        other => {
            Verdict::Unchecked(Unchecked::Evaluate(crate::admission::schema::cut(&other.to_string(), 160)))
        }
    }
}

/// Reads `.spec.items[0]` and `.labels['a.b/c']`.
fn field_path(text: &str) -> FieldPath {
    let mut path = FieldPath::root();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('[') {
            let Some(end) = tail.find(']') else { break };
            let inner = tail[..end].trim_matches(['\'', '"']);
            match tail[..end].parse() {
                Ok(index) => path.push_index(index),
                Err(_) => path.push_key(inner),
            }
            rest = &tail[end + 1..];
        } else {
            let word = rest.strip_prefix('.').unwrap_or(rest);
            let end = word.find(['.', '[']).unwrap_or(word.len());
            if end == 0 {
                break;
            }
            path.push_key(&word[..end]);
            rest = &word[end..];
        }
    }
    path
}

/// The parts of an expression.
fn parts(expression: &IdedExpr) -> Vec<&IdedExpr> {
    match &expression.expr {
        Expr::Call(call) => call.target.iter().map(|target| &**target).chain(&call.args).collect(),
        Expr::Comprehension(inner) => {
            vec![&inner.iter_range, &inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result]
        }
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => entries(&map.entries),
        Expr::Struct(object) => entries(&object.entries),
        Expr::Select(select) => vec![&select.operand],
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
    }
}

fn entries(entries: &[kube_core::cel::cel::common::ast::IdedEntryExpr]) -> Vec<&IdedExpr> {
    use kube_core::cel::cel::common::ast::EntryExpr;
    entries
        .iter()
        .flat_map(|entry| match &entry.expr {
            EntryExpr::StructField(field) => vec![&field.value],
            EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        })
        .collect()
}

/// Finds the deepest nest of loops; a loop over a part of what an outer loop is at does not count, since all of them
/// together see each value once.
fn count_loops<'rule>(
    expression: &'rule IdedExpr,
    variables: &mut Vec<&'rule str>,
    depth: u32,
    most: &mut u32,
) -> bool {
    let Expr::Comprehension(inner) = &expression.expr else {
        let mut any = false;
        for part in parts(expression) {
            any |= count_loops(part, variables, depth, most);
        }
        return any;
    };
    let is_part = variables.iter().any(|variable| mentions(&inner.iter_range, variable))
        && !mentions(&inner.iter_range, "self");
    let deeper = if is_part { depth } else { depth + 1 };
    // The outermost loop is the size of the value itself.
    *most = (*most).max(deeper.saturating_sub(1));
    count_loops(&inner.iter_range, variables, depth, most);
    variables.push(&inner.iter_var);
    for part in [&inner.loop_cond, &inner.loop_step, &inner.result] {
        count_loops(part, variables, deeper, most);
    }
    variables.pop();
    true
}

fn mentions(expression: &IdedExpr, name: &str) -> bool {
    matches!(&expression.expr, Expr::Ident(ident) if ident == name)
        || parts(expression).into_iter().any(|part| mentions(part, name))
}

/// Collects the fields of `self` and `oldSelf` that an expression selects; `false` if it uses one of them as a whole.
fn fields_of_self(expression: &IdedExpr, fields: &mut Vec<String>) -> bool {
    if let Expr::Select(select) = &expression.expr
        && let Expr::Ident(ident) = &select.operand.expr
        && (ident == "self" || ident == "oldSelf")
    {
        let name = value::unescape(&select.field);
        if !fields.contains(&name) {
            fields.push(name);
        }
        return true;
    }
    if let Expr::Ident(ident) = &expression.expr
        && (ident == "self" || ident == "oldSelf")
    {
        return false;
    }
    parts(expression).into_iter().all(|part| fields_of_self(part, fields))
}
