//! Apache's own sources, fetched into a cache by `scripts/fetch-apache-source.sh`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::host::{printed, run, workspace};

/// Where the sources are.
///
/// # Errors
/// When they cannot be fetched.
pub fn apache() -> Result<PathBuf> {
    let output = run(&mut Command::new(
        workspace().join("scripts/fetch-apache-source.sh"),
    ))?;
    ensure!(output.status.success(), "{}", printed(&output));
    let path = String::from_utf8(output.stdout)?;
    Ok(path.trim().into())
}

/// Every `modules/*/mod_*.c`.
///
/// # Errors
/// When the sources cannot be fetched or read.
pub fn modules() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for family in fs::read_dir(apache()?.join("modules"))? {
        let family = family?.path();
        if !family.is_dir() {
            continue;
        }
        for source in fs::read_dir(&family)? {
            let source = source?.path();
            let name = name_of(&source)?;
            if name.starts_with("mod_") && name.ends_with(".c") {
                found.push(source);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The source of one module.
///
/// # Errors
/// When there is none of this name.
pub fn module(name: &str) -> Result<PathBuf> {
    let all = modules()?;
    all.into_iter()
        .find(|source| name_of(source).is_ok_and(|found| found == name))
        .with_context(|| format!("no {name} among Apache's sources"))
}

/// Makes `test_char.h` in a directory, as Apache's build does: with a program of its sources.
///
/// # Errors
/// When that cannot be compiled or run.
pub fn generate_test_char(directory: &Path) -> Result<()> {
    let program = directory.join("gen_test_char");
    let output = run(Command::new("cc")
        .arg("-I/usr/include/apr-1.0")
        .arg("-I")
        .arg(workspace().join("include"))
        .arg("-o")
        .arg(&program)
        .arg(apache()?.join("server/gen_test_char.c")))?;
    ensure!(output.status.success(), "{}", printed(&output));
    let output = run(&mut Command::new(&program))?;
    ensure!(output.status.success(), "{}", printed(&output));
    fs::write(directory.join("test_char.h"), output.stdout).context("cannot write test_char.h")
}

fn name_of(source: &Path) -> Result<String> {
    let name = source.file_name().context("a file has a name")?;
    Ok(name.to_string_lossy().into_owned())
}
