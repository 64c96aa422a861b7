//! The same requests under the same configuration to httpd-rs and to Apache: what differs?

use std::{fmt::Write, io};

use anyhow::{Result, bail};

use crate::{
    client::{Answer, Client},
    compatibility,
    host::{Host, Kind, Place},
    logs,
    site::Site,
};

/// One exchange.
pub struct Case {
    /// What the report calls it.
    pub name: String,
    /// The bytes to send; `@PORT@` becomes the server's port.
    pub request: Vec<u8>,
    /// Whether the client closes its sending side behind it.
    pub finishes: bool,
}

impl Case {
    /// A request as it is.
    pub fn raw(name: impl Into<String>, request: impl AsRef<[u8]>) -> Self {
        Self {
            name: name.into(),
            request: request.as_ref().to_vec(),
            finishes: false,
        }
    }

    /// The same, with the client's sending side closed behind the request.
    pub fn then_finish(self) -> Self {
        Self {
            finishes: true,
            ..self
        }
    }

    /// GET of a path.
    pub fn get(path: &str) -> Self {
        Self::get_with(path, &[])
    }

    /// GET of each of the paths.
    pub fn gets(paths: &[&str]) -> Vec<Self> {
        paths.iter().map(|path| Self::get(path)).collect()
    }

    /// GET of a path with fields.
    pub fn get_with(path: &str, fields: &[(&str, &str)]) -> Self {
        Self::with("GET", path, fields, "")
    }

    /// A request with a method, fields and a body.
    pub fn with(method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Self {
        let mut request = format!("{method} {path} HTTP/1.1\r\n");
        if !fields
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("Host"))
        {
            request += "Host: test.example\r\n";
        }
        request += "Connection: close\r\n";
        for (name, value) in fields {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        if !body.is_empty() {
            let _ = write!(request, "Content-Length: {}\r\n", body.len());
        }
        request += "\r\n";
        request += body;
        let shown = fields
            .iter()
            .map(|(name, value)| format!(" [{name}: {value}]"))
            .collect::<String>();
        Self::raw(format!("{method} {path}{shown}"), request)
    }

    fn run(&self, host: &Host) -> Outcome {
        match self.exchange(host) {
            Ok(answer) => Outcome::Answer(normalized(answer, host)),
            Err(error) => Outcome::Failure(error.kind().to_string()),
        }
    }

    /// Sends it on a connection of its own and receives the answer as it is.
    pub(crate) fn exchange(&self, host: &Host) -> io::Result<Answer> {
        let text = String::from_utf8_lossy(&self.request);
        let request = if text.contains("@PORT@") {
            text.replace("@PORT@", &host.port().to_string())
                .into_bytes()
        } else {
            self.request.clone()
        };
        let mut client = Client::connect(host.port())?;
        client.send(&request)?;
        if self.finishes {
            client.finish()?;
        }
        client.receive(request.starts_with(b"HEAD "))
    }
}

/// How an exchange went.
#[derive(PartialEq, Eq)]
pub(crate) enum Outcome {
    Answer(Answer),
    Failure(String),
}

/// Takes out what differs between two runs of the very same server: times, ports and directories.
pub(crate) fn normalized(mut answer: Answer, host: &Host) -> Answer {
    let port = host.port().to_string();
    let place = host.place().path().display().to_string();
    let replace = |text: &str| text.replace(&port, "PORT").replace(&place, "PLACE");
    let now = answer.field("Date").unwrap_or_default().to_owned();
    for (name, value) in &mut answer.fields {
        if name.eq_ignore_ascii_case("Last-Modified") && *value == now {
            *value = "NOW".to_owned();
        }
    }
    answer.fields.retain(|(name, _)| {
        !["Date", "Server", "Proxy-agent"]
            .iter()
            .any(|ignored| name.eq_ignore_ascii_case(ignored))
    });
    let boundary = answer
        .field("Content-Type")
        .and_then(|value| Some(value.split_once("boundary=")?.1.to_owned()));
    for (name, value) in &mut answer.fields {
        // Apache 2.4.71 loses the closing quote of a negotiated variant's ETag
        // (docs/compatibility.md).
        if name.eq_ignore_ascii_case("ETag") && value.matches('"').count() == 1 {
            value.push('"');
        }
        // The order of methods depends on the order in which memory was given out.
        if name.eq_ignore_ascii_case("Allow") {
            let mut methods: Vec<&str> = value.split(',').collect();
            methods.sort_unstable();
            *value = methods.join(",");
        }
    }
    let replace = |text: &str| match &boundary {
        Some(boundary) => replace(text).replace(boundary, "BOUNDARY"),
        None => replace(text),
    };
    for (_, value) in &mut answer.fields {
        *value = replace(value);
    }
    // Bodies of another length because of their names' lengths keep their meaning.
    if let Ok(text) = std::str::from_utf8(&answer.body) {
        let replaced = replace(text);
        if replaced != text {
            answer
                .fields
                .retain(|(name, _)| !name.eq_ignore_ascii_case("Content-Length"));
            answer.body = replaced.into_bytes();
        }
    }
    answer
}

/// `LoadModule` lines for Debian's binaries.
pub fn load(modules: &str) -> String {
    modules
        .split_whitespace()
        .map(|name| format!("LoadModule {name}_module @MODULES@/mod_{name}.so\n"))
        .collect()
}

/// A server on `@PORT@` with a site (`@SITE@`) that everybody may read, the modules named, and more
/// lines.
pub fn serve(site: &Site, modules: &str, more: &str) -> String {
    format!(
        "{}Listen 127.0.0.1:@PORT@\nDocumentRoot \"{root}\"\n\
         <Directory \"{root}\">\nRequire all granted\n</Directory>\n{more}\n",
        load(modules),
        root = site.path().display(),
    )
    .replace("@SITE@", &site.path().display().to_string())
}

/// Runs every case on both servers, started with `configuration`, and reports all differences.
/// `modules` are those whose behaviour the cases show, for docs/compatibility.md. With `SHOW_ANSWERS`
/// set, Apache's answers are printed: does a case show what it should?
///
/// # Errors
/// When a server does not start, or the differences.
pub fn compare(modules: &str, configuration: &str, cases: &[Case]) -> Result<()> {
    compare_all(modules, configuration, cases, &[], &[])
}

/// A file that both servers write and whose text is compared.
pub struct Log {
    /// Its name below the server's directory.
    pub file: &'static str,
    /// What is compared of a line in which addresses, times and the like were made equal (see
    /// `logs::steady`); `None` leaves the line out.
    pub line: fn(&str) -> Option<String>,
}

/// As `compare`; then compares logs too.
///
/// # Errors
/// As `compare`.
pub fn compare_with_logs(
    modules: &str,
    configuration: &str,
    cases: &[Case],
    logs: &[Log],
) -> Result<()> {
    compare_all(modules, configuration, cases, logs, &[])
}

/// As `compare`, with both servers started by another program (see `Host::start_under`).
///
/// # Errors
/// As `compare`.
pub fn compare_under(
    modules: &str,
    configuration: &str,
    cases: &[Case],
    wrapper: &[&str],
) -> Result<()> {
    compare_all(modules, configuration, cases, &[], wrapper)
}

fn compare_all(
    modules: &str,
    configuration: &str,
    cases: &[Case],
    logs: &[Log],
    wrapper: &[&str],
) -> Result<()> {
    let start = |kind| Host::start_under(kind, Place::new()?, configuration, wrapper);
    let apache = start(Kind::Apache)?;
    let ours = start(Kind::under_test())?;
    let mut report = String::new();
    let mut differing = 0;
    for case in cases {
        let (expected, got) = (case.run(&apache), case.run(&ours));
        show(&case.name, &expected);
        if !alike(&expected, &got) {
            differing += 1;
            let _ = writeln!(report, "== {}", case.name);
            describe(&mut report, &expected, &got);
        }
    }
    for log in logs {
        if let Err(difference) = logs::compare(log, &apache, &ours) {
            differing += 1;
            let _ = writeln!(report, "== {}\n{difference}", log.file);
        }
    }
    if differing > 0 {
        bail!(
            "{differing} of {} cases differ\n{report}\nour log:\n{}",
            cases.len() + logs.len(),
            ours.messages()
        );
    }
    compatibility::behaves(modules, cases.len() + logs.len())
}

/// Equal, but for how the length of the body is told: whether it is known in time depends on how fast
/// a program writes.
pub(crate) fn alike(one: &Outcome, other: &Outcome) -> bool {
    let framing = |outcome: &Outcome| match outcome {
        Outcome::Answer(answer) => (
            answer.field("Content-Length").is_some(),
            answer.field("Transfer-Encoding").is_some(),
        ),
        Outcome::Failure(_) => (false, false),
    };
    match (one, other) {
        (Outcome::Answer(a), Outcome::Answer(b)) if framing(one) != framing(other) => {
            let unsized_ = |answer: &Answer| {
                let mut answer = answer.clone();
                answer.fields.retain(|(name, _)| {
                    !["Transfer-Encoding", "Content-Length"]
                        .iter()
                        .any(|framing| name.eq_ignore_ascii_case(framing))
                });
                answer
            };
            unsized_(a) == unsized_(b)
        }
        _ => one == other,
    }
}

/// With `SHOW_ANSWERS` set, prints what Apache says: for whoever writes cases, and wants to know that
/// they reach what they mean to.
pub(crate) fn show(name: &str, outcome: &Outcome) {
    if std::env::var_os("SHOW_ANSWERS").is_none() {
        return;
    }
    match outcome {
        Outcome::Failure(why) => println!("== {name}: {why}"),
        Outcome::Answer(answer) => {
            println!("== {name}: {}", answer.status_line);
            for (name, value) in &answer.fields {
                println!("   {name}: {value}");
            }
        }
    }
}

pub(crate) fn describe(report: &mut String, expected: &Outcome, got: &Outcome) {
    let lines = |outcome: &Outcome| match outcome {
        Outcome::Failure(why) => vec![format!("(no answer: {why})")],
        Outcome::Answer(answer) => {
            let mut lines = vec![answer.status_line.clone()];
            lines.extend(answer.fields.iter().map(|(n, v)| format!("{n}: {v}")));
            lines.push(String::new());
            lines.extend(
                answer
                    .text()
                    .lines()
                    .map(|line| line.chars().take(300).collect()),
            );
            lines
        }
    };
    let (expected, got) = (lines(expected), lines(got));
    for line in expected.iter().filter(|line| !got.contains(line)).take(12) {
        let _ = writeln!(report, "  apache: {line}");
    }
    for line in got.iter().filter(|line| !expected.contains(line)).take(12) {
        let _ = writeln!(report, "  ours:   {line}");
    }
    if expected.iter().all(|line| got.contains(line)) && got.iter().all(|l| expected.contains(l)) {
        let _ = writeln!(report, "  the same lines in another order: {got:?}");
    }
}
