//! `fullstatus`: the page of mod_status, as text, when the configuration has one.

#![forbid(unsafe_code)]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    pid_file::{self, State},
    program::Program,
    status::Report,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// Shows it.
///
/// # Errors
/// When there is none, and why.
pub fn show(program: &Program) -> Result<ExitCode> {
    let file = program.pid_file()?;
    let State::Running(pid) = pid_file::settled_state(&file) else {
        println!("httpd-rs is not running");
        return Ok(ExitCode::from(3));
    };
    let modules = program.says(&["-M"])?;
    let modules = String::from_utf8_lossy(&modules.stdout);
    // A configuration that is broken now says nothing of the one in force.
    ensure!(
        modules.is_empty() || modules.contains("status_module"),
        "the configuration does not load mod_status (status_module); `apachectl-rs status` does not \
         need it"
    );
    let url = match std::env::var("STATUSURL") {
        Ok(url) => url,
        Err(_) => format!(
            "http://{}/server-status",
            listener(&Report::read(&file, pid))?
        ),
    };
    let (host, path) = url
        .strip_prefix("http://")
        .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
        .with_context(|| format!("STATUSURL: only http:// is fetched, not {url}"))?;
    let (head, body) = fetch(host, &format!("/{path}?auto")).with_context(|| url.clone())?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    if status != "200" {
        bail!(
            "{url}: {}: the page needs a <Location> with \"SetHandler server-status\" that this \
             machine may see; STATUSURL names another",
            head.lines().next().unwrap_or_default()
        );
    }
    print!("{body}");
    Ok(ExitCode::SUCCESS)
}

/// An address of the server, as it says itself.
fn listener(report: &Result<Report, String>) -> Result<String> {
    let report = report.as_ref().map_err(|why| anyhow::anyhow!("{why}"))?;
    let first = report.value("listen").split(' ').next().unwrap_or_default();
    let mut address: SocketAddr = first
        .parse()
        .context("the server does not say where it listens")?;
    if address.ip().is_unspecified() {
        address.set_ip([127, 0, 0, 1].into());
    }
    Ok(address.to_string())
}

/// Head and body of an answer.
fn fetch(host: &str, path: &str) -> Result<(String, String)> {
    let place = if host
        .rsplit(':')
        .next()
        .is_some_and(|port| port.parse::<u16>().is_ok())
    {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let mut last = None;
    for address in place.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(mut stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                write!(
                    stream,
                    "GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: apachectl-rs\r\n\r\n"
                )?;
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer)?;
                let answer = String::from_utf8_lossy(&answer);
                let (head, body) = answer.split_once("\r\n\r\n").context("no answer of HTTP")?;
                return Ok((head.to_owned(), body.to_owned()));
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| anyhow::anyhow!("no address"), Into::into))
}
