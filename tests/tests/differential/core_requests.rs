//! The core's directives about requests: how strictly they are read, how large they may be, how many on
//! a connection, which ranges, methods and trailers, and how often a request may be redirected.

use std::fmt::Write;

use anyhow::Result;
use httpd_tests::{
    compatibility,
    differential::{Case, compare, serve},
    site::Site,
    streams,
};

/// A virtual host `NAME.example` for each set of lines.
fn hosts(sets: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, lines) in sets {
        let _ = write!(
            text,
            "<VirtualHost *:@PORT@>\nServerName {name}.example\n{lines}\n</VirtualHost>\n"
        );
    }
    text
}

fn raw(name: &str, request: &str) -> Case {
    Case::raw(name, request)
}

#[test]
fn how_strictly_requests_are_read() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    // The protocol's options are those of the first host of an address: one server for each.
    let requests = [
        "GET /index.html\r\n",
        "GET /index.html\r\n\r\n",
        "POST /index.html\r\n",
        "GET /index.html HTTP/0.9\r\n\r\n",
        "GET /index.html HTTP/1.0\r\n\r\n",
        "GET  /index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /index.html  HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1 \r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET\t/index.html\tHTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        " GET /index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\nHost: a\nConnection: close\n\n",
        "GET /index.html HTTP/1.1\r\nHost: a\nConnection: close\r\n\n",
        "GET /index.html#x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /ind ex.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /\"x\" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /\u{e9} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /\u{7f} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET ?x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.10\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/01.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/3.0\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /index.html FTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a\r\nX: a\tb\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a\r\nX: a\u{1}b\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a\r\nX: a\u{7f}b\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a\r\nX: \u{e9}\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a\r\nX : b\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a\r\nX Y: b\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a\r\nX(): b\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a\r\n: b\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a\r\nnocolon\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\n folded: x\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n  c\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a,b\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a@b\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nConnection: close\r\n\r\n",
        "BREW /index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "MELT /index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "get /index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "G@T /index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{0}\u{5}hello\r\n\r\n",
        "GET http://a/index.html HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
        "GET http:///index.html HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
        "GET http://a:b@c/index.html HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
        "GET ftp://a/index.html HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
        "GET /index.html HTTP/1.1\r\nHost: a\r\nHost: a\r\nConnection: close\r\n\r\n",
    ];
    let cases: Vec<Case> = requests
        .iter()
        .map(|request| raw(&format!("{request:?}"), request))
        .collect();
    for options in [
        "Strict",
        "Unsafe",
        "Strict Require1.0",
        "Unsafe Allow0.9",
        "Strict RegisteredMethods",
        "Unsafe LenientMethods Require1.0",
    ] {
        let more = format!("HttpProtocolOptions {options}\nRegisterHttpMethod BREW\n");
        compare("core", &serve(&site, "", &more), &cases)
            .map_err(|error| error.context(format!("HttpProtocolOptions {options}")))?;
    }
    Ok(())
}

#[test]
fn sizes_of_requests() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    for name in ["body", "body/unlimited", "body/ten"] {
        site.file(&format!("{name}/doc.txt"), "document\n")?;
    }
    let program = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\ncat\n";
    for name in ["body/run.cgi", "body/unlimited/run.cgi", "body/ten/run.cgi"] {
        site.program(name, program)?;
    }
    let sets = [
        ("line", "LimitRequestLine 50"),
        ("line0", "LimitRequestLine 0"),
        ("size", "LimitRequestFieldSize 40"),
        ("size0", "LimitRequestFieldSize 0"),
        ("fields", "LimitRequestFields 5"),
        ("fields0", "LimitRequestFields 0"),
    ];
    let mut cases = Vec::new();
    let line = |length: usize| {
        let path = "x".repeat(length - "GET / HTTP/1.1".len());
        format!("GET /{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    };
    for length in [
        20, 48, 49, 50, 51, 52, 60, 8189, 8190, 8191, 8192, 8193, 20_000,
    ] {
        cases.push(raw(&format!("line of {length}"), &line(length)));
    }
    for length in [
        30, 37, 38, 39, 40, 41, 42, 50, 8188, 8189, 8190, 8191, 20_000,
    ] {
        let value = "x".repeat(length - 3);
        cases.push(raw(
            &format!("field of {length}"),
            &format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {value}\r\n\r\n"),
        ));
        let folded = format!(
            "X: {}\r\n {}",
            "x".repeat(length / 2),
            "y".repeat(length / 2)
        );
        cases.push(raw(
            &format!("folded field of {length}"),
            &format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{folded}\r\n\r\n"),
        ));
    }
    for count in [1, 2, 3, 4, 5, 6, 97, 98, 99, 100, 101, 500] {
        let fields = "X: y\r\n".repeat(count);
        cases.push(raw(
            &format!("{count} fields and two"),
            &format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n"),
        ));
    }
    for (name, lines) in sets {
        compare("core", &serve(&site, "", &hosts(&[(name, lines)])), &cases)
            .map_err(|error| error.context(lines.to_owned()))?;
    }
    // Bodies: a directory's limit, told by Content-Length or met on the way.
    let more = "ScriptSock cgid.sock\nAddHandler cgi-script .cgi\n\
        <Directory \"@SITE@\">\nOptions ExecCGI\n</Directory>\n\
        <Directory \"@SITE@/body\">\nLimitRequestBody 20\n</Directory>\n\
        <Directory \"@SITE@/body/unlimited\">\nLimitRequestBody 0\n</Directory>\n\
        <Directory \"@SITE@/body/ten\">\nLimitRequestBody 10\n</Directory>\nTypesConfig /etc/mime.types\n";
    let mut cases = Vec::new();
    for directory in ["body", "body/unlimited", "body/ten"] {
        for file in ["doc.txt", "run.cgi"] {
            for length in [0, 9, 10, 11, 20, 21, 500] {
                let body = "x".repeat(length);
                let path = format!("/{directory}/{file}");
                cases.push(Case::with("POST", &path, &[], &body));
                let mut case = raw(
                    &format!("{path} {length} in chunks"),
                    &format!(
                        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                         Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
                        if length > 0 {
                            format!("{length:x}\r\n{body}\r\n")
                        } else {
                            String::new()
                        }
                    ),
                );
                case.name += " ";
                cases.push(case);
            }
        }
    }
    compare("core", &serve(&site, "cgid mime", more), &cases)
}

#[test]
fn ranges_of_requests() -> Result<()> {
    let site = Site::new()?;
    let sets = [
        (
            "default",
            "MaxRanges default\nMaxRangeOverlaps default\nMaxRangeReversals default",
        ),
        ("none", "MaxRanges none"),
        (
            "unlimited",
            "MaxRanges unlimited\nMaxRangeOverlaps unlimited\nMaxRangeReversals unlimited",
        ),
        ("three", "MaxRanges 3"),
        ("overlaps0", "MaxRangeOverlaps none"),
        ("overlaps1", "MaxRangeOverlaps 1"),
        ("reversals0", "MaxRangeReversals none"),
        ("reversals1", "MaxRangeReversals 1"),
        ("three/inherits", "Require all granted"),
        ("three/none", "MaxRanges none"),
    ];
    let mut more = String::new();
    let mut cases = Vec::new();
    let many = |count: usize| {
        let ranges: Vec<String> = (0..count)
            .map(|n| format!("{}-{}", n * 4, n * 4 + 1))
            .collect();
        format!("bytes={}", ranges.join(","))
    };
    let mut ranges: Vec<String> = [
        "bytes=0-1",
        "bytes=0-1,4-5",
        "bytes=0-1,4-5,8-9",
        "bytes=0-1,4-5,8-9,12-13",
        "bytes=0-5,4-9",
        "bytes=0-5,4-9,8-12",
        "bytes=8-9,0-1",
        "bytes=8-9,4-5,0-1",
        "bytes=0-,0-,0-",
        "bytes=-1,-2",
        "bytes=0-0,0-0",
        "bytes=20-30,0-1,40-41,2-3",
        "bytes=0-1,2-3",
        "bytes=0-1,900000-",
        "bytes=900000-,0-1",
        "bytes=0-1,x",
        "bytes= 0-1 , 4-5",
        "bytes=0-1,,4-5",
        "BYTES=0-1",
        "bytes:0-1",
        "bytes=0-99999999999999999999",
        "bytes=-0",
        "bytes=8-9,4-5,0-",
        "bytes=1-5,3-8,0-",
        "bytes=00-,5-6",
        "bytes=5-6,0-",
        "bytes=0-,5-6",
        "bytes=5-6,0-,7-8",
        "bytes=0-1999,5-6",
        "bytes=5-6,0-1999",
        "bytes=5-6,-2000",
        "bytes=-2000,5-6",
        "bytes=-5000,5-6",
        "bytes=1-2,4-5,0-,8-9,2-3",
        "bytes=0-,x",
        "bytes=x,0-",
        "bytes=2000-,0-",
    ]
    .iter()
    .map(|&range| range.to_owned())
    .collect();
    ranges.extend([many(199), many(200), many(201), many(300)]);
    for (name, lines) in sets {
        site.file(&format!("{name}/doc.txt"), "0123456789".repeat(200))?;
        let _ = write!(
            more,
            "<Directory \"@SITE@/{name}\">\n{lines}\n</Directory>\n"
        );
        for range in &ranges {
            let mut case = Case::get_with(&format!("/{name}/doc.txt"), &[("Range", range)]);
            case.name.truncate(80);
            cases.push(case);
        }
    }
    compare("core", &serve(&site, "", &more), &cases)
}

#[test]
fn methods_and_trailers() -> Result<()> {
    let site = Site::new()?;
    site.file("doc.txt", "document\n")?;
    site.program("env.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\ncat\nprintf '%s' \"[$HTTP_X_TRAILER]\"\n")?;
    let sets = [
        ("on", "TraceEnable on"),
        ("off", "TraceEnable off"),
        ("extended", "TraceEnable extended"),
        ("merge", "MergeTrailers On"),
        ("nomerge", "MergeTrailers Off"),
    ];
    let more = format!(
        "ScriptSock cgid.sock\nAddHandler cgi-script .cgi\nTypesConfig /etc/mime.types\n\
         <Directory \"@SITE@\">\nOptions ExecCGI\n</Directory>\n\
         RegisterHttpMethod BREW WHEN\n{}",
        hosts(&sets)
    );
    let mut cases = Vec::new();
    for (name, _) in sets {
        let host = format!("{name}.example");
        for (method, fields, body) in [
            ("TRACE", vec![], ""),
            (
                "TRACE",
                vec![
                    ("X-A", "b"),
                    ("Cookie", "c=d"),
                    ("Authorization", "Basic eDp5"),
                ],
                "",
            ),
            ("TRACE", vec![], "body"),
            ("TRACE", vec![("Max-Forwards", "0")], ""),
            ("OPTIONS", vec![], ""),
            ("OPTIONS", vec![], "body"),
            ("BREW", vec![], ""),
            ("WHEN", vec![], ""),
            ("NOSUCH", vec![], ""),
        ] {
            let mut fields = fields;
            fields.push(("Host", &host));
            for path in ["/doc.txt", "/none", "*"] {
                cases.push(Case::with(method, path, &fields, body));
            }
        }
        for trailer in [
            "X-Trailer: sent",
            "Content-Length: 5",
            "nonsense",
            "X-Trailer: a\r\nX-Trailer: b",
        ] {
            cases.push(raw(
                &format!("{name} {trailer}"),
                &format!(
                    "POST /env.cgi HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nTrailer: X-Trailer\r\n\
                     Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n{trailer}\r\n\r\n"
                ),
            ));
        }
    }
    compare("core", &serve(&site, "cgid mime headers", &more), &cases)
}

#[test]
fn many_requests_on_a_connection() -> Result<()> {
    let site = Site::new()?;
    site.file("doc.txt", "document\n")?;
    let get = |fields: &str| format!("GET /doc.txt HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let last = get("Connection: close\r\n");
    let exchanges = [
        ("three in a row", get("").repeat(3) + &last),
        ("three and garbage", get("").repeat(3) + "nonsense\r\n\r\n"),
        (
            "keep-alive of 1.0",
            format!("GET /doc.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n{last}"),
        ),
        (
            "keep-alive of 1.1",
            get("Connection: keep-alive\r\n") + &last,
        ),
        (
            "Keep-Alive field",
            get("Keep-Alive: timeout=99, max=99\r\n") + &last,
        ),
        (
            "1.0 without",
            format!("GET /doc.txt HTTP/1.0\r\n\r\n{last}"),
        ),
        (
            "an error between",
            format!("GET /none HTTP/1.1\r\nHost: a\r\n\r\n{}", last),
        ),
        (
            "a body that nobody reads",
            format!("POST /doc.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody{last}"),
        ),
        (
            "HEAD, then GET",
            format!("HEAD /doc.txt HTTP/1.1\r\nHost: a\r\n\r\n{last}"),
        ),
        ("empty lines between", get("") + "\r\n\r\n" + &last),
        ("close, then more", last.clone() + &last),
        ("twelve", get("").repeat(12) + &last),
    ];
    let exchanges: Vec<(&str, &str)> = exchanges
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    for lines in [
        "KeepAlive On\nMaxKeepAliveRequests 100\nKeepAliveTimeout 1",
        "KeepAlive On\nMaxKeepAliveRequests 0\nKeepAliveTimeout 300ms",
        "KeepAlive On\nMaxKeepAliveRequests 2\nKeepAliveTimeout 1",
        "KeepAlive Off",
        "KeepAliveTimeout 1\nFlushMaxPipelined 0\nFlushMaxThreshold 10",
        "KeepAliveTimeout 1\nFlushMaxPipelined 3\nFlushMaxThreshold 100000",
        "KeepAliveTimeout 1\nFlushMaxPipelined -1",
    ] {
        streams::compare("core http", &serve(&site, "", lines), &exchanges)
            .map_err(|error| error.context(lines))?;
    }
    Ok(())
}

/// What comes too late: half a request line, half a head, half a body, and nothing at all.
#[test]
fn clients_that_fall_silent() -> Result<()> {
    let site = Site::new()?;
    site.file("doc.txt", "document\n")?;
    site.program(
        "echo.cgi",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\ncat\n",
    )?;
    let exchanges = [
        ("nothing", ""),
        ("half a line", "GET /do"),
        ("half a head", "GET /doc.txt HTTP/1.1\r\nHost: a\r\n"),
        (
            "half a body",
            "POST /echo.cgi HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
        ),
        (
            "half a body that nobody reads",
            "POST /doc.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
        ),
        (
            "half a chunk",
            "POST /echo.cgi HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf",
        ),
        (
            "idle behind an answer",
            "GET /doc.txt HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            "half a second request",
            "GET /doc.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /",
        ),
    ];
    let more = "AcceptFilter http none\nTimeout 1\nKeepAliveTimeout 1\nScriptSock cgid.sock\nAddHandler cgi-script .cgi\n\
        TypesConfig /etc/mime.types\n<Directory \"@SITE@\">\nOptions ExecCGI\n</Directory>\n";
    streams::compare("core", &serve(&site, "cgid mime", more), &exchanges)
}

#[test]
fn depth_of_redirections_within() -> Result<()> {
    let site = Site::new()?;
    site.file("deep/a", "a\n")?;
    let mut cases = Vec::new();
    for number in 0..8 {
        site.file(
            &format!("ssi/{number}.html"),
            format!("{number}<!--#include virtual=\"{}.html\" -->\n", number + 1),
        )?;
        cases.push(Case::get(&format!("/ssi/{number}.html")));
        cases.push(Case::get(&format!("/chain/{number}")));
    }
    site.file("ssi/8.html", "end\n")?;
    let mut chain = String::new();
    for number in 0..8 {
        let _ = write!(
            chain,
            "<Location /chain/{number}>\nErrorDocument 404 /chain/{}\n</Location>\n\
             RewriteRule ^/hop/{number}$ /hop/{}\n",
            number + 1,
            number + 1
        );
    }
    for path in ["/loop", "/dirloop/", "/ssi/0.html", "/hop/0", "/hop/5"] {
        cases.push(Case::get(path));
    }
    site.file("dirloop/x", "x\n")?;
    for limits in [
        "",
        "LimitInternalRecursion 3",
        "LimitInternalRecursion 2 5",
        "LimitInternalRecursion 5 2",
    ] {
        let more = format!(
            "{limits}\nRewriteEngine On\n{chain}<Directory \"@SITE@/ssi\">\nOptions Includes\nSetOutputFilter INCLUDES\n</Directory>\n\
             <Directory \"@SITE@/dirloop\">\nRewriteEngine On\nRewriteRule . /dirloop/again\n</Directory>\n"
        );
        compare("core", &serve(&site, "include rewrite", &more), &cases)
            .map_err(|error| error.context(limits))?;
    }
    Ok(())
}

/// What scripts see and may use.
#[test]
fn surroundings_of_scripts() -> Result<()> {
    let site = Site::new()?;
    let program = "#!/bin/bash\nprintf 'Content-Type: text/plain\\n\\n'\n\
        for v in HTTP_AUTHORIZATION HTTP_PROXY_AUTHORIZATION REQUEST_URI REDIRECT_URL SCRIPT_NAME QUERY_STRING; do eval echo \"$v=\\$$v\"; done\n\
        ulimit -St; ulimit -Ht; ulimit -Sv; ulimit -Hv; ulimit -Su; ulimit -Hu\n";
    let sections = [
        ("plain", ""),
        ("pass", "CGIPassAuth On"),
        ("pass/off", "CGIPassAuth Off"),
        ("pass/inherits", "Require all granted"),
        ("original", "CGIVar REQUEST_URI original-uri"),
        ("current", "CGIVar REQUEST_URI current-uri"),
        ("current/inherits", "Require all granted"),
        ("qualified", "QualifyRedirectURL On"),
        ("qualified/off", "QualifyRedirectURL Off"),
        ("cpu", "RLimitCPU 100 200"),
        ("cpu/one", "RLimitCPU 50"),
        ("memory", "RLimitMEM 2000000000 3000000000"),
        ("processes", "RLimitNPROC 500 600"),
        ("max", "RLimitCPU max"),
        ("max/both", "RLimitCPU 77 max"),
    ];
    let mut more = String::from(
        "ScriptSock cgid.sock\nAddHandler cgi-script .cgi\nTypesConfig /etc/mime.types\nRewriteEngine On\n\
         RewriteRule ^/to/(.*)$ /$1 [PT,QSA]\n\
         <Directory \"@SITE@\">\nOptions ExecCGI\n</Directory>\n",
    );
    let mut cases = Vec::new();
    let fields = [
        ("Authorization", "Basic eDp5"),
        ("Proxy-Authorization", "Basic eDp5"),
        ("Host", "given.example:99"),
    ];
    for (name, lines) in sections {
        site.program(&format!("{name}/run.cgi"), program)?;
        let _ = write!(
            more,
            "<Directory \"@SITE@/{name}\">\n{lines}\nErrorDocument 404 /{name}/run.cgi?missing\n</Directory>\n"
        );
        for path in ["run.cgi?a=b", "run.cgi/info", "none?c=d"] {
            cases.push(Case::get_with(&format!("/{name}/{path}"), &fields));
        }
        cases.push(Case::get_with(&format!("/to/{name}/run.cgi?e=f"), &fields));
    }
    compare(
        "core cgid",
        &serve(&site, "cgid mime rewrite", &more),
        &cases,
    )
}

/// Banners, in all lengths: those of httpd-rs name another system.
#[test]
fn banners() -> Result<()> {
    use httpd_tests::{
        client,
        host::{Host, Kind},
    };
    let site = Site::new()?;
    let forms = [
        "Prod",
        "ProductOnly",
        "Major",
        "Minor",
        "Min",
        "Minimal",
        "OS",
        "Full",
        "prod",
        "FULL",
    ];
    for form in forms {
        let configuration = serve(
            &site,
            "headers",
            &format!("ServerTokens {form}\nServerSignature On\n"),
        );
        let mut answers = Vec::new();
        for kind in [Kind::Apache, Kind::under_test()] {
            let host = Host::start(kind, &configuration)?;
            let answer = client::get(host.port(), "/none")?;
            let plain = |text: &str| {
                text.replace("(Debian)", "(SYSTEM)")
                    .replace("(httpd-rs)", "(SYSTEM)")
                    .replace(&host.port().to_string(), "PORT")
            };
            answers.push((answer.field("Server").map(plain), plain(&answer.text())));
        }
        anyhow::ensure!(answers[0] == answers[1], "ServerTokens {form}: {answers:?}");
    }
    compatibility::behaves("core", forms.len())
}

/// What may be chosen is offered, and taken when a client asks to switch.
#[test]
fn protocols_to_choose_from() -> Result<()> {
    let site = Site::new()?;
    site.file("doc.txt", "document\n")?;
    let upgrade = |protocols: &str| {
        raw(
            protocols,
            &format!(
                "GET /doc.txt HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\
                 Upgrade: {protocols}\r\n\r\n"
            ),
        )
    };
    let cases = [
        Case::get("/doc.txt"),
        Case::with("HEAD", "/doc.txt", &[], ""),
        Case::with("POST", "/doc.txt", &[], "body"),
        Case::with("OPTIONS", "*", &[], ""),
        upgrade("h2c"),
        upgrade("h2"),
        upgrade("http/1.1"),
        upgrade("nonsense, h2c"),
        upgrade("websocket"),
        raw(
            "HTTP/1.0",
            "GET /doc.txt HTTP/1.0\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        ),
    ];
    for lines in [
        "",
        "Protocols http/1.1",
        "Protocols h2c http/1.1",
        "Protocols http/1.1 h2c",
        "Protocols h2 http/1.1",
        "Protocols h2 h2c http/1.1\nProtocolsHonorOrder On",
        "Protocols h2 h2c http/1.1\nProtocolsHonorOrder Off",
        "Protocols h2c",
        "Protocols nonsense http/1.1",
        "<VirtualHost *:@PORT@>\nServerName a\nProtocols h2c http/1.1\n</VirtualHost>",
    ] {
        compare("core", &serve(&site, "http2", lines), &cases)
            .map_err(|error| error.context(lines))?;
    }
    Ok(())
}
