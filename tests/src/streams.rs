//! Comparisons that need more than one answer: all that a connection carries until the server closes
//! it, and what a server has written into files by the time it has stopped.

use std::fmt::Write;

use anyhow::{Context, Result, bail};

use crate::{
    client::Client,
    compatibility,
    host::{Host, Kind},
};

/// Sends each text (a name, then the bytes) on a connection of its own, and compares all that comes
/// back until the server closes. `Date` and `Server` lines are left out.
///
/// # Errors
/// When a server does not start, or the differences.
pub fn compare(modules: &str, configuration: &str, exchanges: &[(&str, &str)]) -> Result<()> {
    let apache = Host::start(Kind::Apache, configuration)?;
    let ours = Host::start(Kind::under_test(), configuration)?;
    let mut report = String::new();
    // Side by side: some wait until the server has lost its patience.
    let answers = |host: &Host| -> Vec<String> {
        std::thread::scope(|scope| {
            let threads: Vec<_> = exchanges
                .iter()
                .map(|(_, request)| scope.spawn(|| converse(host, request)))
                .collect();
            let panicked = |_| "(the client panicked)".to_owned();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined
                .map(|answer| answer.unwrap_or_else(panicked))
                .collect()
        })
    };
    let (theirs, ours_said) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| answers(&apache));
        (theirs.join().unwrap_or_default(), answers(&ours))
    });
    for (((name, _), expected), got) in exchanges.iter().zip(&theirs).zip(&ours_said) {
        if expected != got {
            let _ = writeln!(
                report,
                "== {name}\n--- apache:\n{expected}\n--- ours:\n{got}"
            );
        }
    }
    if !report.is_empty() {
        bail!("{report}\nour log:\n{}", ours.messages());
    }
    compatibility::behaves(modules, exchanges.len())
}

/// All that is answered to `request`, without what differs between two servers of a kind.
fn converse(host: &Host, request: &str) -> String {
    let exchange = || -> std::io::Result<Vec<u8>> {
        let mut client = Client::connect(host.port())?;
        client.send(request.replace("@PORT@", &host.port().to_string()))?;
        client.receive_rest()
    };
    match exchange() {
        Ok(bytes) => plain(host, &String::from_utf8_lossy(&bytes)),
        Err(error) => format!("(no answer: {error:?} {})", request),
    }
}

/// Text without dates, ports, directories and the server's banner.
fn plain(host: &Host, text: &str) -> String {
    let text = text
        .replace(&host.port().to_string(), "PORT")
        .replace(&host.place().path().display().to_string(), "PLACE");
    let lines = text.split_inclusive('\n');
    lines
        .filter(|line| !line.starts_with("Date: ") && !line.starts_with("Server: "))
        .collect()
}

/// Starts a server of each kind, lets `act` use it, stops it, and compares what `shown` makes of it
/// then: the lines of a log, for one. Answers the number of lines.
///
/// # Errors
/// When a server does not start or stop, `act` fails, or the differences.
pub fn compare_traces(
    configuration: &str,
    act: impl Fn(&Host) -> Result<()>,
    shown: impl Fn(&Host) -> Result<Vec<String>>,
) -> Result<usize> {
    let trace = |kind| -> Result<Vec<String>> {
        let mut host = Host::start(kind, configuration)?;
        act(&host).with_context(|| format!("{kind:?}: {}", host.messages()))?;
        host.signal(libc::SIGTERM);
        host.wait_for_end()?;
        let lines = shown(&host)?;
        let plain = |line: &String| plain(&host, line);
        Ok(lines.iter().map(plain).collect())
    };
    let expected = trace(Kind::Apache)?;
    let got = trace(Kind::under_test())?;
    if expected != got {
        let mut report = String::new();
        for line in expected.iter().filter(|line| !got.contains(line)) {
            let _ = writeln!(report, "  apache: {line}");
        }
        for line in got.iter().filter(|line| !expected.contains(line)) {
            let _ = writeln!(report, "  ours:   {line}");
        }
        bail!(
            "{report}--- apache, all:\n{}\n--- ours, all:\n{}",
            expected.join("\n"),
            got.join("\n")
        );
    }
    Ok(expected.len())
}
