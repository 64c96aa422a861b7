//! Exchanges that take a program (curl, openssl, nghttp) or several connections: the same script
//! against httpd-rs and against Apache; what it prints is compared.

use std::{fmt::Write, process::Command};

use anyhow::{Result, bail};

use crate::{
    compatibility,
    host::{Host, Kind, fill, printed, run},
};

type Run = Box<dyn Fn(&Host) -> Result<String>>;

/// One exchange, or several that belong together.
pub struct Script {
    name: String,
    run: Run,
}

impl Script {
    /// What a function observes of a server.
    pub fn new(name: impl Into<String>, run: impl Fn(&Host) -> Result<String> + 'static) -> Self {
        Self {
            name: name.into(),
            run: Box::new(run),
        }
    }

    /// What a line of shell prints, with its exit code. `@PORT@`, `@PLACE@` and so on are those of
    /// the server (see `host::fill`); a line that takes longer than 20 seconds is ended.
    pub fn shell(line: impl Into<String>) -> Self {
        let line = line.into();
        Self::new(line.clone(), move |host| shell(host, &line))
    }
}

/// Runs a line of shell for a server; what it printed, and its exit code.
///
/// # Errors
/// When there is no shell.
pub fn shell(host: &Host, line: &str) -> Result<String> {
    let ports: Vec<u16> = (1..=4).map(|number| host.port_number(number)).collect();
    let line = fill(line, host.place().path(), &ports);
    let output = run(Command::new("timeout").args(["20", "sh", "-c", &line]))?;
    let code = output.status.code().unwrap_or(-1);
    Ok(format!("{}\n(exit {code})", printed(&output)))
}

/// Takes out what differs between two runs of the very same server.
pub fn normalized(text: &str, host: &Host) -> String {
    let mut text = text.replace(&host.place().path().display().to_string(), "PLACE");
    for number in 1..=4 {
        text = text.replace(
            &host.port_number(number).to_string(),
            &format!("PORT{number}"),
        );
    }
    let lines = text
        .replace("(Debian)", "(OS)")
        .replace("(httpd-rs)", "(OS)");
    lines
        .lines()
        .filter(|line| {
            let line = line.trim_start_matches("< ").to_ascii_lowercase();
            !(line.starts_with("date:") || line.starts_with("server:"))
        })
        .fold(String::new(), |mut all, line| {
            all.push_str(&with_methods_in_order(line.trim_end()));
            all.push('\n');
            all
        })
}

/// The order of methods in `Allow` depends on the order in which memory was given out.
fn with_methods_in_order(line: &str) -> String {
    match line.split_once(": ") {
        Some((name, methods)) if name.eq_ignore_ascii_case("allow") => {
            let mut methods: Vec<&str> = methods.split(',').collect();
            methods.sort_unstable();
            format!("{name}: {}", methods.join(","))
        }
        _ => line.to_owned(),
    }
}

/// Runs every script on both servers, started with `configuration`, and reports what differs.
/// `modules` are those whose behaviour they show.
///
/// # Errors
/// When a server does not start, or the differences.
pub fn compare(modules: &str, configuration: &str, scripts: &[Script]) -> Result<()> {
    let apache = Host::start(Kind::Apache, configuration)?;
    let ours = Host::start(Kind::under_test(), configuration)?;
    compare_running(modules, &apache, &ours, scripts)
}

/// The same on servers that run already.
///
/// # Errors
/// The differences.
pub fn compare_running(
    modules: &str,
    apache: &Host,
    ours: &Host,
    scripts: &[Script],
) -> Result<()> {
    let mut report = String::new();
    let mut differing = 0;
    let show = std::env::var_os("SHOW_SCRIPTS").is_some();
    for script in scripts {
        let observe = |host: &Host| match (script.run)(host) {
            Ok(text) => normalized(&text, host),
            Err(error) => format!("(failed: {error:#})"),
        };
        let (expected, got) = (observe(apache), observe(ours));
        if show {
            eprintln!("== {}\n{expected}", script.name);
        }
        if expected != got && without_framing(&expected) != without_framing(&got) {
            differing += 1;
            let _ = writeln!(report, "== {}", script.name);
            let (expected, got): (Vec<_>, Vec<_>) =
                (expected.lines().collect(), got.lines().collect());
            for line in expected.iter().filter(|line| !got.contains(line)).take(12) {
                let _ = writeln!(report, "  apache: {line}");
            }
            for line in got.iter().filter(|line| !expected.contains(line)).take(12) {
                let _ = writeln!(report, "  ours:   {line}");
            }
            if expected.iter().all(|line| got.contains(line))
                && got.iter().all(|line| expected.contains(line))
            {
                let _ = writeln!(report, "  the same lines in another order: {got:?}");
            }
        }
    }
    if differing > 0 {
        bail!(
            "{differing} of {} scripts differ\n{report}\nthe end of our log:\n{}",
            scripts.len(),
            last_lines(&ours.messages(), 40)
        );
    }
    compatibility::behaves(modules, scripts.len())
}

/// How the length of a body is told depends on how fast a program writes.
fn without_framing(text: &str) -> String {
    let framing = |line: &str| {
        ["content-length:", "transfer-encoding:"]
            .iter()
            .any(|name| line.to_ascii_lowercase().starts_with(name))
    };
    let lines: Vec<&str> = text.lines().filter(|line| !framing(line)).collect();
    lines.join("\n")
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
