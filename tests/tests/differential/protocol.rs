//! Files and HTTP/1 itself: methods, ranges, conditions, malformed heads and bodies.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

#[test]
fn static_files_and_the_protocol() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "<h1>It serves</h1>\n")?;
    site.file("text.txt", "0123456789".repeat(100))?;
    site.file("empty.txt", "")?;
    site.file("large.bin", vec![b'x'; 300_000])?;
    site.file("a b/c&d.html", "odd names\n")?;
    site.file("dir/index.html", "in a directory\n")?;
    site.file("nodefault/file.txt", "nothing to show\n")?;
    site.file("secret/.htpasswd", "nobody\n")?;
    site.file("denied/index.html", "not for you\n")?;
    let configuration = serve(
        &site,
        "dir mime authn_core authz_host",
        "TypesConfig /etc/mime.types\nDirectoryIndex index.html\n\
         <Location /denied>\nRequire all denied\n</Location>\n\
         <Files \".ht*\">\nRequire all denied\n</Files>\n\
         ErrorDocument 410 \"Gone for good\"\n\
         <Location /limited>\nLimitRequestBody 10\n</Location>\n\
         TraceEnable On\n",
    );
    let mut cases: Vec<Case> = [
        "/",
        "/index.html",
        "/text.txt",
        "/empty.txt",
        "/large.bin",
        "/missing",
        "/dir",
        "/dir/",
        "/nodefault/",
        "/a%20b/c%26d.html",
        "/denied/",
        "/secret/.htpasswd",
        "/text.txt/extra",
        "/dir/../text.txt",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//dir//index.html",
        "/./dir/./index.html",
        "/text.txt?query=1",
        "/%00",
        "/%zz",
        "/dir%2findex.html",
        "/text.txt%20",
        "/index.html/",
        "/dir?x",
        "/%7Euser",
        "/*",
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    for (method, path) in [
        ("HEAD", "/text.txt"),
        ("HEAD", "/"),
        ("HEAD", "/missing"),
        ("OPTIONS", "/text.txt"),
        ("OPTIONS", "*"),
        ("POST", "/text.txt"),
        ("PUT", "/text.txt"),
        ("DELETE", "/text.txt"),
        ("TRACE", "/text.txt"),
        ("PATCH", "/text.txt"),
        ("BREW", "/pot"),
        ("get", "/text.txt"),
        ("CONNECT", "example:443"),
        ("PROPFIND", "/"),
    ] {
        cases.push(Case::with(method, path, &[], ""));
    }
    cases.push(Case::with("POST", "/text.txt", &[], "a body"));
    cases.push(Case::with(
        "POST",
        "/limited",
        &[],
        "a body that is too long",
    ));
    for range in [
        "bytes=0-9",
        "bytes=10-",
        "bytes=-5",
        "bytes=0-0,5-9",
        "bytes=5000-",
        "bytes=9-0",
        "bytes=",
        "bytes=0-9,20-29,40-",
        "lines=0-1",
        "bytes=0-999",
        "bytes=0-99999",
        "bytes=0-0,-1",
        "bytes=1-2,1-2,1-2",
        "bytes=a-b",
    ] {
        cases.push(Case::get_with("/text.txt", &[("Range", range)]));
    }
    cases.push(Case::with(
        "HEAD",
        "/text.txt",
        &[("Range", "bytes=0-9")],
        "",
    ));
    let modified = "Tue, 14 Nov 2023 22:13:20 GMT";
    for fields in [
        [("If-Modified-Since", modified)],
        [("If-Modified-Since", "Tue, 14 Nov 2023 22:13:19 GMT")],
        [("If-Modified-Since", "nonsense")],
        [("If-Unmodified-Since", modified)],
        [("If-Unmodified-Since", "Tue, 14 Nov 2000 22:13:20 GMT")],
        [("If-None-Match", "*")],
        [("If-None-Match", "\"nope\"")],
        [("If-Match", "*")],
        [("If-Match", "\"nope\"")],
    ] {
        cases.push(Case::get_with("/text.txt", &fields));
    }
    cases.push(Case::get_with(
        "/text.txt",
        &[("If-Range", modified), ("Range", "bytes=0-4")],
    ));
    cases.push(Case::get_with(
        "/text.txt",
        &[("If-Range", "\"no\""), ("Range", "bytes=0-4")],
    ));
    for (name, request) in [
        ("HTTP/1.0", "GET /text.txt HTTP/1.0\r\n\r\n"),
        (
            "HTTP/1.0 keep-alive",
            "GET /empty.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        ),
        ("HTTP/0.9", "GET /index.html\r\n"),
        ("no Host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"),
        (
            "two Hosts",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
        ),
        (
            "bad Host",
            "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
        ),
        (
            "Host with port",
            "GET /dir HTTP/1.1\r\nHost: test.example:81\r\nConnection: close\r\n\r\n",
        ),
        (
            "absolute URI",
            "GET http://test.example/text.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        ),
        ("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        (
            "HTTP/1.2",
            "GET /empty.txt HTTP/1.2\r\nHost: a\r\nConnection: close\r\n\r\n",
        ),
        ("nonsense", "nonsense\r\n\r\n"),
        ("spaces in the line", "GET  /  HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("tab in the line", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n"),
        ("lower-case protocol", "GET / http/1.1\r\nHost: a\r\n\r\n"),
        ("no colon", "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n"),
        (
            "space before the colon",
            "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n",
        ),
        (
            "folded field",
            "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\nConnection: close\r\n\r\n",
        ),
        (
            "empty lines before",
            "\r\n\r\nGET /empty.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        ),
        (
            "bare line feeds",
            "GET /empty.txt HTTP/1.1\nHost: a\nConnection: close\n\n",
        ),
        (
            "a control character",
            "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            "NUL in a field",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        ),
        (
            "bad length",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        ),
        (
            "negative length",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        ),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        ),
        (
            "length and chunked",
            "POST /text.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "unknown coding",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        ),
        (
            "chunked twice",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunked body",
            "POST /text.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "bad chunk",
            "POST /text.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "expectation",
            "POST /text.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
        ),
        (
            "unknown expectation",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: wonders\r\n\r\n",
        ),
        (
            "upgrade",
            "GET /empty.txt HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n",
        ),
    ] {
        cases.push(Case::raw(name, request));
    }
    cases.push(Case::raw(
        "a line too long",
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(9000)),
    ));
    cases.push(Case::raw(
        "a field too long",
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
            "x".repeat(9000)
        ),
    ));
    cases.push(Case::raw(
        "too many fields",
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
            "X: y\r\n".repeat(120)
        ),
    ));
    compare("dir mime authz_host", &configuration, &cases)
}
