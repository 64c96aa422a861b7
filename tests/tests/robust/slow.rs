//! Slow clients: heads and bodies that come in drops or stop, under `Timeout`, `KeepAliveTimeout` and
//! mod_reqtimeout. What is answered and logged, and when, is what Apache answers and logs.

use std::{
    fmt::Write,
    net::TcpListener,
    thread::{park_timeout, scope},
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail, ensure};
use httpd_tests::{
    client::{Client, get},
    compatibility,
    differential::serve,
    host::{Host, Kind},
    mpm::Mpm,
    site::Site,
};

/// What a client does: to which port it sends which parts, and how many milliseconds it pauses
/// after each.
struct Script {
    name: &'static str,
    port: usize,
    parts: Vec<(String, u64)>,
}

fn script(name: &'static str, port: usize, parts: &[(&str, u64)]) -> Script {
    let parts = parts
        .iter()
        .map(|&(text, pause)| (text.to_owned(), pause))
        .collect();
    Script { name, port, parts }
}

/// A script that sends `text` in pieces of `size` bytes.
fn drops(name: &'static str, port: usize, text: &str, size: usize, pause: u64) -> Script {
    let pieces = text.as_bytes().chunks(size);
    let parts = pieces.map(|piece| (String::from_utf8_lossy(piece).into_owned(), pause));
    Script {
        name,
        port,
        parts: parts.collect(),
    }
}

/// What came of it.
struct Outcome {
    statuses: Vec<u16>,
    logged: Vec<String>,
    took: Duration,
}

const HEAD: &str = "GET /page.html HTTP/1.1\r\nHost: a\r\nX-One: 11111\r\nX-Two: 2222\r\n\r\n";
const POST: &str = "POST /cgi/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n";
const CHUNKED: &str = "POST /cgi/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

fn scripts() -> Vec<Script> {
    vec![
        // Port 1: Timeout 1, nothing else.
        script("silence", 1, &[]),
        script("half a line", 1, &[("GET /page", 0)]),
        script(
            "half a head",
            1,
            &[("GET /page.html HTTP/1.1\r\nHost: a\r\nX-Fi", 0)],
        ),
        drops("drops, each in time", 1, HEAD, 16, 400),
        script(
            "half a second head",
            1,
            &[(HEAD, 100), ("GET /page.html HTTP/1.1\r\nHo", 0)],
        ),
        script("half a second line", 1, &[(HEAD, 100), ("GET /pa", 0)]),
        script("kept alive, then silence", 1, &[(HEAD, 0)]),
        script("half a body", 1, &[(POST, 0), ("12345", 0)]),
        script("half a chunk", 1, &[(CHUNKED, 0), ("5\r\nab", 0)]),
        script("half a size of a chunk", 1, &[(CHUNKED, 0), ("5", 0)]),
        script(
            "half a body that nobody reads",
            1,
            &[(
                "POST /page.html HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n1234",
                0,
            )],
        ),
        // Port 2: RequestReadTimeout header=1 body=1.
        script("limit: silence", 2, &[]),
        script("limit: half a line", 2, &[("GET /page", 0)]),
        script(
            "limit: half a head",
            2,
            &[("GET /page.html HTTP/1.1\r\nHost: a\r\nX-Fi", 0)],
        ),
        drops("limit: drops", 2, HEAD, 4, 250),
        drops("limit: drops, all in time", 2, HEAD, 40, 250),
        script(
            "limit: half a second head",
            2,
            &[(HEAD, 100), ("GET /page.html HTTP/1.1\r\nHo", 0)],
        ),
        script("limit: a second head later", 2, &[(HEAD, 1700), (HEAD, 0)]),
        script("limit: half a body", 2, &[(POST, 0), ("12345", 0)]),
        drops(
            "limit: drops of a body",
            2,
            &format!("{POST}123456789012"),
            61,
            400,
        ),
        script("limit: half a chunk", 2, &[(CHUNKED, 0), ("5\r\nab", 0)]),
        // Port 3: RequestReadTimeout header=1-2,MinRate=20 body=1,MinRate=20.
        drops("rate: too slow a head", 3, HEAD, 2, 250),
        drops("rate: quick enough a head", 3, HEAD, 12, 330),
        drops(
            "rate: quick enough, for too long",
            3,
            &HEAD.replace("2222", &"2".repeat(60)),
            9,
            250,
        ),
        drops(
            "rate: a body quick enough",
            3,
            &format!("{POST}123456789012"),
            58,
            700,
        ),
        // Port 4: RequestReadTimeout handshake=1 header=0 body=0, Timeout 2.
        script(
            "no limit: half a head",
            4,
            &[("GET /page.html HTTP/1.1\r\nHost: a\r\nX-Fi", 0)],
        ),
        drops("no limit: drops", 4, HEAD, 16, 500),
    ]
}

const CONFIGURATION: &str = r#"
ThreadsPerChild 64
MaxRequestWorkers 256
AcceptFilter http none
LogFormat "%{remote}p-%{local}p %>s %X %b %k \"%r\"" slow
CustomLog logs/access.log slow
ServerTokens Prod
ScriptSock cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
Timeout 30
Listen 127.0.0.1:@PORT2@
Listen 127.0.0.1:@PORT3@
Listen 127.0.0.1:@PORT4@
<VirtualHost *:@PORT@>
Timeout 1
KeepAliveTimeout 1
RequestReadTimeout handshake=0 header=0 body=0
</VirtualHost>
<VirtualHost *:@PORT2@>
KeepAliveTimeout 3
RequestReadTimeout header=1 body=1
</VirtualHost>
<VirtualHost *:@PORT3@>
KeepAliveTimeout 1
RequestReadTimeout header=1-2,MinRate=20 body=1,MinRate=20
</VirtualHost>
<VirtualHost *:@PORT4@>
Timeout 2
KeepAliveTimeout 1
RequestReadTimeout handshake=1 header=0 body=0
</VirtualHost>
"#;

fn play(host: &Host, script: &Script) -> Result<(u16, Vec<u16>, Duration)> {
    let mut client = Client::connect(host.port_number(script.port))?;
    let port = client.local_port()?;
    let begun = Instant::now();
    for (text, pause) in &script.parts {
        if client.send(text).is_err() {
            break;
        }
        // The client's pace is what this test is about.
        park_timeout(Duration::from_millis(*pause));
    }
    let mut statuses = Vec::new();
    while let Ok(answer) = client.receive(false) {
        statuses.push(answer.status());
    }
    Ok((port, statuses, begun.elapsed()))
}

/// Plays all scripts at the same time.
fn outcomes(host: &Host, scripts: &[&Script]) -> Result<Vec<Outcome>> {
    let played: Vec<Result<_>> = scope(|scope| {
        let threads: Vec<_> = scripts
            .iter()
            .map(|&script| scope.spawn(move || play(host, script)))
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Result<_>>| {
            thread
                .join()
                .unwrap_or_else(|_| Err(anyhow!("a script panicked")))
        };
        threads.into_iter().map(join).collect()
    });
    // The log is whole when the server has ended, at the latest.
    let mut outcomes = Vec::new();
    for (played, script) in played.into_iter().zip(scripts) {
        let (port, statuses, took) = played?;
        // A client's port may have been another's before, on another port of the server.
        let prefix = format!("{port}-{} ", host.port_number(script.port));
        let log = host.place().read("logs/access.log");
        let lines = log.lines().filter_map(|line| line.strip_prefix(&prefix));
        outcomes.push(Outcome {
            statuses,
            logged: lines.map(str::to_owned).collect(),
            took,
        });
    }
    Ok(outcomes)
}

#[test]
fn slow_clients_are_answered_logged_and_left_as_by_apache() -> Result<()> {
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    site.program(
        "cgi/echo",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\nContent-Length: 12\\n\\n'\nexec cat\n",
    )?;
    let configuration = serve(&site, "alias cgid reqtimeout", CONFIGURATION);
    let scripts = scripts();
    let apache = Host::start(Kind::Apache, &configuration)?;
    let ours = Host::start(Kind::under_test(), &configuration)?;
    let mut report = String::new();
    let mut differing: Vec<&Script> = scripts.iter().collect();
    // A machine with much to do may be late once.
    for _ in 0..2 {
        (report, differing) = differences(&apache, &ours, &differing)?;
    }
    if !report.is_empty() {
        bail!("{report}\n{}", ours.messages());
    }
    compatibility::behaves("core reqtimeout", scripts.len())
}

/// Plays scripts on both servers at the same time; answers what differs, and in which.
fn differences<'s>(
    apache: &Host,
    ours: &Host,
    scripts: &[&'s Script],
) -> Result<(String, Vec<&'s Script>)> {
    let (got, expected) = scope(|scope| {
        let apache = scope.spawn(|| outcomes(apache, scripts));
        (outcomes(ours, scripts), apache.join())
    });
    let (got, expected) = (
        got?,
        expected.unwrap_or_else(|_| Err(anyhow!("a script panicked")))?,
    );
    let mut report = String::new();
    let mut differing = Vec::new();
    for ((&script, expected), got) in scripts.iter().zip(&expected).zip(&got) {
        let late = expected.took.abs_diff(got.took);
        if expected.statuses != got.statuses
            || expected.logged != got.logged
            || late > Duration::from_millis(1300)
        {
            differing.push(script);
            writeln!(report, "== {} (port {})", script.name, script.port)?;
            for (name, outcome) in [("apache", expected), ("ours  ", got)] {
                let Outcome {
                    statuses,
                    logged,
                    took,
                } = outcome;
                writeln!(
                    report,
                    "  {name}: {statuses:?} after {took:?}, logged {logged:?}"
                )?;
            }
        }
    }
    Ok((report, differing))
}

#[test]
fn a_backend_that_does_not_answer_is_given_up_in_time() -> Result<()> {
    let site = Site::new()?;
    // Connections wait in the backlog; nobody ever answers.
    let silent = TcpListener::bind(("127.0.0.1", 0))?;
    let configuration = serve(
        &site,
        "proxy proxy_http",
        &format!(
            "Timeout 30\nProxyPass /silent http://127.0.0.1:{}/ timeout=1\n",
            silent.local_addr()?.port()
        ),
    );
    let host = Host::start(Kind::under_test(), &configuration)?;
    let begun = Instant::now();
    let status = get(host.port(), "/silent")?.status();
    ensure!(
        [502, 504].contains(&status) && begun.elapsed() < Duration::from_secs(5),
        "{status} after {:?}",
        begun.elapsed()
    );
    Ok(())
}

#[test]
fn heads_that_stall_under_a_limit_cost_no_thread() -> Result<()> {
    if Mpm::under_test() != Mpm::Event {
        // Every other one holds a thread for a connection.
        return Ok(());
    }
    const STALLED: usize = 300;
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    let configuration = serve(
        &site,
        "reqtimeout",
        "RequestReadTimeout header=20-40,MinRate=500\n",
    );
    let host = Host::start(Kind::Ours, &configuration)?;
    let threads = || -> Result<usize> {
        let mut threads = 0;
        for pid in host.children() {
            threads += std::fs::read_dir(format!("/proc/{pid}/task"))?.count();
        }
        Ok(threads)
    };
    let before = threads()?;
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        let mut client = Client::connect(host.port())?;
        client.send(&HEAD[..30])?;
        stalled.push(client);
    }
    // Long enough for every head to be awaited under the filter's eyes.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(400) {
        ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    }
    let after = threads()?;
    // A few more because requests of a busy machine look slow, but not one for each head.
    ensure!(after < before + 60, "{after} threads, {before} before");
    for client in &mut stalled {
        client.send(&HEAD[30..])?;
        ensure!(client.receive(false)?.text() == "a page\n");
    }
    Ok(())
}
