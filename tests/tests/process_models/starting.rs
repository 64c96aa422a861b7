//! What the error log holds of the MPM under test: Apache's numbers of messages and the values in their
//! order, when the server starts, restarts and stops. (What `-t` prints: `tests/configuration.rs`.)

use anyhow::{Result, ensure};
use httpd_tests::{
    client, compatibility,
    differential::serve,
    host::{Host, Kind, Place, until},
    modules::{compile, source},
    mpm::Mpm,
    site::Site,
};

/// Contradictions that are mended with a warning.
fn settings() -> Vec<&'static str> {
    if Mpm::under_test().is_threaded() {
        vec![
            "ServerLimit 30000",
            "ServerLimit 0\nThreadLimit 0\nThreadsPerChild 0\nStartServers 0\nMinSpareThreads 0",
            "ThreadLimit 5\nThreadsPerChild 10\nMaxRequestWorkers 3",
            "MaxRequestWorkers 30\nMinSpareThreads 1",
            "ServerLimit 2\nThreadsPerChild 7\nMaxRequestWorkers 99",
            "MinSpareThreads 100\nMaxSpareThreads 10\nMaxRequestWorkers 50",
        ]
    } else {
        vec![
            "ServerLimit 0\nMaxRequestWorkers 0\nStartServers 0\nMinSpareServers 0",
            "ServerLimit 5\nMaxRequestWorkers 6\nStartServers 7",
            "MaxRequestWorkers 0",
            "MinSpareServers 20\nMaxSpareServers 10",
        ]
    }
}

/// The number and the values of what the MPM says at the levels of notices and warnings.
fn facts(host: &Host) -> Vec<String> {
    let log = host.place().read("logs/error.log");
    let lines = log.lines().filter_map(|line| {
        let (_, line) = line.split_once(&format!("[mpm_{}:", Mpm::under_test().name()))?;
        let (level, line) = line.split_once("] ")?;
        let (_, said) = line.split_once("] ")?;
        let (number, text) = said.split_once(": ")?;
        if !["notice", "warn"].contains(&level) || !number.starts_with("AH") {
            return None;
        }
        let values = text
            .split(|c: char| !(c.is_ascii_digit() || c == '-'))
            .filter(|value| value.parse::<i64>().is_ok() && !text.contains("configured"));
        let values: Vec<&str> = values.collect();
        Some(format!("{level} {number} {}", values.join(" ")))
    });
    lines.collect()
}

#[test]
fn starts_are_logged_alike() -> Result<()> {
    let site = Site::new()?;
    for lines in settings() {
        let start = |kind| -> Result<Vec<String>> {
            let host = Host::start(kind, &serve(&site, "", lines))?;
            until("the server has started", || {
                Ok(host.messages().contains("resuming normal operations"))
            })?;
            Ok(facts(&host))
        };
        let (ours, theirs) = (start(Kind::under_test())?, start(Kind::Apache)?);
        ensure!(
            ours == theirs,
            "{lines}\nours: {ours:#?}\napache: {theirs:#?}"
        );
    }
    let module = format!("mpm_{}", Mpm::under_test().name());
    compatibility::behaves(&module, settings().len())
}

#[test]
fn restarts_and_stops_are_logged_alike() -> Result<()> {
    let site = Site::new()?;
    let lines = if Mpm::under_test().is_threaded() {
        "MaxRequestWorkers 30\nMinSpareThreads 1\n"
    } else {
        "MaxRequestWorkers 0\n"
    };
    for stop in [libc::SIGTERM, libc::SIGWINCH] {
        let run = |kind| -> Result<Vec<String>> {
            let mut host = Host::start(kind, &serve(&site, "", lines))?;
            for (begun, signal) in [(1, libc::SIGUSR1), (2, libc::SIGHUP)] {
                let starts = |wanted| {
                    until("the server runs", || {
                        let log = host.messages();
                        // Written last, when signals are heard.
                        Ok(log.matches("AH00094: Command line").count() == wanted)
                    })
                };
                starts(begun)?;
                host.signal(signal);
                starts(begun + 1)?;
            }
            host.signal(stop);
            host.wait_for_end()?;
            Ok(facts(&host))
        };
        let (ours, theirs) = (run(Kind::under_test())?, run(Kind::Apache)?);
        ensure!(ours == theirs, "ours: {ours:#?}\napache: {theirs:#?}");
    }
    let module = format!("mpm_{}", Mpm::under_test().name());
    compatibility::behaves(&module, 2)
}

/// Limits that Apache keeps over restarts, with a warning, change here: the server executes itself anew.
#[test]
fn limits_change_with_a_restart() -> Result<()> {
    let place = Place::new()?;
    let module = compile(&source("mod_process_model.c"), place.path())?;
    let site = Site::new()?;
    let threaded = Mpm::under_test().is_threaded();
    let (before, after, shown) = if threaded {
        (
            "ThreadsPerChild 5\nThreadLimit 10\nMaxRequestWorkers 20\n",
            "ServerLimit 6\nThreadsPerChild 15\nThreadLimit 20\nMaxRequestWorkers 90\n",
            [
                "HARD_LIMIT_DAEMONS: 6,",
                "HARD_LIMIT_THREADS: 20,",
                "MAX_DAEMONS: 6,",
                "scoreboard: 6 servers, 20 threads",
            ],
        )
    } else {
        (
            "StartServers 1\nServerLimit 4\nMinSpareServers 1\nMaxRequestWorkers 4\n",
            "ServerLimit 7\nMaxRequestWorkers 7\n",
            [
                "HARD_LIMIT_DAEMONS: 7,",
                "MAX_DAEMONS: 7,",
                "GENERATION: 1,",
                "scoreboard: 7 servers, 1 threads",
            ],
        )
    };
    let more = format!(
        "LoadModule process_model_module {}\n{before}\n\
         <Location /answers>\nSetHandler mpm-cases\n</Location>\n",
        module.display()
    );
    for kind in [Kind::Apache, Kind::under_test()] {
        let host = Host::start(kind, &serve(&site, "", &more))?;
        let file = host.place().path().join("conf/httpd.conf");
        let text = std::fs::read_to_string(&file)?;
        std::fs::write(&file, text + after)?;
        host.signal(libc::SIGUSR1);
        let mut page = String::new();
        until("the new generation answers", || {
            page = client::get(host.port(), "/answers")?.text();
            Ok(page.contains("GENERATION: 1,"))
        })?;
        if kind == Kind::Ours {
            for line in shown {
                ensure!(page.contains(line), "{line}\n{page}");
            }
            continue;
        }
        ensure!(page.contains("HARD_LIMIT_DAEMONS: 4,"), "{page}");
        let log = host.messages();
        let refused = ["AH00501: ", "AH00304: ", "AH00179: "];
        ensure!(refused.iter().any(|number| log.contains(number)), "{log}");
    }
    Ok(())
}
