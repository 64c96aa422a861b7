//! What is under way when the server restarts or stops.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use httpd_tests::{
    client::{Client, get},
    host::{Host, Kind, until},
    modules::{compile, source},
    site::Site,
};

use crate::world::{PAGE, lives, one_page, restart, start};

const LARGE: usize = 16 << 20;

/// A site with a large file, a program that counts what it is sent, and the configuration.
fn with_upload() -> Result<(Site, String)> {
    let (site, configuration) = one_page()?;
    site.file("large.bin", vec![b'x'; LARGE])?;
    site.program(
        "count",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nwc -c\n",
    )?;
    let configuration = format!(
        "LoadModule cgid_module @MODULES@/mod_cgid.so\nLoadModule alias_module \
         @MODULES@/mod_alias.so\nScriptSock cgid.sock\nScriptAlias /count \
         \"{}/count\"\n{configuration}",
        site.path().display()
    );
    Ok((site, configuration))
}

/// Asks again and again until an answer says that the connection closes: its child leaves.
fn until_it_leaves(client: &mut Client) -> Result<()> {
    until("the child leaves", || {
        client.send(PAGE)?;
        let answer = client.receive(false)?;
        ensure!(answer.text() == "a page\n");
        Ok(answer.field("Connection") == Some("close"))
    })
}

/// A connection that has had an answer.
fn kept(host: &Host) -> Result<Client> {
    let mut client = Client::connect(host.port())?;
    client.send(PAGE)?;
    client.receive(false)?;
    Ok(client)
}

/// Asks for the large file and takes only a little of it.
fn begin_download(host: &Host) -> Result<Client> {
    let mut client = Client::connect(host.port())?;
    client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    ensure!(client.receive_head()?.status() == 200);
    Ok(client)
}

#[test]
fn a_long_download_and_a_long_upload_finish_over_several_graceful_restarts() -> Result<()> {
    let (_site, configuration) = with_upload()?;
    let host = start(&configuration)?;
    let mut download = begin_download(&host)?;
    if host.kind() == Kind::Apache {
        // It ends the daemon that starts programs before the children that use it.
        restart(&host, libc::SIGUSR1)?;
        ensure!(download.discard_rest()? == LARGE as u64);
        return Ok(());
    }
    let mut upload = Client::connect(host.port())?;
    upload.send(format!(
        "POST /count HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        5 * 1000
    ))?;
    upload.send([b'u'; 1000])?;
    // Both are accepted when one that came later has been answered.
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    for _ in 0..4 {
        restart(&host, libc::SIGUSR1)?;
        upload.send([b'u'; 1000])?;
        ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    }
    let answer = upload.receive(false)?;
    ensure!(answer.text().trim() == "5000", "{answer:?}");
    ensure!(download.discard_rest()? == LARGE as u64);
    Ok(())
}

#[test]
fn a_request_that_has_begun_to_come_is_answered_by_the_child_that_leaves() -> Result<()> {
    let (_site, configuration) = one_page()?;
    let host = start(&configuration)?;
    let (mut other, mut begun) = (kept(&host)?, kept(&host)?);
    let (head, tail) = PAGE.split_at(30);
    begun.send(head)?;
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    restart(&host, libc::SIGUSR1)?;
    if Kind::under_test() == Kind::Ours {
        until_it_leaves(&mut other)?;
    }
    begun.send(tail)?;
    let answer = begun.receive(false)?;
    ensure!(answer.text() == "a page\n" && answer.field("Connection") == Some("close"));
    Ok(())
}

#[test]
fn an_idle_connection_is_answered_once_more_and_closed_in_time() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // It closes idle connections at once.
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    let host = start(&format!("{configuration}KeepAliveTimeout 60\n"))?;
    let (mut asks, mut waits) = (kept(&host)?, kept(&host)?);
    let children = host.children();
    restart(&host, libc::SIGUSR1)?;
    until_it_leaves(&mut asks)?;
    ensure!(asks.is_closed());
    let begun = Instant::now();
    ensure!(waits.is_closed());
    let took = begun.elapsed();
    ensure!(
        took < Duration::from_secs(10),
        "an idle connection kept its child for {took:?}"
    );
    drop(waits);
    until("the old children are gone", || {
        Ok(children.iter().all(|&child| !lives(child)))
    })
}

#[test]
fn the_timeout_bounds_what_children_that_leave_may_finish() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // There it counts for stops alone.
        return Ok(());
    }
    let (_site, configuration) = with_upload()?;
    let host = start(&format!("GracefulShutdownTimeout 1\n{configuration}"))?;
    let mut download = begin_download(&host)?;
    let children = host.children();
    restart(&host, libc::SIGUSR1)?;
    until("the old children are gone", || {
        Ok(children.iter().all(|&child| !lives(child)))
    })?;
    let got = download.discard_rest().unwrap_or(0);
    ensure!(got < LARGE as u64, "{got} bytes came");
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    Ok(())
}

#[test]
fn a_restart_at_once_cuts_requests_but_not_the_queue() -> Result<()> {
    let (_site, configuration) = with_upload()?;
    let host = start(&configuration)?;
    let mut download = begin_download(&host)?;
    let children = host.children();
    host.signal(libc::SIGHUP);
    // New connections find a place in the queue meanwhile, and are served.
    let mut answered = 0;
    until("the old children are gone", || {
        let mut client = Client::connect(host.port())?;
        client.send("GET /page.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
        // One that an old child has accepted is cut with it.
        answered += u32::from(client.receive(false).is_ok());
        Ok(children.iter().all(|&child| !lives(child)))
    })?;
    for _ in 0..20 {
        ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    }
    ensure!(answered > 0);
    let got = download.discard_rest().unwrap_or(0);
    ensure!(got < LARGE as u64, "{got} bytes came");
    Ok(())
}

#[test]
fn nobody_is_refused_while_the_server_restarts_without_end() -> Result<()> {
    let (_site, configuration) = one_page()?;
    let host = start(&configuration)?;
    let mut connections = 0;
    for _ in 0..5 {
        let started = crate::world::times_started(&host);
        host.signal(libc::SIGUSR1);
        until("the server has restarted", || {
            let mut stream = TcpStream::connect(("127.0.0.1", host.port()))?;
            stream.write_all(b"GET /page.html HTTP/1.0\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            ensure!(answer.ends_with("a page\n"), "{answer:?}");
            connections += 1;
            Ok(crate::world::times_started(&host) > started)
        })?;
    }
    ensure!(connections >= 5);
    Ok(())
}

#[test]
fn a_handler_at_work_finishes_over_a_graceful_restart_and_stop() -> Result<()> {
    let (_site, configuration) = one_page()?;
    let place = httpd_tests::host::Place::new()?;
    let object = compile(&source("mod_nap.c"), place.path())?;
    let mut host = start(&format!(
        "LoadModule nap_module {}\n{configuration}<Location /nap>\nSetHandler nap\nRequire all \
         granted\n</Location>\n",
        object.display()
    ))?;
    let nap = |host: &Host| -> Result<Client> {
        let mut client = Client::connect(host.port())?;
        client.send("GET /nap HTTP/1.1\r\nHost: a\r\n\r\n")?;
        ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
        Ok(client)
    };
    let mut first = nap(&host)?;
    restart(&host, libc::SIGUSR1)?;
    let mut second = nap(&host)?;
    host.signal(libc::SIGWINCH);
    ensure!(first.receive(false)?.text() == "rested\n");
    ensure!(second.receive(false)?.text() == "rested\n");
    ensure!(host.wait_for_end()?.success());
    Ok(())
}
