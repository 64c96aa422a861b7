//! Configurations that a server does not take: both say where and why in the same words.

use std::{fs, process::Command};

use anyhow::{Result, ensure};

use crate::{
    compatibility,
    host::{Kind, Place, fill, printed, run},
    mpm::Mpm,
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
    let mpm = Mpm::under_test();
    let preamble = mpm.preamble();
    // As many lines, so that both name the same one.
    let mpm = match mpm.load(kind) {
        none if none.is_empty() => "\n".to_owned(),
        line => line,
    };
    let text = fill(
        &format!("{mpm}{preamble}{load}Listen 127.0.0.1:@PORT@\n{configuration}\n"),
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
