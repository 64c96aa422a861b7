//! `LimitRequestLine`, `LimitRequestFields`, `LimitRequestFieldSize` and `LimitRequestBody` exactly at,
//! below and above their edges, for bodies with a length and in chunks, read by a program, passed to a
//! backend or thrown away.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

#[test]
fn heads_at_the_edges_of_their_limits() -> Result<()> {
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    let configuration = serve(
        &site,
        "",
        "LimitRequestLine 60\nLimitRequestFields 5\nLimitRequestFieldSize 50\n",
    );
    let mut cases = Vec::new();
    for length in 57..=63 {
        for (end, version) in [("\r\n", " HTTP/1.1"), ("\n", " HTTP/1.1"), ("\r\n", "")] {
            let start = format!("GET /page.html?{}", "x".repeat(length - 15 - version.len()));
            let line = format!("{start}{version}");
            cases.push(Case::raw(
                format!("line of {length}{version} {end:?}"),
                format!("{line}{end}Host: a{end}Connection: close{end}{end}"),
            ));
        }
    }
    for length in 47..=53 {
        for kind in ["value", "name", "folded", "blanks", "tail"] {
            let field = match kind {
                "value" => format!("X-Field: {}\r\n", "v".repeat(length - 9)),
                "name" => format!("{}: v\r\n", "N".repeat(length - 3)),
                "folded" => format!("X-Field: v\r\n {}\r\n", "v".repeat(length - 11)),
                "blanks" => format!("X-Field:{}v\r\n", " ".repeat(length - 9)),
                _ => format!("X-Field: v{}\r\n", " ".repeat(length - 10)),
            };
            cases.push(Case::raw(
                format!("{kind}: a field of {length}"),
                format!("GET /page.html HTTP/1.1\r\nHost: a\r\n{field}Connection: close\r\n\r\n"),
            ));
        }
    }
    for count in 3..=7 {
        let fields: String = (0..count - 2).map(|n| format!("X-{n}: v\r\n")).collect();
        cases.push(Case::raw(
            format!("{count} fields"),
            format!("GET /page.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n"),
        ));
        let fields: String = (0..count - 2).map(|_| "X-Same: v\r\n").collect();
        cases.push(Case::raw(
            format!("{count} fields of one name"),
            format!("GET /page.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n"),
        ));
    }
    compare("core http", &configuration, &cases)
}

/// A body of `length` bytes in chunks of at most `size`.
fn chunked(length: usize, size: usize, end: &str) -> String {
    let mut body = String::new();
    let mut left = length;
    while left > 0 {
        let now = left.min(size);
        body += &format!("{now:x}\r\n{}\r\n", "b".repeat(now));
        left -= now;
    }
    body + "0\r\n" + end
}

#[test]
fn bodies_at_the_edges_of_their_limits() -> Result<()> {
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    site.program(
        "cgi/count",
        "#!/bin/sh\nn=$(wc -c)\nprintf 'Content-Type: text/plain\\nContent-Length: 8\\n\\n%8d' $n\n",
    )?;
    let configuration = serve(
        &site,
        "alias cgid proxy proxy_http",
        &format!(
            "ScriptSock cgid.sock\nScriptAlias /cgi/ \"{0}/cgi/\"\n\
             ProxyPass /proxied http://127.0.0.1:@PORT@/cgi\n\
             LimitRequestFieldSize 200\nTimeout 5\n\
             <Location /cgi>\nLimitRequestBody 0\n</Location>\n\
             <LocationMatch \"^/(page|proxied)\">\nLimitRequestBody 20\n</LocationMatch>\n\
             <LocationMatch \"^/cgi/count/limited\">\nLimitRequestBody 20\n</LocationMatch>\n",
            site.path().display()
        ),
    );
    let mut cases = Vec::new();
    for path in [
        "/page.html",
        "/cgi/count/limited",
        "/cgi/count",
        "/proxied/count",
    ] {
        for length in [0, 1, 19, 20, 21, 22, 40] {
            cases.push(Case::with("POST", path, &[], &"b".repeat(length)));
            for (size, end) in [(100, "\r\n"), (7, "\r\n"), (20, "X-Trailer: t\r\n\r\n")] {
                cases.push(Case::raw(
                    format!("POST {path}, {length} bytes in chunks of {size}, {end:?}"),
                    format!(
                        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                         Transfer-Encoding: chunked\r\n\r\n{}",
                        chunked(length, size, end)
                    ),
                ));
            }
        }
        for (name, body) in framings() {
            cases.push(
                Case::raw(
                    format!("POST {path}, {name}"),
                    [
                        format!(
                            "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                         Transfer-Encoding: chunked\r\n\r\n"
                        )
                        .into_bytes(),
                        body,
                    ]
                    .concat(),
                )
                .then_finish(),
            );
        }
        for length in [
            "21",
            "+5",
            "-1",
            " 5",
            "5 ",
            "0x5",
            "99999999999999999999",
            "5,5",
            "",
            "5\r\nContent-Length: 6",
        ] {
            cases.push(
                Case::raw(
                    format!("POST {path}, Content-Length {length:?}"),
                    format!(
                        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                     Content-Length: {length}\r\n\r\nbbbbb"
                    ),
                )
                .then_finish(),
            );
        }
    }
    compare("core http proxy_http cgid", &configuration, &cases)
}

/// Chunked framing that is odd or wrong.
fn framings() -> Vec<(String, Vec<u8>)> {
    let mut framings = Vec::new();
    let mut add = |body: &str| framings.push((format!("{body:.40?}"), body.as_bytes().to_vec()));
    for size in [
        "5",
        "05",
        "0000000000000005",
        "00000000000000005",
        "5;x=y",
        "5 ",
        "5\t",
        "5 ;x",
        "5;",
        " 5",
        "+5",
        "5x",
        "0x5",
        "-5",
        "5;x=\"a\r\n",
    ] {
        add(&format!("{size}\r\nbbbbb\r\n0\r\n\r\n"));
    }
    for size in [
        "7fffffffffffffff",
        "8000000000000000",
        "ffffffffffffffff",
        "10000000000000000",
        "7fffffff",
        "fffffffff",
    ] {
        add(&format!("{size}\r\nbbbbb\r\n0\r\n\r\n"));
    }
    add("5\nbbbbb\n0\n\n");
    add("5\r\nbbbbb\n0\r\n\r\n");
    add("5\r\nbbbbbb\r\n0\r\n\r\n");
    add("5\r\nbbbb\r\n0\r\n\r\n");
    add("5\r\r\nbbbbb\r\n0\r\n\r\n");
    add("\r\n5\r\nbbbbb\r\n0\r\n\r\n");
    add("5\r\nbbbbb\r\n0\r\nno colon\r\n\r\n");
    add("5\r\nbbbbb\r\n0\r\nX: y\r\nX: z\r\n\r\n");
    add("5\r\nbbbbb\r\n00000\r\n\r\n");
    add("5\r\nbbbbb\r\n0;last\r\n\r\n");
    for length in [190, 199, 200, 201, 210] {
        add(&format!(
            "5;{}\r\nbbbbb\r\n0\r\n\r\n",
            "x".repeat(length - 2)
        ));
        add(&format!(
            "5\r\nbbbbb\r\n0\r\nX: {}\r\n\r\n",
            "y".repeat(length - 3)
        ));
    }
    framings
}
