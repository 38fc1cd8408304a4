//! The plan's own variables.

use super::{Check, spec};
use crate::{finding::codes, render::variables::is_built_in, template::hole::is_variable_name};

pub(super) fn check(check: &mut Check<'_>) {
    for (name, value) in check.cluster.variables.clone() {
        let path = spec("variables").key(name.clone());
        if !is_variable_name(&name) {
            check.error(
                &codes::PLAN_NAME,
                &path,
                format!("`{name}` cannot be the name of a variable"),
                "write it like `MY_VAR`: upper-case letters, digits and `_`",
            );
        } else if is_built_in(&name) {
            check.error(
                &codes::PLAN_NAME,
                &path,
                format!("`{name}` is a variable of InfraFlux itself"),
                "choose another name; `infraflux vars` lists those that are taken",
            );
        } else if value.is_array() || value.is_object() || value.is_null() {
            check.error(
                &codes::PLAN_VALUE,
                &path,
                format!("`{name}` holds more than one value"),
                "give it a text, a number, true or false",
            );
        }
    }
}
