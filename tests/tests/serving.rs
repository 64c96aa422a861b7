//! Serving as such: connections that stall, signals, children that die, several ports and hosts.

use std::{fs, time::Instant};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{Client, exchange, get},
    host::{Host, Kind, Place, allow_open_files, until},
    modules::{compile, source},
    mpm::Mpm,
    site::Site,
};

/// A site with one page.
fn one_page() -> Result<(Site, String)> {
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    let configuration = format!(
        "Listen 127.0.0.1:@PORT@\nDocumentRoot \"{0}\"\n<Directory \"{0}\">\nRequire all granted\n\
         </Directory>\n",
        site.path().display()
    );
    Ok((site, configuration))
}

fn start(configuration: &str) -> Result<Host> {
    Host::start(Kind::under_test(), configuration)
}

/// How many threads a process has.
fn threads(pid: i32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/task"))?.count())
}

#[test]
fn stalled_connections_cost_no_thread_and_delay_nobody() -> Result<()> {
    if Mpm::under_test() != Mpm::Event {
        // Every other one holds a thread for a connection.
        return Ok(());
    }
    const STALLED: usize = 10_000;
    let files = allow_open_files(25_000);
    ensure!(
        files > STALLED as u64 + 500,
        "this machine allows only {files} open files"
    );
    let (_site, configuration) = one_page()?;
    let host = start(&format!("ListenBacklog 4096\n{configuration}"))?;
    // Children may be added for the spare settings; what counts is how many threads one has.
    let most_threads = || -> Result<usize> {
        let threads: Vec<usize> = host
            .children()
            .iter()
            .map(|&pid| threads(pid))
            .collect::<Result<_>>()?;
        threads.into_iter().max().context("no children")
    };
    let before = most_threads()?;
    let mut stalled = Vec::with_capacity(STALLED);
    for _ in 0..STALLED {
        let mut client = Client::connect(host.port())?;
        client.send("GET /page.html HTTP/1.1\r\nHost: test.exam")?;
        stalled.push(client);
    }
    let begun = Instant::now();
    for _ in 0..100 {
        ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    }
    let took = begun.elapsed();
    let after = most_threads()?;
    ensure!(
        took.as_secs() < 5,
        "100 requests took {took:?} beside {STALLED} stalled ones"
    );
    ensure!(
        after < before + 16,
        "{after} threads of a child with {STALLED} stalled connections, {before} without"
    );
    // One that goes on after all is served.
    let client = stalled.last_mut().context("there are some")?;
    client.send("ple\r\n\r\n")?;
    ensure!(client.receive(false)?.text() == "a page\n");
    Ok(())
}

#[test]
fn a_connection_serves_many_requests_pipelined_or_not() -> Result<()> {
    let (_site, configuration) = one_page()?;
    let host = start(&format!("{configuration}MaxKeepAliveRequests 0\n"))?;
    let request = "GET /page.html HTTP/1.1\r\nHost: test.example\r\n\r\n";
    let mut client = Client::connect(host.port())?;
    for _ in 0..50 {
        client.send(request)?;
        ensure!(client.receive(false)?.text() == "a page\n");
    }
    client.send(request.repeat(50))?;
    for _ in 0..50 {
        ensure!(client.receive(false)?.text() == "a page\n");
    }
    // In pieces, as a slow line delivers it.
    for byte in request.as_bytes() {
        client.send([*byte])?;
    }
    ensure!(client.receive(false)?.text() == "a page\n");
    client.send("GET /page.html HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n")?;
    ensure!(client.receive(false)?.text() == "a page\n");
    ensure!(client.is_closed());
    Ok(())
}

#[test]
fn keep_alive_ends_after_its_timeout_and_its_number_of_requests() -> Result<()> {
    let (_site, configuration) = one_page()?;
    let host = start(&format!(
        "{configuration}KeepAliveTimeout 1\nMaxKeepAliveRequests 2\n"
    ))?;
    let request = "GET /page.html HTTP/1.1\r\nHost: test.example\r\nConnection: keep-alive\r\n\r\n";
    let mut client = Client::connect(host.port())?;
    let mut seen = Vec::new();
    loop {
        client.send(request)?;
        let answer = client.receive(false)?;
        if answer.field("Connection") == Some("close") {
            break;
        }
        seen.push(answer.field("Keep-Alive").unwrap_or_default().to_owned());
    }
    ensure!(seen == ["timeout=1, max=2", "timeout=1, max=1"], "{seen:?}");
    ensure!(client.is_closed());
    let mut client = Client::connect(host.port())?;
    client.send(request)?;
    client.receive(false)?;
    let begun = Instant::now();
    ensure!(client.is_closed());
    ensure!((500..5000).contains(&begun.elapsed().as_millis()));
    Ok(())
}

#[test]
fn a_child_that_dies_is_replaced() -> Result<()> {
    let (_site, configuration) = one_page()?;
    let host = start(&configuration)?;
    let child = *host.children().first().context("a child")?;
    // SAFETY: a plain system call on a child of the server.
    unsafe { libc::kill(child, libc::SIGSEGV) };
    until("there is another child", || {
        let children = host.children();
        Ok(!children.is_empty() && !children.contains(&child))
    })?;
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    ensure!(host.messages().contains("exit signal Segmentation fault"));
    Ok(())
}

#[test]
fn a_graceful_restart_takes_a_new_configuration_and_loses_nothing() -> Result<()> {
    let (_site, configuration) = one_page()?;
    let host = start(&configuration)?;
    let pid = host.pid();
    let mut kept = Client::connect(host.port())?;
    let request = "GET /page.html HTTP/1.1\r\nHost: test.example\r\n\r\n";
    kept.send(request)?;
    kept.receive(false)?;
    let file = host.place().path().join("conf/httpd.conf");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, format!("{text}\nErrorDocument 404 \"new words\"\n"))?;
    host.signal(libc::SIGUSR1);
    until("the new configuration holds", || {
        Ok(get(host.port(), "/missing")?.text() == "new words")
    })?;
    ensure!(host.pid() == pid);
    ensure!(host.place().read("run/httpd.pid").trim() == pid.to_string());
    Ok(())
}

#[test]
fn a_broken_new_configuration_leaves_the_old_one_in_force() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // Apache ends when it is told to restart with a broken configuration.
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    let host = start(&configuration)?;
    let file = host.place().path().join("conf/httpd.conf");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, format!("{text}\nNoSuchDirective on\n"))?;
    host.signal(libc::SIGUSR1);
    until("the refusal is logged", || {
        Ok(host.messages().contains("NoSuchDirective"))
    })?;
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    Ok(())
}

#[test]
fn term_ends_the_server_and_its_children() -> Result<()> {
    let (_site, configuration) = one_page()?;
    let mut host = start(&configuration)?;
    let children = host.children();
    ensure!(!children.is_empty());
    host.signal(libc::SIGTERM);
    ensure!(host.wait_for_end()?.success());
    for child in children {
        let status = format!("/proc/{child}/stat");
        until("the child is gone", || Ok(fs::metadata(&status).is_err()))?;
    }
    ensure!(host.place().read("run/httpd.pid").is_empty());
    Ok(())
}

#[test]
fn a_graceful_stop_finishes_the_download_under_way() -> Result<()> {
    let (site, configuration) = one_page()?;
    site.file("large.bin", vec![b'x'; 8 << 20])?;
    let mut host = start(&configuration)?;
    let mut client = Client::connect(host.port())?;
    client.send("GET /large.bin HTTP/1.1\r\nHost: test.example\r\n\r\n")?;
    let head = client.receive_head()?;
    ensure!(head.field("Content-Length") == Some("8388608"), "{head:?}");
    host.signal(libc::SIGWINCH);
    until("nobody listens any more", || {
        Ok(Client::connect(host.port()).is_err())
    })?;
    ensure!(client.receive_rest()?.len() == 8 << 20);
    drop(client);
    ensure!(host.wait_for_end()?.success());
    Ok(())
}

#[test]
fn a_body_that_comes_slowly_is_read_to_its_end() -> Result<()> {
    let (site, configuration) = one_page()?;
    site.program(
        "echo",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\ncat\n",
    )?;
    let host = start(&format!(
        "LoadModule cgid_module @MODULES@/mod_cgid.so\nLoadModule alias_module \
         @MODULES@/mod_alias.so\nScriptSock cgid.sock\nScriptAlias /echo \"{}/echo\"\n{configuration}",
        site.path().display()
    ))?;
    let mut client = Client::connect(host.port())?;
    client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6\r\n\r\nab",
    )?;
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    client.send("cdef")?;
    ensure!(client.receive(false)?.text() == "abcdef");
    Ok(())
}

#[test]
fn handlers_that_block_delay_nobody() -> Result<()> {
    const NAPPING: usize = 40;
    let (_site, configuration) = one_page()?;
    let place = Place::new()?;
    let object = compile(&source("mod_nap.c"), place.path())?;
    let host = start(&format!(
        "LoadModule nap_module {}\n{configuration}<Location /nap>\nSetHandler nap\nRequire all \
         granted\n</Location>\n",
        object.display()
    ))?;
    // Its first call shows what the handler is like.
    ensure!(get(host.port(), "/nap")?.text() == "rested\n");
    let begun = Instant::now();
    let mut napping = Vec::with_capacity(NAPPING);
    for _ in 0..NAPPING {
        let mut client = Client::connect(host.port())?;
        client.send("GET /nap HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
        napping.push(client);
    }
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    let page = begun.elapsed();
    for mut client in napping {
        ensure!(client.receive(false)?.text() == "rested\n");
    }
    let all = begun.elapsed();
    ensure!(
        page < all && all.as_millis() < 200 * NAPPING as u128 / 4,
        "the page took {page:?}, {NAPPING} naps of 200 ms {all:?}"
    );
    Ok(())
}

#[test]
fn hosts_are_told_apart_by_port_and_by_name() -> Result<()> {
    let site = Site::new()?;
    for name in ["first", "named", "second"] {
        site.file(&format!("{name}/who"), name)?;
    }
    let root = site.path().display();
    let host = start(&format!(
        "Listen 127.0.0.1:@PORT@\nListen 127.0.0.1:@PORT2@\n<Directory \"{root}\">\nRequire all \
         granted\n</Directory>\nNameVirtualHost *:@PORT@\n\
         <VirtualHost *:@PORT@>\nServerName first.example\nDocumentRoot \"{root}/first\"\n</VirtualHost>\n\
         <VirtualHost *:@PORT@>\nServerName named.example\nDocumentRoot \"{root}/named\"\n</VirtualHost>\n\
         <VirtualHost *:@PORT2@>\nServerName second.example\nDocumentRoot \"{root}/second\"\n</VirtualHost>\n"
    ))?;
    let ask = |number: usize, name: &str| -> Result<String> {
        let request = format!("GET /who HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
        Ok(exchange(host.port_number(number), request)?.text())
    };
    ensure!(ask(1, "first.example")? == "first");
    ensure!(ask(1, "named.example")? == "named");
    ensure!(ask(1, "other.example")? == "first");
    ensure!(ask(2, "named.example")? == "second");
    Ok(())
}

#[test]
fn a_stale_or_corrupt_pid_file_is_replaced() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // Apache refuses to start with a corrupt one.
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    for content in ["999999\n", "nonsense", ""] {
        let place = Place::new()?;
        fs::write(place.path().join("run/httpd.pid"), content)?;
        let host = Host::start_in(Kind::under_test(), place, &configuration)?;
        ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
        let written = host.place().read("run/httpd.pid");
        ensure!(written.trim() == host.pid().to_string(), "{written:?}");
    }
    Ok(())
}
