//! Other stores and places of caches: mod_cache_socache with each of its providers, files of the
//! server itself, files kept in memory (mod_file_cache), and htcacheclean on a cache directory.

use std::{fs, process::Command};

use anyhow::{Result, ensure};
use httpd_tests::{
    conversation::{Visitor, converse},
    daemon::Daemon,
    dav::open_to_all,
    differential::load,
    host::{printed, run},
    origin::Origin,
    refusal::refuse_alike,
    site::Site,
};

use crate::cache_origin::answer;

/// A directory for a cache, and documents.
fn prepare(state: &Site) -> Result<()> {
    fs::create_dir(state.path().join("cache"))?;
    open_to_all(&state.path().join("cache"))?;
    state.file("www/plain.txt", "plain\n")?;
    state.file("www/old.html", "<p>old</p>\n")?;
    state.file("www/e/expires.txt", "expires\n")?;
    state.file("www/h/private.txt", "private\n")?;
    state.file("www/guarded/x.txt", "guarded\n")?;
    state.file("www/large.bin", vec![b'x'; 300_000])?;
    state.file("www/page.shtml", "<!--#echo var=\"QUERY_STRING\" -->\n")?;
    Ok(())
}

fn in_socache(provider: &str, modules: &str, forget: impl Fn() -> Result<()>) -> Result<()> {
    let origin = Origin::start(answer)?;
    let configuration = format!(
        "{}Listen 127.0.0.1:@PORT@\nCacheEnable socache /\nCacheSocache {provider}\n\
         CacheHeader On\nCacheDetailHeader On\nCacheSocacheMaxSize 20000\n\
         <Location /short>\nCacheSocacheMaxTime 60\nCacheSocacheMinTime 10\n\
         CacheSocacheReadSize 100\nCacheSocacheReadTime 10\n</Location>\n\
         ProxyPass / http://127.0.0.1:{}/\n",
        load(&format!("cache cache_socache proxy proxy_http {modules}")),
        origin.port()
    );
    let begin = |state: &Site| {
        origin.reset();
        forget()?;
        prepare(state)
    };
    converse(
        &format!("cache cache_socache {modules}"),
        &configuration,
        &[],
        begin,
        |visitor| {
            for path in [
                "/fresh",
                "/expires",
                "/no-store",
                "/private",
                "/etag",
                "/max-age-zero",
                "/etag-changes",
                "/bare",
                "/vary-star",
                "/not-found",
                "/moved",
                "/chunked",
                "/hop",
                "/large",
                "/aged",
                "/fresh?query",
                "/short/fresh",
                "/short/expires",
            ] {
                for _ in 0..2 {
                    visitor.get(path);
                }
            }
            for language in ["de", "en", "de", "en"] {
                visitor.send("GET", "/vary", &[("Accept-Language", language)], "");
            }
            visitor.send("HEAD", "/fresh", &[], "");
            visitor.send("GET", "/fresh", &[("Range", "bytes=1-3")], "");
            visitor.send("GET", "/fresh", &[("If-None-Match", "\"fresh\"")], "");
            visitor.send("GET", "/fresh", &[("Cache-Control", "no-cache")], "");
            visitor.send("POST", "/fresh", &[], "a body");
            visitor.get("/fresh");
            visitor.get("/fresh");
            Ok(())
        },
    )
}

#[test]
fn in_shared_memory() -> Result<()> {
    in_socache("shmcb:run/cache(512000)", "socache_shmcb", || Ok(()))
}

#[test]
fn in_dbm() -> Result<()> {
    in_socache("dbm:@STATE@/cache/db", "socache_dbm", || Ok(()))
}

#[test]
fn in_memcached() -> Result<()> {
    let daemon = Daemon::memcached()?;
    let provider = format!("memcache:127.0.0.1:{}", daemon.port());
    in_socache(&provider, "socache_memcache", || {
        daemon.command("flush_all\r\n")
    })
}

#[test]
fn in_redis() -> Result<()> {
    let daemon = Daemon::redis()?;
    let provider = format!("redis:127.0.0.1:{}", daemon.port());
    in_socache(&provider, "socache_redis", || {
        daemon.command("FLUSHALL\r\n")
    })
}

/// A server with files of its own behind a cache on disk.
fn local(more: &str) -> String {
    format!(
        "{}Listen 127.0.0.1:@PORT@\nDocumentRoot @STATE@/www\nTypesConfig /etc/mime.types\n\
         <Directory @STATE@/www>\nRequire all granted\nOptions +Includes\n</Directory>\n\
         CacheRoot @STATE@/cache\nCacheHeader On\nCacheDetailHeader On\n\
         AddOutputFilter INCLUDES .shtml\n\
         ExpiresActive On\nExpiresByType text/html \"access plus 2 hours\"\n\
         <Location /e>\nExpiresDefault \"modification plus 1 day\"\n</Location>\n\
         <Location /h>\nHeader set Cache-Control \"private, max-age=60\"\n\
         Header set X-Seen \"expr=%{{req:X-Say}}\"\n</Location>\n\
         <Location /guarded>\nRequire expr req('X-Pass') == 'yes'\n</Location>\n{more}\n",
        load("mime cache cache_disk expires headers include deflate"),
    )
}

const LOCAL: &[&str] = &[
    "/plain.txt",
    "/old.html",
    "/e/expires.txt",
    "/h/private.txt",
    "/large.bin",
    "/page.shtml?one",
    "/page.shtml?two",
    "/missing.txt",
    "/",
];

#[test]
fn files_of_the_server_are_cached() -> Result<()> {
    for more in [
        "CacheEnable disk /\n",
        "CacheEnable disk /\nCacheQuickHandler Off\nCacheIgnoreNoLastMod On\n",
        "CacheEnable disk /\nSetOutputFilter DEFLATE\n",
        "CacheEnable disk /\nCacheQuickHandler Off\nSetOutputFilter CACHE;DEFLATE\n",
        "CacheEnable disk /\nCacheStorePrivate On\nCacheIgnoreHeaders X-Seen ETag\n",
    ] {
        let modules = "cache cache_disk expires headers";
        converse(modules, &local(more), &[], prepare, |visitor| {
            let packed = [("Accept-Encoding", "gzip")];
            for path in LOCAL {
                visitor.get(path);
                visitor.send("GET", path, &packed, "");
                visitor.get(path);
                visitor.send("GET", path, &[("Range", "bytes=2-5")], "");
            }
            // A cache that answers before anything else does not ask who asks.
            visitor.send("GET", "/guarded/x.txt", &[("X-Pass", "yes")], "");
            visitor.send("GET", "/guarded/x.txt", &[], "");
            visitor.send("GET", "/h/private.txt", &[("X-Say", "said")], "");
            // A change is not seen while the cached copy is fresh, unless the client insists.
            visitor.state().file("www/plain.txt", "changed\n")?;
            visitor.get("/plain.txt");
            visitor.send("GET", "/plain.txt", &[("Cache-Control", "no-cache")], "");
            visitor.get("/plain.txt");
            visitor.send(
                "GET",
                "/plain.txt",
                &[("If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT")],
                "",
            );
            visitor.send("HEAD", "/plain.txt", &[], "");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn files_are_kept_in_memory() -> Result<()> {
    let configuration = format!(
        "{}Listen 127.0.0.1:@PORT@\nDocumentRoot @STATE@/www\nTypesConfig /etc/mime.types\n\
         <Directory @STATE@/www>\nRequire all granted\nOptions +Includes\n</Directory>\n\
         AddOutputFilter INCLUDES .shtml\n\
         MMapFile @STATE@/www/plain.txt @STATE@/www/large.bin @STATE@/www/page.shtml\n\
         CacheFile @STATE@/www/old.html @STATE@/www/e/expires.txt\n\
         MMapFile @STATE@/www/none.txt @STATE@/www/e\n",
        load("mime include file_cache"),
    );
    converse("file_cache", &configuration, &[], prepare, |visitor| {
        let visit = |visitor: &mut Visitor<'_>, replaced: bool| {
            for path in LOCAL {
                visitor.get(path);
            }
            for path in ["/plain.txt", "/old.html", "/h/private.txt"] {
                visitor.send("HEAD", path, &[], "");
                // Apache mixes both files here (tests/data/differences.toml).
                if !(replaced && path == "/old.html") {
                    visitor.send("GET", path, &[("Range", "bytes=1-3")], "");
                    visitor.send("GET", path, &[("Range", "bytes=1-2,4-")], "");
                }
                visitor.send(
                    "GET",
                    path,
                    &[("If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT")],
                    "",
                );
                visitor.send("GET", path, &[("If-Match", "\"x\"")], "");
                if !replaced {
                    visitor.send("POST", path, &[], "x");
                }
                visitor.send("OPTIONS", path, &[], "");
            }
        };
        visit(visitor, false);
        // Replaced, not written over: what is kept is the old file.
        for name in ["plain.txt", "old.html", "h/private.txt", "e/expires.txt"] {
            fs::remove_file(visitor.state().path().join("www").join(name))?;
            visitor
                .state()
                .file(&format!("www/{name}"), "another file\n")?;
        }
        visit(visitor, true);
        fs::remove_file(visitor.state().path().join("www/plain.txt"))?;
        visitor.get("/plain.txt");
        Ok(())
    })
}

/// What htcacheclean prints when run on the cache of `visitor`, sizes and times taken out.
fn cleaned(visitor: &Visitor<'_>, arguments: &[&str]) -> Result<String> {
    let cache = visitor.state().path().join("cache");
    let mut command = Command::new("htcacheclean");
    command.arg("-p").arg(&cache).args(arguments);
    let output = run(&mut command)?;
    ensure!(
        output.status.success(),
        "htcacheclean: {}",
        printed(&output)
    );
    let text = printed(&output);
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| {
            let words = line.split_whitespace();
            // `-A`: URL, sizes, status, entity version, times, whether there is a body.
            let words = words
                .enumerate()
                .filter(|(at, _)| ![1, 5, 6, 7, 8].contains(at));
            words.map(|(_, word)| word).collect::<Vec<_>>().join(" ")
        })
        .collect();
    lines.sort();
    Ok(lines.join("\n"))
}

#[test]
fn what_programs_and_includes_make_is_cached() -> Result<()> {
    let configuration = format!(
        "{}Listen 127.0.0.1:@PORT@\nDocumentRoot @STATE@/www\nTypesConfig /etc/mime.types\n\
         <Directory @STATE@>\nRequire all granted\nOptions +Includes +MultiViews\n</Directory>\n\
         ScriptAlias /cgi/ @STATE@/cgi/\nAddLanguage de .de\nAddLanguage en .en\n\
         LanguagePriority en de\nForceLanguagePriority Prefer\nAddOutputFilter INCLUDES .shtml\n\
         CacheRoot @STATE@/cache\nCacheHeader On\nCacheDetailHeader On\nCacheEnable disk /\n\
         CacheIgnoreNoLastMod On\nCacheDefaultExpire 300\nXBitHack full\n\
         RewriteEngine On\nRewriteRule ^/old/(.*)$ /cgi/counter?$1 [PT]\n\
         RewriteRule ^/away/(.*)$ http://other.example/$1 [R=301,L]\n\
         Header always set X-Always \"%{{REMOTE_ADDR}}e\"\n",
        load("mime alias cgi negotiation include rewrite headers cache cache_disk"),
    );
    let begin = |state: &Site| {
        prepare(state)?;
        let counter = "#!/bin/sh\necho x >> @LOG@\nprintf 'Content-Type: text/plain\\nCache-Control: max-age=300\\nX-Run: %s\\n\\n%s\\n' \"$(wc -l < @LOG@)\" \"$QUERY_STRING\"\n";
        let log = state.file("cache/runs", "")?;
        let counter = counter.replace("@LOG@", &log.display().to_string());
        state.program("cgi/counter", &counter)?;
        state.program("cgi/stamped", &counter.replace("max-age=300", "no-store"))?;
        state.file("www/doc.html.de", "deutsch\n")?;
        state.file("www/doc.html.en", "english\n")?;
        state.program(
            "www/bits.html",
            "<!--#include virtual=\"/cgi/counter?included\" -->\n",
        )?;
        state.file("www/uses.shtml", "<!--#include virtual=\"/cgi/counter?included\" -->[<!--#include virtual=\"/plain.txt\" -->]\n")?;
        open_to_all(&state.path().join("cache"))
    };
    let modules = "cache cache_disk cgi negotiation include rewrite";
    // Behind the time of the file, a tag has that of the directory, which is new.
    let hidden = &["60a24181e4000;"];
    converse(modules, &configuration, hidden, begin, |visitor| {
        for path in [
            "/cgi/counter",
            "/cgi/counter?a",
            "/cgi/counter?b",
            "/cgi/counter?a",
            "/cgi/stamped",
            "/uses.shtml",
            "/bits.html",
            "/old/thing",
            "/away/thing",
            "/cgi/counter?included",
            "/cgi/none",
        ] {
            visitor.get(path);
            visitor.get(path);
            visitor.send("HEAD", path, &[], "");
        }
        for language in ["de", "en", "de", "fr", ""] {
            visitor.send("GET", "/doc.html", &[("Accept-Language", language)], "");
        }
        visitor.send("GET", "/doc", &[("Accept-Language", "de")], "");
        visitor.send("GET", "/doc", &[("Accept-Language", "de")], "");
        visitor.send("POST", "/cgi/counter", &[], "x");
        visitor.get("/cgi/counter");
        Ok(())
    })
}

#[test]
fn htcacheclean_knows_the_cache() -> Result<()> {
    let origin = Origin::start(answer)?;
    let configuration = format!(
        "{}Listen 127.0.0.1:@PORT@\nCacheRoot @STATE@/cache\nCacheEnable disk /\nCacheHeader On\n\
         CacheDetailHeader On\nProxyPass / http://127.0.0.1:{}/\n",
        load("cache cache_disk proxy proxy_http"),
        origin.port()
    );
    let begin = |state: &Site| {
        origin.reset();
        prepare(state)
    };
    converse("cache cache_disk", &configuration, &[], begin, |visitor| {
        let paths = [
            "/fresh",
            "/expires",
            "/related",
            "/max-age-zero",
            "/moved",
            "/large",
        ];
        for path in paths {
            visitor.get(path);
        }
        visitor.send("GET", "/vary", &[("Accept-Language", "de")], "");
        visitor.note("listed", &cleaned(visitor, &["-a"])?);
        visitor.note("listed with all", &cleaned(visitor, &["-A"])?);
        cleaned(visitor, &["http://test.example:80/related?"])?;
        visitor.note("listed", &cleaned(visitor, &["-a"])?);
        for path in paths {
            visitor.get(path);
        }
        // Emptied but for what fits into a kilobyte.
        cleaned(visitor, &["-n", "-t", "-l1K"])?;
        visitor.note("listed", &cleaned(visitor, &["-a"])?);
        for path in ["/fresh", "/large"] {
            visitor.get(path);
            visitor.get(path);
        }
        Ok(())
    })
}

#[test]
fn refused_directives() -> Result<()> {
    refuse_alike(
        "cache cache_disk cache_socache file_cache expires",
        &load("cache cache_disk cache_socache file_cache expires"),
        &[
            "CacheEnable",
            "CacheEnable disk not-a-path",
            "CacheEnable disk / more",
            "<Location /x>\nCacheEnable disk /y\n</Location>",
            "CacheDisable",
            "CacheDisable x",
            "<Location /x>\nCacheDisable off\n</Location>",
            "CacheMaxExpire",
            "CacheMaxExpire x",
            "CacheDefaultExpire x",
            "CacheMinExpire x",
            "CacheLastModifiedFactor x",
            "CacheIgnoreHeaders",
            "CacheIgnoreHeaders None X",
            "CacheIgnoreURLSessionIdentifiers",
            "CacheLockPath",
            "CacheLockMaxAge x",
            "CacheKeyBaseURL nonsense",
            "CacheQuickHandler perhaps",
            "<Location /x>\nCacheQuickHandler On\n</Location>",
            "CacheRoot",
            "CacheDirLevels 0",
            "CacheDirLevels 99",
            "CacheDirLength 0",
            "CacheDirLevels 10\nCacheDirLength 10",
            "CacheMinFileSize x",
            "CacheMaxFileSize x",
            "CacheReadSize x",
            "CacheReadTime x",
            "CacheSocache",
            "CacheSocache nonesuch",
            "CacheSocacheMaxSize x",
            "CacheSocacheMaxTime x",
            "CacheSocacheMinTime x",
            "CacheSocacheReadSize x",
            "CacheSocacheReadTime x",
            "MMapFile",
            "<Location /x>\nMMapFile x\n</Location>",
            "CacheFile",
            "ExpiresDefault soon",
            "ExpiresByType text/html \"access plus x\"",
            "ExpiresByType text/html A",
        ],
    )
}
