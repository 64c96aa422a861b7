//! An installation in a scratch directory: PREFIX with apxs-rs, the server and the headers, and a
//! directory of sources to work in. The tests start the program as build scripts do.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, Result, ensure};

/// A good module, `x`; `BODY` stands for more code.
pub const MODULE: &str = r#"
#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
BODY
static int handle(request_rec *r)
{
    ap_set_content_type(r, "text/plain");
    return DECLINED;
}
static void register_hooks(apr_pool_t *p)
{
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
}
extern "C" {
module AP_MODULE_DECLARE_DATA x_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
};
}
"#;

/// The same in C, with more code.
pub fn c_module(body: &str) -> String {
    let text = MODULE.replace("BODY", body).replace("extern \"C\" {", "");
    text.replace("};\n}\n", "};\n")
}

/// The same in C++.
pub fn cpp_module(body: &str) -> String {
    MODULE.replace("BODY", body)
}

/// The installation and the directory of sources.
pub struct Scratch {
    directory: tempfile::TempDir,
}

/// What a run gave.
pub struct Run {
    pub good: bool,
    /// Standard output.
    pub answer: String,
    /// Both.
    pub printed: String,
}

impl Scratch {
    pub fn new() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("apxs-rs-").tempdir()?;
        let scratch = Self { directory };
        let tree = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("a workspace")?;
        let program = Path::new(env!("CARGO_BIN_EXE_apxs-rs"));
        for part in ["bin", "conf"] {
            fs::create_dir_all(scratch.prefix().join(part))?;
        }
        fs::create_dir(scratch.sources())?;
        symlink(tree.join("include"), scratch.prefix().join("include"))?;
        // A copy, since a program learns its own path with links resolved.
        fs::copy(program, scratch.program())?;
        let server = program.with_file_name("httpd-rs");
        ensure!(
            server.is_file(),
            "httpd-rs is not built: cargo build --workspace"
        );
        symlink(server, scratch.prefix().join("bin/httpd-rs"))?;
        Ok(scratch)
    }

    pub fn prefix(&self) -> PathBuf {
        self.directory.path().join("prefix")
    }

    pub fn sources(&self) -> PathBuf {
        self.directory.path().join("sources")
    }

    pub fn program(&self) -> PathBuf {
        self.prefix().join("bin/apxs-rs")
    }

    /// A path below the sources.
    pub fn file(&self, name: &str) -> PathBuf {
        self.sources().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let file = self.file(name);
        fs::create_dir_all(file.parent().context("a directory")?)?;
        fs::write(&file, text).with_context(|| file.display().to_string())
    }

    /// Runs apxs-rs in the directory of sources.
    pub fn run(&self, arguments: &[&str]) -> Result<Run> {
        self.command(Command::new(self.program()).args(arguments))
    }

    /// The same, and it must succeed.
    pub fn good(&self, arguments: &[&str]) -> Result<Run> {
        let run = self.run(arguments)?;
        ensure!(run.good, "{arguments:?}: {}", run.printed);
        Ok(run)
    }

    /// Runs any program there.
    pub fn command(&self, command: &mut Command) -> Result<Run> {
        let Output {
            status,
            stdout,
            stderr,
        } = command.current_dir(self.sources()).output()?;
        let answer = String::from_utf8(stdout)?;
        Ok(Run {
            good: status.success(),
            printed: format!("{answer}{}", String::from_utf8_lossy(&stderr)),
            answer,
        })
    }

    /// The dynamic section and the symbols of a shared object.
    pub fn elf(&self, object: &str) -> Result<String> {
        let run = self.command(Command::new("readelf").args(["-dW", "--dyn-syms", object]))?;
        ensure!(run.good, "{}", run.printed);
        Ok(run.answer)
    }
}
