//! Caching (mod_cache, mod_cache_disk) in front of an origin that counts: what is stored, for how
//! long, for whom, and what is asked again.

use anyhow::Result;
use httpd_tests::{
    client::Client,
    conversation::{Visitor, converse},
    dav::open_to_all,
    differential::{Case, load},
    host::until,
    moments::date_in,
    origin::{Asked, Origin, Reply},
};

use crate::cache_origin::answer;

/// A server that passes everything to the origin, through a cache on disk.
fn caching(origin: &Origin, more: &str) -> String {
    format!(
        "{}Listen 127.0.0.1:@PORT@\nCacheRoot \"@STATE@/cache\"\nCacheHeader On\n\
         CacheDetailHeader On\nProxyPass / http://127.0.0.1:{}/\n{more}\n",
        load("cache cache_disk proxy proxy_http"),
        origin.port()
    )
}

/// Lets both servers' caches be asked by a script, with an origin that begins afresh for each.
fn compare(
    modules: &str,
    origin: &Origin,
    configuration: &str,
    script: impl Fn(&mut Visitor<'_>) -> Result<()>,
) -> Result<()> {
    let prepare = |state: &httpd_tests::site::Site| {
        origin.reset();
        std::fs::create_dir(state.path().join("cache"))?;
        open_to_all(&state.path().join("cache"))
    };
    converse(modules, configuration, &[], prepare, script)
}

/// Asks for each path as often as said.
fn ask(visitor: &mut Visitor<'_>, times: usize, paths: &[&str]) {
    for path in paths {
        for _ in 0..times {
            visitor.get(path);
        }
    }
}

/// What an origin says about its answers, each a path of `cache_origin`.
const POLICIES: &[&str] = &[
    "/fresh",
    "/expires",
    "/past",
    "/expires-zero",
    "/no-store",
    "/no-cache",
    "/no-cache-field",
    "/private",
    "/private-field",
    "/must-revalidate",
    "/s-maxage",
    "/max-age-zero",
    "/max-age-huge",
    "/max-age-bad",
    "/pragma",
    "/modified",
    "/modified-future",
    "/bare",
    "/bare-etag",
    "/etag",
    "/etag-changes",
    "/dated",
    "/aged",
    "/cookie",
    "/fresh?query=1",
    "/bare?query",
    "/expires?query",
    "/vary-star",
    "/not-found",
    "/moved",
    "/found",
    "/found-fresh",
    "/gone",
    "/error",
    "/no-content",
    "/partial",
    "/choices",
    "/chunked",
    "/hop",
    "/large",
    "/odd%20name%c3%a9",
    "/two-controls",
];

#[test]
fn the_origins_policy_decides() -> Result<()> {
    let origin = Origin::start(answer)?;
    let configuration = caching(&origin, "CacheEnable disk /\n");
    compare("cache cache_disk", &origin, &configuration, |visitor| {
        ask(visitor, 3, POLICIES);
        Ok(())
    })
}

#[test]
fn directives_overrule_the_policy() -> Result<()> {
    let origin = Origin::start(answer)?;
    for more in [
        "CacheStoreNoStore On\nCacheStorePrivate On\nCacheStoreExpired On\nCacheIgnoreNoLastMod On\n\
         CacheIgnoreQueryString On\nCacheIgnoreCacheControl On\nCacheDefaultExpire 100\n\
         CacheIgnoreHeaders Set-Cookie X-Hop\n",
        "CacheMaxExpire 60\nCacheMinExpire 30\nCacheDefaultExpire 40\nCacheIgnoreNoLastMod On\n\
         CacheLastModifiedFactor 0.5\nCacheMinFileSize 20\nCacheMaxFileSize 1000\n\
         CacheDirLevels 3\nCacheDirLength 1\nCacheReadSize 100\nCacheReadTime 10\n",
        "CacheQuickHandler Off\nCacheIgnoreURLSessionIdentifiers query sid\nCacheLock On\n\
         CacheLockPath @STATE@/cache/locks\nCacheLockMaxAge 5\nCacheStaleOnError Off\n\
         CacheKeyBaseURL http://base.example/\n",
    ] {
        let configuration = caching(&origin, &format!("CacheEnable disk /\n{more}"));
        compare("cache cache_disk", &origin, &configuration, |visitor| {
            ask(visitor, 2, POLICIES);
            ask(
                visitor,
                1,
                &[
                    "/fresh?sid=1&x=2",
                    "/fresh;sid=2?x=2",
                    "/fresh?x=2",
                    "/expires?other",
                ],
            );
            visitor.send("GET", "/fresh", &[("Cache-Control", "no-cache")], "");
            visitor.send("GET", "/fresh", &[("Host", "other.example")], "");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn requests_have_their_say() -> Result<()> {
    let origin = Origin::start(answer)?;
    for quick in ["On", "Off"] {
        let configuration = caching(
            &origin,
            &format!("CacheEnable disk /\nCacheQuickHandler {quick}\n"),
        );
        compare("cache cache_disk", &origin, &configuration, |visitor| {
            visitor.send("HEAD", "/fresh", &[], "");
            visitor.get("/fresh");
            visitor.send("HEAD", "/fresh", &[], "");
            for (name, value) in [
                ("Cache-Control", "no-cache"),
                ("Cache-Control", "max-age=0"),
                ("Cache-Control", "max-age=1000"),
                ("Cache-Control", "min-fresh=10"),
                ("Cache-Control", "min-fresh=10000"),
                ("Cache-Control", "max-stale"),
                ("Cache-Control", "only-if-cached"),
                ("Cache-Control", "no-store"),
                ("Pragma", "no-cache"),
                ("Range", "bytes=0-3"),
                ("Range", "bytes=2-3,5-6"),
                ("Range", "bytes=1000-"),
                ("If-None-Match", "\"fresh\""),
                ("If-None-Match", "W/\"fresh\""),
                ("If-None-Match", "\"other\""),
                ("If-None-Match", "*"),
                ("If-Match", "\"other\""),
                ("If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT"),
                ("If-Modified-Since", "Tue, 14 Nov 2000 22:13:20 GMT"),
                ("If-Unmodified-Since", "Tue, 14 Nov 2000 22:13:20 GMT"),
                ("Authorization", "Basic eDp5"),
                ("Cookie", "a=b"),
                ("Host", "other.example"),
            ] {
                visitor.send("GET", "/fresh", &[(name, value)], "");
                visitor.get("/fresh");
            }
            visitor.send(
                "GET",
                "/fresh",
                &[("If-Range", "\"fresh\""), ("Range", "bytes=0-1")],
                "",
            );
            visitor.send(
                "GET",
                "/fresh",
                &[("If-Range", "\"other\""), ("Range", "bytes=0-1")],
                "",
            );
            visitor.send("GET", "/never", &[("Cache-Control", "only-if-cached")], "");
            for path in ["/first", "/second"] {
                visitor.send("GET", path, &[("Range", "bytes=0-3")], "");
                visitor.send("GET", path, &[("If-None-Match", "\"v\"")], "");
                visitor.get(path);
            }
            for path in ["/authorized", "/public", "/s-maxage", "/must-revalidate"] {
                for value in ["Basic eDp5", "Basic ejp6"] {
                    visitor.send("GET", path, &[("Authorization", value)], "");
                }
                visitor.get(path);
            }
            for language in ["de", "en", "de", "fr", "en"] {
                visitor.send("GET", "/vary", &[("Accept-Language", language)], "");
                visitor.send(
                    "GET",
                    "/vary-two",
                    &[("Accept-Language", language), ("X-Other", "1")],
                    "",
                );
            }
            visitor.get("/vary");
            // Methods that change what they name.
            for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
                visitor.get("/fresh");
                visitor.send(method, "/fresh", &[], "a body");
                visitor.get("/fresh");
            }
            visitor.send("POST", "/not-found", &[], "x");
            visitor.get("/related");
            visitor.send("POST", "/changes-related", &[], "x");
            visitor.get("/related");
            visitor.send("POST", "/posted", &[], "x");
            visitor.send("POST", "/posted", &[], "x");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn stale_answers_serve_when_the_origin_fails() -> Result<()> {
    let origin = Origin::start(answer)?;
    for stale in ["On", "Off"] {
        let configuration = caching(
            &origin,
            &format!("CacheEnable disk /\nCacheStoreExpired On\nCacheStaleOnError {stale}\n"),
        );
        compare("cache cache_disk", &origin, &configuration, |visitor| {
            ask(
                visitor,
                3,
                &[
                    "/fails-later",
                    "/fails-must-revalidate",
                    "/fails-proxy-revalidate",
                    "/gone-later",
                    "/etag-fails-later",
                    "/past",
                    "/modified-later",
                ],
            );
            visitor.send(
                "GET",
                "/fails-later",
                &[("Cache-Control", "max-stale=100")],
                "",
            );
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn what_is_cached_is_configured_by_place() -> Result<()> {
    let origin = Origin::start(answer)?;
    let configuration = caching(
        &origin,
        "CacheEnable disk /a/\nCacheEnable disk /b\nCacheDisable /a/not\n\
         CacheEnable disk http://other.example/\n\
         <Location /c>\nCacheEnable disk\nCacheHeader Off\nCacheDetailHeader Off\nCacheDefaultExpire 20\n</Location>\n\
         <Location /c/not>\nCacheDisable on\n</Location>\n\
         <LocationMatch \"^/d/.*[.]txt$\">\nCacheEnable disk\n</LocationMatch>\n\
         <Location /a/max>\nCacheMaxExpire 30\nCacheStoreNoStore On\n</Location>\n",
    );
    compare("cache cache_disk", &origin, &configuration, |visitor| {
        ask(
            visitor,
            2,
            &[
                "/a/fresh",
                "/a/not/fresh",
                "/a",
                "/bcd/fresh",
                "/b/fresh",
                "/c/fresh",
                "/c/not/fresh",
                "/d/fresh.txt",
                "/d/fresh",
                "/e/fresh",
                "/a/max/no-store",
            ],
        );
        for _ in 0..2 {
            visitor.send("GET", "/e/fresh", &[("Host", "other.example")], "");
            visitor.send("GET", "/A/fresh", &[], "");
            visitor.exchange(&Case::raw("no host", "GET /a/fresh HTTP/1.0\r\n\r\n"));
        }
        Ok(())
    })
}

#[test]
fn one_asks_and_others_take_what_is_stale() -> Result<()> {
    let origin = Origin::start(|asked: &Asked| match asked.path.as_str() {
        "/slow" => Reply::with("Cache-Control: max-age=0\nETag: \"slow\""),
        _ => Reply::with(&format!("Expires: {}", date_in(3600))),
    })?;
    let configuration = caching(
        &origin,
        "CacheEnable disk /\nCacheStoreExpired On\nCacheLock On\nCacheLockPath @STATE@/cache/locks\n",
    );
    compare("cache cache_disk", &origin, &configuration, |visitor| {
        visitor.get("/slow");
        origin.hold(true);
        let mut first = Client::connect(visitor.host().port())?;
        first.send("GET /slow HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n")?;
        until("the origin is asked again", || {
            Ok(origin.count("/slow") == 2)
        })?;
        visitor.get("/slow");
        visitor.get("/slow");
        origin.hold(false);
        let answer = first.receive(false)?;
        visitor.note(
            "the first",
            &format!("{} {}", answer.status_line, answer.text()),
        );
        visitor.get("/slow");
        Ok(())
    })
}

#[test]
fn cached_answers_share_a_connection() -> Result<()> {
    let origin = Origin::start(answer)?;
    for quick in ["On", "Off"] {
        let configuration = caching(
            &origin,
            &format!("CacheEnable disk /\nCacheQuickHandler {quick}\n"),
        );
        compare("cache cache_disk", &origin, &configuration, |visitor| {
            const ASKED: &[(&str, &str, &str)] = &[
                ("GET", "/fresh", ""),
                ("GET", "/fresh", ""),
                ("HEAD", "/fresh", ""),
                ("GET", "/fresh", "If-None-Match: \"fresh\"\r\n"),
                ("GET", "/large", ""),
                ("GET", "/large", "Range: bytes=159990-\r\n"),
                ("GET", "/large", ""),
                ("HEAD", "/large", ""),
                ("GET", "/chunked", ""),
                ("GET", "/chunked", ""),
                ("GET", "/no-content", ""),
                ("GET", "/moved", ""),
                ("GET", "/moved", ""),
                ("POST", "/fresh", "Content-Length: 0\r\n"),
                ("GET", "/fresh", ""),
                ("GET", "/not-found", ""),
                ("GET", "/fresh", "Connection: close\r\n"),
            ];
            let text = |(method, path, more): &(&str, &str, &str)| {
                format!("{method} {path} HTTP/1.1\r\nHost: test.example\r\n{more}\r\n")
            };
            let port = visitor.host().port();
            // One after the other, and all at once.
            for at_once in [false, true] {
                let mut client = Client::connect(port)?;
                if at_once {
                    client.send(ASKED.iter().map(text).collect::<String>())?;
                }
                for asked in ASKED {
                    if !at_once {
                        client.send(text(asked))?;
                    }
                    let answer = client.receive(asked.0 == "HEAD")?;
                    let field = |name| answer.field(name).unwrap_or("-").to_owned();
                    let body = answer.text();
                    visitor.note(
                        &format!("{} {} {at_once}", asked.0, asked.1),
                        &format!(
                            "{} {} {} {} {} {} {}",
                            answer.status_line,
                            field("X-Count"),
                            field("X-Cache"),
                            field("Content-Length"),
                            field("Transfer-Encoding"),
                            body.len(),
                            body.lines()
                                .next()
                                .unwrap_or_default()
                                .chars()
                                .take(40)
                                .collect::<String>(),
                        ),
                    );
                }
                visitor.note("closed", &client.is_closed().to_string());
            }
            Ok(())
        })?;
    }
    Ok(())
}
