//! `-g -n NAME`: a directory with a module that builds and answers, a Makefile and a README.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

/// What is written, as (file name, text); `@NAME@` and `@APXS@` are filled in.
const FILES: [(&str, &str); 3] = [
    ("mod_@NAME@.c", include_str!("scaffold/module.c.in")),
    ("Makefile", include_str!("scaffold/Makefile.in")),
    ("README.md", include_str!("scaffold/README.md.in")),
];

/// Writes the directory `name` in the current one.
///
/// # Errors
/// A name that C would not take, or a directory that exists.
pub fn generate(name: &str) -> Result<()> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(letters) || name.as_bytes()[0].is_ascii_digit() {
        bail!("{name:?} cannot be part of a C name: letters, digits and _ can");
    }
    let directory = Path::new(name);
    if directory.exists() {
        bail!("Directory `{name}' already exists. Remove first");
    }
    let program = std::env::current_exe().context("this program's own path")?;
    eprintln!("Creating [DIR]  {name}");
    fs::create_dir(directory).with_context(|| name.to_owned())?;
    for (file, text) in FILES {
        let fill = |text: &str| {
            let text = text.replace("@NAME@", name);
            text.replace("@APXS@", &program.display().to_string())
        };
        let path = directory.join(fill(file));
        eprintln!("Creating [FILE] {}", path.display());
        fs::write(&path, fill(text)).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
