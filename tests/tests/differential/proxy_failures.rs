//! Backends that fail: they refuse, close early, send nonsense, send too much, or nothing at all.
//! And one that is slow, which must delay nobody else.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use httpd_tests::{
    backend::{
        Backend,
        http::{self, Step, last, route},
        scgi,
    },
    client::{Client, exchange, get},
    compatibility,
    differential::{Case, compare, serve},
    exchanges::{self, script},
    host::{Host, Kind, until},
    mpm::Mpm,
    site::Site,
};

use crate::proxy::ONE_CHILD;

#[test]
fn bad_backends() -> Result<()> {
    let site = Site::new()?;
    let ok = "HTTP/1.1 200 OK\r\n";
    let routes = [
        ("/at-once".to_owned(), vec![Step::Close]),
        last("/in-the-status-line", "HTTP/1.1 2"),
        last(
            "/in-the-head",
            format!("{ok}Content-Type: text/plain\r\nX-"),
        ),
        last(
            "/before-the-body",
            format!("{ok}Content-Length: 10\r\n\r\n"),
        ),
        last(
            "/in-the-body",
            format!("{ok}Content-Length: 10\r\n\r\nhalf"),
        ),
        last(
            "/in-a-chunk",
            format!("{ok}Transfer-Encoding: chunked\r\n\r\n10\r\nhalf"),
        ),
        last(
            "/between-chunks",
            format!("{ok}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        ),
        last(
            "/bad-chunk",
            format!("{ok}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n"),
        ),
        last("/nonsense", "\x01\x02\x03\x04\r\n\r\n"),
        last(
            "/no-colon",
            format!("{ok}nonsense\r\nContent-Length: 2\r\n\r\nok"),
        ),
        last(
            "/no-name",
            format!("{ok}: value\r\nContent-Length: 2\r\n\r\nok"),
        ),
        last(
            "/odd-name",
            format!("{ok}X(): value\r\nContent-Length: 2\r\n\r\nok"),
        ),
        last(
            "/space-in-name",
            format!("{ok}X Y: value\r\nContent-Length: 2\r\n\r\nok"),
        ),
        last(
            "/control",
            format!("{ok}X: a\x01b\r\nContent-Length: 2\r\n\r\nok"),
        ),
        last(
            "/long-field",
            format!(
                "{ok}X: {}\r\nContent-Length: 2\r\n\r\nok",
                "x".repeat(20_000)
            ),
        ),
        last(
            "/long-status-line",
            format!(
                "HTTP/1.1 200 {}\r\nContent-Length: 2\r\n\r\nok",
                "x".repeat(20_000)
            ),
        ),
        last(
            "/many-fields",
            format!("{ok}{}Content-Length: 2\r\n\r\nok", "X: y\r\n".repeat(300)),
        ),
        last(
            "/both-lengths",
            format!(
                "{ok}Content-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
            ),
        ),
        last(
            "/two-lengths",
            format!("{ok}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
        ),
        last(
            "/unknown-coding",
            format!("{ok}Transfer-Encoding: odd\r\n\r\nok"),
        ),
        last("/only-interim", "HTTP/1.1 100 Continue\r\n\r\n"),
        last(
            "/status-0",
            "HTTP/1.1 000 Zero\r\nContent-Length: 2\r\n\r\nok",
        ),
        last(
            "/status-20",
            "HTTP/1.1 20 Short\r\nContent-Length: 2\r\n\r\nok",
        ),
        last("/101", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
        last(
            "/more",
            format!("{ok}Content-Length: 2\r\n\r\nok and more than that"),
        ),
        last(
            "/bad-date",
            format!("{ok}Date: nonsense\r\nContent-Length: 2\r\n\r\nok"),
        ),
        last(
            "/bad-location",
            "HTTP/1.1 302 Found\r\nLocation: ::::\r\nContent-Length: 0\r\n\r\n",
        ),
        ("/silent".to_owned(), vec![Step::Hold]),
        (
            "/half-and-silent".to_owned(),
            vec![
                Step::Send(format!("{ok}Content-Length: 10\r\n\r\nhalf").into_bytes()),
                Step::Hold,
            ],
        ),
    ];
    let paths: Vec<String> = routes.iter().map(|(path, _)| path.clone()).collect();
    let backend = http::start("b", routes)?;
    let port = backend.port();
    // A port that nobody listens on: that of a backend which has gone.
    let refusing = http::start("gone", [])?.port();
    let configuration = serve(
        &site,
        "proxy proxy_http",
        &format!(
            "ProxyPass /b http://127.0.0.1:{port} timeout=1 retry=0\n\
             ProxyPass /refused http://127.0.0.1:{refusing}/ retry=0\n\
             ProxyPass /unresolved http://no.such.host.invalid/ retry=0\n\
             ProxyPass /no-socket unix:/nonexistent/socket|http://x/ retry=0\n\
             ProxyPass /badresponse http://127.0.0.1:{port}/nonsense \n\
             <Location /ignored>\nProxyPass http://127.0.0.1:{port}/many-fields responsefieldsize=100\n\
             </Location>\n\
             <Location /wide>\nProxyPass http://localhost:{port}/long-field responsefieldsize=30000\n\
             </Location>\n\
             ProxyBadHeader IsError\n\
             <VirtualHost *:@PORT@>\n</VirtualHost>\n\
             <VirtualHost *:@PORT@>\nServerName ignore.example\nProxyBadHeader Ignore\n</VirtualHost>\n\
             <VirtualHost *:@PORT@>\nServerName start.example\nProxyBadHeader StartBody\n</VirtualHost>\n"
        ),
    );
    let mut cases: Vec<Case> = paths
        .iter()
        .map(|path| Case::get(&format!("/b{path}")))
        .collect();
    for host in ["ignore.example", "start.example"] {
        for path in [
            "/b/no-colon",
            "/b/no-name",
            "/b/odd-name",
            "/b/space-in-name",
        ] {
            cases.push(Case::get_with(path, &[("Host", host)]));
        }
    }
    for path in [
        "/refused/",
        "/unresolved/",
        "/no-socket/",
        "/badresponse",
        "/ignored",
        "/wide",
    ] {
        cases.push(Case::get(path));
    }
    cases.push(Case::with(
        "POST",
        "/b/at-once",
        &[],
        "a body that is not repeated",
    ));
    cases.push(Case::with("POST", "/refused/", &[], "a body"));
    cases.push(Case::with("HEAD", "/b/before-the-body", &[], ""));
    compare("proxy proxy_http", &configuration, &cases)
}

#[test]
fn a_length_that_is_none() -> Result<()> {
    let site = Site::new()?;
    let ok = "HTTP/1.1 200 OK\r\n";
    let backend = http::start(
        "b",
        [
            last("/no-number", format!("{ok}Content-Length: x\r\n\r\nok")),
            last("/negative", format!("{ok}Content-Length: -2\r\n\r\nok")),
            last(
                "/huge",
                format!("{ok}Content-Length: 99999999999999999999\r\n\r\nok"),
            ),
        ],
    )?;
    let configuration = serve(
        &site,
        "proxy proxy_http",
        &format!("ProxyPass / http://127.0.0.1:{}/\n", backend.port()),
    );
    // Apache orders and frames this error page otherwise than all others.
    let ask = |path: &'static str| {
        move |host: &Host| {
            let answer = get(host.port(), path)?;
            Ok(format!("{}\n{}", answer.status_line, answer.text()))
        }
    };
    exchanges::compare(
        "proxy proxy_http",
        &configuration,
        &[
            script("no number", ask("/no-number")),
            script("negative", ask("/negative")),
            script("huge", ask("/huge")),
        ],
    )
}

#[test]
fn a_backend_in_error_is_left_alone_for_a_while() -> Result<()> {
    let site = Site::new()?;
    let refusing = http::start("gone", [])?.port();
    let backend = http::start("b", [])?;
    let configuration = serve(
        &site,
        "proxy proxy_http",
        &format!(
            "{ONE_CHILD}ProxyPass /default http://127.0.0.1:{refusing}/\n\
             ProxyPass /disabled http://127.0.0.1:{}/ status=+D\n\
             ProxyPass /stopped http://localhost:{}/ status=S\n",
            backend.port(),
            backend.port(),
        ),
    );
    let twice = |path: &'static str| {
        move |host: &Host| {
            let mut seen = String::new();
            for _ in 0..2 {
                let answer = get(host.port(), path)?;
                seen += &format!("{}\n{}\n", answer.status_line, answer.text());
            }
            let log = host.messages();
            for code in ["AH00957", "AH00959", "AH01114", "AH00940"] {
                seen += &format!("{code}: {}\n", log.matches(code).count());
            }
            Ok(seen)
        }
    };
    exchanges::compare(
        "proxy proxy_http",
        &configuration,
        &[
            script("refused", twice("/default/")),
            script("disabled", twice("/disabled/")),
            script("stopped", twice("/stopped/")),
        ],
    )
}

/// Backends that answer `/slow` after half a second, in parts, and everything else at once.
fn sluggish() -> Result<[Backend; 2]> {
    let pause = || std::thread::sleep(Duration::from_millis(170));
    let http = Backend::tcp(move |peer| {
        while let Some(request) = http::Received::from(peer)? {
            if request.path().starts_with("/slow") {
                for part in [
                    "HTTP/1.1 200 OK\r\nContent-",
                    "Length: 8\r\n\r\nsl",
                    "owly\r\n",
                ] {
                    pause();
                    peer.send(part)?;
                }
            } else {
                peer.send(http::answer("", "fast\n"))?;
            }
        }
        Ok(())
    })?;
    let scgi = Backend::tcp(move |peer| {
        if let Some(request) = scgi::receive(peer)? {
            let slow = request.variable("REQUEST_URI").contains("/slow");
            peer.send("Status: 200 OK\r\n")?;
            for part in [
                "Content-Type: text/plain\r\n",
                "\r\n",
                if slow { "slowly\r\n" } else { "fast\n" },
            ] {
                if slow {
                    pause();
                }
                peer.send(part)?;
            }
        }
        Ok(())
    })?;
    Ok([http, scgi])
}

/// Asks slow things in number while others want fast ones.
fn goes_on_beside(prefix: &str, modules: &str) -> Result<()> {
    const WAITING: usize = 20;
    if !Mpm::under_test().is_threaded() {
        // A process for each slow one is started at the pace of the spare servers.
        return Ok(());
    }
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    let [http, scgi] = sluggish()?;
    let configuration = serve(
        &site,
        "proxy proxy_http proxy_scgi",
        &format!(
            "ProxyPass /http http://127.0.0.1:{}\nProxyPass /scgi scgi://127.0.0.1:{}\n",
            http.port(),
            scgi.port()
        ),
    );
    let (fast, slow) = (format!("{prefix}/fast"), format!("{prefix}/slow"));
    let host = Host::start(Kind::under_test(), &configuration)?;
    // The proxy is known to be fast, so nothing has warned the server.
    for _ in 0..50 {
        ensure!(get(host.port(), &fast)?.text() == "fast\n");
    }
    let begun = Instant::now();
    let mut waiting = Vec::with_capacity(WAITING);
    for _ in 0..WAITING {
        let mut client = Client::connect(host.port())?;
        client.send(format!(
            "GET {slow} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ))?;
        waiting.push(client);
    }
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        let asked = Instant::now();
        ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
        ensure!(get(host.port(), &fast)?.text() == "fast\n");
        longest = longest.max(asked.elapsed());
    }
    for mut client in waiting {
        ensure!(client.receive(false)?.text() == "slowly\r\n");
    }
    let all = begun.elapsed();
    ensure!(
        longest.as_millis() < 400 && all.as_millis() < 4000,
        "others waited up to {longest:?}; {WAITING} slow ones took {all:?}"
    );
    compatibility::behaves(modules, WAITING + 90)
}

#[test]
fn a_slow_backend_delays_nobody() -> Result<()> {
    goes_on_beside("/http", "proxy proxy_http")
}

#[test]
fn a_slow_backend_that_the_module_waits_for_itself_delays_nobody() -> Result<()> {
    goes_on_beside("/scgi", "proxy proxy_scgi")
}

#[test]
fn a_client_that_leaves_takes_its_backend_connection_along() -> Result<()> {
    let site = Site::new()?;
    let backend = http::start(
        "b",
        [route("/large", http::answer("", &"x".repeat(20 << 20)))],
    )?;
    let configuration = serve(
        &site,
        "proxy proxy_http",
        &format!(
            "{ONE_CHILD}ProxyPass / http://127.0.0.1:{}/\n",
            backend.port()
        ),
    );
    let leaves = |host: &Host| {
        let mut client = Client::connect(host.port())?;
        client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")?;
        let head = client.receive_head()?;
        drop(client);
        // The half-read connection must not carry another request.
        let answer = exchange(
            host.port(),
            "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        )?;
        Ok(format!(
            "{}\n{}\n",
            head.status_line,
            answer.field("X-Requests").unwrap_or("none")
        ))
    };
    let slow = |host: &Host| {
        // A client that takes nothing for a while is not given up, and gets everything.
        let mut client = Client::connect(host.port())?;
        client.send("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
        let mut others = 0;
        until("others were served meanwhile", || {
            others += usize::from(get(host.port(), "/other")?.status() == 200);
            Ok(others == 20)
        })?;
        Ok(client.receive(false)?.body.len().to_string())
    };
    exchanges::compare(
        "proxy proxy_http",
        &configuration,
        &[script("leaves", leaves), script("is slow", slow)],
    )
}
