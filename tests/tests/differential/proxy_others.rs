//! The smaller proxy modules: checks of health, heartbeats, maps, sockets passed on, FTP, HTTP/2
//! backends, and pages whose links are rewritten.

use std::{
    cell::RefCell,
    fs,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    backend::{
        Backend,
        fdpass::Taker,
        ftp,
        http::{self, answer, route},
    },
    client::{exchange, get},
    differential::{Case, compare, serve},
    exchanges::{self, script, shown},
    host::{Host, Place, free_ports, run, until},
    site::Site,
};

use crate::proxy::ONE_CHILD;

/// A backend whose health a test switches.
fn patient(ill: Arc<AtomicBool>, name: &'static str) -> Result<Backend> {
    Ok(Backend::tcp(move |peer| {
        while let Some(request) = http::Received::from(peer)? {
            let healthy = !ill.load(Ordering::Relaxed);
            let text = if healthy { "all is well\n" } else { "ill\n" };
            let mut answer = answer(&format!("X-Backend: {name}\r\n"), text);
            if request.path() == "/health" && !healthy {
                answer = answer.replace("200 OK", "500 Ill");
            }
            if request.head[0].starts_with("HEAD ") {
                answer.truncate(answer.len() - text.len());
            }
            peer.send(answer)?;
        }
        Ok(())
    })?)
}

#[test]
fn ill_backends_are_left_out() -> Result<()> {
    let site = Site::new()?;
    let ill = Arc::new(AtomicBool::new(false));
    let well = patient(Arc::new(AtomicBool::new(false)), "well")?;
    let sick = patient(ill.clone(), "sick")?;
    let (well, sick) = (well.port(), sick.port());
    let checks = |name: &str, check: &str| {
        format!(
            "<Proxy balancer://{name}>\nBalancerMember http://127.0.0.1:{well}\n\
             BalancerMember http://127.0.0.1:{sick} {check} hcinterval=200ms hcfails=1 hcpasses=1\n\
             </Proxy>\nProxyPass /{name} balancer://{name}\n"
        )
    };
    let modules = "proxy proxy_http proxy_balancer slotmem_shm lbmethod_byrequests proxy_hcheck";
    let mut lines = format!(
        "{ONE_CHILD}ProxyHCExpr fine {{%{{REQUEST_STATUS}} =~ /^[234]/}}\nProxyHCExpr words {{hc('body') \
         =~ /well/}}\nProxyHCTemplate by-get hcmethod=GET hcuri=/health hcexpr=fine\nProxyHCTPsize 4\n"
    );
    for (name, check) in [
        ("get", "hctemplate=by-get"),
        ("head", "hcmethod=HEAD hcuri=/health hcexpr=fine"),
        ("words", "hcmethod=GET hcuri=/other hcexpr=words"),
        ("new", "hcmethod=GET11 hcuri=/health hcexpr=fine"),
    ] {
        lines += &checks(name, check);
    }
    let configuration = serve(&site, modules, &lines);
    let answers = |host: &Host, name: &str| -> Result<bool> {
        let mut seen = false;
        for _ in 0..4 {
            let answer = get(host.port(), &format!("/{name}/x"))?;
            seen |= answer.field("X-Backend") == Some("sick");
        }
        Ok(seen)
    };
    let falls_ill = |name: &'static str| {
        let (ill, answers) = (ill.clone(), &answers);
        move |host: &Host| {
            ill.store(false, Ordering::Relaxed);
            until("the healthy backend answers", || answers(host, name))?;
            ill.store(true, Ordering::Relaxed);
            until("the ill backend is left out", || Ok(!answers(host, name)?))?;
            ill.store(false, Ordering::Relaxed);
            until("it is back", || answers(host, name))?;
            Ok("left out and back".to_owned())
        }
    };
    exchanges::compare(
        "proxy_hcheck proxy_balancer",
        &configuration,
        &[
            script("GET", falls_ill("get")),
            script("HEAD", falls_ill("head")),
            script("by the body", falls_ill("words")),
            script("GET with HTTP/1.1", falls_ill("new")),
        ],
    )
}

#[test]
fn heartbeats() -> Result<()> {
    let site = Site::new()?;
    let backend = http::start("b", [])?;
    let port = backend.port();
    let configuration = serve(
        &site,
        "proxy proxy_http proxy_balancer slotmem_shm lbmethod_heartbeat heartbeat heartmonitor status",
        &format!(
            "{ONE_CHILD}HeartbeatListen 239.0.0.1:@PORT3@\nHeartbeatAddress 239.0.0.1:@PORT3@\n\
             HeartbeatMaxServers 10\nHeartbeatStorage logs/hb.dat\n\
             <Location /beat>\nSetHandler heartbeat\n</Location>\n\
             <Proxy balancer://heart>\nBalancerMember http://127.0.0.1:{port}\nProxySet \
             lbmethod=heartbeat\n</Proxy>\nProxyPass /heart balancer://heart\n"
        ),
    );
    let beat = |method: &'static str, body: String| {
        move |host: &Host| {
            let request = format!(
                "{method} /beat HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            Ok(shown(exchange(host.port(), request)?, host))
        }
    };
    let ask = |host: &Host| {
        let answer = get(host.port(), "/heart/x")?;
        Ok(format!(
            "{} {:?}",
            answer.status_line,
            answer.field("X-Backend")
        ))
    };
    exchanges::compare(
        "heartbeat heartmonitor lbmethod_heartbeat",
        &configuration,
        &[
            script("before any", ask),
            script("GET", beat("GET", String::new())),
            script(
                "beat",
                beat("POST", format!("v=1&ready=10&busy=1&port={port}")),
            ),
            script("after it", ask),
            script("incomplete", beat("POST", "v=1&ready=10".to_owned())),
            script("empty", beat("POST", String::new())),
        ],
    )
}

#[test]
fn express() -> Result<()> {
    let site = Site::new()?;
    let backends = [http::start("one", [])?, http::start("two", [])?];
    let map = site.file(
        "map.txt",
        format!(
            "one.example http://127.0.0.1:{}\ntwo.example http://127.0.0.1:{}\nmoved.example \
             http://127.0.0.1:{}/base\n",
            backends[0].port(),
            backends[1].port(),
            backends[0].port(),
        ),
    )?;
    let dbm = site.path().join("map.dbm");
    let made = run(Command::new("httxt2dbm")
        .args(["-f", "SDBM", "-i"])
        .arg(&map)
        .arg("-o")
        .arg(&dbm))?;
    ensure!(made.status.success(), "httxt2dbm failed");
    let configuration = serve(
        &site,
        "proxy proxy_http proxy_express",
        "ProxyExpressEnable On\nProxyExpressDBMFile @SITE@/map.dbm\nProxyExpressDBMType SDBM\n",
    );
    let mut cases = Vec::new();
    for host in [
        "one.example",
        "two.example:80",
        "TWO.example",
        "moved.example",
        "none.example",
    ] {
        for path in ["/", "/a%20b?c=d"] {
            cases.push(Case::get_with(path, &[("Host", host)]));
        }
    }
    cases.push(Case::with(
        "POST",
        "/post",
        &[("Host", "one.example")],
        "a body",
    ));
    // A host that is not in the map is served here.
    cases.push(Case::get_with("/map.txt", &[("Host", "none.example")]));
    compare("proxy_express", &configuration, &cases)
}

#[test]
fn sockets_passed_on() -> Result<()> {
    let site = Site::new()?;
    let takers = RefCell::new(Vec::new());
    // A path is relative to ServerRoot, and a URL has to have a host: the first part of the path.
    let prepare = |place: &Place| {
        let taker = Taker::start(&place.path().join("run/taker.sock"))?;
        takers.borrow_mut().push(taker);
        Ok(())
    };
    let configuration = serve(
        &site,
        "proxy proxy_fdpass",
        "ProxyPass /taken fd://run/taker.sock\nProxyPass /nobody fd://run/nonexistent\n",
    );
    let ask =
        |request: &'static str| move |host: &Host| Ok(shown(exchange(host.port(), request)?, host));
    exchanges::compare_in(
        "proxy_fdpass",
        &configuration,
        &prepare,
        &[
            script("GET", ask("GET /taken/x?y HTTP/1.1\r\nHost: a\r\n\r\n")),
            script(
                "POST",
                ask("POST /taken HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"),
            ),
            script(
                "again",
                ask("GET /taken/again HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
            ),
            script(
                "nobody",
                ask("GET /nobody/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
            ),
        ],
    )
}

#[test]
fn ftp_listings_and_files() -> Result<()> {
    let site = Site::new()?;
    let server = ftp::start()?;
    let gone = http::start("gone", [])?.port();
    let port = server.port();
    let configuration = serve(
        &site,
        "proxy proxy_ftp",
        &format!(
            "ProxyRequests On\nProxyPass /ftp/ ftp://127.0.0.1:{port}/\nProxyPass /gone/ \
             ftp://127.0.0.1:{gone}/\nProxyFtpDirCharset UTF-8\nProxyFtpListOnWildcard on\n\
             ProxyFtpEscapeWildcards on\n"
        ),
    );
    let mut cases: Vec<Case> = [
        "/ftp/hello.txt".to_owned(),
        "/ftp/".to_owned(),
        "/ftp/sub/".to_owned(),
        "/ftp/sub".to_owned(),
        "/ftp/missing".to_owned(),
        "/ftp/hello.txt;type=a".to_owned(),
        "/ftp/*.txt".to_owned(),
        "/gone/x".to_owned(),
        format!("ftp://127.0.0.1:{port}/hello.txt"),
        format!("ftp://wrong:pass@127.0.0.1:{port}/hello.txt"),
        format!("ftp://user:pass@127.0.0.1:{port}/"),
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    cases.push(Case::with("POST", "/ftp/hello.txt", &[], "x"));
    compare("proxy_ftp", &configuration, &cases)
}

/// A real HTTP/2 server without TLS; it ends when this is dropped.
struct Nghttpd(Child);

impl Drop for Nghttpd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn http2_backends() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "<h1>over HTTP/2</h1>\n")?;
    site.file("dir/page.txt", "page\n")?;
    site.file("large.bin", "0123456789".repeat(100_000))?;
    let port = free_ports(1)?[0];
    let _server = Nghttpd(
        Command::new("nghttpd")
            .args(["--no-tls", "--address=127.0.0.1", "--htdocs"])
            .arg(site.path())
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("nghttpd: make test installs it")?,
    );
    until("nghttpd listens", || {
        Ok(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok())
    })?;
    let configuration = serve(
        &site,
        "proxy proxy_http2",
        &format!(
            "{ONE_CHILD}ProxyPass /h2 h2c://127.0.0.1:{port}/\nProxyPassReverse /h2 \
             http://127.0.0.1:{port}/\n"
        ),
    );
    let mut cases: Vec<Case> = [
        "/h2/",
        "/h2/index.html",
        "/h2/dir/page.txt?q",
        "/h2/missing",
        "/h2/large.bin",
        "/h2/dir",
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    cases.push(Case::with("HEAD", "/h2/index.html", &[], ""));
    cases.push(Case::with("POST", "/h2/index.html", &[], "a body"));
    compare("proxy_http2", &configuration, &cases)
}

#[test]
fn links_in_proxied_pages() -> Result<()> {
    let site = Site::new()?;
    let page = |kind: &str, text: &[u8]| {
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            text.len()
        )
        .into_bytes();
        answer.extend_from_slice(text);
        answer
    };
    let html = "<!DOCTYPE html><html><head><title>T</title>\n<base href=\"http://inner.example/\">\n\
                <link rel=stylesheet href='/style.css'><meta http-equiv=\"Content-Type\" \
                content=\"text/html; charset=iso-8859-1\">\n<script>var a = \
                'http://inner.example/x';</script></head>\n<body onload=\"go('/start')\">\n<a \
                href=\"http://inner.example/page?a=1&amp;b=2#c\">one</a><a href=/two>two</a><a \
                href=relative>three</a>\n<!-- comment with http://inner.example/ -->\n<img \
                src=\"/img.png\" alt=\"a & b\"><form action=\"/post\"><input \
                name=x></form>\n<p>text &eacute; &nbsp; &lt;\n</body></html>\n";
    let latin = b"<html><body><p>gr\xfc\xdfe</p><a href=\"/x\">l</a></body></html>\n".to_vec();
    let backend = http::start(
        "b",
        [
            route("/page", page("text/html", html.as_bytes())),
            route(
                "/utf8",
                page(
                    "text/html; charset=utf-8",
                    "<p>grüße <a href='/x'>x</a></p>".as_bytes(),
                ),
            ),
            route("/latin", page("text/html; charset=iso-8859-1", &latin)),
            route("/unsaid", page("text/html", &latin)),
            route("/odd-charset", page("text/html; charset=nonsense", &latin)),
            route(
                "/xml",
                page("application/xhtml+xml", b"<html><a href=\"/x\"/></html>"),
            ),
            route(
                "/text",
                page("text/plain", b"http://inner.example/ stays\n"),
            ),
            route("/empty", page("text/html", b"")),
            route(
                "/broken",
                page("text/html", b"<html><body><a href=\"/x\">never closed"),
            ),
            route(
                "/large",
                page(
                    "text/html",
                    format!("<p>{}</p>", "<a href=\"/x\">link</a>\n".repeat(3_000)).as_bytes(),
                ),
            ),
        ],
    )?;
    let port = backend.port();
    let links = fs::read_to_string("/etc/apache2/mods-available/proxy_html.conf")?;
    let place = |name: &str, lines: &str| {
        format!(
            "<Location /{name}>\nProxyPass http://127.0.0.1:{port}\nProxyHTMLEnable On\nProxyHTMLURLMap \
             http://inner.example /{name}\n{lines}\n</Location>\n"
        )
    };
    let mut lines = links;
    for (name, more) in [
        ("plain", "ProxyHTMLURLMap / /plain/"),
        (
            "extended",
            "ProxyHTMLExtended On\nProxyHTMLStripComments On",
        ),
        // (A map of `/` would map its own results in scripts again, and Apache's module writes past its
        // buffer then.)
        (
            "html4",
            "ProxyHTMLDocType HTML Legacy\nProxyHTMLFixups lowercase dospath reset",
        ),
        ("xhtml", "ProxyHTMLDocType XHTML"),
        (
            "own",
            "ProxyHTMLDocType \"<!DOCTYPE own>\" XML\nProxyHTMLBufSize 64",
        ),
        ("meta", "ProxyHTMLMeta On\nProxyHTMLInterp On"),
        (
            "charset",
            "ProxyHTMLCharsetOut iso-8859-1\nxml2EncDefault iso-8859-1",
        ),
        ("alias", "xml2EncDefault utf-8\nxml2StartParse p a"),
        (
            "pattern",
            "ProxyHTMLURLMap ^/(\\w+)\\.png$ /images/$1.gif Rx\nProxyHTMLURLMap three drei e",
        ),
    ] {
        lines += &place(name, more);
    }
    lines += &format!(
        "<Location /encoded>\nProxyPass http://127.0.0.1:{port}\nSetOutputFilter xml2enc\n\
         xml2EncDefault iso-8859-1\n</Location>\nxml2EncAlias iso-8859-1 nonsense\n"
    );
    let configuration = serve(&site, "proxy proxy_http xml2enc proxy_html", &lines);
    let mut cases = Vec::new();
    for name in [
        "plain", "extended", "html4", "xhtml", "own", "meta", "charset", "alias", "pattern",
    ] {
        cases.push(Case::get(&format!("/{name}/page")));
    }
    for name in ["plain", "charset", "alias", "encoded"] {
        for path in ["utf8", "latin", "unsaid", "odd-charset"] {
            // Where bytes are not what the default says, both servers give up half-way.
            if (name, path) != ("alias", "unsaid") {
                cases.push(Case::get(&format!("/{name}/{path}")));
            }
        }
    }
    for path in ["xml", "text", "empty", "broken", "large"] {
        cases.push(Case::get(&format!("/plain/{path}")));
    }
    cases.push(Case::with("HEAD", "/plain/page", &[], ""));
    compare("proxy_html xml2enc", &configuration, &cases)
}
