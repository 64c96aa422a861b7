//! Requests that a module suspends and answers later in a timed callback, and what the connection's
//! hooks are told when it leaves and enters a thread. What holds here holds under Apache's event MPM.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use httpd_tests::{
    client::{Client, get},
    differential::serve,
    host::{Host, Kind, Place, allow_open_files},
    modules::{compile, source},
    site::Site,
};

fn start(more: &str) -> Result<(Site, Place, Host)> {
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    let place = Place::new()?;
    let module = compile(&source("mod_later.c"), place.path())?;
    let mut sections = String::new();
    for handler in ["later", "told", "counts", "asks"] {
        sections.push_str(&format!(
            "<Location /{handler}>\nSetHandler {handler}\n</Location>\n"
        ));
    }
    let configuration = serve(
        &site,
        "",
        &format!(
            "StartServers 1\nServerLimit 1\nMaxKeepAliveRequests 0\n{more}\n\
             LoadModule later_module {}\n{sections}",
            module.display()
        ),
    );
    let host = Host::start(Kind::under_test(), &configuration)?;
    Ok((site, place, host))
}

fn ask(client: &mut Client, path: &str) -> Result<String> {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))?;
    Ok(client.receive(false)?.text())
}

/// Asks until something holds.
fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !holds()? {
        ensure!(Instant::now() < deadline, "not in time: {what}");
        thread::yield_now();
    }
    Ok(())
}

#[test]
fn hooks_hear_when_a_connection_leaves_its_thread_and_comes_back() -> Result<()> {
    let (_site, _place, host) = start("")?;
    let mut client = Client::connect(host.port())?;
    ensure!(ask(&mut client, "/told")? == "\n");
    for _ in 0..6 {
        ensure!(ask(&mut client, "/page.html")? == "a page\n");
    }
    // A request that is there before the one before it has ended keeps the thread.
    let told = ask(&mut client, "/told")?;
    let pairs = told.trim().len() / 2;
    ensure!(
        told.trim() == "sr".repeat(pairs) && (1..=7).contains(&pairs),
        "{told}"
    );
    if Kind::under_test() == Kind::Apache {
        // Its timed callbacks wait until something else wakes the listener.
        return Ok(());
    }
    ensure!(ask(&mut client, "/later?50")? == "later\n");
    // Suspended with its request, resumed without, and then as any other.
    let after = ask(&mut client, "/told")?;
    let (before, more) = after.trim().split_once('S').context("no suspension")?;
    ensure!(
        before.starts_with(told.trim()) && ["r", "rsr"].contains(&more),
        "{told}{after}"
    );
    Ok(())
}

#[test]
fn modules_are_told_what_the_mpm_can_do() -> Result<()> {
    let (_site, _place, host) = start("")?;
    // 17 and 18 are numbers of a later version: whether it can suspend, and poll for modules.
    let wanted =
        "2: 0 1\n3: 0 2\n14: 0 1\n17: 70023 0\n18: 70023 0\n19: 0 1\n16: 70023 0\n99: 70023 0\n";
    ensure!(get(host.port(), "/asks")?.text() == wanted);
    Ok(())
}

/// How many are suspended now, were at most, and whose client was gone.
fn counts(host: &Host) -> Result<(u32, u32, u32)> {
    let text = get(host.port(), "/counts")?.text();
    let words = text.split([' ', ',']).filter_map(|word| word.parse().ok());
    let numbers: Vec<u32> = words.collect();
    match numbers[..] {
        [now, most, gone, ..] => Ok((now, most, gone)),
        _ => bail!("{text}"),
    }
}

#[test]
fn two_thousand_requests_wait_without_threads() -> Result<()> {
    const WAITING: usize = 2000;
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    let files = allow_open_files(6000);
    ensure!(files > WAITING as u64 + 500, "only {files} open files");
    let (_site, _place, host) = start("")?;
    let mut clients = Vec::with_capacity(WAITING);
    for _ in 0..WAITING {
        let mut client = Client::connect(host.port())?;
        client.send("GET /later?2500 HTTP/1.1\r\nHost: a\r\n\r\n")?;
        clients.push(client);
    }
    until("all are suspended", || {
        Ok(counts(&host)?.1 == WAITING as u32)
    })?;
    let child = *host.children().first().context("no child")?;
    let threads = fs::read_dir(format!("/proc/{child}/task"))?.count();
    ensure!(threads < 120, "{threads} threads");
    // Others are served meanwhile.
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    for client in &mut clients {
        ensure!(client.receive(false)?.text() == "later\n");
    }
    // Their connections go on.
    for client in clients.iter_mut().step_by(100) {
        ensure!(ask(client, "/page.html")? == "a page\n");
    }
    ensure!(counts(&host)? == (0, WAITING as u32, 0));
    let threads = fs::read_dir(format!("/proc/{child}/task"))?.count();
    ensure!(threads < 120, "{threads} threads");
    Ok(())
}

#[test]
fn clients_may_leave_while_their_requests_are_suspended() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    let (_site, _place, host) = start("")?;
    for reset in [true, false] {
        let mut client = Client::connect(host.port())?;
        client.send("GET /later?300 HTTP/1.1\r\nHost: a\r\n\r\n")?;
        until("it is suspended", || Ok(counts(&host)?.0 == 1))?;
        if reset {
            client.reset()?;
        } else {
            drop(client);
        }
        until("it is done with", || Ok(counts(&host)?.0 == 0))?;
    }
    let mut client = Client::connect(host.port())?;
    ensure!(ask(&mut client, "/later?10")? == "later\n");
    ensure!(counts(&host)?.1 == 1);
    Ok(())
}

#[test]
fn suspended_requests_are_finished_over_a_graceful_restart() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    let (_site, _place, host) = start("")?;
    let before = host.children();
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = Client::connect(host.port())?;
        client.send("GET /later?1500 HTTP/1.1\r\nHost: a\r\n\r\n")?;
        clients.push(client);
    }
    until("all are suspended", || Ok(counts(&host)?.0 == 20))?;
    host.signal(libc::SIGUSR1);
    until("another child serves", || {
        Ok(host.children().iter().any(|child| !before.contains(child)) && counts(&host)?.1 == 0)
    })?;
    for client in &mut clients {
        ensure!(client.receive(false)?.text() == "later\n");
        ensure!(client.is_closed());
    }
    until("the old child has left", || {
        Ok(host.children().iter().all(|child| !before.contains(child)))
    })
}
