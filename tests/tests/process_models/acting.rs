//! Directives of the MPM under test that must act: what an outsider sees of each.

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{self, Client},
    compatibility,
    differential::serve,
    host::{Host, Kind, Place, until},
    modules::{compile, source},
    mpm::Mpm,
    site::Site,
};

const KINDS: [fn() -> Kind; 2] = [|| Kind::Apache, Kind::under_test];

/// Modules that these tests show.
fn module() -> String {
    format!("mpm_{}", Mpm::under_test().name())
}

/// The C module, compiled.
struct Compiled {
    _place: Place,
    object: PathBuf,
}

impl Compiled {
    fn new() -> Result<Self> {
        let place = Place::new()?;
        let object = compile(&source("mod_process_model.c"), place.path())?;
        Ok(Self {
            _place: place,
            object,
        })
    }

    /// A configuration in which its handlers answer below their names.
    fn serve(&self, site: &Site, more: &str) -> String {
        let handlers = ["deep", "memory", "pid"]
            .map(|name| format!("<Location /{name}>\nSetHandler mpm-{name}\n</Location>\n"));
        let more = format!(
            "LoadModule process_model_module {}\n{}{more}\n",
            self.object.display(),
            handlers.concat()
        );
        serve(site, "", &more)
    }
}

/// As few children as there can be.
fn one_child() -> &'static str {
    if Mpm::under_test().is_threaded() {
        "StartServers 1\nMinSpareThreads 1\nMaxSpareThreads 50\n"
    } else {
        "StartServers 1\nMinSpareServers 1\nMaxSpareServers 2\n"
    }
}

/// A child leaves after its connections, another takes over, and no request is lost between them.
#[test]
fn children_are_replaced_and_no_request_is_lost() -> Result<()> {
    let (site, compiled) = (Site::new()?, Compiled::new()?);
    for kind in KINDS {
        let more = format!("{}MaxConnectionsPerChild 4\n", one_child());
        let host = Host::start(kind(), &compiled.serve(&site, &more))?;
        let ask = || -> Result<Vec<String>> {
            let answers = (0..12).map(|number| {
                let answer = client::get(host.port(), "/pid")
                    .with_context(|| format!("{:?}: request {number}", host.kind()))?;
                ensure!(answer.status() == 200, "{:?}", answer.status_line);
                Ok(answer.text())
            });
            answers.collect()
        };
        let pids = std::thread::scope(|scope| -> Result<BTreeSet<String>> {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(ask)).collect();
            let mut pids = BTreeSet::new();
            for thread in threads {
                pids.extend(thread.join().ok().context("a client panicked")??);
            }
            Ok(pids)
        })?;
        // A few more than that many may have been accepted when the child noticed.
        ensure!(pids.len() >= 3, "{:?}: {pids:?}", host.kind());
        ensure!(!host.messages().contains("exit signal"));
    }
    compatibility::behaves(&module(), 36)
}

/// Connections that are kept count once, however many requests they carry.
#[test]
fn requests_of_a_kept_connection_count_once() -> Result<()> {
    let (site, compiled) = (Site::new()?, Compiled::new()?);
    let more = format!("{}MaxConnectionsPerChild 50\n", one_child());
    for kind in KINDS {
        let host = Host::start(kind(), &compiled.serve(&site, &more))?;
        let mut client = Client::connect(host.port())?;
        let mut pids = BTreeSet::new();
        for _ in 0..60 {
            client.send("GET /pid HTTP/1.1\r\nHost: a\r\n\r\n")?;
            pids.insert(client.receive(false)?.text());
        }
        ensure!(pids.len() == 1, "{:?}: {pids:?}", host.kind());
    }
    compatibility::behaves(&module(), 1)
}

/// Handlers have the stack that ThreadStackSize gives them: a deep recursion fits into a large one. Under
/// prefork they have the process's own.
#[test]
fn handlers_have_the_stack_that_was_asked_for() -> Result<()> {
    let (site, compiled) = (Site::new()?, Compiled::new()?);
    let settings = [
        ("", "1000"),
        ("ThreadStackSize 33554432", "30000"),
        ("ThreadStackSize 262144", "150"),
        ("ThreadStackSize 10", "1000"),
    ];
    for (lines, depth) in settings {
        let depth = match Mpm::under_test() {
            Mpm::Prefork => "1000",
            _ => depth,
        };
        let mut seen = Vec::new();
        for kind in KINDS {
            let more = format!("{}{lines}\n", one_child());
            let host = Host::start(kind(), &compiled.serve(&site, &more))?;
            let answer = client::get(host.port(), &format!("/deep?{depth}"))?;
            ensure!(
                answer.status() == 200,
                "{lines}: {:?}\n{}",
                answer.status_line,
                host.messages()
            );
            ensure!(!host.messages().contains("exit signal"));
            let text = host.messages();
            let warned = text.contains("AH02436: ") || text.contains("AH02435: ");
            let text = answer.text();
            let kib: u64 = text.split(' ').next().unwrap_or_default().parse()?;
            // A process's own stack is less by its arguments and variables.
            seen.push((kib.div_ceil(64), warned));
        }
        ensure!(seen[0] == seen[1], "{lines}: {seen:?}");
    }
    compatibility::behaves(&module(), settings.len())
}

/// How much memory the largest child has, in KiB.
fn largest(host: &Host) -> u64 {
    let sizes = host.children().into_iter().filter_map(|child| {
        let text = fs::read_to_string(format!("/proc/{child}/status")).ok()?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    });
    sizes.max().unwrap_or(0)
}

/// Memory that a large request took is given back to the system, unless MaxMemFree lets it be kept.
#[test]
fn free_memory_is_kept_as_far_as_asked() -> Result<()> {
    let (site, compiled) = (Site::new()?, Compiled::new()?);
    let settings = [
        ("", false),
        ("MaxMemFree 100", false),
        ("MaxMemFree 0", true),
        ("MaxMemFree 200000", true),
    ];
    for (lines, keeps) in settings {
        for kind in KINDS {
            let more = format!("{}{lines}\n", one_child());
            let host = Host::start(kind(), &compiled.serve(&site, &more))?;
            let answer = client::get(host.port(), "/memory?64000")?;
            ensure!(answer.status() == 200);
            if keeps {
                ensure!(largest(&host) > 60_000, "{lines}: {} KiB", largest(&host));
                continue;
            }
            until("the memory is given back", || Ok(largest(&host) < 40_000))
                .with_context(|| format!("{:?} {lines}: {} KiB", host.kind(), largest(&host)))?;
        }
    }
    compatibility::behaves(&module(), settings.len())
}

/// A graceful stop waits for a client, but no longer than GracefulShutdownTimeout allows. Apache's children
/// take ten seconds more to be killed, so that only ours are measured.
#[test]
fn graceful_stops_are_bounded() -> Result<()> {
    let site = Site::new()?;
    site.file("large.bin", vec![b'x'; 30_000_000])?;
    let more = format!("{}GracefulShutdownTimeout 2\n", one_child());
    let mut host = Host::start(Kind::under_test(), &serve(&site, "", &more))?;
    let mut client = Client::connect(host.port())?;
    client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    client.receive_head()?;
    let begun = Instant::now();
    host.signal(libc::SIGWINCH);
    until("nobody listens", || {
        Ok(std::net::TcpStream::connect(("127.0.0.1", host.port())).is_err())
    })?;
    ensure!(
        !host.children().is_empty(),
        "the child did not wait for its client"
    );
    host.wait_for_end()?;
    let took = begun.elapsed();
    ensure!(
        took > Duration::from_millis(1700) && took < Duration::from_secs(15),
        "{took:?}"
    );
    compatibility::behaves(&module(), 1)
}

/// The scoreboard has a name by which other programs find it.
#[test]
fn scoreboards_have_a_file() -> Result<()> {
    let site = Site::new()?;
    for kind in KINDS {
        for (lines, named) in [("", false), ("ScoreBoardFile run/board\n", true)] {
            let more = format!("{}{lines}", one_child());
            let host = Host::start(kind(), &serve(&site, "", &more))?;
            let maps = fs::read_to_string(format!("/proc/{}/maps", host.pid()))?;
            ensure!(
                maps.contains("/dev/shm/ShM.") == named,
                "{:?} {lines}",
                host.kind()
            );
        }
    }
    compatibility::behaves(&module(), 2)
}
