//! What modules hear from the MPM under test, and what mod_status and mod_info make of it: as Apache's.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{self, Client},
    compatibility,
    differential::{load, serve},
    host::{Host, Kind, Place, until},
    modules::{compile, source},
    mpm::Mpm,
    site::Site,
};

/// Settings that differ in what is asked.
fn settings() -> Vec<&'static str> {
    if Mpm::under_test().is_threaded() {
        vec![
            "",
            "ServerLimit 5\nThreadLimit 30\nThreadsPerChild 10\nMaxRequestWorkers 40\n\
             MinSpareThreads 5\nMaxSpareThreads 33\nMaxConnectionsPerChild 1000\nMaxMemFree 100\n\
             ThreadStackSize 1000000\nGracefulShutdownTimeout 4",
            "MaxRequestWorkers 3\nMinSpareThreads 100\nMaxSpareThreads 1\nStartServers 30",
        ]
    } else {
        vec![
            "",
            "StartServers 1\nServerLimit 20\nMaxRequestWorkers 15\nMinSpareServers 1\n\
             MaxSpareServers 5\nMaxRequestsPerChild 1000",
            "MinSpareServers 9\nMaxSpareServers 3",
            "ServerLimit 3\nMaxRequestWorkers 300",
        ]
    }
}

/// Left out: how many children there have been when a child was forked; whether a child runs already when
/// it answers its first request, which Apache's do not always know; and how many requests a child of
/// event may be busy with, which is more than ThreadsPerChild here (`data/differences.toml`).
fn is_compared(line: &str) -> bool {
    !line.contains("MAX_DAEMON_USED")
        && !line.starts_with("MPM_STATE")
        && (Mpm::under_test() != Mpm::Event || !line.contains("MAX_THREADS"))
}

#[test]
fn questions_of_modules_are_answered_alike() -> Result<()> {
    let place = Place::new()?;
    let module = compile(&source("mod_process_model.c"), place.path())?;
    let site = Site::new()?;
    let mut count = 0;
    for lines in settings() {
        let more = format!(
            "LoadModule process_model_module {}\n{lines}\n\
             <Location /answers>\nSetHandler mpm-cases\n</Location>\n",
            module.display()
        );
        let ask = |kind| -> Result<BTreeSet<String>> {
            let host = Host::start(kind, &serve(&site, "", &more))?;
            let page = client::get(host.port(), "/answers")?.text();
            ensure!(page.lines().count() > 20, "{page}");
            ensure!(kind == Kind::Apache || page.contains("\nMPM_STATE: 1, status 0\n"));
            // The log holds what is heard while the server starts, in the order of the children.
            let log = host.place().read("logs/error.log");
            // A child may be writing at this moment.
            let whole = &log[..log.rfind('\n').unwrap_or(0)];
            let heard = whole.lines().filter_map(|line| {
                let (from, said) = line.split_once("[process_model:notice] ")?;
                let (_, said) = said.split_once("] ").unwrap_or((from, said));
                Some(said)
            });
            let all = heard.chain(page.lines()).filter(|line| is_compared(line));
            Ok(all.map(str::to_owned).collect())
        };
        let (ours, theirs) = (ask(Kind::under_test())?, ask(Kind::Apache)?);
        for time in ["open_logs", "post_config", "child_init"] {
            let state = |line: &&String| line.starts_with(&format!("{time} MPM_STATE: 0"));
            ensure!(ours.iter().any(|line| state(&line)), "{time}: {ours:#?}");
        }
        ensure!(
            ours == theirs,
            "{lines}\nonly here: {:#?}\nonly in Apache: {:#?}",
            ours.difference(&theirs).collect::<Vec<_>>(),
            theirs.difference(&ours).collect::<Vec<_>>()
        );
        count += ours.len();
    }
    compatibility::behaves(&format!("mpm_{}", Mpm::under_test().name()), count)
}

/// Text without what differs between two servers, or between two looks at one.
fn steady(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| {
        let digits = |c: char| c.is_ascii_digit() || c == '.';
        let mut line = line.replace("(httpd-rs)", "").replace("(Debian)", "");
        if let Some((name, value)) = line.split_once(": ")
            && !name.starts_with("Server")
            && !["Scoreboard", "BusyWorkers", "IdleWorkers"].contains(&name)
            && value.trim_start_matches(digits).is_empty()
        {
            line = format!("{name}: N");
        }
        line
    });
    let varies = [
        "Time", "Built", "Uptime", "Total", "Req", "Load", "Bytes", "CPU",
    ];
    lines
        .filter(|line| !varies.iter().any(|word| line.contains(word)))
        .map(|line| line.trim().to_owned())
        .collect()
}

/// What a monitor reads: the fields, how many places there are and how many of them are free.
#[test]
fn status_for_monitors_is_shown_alike() -> Result<()> {
    let site = Site::new()?;
    let lines = if Mpm::under_test().is_threaded() {
        "StartServers 2\nThreadsPerChild 5\nThreadLimit 5\nServerLimit 4\nMaxRequestWorkers 20\n\
         MinSpareThreads 1\nMaxSpareThreads 20\n"
    } else {
        "StartServers 3\nServerLimit 9\nMaxRequestWorkers 7\nMinSpareServers 1\nMaxSpareServers 9\n"
    };
    let more = format!(
        "ExtendedStatus On\n{lines}<Location /status>\nSetHandler server-status\n</Location>\n\
         <Location /info>\nSetHandler server-info\n</Location>\n"
    );
    let configuration = format!("{}{}", load("status info"), serve(&site, "", &more));
    let ask = |kind| -> Result<(Vec<String>, Vec<String>)> {
        let host = Host::start(kind, &configuration)?;
        let mut text = String::new();
        let children = if Mpm::under_test().is_threaded() {
            2
        } else {
            3
        };
        // Until all children are there, and nothing but this request is under way.
        until("the children are idle", || {
            text = client::get(host.port(), "/status?auto")?.text();
            let field = |name| text.lines().find_map(|line| line.strip_prefix(name));
            let board = field("Scoreboard: ").context("no scoreboard")?;
            let serving = board.matches(['_', 'W']).count();
            let threads = if Mpm::under_test().is_threaded() {
                5
            } else {
                1
            };
            Ok(field("BusyWorkers: ") == Some("1") && serving == children * threads)
        })
        .with_context(|| text.clone())?;
        let board = |line: String| match line.strip_prefix("Scoreboard: ") {
            // Which thread serves is up to the system.
            Some(places) => {
                let mut places: Vec<char> = places.chars().collect();
                places.sort_unstable();
                format!("Scoreboard: {}", String::from_iter(places))
            }
            None => line,
        };
        let status = steady(&text).into_iter().map(board).collect();
        let mut client = Client::connect(host.port())?;
        client.send("GET /info?server HTTP/1.0\r\n\r\n")?;
        let text = String::from_utf8_lossy(&client.receive_rest()?).into_owned();
        let about = |line: &&str| line.contains("MPM") || line.contains("Threaded");
        let info = text.lines().filter(about).map(str::to_owned).collect();
        Ok((status, info))
    };
    let (ours, theirs) = (ask(Kind::under_test())?, ask(Kind::Apache)?);
    ensure!(
        ours.0 == theirs.0,
        "--- ours:\n{}\n--- apache:\n{}",
        ours.0.join("\n"),
        theirs.0.join("\n")
    );
    ensure!(!ours.1.is_empty() && ours.1.len() == theirs.1.len());
    let without_number = |lines: &[String]| -> Vec<String> {
        // How many children there were when this one was forked.
        let lines = lines.iter().map(|line| {
            line.split(' ')
                .filter(|word| word.parse::<u32>().is_err())
                .collect::<Vec<_>>()
                .join(" ")
        });
        lines.map(|line| line.replace("\"1\"", "")).collect()
    };
    ensure!(
        without_number(&ours.1) == without_number(&theirs.1),
        "{:#?}\n{:#?}",
        ours.1,
        theirs.1
    );
    compatibility::behaves("status info", 2)
}
