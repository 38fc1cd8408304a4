#![no_main]

// The properties are those of tests/fuzz/main.rs.
#[allow(dead_code)]
#[path = "../../tests/fuzz/doors.rs"]
mod doors;

libfuzzer_sys::fuzz_target!(|data: &[u8]| doors::template(data));
