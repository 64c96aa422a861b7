//! C modules for tests, compiled with apxs-rs.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, ensure};

use crate::host::{built, printed, run, workspace};

/// A source of `tests/c-modules`.
pub fn source(name: &str) -> PathBuf {
    workspace().join("tests/c-modules").join(name)
}

/// Compiles a module source in `directory` with `apxs-rs -c`; answers the shared object.
///
/// # Errors
/// What apxs-rs printed when it failed.
pub fn compile(source: &Path, directory: &Path) -> Result<PathBuf> {
    compile_with(source, directory, &[])
}

/// The same with more arguments.
///
/// # Errors
/// As `compile`.
pub fn compile_with(source: &Path, directory: &Path, arguments: &[&str]) -> Result<PathBuf> {
    let name = source.file_name().unwrap_or_default();
    let copy = directory.join(name);
    std::fs::copy(source, &copy)?;
    let output = run(Command::new(built("apxs-rs"))
        .arg("-c")
        .args(arguments)
        .arg(name)
        .current_dir(directory))?;
    ensure!(output.status.success(), "{}", printed(&output));
    let object = directory
        .join(".libs")
        .join(Path::new(name).with_extension("so"));
    ensure!(
        object.is_file(),
        "no {}: {}",
        object.display(),
        printed(&output)
    );
    Ok(object)
}
