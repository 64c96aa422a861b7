//! mod_php under prefork over time: pages that stream, clients that leave, locked sessions, a thousand
//! requests on several children, restarts under load and stops in the middle of a page.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use httpd_tests::{
    client::{Client, get, get_with},
    compatibility,
    host::{Host, Kind, until},
    site::Site,
};

use super::php::{pages, php};

/// A server with a directory that pages may write.
struct World {
    host: Host,
    state: Site,
    _pages: Site,
}

impl World {
    fn start(kind: Kind, more: &str) -> Result<Self> {
        let (pages, state) = (pages()?, Site::new()?);
        fs::set_permissions(state.path(), fs::Permissions::from_mode(0o777))?;
        let more = format!("SetEnv STATE {}\n{more}", state.path().display());
        let host = Host::start(kind, &php(&pages, "", &more)?)?;
        Ok(Self {
            host,
            state,
            _pages: pages,
        })
    }

    fn port(&self) -> u16 {
        self.host.port()
    }

    fn said(&self, name: &str) -> String {
        fs::read_to_string(self.state.path().join(name)).unwrap_or_default()
    }
}

fn request(client: &mut Client, path: &str) -> Result<()> {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))?;
    Ok(())
}

#[test]
fn a_page_that_flushes_is_seen_before_it_ends() -> Result<()> {
    let world = World::start(Kind::under_test(), "")?;
    let mut client = Client::connect(world.port())?;
    request(&mut client, "/gate.php")?;
    let head = client.receive_head()?;
    ensure!(head.status() == 200, "{}", head.status_line);
    ensure!(client.take(11)? == b"6\r\nfirst\n\r\n");
    fs::write(world.state.path().join("gate"), "")?;
    ensure!(client.take(12)? == b"7\r\nsecond\n\r\n");
    compatibility::behaves("php", 1)
}

/// What a page learns of a client that has left, and whether it is ended then.
#[test]
fn clients_that_leave() -> Result<()> {
    let said = |kind| -> Result<Vec<String>> {
        let world = World::start(kind, "")?;
        let mut said = Vec::new();
        for (name, ignore, resets) in [
            ("ended", 0, false),
            ("ignored", 1, false),
            ("reset", 0, true),
            ("ignoredreset", 1, true),
        ] {
            let mut client = Client::connect(world.port())?;
            request(
                &mut client,
                &format!("/leaving.php?name={name}&ignore={ignore}"),
            )?;
            client.take(200)?;
            if resets {
                client.reset()?;
            } else {
                drop(client);
            }
            until("the page has ended", || {
                Ok(world.said(name).contains("shutdown"))
            })?;
            said.push(format!("{name}: {}", world.said(name)));
        }
        ensure!(get(world.port(), "/pid.php")?.status() == 200);
        Ok(said)
    };
    let (theirs, ours) = (said(Kind::Apache)?, said(Kind::under_test())?);
    ensure!(theirs == ours, "apache: {theirs:?}\nours: {ours:?}");
    compatibility::behaves("php", theirs.len())
}

#[test]
fn a_session_is_one_requests_at_a_time() -> Result<()> {
    const CLIENTS: usize = 6;
    const EACH: usize = 8;
    let world = World::start(Kind::under_test(), "StartServers 6\n")?;
    let first = get(world.port(), "/session.php?how=slowly")?;
    let cookie = first.field("Set-Cookie").context("no cookie")?;
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let seen = std::thread::scope(|scope| -> Result<Vec<(u32, String)>> {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| -> Result<Vec<(u32, String)>> {
                    let mut seen = Vec::new();
                    for _ in 0..EACH {
                        let cookie = [("Cookie", cookie.as_str())];
                        let answer = get_with(world.port(), "/session.php?how=slowly", &cookie)?;
                        let text = answer.text();
                        let (count, pid) = text.trim().split_once(' ').context(text.clone())?;
                        seen.push((count.parse()?, pid.to_owned()));
                    }
                    Ok(seen)
                })
            })
            .collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().ok().context("a client panicked")??);
        }
        Ok(all)
    })?;
    let mut counts: Vec<u32> = seen.iter().map(|(count, _)| *count).collect();
    counts.sort_unstable();
    let wanted: Vec<u32> = (2..=(CLIENTS * EACH + 1) as u32).collect();
    ensure!(counts == wanted, "lost or doubled: {counts:?}");
    let pids: BTreeSet<&String> = seen.iter().map(|(_, pid)| pid).collect();
    ensure!(pids.len() > 1, "all by {pids:?}");
    compatibility::behaves("php", seen.len())
}

/// Keeps connections busy until `stop`; answers how many requests there were, and who answered. None may
/// fail, or find its connection closed.
fn load(
    port: u16,
    path: &str,
    stop: &AtomicBool,
    least: usize,
) -> Result<(usize, BTreeSet<String>)> {
    let (mut count, mut pids) = (0, BTreeSet::new());
    while !stop.load(Ordering::Relaxed) || count < least {
        let mut client = Client::connect(port)?;
        loop {
            request(&mut client, path)?;
            let answer = client.receive(false)?;
            ensure!(answer.status() == 200, "{}", answer.status_line);
            count += 1;
            pids.insert(answer.text());
            let closes = answer.field("Connection") == Some("close");
            if closes || count % 5 == 0 {
                break;
            }
        }
    }
    Ok((count, pids))
}

#[test]
fn a_thousand_requests_on_several_children() -> Result<()> {
    let world = World::start(
        Kind::under_test(),
        "StartServers 4\nMinSpareServers 2\nMaxSpareServers 8\nMaxConnectionsPerChild 40\n",
    )?;
    let stop = AtomicBool::new(true);
    let (port, stop) = (world.port(), &stop);
    let (mut count, mut pids) = (0, BTreeSet::new());
    std::thread::scope(|scope| -> Result<()> {
        let clients: Vec<_> = (0..5)
            .map(|_| scope.spawn(move || load(port, "/pid.php", stop, 200)))
            .collect();
        for client in clients {
            let (more, by) = client.join().ok().context("a client panicked")??;
            count += more;
            pids.extend(by);
        }
        Ok(())
    })?;
    ensure!(count >= 1000, "{count} requests");
    // Each had forty connections of five requests at most.
    ensure!(pids.len() >= 5, "by {pids:?}");
    ensure!(
        !world.host.messages().contains("exit signal"),
        "{}",
        world.host.messages()
    );
    compatibility::behaves("php", count)
}

#[test]
fn graceful_restarts_under_load_lose_no_request() -> Result<()> {
    let world = World::start(Kind::under_test(), "StartServers 4\nKeepAlive Off\n")?;
    let stop = AtomicBool::new(false);
    let (port, stop) = (world.port(), &stop);
    let restarts = if world.host.kind() == Kind::Ours {
        5
    } else {
        2
    };
    let (mut count, mut pids) = (0, BTreeSet::new());
    std::thread::scope(|scope| -> Result<()> {
        let clients: Vec<_> = (0..4)
            .map(|_| scope.spawn(move || load(port, "/pid.php?wait=2000", stop, 1)))
            .collect();
        let restarted = (0..restarts).try_for_each(|number| {
            let before = world.host.children();
            world.host.signal(libc::SIGUSR1);
            until("other children serve", || {
                let now = world.host.children();
                Ok(!now.is_empty() && now.iter().all(|child| !before.contains(child)))
            })
            .with_context(|| format!("restart {number}"))
        });
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            let (more, by) = client.join().ok().context("a client panicked")??;
            count += more;
            pids.extend(by);
        }
        restarted
    })?;
    ensure!(count > 20 && pids.len() > 4, "{count} requests by {pids:?}");
    ensure!(
        !world.host.messages().contains("exit signal"),
        "{}",
        world.host.messages()
    );
    // How many requests there were depends on the machine.
    compatibility::behaves("php", restarts)
}

/// A graceful order lets a page end, an order to stop does not.
#[test]
fn orders_in_the_middle_of_a_page() -> Result<()> {
    let mut world = World::start(Kind::under_test(), "StartServers 2\nMinSpareServers 1\n")?;
    // PHP's own handlers are in place from the second page on.
    for _ in 0..6 {
        get(world.port(), "/pid.php")?;
    }
    let mut client = Client::connect(world.port())?;
    request(&mut client, "/gate.php")?;
    client.receive_head()?;
    client.take(11)?;
    let before = world.host.children();
    world.host.signal(libc::SIGUSR1);
    until("the others have left", || {
        let now = world.host.children();
        Ok(now.iter().filter(|child| before.contains(child)).count() == 1 && now.len() > 1)
    })?;
    ensure!(get(world.port(), "/pid.php")?.status() == 200);
    fs::write(world.state.path().join("gate"), "")?;
    ensure!(client.take(12)? == b"7\r\nsecond\n\r\n");
    until("the last has left", || {
        Ok(world
            .host
            .children()
            .iter()
            .all(|child| !before.contains(child)))
    })?;
    fs::remove_file(world.state.path().join("gate"))?;
    let mut client = Client::connect(world.port())?;
    request(&mut client, "/gate.php")?;
    client.receive_head()?;
    let begun = Instant::now();
    world.host.signal(libc::SIGTERM);
    world.host.wait_for_end()?;
    if begun.elapsed() > Duration::from_secs(5) {
        bail!("the stop took {:?}", begun.elapsed());
    }
    ensure!(
        !client.receive_rest()?.ends_with(b"0\r\n\r\n"),
        "the page ended in order"
    );
    compatibility::behaves("php", 3)
}

/// A child that is stopped by itself, in the middle of a page, ends that page alone.
#[test]
fn a_child_that_is_stopped_is_replaced() -> Result<()> {
    let world = World::start(Kind::under_test(), "StartServers 2\nMinSpareServers 2\n")?;
    for _ in 0..6 {
        get(world.port(), "/pid.php")?;
    }
    let mut client = Client::connect(world.port())?;
    request(&mut client, "/gate.php?pid")?;
    client.receive_head()?;
    client.take(11)?;
    let child: i32 = world.said("pid").trim().parse()?;
    ensure!(world.host.children().contains(&child), "{child}");
    // SAFETY: a plain system call on a child of the server that this test has started.
    unsafe { libc::kill(child, libc::SIGTERM) };
    ensure!(
        !client.receive_rest()?.ends_with(b"0\r\n\r\n"),
        "the page ended in order"
    );
    until("another has taken its place", || {
        let children = world.host.children();
        Ok(!children.contains(&child) && children.len() >= 2)
    })?;
    for _ in 0..6 {
        ensure!(get(world.port(), "/pid.php")?.status() == 200);
    }
    compatibility::behaves("php", 2)
}
