//! infraflux
fn main() {}
