//! The command line: arguments in, exit code out.
//!
//! `arguments` reads the flags, `version` answers what needs no configuration, and
//! `abi/http_main.rs` runs the server through its states.

mod arguments;
pub mod paths;
pub mod version;

use std::{ffi::OsString, path::PathBuf, process::ExitCode, sync::OnceLock};

pub use arguments::{Action, Arguments, Signal, usage};

use crate::{abi::http_main, modules::static_modules, mpm::kind};

/// How this process was started, for a restart that executes it anew.
pub struct Original {
    /// The program's file.
    pub executable: PathBuf,
    /// The arguments behind its name.
    pub arguments: Vec<OsString>,
    /// The working directory.
    pub directory: PathBuf,
}

static ORIGINAL: OnceLock<Original> = OnceLock::new();

/// How this process was started.
pub fn original_arguments() -> &'static Original {
    ORIGINAL.get_or_init(|| Original {
        executable: std::env::current_exe().unwrap_or_else(|_| "httpd-rs".into()),
        arguments: std::env::args_os().skip(1).collect(),
        directory: std::env::current_dir().unwrap_or_else(|_| "/".into()),
    })
}

/// Runs what the arguments ask for; the first one is the program's name.
pub fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    original_arguments();
    let words: Vec<OsString> = words.collect();
    let called = words
        .first()
        .map_or_else(|| "httpd-rs".into(), |name| name.to_string_lossy());
    let program = words.first().map_or_else(
        || "httpd-rs".to_owned(),
        |name| {
            let name = PathBuf::from(name);
            let name = name.file_name().unwrap_or(name.as_os_str());
            name.to_string_lossy().into_owned()
        },
    );
    let arguments = match arguments::parse(words.iter().skip(1).cloned()) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprint!("{program}: {error}\n{}", usage(&called));
            return ExitCode::FAILURE;
        }
    };
    if let Some(kind) = arguments.mpm {
        kind::choose_by_command_line(kind);
        static_modules::set_mpm(kind);
    }
    match arguments.action {
        Action::Version => print!("{}", version::version()),
        Action::Help => {
            eprint!("{}", usage(&called));
            return ExitCode::FAILURE;
        }
        _ => {
            let code = http_main::run(&program, &words, &arguments);
            return ExitCode::from(u8::try_from(code).unwrap_or(1));
        }
    }
    ExitCode::SUCCESS
}
