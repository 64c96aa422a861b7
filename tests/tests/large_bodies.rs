//! Bodies far larger than the memory they may take: through the proxy and back, and into handlers of
//! C modules. A child's peak (VmHWM) must hardly grow.

use std::fs;

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    backend::{Backend, http},
    client::{Client, get},
    compatibility,
    differential::serve,
    host::{Host, Kind, Place},
    modules::{compile, source},
    site::Site,
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// How much the peak of a child may grow.
const GROWTH: u64 = 24 * MIB;

/// The highest peak of resident memory among the server's children.
fn peak(host: &Host) -> Result<u64> {
    let mut highest = 0;
    for child in host.children() {
        let status = fs::read_to_string(format!("/proc/{child}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        highest = highest.max(1024 * kib.context("VmHWM")?.parse::<u64>()?);
    }
    Ok(highest)
}

/// Runs an exchange and checks what it did to the server's memory.
fn bounded(host: &Host, what: &str, exchange: impl FnOnce() -> Result<()>) -> Result<()> {
    let before = peak(host)?;
    exchange()?;
    let after = peak(host)?;
    ensure!(
        after < before + GROWTH,
        "{what}: the peak grew from {} to {} MiB",
        before / MIB,
        after / MIB
    );
    Ok(())
}

/// Sends a body of `length` bytes; answers the text of the answer.
fn upload(port: u16, path: &str, length: u64, chunked: bool) -> Result<String> {
    let piece = vec![b'x'; MIB as usize];
    let mut client = Client::connect(port)?;
    let framing = if chunked {
        "Transfer-Encoding: chunked".to_owned()
    } else {
        format!("Content-Length: {length}")
    };
    client.send(format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{framing}\r\n\r\n"
    ))?;
    for _ in 0..length / MIB {
        if chunked {
            client.send(format!("{MIB:x}\r\n"))?;
        }
        client.send(&piece)?;
        if chunked {
            client.send("\r\n")?;
        }
    }
    if chunked {
        client.send("0\r\n\r\n")?;
    }
    Ok(client.receive(false)?.text())
}

/// A backend that counts a body, and sends a large one for `/download`.
fn counting() -> Result<Backend> {
    Ok(Backend::tcp(|peer| {
        while let Some(request) = http::Received::head(peer)? {
            if request.path() == "/download" {
                peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n"))?;
                let piece = vec![b'y'; MIB as usize];
                for _ in 0..GIB / MIB {
                    peer.send(&piece)?;
                }
                continue;
            }
            let count = match request.field("Content-Length") {
                Some(length) => {
                    let length = length.parse().map_err(std::io::Error::other)?;
                    peer.discard(Some(length))?
                }
                None if request.field("Transfer-Encoding").is_some() => {
                    let mut count = 0;
                    loop {
                        let line = peer.take_until(b"\r\n")?.unwrap_or_default();
                        let size = String::from_utf8_lossy(&line).trim().to_owned();
                        let size = usize::from_str_radix(&size, 16);
                        let size = size.map_err(std::io::Error::other)?;
                        peer.take(size + 2)?;
                        count += size as u64;
                        if size == 0 {
                            break count;
                        }
                    }
                }
                None => 0,
            };
            peer.send(http::answer("", &format!("{count}\n")))?;
        }
        Ok(())
    })?)
}

#[test]
fn through_the_proxy() -> Result<()> {
    let site = Site::new()?;
    let backend = counting()?;
    let port = backend.port();
    let host = Host::start(
        Kind::under_test(),
        &serve(
            &site,
            "proxy proxy_http env setenvif",
            &format!(
                "LimitRequestBody 0\nSetEnvIf Request_URI ^/spooled proxy-sendcl=1\n\
                 ProxyPass /spooled http://127.0.0.1:{port}/\nProxyPass / http://127.0.0.1:{port}/\n"
            ),
        ),
    )?;
    let ask = |path: &str, length: u64, chunked: bool| -> Result<()> {
        bounded(&host, path, || {
            let answer = upload(host.port(), path, length, chunked)?;
            ensure!(answer == format!("{length}\n"), "{path}: {answer}");
            Ok(())
        })
    };
    // The first of each kind warms up what is kept for the next.
    ask("/warm", 4 * MIB, false)?;
    ask("/length", GIB, false)?;
    ask("/chunked", GIB / 4, true)?;
    ask("/spooled", GIB / 16, true)?;
    bounded(&host, "/download", || {
        let mut client = Client::connect(host.port())?;
        client.send("GET /download HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
        client.receive_head()?;
        ensure!(client.discard_rest()? == GIB);
        Ok(())
    })?;
    compatibility::behaves("proxy proxy_http", 5)
}

#[test]
fn into_a_handler_in_c() -> Result<()> {
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    let place = Place::new()?;
    let object = compile(&source("mod_swallow.c"), place.path())?;
    let host = Host::start(
        Kind::under_test(),
        &serve(
            &site,
            "",
            &format!(
                "LoadModule swallow_module {}\nLimitRequestBody 0\n\
                 <Location /brigade>\nSetHandler swallow\n</Location>\n\
                 <Location /block>\nSetHandler swallow-block\n</Location>\n",
                object.display()
            ),
        ),
    )?;
    for (path, length, chunked) in [
        ("/brigade", 4 * MIB, false),
        ("/brigade", GIB, false),
        ("/brigade", GIB / 4, true),
        ("/block", GIB / 2, false),
        ("/block", GIB / 4, true),
        // Nobody reads this one; it is passed over.
        ("/page.html", GIB / 4, false),
    ] {
        bounded(&host, path, || {
            let answer = upload(host.port(), path, length, chunked)?;
            if path == "/page.html" {
                ensure!(
                    answer.contains("a page") || answer.contains("Method"),
                    "{answer}"
                );
            } else {
                ensure!(answer == format!("{length}\n"), "{path}: {answer}");
            }
            Ok(())
        })?;
    }
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    compatibility::behaves("core", 6)
}
