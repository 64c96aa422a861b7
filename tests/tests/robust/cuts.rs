//! Clients that leave at any byte of a request or of an answer, properly or with a reset: nothing
//! stays behind, and the log tells of them what Apache's tells.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, bail};
use httpd_tests::{client::Client, compatibility, host::Kind, mpm::Mpm};

use crate::world::{World, connect};

/// How a client leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Leave {
    /// It closes its sending side and reads what comes.
    Finish,
    /// It closes.
    Close,
    /// It resets the connection.
    Reset,
}

/// What a client sends, in the order sent.
fn requests() -> Vec<(&'static str, String)> {
    let get = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n");
    vec![
        ("keep-alive", get("/page.html", "X-Field: value\r\n")),
        (
            "pipelined",
            get("/page.html", "")
                + &get("/missing", "")
                + &get("/page.html", "Connection: close\r\n"),
        ),
        (
            "length",
            "POST /cgi/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n12345678".into(),
        ),
        (
            "chunks",
            "POST /cgi/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nA: b\r\n\r\n"
                .into(),
        ),
        (
            "unread body",
            "POST /page.html HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345".into(),
        ),
        (
            "expect",
            "POST /cgi/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
             Content-Length: 4\r\n\r\n1234"
                .into(),
        ),
        ("backend", get("/backend/x", "")),
        (
            "backend with body",
            "POST /backend/x HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n123456".into(),
        ),
        (
            "deflate",
            get("/deflated/text.txt", "Accept-Encoding: gzip\r\n"),
        ),
        ("include", get("/include.shtml", "")),
        (
            "malformed",
            "GET /page.html HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n".into(),
        ),
        ("old", "GET /page.html\r\n".into()),
    ]
}

/// What is left of a connection: its log lines.
type Traces = BTreeMap<Cut, Vec<String>>;

/// Which request, after how many bytes, and how.
type Cut = (&'static str, usize, Leave);

/// Sends every `step`th part of every request to a server, and leaves; answers which
/// port did what.
fn cut_requests(world: &World, step: usize, leaves: &[Leave]) -> Result<BTreeMap<u16, Cut>> {
    let mut used = HashSet::new();
    let mut ports = BTreeMap::new();
    for (name, request) in requests() {
        for length in (0..=request.len()).step_by(step) {
            for &leave in leaves {
                let mut client = connect(world.host.port(), &mut used)?;
                ports.insert(client.local_port()?, (name, length, leave));
                client.send(&request[..length])?;
                match leave {
                    Leave::Finish => {
                        client.finish()?;
                        // A server may reset what it has refused.
                        let _ = client.receive_rest();
                    }
                    Leave::Close => drop(client),
                    Leave::Reset => client.reset()?,
                }
            }
        }
    }
    Ok(ports)
}

/// The lines that the log has of each connection.
fn traces(world: &World, ports: BTreeMap<u16, Cut>) -> Traces {
    let log = world.log();
    let lines = |port| log.get(&port).cloned().unwrap_or_default();
    ports
        .into_iter()
        .map(|(port, cut)| (cut, lines(port)))
        .collect()
}

/// Says what differs between Apache's traces and ours.
fn compare(both: &[Traces]) -> Result<()> {
    let (apaches, ours) = (&both[0], &both[1]);
    let differing: Vec<_> = apaches
        .iter()
        .filter(|(cut, lines)| ours.get(*cut) != Some(lines))
        .map(|(cut, lines)| {
            format!(
                "{cut:?}\n  apache: {lines:?}\n  ours:   {:?}",
                ours.get(cut)
            )
        })
        .collect();
    if differing.is_empty() {
        return Ok(());
    }
    bail!(
        "{} of {} differ\n{}",
        differing.len(),
        apaches.len(),
        differing.join("\n")
    );
}

#[test]
fn requests_cut_at_any_byte_leave_nothing_and_are_logged_as_by_apache() -> Result<()> {
    let leaves = [Leave::Finish];
    let mut both = Vec::new();
    for kind in [Kind::Apache, Kind::under_test()] {
        let world = World::start(kind, "cut")?;
        let before = world.warm_up(|| {
            cut_requests(&world, 1000, &leaves)?;
            Ok(())
        })?;
        let ports = cut_requests(&world, 1, &leaves)?;
        world.is_quiet(&before)?;
        let mut seen = traces(&world, ports);
        for ((name, _, _), lines) in &mut seen {
            // Whether a first byte of the next request that was only looked at counts for the
            // request before depends on when that one's line is written.
            // And whether the length of a program's answer is known in time on how fast it writes.
            let left_out = match *name {
                "pipelined" => 4,
                "length" | "chunks" | "expect" => 5,
                _ => continue,
            };
            for line in lines {
                let mut words: Vec<&str> = line.split(' ').collect();
                words.remove(left_out);
                // The same holds for what becomes of the connection and what has been sent by then,
                // where Apache's threads own it.
                if *name == "pipelined" && Mpm::under_test() != Mpm::Event {
                    words.remove(1);
                    words.remove(3);
                }
                *line = words.join(" ");
            }
        }
        both.push(seen);
    }
    compare(&both)?;
    compatibility::behaves("core", both[0].len())
}

#[test]
fn requests_cut_by_close_or_reset_leave_nothing() -> Result<()> {
    let leaves = [Leave::Close, Leave::Reset];
    let world = World::start(Kind::under_test(), "cut")?;
    let before = world.warm_up(|| {
        cut_requests(&world, 7, &leaves)?;
        Ok(())
    })?;
    // Threads, and the memory each keeps for its next requests, come as they are needed; a leak
    // would go on growing. Some 1,500 connections a round are to take less than a megabyte in one.
    let mut sizes = vec![world.resident()];
    while sizes.len() < 12 {
        cut_requests(&world, 1, &leaves)?;
        world.is_quiet(&before)?;
        let (now, last) = (world.resident(), sizes.last().copied().unwrap_or_default());
        sizes.push(now);
        if sizes.len() > 3 && now < last + 768 {
            return Ok(());
        }
    }
    bail!("resident memory grows round by round: {sizes:?} KiB")
}

/// Receives `count` bytes of the answer to `request` and leaves.
fn receive_part(client: &mut Client, request: &str, count: usize) -> Result<()> {
    client.receive_little()?;
    client.send(request)?;
    client.receive_bytes(count)?;
    Ok(())
}

#[test]
fn answers_cut_at_any_byte_leave_nothing_and_are_logged_as_by_apache() -> Result<()> {
    let get = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n");
    let requests = [
        ("small file", get("/page.html", "")),
        ("large file", get("/large.bin", "")),
        ("endless", get("/cgi/endless", "")),
        (
            "deflate",
            get("/deflated/text.txt", "Accept-Encoding: gzip\r\n"),
        ),
        ("include", get("/include.shtml", "")),
        ("backend", get("/backend/x", "")),
    ];
    let offsets = || (0..300).step_by(13).chain((300..20_000).step_by(4999));
    let mut both = Vec::new();
    for kind in [Kind::Apache, Kind::under_test()] {
        let world = World::start(kind, "sent")?;
        let mut used = HashSet::new();
        let mut ports = BTreeMap::new();
        let before = world.warm_up(|| {
            for (_, request) in &requests {
                receive_part(
                    &mut connect(world.host.port(), &mut HashSet::new())?,
                    request,
                    1,
                )?;
            }
            Ok(())
        })?;
        for (name, request) in &requests {
            for offset in offsets() {
                for leave in [Leave::Close, Leave::Reset] {
                    let mut client = connect(world.host.port(), &mut used)?;
                    if offset > 0 || leave == Leave::Close {
                        ports.insert(client.local_port()?, (*name, offset, leave));
                    }
                    // Short answers end before: on a kept connection nothing would come any more.
                    let offset = if name.starts_with("large") || *name == "endless" {
                        offset
                    } else {
                        offset.min(100)
                    };
                    receive_part(&mut client, request, offset)?;
                    if leave == Leave::Reset {
                        client.reset()?;
                    }
                }
            }
        }
        world.is_quiet(&before)?;
        let mut seen = traces(&world, ports);
        for ((name, _, _), lines) in &mut seen {
            if *name != "large file" {
                // How far these came when the client left is a matter of time.
                for line in lines {
                    let words: Vec<&str> = line.splitn(5, ' ').collect();
                    *line = format!("{} {}", words[0], words[4]);
                }
            }
        }
        both.push(seen);
    }
    compare(&both)?;
    compatibility::behaves("core", both[0].len())
}
