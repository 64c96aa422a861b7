//! WebDAV's methods on resources and collections (mod_dav, mod_dav_fs): what they answer, and what
//! becomes of the files.

use std::thread;

use anyhow::{Result, ensure};
use httpd_tests::{
    client::{Client, exchange},
    dav::{compare, serve},
    differential::{Case, load},
    refusal::refuse_alike,
};

#[test]
fn resources_are_written_and_removed() -> Result<()> {
    compare("dav dav_fs", &serve(""), |author| {
        for path in ["/", "/a.txt", "/col/", "/missing", "/missing/deep", "*"] {
            author.ask("OPTIONS", path, &[], "");
        }
        author.ask(
            "PUT",
            "/new.txt",
            &[("Content-Type", "text/plain")],
            "new\n",
        );
        author.ask("GET", "/new.txt", &[], "");
        author.ask("HEAD", "/new.txt", &[], "");
        author.ask("PUT", "/new.txt", &[], "replaced by longer text\n");
        author.ask("PUT", "/new.txt", &[("Content-Length", "0")], "");
        author.ask("PUT", "/missing/new.txt", &[], "nowhere\n");
        author.ask("PUT", "/col/", &[], "a collection\n");
        author.ask("PUT", "/col", &[], "a collection\n");
        author.ask("PUT", "/a.txt/below", &[], "below a file\n");
        author.ask("PUT", "/a.txt/", &[], "a slash behind\n");
        author.ask("PUT", "/unicode-%C3%A9%20x.txt", &[], "odd\n");
        author.ask("PUT", "/a%2fb.txt", &[], "an encoded slash\n");
        author.ask("PUT", "/.DAV/x", &[], "where properties are\n");
        author.ask("GET", "/.DAV/", &[], "");
        author.ask("PUT", "/a.txt?query", &[], "with a query\n");
        for range in [
            "bytes 2-4/7",
            "bytes 0-2/*",
            "bytes 20-22/30",
            "bytes 4-2/7",
            "bytes x-y/z",
            "lines 1-2/3",
        ] {
            author.ask("PUT", "/a.txt", &[("Content-Range", range)], "XYZ");
            author.ask("GET", "/a.txt", &[], "");
        }
        author.ask(
            "PUT",
            "/fresh.txt",
            &[("Content-Range", "bytes 0-2/3")],
            "XYZ",
        );
        for (name, value) in [
            ("If-Match", "*"),
            ("If-Match", "\"nope\""),
            ("If-None-Match", "*"),
            ("If-Unmodified-Since", "Tue, 14 Nov 2000 22:13:20 GMT"),
        ] {
            author.ask("PUT", "/page.html", &[(name, value)], "conditional\n");
            author.ask(
                "PUT",
                "/no-such-page.html",
                &[(name, value)],
                "conditional\n",
            );
        }
        let tag = author.ask("GET", "/col/one.txt", &[], "");
        let tag = tag.field("ETag").unwrap_or_default().to_owned();
        author.ask("PUT", "/col/one.txt", &[("If-Match", &tag)], "matched\n");
        author.ask(
            "PUT",
            "/col/one.txt",
            &[("If-Match", &tag)],
            "changed since\n",
        );
        author.ask("DELETE", "/col/one.txt", &[("If-Match", &tag)], "");
        author.note_files()?;

        for (path, body) in [
            ("/made", ""),
            ("/made", ""),
            ("/made/deep/", ""),
            ("/missing/deep", ""),
            ("/a.txt", ""),
            ("/a.txt/below", ""),
            ("/with-body", "<x/>"),
        ] {
            author.ask("MKCOL", path, &[], body);
        }
        for (path, fields) in [
            ("/new.txt", &[][..]),
            ("/new.txt", &[]),
            ("/col/", &[("Depth", "0")]),
            ("/col/", &[("Depth", "1")]),
            ("/col", &[("Depth", "infinity")]),
            ("/col/one.txt", &[]),
            ("/empty/", &[]),
            ("/a.txt", &[("Depth", "0")]),
            ("/page.html", &[("Depth", "nonsense")]),
            ("/page.html#fragment", &[]),
            ("/made/", &[("Depth", "")]),
            ("/", &[("Depth", "0")]),
        ] {
            author.ask("DELETE", path, fields, "");
        }
        author.note_files()?;
        for method in [
            "GET", "HEAD", "POST", "TRACE", "PATCH", "REPORT", "SEARCH", "BREW",
        ] {
            author.ask(method, "/made/", &[], "");
            author.ask(method, "/unicode-%C3%A9%20x.txt", &[], "");
        }
        for method in [
            "VERSION-CONTROL",
            "CHECKOUT",
            "UNCHECKOUT",
            "CHECKIN",
            "UPDATE",
            "LABEL",
            "MKWORKSPACE",
            "MKACTIVITY",
            "BASELINE-CONTROL",
            "MERGE",
            "ORDERPATCH",
            "BIND",
        ] {
            author.ask(method, "/made/", &[], "");
        }
        author.ask(
            "REPORT",
            "/made/",
            &[],
            "<D:version-tree xmlns:D=\"DAV:\"/>",
        );
        author.ask("MERGE", "/made/", &[], "<D:merge xmlns:D=\"DAV:\"/>");
        author.ask(
            "BIND",
            "/",
            &[("Destination", "/bound")],
            "<D:bind xmlns:D=\"DAV:\"/>",
        );
        author.ask(
            "OPTIONS",
            "/",
            &[],
            "<D:options xmlns:D=\"DAV:\"><D:activity-collection-set/></D:options>",
        );
        author.ask("OPTIONS", "/", &[], "<D:options xmlns:D=\"DAV:\"><D:supported-method-set/><D:supported-live-property-set/><D:supported-report-set/></D:options>");
        author.ask("OPTIONS", "/", &[], "<D:options xmlns:D=\"DAV:\"><D:supported-method-set><D:supported-method D:name=\"GET\"/><D:supported-method/></D:supported-method-set></D:options>");
        Ok(())
    })
}

#[test]
fn resources_are_copied_and_moved() -> Result<()> {
    compare("dav dav_fs", &serve(""), |author| {
        let here = format!("http://test.example:{}", author.visitor.host().port());
        for (method, from, to, more) in [
            ("COPY", "/a.txt", "/copy.txt", &[][..]),
            ("COPY", "/a.txt", "/copy.txt", &[]),
            ("COPY", "/page.html", "/copy.txt", &[("Overwrite", "F")]),
            ("COPY", "/page.html", "/copy.txt", &[("Overwrite", "T")]),
            (
                "COPY",
                "/page.html",
                "/copy.txt",
                &[("Overwrite", "perhaps")],
            ),
            ("COPY", "/a.txt", "/a.txt", &[]),
            ("COPY", "/a.txt", "/missing/copy.txt", &[]),
            ("COPY", "/none.txt", "/copy.txt", &[]),
            ("COPY", "/a.txt", "/col/", &[("Overwrite", "F")]),
            ("COPY", "/a.txt", "http://other.example/x", &[]),
            ("COPY", "/a.txt", "https://test.example/x", &[]),
            ("COPY", "/a.txt", "http://test.example:1/x", &[]),
            ("COPY", "/a.txt", "not a uri\u{7f}", &[]),
            ("COPY", "/a.txt", "", &[]),
            ("COPY", "/a.txt", "/frag.txt#part", &[]),
            ("COPY", "/a.txt", "/sp%20ace.txt", &[]),
            ("COPY", "/o%20dd/%C3%A9&%3C.txt", "/o%20dd/copy", &[]),
            ("COPY", "/col/", "/shallow/", &[("Depth", "0")]),
            ("COPY", "/col/", "/one/", &[("Depth", "1")]),
            ("COPY", "/col/", "/deep/", &[("Depth", "infinity")]),
            ("COPY", "/col", "/deep-no-slash", &[]),
            ("COPY", "/col/", "/col/sub/again/", &[]),
            ("COPY", "/col/sub/", "/col/", &[]),
            ("COPY", "/a.txt", "/x.txt", &[("Depth", "oops")]),
            ("MOVE", "/copy.txt", "/moved.txt", &[]),
            ("MOVE", "/copy.txt", "/moved.txt", &[]),
            ("MOVE", "/moved.txt", "/page.html", &[("Overwrite", "F")]),
            ("MOVE", "/moved.txt", "/page.html", &[]),
            ("MOVE", "/deep/", "/moved/", &[("Depth", "0")]),
            ("MOVE", "/deep/", "/moved/", &[]),
            ("MOVE", "/moved/", "/shallow/", &[("Depth", "infinity")]),
            ("MOVE", "/shallow/", "/shallow/inner/", &[]),
            ("MOVE", "/", "/elsewhere/", &[]),
            ("MOVE", "/a.txt", "/empty/", &[]),
            (
                "COPY",
                "/page.html",
                "/If-Match.html",
                &[("If-Match", "\"x\"")],
            ),
        ] {
            author.transfer(method, from, to, more);
        }
        author.note_files()?;
        let absolute = format!("{here}/absolute.html");
        author.transfer("COPY", "/page.html", &absolute, &[]);
        author.transfer(
            "COPY",
            "/page.html",
            "http://test.example/no-port.html",
            &[],
        );
        let host = here.trim_start_matches("http://").to_owned();
        author.transfer(
            "COPY",
            "/page.html",
            &format!("{here}/with-host.html"),
            &[("Host", &host)],
        );
        author.ask("COPY", "/page.html", &[], "");
        author.ask("MOVE", "/page.html", &[], "");
        author.ask(
            "COPY",
            "/page.html",
            &[("Destination", "/path-only.html")],
            "",
        );
        author.ask("COPY", "/page.html", &[("New-URI", "/by-new-uri.html")], "");
        author.ask(
            "COPY",
            "/page.html",
            &[("Destination", "/body.html")],
            "a body",
        );
        author.note_files()?;
        Ok(())
    })
}

#[test]
fn large_and_chunked_bodies_are_stored() -> Result<()> {
    let configuration = serve("<Location /col>\nLimitRequestBody 1000\n</Location>\n");
    compare("dav dav_fs", &configuration, |author| {
        let large = "0123456789abcdef".repeat(100_000);
        author.ask("PUT", "/large.bin", &[], &large);
        author.ask("HEAD", "/large.bin", &[], "");
        author.ask("GET", "/large.bin", &[("Range", "bytes=1599990-")], "");
        author.transfer("COPY", "/large.bin", "/copy.bin", &[]);
        author.ask("HEAD", "/copy.bin", &[], "");
        author.ask("PUT", "/col/large.bin", &[], &large);
        let chunks = |sizes: &[usize]| {
            let chunks = sizes
                .iter()
                .map(|&size| format!("{size:x}\r\n{}\r\n", "c".repeat(size)));
            chunks.collect::<String>() + "0\r\n\r\n"
        };
        for (name, path, more, sizes) in [
            ("small chunks", "/chunked.txt", "", &[1, 2, 3][..]),
            ("large chunks", "/chunked.txt", "", &[100_000, 1, 70_000]),
            ("no chunks", "/chunked.txt", "", &[]),
            ("too much in chunks", "/col/chunked.txt", "", &[600, 600]),
            (
                "an expectation",
                "/chunked.txt",
                "Expect: 100-continue\r\n",
                &[10],
            ),
            (
                "an expectation in vain",
                "/none/chunked.txt",
                "Expect: 100-continue\r\n",
                &[10],
            ),
        ] {
            let head = format!(
                "PUT {path} HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n{more}\
                 Transfer-Encoding: chunked\r\n\r\n"
            );
            author
                .visitor
                .exchange(&Case::raw(name, head + &chunks(sizes)));
            author.ask("GET", path, &[], "");
        }
        author.visitor.exchange(&Case::raw(
            "a malformed chunk",
            "PUT /malformed.txt HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\
             Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
        ));
        author.ask("GET", "/malformed.txt", &[], "");
        author.ask(
            "PUT",
            "/a.txt",
            &[("Content-Encoding", "gzip"), ("Content-Language", "de")],
            "x",
        );
        author.ask(
            "PUT",
            "/a.txt",
            &[("Content-Type", "text/x-y"), ("Content-Location", "/b")],
            "y",
        );
        author.ask("GET", "/a.txt", &[], "");
        Ok(())
    })
}

#[test]
fn what_is_written_is_seen_at_once() -> Result<()> {
    // All sent in one go: a server may remember what it knows of a file for no longer than it lasts.
    const ASKED: &[(&str, &str, &str, &str)] = &[
        ("GET", "/a.txt", "", ""),
        ("GET", "/a.txt", "", ""),
        ("PUT", "/a.txt", "", "A TEXT\n"),
        ("GET", "/a.txt", "", ""),
        ("PUT", "/a.txt", "", "Another\n"),
        ("GET", "/a.txt", "", ""),
        ("GET", "/none.txt", "", ""),
        ("PUT", "/none.txt", "", "there now\n"),
        ("GET", "/none.txt", "", ""),
        (
            "COPY",
            "/page.html",
            "Destination: http://test.example/a.txt\r\n",
            "",
        ),
        ("GET", "/a.txt", "", ""),
        (
            "MOVE",
            "/none.txt",
            "Destination: http://test.example/moved.txt\r\n",
            "",
        ),
        ("GET", "/none.txt", "", ""),
        ("GET", "/moved.txt", "", ""),
        ("PUT", "/a.txt", "Content-Range: bytes 0-1/12\r\n", "!!"),
        ("GET", "/a.txt", "", ""),
        ("DELETE", "/a.txt", "", ""),
        ("GET", "/a.txt", "", ""),
        ("MKCOL", "/a.txt", "", ""),
        ("GET", "/a.txt", "", ""),
        ("PUT", "/a.txt/.htaccess", "", "Redirect 410 /a.txt/gone\n"),
        ("GET", "/a.txt/gone", "", ""),
        ("PUT", "/a.txt/.htaccess", "", "Redirect 403 /a.txt/gone\n"),
        ("GET", "/a.txt/gone", "", ""),
        ("DELETE", "/a.txt/.htaccess", "", ""),
        ("GET", "/a.txt/gone", "", ""),
        (
            "MOVE",
            "/col/",
            "Destination: http://test.example/renamed/\r\n",
            "",
        ),
        ("GET", "/col/one.txt", "", ""),
        ("GET", "/renamed/one.txt", "Connection: close\r\n", ""),
    ];
    let configuration = format!(
        "{}{}",
        load("alias"),
        serve("<Directory \"@STATE@/www\">\nAllowOverride All\n</Directory>\n")
    );
    compare("dav dav_fs", &configuration, |author| {
        let text = |(method, path, more, body): &(&str, &str, &str, &str)| {
            format!(
                "{method} {path} HTTP/1.1\r\nHost: test.example\r\n{more}Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let mut client = Client::connect(author.visitor.host().port())?;
        client.send(ASKED.iter().map(text).collect::<String>())?;
        for (method, path, ..) in ASKED {
            let answer = client.receive(false)?;
            let body = answer.text();
            let body = body.lines().next().unwrap_or_default();
            author.visitor.note(
                &format!("{method} {path}"),
                &format!("{} {body}", answer.status_line),
            );
        }
        // Again and again, for a server that learns what is quick.
        for round in 100..160 {
            let mut client = Client::connect(author.visitor.host().port())?;
            let asked = [
                ("PUT", "/again.txt", "", format!("{round}")),
                ("GET", "/again.txt", "", String::new()),
                ("PUT", "/again.txt", "", format!("{}", round + 100)),
                ("GET", "/again.txt", "", String::new()),
                ("DELETE", "/again.txt", "", String::new()),
                ("GET", "/again.txt", "", String::new()),
            ];
            let asked: String = asked
                .iter()
                .map(|(method, path, more, body)| text(&(*method, *path, *more, body.as_str())))
                .collect();
            client.send(asked)?;
            let mut seen = String::new();
            for _ in 0..6 {
                let answer = client.receive(false)?;
                seen += &format!("{} ", answer.status());
                if answer.status() == 200 {
                    seen += &format!("{} ", answer.text());
                }
            }
            let expected = format!("201 200 {round} 204 200 {} 204 404 ", round + 100);
            ensure!(seen == expected, "{seen} instead of {expected}");
        }
        author.note_files()
    })
}

#[test]
fn many_authors_write_at_once() -> Result<()> {
    compare("dav dav_fs", &serve(""), |author| {
        let port = author.visitor.host().port();
        let work = |number: usize| -> Result<Vec<u16>> {
            let mut seen = Vec::new();
            let here = format!("/of-{number}");
            let file = format!("{here}/file.txt");
            for (method, path, more, body) in [
                ("MKCOL", &here, String::new(), ""),
                ("PUT", &file, String::new(), "text"),
                ("PUT", &file, String::new(), "another"),
                (
                    "PROPPATCH",
                    &file,
                    String::new(),
                    "<D:propertyupdate xmlns:D=\"DAV:\"><D:set><D:prop><x xmlns=\"u:\">1</x></D:prop></D:set></D:propertyupdate>",
                ),
                ("PROPFIND", &here, "Depth: 1\r\n".to_owned(), ""),
                (
                    "COPY",
                    &file,
                    format!("Destination: http://test.example{here}/copy\r\n"),
                    "",
                ),
                (
                    "MOVE",
                    &file,
                    format!("Destination: http://test.example{here}/moved\r\n"),
                    "",
                ),
                ("GET", &file, String::new(), ""),
                ("DELETE", &here, String::new(), ""),
            ] {
                let request = format!(
                    "{method} {path} HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n{more}\
                     Content-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                seen.push(exchange(port, request)?.status());
            }
            Ok(seen)
        };
        let all = thread::scope(|scope| {
            let authors: Vec<_> = (0..12)
                .map(|number| scope.spawn(move || work(number)))
                .collect();
            authors
                .into_iter()
                .map(|author| author.join())
                .collect::<Vec<_>>()
        });
        for one in all {
            let seen = one.map_err(|_| anyhow::anyhow!("an author panicked"))??;
            ensure!(
                seen == [201, 201, 204, 207, 207, 201, 201, 404, 204],
                "{seen:?}"
            );
        }
        author.note_files()
    })
}

#[test]
fn refused_directives() -> Result<()> {
    refuse_alike(
        "dav dav_fs dav_lock",
        &load("dav dav_fs dav_lock"),
        &[
            "Dav On",
            "<Directory />\nDav nonesuch\n</Directory>",
            "<Directory />\nDav\n</Directory>",
            "DavDepthInfinity perhaps",
            "DavMinTimeout soon",
            "DavMinTimeout -1",
            "DavLockDB",
            "<Directory />\nDavLockDB x\n</Directory>",
            "<Location /x>\nDavBasePath\n</Location>",
            "<Location /x>\nDavBasePath x/\n</Location>",
            "<Location /x>\nDavLockDiscovery maybe\n</Location>",
            "DavGenericLockDB x",
            "LimitXMLRequestBody -1",
        ],
    )
}
