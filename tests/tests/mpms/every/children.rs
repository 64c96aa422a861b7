//! How many children there are, and how they come and go.

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{Client, get},
    compatibility,
    host::{Host, Kind, Place, fill, free_ports, until, until_within},
    mpm::Mpm,
};

use super::Gates;

/// The limits of a server, in children.
struct Limits {
    lines: &'static str,
    /// At first.
    start: usize,
    /// Connections that a child serves at once.
    threads: usize,
    min_spare: usize,
    max_spare: usize,
    most: usize,
}

fn limits() -> Limits {
    if Mpm::under_test().is_threaded() {
        Limits {
            lines: "StartServers 1\nServerLimit 4\nThreadLimit 4\nThreadsPerChild 4\n\
                    MaxRequestWorkers 16\nMinSpareThreads 3\nMaxSpareThreads 8\n",
            start: 1,
            threads: 4,
            min_spare: 3,
            max_spare: 8,
            most: 16,
        }
    } else {
        Limits {
            lines: "StartServers 2\nServerLimit 8\nMaxRequestWorkers 8\nMinSpareServers 2\n\
                    MaxSpareServers 4\n",
            start: 2,
            threads: 1,
            min_spare: 2,
            max_spare: 4,
            most: 8,
        }
    }
}

/// A number of the status page.
fn status(port: u16, name: &str) -> Result<usize> {
    let text = get(port, "/server-status?auto")?.text();
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    Ok(value
        .with_context(|| format!("no {name} in {text}"))?
        .parse()?)
}

/// The number of children rises with the load and falls behind it, within the spare settings, and no
/// request is lost when children are dismissed.
pub fn follow_the_load() -> Result<()> {
    let limits = limits();
    let gates = Gates::new()?;
    let more = format!("{}LogLevel debug\n", limits.lines);
    let host = Host::start(Kind::under_test(), &gates.configuration("", &more))?;
    let port = host.port();
    let settled = |what: &str, fits: &dyn Fn(usize) -> bool| {
        until(what, || {
            ensure!(host.children().len() <= limits.most / limits.threads);
            Ok(fits(host.children().len()))
        })
        .with_context(|| format!("children: {:?}", host.children()))
    };
    settled("children start", &|count| count >= limits.start)?;
    // As many as leave a thread for the status page at any time.
    let (few, many) = (limits.most / 2, limits.most - limits.min_spare - 1);
    let mut waiting = Vec::new();
    for wanted in [few, many] {
        while waiting.len() < wanted {
            waiting.push(gates.wait(port, "open")?);
        }
        until("enough are idle", || {
            ensure!(host.children().len() <= limits.most / limits.threads);
            // Children of our event MPM take more than they have threads; those are not shown.
            let shown = Mpm::under_test() == Mpm::Event || status(port, "BusyWorkers")? > wanted;
            Ok(shown && status(port, "IdleWorkers")? + 1 >= limits.min_spare)
        })
        .with_context(|| format!("{wanted} wait, children: {:?}", host.children()))?;
    }
    let most = host.children().len();

    let enough = if Mpm::under_test() == Mpm::Event {
        limits.start + 1
    } else {
        (many + limits.min_spare).div_ceil(limits.threads)
    };
    ensure!(most >= enough, "{most} children");

    // Others are served all the while.
    let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| -> Result<()> {
        let other = scope.spawn(|| -> Result<()> {
            while !stop.load(Ordering::Relaxed) {
                ensure!(get(port, "/page.html")?.text() == "a page\n");
                served.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        gates.open("open")?;
        let fallen = (|| {
            for client in &mut waiting {
                ensure!(client.receive(false)?.status() == 200);
            }
            // One is busy with the others.
            settled("the surplus has left", &|count| {
                count * limits.threads <= limits.max_spare + 1
            })
        })();
        stop.store(true, Ordering::Relaxed);
        other.join().ok().context("the client panicked")??;
        fallen
    })?;
    ensure!(served.load(Ordering::Relaxed) > 0);
    // Not fewer than needed.
    until("enough are idle", || {
        Ok(status(port, "IdleWorkers")? + 1 >= limits.min_spare)
    })?;
    ensure!(
        !host.messages().contains("exit signal"),
        "{}",
        host.messages()
    );
    compatibility::behaves("core status", 5)
}

/// What goes beyond MaxRequestWorkers waits where connections wait to be accepted, and the log says once
/// that the limit has been reached.
pub fn wait_in_the_queue_beyond_the_limit() -> Result<()> {
    let limits = limits();
    let gates = Gates::new()?;
    let host = Host::start(Kind::under_test(), &gates.configuration("", limits.lines))?;
    let port = host.port();
    let mut waiting = Vec::new();
    // Children of our event MPM take more than they have threads.
    let beyond = if Mpm::under_test() == Mpm::Event {
        4 * limits.most
    } else {
        3
    };
    for _ in 0..limits.most + beyond {
        waiting.push(gates.wait(port, "open")?);
    }
    let said = |code: &str| host.messages().matches(code).count();
    let code = match Mpm::under_test() {
        // Its children take connections in and let requests wait there.
        Mpm::Event => None,
        Mpm::Worker => Some("AH00286: "),
        Mpm::Prefork => Some("AH00161: "),
    };
    if let Some(code) = code {
        until("the log says so", || {
            ensure!(host.children().len() <= limits.most / limits.threads);
            Ok(said(code) > 0)
        })
        .with_context(|| format!("children: {:?}, {}", host.children(), host.messages()))?;
        ensure!(host.children().len() == limits.most / limits.threads);
    }
    gates.open("open")?;
    for client in &mut waiting {
        ensure!(client.receive(false)?.status() == 200);
    }
    ensure!(host.children().len() <= limits.most / limits.threads);
    if let Some(code) = code {
        ensure!(said(code) == 1, "{}", host.messages());
    }
    compatibility::behaves("core", 2)
}

/// MaxConnectionsPerChild counts connections, not requests; a child finishes the one that was its last.
pub fn leave_after_their_connections() -> Result<()> {
    let gates = Gates::new()?;
    let lines = if Mpm::under_test().is_threaded() {
        "StartServers 1\nThreadsPerChild 4\nMinSpareThreads 1\nMaxSpareThreads 5\n"
    } else {
        "StartServers 1\nMinSpareServers 1\nMaxSpareServers 2\n"
    };
    let more = format!("{lines}MaxConnectionsPerChild 4\nMaxKeepAliveRequests 0\nServerLimit 4\n");
    let host = Host::start(Kind::under_test(), &gates.configuration("", &more))?;
    let port = host.port();
    gates.open("open")?;
    let mut pids = BTreeSet::new();
    for _ in 0..12 {
        let mut client = Client::connect(port)?;
        for _ in 0..5 {
            client.send("GET /gate?open HTTP/1.1\r\nHost: a\r\n\r\n")?;
            let answer = client.receive(false)?;
            ensure!(answer.status() == 200, "{}", answer.status_line);
            pids.insert(answer.text());
            if answer.field("Connection") == Some("close") {
                break;
            }
        }
    }
    ensure!(pids.len() >= 3, "twelve connections by {pids:?}");
    compatibility::behaves("core", 1)
}

/// A graceful order lets a request end and takes no time where there is none; an order to stop does not
/// wait, whatever a module does.
pub fn end_at_once_or_in_order() -> Result<()> {
    let gates = Gates::new()?;
    let mut host = Host::start(Kind::under_test(), &gates.configuration("", ""))?;
    let port = host.port();
    let busy = || {
        until("the request is under way", || {
            Ok(status(port, "BusyWorkers")? > 1)
        })
    };
    let mut waiting = gates.wait(port, "first")?;
    busy()?;
    let before = host.children();
    host.signal(libc::SIGUSR1);
    until("there are successors", || {
        Ok(host.children().iter().any(|child| !before.contains(child)))
    })?;
    until("new requests go to them", || {
        gates.open("now")?;
        let mut client = gates.wait(port, "now")?;
        let pid: i32 = client.receive(false)?.text().trim().parse()?;
        Ok(!before.contains(&pid))
    })?;
    gates.open("first")?;
    let answer = waiting.receive(false)?;
    let pid: i32 = answer.text().trim().parse()?;
    ensure!(before.contains(&pid), "{pid} is none of {before:?}");
    until("the old ones have left", || {
        Ok(host.children().iter().all(|child| !before.contains(child)))
    })?;
    let _waiting = gates.wait(port, "never")?;
    busy()?;
    let begun = Instant::now();
    host.signal(libc::SIGTERM);
    host.wait_for_end()?;
    let took = begun.elapsed();
    // Apache gives threads some seconds.
    let limit = if host.kind() == Kind::Ours { 3 } else { 15 };
    ensure!(took < Duration::from_secs(limit), "{took:?}");
    compatibility::behaves("core", 3)
}

/// `-X`: one process, which stops when it is interrupted or told to.
pub fn alone_in_the_foreground() -> Result<()> {
    let gates = Gates::new()?;
    gates.open("open")?;
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let place = Place::new()?;
        let ports = free_ports(1)?;
        let kind = Kind::under_test();
        let mpm = Mpm::under_test();
        let text = format!(
            "{}LoadModule authz_core_module @MODULES@/mod_authz_core.so\n{}{}",
            mpm.load(kind),
            mpm.preamble(),
            gates.configuration("", "")
        );
        let file = place.path().join("conf/httpd.conf");
        std::fs::write(&file, fill(&text, place.path(), &ports))?;
        let mut command = Command::new(kind.program());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command
            .arg("-d")
            .arg(place.path())
            .arg("-f")
            .arg(&file)
            .arg("-X")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pid = process.id();
        let outcome = (|| {
            until("it serves", || Ok(get(ports[0], "/page.html").is_ok()))?;
            for _ in 0..3 {
                let answer = get(ports[0], "/gate?open")?;
                ensure!(answer.text().trim() == pid.to_string(), "{}", answer.text());
            }
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
            ensure!(children.trim().is_empty(), "children: {children}");
            // SAFETY: a plain system call on a process that was started here.
            unsafe { libc::kill(pid as i32, signal) };
            until_within(Duration::from_secs(12), "it has ended", || {
                Ok(process.try_wait()?.is_some())
            })
            .with_context(|| format!("signal {signal}"))
        })();
        if outcome.is_err() {
            let _ = process.kill();
            let _ = process.wait();
        }
        outcome?;
    }
    compatibility::behaves("core", 2)
}
