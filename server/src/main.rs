//! Arguments in, exit code out.

fn main() -> std::process::ExitCode {
    httpd_rs::abi::keep_exports();
    httpd_rs::cli::run(std::env::args_os())
}
