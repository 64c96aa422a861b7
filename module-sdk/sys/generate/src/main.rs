//! `httpd-sys-generate [INCLUDE [OUTPUT]]`: writes the bindings of the headers.

use std::{path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let include = args.next().unwrap_or_else(httpd_sys_generate::include_dir);
    let output = args
        .next()
        .unwrap_or_else(|| root.join("module-sdk/sys/src/bindings.rs"));
    let written = httpd_sys_generate::generate(&include).and_then(|text| {
        std::fs::write(&output, text)
            .map_err(|e| format!("cannot write \"{}\": {e}", output.display()))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("httpd-sys-generate: {message}");
            ExitCode::FAILURE
        }
    }
}
