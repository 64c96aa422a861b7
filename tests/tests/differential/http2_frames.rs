//! mod_http2 frame by frame: flow control, streams that are reset, malformed frames and heads, limits,
//! GOAWAY, and connections that idle while others work or the server leaves.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::get,
    compatibility,
    differential::serve,
    host::{Host, Kind, printed, run, until},
    http2::{
        ACK, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, Http2, PING, PRIORITY,
        RST_STREAM, SETTINGS, WINDOW_UPDATE, field, head, shown,
    },
    mpm::Mpm,
    scripted::{Script, compare},
    site::Site,
};

fn prepare() -> Result<Site> {
    let site = Site::new()?;
    site.file("index.html", "it serves\n")?;
    site.file("large.bin", vec![b'x'; 300_000])?;
    site.program(
        "sum.cgi",
        "#!/bin/sh\necho 'Content-Type: text/plain'; echo; sha1sum; echo \"$HTTP_X_TRAILER\"\n",
    )?;
    Ok(site)
}

fn configuration(site: &Site, more: &str) -> String {
    serve(
        site,
        "http2 mime dir cgid",
        &format!(
            "DirectoryIndex index.html\nTypesConfig /etc/mime.types\nScriptSock cgid\n\
             AddHandler cgi-script .cgi\n<Directory {}>\nOptions +ExecCGI\n</Directory>\n\
             Protocols h2c http/1.1\nH2Push off\n{more}",
            site.path().display()
        ),
    )
}

/// A script that has a connection with settings.
fn talk(
    name: &str,
    settings: &'static [(u16, u32)],
    act: impl Fn(&mut Http2) -> Result<String> + 'static,
) -> Script {
    Script::new(name, move |host| {
        let mut connection = Http2::connect(host.port(), settings)?;
        act(&mut connection)
    })
}

/// A script that sends frames and shows all that comes until the connection ends.
fn to_the_end(name: &str, send: impl Fn(&mut Http2) -> Result<()> + 'static) -> Script {
    talk(name, &[], move |connection| {
        send(connection)?;
        let mut frames = connection.until(|_| false)?;
        // How much is said before the error is noticed is a matter of time.
        frames.retain(|frame| frame.kind != SETTINGS);
        Ok(shown(&frames))
    })
}

fn without_data(frames: Vec<Frame>) -> Vec<Frame> {
    frames
        .into_iter()
        .filter(|frame| frame.kind != DATA)
        .collect()
}

/// A request that works shows that the connection is alive.
fn still_works(connection: &mut Http2, stream: u32) -> Result<String> {
    connection.request(stream, "GET", "/index.html", END_STREAM)?;
    let frames = connection.until(|frame| frame.ends(stream))?;
    let of_stream: Vec<Frame> = frames
        .into_iter()
        .filter(|frame| frame.stream == stream || frame.kind == GOAWAY)
        .collect();
    Ok(shown(&of_stream))
}

#[test]
fn frames_and_streams() -> Result<()> {
    let site = prepare()?;
    let scripts = vec![
        talk("a request", &[], |connection| {
            connection.request(1, "GET", "/", END_STREAM)?;
            Ok(shown(&connection.until(|frame| frame.ends(1))?))
        }),
        talk("HEAD", &[], |connection| {
            connection.request(1, "HEAD", "/", END_STREAM)?;
            Ok(shown(&connection.until(|frame| frame.ends(1))?))
        }),
        talk("PING", &[], |connection| {
            connection.send(PING, 0, 0, b"12345678")?;
            let frames = connection.until(|frame| frame.kind == PING)?;
            Ok(shown(&frames) + &still_works(connection, 1)?)
        }),
        talk("SETTINGS later", &[], |connection| {
            let one = still_works(connection, 1)?;
            connection.send(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9])?;
            let frames = connection.until(|frame| frame.kind == SETTINGS && frame.flags == ACK)?;
            Ok(one + &shown(&frames) + &still_works(connection, 3)?)
        }),
        // INITIAL_WINDOW_SIZE 10: so much comes, and more when there is room.
        talk("flow control", &[(4, 10)], |connection| {
            connection.request(1, "GET", "/large.bin", END_STREAM)?;
            let mut all = connection.until(|frame| frame.kind == DATA)?;
            connection.send(WINDOW_UPDATE, 0, 1, &20_u32.to_be_bytes())?;
            all.extend(connection.until(|frame| frame.kind == DATA)?);
            connection.send(RST_STREAM, 0, 1, &8_u32.to_be_bytes())?;
            connection.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255])?;
            Ok(shown(&all) + &still_works(connection, 3)?)
        }),
        talk("a connection's window", &[(4, 1 << 20)], |connection| {
            connection.request(1, "GET", "/large.bin", END_STREAM)?;
            let mut got = 0;
            while got < 65_535 {
                let frame = connection.receive()?.context("the connection ended")?;
                if frame.kind == DATA {
                    got += frame.payload.len();
                }
            }
            connection.send(WINDOW_UPDATE, 0, 0, &(1_u32 << 20).to_be_bytes())?;
            while got < 300_000 {
                let frame = connection.receive()?.context("the connection ended")?;
                if frame.kind == DATA {
                    got += frame.payload.len();
                }
            }
            Ok(format!("{got}\n") + &still_works(connection, 3)?)
        }),
        talk("a body in small frames", &[], |connection| {
            connection.request(1, "POST", "/sum.cgi", 0)?;
            for _ in 0..200 {
                connection.send(DATA, 0, 1, b"piece")?;
            }
            connection.send(DATA, END_STREAM, 1, b"")?;
            let frames = connection.until(|frame| frame.ends(1))?;
            let text: Vec<u8> = frames
                .iter()
                .filter(|frame| frame.kind == DATA)
                .flat_map(|frame| frame.payload.clone())
                .collect();
            Ok(String::from_utf8_lossy(&text).into_owned())
        }),
        talk("padding", &[], |connection| {
            connection.request(1, "POST", "/sum.cgi", 0)?;
            connection.send(DATA, 8 | END_STREAM, 1, b"\x04textPPPP")?;
            let frames = connection.until(|frame| frame.ends(1))?;
            let text: Vec<u8> = frames
                .iter()
                .filter(|frame| frame.kind == DATA)
                .flat_map(|frame| frame.payload.clone())
                .collect();
            Ok(String::from_utf8_lossy(&text).into_owned())
        }),
        talk("trailers", &[], |connection| {
            connection.request(1, "POST", "/sum.cgi", 0)?;
            connection.send(DATA, 0, 1, b"a body")?;
            let mut trailers = Vec::new();
            field(&mut trailers, "x-trailer", "behind");
            connection.send(HEADERS, END_HEADERS | END_STREAM, 1, &trailers)?;
            let frames = connection.until(|frame| frame.ends(1))?;
            let text: Vec<u8> = frames
                .iter()
                .filter(|frame| frame.kind == DATA)
                .flat_map(|frame| frame.payload.clone())
                .collect();
            Ok(String::from_utf8_lossy(&text).into_owned())
        }),
        talk("a head in two frames", &[], |connection| {
            let head = head("GET", "/");
            connection.send(HEADERS, END_STREAM, 1, &head[..10])?;
            connection.send(9, END_HEADERS, 1, &head[10..])?;
            Ok(shown(&connection.until(|frame| frame.ends(1))?))
        }),
        talk("unknown frames and priorities", &[], |connection| {
            connection.send(77, 3, 0, b"whatever")?;
            connection.send(PRIORITY, 0, 3, &[0, 0, 0, 1, 9])?;
            still_works(connection, 1)
        }),
        talk(
            "a stream that is reset before its body came",
            &[],
            |connection| {
                connection.request(1, "POST", "/sum.cgi", 0)?;
                connection.send(DATA, 0, 1, b"part")?;
                connection.send(RST_STREAM, 0, 1, &8_u32.to_be_bytes())?;
                still_works(connection, 3)
            },
        ),
        // Heads that are no requests.
        talk("no path", &[], |connection| {
            let mut bad = Vec::new();
            field(&mut bad, ":method", "GET");
            field(&mut bad, ":scheme", "http");
            connection.send(HEADERS, END_HEADERS | END_STREAM, 1, &bad)?;
            Ok(shown(&without_data(
                connection.until(|frame| frame.ends(1) || frame.kind == GOAWAY)?,
            )))
        }),
        talk("a field in capitals", &[], |connection| {
            let mut bad = head("GET", "/");
            field(&mut bad, "Capital", "x");
            connection.send(HEADERS, END_HEADERS | END_STREAM, 1, &bad)?;
            Ok(shown(
                &connection.until(|frame| frame.ends(1) || frame.kind == GOAWAY)?,
            ))
        }),
        talk("a field of the connection", &[], |connection| {
            let mut bad = head("GET", "/");
            field(&mut bad, "connection", "close");
            connection.send(HEADERS, END_HEADERS | END_STREAM, 1, &bad)?;
            Ok(shown(
                &connection.until(|frame| frame.ends(1) || frame.kind == GOAWAY)?,
            ))
        }),
        talk("a path that is none", &[], |connection| {
            connection.request(1, "GET", "nothing", END_STREAM)?;
            Ok(shown(
                &connection.until(|frame| frame.ends(1) || frame.kind == GOAWAY)?,
            ))
        }),
        talk("CONNECT", &[], |connection| {
            let mut bad = Vec::new();
            field(&mut bad, ":method", "CONNECT");
            field(&mut bad, ":authority", "a.example:443");
            connection.send(HEADERS, END_HEADERS | END_STREAM, 1, &bad)?;
            Ok(shown(&without_data(
                connection.until(|frame| frame.ends(1) || frame.kind == GOAWAY)?,
            )))
        }),
        talk("a body of another length", &[], |connection| {
            let mut bad = head("POST", "/sum.cgi");
            field(&mut bad, "content-length", "10");
            connection.send(HEADERS, END_HEADERS, 1, &bad)?;
            connection.send(DATA, END_STREAM, 1, b"short")?;
            Ok(shown(&without_data(
                connection.until(|frame| frame.ends(1) || frame.kind == GOAWAY)?,
            )))
        }),
        // Errors of the connection.
        to_the_end("a head for no stream", |connection| {
            Ok(connection.request(0, "GET", "/", END_STREAM)?)
        }),
        to_the_end("data for no stream", |connection| {
            Ok(connection.send(DATA, END_STREAM, 7, b"x")?)
        }),
        to_the_end("a stream of the server's", |connection| {
            Ok(connection.request(2, "GET", "/", END_STREAM)?)
        }),
        to_the_end("a frame that is too large", |connection| {
            Ok(connection.send(DATA, 0, 1, &[0; 20_000])?)
        }),
        to_the_end("a head that cannot be read", |connection| {
            Ok(connection.send(
                HEADERS,
                END_HEADERS | END_STREAM,
                1,
                &[0xff, 0xff, 0xff, 0xff],
            )?)
        }),
        to_the_end("a window of none", |connection| {
            Ok(connection.send(WINDOW_UPDATE, 0, 0, &[0; 4])?)
        }),
        to_the_end("a window that is too large", |connection| {
            connection.send(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes())?;
            Ok(connection.send(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes())?)
        }),
        to_the_end("settings of another length", |connection| {
            Ok(connection.send(SETTINGS, 0, 0, b"12345")?)
        }),
        to_the_end("a ping of another length", |connection| {
            Ok(connection.send(PING, 0, 0, b"1")?)
        }),
        to_the_end("GOAWAY of the client", |connection| {
            connection.request(1, "GET", "/", END_STREAM)?;
            connection.until(|frame| frame.ends(1))?;
            Ok(connection.send(GOAWAY, 0, 0, &[0; 8])?)
        }),
        Script::new("another preface", |host| {
            let mut connection = Http2::raw(host.port())?;
            connection.send_bytes(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")?;
            // HTTP/1.1 answers, which is no frame.
            Ok(match connection.receive() {
                Ok(None) => "closed".to_owned(),
                Ok(Some(frame)) => String::from_utf8_lossy(&frame.payload)
                    .contains("400")
                    .to_string(),
                Err(error) => error.kind().to_string(),
            })
        }),
    ];
    compare("http2", &configuration(&site, ""), &scripts)
}

#[test]
fn limits_and_idle_connections() -> Result<()> {
    let site = prepare()?;
    let scripts = vec![
        // Two streams are open as long as their bodies are not there.
        talk("more streams than allowed", &[], |connection| {
            let settings =
                connection.until(|frame| frame.kind == SETTINGS && frame.flags == ACK)?;
            for stream in [1, 3, 5] {
                connection.request(stream, "POST", "/sum.cgi", 0)?;
            }
            let refused = connection.until(|frame| frame.kind == RST_STREAM)?;
            connection.send(DATA, END_STREAM, 1, b"x")?;
            connection.send(DATA, END_STREAM, 3, b"x")?;
            let mut ends = 0;
            while ends < 2 {
                let frame = connection.receive()?.context("the connection ended")?;
                ends += usize::from(frame.kind <= HEADERS && frame.flags & END_STREAM != 0);
            }
            Ok(shown(&settings) + &shown(&refused) + &still_works(connection, 7)?)
        }),
        to_the_end("idle after a request", |connection| {
            connection.request(1, "GET", "/", END_STREAM)?;
            Ok(())
        }),
        to_the_end("idle from the start", |_| Ok(())),
        talk("a long head", &[], |connection| {
            let mut long = head("GET", "/");
            for number in 0..30 {
                field(&mut long, &format!("x-{number}"), &"v".repeat(100));
            }
            connection.send(HEADERS, END_HEADERS | END_STREAM, 1, &long)?;
            Ok(shown(&without_data(
                connection.until(|frame| frame.ends(1))?,
            )))
        }),
        talk("a field that is too long", &[], |connection| {
            let mut long = head("GET", "/");
            field(&mut long, "x-long", &"v".repeat(120));
            connection.send(HEADERS, END_HEADERS | END_STREAM, 1, &long)?;
            Ok(shown(&without_data(
                connection.until(|frame| frame.ends(1))?,
            )))
        }),
    ];
    compare(
        "http2",
        &configuration(
            &site,
            "H2MaxSessionStreams 2\nKeepAliveTimeout 1\nTimeout 1\nLimitRequestFields 20\n\
             LimitRequestFieldSize 110\n",
        ),
        &scripts,
    )
}

/// The threads of all children.
fn threads(host: &Host) -> usize {
    let tasks = |pid: &i32| fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    host.children().iter().map(tasks).sum()
}

/// Idle connections cost neither threads nor anybody else's time, and leave with the server.
#[test]
fn five_hundred_idle_connections() -> Result<()> {
    if Mpm::under_test() != Mpm::Event {
        // Every other one holds a thread for a connection.
        return Ok(());
    }
    let site = prepare()?;
    let mut host = Host::start(
        Kind::under_test(),
        // One child: more of them would have threads of mod_http2's own.
        &configuration(
            &site,
            "MinSpareThreads 1\nKeepAliveTimeout 60\nTimeout 60\n",
        ),
    )?;
    get(host.port(), "/")?;
    // Stock Apache has a hundred threads under this configuration, and is out of them long before
    // there are five hundred connections.
    let count = match host.kind() {
        Kind::Ours => 500,
        Kind::Apache => 50,
    };
    let mut idle = Vec::new();
    for number in 0..count {
        let mut connection = Http2::connect(host.port(), &[])?;
        // Half of them have had a request.
        if number % 2 == 0 {
            connection.request(1, "GET", "/", END_STREAM)?;
            connection.until(|frame| frame.ends(1))?;
        } else {
            connection.until(|frame| frame.kind == SETTINGS && frame.flags == ACK)?;
        }
        idle.push(connection);
    }
    for _ in 0..20 {
        ensure!(get(host.port(), "/")?.status() == 200);
    }
    let mut one_more = Http2::connect(host.port(), &[])?;
    still_works(&mut one_more, 1)?;
    if host.kind() == Kind::Ours {
        let threads = threads(&host);
        ensure!(threads < 150, "{threads} threads for 500 idle connections");
    }
    // Every tenth is used again.
    for connection in idle.iter_mut().step_by(10) {
        let shown = still_works(connection, 3)?;
        ensure!(shown.contains("HEADERS 3"), "{shown}");
    }
    // Those that never had a request would stay until Timeout, as under Apache.
    let mut number = 0;
    idle.retain(|_| {
        number += 1;
        number % 2 == 1
    });
    drop(one_more);
    host.signal(libc::SIGWINCH);
    host.wait_for_end()?;
    for connection in &mut idle {
        let last = connection.until(|_| false)?;
        let goodbye = last.iter().any(|frame| frame.kind == GOAWAY);
        ensure!(goodbye, "no GOAWAY: {last:?}");
    }
    compatibility::behaves("http2", 71)
}

/// A server that leaves gracefully finishes the streams under way and then says goodbye.
#[test]
fn streams_under_way_outlive_the_order_to_stop() -> Result<()> {
    let site = prepare()?;
    let mut host = Host::start(Kind::under_test(), &configuration(&site, ""))?;
    let mut connection = Http2::connect(host.port(), &[])?;
    connection.request(1, "POST", "/sum.cgi", 0)?;
    connection.send(DATA, 0, 1, b"first half, ")?;
    connection.send(PING, 0, 0, b"arrived?")?;
    connection.until(|frame| frame.kind == PING)?;
    host.signal(libc::SIGWINCH);
    let port = host.port();
    until("the server accepts no more", || {
        Ok(std::net::TcpStream::connect(("127.0.0.1", port)).is_err())
    })?;
    connection.send(DATA, END_STREAM, 1, b"second half")?;
    let frames = connection.until(|frame| frame.ends(1))?;
    ensure!(frames.iter().any(|frame| frame.kind == DATA), "{frames:?}");
    let rest = connection.until(|_| false)?;
    let goodbye = frames.iter().chain(&rest).any(|frame| frame.kind == GOAWAY);
    ensure!(goodbye, "{frames:?} {rest:?}");
    drop(connection);
    host.wait_for_end()?;
    compatibility::behaves("http2", 1)
}

/// Many streams on many connections at once, all answered.
#[test]
fn load_of_many_streams() -> Result<()> {
    let site = prepare()?;
    let host = Host::start(Kind::under_test(), &configuration(&site, ""))?;
    for (requests, path) in [("4000", ""), ("200", "large.bin"), ("60", "sum.cgi")] {
        let output = run(Command::new("h2load").args([
            "-n",
            requests,
            "-c",
            "20",
            "-m",
            "20",
            "-T",
            "15",
            &format!("http://127.0.0.1:{}/{path}", host.port()),
        ]))?;
        let report = printed(&output);
        ensure!(
            report.contains(&format!(
                "{requests} succeeded, 0 failed, 0 errored, 0 timeout"
            )),
            "{report}"
        );
        ensure!(
            report.contains(&format!("status codes: {requests} 2xx")),
            "{report}"
        );
    }
    compatibility::behaves("http2", 3)
}
