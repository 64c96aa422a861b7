//! The command line. Only `-v` is answered so far: the server cannot serve yet, and says so.

use std::{ffi::OsString, process::ExitCode};

/// Runs what the arguments ask for; the first one is the program's name.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.skip(1).collect();
    if args.len() == 1 && args[0] == "-v" {
        println!("Server version: httpd-rs/{}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    eprintln!("httpd-rs: serving is not built yet (docs/status.md); only -v is answered");
    ExitCode::FAILURE
}

/// Placeholder until the command line lands.
pub struct Arguments {
    pub executable: std::path::PathBuf,
    pub arguments: Vec<OsString>,
    pub directory: std::path::PathBuf,
}
pub fn original_arguments() -> &'static Arguments {
    unreachable!()
}
