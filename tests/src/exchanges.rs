//! Exchanges that are more than a request and its answer, compared: a script talks to a server and
//! writes down what it saw; httpd-rs and Apache must make it see the same.

use std::fmt::Write;

use anyhow::{Result, bail};

use crate::{
    client::Answer,
    compatibility,
    differential::normalized,
    host::{Host, Kind, Place, until},
};

type Run<'a> = Box<dyn Fn(&Host) -> Result<String> + 'a>;

/// A script: it answers what it saw.
pub struct Script<'a> {
    name: &'a str,
    run: Run<'a>,
}

/// A script and its name.
pub fn script<'a>(name: &'a str, run: impl Fn(&Host) -> Result<String> + 'a) -> Script<'a> {
    Script {
        name,
        run: Box::new(run),
    }
}

/// Runs every script on both servers, started with `configuration`, and reports all differences.
/// `modules` are those whose behaviour they show, for docs/compatibility.md.
///
/// # Errors
/// When a server does not start, or the differences.
pub fn compare(modules: &str, configuration: &str, scripts: &[Script<'_>]) -> Result<()> {
    compare_in(modules, configuration, &|_| Ok(()), scripts)
}

/// The same in places that `prepare` has filled.
///
/// # Errors
/// As `compare`.
pub fn compare_in(
    modules: &str,
    configuration: &str,
    prepare: &dyn Fn(&Place) -> Result<()>,
    scripts: &[Script<'_>],
) -> Result<()> {
    let start = |kind| {
        let place = Place::new()?;
        prepare(&place)?;
        Host::start_in(kind, place, configuration)
    };
    let apache = start(Kind::Apache)?;
    let ours = start(Kind::under_test())?;
    let mut report = String::new();
    let mut differing = 0;
    for Script { name, run } in scripts {
        let see = |host: &Host| match run(host) {
            Ok(seen) => seen
                .replace(&host.port().to_string(), "PORT")
                .replace(&host.place().path().display().to_string(), "PLACE"),
            Err(error) => format!("failed: {error:#}"),
        };
        let (expected, got) = (see(&apache), see(&ours));
        if expected != got {
            differing += 1;
            let _ = writeln!(report, "== {name}");
            report += &difference(&expected, &got);
        } else if expected.starts_with("failed: ") {
            differing += 1;
            let _ = writeln!(report, "== {name}\n--- both\n{expected}");
        }
    }
    if differing > 0 {
        bail!(
            "{differing} of {} scripts differ\n{report}\nour log:\n{}\napache's log:\n{}",
            scripts.len(),
            end_of(&ours.messages()),
            end_of(&apache.messages())
        );
    }
    compatibility::behaves(modules, scripts.len())
}

/// The last lines of a log.
fn end_of(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}

/// What a configuration needs for `logged`.
pub const LOGGED: &str = "CustomLog logs/requests.log \"%r\"\n";

/// Asks one thing and waits until it is logged: then the server has done all that it does after an
/// answer, as counting. Nobody else may ask meanwhile.
///
/// # Errors
/// Those of `ask`, or when the log does not grow in time.
pub fn logged<T>(host: &Host, ask: impl FnOnce() -> Result<T>) -> Result<T> {
    let lines = || host.place().read("logs/requests.log").lines().count();
    let before = lines();
    let answer = ask()?;
    until("the request is logged", || Ok(lines() > before))?;
    Ok(answer)
}

/// The lines between the common beginning and the common end.
fn difference(expected: &str, got: &str) -> String {
    let (expected, got): (Vec<&str>, Vec<&str>) =
        (expected.lines().collect(), got.lines().collect());
    let alike = |(a, b): &(&&str, &&str)| a == b;
    let before = expected.iter().zip(&got).take_while(alike).count();
    let (expected, got) = (&expected[before..], &got[before..]);
    let pairs = expected.iter().rev().zip(got.iter().rev());
    let after = pairs.take_while(alike).count();
    let mut text = String::new();
    for (server, lines) in [("apache", expected), ("ours", got)] {
        let _ = writeln!(text, "--- {server}, from line {}", before + 1);
        for line in lines[..lines.len() - after].iter().take(40) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// An answer as text, without what differs from run to run.
pub fn shown(answer: Answer, host: &Host) -> String {
    let answer = normalized(answer, host);
    let mut text = format!("{}\n", answer.status_line);
    for (name, value) in &answer.fields {
        let _ = writeln!(text, "{name}: {value}");
    }
    text += "\n";
    text + &answer.text()
}
