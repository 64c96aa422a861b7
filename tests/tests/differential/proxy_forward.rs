//! The forward proxy: requests for other hosts' URLs, who may make them, what is passed on to whom.

use anyhow::Result;
use httpd_tests::{
    backend::http::{self, answer, route},
    differential::{Case, compare, serve},
    site::Site,
};

#[test]
fn forward_proxy() -> Result<()> {
    let site = Site::new()?;
    site.file("page.html", "own page\n")?;
    let backend = http::start(
        "b",
        [
            route(
                "/via",
                answer("Via: 1.0 inner\r\nProxy-Authenticate: Basic\r\n", "via\n"),
            ),
            route(
                "/407",
                "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"b\"\r\nContent-Length: 0\r\n\r\n",
            ),
            route(
                "/moved",
                "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
            ),
        ],
    )?;
    let remote = http::start("remote", [])?;
    let (port, remote_port) = (backend.port(), remote.port());
    let gone = http::start("gone", [])?.port();
    let configuration = serve(
        &site,
        "proxy proxy_http headers env auth_basic authn_core authn_file authz_user authz_host",
        &format!(
            r#"
ProxyRequests On
ProxyVia Full
<Proxy "http://127.0.0.1:{port}/private/*">
Require all denied
</Proxy>
<ProxyMatch "^http://[^/]+/matched/\d+">
Require all denied
</ProxyMatch>
<Proxy "http://127.0.0.1:{port}/added/*">
RequestHeader set X-Added yes
Header set X-Answer yes
</Proxy>
ProxyBlock blocked.example 127.0.0.9
ProxyRemote http://remote.example/ http://127.0.0.1:{remote_port}
ProxyRemoteMatch ^http://[^/]*\.far\.example/ http://127.0.0.1:{remote_port}
ProxyRemote ftp http://127.0.0.1:{remote_port}
ProxyRemote http://broken.example/ http://127.0.0.1:{gone}
NoProxy .near.far.example 192.168.0.0/16
ProxyDomain .domain.example
<VirtualHost *:@PORT@>
</VirtualHost>
"#
        ),
    );
    let proxied = |method: &str, url: &str, fields: &[(&str, &str)], body: &str| {
        Case::with(method, url, fields, body)
    };
    let at = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let mut cases: Vec<Case> = [
        at("/x?y=z"),
        at(""),
        at("/a%20b/%7E"),
        at("/via"),
        at("/407"),
        at("/moved"),
        at("/private/x"),
        at("/matched/12"),
        at("/matched/x"),
        at("/added/x"),
        format!("http://user:pass@127.0.0.1:{port}/with-user"),
        format!("HTTP://127.0.0.1:{port}/upper"),
        format!("http://127.0.0.1:{gone}/refused"),
        "http://blocked.example/".to_owned(),
        "http://127.0.0.9/".to_owned(),
        "http://remote.example/somewhere?x".to_owned(),
        "http://a.far.example/x".to_owned(),
        "http://broken.example/x".to_owned(),
        "http://plainname/x".to_owned(),
        "http://no.such.host.invalid/".to_owned(),
        "ftp://ftp.example/file".to_owned(),
        "gopher://x/".to_owned(),
        "https://127.0.0.1/".to_owned(),
        "/page.html".to_owned(),
        "http://test.example:@PORT@/page.html".to_owned(),
    ]
    .iter()
    .map(|url| proxied("GET", url, &[], ""))
    .collect();
    cases.push(proxied("HEAD", &at("/head"), &[], ""));
    cases.push(proxied("POST", &at("/post"), &[], "a body"));
    cases.push(proxied("OPTIONS", &at("/"), &[("Max-Forwards", "1")], ""));
    cases.push(proxied(
        "TRACE",
        &at("/trace"),
        &[("Max-Forwards", "0")],
        "",
    ));
    cases.push(proxied(
        "GET",
        &at("/fields"),
        &[
            ("Host", "other.example"),
            ("Proxy-Authorization", "Basic eDp5"),
            ("Proxy-Connection", "keep-alive"),
            ("Via", "1.1 before"),
            ("X-Forwarded-For", "1.2.3.4"),
        ],
        "",
    ));
    cases.push(Case::raw(
        "HTTP/1.0",
        format!("GET http://127.0.0.1:{port}/old HTTP/1.0\r\n\r\n"),
    ));
    compare("proxy proxy_http", &configuration, &cases)
}

#[test]
fn without_proxy_requests_nobody_is_served() -> Result<()> {
    let site = Site::new()?;
    site.file("page.html", "own page\n")?;
    let backend = http::start("b", [])?;
    let port = backend.port();
    let configuration = serve(
        &site,
        "proxy proxy_http proxy_connect authn_core auth_basic authn_file authz_user",
        &format!(
            "ProxyPass /p http://127.0.0.1:{port}\n\
             <VirtualHost *:@PORT@>\nProxyRequests Off\n</VirtualHost>\n\
             <VirtualHost *:@PORT@>\nServerName auth.example\nProxyRequests On\n<Proxy *>\nAuthType \
             Basic\nAuthName proxy\nAuthBasicProvider file\nAuthUserFile /dev/null\nRequire \
             valid-user\n</Proxy>\n</VirtualHost>\n"
        ),
    );
    let mut cases: Vec<Case> = [
        format!("http://127.0.0.1:{port}/x"),
        format!("http://127.0.0.1:{port}/page.html"),
        "http://auth.example/x".to_owned(),
        "/p/x".to_owned(),
    ]
    .iter()
    .map(|url| Case::get(url))
    .collect();
    cases.push(Case::with("CONNECT", &format!("127.0.0.1:{port}"), &[], ""));
    cases.push(Case::get_with(
        &format!("http://127.0.0.1:{port}/x"),
        &[("Host", "auth.example")],
    ));
    compare("proxy proxy_http", &configuration, &cases)
}
