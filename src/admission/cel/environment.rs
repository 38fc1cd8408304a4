//! The functions that rules may call.

use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::Arc};

use kube_core::cel::{
    KubeCelExt as _,
    cel::{Context, ExecutionError, Program, extractors::This},
};

use crate::admission::schema::Pattern;

thread_local! {
    /// Functions are registered once in each thread: a context is not shared between threads.
    static FUNCTIONS: Rc<Context<'static>> = Rc::new(functions());
    /// Regular expressions of rules, by their text.
    static PATTERNS: RefCell<HashMap<Arc<String>, Result<Pattern, String>>> = RefCell::default();
}

/// So many expressions are kept; a rule that builds them from values must not fill the memory.
const PATTERNS_KEPT: usize = 500;

fn functions() -> Context<'static> {
    let mut context = Context::default().with_all();
    // The one of the `cel` crate compiles its expression at every call, and not as Go reads it.
    context.add_function("matches", matches);
    context
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that the registry takes")]
fn matches(This(text): This<Arc<String>>, pattern: Arc<String>) -> Result<bool, ExecutionError> {
    PATTERNS.with_borrow_mut(|patterns| {
        if patterns.len() > PATTERNS_KEPT {
            patterns.clear();
        }
        let compiled = patterns.entry(pattern.clone()).or_insert_with(|| Pattern::new(&pattern));
        match compiled {
            Ok(compiled) => Ok(compiled.is_match(&text)),
            Err(why) => Err(ExecutionError::function_error("matches", why)),
        }
    })
}

/// Runs something with the functions of this thread.
pub(super) fn with<Out>(run: impl FnOnce(&Context<'static>) -> Out) -> Out {
    let functions = FUNCTIONS.with(Rc::clone);
    run(&functions)
}

/// Whether a function exists. Operators do.
pub(super) fn has_function(name: &str) -> bool {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    let is_operator = !is_name || name.starts_with('_') || name.starts_with('@') || name.is_empty();
    if is_operator {
        return true;
    }
    let Ok(call) = Program::compile(&format!("{name}()")) else { return true };
    with(
        |context| !matches!(call.execute(context), Err(ExecutionError::UndeclaredReference(missing)) if *missing == name),
    )
}
