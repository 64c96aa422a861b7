//! mod_proxy_ajp with a scripted container: what it is asked, packet by packet, and what becomes of
//! its answers, well formed and not.

use anyhow::Result;
use httpd_tests::{
    backend::ajp::{self, Packet},
    differential::{Case, compare, serve},
    site::Site,
};

fn plain(fields: Vec<(&'static str, &'static str)>) -> Packet {
    Packet::Headers(200, "OK", fields)
}

#[test]
fn requests_and_answers_over_ajp() -> Result<()> {
    let site = Site::new()?;
    let large: Vec<u8> = b"0123456789".repeat(30_000);
    let routes = vec![
        (
            "/app/fields",
            vec![
                plain(vec![
                    ("Content-Type", "text/html;charset=utf-8"),
                    ("Set-Cookie", "a=1; Path=/app"),
                    ("Set-Cookie", "b=2; Path=/"),
                    ("X-Own", "value"),
                    ("Servlet-Engine", "scripted"),
                    ("Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT"),
                ]),
                Packet::Body(b"<p>fields</p>\n".to_vec()),
                Packet::End(true),
            ],
        ),
        (
            "/app/moved",
            vec![
                Packet::Headers(
                    302,
                    "Found",
                    vec![("Location", "http://inner.example/app/there")],
                ),
                Packet::End(true),
            ],
        ),
        (
            "/app/404",
            vec![
                Packet::Headers(404, "Nowhere", vec![("Content-Type", "text/plain")]),
                Packet::Body(b"not here\n".to_vec()),
                Packet::End(true),
            ],
        ),
        (
            "/app/500",
            vec![Packet::Headers(500, "", vec![]), Packet::End(true)],
        ),
        (
            "/app/204",
            vec![Packet::Headers(204, "Nothing", vec![]), Packet::End(true)],
        ),
        (
            "/app/304",
            vec![
                Packet::Headers(304, "Same", vec![("ETag", "\"e\"")]),
                Packet::End(true),
            ],
        ),
        (
            "/app/length",
            vec![
                plain(vec![("Content-Length", "6")]),
                Packet::Body(b"length".to_vec()),
                Packet::End(true),
            ],
        ),
        (
            "/app/large",
            vec![
                plain(vec![("Content-Type", "application/octet-stream")]),
                Packet::Body(large),
                Packet::End(true),
            ],
        ),
        (
            "/app/not-again",
            vec![
                plain(vec![]),
                Packet::Body(b"bye\n".to_vec()),
                Packet::End(false),
            ],
        ),
        (
            "/app/two-heads",
            vec![
                plain(vec![]),
                plain(vec![("X-Two", "2")]),
                Packet::End(true),
            ],
        ),
        (
            "/app/no-head",
            vec![Packet::Body(b"body first".to_vec()), Packet::End(true)],
        ),
        ("/app/closes", vec![Packet::Close]),
        ("/app/closes-after-head", vec![plain(vec![]), Packet::Close]),
        (
            "/app/closes-in-body",
            vec![
                plain(vec![("Content-Length", "20")]),
                Packet::Body(b"half".to_vec()),
                Packet::Close,
            ],
        ),
        (
            "/app/nonsense",
            vec![
                Packet::Raw(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
                Packet::Close,
            ],
        ),
        (
            "/app/unknown-type",
            vec![Packet::Raw(b"AB\x00\x01\x63".to_vec()), Packet::Close],
        ),
        (
            "/app/too-long",
            vec![Packet::Raw(b"AB\xff\xff\x03".to_vec()), Packet::Close],
        ),
        (
            "/app/short-head",
            vec![
                Packet::Raw(b"AB\x00\x03\x04\x00\xc8".to_vec()),
                Packet::Close,
            ],
        ),
        ("/app/silent", vec![Packet::Hold]),
        (
            "/app/401",
            vec![
                Packet::Headers(401, "Who", vec![("WWW-Authenticate", "Basic realm=\"x\"")]),
                Packet::End(true),
            ],
        ),
    ];
    let paths: Vec<&str> = routes.iter().map(|(path, _)| *path).collect();
    let backend = ajp::start(true, routes)?;
    let pinged = ajp::start(true, vec![])?;
    let mute = ajp::start(false, vec![])?;
    let gone = ajp::start(true, vec![])?.port();
    let port = backend.port();
    let configuration = serve(
        &site,
        "proxy proxy_ajp env setenvif auth_basic authn_core authn_file authz_user",
        &format!(
            r#"
ProxyPass /pinged ajp://127.0.0.1:{pinged}/app ping=2
ProxyPass /mute ajp://127.0.0.1:{mute}/app ping=500ms retry=0
ProxyPass /gone ajp://127.0.0.1:{gone}/ retry=0
<Location /app>
ProxyPass ajp://127.0.0.1:{port}/app timeout=1 retry=0
ProxyPassReverse http://inner.example/app
ProxyPassReverseCookiePath /app /outer
</Location>
<Location /secret>
ProxyPass ajp://localhost:{port}/secret secret=shibboleth
SetEnv AJP_own attribute
SetEnv AJP_other "with spaces"
SetEnv unrelated no
</Location>
<Location /override>
ProxyErrorOverride On
ProxyPass ajp://localhost:{port}/app retry=0
</Location>
SetEnvIf User-Agent ^Route JK_ROUTE=r1
"#,
            mute = mute.port(),
            pinged = pinged.port(),
        ),
    );
    let mut cases: Vec<Case> = paths.iter().map(|path| Case::get(path)).collect();
    for path in [
        "/app/a%20b/c;d?x=1&y=%20z",
        "/app/%C3%BC",
        "/pinged/x",
        "/pinged/fields",
        "/mute/x",
        "/gone/x",
        "/secret/x?q",
        "/override/404",
        "/override/500",
    ] {
        cases.push(Case::get(path));
    }
    for method in [
        "OPTIONS",
        "DELETE",
        "PROPFIND",
        "REPORT",
        "MKACTIVITY",
        "PATCH",
        "BREW",
    ] {
        cases.push(Case::with(method, "/app/method", &[], ""));
    }
    cases.push(Case::with("HEAD", "/app/fields", &[], ""));
    cases.push(Case::with("HEAD", "/app/shown", &[], ""));
    cases.push(Case::with(
        "POST",
        "/app/post",
        &[("Content-Type", "text/x")],
        "a body",
    ));
    cases.push(Case::with(
        "PUT",
        "/app/large-body",
        &[],
        &"0123456789".repeat(5_000),
    ));
    cases.push(Case::raw(
        "a chunked body",
        "POST /app/chunked HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\nTransfer-Encoding: \
         chunked\r\n\r\n5\r\nfirst\r\n7\r\n second\r\n0\r\n\r\n",
    ));
    cases.push(Case::raw(
        "an expected body",
        "POST /app/expected HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\nExpect: \
         100-continue\r\nContent-Length: 4\r\n\r\nbody",
    ));
    cases.push(Case::get_with(
        "/app/known-fields",
        &[
            ("Accept", "*/*"),
            ("Accept-Charset", "utf-8"),
            ("Accept-Encoding", "x"),
            ("Accept-Language", "de"),
            ("Authorization", "Basic eDp5"),
            ("Cookie", "a=b"),
            ("Cookie2", "$Version=1"),
            ("Pragma", "no-cache"),
            ("Referer", "http://a/"),
            ("User-Agent", "test"),
            ("X-Unknown", "one"),
            ("X-Unknown", "two"),
        ],
    ));
    cases.push(Case::get_with("/app/route", &[("User-Agent", "Route 66")]));
    cases.push(Case::get_with(
        "/app/long",
        &[("X-Long", &"y".repeat(8000))],
    ));
    compare("proxy proxy_ajp", &configuration, &cases)
}
