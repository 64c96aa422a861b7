//! The listening sockets of the MPM under test: how long their queues are, and the sets of them that
//! ListenCoresBucketsRatio asks for.

use std::{
    collections::BTreeSet,
    fs,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client, compatibility,
    differential::serve,
    host::{Host, Kind, until},
    mpm::Mpm,
    site::Site,
};

const KINDS: [fn() -> Kind; 2] = [|| Kind::Apache, Kind::under_test];

fn site() -> Result<Site> {
    let site = Site::new()?;
    site.file("doc.txt", "document\n")?;
    Ok(site)
}

/// The listening sockets of a port, by their numbers in the system.
fn listening(port: u16) -> Result<BTreeSet<String>> {
    let wanted = format!(":{port:04X}");
    let table = fs::read_to_string("/proc/net/tcp")?;
    let lines = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = lines
        .filter(|columns| columns.len() > 9 && columns[1].ends_with(&wanted) && columns[3] == "0A");
    Ok(ours.map(|columns| columns[9].to_owned()).collect())
}

/// Those of them that a process has.
fn of_process(pid: i32, sockets: &BTreeSet<String>) -> BTreeSet<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten();
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let numbers = targets.filter_map(|target| {
        let target = target.to_string_lossy();
        let number = target.strip_prefix("socket:[")?.strip_suffix(']')?;
        sockets.get(number).cloned()
    });
    numbers.collect()
}

/// How often each is had by children that have one.
fn shares(host: &Host, sockets: &BTreeSet<String>) -> Vec<BTreeSet<String>> {
    let children = host.children().into_iter();
    let shares = children.map(|child| of_process(child, sockets));
    shares.filter(|share| !share.is_empty()).collect()
}

/// As few spare threads as there may be, and a child more than sets.
fn settings(sets: usize) -> String {
    let spare = if Mpm::under_test().is_threaded() {
        "MinSpareThreads 1\nMaxSpareThreads 400\nServerLimit 16\nMaxRequestWorkers 400\n"
    } else {
        "MinSpareServers 1\nMaxSpareServers 40\n"
    };
    format!("StartServers {}\n{spare}", sets + 1)
}

/// Each set has a socket, each child one set, and no set is without a child.
fn is_spread(host: &Host, sets: usize) -> Result<bool> {
    let sockets = listening(host.port())?;
    let shares = shares(host, &sockets);
    let covered: BTreeSet<String> = shares.iter().flatten().cloned().collect();
    Ok(sockets.len() == sets
        && covered == sockets
        && shares.iter().all(|share| share.len() == 1)
        && shares.len() > sets)
}

#[test]
fn sets_of_listening_sockets() -> Result<()> {
    let site = site()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for kind in KINDS {
        for (ratio, sets) in [(1, cores), (1_000, 1)] {
            let more = settings(sets);
            let lines = format!(
                "ListenCoresBucketsRatio {ratio}\n{}",
                serve(&site, "", &more)
            );
            let host = Host::start(kind(), &lines)?;
            until("each set has a child", || is_spread(&host, sets)).with_context(|| {
                let sockets = listening(host.port());
                format!(
                    "{:?} {ratio}: {sockets:?} {:?}",
                    host.kind(),
                    host.children()
                )
            })?;
            // Whichever set the system chooses, somebody takes the connection.
            for _ in 0..20 {
                ensure!(client::get(host.port(), "/doc.txt")?.status() == 200);
            }
        }
    }
    compatibility::behaves(&format!("mpm_{}", Mpm::under_test().name()), 3)
}

/// A set whose children die has others at once: the system goes on to send connections to it.
#[test]
fn no_set_stays_without_a_child() -> Result<()> {
    let site = site()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let more = settings(cores);
    let text = format!("ListenCoresBucketsRatio 1\n{}", serve(&site, "", &more));
    for kind in KINDS {
        let host = Host::start(kind(), &text)?;
        until("each set has a child", || is_spread(&host, cores))?;
        let sockets = listening(host.port())?;
        let socket = sockets.first().context("no socket")?;
        let has = |child: &i32| of_process(*child, &sockets).contains(socket);
        let victims: Vec<i32> = host.children().into_iter().filter(has).collect();
        ensure!(!victims.is_empty());
        for &child in &victims {
            // SAFETY: a plain system call on a child of the server started here.
            unsafe { libc::kill(child, libc::SIGKILL) };
        }
        until("the set has a child again", || {
            let children = host.children();
            Ok(children
                .iter()
                .any(|child| has(child) && !victims.contains(child)))
        })
        .with_context(|| format!("{:?}\n{}", host.kind(), host.messages()))?;
        for _ in 0..20 {
            ensure!(client::get(host.port(), "/doc.txt")?.status() == 200);
        }
    }
    compatibility::behaves(&format!("mpm_{}", Mpm::under_test().name()), 1)
}

/// Sets that were there stay over graceful restarts, in which no connection is lost, and come with one;
/// Apache neither adds nor takes away.
#[test]
fn sets_of_listening_sockets_and_restarts() -> Result<()> {
    let site = site()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let more = settings(cores);
    let text = format!("#ListenCoresBucketsRatio\n{}", serve(&site, "", &more));
    let host = Host::start(Kind::Ours, &text)?;
    let file = host.place().path().join("conf/httpd.conf");
    let written = fs::read_to_string(&file)?;
    let first = listening(host.port())?;
    ensure!(first.len() == 1, "{first:?}");
    let done = AtomicBool::new(false);
    let ask = || -> Result<usize> {
        let mut count = 0;
        while !done.load(Ordering::Relaxed) {
            let answer = client::get(host.port(), "/doc.txt")
                .with_context(|| format!("request {count}\n{}", host.messages()))?;
            ensure!(answer.status() == 200, "{}", answer.status_line);
            count += 1;
        }
        Ok(count)
    };
    let starts = || {
        host.messages()
            .matches("resuming normal operations")
            .count()
    };
    let restart = |lines: &str, begun: usize| -> Result<BTreeSet<String>> {
        let before = host.children();
        fs::write(&file, written.replace("#ListenCoresBucketsRatio\n", lines))?;
        host.signal(libc::SIGUSR1);
        until("the new generation runs", || {
            Ok(starts() > begun && host.children().iter().all(|child| !before.contains(child)))
        })?;
        until("each set has a child", || is_spread(&host, cores))
            .with_context(|| format!("{lines}: {:?}", listening(host.port())))?;
        listening(host.port())
    };
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(ask)).collect();
        let work = || -> Result<()> {
            let more = restart("ListenCoresBucketsRatio 1\n", 1)?;
            ensure!(first.is_subset(&more), "{first:?} {more:?}");
            // One set would do now, but connections may wait in the others.
            let kept = restart("\n", 2)?;
            ensure!(kept == more, "{kept:?} {more:?}");
            let kept = restart("ListenCoresBucketsRatio 1000\n", 3)?;
            ensure!(kept == more, "{kept:?} {more:?}");
            Ok(())
        };
        let worked = work();
        done.store(true, Ordering::Relaxed);
        for thread in threads {
            let count = thread.join().ok().context("a client panicked")??;
            ensure!(count > 0, "nothing was asked meanwhile");
        }
        worked
    })?;
    compatibility::behaves(&format!("mpm_{}", Mpm::under_test().name()), 3)
}

/// ListenBacklog, as `ss` shows it.
#[test]
fn queues_are_as_long_as_asked() -> Result<()> {
    let site = site()?;
    for (lines, length) in [("", "511"), ("ListenBacklog 77\n", "77")] {
        for kind in KINDS {
            let host = Host::start(kind(), &format!("{lines}{}", serve(&site, "", "")))?;
            let output = std::process::Command::new("ss")
                .args(["-ltnH", &format!("sport = :{}", host.port())])
                .output()?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let queue = text.split_whitespace().nth(2);
            ensure!(queue == Some(length), "{:?} {lines}: {text}", host.kind());
        }
    }
    compatibility::behaves(&format!("mpm_{}", Mpm::under_test().name()), 2)
}
