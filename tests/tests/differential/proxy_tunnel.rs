//! Tunnels: CONNECT through mod_proxy_connect, websockets through mod_proxy_wstunnel and through
//! mod_proxy_http's `upgrade=`. Bytes both ways, ends of either side, and many tunnels at once.

use std::fmt::Write;

use anyhow::{Result, ensure};
use httpd_tests::{
    backend::{
        Backend,
        http::{self, Step},
        websocket::{self, CLOSE, KEY, PING, TEXT, frame},
    },
    client::{Client, get},
    compatibility,
    differential::serve,
    exchanges::{self, script, shown},
    host::{Host, Kind},
    site::Site,
};

use crate::proxy::ONE_CHILD;

/// Sends back what comes; after `bye` it says so and closes.
fn echo() -> Result<Backend> {
    Ok(Backend::tcp(|peer| {
        while peer.fill()? > 0 {
            let received = peer.take_all();
            peer.send(&received)?;
            if received.ends_with(b"bye\n") {
                return Ok(());
            }
        }
        peer.send("end\n")
    })?)
}

fn connect(host: &Host, target: &str, more: &str) -> Result<(Client, String)> {
    let mut client = Client::connect(host.port())?;
    client.send(format!(
        "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: t\r\n\r\n{more}"
    ))?;
    let head = client.receive_head()?;
    let text = shown(head, host);
    Ok((client, text))
}

#[test]
fn connect_carries_bytes_both_ways() -> Result<()> {
    let site = Site::new()?;
    let backend = echo()?;
    let other = http::start("plain", [])?;
    let gone = http::start("gone", [])?.port();
    let port = backend.port();
    let configuration = serve(
        &site,
        "proxy proxy_connect proxy_http",
        &format!(
            "{ONE_CHILD}ProxyRequests On\nProxyVia On\nAllowCONNECT 1-10 {port} {gone}\n\
             <Proxy \"127.0.0.2:*\">\nRequire all denied\n</Proxy>\n"
        ),
    );
    let target = format!("127.0.0.1:{port}");
    let both_ways = |host: &Host| {
        let (mut client, mut seen) = connect(host, &target, "")?;
        for text in ["one\n", "two and more\n"] {
            client.send(text)?;
            seen += &String::from_utf8_lossy(&client.take(text.len())?);
        }
        client.finish()?;
        seen += &String::from_utf8_lossy(&client.receive_rest()?);
        Ok(seen)
    };
    let backend_first = |host: &Host| {
        let (mut client, mut seen) = connect(host, &target, "")?;
        client.send("bye\n")?;
        seen += &String::from_utf8_lossy(&client.receive_rest()?);
        Ok(seen)
    };
    let eager = |host: &Host| {
        // What follows the head belongs to the tunnel.
        let (mut client, mut seen) = connect(host, &target, "early\nbye\n")?;
        seen += &String::from_utf8_lossy(&client.receive_rest()?);
        Ok(seen)
    };
    let large = |host: &Host| {
        let (mut client, _) = connect(host, &target, "")?;
        let piece = vec![b'z'; 1 << 16];
        let mut back = 0;
        for _ in 0..40 {
            client.send(&piece)?;
            back += client.take(piece.len())?.len();
        }
        client.send("bye\n")?;
        Ok(format!("{back} {:?}", client.receive_rest()?))
    };
    let refused = |target: String| {
        move |host: &Host| {
            let mut client = Client::connect(host.port())?;
            client.send(format!(
                "CONNECT {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            ))?;
            Ok(shown(client.receive(false)?, host))
        }
    };
    exchanges::compare(
        "proxy proxy_connect",
        &configuration,
        &[
            script("both ways", both_ways),
            script("the backend closes", backend_first),
            script("eager", eager),
            script("large", large),
            script(
                "another port",
                refused(format!("127.0.0.1:{}", other.port())),
            ),
            script("nobody listens", refused(format!("127.0.0.1:{gone}"))),
            script("denied", refused(format!("127.0.0.2:{port}"))),
            script("no port", refused("127.0.0.1".to_owned())),
            script("nonsense", refused("http://x/".to_owned())),
            script(
                "unknown host",
                refused(format!("no.such.host.invalid:{port}")),
            ),
        ],
    )
}

/// Opens a websocket; answers the client and what the handshake brought.
fn open(host: &Host, path: &str) -> Result<(Client, String)> {
    let mut client = Client::connect(host.port())?;
    client.send(format!(
        "GET {path} HTTP/1.1\r\nHost: test.example\r\nUpgrade: websocket\r\nConnection: \
         Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ))?;
    let head = client.receive_head()?;
    Ok((client, shown(head, host)))
}

#[test]
fn websockets() -> Result<()> {
    let site = Site::new()?;
    let backend = websocket::start()?;
    let plain = http::start("plain", [])?;
    let odd = http::start(
        "odd",
        [(
            "/odd".to_owned(),
            vec![
                Step::Send(
                    b"HTTP/1.1 101 Switching\r\nUpgrade: odd\r\nConnection: Upgrade\r\n\r\nhello "
                        .to_vec(),
                ),
                Step::Echo,
            ],
        )],
    )?;
    let port = backend.port();
    let configuration = serve(
        &site,
        "proxy proxy_http proxy_wstunnel rewrite",
        &format!(
            "{ONE_CHILD}ProxyPass /ws ws://127.0.0.1:{port}/\n\
             ProxyPass /http http://127.0.0.1:{port}/ upgrade=websocket\n\
             ProxyPass /any http://localhost:{odd}/ upgrade=ANY\n\
             ProxyPass /not http://127.0.0.1:{plain}/\n\
             ProxyPass /ws-plain ws://127.0.0.1:{plain}/\n\
             RewriteEngine On\nRewriteCond %{{HTTP:Upgrade}} =websocket [NC]\n\
             RewriteRule ^/rw(.*)$ ws://127.0.0.1:{port}/ [P]\n",
            odd = odd.port(),
            plain = plain.port(),
        ),
    );
    let talk = |path: &'static str| {
        move |host: &Host| {
            let (mut client, mut seen) = open(host, path)?;
            let mut said = vec![(TEXT, b"hello".to_vec()), (PING, b"there?".to_vec())];
            said.push((TEXT, vec![b'a'; 60_000]));
            said.push((CLOSE, vec![3, 232]));
            for (kind, payload) in said {
                client.send(frame(kind, &payload, true))?;
                let (kind, payload) = websocket::receive(|length| client.take(length))?;
                let start = String::from_utf8_lossy(&payload[..payload.len().min(10)]).into_owned();
                let _ = writeln!(seen, "{kind}: {} bytes {start:?}", payload.len());
            }
            let _ = writeln!(seen, "closed: {}", client.is_closed());
            Ok(seen)
        }
    };
    let handshake = |path: &'static str| move |host: &Host| Ok(open(host, path)?.1);
    let without = |path: &'static str| move |host: &Host| Ok(shown(get(host.port(), path)?, host));
    let odd_protocol = |host: &Host| {
        let mut client = Client::connect(host.port())?;
        client.send(
            "GET /any/odd HTTP/1.1\r\nHost: a\r\nUpgrade: odd\r\nConnection: upgrade\r\n\r\n",
        )?;
        let mut seen = shown(client.receive_head()?, host);
        client.send("and back")?;
        seen += &String::from_utf8_lossy(&client.take(14)?);
        client.finish()?;
        let _ = writeln!(seen, "\nrest {:?}", client.receive_rest()?);
        Ok(seen)
    };
    let client_leaves = |host: &Host| {
        let (client, seen) = open(host, "/ws/chat")?;
        drop(client);
        Ok(seen + &get(host.port(), "/not/after")?.text())
    };
    exchanges::compare(
        "proxy proxy_wstunnel proxy_http",
        &configuration,
        &[
            script("wstunnel", talk("/ws/chat")),
            script("upgrade=websocket", talk("/http/chat")),
            script("by a rule", talk("/rw/chat")),
            script("a protocol of its own", odd_protocol),
            script("not allowed to upgrade", handshake("/not/chat")),
            script(
                "a backend that does not upgrade",
                handshake("/ws-plain/chat"),
            ),
            script("no upgrade over ws:", without("/ws/plain")),
            script("no upgrade over http:", without("/http/plain")),
            script("the client leaves", client_leaves),
        ],
    )
}

#[test]
fn open_tunnels_delay_nobody() -> Result<()> {
    const OPEN: usize = 30;
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    let backend = websocket::start()?;
    let configuration = serve(
        &site,
        "proxy proxy_http proxy_wstunnel",
        &format!("ProxyPass /ws ws://127.0.0.1:{}/\n", backend.port()),
    );
    let host = Host::start(Kind::under_test(), &configuration)?;
    let mut clients = Vec::with_capacity(OPEN);
    for _ in 0..OPEN {
        clients.push(open(&host, "/ws/chat")?.0);
    }
    for _ in 0..20 {
        ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    }
    for client in clients.iter_mut().rev() {
        client.send(frame(TEXT, b"hello", true))?;
        let (_, payload) = websocket::receive(|length| client.take(length))?;
        ensure!(payload == b"HELLO");
    }
    compatibility::behaves("proxy proxy_wstunnel", OPEN)
}
