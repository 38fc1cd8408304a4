//! Numbers as the API server compares them: whole ones exactly, others as doubles.

use serde_json::Value;

use super::{format::whole_number, node::Limit};

/// Equality as the API server sees it: `1` is `1.0`.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}

fn whole(number: &serde_json::Number) -> Option<i128> {
    number
        .as_i64()
        .map(i128::from)
        .or_else(|| number.as_u64().map(i128::from))
        .or_else(|| number.as_f64().and_then(whole_number))
}

pub(super) fn compare(number: &serde_json::Number, limit: Limit) -> std::cmp::Ordering {
    if let (Some(number), Some(limit)) = (whole(number), whole_number(limit.value)) {
        return number.cmp(&limit);
    }
    number.as_f64().unwrap_or_default().total_cmp(&limit.value)
}

pub(super) fn is_multiple(number: &serde_json::Number, factor: f64) -> bool {
    if let (Some(number), Some(factor)) = (whole(number), whole_number(factor)) {
        return number % factor == 0;
    }
    let quotient = number.as_f64().unwrap_or_default() / factor;
    (quotient - quotient.round()).abs() < 1e-9
}
