//! What a test starts where users start `innkeeper sandbox-init`.

fn main() -> std::process::ExitCode {
    runtime::sandbox::init_main()
}
