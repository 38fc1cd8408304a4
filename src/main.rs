//! Routes a call to its door and maps what comes of it to an exit code.

use std::process::ExitCode;

/// A fleet is millions of small strings: rendering takes a third less time than with the C library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match infraflux::cli::door::run(std::env::args_os().collect()) {
        Ok(code) => code,
        Err(error) => {
            // Only the program's own streams can fail here. Standard error may be the one that did.
            let _ = std::io::Write::write_all(
                &mut std::io::stderr().lock(),
                format!("infraflux: {error:#}\n").as_bytes(),
            );
            ExitCode::from(3)
        }
    }
}
