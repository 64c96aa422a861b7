//! Writes docs/compatibility.md; with `--check`, says whether it is as the tests have shown.

use std::fs;

use anyhow::{Result, ensure};
use httpd_tests::{compatibility::document, host::workspace};

fn main() -> Result<()> {
    let path = workspace().join("docs/compatibility.md");
    let text = document()?;
    if std::env::args().any(|argument| argument == "--check") {
        ensure!(
            fs::read_to_string(&path)? == text,
            "docs/compatibility.md is not what the tests have shown: make compatibility"
        );
    } else {
        fs::write(path, text)?;
    }
    Ok(())
}
