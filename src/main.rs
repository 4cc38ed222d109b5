//! The `scopesync` program: arguments, log guard, run, exit code; nothing else.

fn main() -> std::process::ExitCode {
    scopesync::cli::main()
}
