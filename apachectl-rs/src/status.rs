//! `status`: whether the server runs, since when, and what it says of itself in the file beside its
//! pid file. No request is made, and no secret needed.

use std::{
    collections::HashMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use anyhow::Result;

use crate::{
    pid_file::{self, State},
    program::Program,
};

/// A file that is older has not been written by a control process that is well.
const FRESH: Duration = Duration::from_secs(30);

/// Shows it; the exit code is the one of LSB's init scripts.
///
/// # Errors
/// When the pid file is not known.
pub fn show(program: &Program, json: bool) -> Result<ExitCode> {
    let file = program.pid_file()?;
    let (state, pid, code, why) = match pid_file::settled_state(&file) {
        State::Running(pid) => ("running", Some(pid), 0, String::new()),
        State::Stale(pid) => ("dead", pid, 1, String::new()),
        State::Absent => ("stopped", None, 3, String::new()),
        State::Starting => ("starting", None, 4, String::new()),
        State::Unknown(why) => ("unknown", None, 4, why),
    };
    let report = match pid {
        Some(pid) if code == 0 => Report::read(&file, pid),
        _ => Err(String::new()),
    };
    let uptime = pid.filter(|_| code == 0).and_then(uptime);
    print!(
        "{}",
        if json {
            as_json(state, code, pid, uptime, &file, &why, &report)
        } else {
            as_text(state, pid, uptime, &file, &why, &report)
        }
    );
    Ok(ExitCode::from(code))
}

/// What the server says of itself.
#[derive(Debug)]
pub struct Report {
    values: HashMap<String, String>,
    age: Duration,
}

impl Report {
    /// The one beside the pid file of the server that has this number.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub fn read(pid_file: &Path, pid: i32) -> Result<Self, String> {
        let mut path = pid_file.as_os_str().to_owned();
        path.push(".status");
        let path = PathBuf::from(path);
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        // Written in place: a half of it is read anew.
        for _ in 0..5 {
            let age = fs::metadata(&path)
                .and_then(|about| about.modified())
                .map_err(failed)?;
            let text = fs::read_to_string(&path).map_err(failed)?;
            if let Some(values) = parse(&text) {
                if values.get("pid") != Some(&pid.to_string()) {
                    return Err(format!("{} is of another server", path.display()));
                }
                let age = SystemTime::now().duration_since(age).unwrap_or_default();
                return Ok(Self { values, age });
            }
            super::pause();
        }
        Err(format!("{} is not complete", path.display()))
    }

    /// A line of it.
    pub fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("?", String::as_str)
    }
}

/// The lines of a complete file.
fn parse(text: &str) -> Option<HashMap<String, String>> {
    let lines = text.strip_suffix("end\n")?.lines();
    lines
        .map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect()
}

/// How long a process runs.
fn uptime(pid: i32) -> Option<Duration> {
    let about = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may have blanks in it; the start is the 22nd field.
    let begun: u64 = about
        .rsplit(") ")
        .next()?
        .split(' ')
        .nth(19)?
        .parse()
        .ok()?;
    // SAFETY: only a number is asked for.
    let ticks = u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).ok()?;
    let now = fs::read_to_string("/proc/uptime").ok()?;
    let now: f64 = now.split(' ').next()?.parse().ok()?;
    let begun = begun as f64 / ticks as f64;
    Duration::try_from_secs_f64(now - begun).ok()
}

/// `2 d 3 h 4 min 5 s`.
fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    let mut text = String::new();
    for (length, unit) in [(86400, "d"), (3600, "h"), (60, "min")] {
        if seconds >= length {
            let count = match unit {
                "d" => seconds / length,
                "h" => seconds / length % 24,
                _ => seconds / length % 60,
            };
            // Writing into a string does not fail.
            let _ = write!(text, "{count} {unit} ");
        }
    }
    format!("{text}{} s", seconds % 60)
}

fn as_text(
    state: &str,
    pid: Option<i32>,
    uptime: Option<Duration>,
    file: &Path,
    why: &str,
    report: &Result<Report, String>,
) -> String {
    let file = file.display();
    let pid = pid.map_or("no process's number".to_owned(), |pid| pid.to_string());
    match state {
        "running" => {}
        "dead" => {
            return format!("httpd-rs is not running, but {file} is there (it holds {pid})\n");
        }
        "stopped" => return format!("httpd-rs is not running (there is no {file})\n"),
        "starting" => return "httpd-rs is being started, and does not run yet\n".to_owned(),
        _ => return format!("httpd-rs: cannot tell whether it runs: {why}\n"),
    }
    let mut text = format!("httpd-rs is running (pid {pid})\n");
    let mut line = |name: &str, value: &str| text += &format!("  {name:<12} {value}\n");
    if let Some(uptime) = uptime {
        line("uptime", &shown(uptime));
    }
    let report = match report {
        Ok(report) => report,
        Err(why) => {
            line("workers", &format!("cannot be told ({why})"));
            return text;
        }
    };
    if report.value("state") != "running" {
        line("state", report.value("state"));
    }
    line("MPM", report.value("mpm"));
    line("generation", report.value("generation"));
    line("children", report.value("children"));
    let (busy, idle) = (report.value("busy"), report.value("idle"));
    line("workers", &format!("{busy} busy, {idle} idle"));
    line("connections", report.value("connections"));
    // Counted with ExtendedStatus only.
    if report.values.contains_key("requests") {
        line("requests", report.value("requests"));
    }
    line("listens on", report.value("listen"));
    if report.age > FRESH {
        let age = shown(report.age);
        line(
            "warning",
            &format!("the control process has not reported for {age}"),
        );
    }
    text
}

fn as_json(
    state: &str,
    code: u8,
    pid: Option<i32>,
    uptime: Option<Duration>,
    file: &Path,
    why: &str,
    report: &Result<Report, String>,
) -> String {
    let mut fields = vec![
        format!("\"status\":{}", quoted(state)),
        format!("\"code\":{code}"),
        format!("\"pid_file\":{}", quoted(&file.to_string_lossy())),
    ];
    if let Some(pid) = pid {
        fields.push(format!("\"pid\":{pid}"));
    }
    if let Some(uptime) = uptime {
        fields.push(format!("\"uptime_seconds\":{}", uptime.as_secs()));
    }
    let why = match report {
        Ok(report) => {
            let mut values: Vec<_> = report
                .values
                .iter()
                .filter(|(name, _)| *name != "pid")
                .collect();
            values.sort();
            for (name, value) in values {
                let value = match value.parse::<u64>() {
                    Ok(number) => number.to_string(),
                    Err(_) => quoted(value),
                };
                fields.push(format!("{}:{value}", quoted(name)));
            }
            fields.push(format!("\"report_age_seconds\":{}", report.age.as_secs()));
            why
        }
        Err(error) if why.is_empty() => error,
        Err(_) => why,
    };
    if !why.is_empty() {
        fields.push(format!("\"problem\":{}", quoted(why)));
    }
    format!("{{{}}}\n", fields.join(","))
}

/// A string of JSON.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // Writing into a string does not fail.
            control if control < ' ' => _ = write!(quoted, "\\u{:04x}", u32::from(control)),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_for_people() {
        let shown = |seconds| shown(Duration::from_secs(seconds));
        assert_eq!(shown(5), "5 s");
        assert_eq!(shown(65), "1 min 5 s");
        assert_eq!(shown(90_061), "1 d 1 h 1 min 1 s");
    }

    #[test]
    fn half_a_report_is_none() {
        assert!(parse("pid: 7\nbusy: 1\nend\n").is_some());
        assert!(parse("pid: 7\nbu").is_none());
        assert_eq!(quoted("a\"b\\\n"), "\"a\\\"b\\\\\\u000a\"");
    }
}
