//! Logs of two servers, side by side: what differs between two runs of the very same server is made
//! equal, then the lines are compared.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::{
    differential::Log,
    host::{Host, until_within},
};

/// A line that comes later is a defect too.
const PATIENCE: Duration = Duration::from_secs(5);

/// Waits until the logs are alike: a server writes its lines after the answers.
///
/// # Errors
/// When they stay different: the lines that only one of them has.
pub fn compare(log: &Log, expected: &Host, got: &Host) -> Result<()> {
    let lines = |host: &Host| -> Vec<String> {
        let text = steady(&host.place().read(log.file), host);
        // Lines of connections that different threads serve come in either order.
        let mut lines: Vec<String> = text.lines().filter_map(log.line).collect();
        lines.sort_unstable();
        lines
    };
    let alike = until_within(PATIENCE, "the logs are alike", || {
        let (expected, got) = (lines(expected), lines(got));
        Ok(!expected.is_empty() && expected == got)
    });
    if std::env::var_os("SHOW_ANSWERS").is_some() {
        println!("== {}\n{}", log.file, lines(expected).join("\n"));
    }
    if alike.is_ok() {
        return Ok(());
    }
    let (expected, got) = (lines(expected), lines(got));
    let mut report = String::new();
    for line in expected.iter().filter(|line| !got.contains(line)).take(20) {
        report += &format!("  apache: {line}\n");
    }
    for line in got.iter().filter(|line| !expected.contains(line)).take(20) {
        report += &format!("  ours:   {line}\n");
    }
    if report.is_empty() {
        report = format!("  another number of the same lines:\n{expected:#?}\n{got:#?}");
    }
    bail!("{report}")
}

/// The text without ports, directories, times and processes. What names a process or a client stands
/// in brackets of its own in the error log (`[pid 1:tid 2]`); these and the time are left out.
pub fn steady(text: &str, host: &Host) -> String {
    let text = text.replace(&host.place().path().display().to_string(), "PLACE");
    let text = text.replace(&format!(":{}", host.port()), ":PORT");
    let mut steady = String::new();
    for line in text.lines() {
        let mut rest = line;
        if let Some((time, behind)) = line.split_once("] ")
            && time.starts_with('[')
            && time.matches(':').count() == 2
        {
            rest = behind;
        }
        while let Some((before, behind)) = rest
            .split_once("[pid ")
            .or_else(|| rest.split_once("[client "))
        {
            steady += before;
            rest = behind.split_once("] ").map_or("", |(_, rest)| rest);
        }
        steady += rest;
        steady.push('\n');
    }
    steady
}
