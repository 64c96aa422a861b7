//! Configurations that a server does not take: both say where and why in the same words.

use std::{fs, process::Command};

use anyhow::{Result, ensure};

use crate::{
    compatibility,
    host::{Kind, PREAMBLE, Place, fill, printed, run},
};

/// Checks each of `configurations` (see `host::fill`) with both servers and reports where the first
/// two lines they print differ. `modules` are those whose directives these are.
///
/// # Errors
/// When a program cannot be started, or the differences.
pub fn refuse_alike(modules: &str, load: &str, configurations: &[&str]) -> Result<()> {
    let mut report = String::new();
    for configuration in configurations {
        let (expected, got) = (
            verdict(Kind::Apache, load, configuration)?,
            verdict(Kind::under_test(), load, configuration)?,
        );
        if expected != got {
            report += &format!("== {configuration}\n  apache: {expected}\n  ours:   {got}\n");
        }
    }
    ensure!(
        report.is_empty(),
        "the servers refuse differently\n{report}"
    );
    compatibility::behaves(modules, configurations.len())
}

fn verdict(kind: Kind, load: &str, configuration: &str) -> Result<String> {
    let place = Place::new()?;
    let mpm = match kind {
        Kind::Apache => "LoadModule mpm_event_module @MODULES@/mod_mpm_event.so\n",
        // As many lines, so that both name the same one.
        Kind::Ours => "\n",
    };
    let text = fill(
        &format!("{mpm}{PREAMBLE}{load}Listen 127.0.0.1:@PORT@\n{configuration}\n"),
        place.path(),
        &[1],
    );
    let file = place.path().join("conf/httpd.conf");
    fs::write(&file, text)?;
    let mut command = Command::new(kind.program());
    command
        .arg("-d")
        .arg(place.path())
        .arg("-f")
        .arg(&file)
        .arg("-t");
    let output = run(&mut command)?;
    let place = place.path().display().to_string();
    let text = printed(&output).replace(&place, "PLACE");
    let lines = text.lines().filter(|line| !line.contains("ServerLimit"));
    // Messages may carry the time and the process.
    let lines = lines.map(|line| match line.rsplit_once("] ") {
        Some((_, message)) if line.starts_with('[') => message,
        _ => line,
    });
    let lines: Vec<&str> = lines.take(2).collect();
    if std::env::var_os("SHOW_ANSWERS").is_some() {
        println!("== {configuration}\n   {}", lines.join("\n   "));
    }
    Ok(format!(
        "{} ({})",
        lines.join(" | "),
        output.status.code().unwrap_or(-1)
    ))
}
