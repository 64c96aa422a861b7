//! What goes on when a child dies: other children's requests, the queue of connections, and the start of
//! another child.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{self, Client},
    host::{Place, until},
};

use super::world::World;

/// The process that answered.
fn pid(text: &str) -> Result<i32> {
    let word = text.split_whitespace().last().context("it says its pid")?;
    Ok(word.parse()?)
}

/// Asks on a connection that is kept alive.
fn ask(client: &mut Client, path: &str) -> Result<String> {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))?;
    Ok(client.receive(false)?.text())
}

/// Connections to different children.
fn to_different_children(world: &World) -> Result<BTreeMap<i32, Client>> {
    let mut clients = BTreeMap::new();
    until("two children have answered", || {
        let mut client = Client::connect(world.host.port())?;
        let pid = pid(&ask(&mut client, "/who")?)?;
        clients.entry(pid).or_insert(client);
        Ok(clients.len() >= 2)
    })?;
    Ok(clients)
}

#[test]
fn requests_of_other_children_go_on() -> Result<()> {
    let world = World::start("StartServers 2\nMinSpareThreads 30\nMaxSpareThreads 75\n")?;
    let place = Place::new()?;
    let go = place.path().join("run/go");
    let mut clients = to_different_children(&world)?;
    let (dying, mut crashing) = clients.pop_first().context("two children")?;
    let (other, mut waiting) = clients.pop_first().context("two children")?;
    let mut lost = Client::connect(world.host.port())?;
    until("a third connection is in the child that will die", || {
        let at = pid(&ask(&mut lost, "/who")?)?;
        if at != dying {
            lost = Client::connect(world.host.port())?;
        }
        Ok(at == dying)
    })?;
    for client in [&mut waiting, &mut lost] {
        client.send(format!(
            "GET /wait?{} HTTP/1.1\r\nHost: a\r\n\r\n",
            go.display()
        ))?;
    }
    crashing.send("GET /handler/segv HTTP/1.1\r\nHost: a\r\n\r\n")?;
    ensure!(crashing.receive_rest().unwrap_or_default().is_empty());
    ensure!(lost.receive_rest().unwrap_or_default().is_empty());
    let report = world.report(0)?;
    ensure!(report.pid == dying);
    // The one that crashed, the one that waited, and those that asked who was there and are kept.
    let told = report.lines.last().context("there are lines")?;
    let count: u32 = told.rsplit(' ').next().context("a number")?.parse()?;
    ensure!(count >= 2, "{told}");
    fs::write(&go, "")?;
    let answer = waiting.receive(false)?;
    ensure!(answer.status() == 200 && pid(&answer.text())? == other);
    // The other child had a life before, and goes on; so does another in the place of the dead one.
    until("there are two children again", || {
        Ok(world.host.children().len() == 2)
    })?;
    ensure!(pid(&ask(&mut waiting, "/who")?)? == other);
    until("the new child serves", || {
        let pid = pid(&client::get(world.host.port(), "/who")?.text())?;
        Ok(pid != other && pid != dying)
    })
}

#[test]
fn connections_in_the_queue_are_not_lost() -> Result<()> {
    // A child that serves one connection at a time: the others wait in the system's queue.
    let world = World::start(
        "LoadModule mpm_prefork_module @MODULES@/mod_mpm_prefork.so\nStartServers 1\n\
         MinSpareServers 1\nMaxSpareServers 2\nMaxRequestWorkers 1\nServerLimit 1\n",
    )?;
    let place = Place::new()?;
    let go = place.path().join("run/go");
    let mut first = Client::connect(world.host.port())?;
    first.send(format!(
        "GET /wait?{} HTTP/1.1\r\nHost: a\r\n\r\nGET /handler/segv HTTP/1.1\r\nHost: a\r\n\r\n",
        go.display()
    ))?;
    let mut queued = Vec::new();
    for _ in 0..8 {
        let mut client = Client::connect(world.host.port())?;
        client.send("GET /alive HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
        queued.push(client);
    }
    fs::write(&go, "")?;
    let crashed = world.report(0)?.pid;
    for mut client in queued {
        let answer = client.receive(false)?;
        ensure!(answer.status() == 200, "{answer:?}");
        ensure!(pid(&answer.text())? != crashed);
    }
    Ok(())
}

#[test]
fn answers_half_sent_end_early() -> Result<()> {
    let world = World::start("")?;
    let mut client = Client::connect(world.host.port())?;
    client.send("GET /half/segv HTTP/1.1\r\nHost: a\r\n\r\n")?;
    let rest = client.receive_rest().unwrap_or_default();
    let text = String::from_utf8_lossy(&rest);
    // Chunked: without the last chunk nobody takes it for whole.
    ensure!(
        text.contains("half") && !text.ends_with("0\r\n\r\n"),
        "{text}"
    );
    world.report(0).map(drop)
}

#[test]
fn children_that_keep_dying_are_replaced_with_pauses() -> Result<()> {
    let allowed = Place::new()?;
    let file = allowed.path().join("run/quiet");
    fs::write(&file, "")?;
    let world = World::start(&format!(
        "StartServers 2\nMinSpareThreads 30\nMaxSpareThreads 75\nCrashIn child_init segv {}\n",
        file.display()
    ))?;
    until("both children are there", || {
        Ok(world.host.children().len() == 2)
    })?;
    let clients = to_different_children(&world)?;
    fs::remove_file(&file)?;
    let victim = *clients.keys().next().context("two children")?;
    drop(clients);
    let begun = Instant::now();
    // SAFETY: a plain system call on a child of the server started here.
    unsafe { libc::kill(victim, libc::SIGSEGV) };
    // The first ones come at once, then more and more slowly: 200 ms, 400, 800.
    until("seven have died", || Ok(world.reports()?.len() >= 7))?;
    let reports = world.reports()?;
    ensure!(begun.elapsed() > Duration::from_millis(1300), "no pauses");
    ensure!(
        reports[0].headline.contains("SIGSEGV (sent by process "),
        "{}",
        reports[0].headline
    );
    reports[3].says(&[" in mod_crash.c in its hook child_init"])?;
    // The server survives, and its other child serves.
    world.answers("/alive", 200)?;
    fs::write(&file, "")?;
    until("there is a child again", || {
        Ok(world.host.children().len() == 2)
    })?;
    world.answers("/alive", 200).map(drop)
}
