//! Exchanges in which a request depends on an earlier answer (a nonce, a cookie, what a database has
//! by then): a script talks to each server by itself, and the two transcripts are compared.
//!
//! What is random by nature is hidden from the transcripts, by what stands before it (`hidden`) or
//! by its value (`Visitor::hide`).

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    client::Answer,
    compatibility,
    differential::{Case, Outcome, alike, describe, normalized, show},
    host::{Host, Kind},
    moments,
    site::Site,
};

/// Somebody who talks to one server, keeps its cookies, and remembers what was said.
pub struct Visitor<'a> {
    host: &'a Host,
    state: &'a Site,
    hidden: &'a [&'a str],
    secrets: Vec<(String, String)>,
    cookies: BTreeMap<String, String>,
    transcript: Vec<(String, Outcome)>,
}

impl Visitor<'_> {
    /// The server.
    pub fn host(&self) -> &Host {
        self.host
    }

    /// The directory that only this server has (`@STATE@` in the configuration).
    pub fn state(&self) -> &Site {
        self.state
    }

    /// From here on the transcript shows `name` in place of `value`.
    pub fn hide(&mut self, value: &str, name: &str) {
        self.secrets.push((value.to_owned(), name.to_owned()));
    }

    /// GET with the cookies that the server has given.
    pub fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    /// A request with the cookies that the server has given.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = cookies.join("; ");
        let mut fields = fields.to_vec();
        if !cookies.is_empty() {
            fields.push(("Cookie", &cookies));
        }
        let mut case = Case::with(method, path, &fields, body);
        case.name = self.concealed(&case.name);
        self.exchange(&case)
    }

    /// A form, sent with POST.
    pub fn submit(&mut self, path: &str, form: &str) -> Answer {
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        self.send("POST", path, &[kind], form)
    }

    /// An exchange as it is, but for the cookies it leaves. That there is no answer is remembered
    /// too, and answered with an empty one.
    pub fn exchange(&mut self, case: &Case) -> Answer {
        self.exchange_edited(case, |_| {})
    }

    /// The same, with `edit` taking out of what is compared what the order of a directory or the
    /// like decides.
    pub fn exchange_edited(&mut self, case: &Case, edit: impl Fn(&mut Answer)) -> Answer {
        let answer = match case.exchange(self.host) {
            Ok(answer) => answer,
            Err(error) => {
                let outcome = Outcome::Failure(error.kind().to_string());
                self.remember(&case.name, outcome);
                return Answer::default();
            }
        };
        for (name, value) in &answer.fields {
            if name.eq_ignore_ascii_case("Set-Cookie") {
                self.keep(value);
            }
        }
        let mut shown = normalized(answer.clone(), self.host);
        edit(&mut shown);
        for (name, value) in &mut shown.fields {
            *value = self.concealed(value);
            if name.eq_ignore_ascii_case("Age") {
                *value = moments::age(value);
            }
        }
        let text = String::from_utf8_lossy(&shown.body).into_owned();
        let concealed = self.concealed(&text);
        if concealed != text {
            shown.body = concealed.into_bytes();
            shown
                .fields
                .retain(|(name, _)| !name.eq_ignore_ascii_case("Content-Length"));
        }
        self.remember(&case.name, Outcome::Answer(shown));
        answer
    }

    fn remember(&mut self, name: &str, outcome: Outcome) {
        let name = format!("{}. {name}", self.transcript.len() + 1);
        self.transcript.push((name, outcome));
    }

    /// Something else to compare: what a file holds by now, what an answer amounts to.
    pub fn note(&mut self, what: &str, text: &str) {
        let shown = Answer {
            body: self.concealed(text).into_bytes(),
            ..Answer::default()
        };
        self.remember(what, Outcome::Answer(shown));
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Another value for a cookie; empty forgets it.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    fn keep(&mut self, set_cookie: &str) {
        let pair = set_cookie.split(';').next().unwrap_or_default();
        if let Some((name, value)) = pair.split_once('=') {
            self.set_cookie(name.trim(), value.trim());
        }
    }

    fn concealed(&self, text: &str) -> String {
        let state = self.state.path().display().to_string();
        let mut text = text.replace(&state, "STATE");
        for (value, name) in &self.secrets {
            text = text.replace(value, name);
        }
        for before in self.hidden {
            text = blanked(&text, before);
        }
        // A file written a moment ago may have been written in the second of the answer (see
        // `differential::normalized`) or in the one before.
        match moments::relative(&text) {
            moment if moment == "NOW" => "<now+0min>".to_owned(),
            text => text,
        }
    }
}

/// `text` with what follows each `before` left out, up to the end of a word, value or parameter.
fn blanked(text: &str, before: &str) -> String {
    let mut parts = text.split(before);
    let mut blanked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|end: char| "\";&,<".contains(end) || end.is_whitespace());
        blanked += before;
        blanked += "...";
        blanked += &part[end.unwrap_or(part.len())..];
    }
    blanked
}

/// Lets `script` talk to both servers, started with `configuration`, and reports what differs.
///
/// Each server has a directory of its own, `@STATE@` in the configuration, which everybody may write
/// and `prepare` fills. `hidden` are the texts whose continuation is random by nature. `modules` are
/// those whose behaviour this shows, for docs/compatibility.md.
///
/// # Errors
/// When a server does not start, the script fails, or the differences.
pub fn converse(
    modules: &str,
    configuration: &str,
    hidden: &[&str],
    prepare: impl Fn(&Site) -> Result<()>,
    script: impl Fn(&mut Visitor<'_>) -> Result<()>,
) -> Result<()> {
    let talk = |kind| {
        let state = Site::new()?;
        fs::set_permissions(state.path(), fs::Permissions::from_mode(0o777))?;
        prepare(&state)?;
        let configuration = configuration.replace("@STATE@", &state.path().display().to_string());
        let host = Host::start(kind, &configuration)?;
        let mut visitor = Visitor {
            host: &host,
            state: &state,
            hidden,
            secrets: Vec::new(),
            cookies: BTreeMap::new(),
            transcript: Vec::new(),
        };
        if let Err(error) = script(&mut visitor) {
            bail!("{kind:?}: {error:#}\n{}", host.messages());
        }
        let transcript = visitor.transcript;
        Ok((transcript, host.messages()))
    };
    let (expected, _) = talk(Kind::Apache)?;
    let (got, messages) = talk(Kind::under_test())?;
    for (name, outcome) in &expected {
        show(name, outcome);
    }
    let mut report = String::new();
    for ((name, expected), (_, got)) in expected.iter().zip(&got) {
        if !alike(expected, got) {
            let _ = writeln!(report, "== {name}");
            describe(&mut report, expected, got);
        }
    }
    ensure!(
        expected.len() == got.len(),
        "{} exchanges with Apache, {} with ours\n{report}",
        expected.len(),
        got.len()
    );
    ensure!(
        report.is_empty(),
        "the conversations differ\n{report}\nour log:\n{messages}"
    );
    compatibility::behaves(modules, expected.len())
}

/// The field that names `user` with `password`.
pub fn basic(user: &str, password: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("Basic ");
    for three in format!("{user}:{password}").as_bytes().chunks(3) {
        let bits = (0..3).fold(0, |bits, at| {
            bits << 8 | usize::from(three.get(at).copied().unwrap_or(0))
        });
        for digit in 0..4 {
            if digit > three.len() {
                text.push('=');
            } else {
                text.push(char::from(DIGITS[bits >> (18 - 6 * digit) & 63]));
            }
        }
    }
    text
}

/// What a program says to `input`.
///
/// # Errors
/// When it is missing, or fails.
pub fn filtered(program: &str, arguments: &[&str], input: &str) -> Result<String> {
    let mut process = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let mut stdin = process.stdin.take().context("it is a pipe")?;
    stdin.write_all(input.as_bytes())?;
    drop(stdin);
    let output = process.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_parts_are_left_out() {
        assert_eq!(
            blanked("Digest nonce=\"abc=\", nextnonce=\"x\"", "nonce=\""),
            "Digest nonce=\"...\", nextnonce=\"...\""
        );
        assert_eq!(
            blanked("a&expiry=12&b expiry=3", "expiry="),
            "a&expiry=...&b expiry=..."
        );
    }

    #[test]
    fn basic_authorization_is_base64() {
        assert_eq!(basic("alice", "secret"), "Basic YWxpY2U6c2VjcmV0");
        assert_eq!(basic("bob", "hidden"), "Basic Ym9iOmhpZGRlbg==");
    }
}
