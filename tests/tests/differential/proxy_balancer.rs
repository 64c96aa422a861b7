//! mod_proxy_balancer and the mod_lbmethod_* modules: who is chosen, who is left out, who is kept to,
//! and the manager's page.

use std::fmt::Write;

use anyhow::{Context, Result};
use httpd_tests::{
    backend::{
        Backend,
        http::{self, route},
    },
    client::{Answer, exchange, get, get_with},
    differential::serve,
    exchanges::{self, LOGGED, logged, script},
    host::Host,
    site::Site,
};

use crate::proxy::ONE_CHILD;

const BALANCER: &str = "proxy proxy_http proxy_balancer slotmem_shm lbmethod_byrequests \
                        lbmethod_bytraffic lbmethod_bybusyness lbmethod_heartbeat headers env";

/// Backends named a, b, ... `/set` gives a sticky cookie, `/503` fails, `/large` is large.
fn backends(count: usize) -> Result<Vec<Backend>> {
    let names = ["a", "b", "c", "d"];
    let start = |name: &&str| -> Result<Backend> {
        let text = |fields: &str| http::answer(&format!("X-Backend: {name}\r\n{fields}"), "text\n");
        Ok(http::start(
            name,
            [
                route(
                    "/set",
                    text(&format!("Set-Cookie: STICKY=session.{name}; Path=/\r\n")),
                ),
                route(
                    "/503",
                    format!("HTTP/1.1 503 Down\r\nX-Backend: {name}\r\nContent-Length: 0\r\n\r\n"),
                ),
                route(
                    "/large",
                    http::answer(&format!("X-Backend: {name}\r\n"), &"x".repeat(200_000)),
                ),
            ],
        )?)
    };
    names.iter().take(count).map(start).collect()
}

/// Who answered, or with which status nobody did.
fn who(answer: &Answer) -> String {
    match answer.field("X-Backend") {
        Some(name) => format!("{name} {}", answer.status()),
        None => answer.status().to_string(),
    }
}

fn ask(host: &Host, path: &str) -> Result<Answer> {
    logged(host, || Ok(get(host.port(), path)?))
}

/// A script that asks for paths in turn.
fn asks(paths: Vec<String>) -> impl Fn(&Host) -> Result<String> {
    move |host| {
        let mut seen = String::new();
        for path in &paths {
            let _ = writeln!(seen, "{path} {}", who(&ask(host, path)?));
        }
        Ok(seen)
    }
}

fn times(path: &str, count: usize) -> Vec<String> {
    vec![path.to_owned(); count]
}

#[test]
fn methods_of_balancing() -> Result<()> {
    let site = Site::new()?;
    let all = backends(4)?;
    let port = |number: usize| all[number].port();
    let members = |name: &str, lines: &str| {
        format!(
            "<Proxy balancer://{name}>\n{lines}\n</Proxy>\nProxyPass /{name} balancer://{name}\n"
        )
        .replace("@A@", &format!("http://127.0.0.1:{}", port(0)))
        .replace("@B@", &format!("http://127.0.0.1:{}", port(1)))
        .replace("@C@", &format!("http://127.0.0.1:{}", port(2)))
        .replace("@D@", &format!("http://127.0.0.1:{}", port(3)))
    };
    let gone = http::start("gone", [])?.port();
    let mut lines = format!("{ONE_CHILD}{LOGGED}");
    lines += &members(
        "even",
        "BalancerMember @A@\nBalancerMember @B@\nBalancerMember @C@",
    );
    lines += &members(
        "weighted",
        "BalancerMember @A@ loadfactor=3\nBalancerMember @B@ loadfactor=1\nBalancerMember @C@ \
         loadfactor=2.5\nProxySet lbmethod=byrequests",
    );
    lines += &members(
        "traffic",
        "BalancerMember @A@\nBalancerMember @B@ loadfactor=2\nProxySet lbmethod=bytraffic",
    );
    lines += &members(
        "busy",
        "BalancerMember @A@\nBalancerMember @B@\nProxySet lbmethod=bybusyness",
    );
    lines += &members(
        "heart",
        "BalancerMember @A@\nBalancerMember @B@\nProxySet lbmethod=heartbeat",
    );
    lines += &members(
        "spare",
        &format!(
            "BalancerMember http://127.0.0.1:{gone} retry=60\nBalancerMember @B@ status=+H\n\
             BalancerMember @C@ status=+R"
        ),
    );
    lines += &members(
        "sets",
        &format!(
            "BalancerMember http://127.0.0.1:{gone} lbset=0 retry=60\nBalancerMember @B@ lbset=1\n\
             BalancerMember @C@ lbset=2"
        ),
    );
    lines += &members(
        "stopped",
        "BalancerMember @A@ status=S\nBalancerMember @B@ status=D\nBalancerMember @C@ status=+I\n\
         BalancerMember @D@ status=N",
    );
    lines += &members("none", "BalancerMember @A@ status=D");
    lines += &members(
        "failing",
        "BalancerMember @A@ retry=60\nBalancerMember @B@ retry=60\nProxySet failonstatus=503,504 \
         nofailover=Off maxattempts=1",
    );
    lines += &members(
        "again",
        &format!(
            "BalancerMember http://127.0.0.1:{gone} retry=0\nBalancerMember @B@\nProxySet maxattempts=2 \
             timeout=1 forcerecovery=On"
        ),
    );
    lines += "ProxyPass /in-place balancer://even lbmethod=bybusyness\nProxyPass /unknown balancer://unknown\n\
              ProxyPassMatch ^/matched/(.*)$ balancer://even/$1\n\
              <Location /located>\nProxyPass balancer://even/sub\nProxyPassReverse balancer://even/sub\n</Location>\n\
              BalancerGrowth 3\nBalancerInherit Off\n";
    let configuration = serve(&site, BALANCER, &lines);
    let mut failing = times("/failing/x", 2);
    failing.extend(times("/failing/503", 2));
    failing.extend(times("/failing/x", 3));
    let scripts = [
        script("even", asks(times("/even/x", 7))),
        script("weighted", asks(times("/weighted/x", 14))),
        script(
            "traffic",
            asks(
                ["/large", "/x", "/x", "/x", "/large", "/x", "/x"]
                    .map(|path| format!("/traffic{path}"))
                    .into(),
            ),
        ),
        script("busy", asks(times("/busy/x", 6))),
        script("heart", asks(times("/heart/x", 3))),
        script("spare", asks(times("/spare/x", 4))),
        script("sets", asks(times("/sets/x", 4))),
        script("stopped", asks(times("/stopped/x", 6))),
        script("none", asks(times("/none/x", 2))),
        script("failing", asks(failing)),
        script("again", asks(times("/again/x", 5))),
        script("in place", asks(times("/in-place/x", 4))),
        script("matched", asks(times("/matched/x", 4))),
        script("located", asks(times("/located/x", 4))),
        script("unknown", asks(times("/unknown/x", 2))),
    ];
    exchanges::compare(BALANCER, &configuration, &scripts)
}

#[test]
fn sticky_sessions() -> Result<()> {
    let site = Site::new()?;
    let all = backends(3)?;
    let [a, b, c] = [all[0].port(), all[1].port(), all[2].port()];
    let members = format!(
        "BalancerMember http://127.0.0.1:{a} route=a\nBalancerMember http://127.0.0.1:{b} route=b \
         redirect=c\nBalancerMember http://127.0.0.1:{c} route=c\n"
    );
    let gone = http::start("gone", [])?.port();
    let lines = format!(
        "{ONE_CHILD}{LOGGED}\
         <Proxy balancer://cookie>\n{members}ProxySet stickysession=STICKY\n</Proxy>\n\
         ProxyPass /cookie balancer://cookie\n\
         <Proxy balancer://path>\n{members}ProxySet stickysession=STICKY|jsessionid scolonpathdelim=On\n</Proxy>\n\
         ProxyPass /path balancer://path\n\
         <Proxy balancer://separator>\n{members}ProxySet stickysession=STICKY stickysessionsep=:\n</Proxy>\n\
         ProxyPass /separator balancer://separator\n\
         <Proxy balancer://strict>\nBalancerMember http://127.0.0.1:{gone} route=gone retry=60\n{members}\
         ProxySet stickysession=STICKY nofailover=On\n</Proxy>\nProxyPass /strict balancer://strict\n\
         <Proxy balancer://own>\n{members}ProxySet stickysession=ROUTEID\n</Proxy>\n\
         <Location /own>\nProxyPass balancer://own\n\
         Header add Set-Cookie \"ROUTEID=.%{{BALANCER_WORKER_ROUTE}}e; path=/\" env=BALANCER_ROUTE_CHANGED\n\
         Header set X-Env \"%{{BALANCER_NAME}}e %{{BALANCER_WORKER_ROUTE}}e %{{BALANCER_SESSION_STICKY}}e \
         %{{BALANCER_SESSION_ROUTE}}e %{{BALANCER_ROUTE_CHANGED}}e\"\n</Location>\n"
    );
    let configuration = serve(&site, BALANCER, &lines);
    let cookie = |path: &'static str, value: &'static str| {
        move |host: &Host| {
            let mut seen = String::new();
            for _ in 0..4 {
                let fields = [("Cookie", value)];
                let answer = logged(host, || Ok(get_with(host.port(), path, &fields)?))?;
                let _ = writeln!(
                    seen,
                    "{} {:?} {:?}",
                    who(&answer),
                    answer.field("Set-Cookie"),
                    answer.field("X-Env")
                );
            }
            Ok(seen)
        }
    };
    let scripts = [
        script("by cookie", cookie("/cookie/x", "STICKY=session.b")),
        script(
            "among cookies",
            cookie("/cookie/x", "XSTICKY=s.a; STICKY=session.c; y=z"),
        ),
        script("unknown route", cookie("/cookie/x", "STICKY=session.z")),
        script("without route", cookie("/cookie/x", "STICKY=session")),
        script("by query", asks(times("/cookie/x?STICKY=s.c&y", 3))),
        script("by path", asks(times("/path/x;jsessionid=s.b?y", 3))),
        script("separator", cookie("/separator/x", "STICKY=session:b")),
        script(
            "other separator",
            cookie("/separator/x", "STICKY=session.b"),
        ),
        script("strict", cookie("/strict/x", "STICKY=s.gone")),
        script("own cookie", cookie("/own/x", "ROUTEID=.b")),
        script("no cookie yet", cookie("/own/x", "other=1")),
        script("set", cookie("/cookie/set", "STICKY=session.a")),
    ];
    exchanges::compare(BALANCER, &configuration, &scripts)
}

/// The nonce of the manager's page.
fn nonce(page: &str) -> Result<String> {
    let (_, rest) = page.split_once("nonce=").context("a nonce")?;
    Ok(rest
        .split(['&', '"', '\''])
        .next()
        .unwrap_or_default()
        .to_owned())
}

/// The page without what is new in each run: nonces, ports, and addresses of shared memory.
fn steady(page: &str, ports: &[u16]) -> String {
    let mut text = page.to_owned();
    while let Ok(found) = nonce(&text) {
        if found == "NONCE" || found.is_empty() {
            break;
        }
        text = text
            .replace(&found, "NONCE")
            .replace("nonce=NONCE", "nonce:NONCE");
    }
    for (number, port) in ports.iter().enumerate() {
        text = text.replace(&format!(":{port}"), &format!(":{number}"));
    }
    let server = ["Server Version", "Server Built", "<httpd:nonce>"];
    let mut lines: Vec<&str> = text
        .lines()
        .filter(|line| !server.iter().any(|name| line.contains(name)))
        .collect();
    // Apache lists the methods in the order of a hash table that is new in each run.
    let is_method = |line: &&str| line.contains("<option value=");
    if let Some(first) = lines.iter().position(is_method) {
        let head = "<select name='b_lbm' id='b_lbm'>";
        lines[first] = lines[first].trim_start_matches(head);
        let end = lines
            .iter()
            .rposition(is_method)
            .map_or(first, |last| last + 1);
        lines[first..end].sort_unstable();
    }
    lines.join("\n")
}

#[test]
fn the_manager() -> Result<()> {
    let site = Site::new()?;
    let all = backends(3)?;
    let ports: Vec<u16> = all.iter().map(Backend::port).collect();
    let [a, b, c] = [ports[0], ports[1], ports[2]];
    let lines = format!(
        "{ONE_CHILD}{LOGGED}BalancerPersist On\nBalancerGrowth 4\n<Proxy balancer://one>\nBalancerMember \
         http://127.0.0.1:{a} route=a loadfactor=2\nBalancerMember http://127.0.0.1:{b} route=b \
         status=+H\nProxySet stickysession=S growth=3\n</Proxy>\nProxyPass /one \
         balancer://one\nProxyStatus On\n<Location /manager>\nSetHandler \
         balancer-manager\n</Location>\n<Location /status>\nSetHandler server-status\n</Location>\n"
    );
    let configuration = serve(&site, &format!("{BALANCER} status"), &lines);
    let edit = |host: &Host, form: &str, referer: bool| -> Result<Answer> {
        let page = ask(host, "/manager")?.text();
        let body = form.replace("NONCE", &nonce(&page)?);
        let from = if referer {
            format!("Referer: http://test.example:{}/manager\r\n", host.port())
        } else {
            String::new()
        };
        let request = format!(
            "POST /manager HTTP/1.1\r\nHost: test.example:{}\r\nConnection: \
                 close\r\n{from}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: \
                 {}\r\n\r\n{body}",
            host.port(),
            body.len()
        );
        logged(host, || Ok(exchange(host.port(), request)?))
    };
    let page = |host: &Host| {
        let answer = ask(host, "/manager")?;
        Ok(format!(
            "{} {:?}\n{}",
            answer.status_line,
            answer.field("Content-Type"),
            steady(&answer.text(), &ports)
        ))
    };
    let part = |query: String| {
        let ports = &ports;
        move |host: &Host| {
            let nonce = nonce(&ask(host, "/manager")?.text())?;
            let path = format!("/manager?{query}&nonce={nonce}");
            let fields = [("Referer", "http://test.example/manager")];
            let answer = logged(host, || Ok(get_with(host.port(), &path, &fields)?))?;
            Ok(steady(&answer.text(), ports))
        }
    };
    let xml = part("xml=1".to_owned());
    let worker = part(format!("b=one&w=http://127.0.0.1:{a}"));
    let edits = |form: String, referer: bool| {
        let ports = ports.clone();
        move |host: &Host| {
            let answer = edit(host, &form, referer)?;
            let mut seen = format!("{}\n{}", answer.status_line, steady(&answer.text(), &ports));
            for _ in 0..4 {
                let _ = writeln!(seen, "{}", who(&ask(host, "/one/x")?));
            }
            Ok(seen)
        }
    };
    let drain = edits(
        format!("w=http://127.0.0.1:{a}&b=one&w_status_D=1&w_lf=3&w_wr=new&nonce=NONCE"),
        true,
    );
    let enable = edits(
        format!("w=http://127.0.0.1:{a}&b=one&w_status_D=0&w_lf=1.5&nonce=NONCE"),
        true,
    );
    let method = edits(
        "b=one&b_lbm=bybusyness&b_tmo=5&b_max=2&b_sforce=0&b_ss=T&nonce=NONCE".into(),
        true,
    );
    let add = edits(
        format!("b=one&b_nwrkr=http://127.0.0.1:{c}&b_wyes=1&nonce=NONCE"),
        true,
    );
    let wrong = edits(
        format!("w=http://127.0.0.1:{b}&b=one&w_status_H=0&nonce=wrong"),
        true,
    );
    let foreign = edits(
        format!("w=http://127.0.0.1:{b}&b=one&w_status_H=0&nonce=NONCE"),
        false,
    );
    exchanges::compare(
        "proxy proxy_balancer slotmem_shm status",
        &configuration,
        &[
            script("page", page),
            script("xml", &xml),
            script("worker", &worker),
            script("wrong nonce", &wrong),
            script("without referer", &foreign),
            script("disable", &drain),
            script("page afterwards", page),
            script("enable", &enable),
            script("another method", &method),
            script("another worker", &add),
            script("page at last", page),
        ],
    )
}
