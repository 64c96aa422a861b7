//! A server with a module that crashes when it is asked to.

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{self, Client},
    host::{Host, Kind, Place, until},
    modules::{compile_with, source},
    site::Site,
};

/// The server, and the site that it serves.
pub struct World {
    pub host: Host,
    _site: Site,
}

/// A report of the log.
pub struct Report {
    /// The child that ended.
    pub pid: i32,
    /// The line that says what happened.
    pub headline: String,
    /// All lines, without what stands before their text.
    pub lines: Vec<String>,
}

impl Report {
    /// Whether a caller is told by its object and offset.
    pub fn names_object(&self, object: &str) -> bool {
        let start = format!("{object}+0x");
        self.lines.iter().any(|line| {
            line.strip_prefix("crash: #").is_some_and(|line| {
                line.split_once(' ')
                    .is_some_and(|(_, line)| line.starts_with(&start))
            })
        })
    }

    /// Fails unless the headline has all of these.
    pub fn says(&self, parts: &[&str]) -> Result<()> {
        for part in parts {
            ensure!(
                self.headline.contains(part),
                "no \"{part}\" in: {}\n{}",
                self.headline,
                self.lines.join("\n")
            );
        }
        Ok(())
    }
}

/// The module below `/crash/`'s like, with `@MODULE@` in `more` for its file: the handler `crash` serves
/// all paths but those of the site's page.
pub fn configuration(site: &Site, more: &str) -> String {
    httpd_tests::differential::serve(
        site,
        "",
        &format!(
            "LoadModule crash_module @PLACE@/.libs/mod_crash.so\n{more}\n\
             <IfModule !prefork.c>\nMinSpareThreads 1\n</IfModule>\n\
             <Location \"/\">\nSetHandler crash\n</Location>\n\
             <Location \"/page.html\">\nSetHandler none\n</Location>\n\
             <Location \"/script.txt\">\nSetHandler crash-too\n</Location>\n"
        ),
    )
}

impl World {
    /// With more lines of configuration.
    pub fn start(more: &str) -> Result<Self> {
        Self::start_with(more, &[])
    }

    /// The same with arguments for the compilation of the module.
    pub fn start_with(more: &str, arguments: &[&str]) -> Result<Self> {
        let site = Site::new()?;
        site.file("page.html", "a page\n")?;
        site.file("script.txt", "the source of a script\n")?;
        let place = Place::new()?;
        compile_with(&source("mod_crash.c"), place.path(), arguments)?;
        let host = Host::start_in(Kind::Ours, place, &configuration(&site, more))?;
        Ok(Self { host, _site: site })
    }

    /// The text of the error log.
    pub fn log(&self) -> String {
        self.host.place().read("logs/error.log")
    }

    /// Asks for a path and expects the connection to end without an answer; what the log says.
    pub fn crash(&self, path: &str) -> Result<Report> {
        self.crash_by(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .with_context(|| path.to_owned())
    }

    /// The same with a whole request.
    pub fn crash_by(&self, request: &str) -> Result<Report> {
        let before = self.reports()?.len();
        let mut client = Client::connect(self.host.port())?;
        client.send(request)?;
        let rest = client.receive_rest().unwrap_or_default();
        ensure!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
        self.report(before)
    }

    /// The report that follows so many others.
    pub fn report(&self, before: usize) -> Result<Report> {
        let mut reports = Vec::new();
        let waited = until("there is a report", || {
            reports = self.reports()?;
            Ok(reports.len() > before)
        });
        waited.with_context(|| self.host.messages())?;
        Ok(reports.swap_remove(before))
    }

    /// All reports of children whose end the control process has seen.
    pub fn reports(&self) -> Result<Vec<Report>> {
        let log = self.log();
        let mut reports = Vec::new();
        for end in log.lines().filter(|line| line.contains("AH00052: ")) {
            let mut words = end.split("child pid ").nth(1).unwrap_or("").split(' ');
            let pid: i32 = words.next().unwrap_or("").parse()?;
            let mark = format!("[pid {pid}:tid ");
            let lines: Vec<String> = log
                .lines()
                .filter(|line| line.contains(&mark))
                .filter_map(|line| line.find("] crash: ").map(|at| line[at + 2..].to_owned()))
                .collect();
            reports.push(Report {
                pid,
                headline: lines.first().cloned().unwrap_or_default(),
                lines,
            });
        }
        Ok(reports)
    }

    /// Waits until a path is answered, with this status.
    pub fn answers(&self, path: &str, status: u16) -> Result<String> {
        let mut answer = None;
        let waited = until("the server answers", || {
            answer = client::get(self.host.port(), path).ok();
            Ok(answer.as_ref().is_some_and(|a| a.status() == status))
        });
        waited.with_context(|| format!("{path}: {answer:?}\n{}", self.host.messages()))?;
        Ok(answer.context("it was answered")?.text())
    }
}
