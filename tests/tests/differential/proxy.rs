//! mod_proxy and mod_proxy_http: from URL to backend and back. What the backend received is in the
//! answer's body, so each case compares the request as it was forwarded, too.

use anyhow::Result;
use httpd_tests::{
    backend::http::{self, answer, last, route},
    client::Client,
    differential::{Case, compare, serve},
    exchanges::{self, script, shown},
    mpm::Mpm,
    site::Site,
};

/// One child, so that connections to backends are kept in one place.
pub(crate) const ONE_CHILD: &str = "MinSpareThreads 1\nMaxSpareThreads 75\nMaxRequestWorkers 50\n\
                                    ThreadsPerChild 50\nServerLimit 1\n";

#[test]
fn paths_are_mapped_and_answers_mapped_back() -> Result<()> {
    let site = Site::new()?;
    site.file("local/page.txt", "local\n")?;
    let moved = |fields: &str| format!("HTTP/1.1 302 Found\r\n{fields}Content-Length: 0\r\n\r\n");
    let backend = http::start("b", [])?;
    let port = backend.port();
    let second = http::start(
        "second",
        [
            route(
                "/base/moved",
                moved(&format!(
                    "Location: http://127.0.0.1:{port}/x\r\nContent-Location: /base/y\r\nURI: \
                     http://127.0.0.1:{port}/z\r\n"
                )),
            ),
            route(
                "/base/elsewhere",
                moved("Location: http://elsewhere.example/base/x\r\n"),
            ),
            route("/base/relative", moved("Location: next\r\n")),
            route(
                "/base/cookie",
                answer(
                    "Set-Cookie: a=1; Path=/base; Domain=inner.example\r\nSet-Cookie: b=2; \
                     path=/other; HttpOnly\r\nSet-Cookie: c=3; domain=.inner.example; \
                     Path=/base/deep; Secure\r\nSet-Cookie: d=4\r\n",
                    "cookies\n",
                ),
            ),
        ],
    )?;
    let second_port = second.port();
    let configuration = serve(
        &site,
        "proxy proxy_http rewrite setenvif headers env alias",
        &format!(
            r#"{ONE_CHILD}
ProxyPass /all/none !
ProxyPass /all/ http://127.0.0.1:{port}/
ProxyPass /noslash http://127.0.0.1:{port}
ProxyPass /deep/path http://127.0.0.1:{port}/other/place
ProxyPass /nocanon http://127.0.0.1:{port}/n nocanon
ProxyPass /query http://127.0.0.1:{port}/q?fixed=1
ProxyPass /noquery http://127.0.0.1:{port}/nq noquery
ProxyPassMatch ^/match/(.*)\.x$ http://127.0.0.1:{port}/matched/$1
ProxyPassMatch ^/m2(/.*)$ http://127.0.0.1:{port}$1
ProxyPassMatch ^/not/.*\.txt$ !
ProxyPass /not http://127.0.0.1:{port}/not
<Location /location>
ProxyPass http://127.0.0.1:{port}/in-location
ProxyPassReverse http://127.0.0.1:{port}/in-location
</Location>
<LocationMatch "^/lm/(?<what>\w+)$">
ProxyPassMatch http://127.0.0.1:{port}/lm/$1
</LocationMatch>
<Location /base>
ProxyPass http://127.0.0.1:{second_port}/base
ProxyPassReverse http://127.0.0.1:{port}/
ProxyPassReverse /base
ProxyPassReverseCookieDomain inner.example outer.example
ProxyPassReverseCookiePath /base /outer
</Location>
RewriteEngine On
RewriteRule ^/rw/(.*)$ http://127.0.0.1:{port}/rewritten/$1 [P]
RewriteRule ^/rwq/(.*)$ http://127.0.0.1:{port}/rewritten/$1?more=1 [P,QSA,NE]
SetEnvIf Request_URI "^/no-proxy" no-proxy=1
ProxyPass /no-proxy http://127.0.0.1:{port}/
ProxyPass /interpolated http://127.0.0.1:{port}/${{WHERE}} interpolate
<Location /interpolated>
ProxyPassInterpolateEnv On
SetEnvIf Request_URI . WHERE=somewhere
</Location>
<Location /preserved>
ProxyPreserveHost On
ProxyPass http://127.0.0.1:{port}/
</Location>
<Location /via-on>
ProxyPass http://127.0.0.1:{port}/
ProxyAddHeaders Off
</Location>
Alias /aliased "@SITE@/local"
ProxyPass /aliased http://127.0.0.1:{port}/
"#
        ),
    );
    let mut cases: Vec<Case> = [
        "/all/",
        "/all/a%20b/c%2Fd?x=1&y=%zz",
        "/all/../escape",
        "/all/a;b=c,d/@:!$'()*",
        "/all/%e4%C3%BC",
        "/all//double//slashes",
        "/all/none",
        "/all/none/x",
        "/noslash/x",
        "/noslash",
        "/noslashed",
        "/deep/path/more?q",
        "/deep/pathology",
        "/nocanon/a%20b/%7E;x?y",
        "/query",
        "/query?mine=2",
        "/noquery?dropped=1",
        "/match/a/b.x?q=1",
        "/match/none",
        "/m2/some/where",
        "/not/a.txt",
        "/not/a.html",
        "/location/x?y",
        "/location",
        "/lm/word",
        "/lm/two/words",
        "/base/moved",
        "/base/elsewhere",
        "/base/relative",
        "/base/cookie",
        "/rw/some%20thing?q=1",
        "/rwq/x?q=1",
        "/no-proxy/x",
        "/interpolated/x",
        "/preserved/x",
        "/via-on/x",
        "/aliased/page.txt",
        "/local/page.txt",
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    for (method, path, body) in [
        ("HEAD", "/all/head", ""),
        ("POST", "/all/post", "a=1&b=2"),
        ("PUT", "/all/put", "text"),
        ("DELETE", "/all/delete", ""),
        ("OPTIONS", "/all/options", ""),
        ("PROPFIND", "/all/propfind", "<x/>"),
        ("BREW", "/all/brew", ""),
    ] {
        cases.push(Case::with(method, path, &[], body));
    }
    cases.push(Case::get_with(
        "/all/fields",
        &[
            ("X-Forwarded-For", "10.1.1.1"),
            ("X-Forwarded-Host", "outer.example"),
            ("X-Twice", "one"),
            ("X-Twice", "two"),
            ("TE", "trailers"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Authorization", "Basic eDp5"),
            ("Proxy-Connection", "keep-alive"),
            ("If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT"),
            ("Cookie", "a=b"),
            ("Authorization", "Basic eDp5"),
            ("Upgrade", "h2c"),
        ],
    ));
    cases.push(Case::get_with(
        "/preserved/",
        &[("Host", "other.example:81")],
    ));
    cases.push(Case::raw(
        "fields named by Connection",
        "GET /all/hop HTTP/1.1\r\nHost: a\r\nConnection: close, X-Hop\r\nX-Hop: gone\r\nX-Stay: \
         here\r\n\r\n",
    ));
    cases.push(Case::raw(
        "an HTTP/1.0 client",
        "GET /all/old HTTP/1.0\r\n\r\n",
    ));
    compare("proxy proxy_http", &configuration, &cases)
}

#[test]
fn settings_of_the_forwarded_request_and_its_answer() -> Result<()> {
    let site = Site::new()?;
    site.file("error.html", "our own page\n")?;
    let routes = || {
        [
            route(
                "/404",
                "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nX-Kept: \
                 yes\r\nContent-Length: 7\r\n\r\nbackend",
            ),
            route(
                "/503",
                "HTTP/1.1 503 Down\r\nRetry-After: 3\r\nContent-Length: 4\r\n\r\ndown",
            ),
            route(
                "/via",
                answer(
                    "Via: 1.0 inner (x)\r\nServer: Backend/1\r\nX-A: b\r\n",
                    "via\n",
                ),
            ),
            route(
                "/401",
                "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"b\"\r\nContent-Length: \
                 2\r\n\r\nno",
            ),
            route("/large", answer("", &"0123456789".repeat(50_000))),
        ]
    };
    let backend = http::start("b", routes())?;
    let port = backend.port();
    let host = |number: usize, lines: &str| {
        format!(
            "<VirtualHost *:@PORT@>\nServerName h{number}.example\nProxyPass /error.html !\n\
             DocumentRoot \"@SITE@\"\n{lines}\nProxyPass / http://127.0.0.1:{port}/\n</VirtualHost>\n"
        )
    };
    let settings = [
        "ProxyVia On",
        "ProxyVia Full",
        "ProxyVia Block",
        "ProxyVia Off",
        "ProxyErrorOverride On\nErrorDocument 404 /error.html",
        "ProxyErrorOverride On 404\nErrorDocument 404 \"four hundred and four\"",
        "ProxyMaxForwards 3",
        "ProxyIOBufferSize 8192\nProxyReceiveBufferSize 4096",
        "ProxyTimeout 5\nTimeout 7",
        "RequestHeader set X-Added 1\nRequestHeader unset User-Agent\nHeader set X-Answer 2\nHeader \
         unset X-A",
        "SetEnv force-proxy-request-1.0 1",
        "SetEnv proxy-nokeepalive 1",
        "SetEnv proxy-sendchunked 1",
        "SetEnv proxy-sendcl 1",
        "SetEnv proxy-initial-not-pooled 1\nSetEnv proxy-chain-auth 1",
        "ProxyAddHeaders Off\nProxyPreserveHost On\nSetEnv proxy-interim-response RFC",
        "ProxyErrorOverride On",
        "ProxyPass /worker http://127.0.0.1:@PORT4@/ retry=0 connectiontimeout=1 timeout=2 min=0 max=5 \
         smax=2 ttl=3 acquire=100 flushpackets=on flushwait=5 iobuffersize=9000 \
         receivebuffersize=4096 keepalive=on disablereuse=on",
    ];
    let mut configuration = serve(&site, "proxy proxy_http headers env", ONE_CHILD);
    for (number, lines) in settings.iter().enumerate() {
        configuration += &host(number, lines).replace("@SITE@", &site.path().display().to_string());
    }
    let mut cases = Vec::new();
    for number in 0..settings.len() {
        let name = format!("h{number}.example");
        let paths: &[&str] = match number {
            0..=3 | 9 => &["/via", "/echo"],
            4 | 5 | 16 => &["/404", "/503", "/401", "/via"],
            7 => &["/large", "/echo"],
            17 => &["/worker/x", "/echo"],
            _ => &["/echo"],
        };
        for path in paths {
            cases.push(Case::get_with(
                path,
                &[("Host", &name), ("User-Agent", "t")],
            ));
        }
        if (6..=15).contains(&number) {
            let fields = [
                ("Host", name.as_str()),
                ("Max-Forwards", "2"),
                ("Via", "1.1 before"),
            ];
            cases.push(Case::with("POST", "/posted", &fields, "a body"));
            cases.push(Case::raw(
                format!("chunked to {name}"),
                format!(
                    "POST /chunked HTTP/1.1\r\nHost: {name}\r\nConnection: \
                     close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n3;x=y\r\nefg\r\n0\r\n\
                     X-Trailer: t\r\n\r\n"
                ),
            ));
        }
    }
    for (method, forwards) in [
        ("TRACE", "0"),
        ("TRACE", "1"),
        ("OPTIONS", "0"),
        ("GET", "0"),
    ] {
        let fields = [("Host", "h6.example"), ("Max-Forwards", forwards)];
        cases.push(Case::with(method, "/forwards", &fields, ""));
    }
    compare("proxy proxy_http headers", &configuration, &cases)
}

#[test]
fn answers_of_every_shape_are_passed_on() -> Result<()> {
    let site = Site::new()?;
    let plain = |head: &str, body: &str| format!("{head}\r\n\r\n{body}");
    let routes = [
        last(
            "/until-close",
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nto the end",
        ),
        last("/old", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold"),
        last("/http09", "<h1>as in 1991</h1>\n"),
        route(
            "/chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5;ext\r\nfirst\r\n6\r\n \
             then \r\n0\r\nX-T: trailing\r\n\r\n",
        ),
        route("/204", plain("HTTP/1.1 204 Nothing", "")),
        route(
            "/304",
            plain("HTTP/1.1 304 Not Modified\r\nETag: \"x\"", ""),
        ),
        route(
            "/no-reason",
            plain("HTTP/1.1 200\r\nContent-Length: 2", "ok"),
        ),
        route(
            "/own-status",
            plain("HTTP/1.1 299 Quite Fine\r\nContent-Length: 2", "ok"),
        ),
        route("/999", plain("HTTP/1.1 999 Odd\r\nContent-Length: 2", "ok")),
        route(
            "/interim",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 \
             OK\r\nContent-Length: 5\r\n\r\nfinal",
        ),
        route(
            "/102",
            "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal",
        ),
        route(
            "/hop",
            answer(
                "Connection: X-Hop, close\r\nX-Hop: gone\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: \
                 Basic\r\nTE: x\r\nTrailer: y\r\nUpgrade: z\r\nX-Stay: here\r\n",
                "hop\n",
            ),
        ),
        route(
            "/many",
            answer(
                "X-A: 1\r\nX-A: 2\r\nx-a: 3\r\nVary: a\r\nVary: b\r\nDate: Tue, 14 Nov 2023 22:13:20 \
                 GMT\r\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\nETag: \"e\"\r\nAge: 5\r\n",
                "many\n",
            ),
        ),
        route(
            "/folded",
            answer("X-Folded: one\r\n  two\r\n\tthree\r\n", "folded\n"),
        ),
        route("/latin", answer("X-Latin: gr\u{fc}n\r\n", "latin\n")),
        route(
            "/empty-field",
            answer("X-Empty:\r\nX-Spaces:   \r\n", "empty\n"),
        ),
        route("/ranges", answer("Accept-Ranges: bytes\r\n", "0123456789")),
        route(
            "/typed",
            "HTTP/1.1 200 OK\r\nContent-Type: text/html;charset=utf-8\r\nContent-Language: \
             de\r\nContent-Encoding: x-odd\r\nContent-Length: 2\r\n\r\nok",
        ),
        route("/untyped", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        route("/zero", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        last("/lower", "http/1.1 200 ok\r\ncontent-length: 2\r\n\r\nok"),
        last("/two", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        route("/bare", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
        route("/large", answer("", &"0123456789".repeat(100_000))),
    ];
    let paths: Vec<String> = routes.iter().map(|(path, _)| path.clone()).collect();
    let backend = http::start("b", routes)?;
    let configuration = serve(
        &site,
        "proxy proxy_http",
        &format!("ProxyPass / http://127.0.0.1:{}/\n", backend.port()),
    );
    let mut cases: Vec<Case> = paths.iter().map(|path| Case::get(path)).collect();
    for path in ["/chunked", "/until-close", "/large"] {
        cases.push(Case::raw(
            format!("HTTP/1.0 {path}"),
            format!("GET {path} HTTP/1.0\r\n\r\n"),
        ));
    }
    cases.push(Case::get_with("/ranges", &[("Range", "bytes=2-4")]));
    cases.push(Case::get_with("/many", &[("If-None-Match", "\"e\"")]));
    compare("proxy proxy_http", &configuration, &cases)
}

#[test]
fn connections_to_backends_are_reused() -> Result<()> {
    if !Mpm::under_test().is_threaded() {
        // Which of the children has a connection is left to chance, and one alone waits for its client.
        return Ok(());
    }
    let site = Site::new()?;
    let backend = http::start("b", [last("/bye", answer("", "bye\n"))])?;
    let port = backend.port();
    let socket = site.path().join("backend.sock");
    let by_file = http::start_at(&socket, "file", [])?;
    let configuration = serve(
        &site,
        "proxy proxy_http",
        &format!(
            "{ONE_CHILD}ProxyPass /kept http://127.0.0.1:{port}/\n\
             ProxyPass /file \"unix:{}|http://by.file/at\"\n\
             ProxyPass /single http://localhost:{port}/ disablereuse=on\n",
            socket.display()
        ),
    );
    let ask = |paths: &'static [&'static str]| {
        move |host: &httpd_tests::host::Host| {
            let mut seen = String::new();
            // One connection of the client, and one for each request.
            let mut client = Client::connect(host.port())?;
            for path in paths {
                client.send(format!("GET {path} HTTP/1.1\r\nHost: test.example\r\n\r\n"))?;
                seen += &shown(client.receive(false)?, host);
            }
            for path in paths {
                seen += &shown(httpd_tests::client::get(host.port(), path)?, host);
            }
            Ok(seen)
        }
    };
    exchanges::compare(
        "proxy proxy_http",
        &configuration,
        &[
            script("kept", ask(&["/kept/1", "/kept/2", "/kept/3"])),
            script(
                "closed by the backend",
                ask(&["/kept/1", "/kept/bye", "/kept/2"]),
            ),
            script("a Unix socket", ask(&["/file/1", "/file/2"])),
            script("disablereuse", ask(&["/single/1", "/single/2"])),
        ],
    )?;
    assert!(by_file.connections() <= 4, "{}", by_file.connections());
    Ok(())
}
