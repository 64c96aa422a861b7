//! mod_http2 over our connections: by ALPN, by prior knowledge and by upgrade; bodies, conditions,
//! errors, programs and proxies within streams. Frames one by one are in `http2_frames`.

use anyhow::Result;
use httpd_tests::{
    compatibility,
    differential::{self, Case, serve},
    scripted::{Script, compare},
    site::Site,
};

use super::{
    tls::{curl, engine, site},
    tls_connections::large,
};

fn prepare() -> Result<Site> {
    let site = site()?;
    site.file("large.bin", large(10_000_000))?;
    site.file("tls/upload.bin", large(10_000_000))?;
    site.file("tls/small.bin", large(3_000))?;
    site.file("empty.txt", "")?;
    site.file("denied/index.html", "no\n")?;
    site.file("push/index.html", "with something pushed\n")?;
    site.file("dir/index.html", "in a directory\n")?;
    site.program(
        "vars.cgi",
        "#!/bin/sh\necho 'Content-Type: text/plain'; echo; env | sort | \
         grep -E '^(H2_?PUSH|HTTP2|HTTPS|HTTP_|SERVER_PROTOCOL|REQUEST_METHOD|CONTENT_|QUERY)' | \
         grep -v HTTP_USER_AGENT\nprintf 'body %s\\n' \"$(sha1sum)\"\n",
    )?;
    site.program(
        "nph-status.cgi",
        "#!/bin/sh\nprintf 'Status: 418 Teapot\\nX-One: 1\\nContent-Type: text/plain\\n\\nshort\\n'\n",
    )?;
    site.program("broken.cgi", "#!/bin/sh\necho no header at all\n")?;
    site.program(
        "slow.cgi",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nfor i in 1 2 3 4 5; do echo line $i; sleep 0.02; done\n",
    )?;
    site.program(
        "many.cgi",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nhead -c 3000000 /dev/zero | tr '\\0' x\n",
    )?;
    Ok(site)
}

fn configuration(site: &Site) -> String {
    let directory = site.path().display();
    let common = "RewriteEngine on\nRewriteRule ^/away$ /text.txt [R]\n\
         RewriteRule ^/env$ /text.txt?%{ENV:HTTP2} [R]\n\
         ProxyPass /back http://127.0.0.1:@PORT4@/\nProxyPassReverse /back http://127.0.0.1:@PORT4@/\n\
         ProxyPass /h2back h2c://127.0.0.1:@PORT@/\n\
         ProxyPass /down http://127.0.0.1:1/\n\
         Header always set X-H2 %{HTTP2}e\nHeader set X-Protocol \"expr=%{SERVER_PROTOCOL} %{HTTP2}\"\n";
    serve(
        site,
        "socache_shmcb ssl http2 headers dir mime rewrite env setenvif cgid proxy proxy_http proxy_http2 \
         deflate filter",
        &format!(
            "TypesConfig /etc/mime.types\nDirectoryIndex index.html\nScriptSock cgid\n\
             AddHandler cgi-script .cgi\n\
             <Directory {directory}>\nOptions +ExecCGI\n</Directory>\n\
             <Location /denied>\nRequire all denied\nErrorDocument 403 \"denied here\"\n</Location>\n\
             <Location /limited>\nLimitRequestBody 1000\n</Location>\n\
             <Location /zip>\nSetOutputFilter DEFLATE\n</Location>\n\
             Listen 127.0.0.1:@PORT2@ https\nListen 127.0.0.1:@PORT3@\nListen 127.0.0.1:@PORT4@\n\
             LogFormat \"%r %>s %b %{{HTTP2}}e %H %{{H2_STREAM_ID}}e %X %I\" h2\n\
             SSLSessionCache shmcb:run/cache(65536)\nProtocols h2c http/1.1\n\
             <VirtualHost *:@PORT@>\nServerName a.example\nProtocols h2c http/1.1\n{common}\
             CustomLog logs/h2.log h2\n</VirtualHost>\n\
             <VirtualHost *:@PORT2@>\nServerName a.example\n{a}Protocols h2 http/1.1\n{common}\
             H2EarlyHints on\nH2Push on\n\
             <Location /push>\nHeader add Link \"</text.txt>;rel=preload\"\n\
             H2PushResource /text.txt\n</Location>\n</VirtualHost>\n\
             <VirtualHost *:@PORT2@>\nServerName b.example\n{b}Protocols http/1.1 h2\n\
             ProtocolsHonorOrder on\n{common}</VirtualHost>\n\
             <VirtualHost *:@PORT2@>\nServerName test.example\n{test}Protocols http/1.1 h2\n\
             ProtocolsHonorOrder off\nH2ModernTLSOnly off\n{common}</VirtualHost>\n\
             <VirtualHost *:@PORT3@>\nServerName a.example\nProtocols h2c http/1.1\n\
             H2Direct off\nH2Upgrade on\nH2MaxSessionStreams 2\nH2WindowSize 100000\n\
             H2SerializeHeaders on\n{common}</VirtualHost>\n\
             <VirtualHost *:@PORT4@>\nServerName a.example\nProtocols h2c http/1.1\n\
             H2Direct on\nH2Upgrade off\nH2OutputBuffering off\nH2Padding 4\nH2StreamMaxMemSize 20000\n\
             H2CopyFiles on\nHeader always set X-H2 %{{HTTP2}}e\n</VirtualHost>\n",
            a = engine("a"),
            b = engine("b"),
            test = engine("test"),
        )
        .replace("@SITE@", &directory.to_string()),
    )
}

/// What is asked for in each of the three ways there are to HTTP/2.
const REQUESTS: &[&str] = &[
    "URL/",
    "URL/text.txt",
    "-I URL/text.txt",
    "-I URL/missing",
    "URL/empty.txt",
    "URL/missing",
    "URL/denied/",
    "URL/dir",
    "URL/away",
    "URL/env",
    "-r 10-19 URL/text.txt",
    "-r 990-2000 URL/text.txt",
    "-r 5000- URL/text.txt",
    "-H 'If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT' URL/text.txt",
    "-H 'If-None-Match: *' URL/text.txt",
    "-X OPTIONS URL/text.txt",
    "-X PUT URL/text.txt",
    "-X FROB URL/text.txt",
    "-X TRACE URL/text.txt",
    "-d 'a=1&b=2' URL/vars.cgi?query=1",
    "-X POST -H 'Content-Length: 0' URL/vars.cgi",
    "-T small.bin -X POST URL/vars.cgi",
    "-T - -X POST URL/vars.cgi < small.bin",
    "-H 'X-Long: '$(head -c 3000 /dev/zero | tr '\\0' y) URL/vars.cgi | cut -c1-200",
    "-H 'X-Long: '$(head -c 9000 /dev/zero | tr '\\0' y) URL/text.txt | cut -c1-300",
    "-H 'Cookie: a=1' -H 'Cookie: b=2' URL/vars.cgi",
    "-H 'Host: b.example' URL/",
    "-H 'Expect: 100-continue' -d x URL/vars.cgi",
    "-H 'TE: trailers' -H 'Accept: x/y' URL/vars.cgi",
    "URL/nph-status.cgi",
    "URL/broken.cgi",
    "URL/slow.cgi",
    "URL/many.cgi | sha1sum",
    "URL/large.bin | sha1sum",
    "-H 'Accept-Encoding: gzip' URL/zip",
    "URL/back/text.txt",
    "URL/back/vars.cgi -d 'through a proxy'",
    "URL/back/away",
    "URL/h2back/text.txt",
    "URL/h2back/missing",
    "URL/h2back/vars.cgi -d 'through a proxy'",
    "URL/down/",
    "-H 'Upgrade: websocket' URL/text.txt",
    "-H 'Connection: close' URL/text.txt",
];

fn each_request(how: &str, url: &str) -> Result<()> {
    let site = prepare()?;
    // curl has no room for more than 32 KiB that come together with the answer to an upgrade.
    let small_only = how == "--http2" && url.starts_with("http:");
    let scripts: Vec<Script> = REQUESTS
        .iter()
        .filter(|request| !(small_only && request.contains("sha1sum")))
        .map(|request| {
            // The length of a head with a date would show in a checksum.
            let head = if request.contains("sha1sum") {
                ""
            } else {
                "-i"
            };
            curl(
                &site,
                &format!("{head} {how} {}", request.replace("URL", url)),
            )
        })
        .collect();
    compare("http2", &configuration(&site), &scripts)?;
    let proxied = REQUESTS
        .iter()
        .filter(|request| request.contains("/h2back"));
    compatibility::behaves("proxy_http2", proxied.count())
}

/// With mod_ssl and mod_http2 loaded, and HTTP/2 allowed, HTTP/1 is what it was.
#[test]
fn plain_http_beside_it() -> Result<()> {
    let site = prepare()?;
    let close = "Host: a.example\r\nConnection: close\r\n\r\n";
    let mut cases = vec![
        Case::get("/"),
        Case::get("/missing"),
        Case::get("/large.bin"),
        Case::get("/dir"),
        Case::get_with("/text.txt", &[("Range", "bytes=5-9")]),
        Case::with("POST", "/vars.cgi", &[], "a body"),
        Case::with("HEAD", "/text.txt", &[], ""),
        Case::with("OPTIONS", "*", &[], ""),
        Case::with("PRI", "*", &[], ""),
        Case::get_with("/", &[("Upgrade", "h2c")]),
        Case::get_with(
            "/",
            &[("Upgrade", "h2c, TLS/1.0"), ("HTTP2-Settings", "!!")],
        ),
        Case::get_with("/", &[("Upgrade", "h2"), ("Connection", "Upgrade")]),
    ];
    for request in [
        "GET /text.txt\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\n",
        "X\r\n\r\n",
        "\x16\x03\x01\x00\x05hello\r\n\r\n",
    ] {
        cases.push(Case::raw(request.escape_default().to_string(), request));
    }
    cases.push(Case::raw(
        "two pipelined",
        format!("GET /text.txt HTTP/1.1\r\nHost: a.example\r\n\r\nGET / HTTP/1.1\r\n{close}"),
    ));
    differential::compare("http2 ssl", &configuration(&site), &cases)
}

#[test]
fn streams_over_tls() -> Result<()> {
    each_request("--http2", "https://a.example:@PORT2@")
}

#[test]
fn streams_by_prior_knowledge() -> Result<()> {
    each_request("--http2-prior-knowledge", "http://a.example:@PORT@")
}

#[test]
fn streams_after_an_upgrade() -> Result<()> {
    each_request("--http2", "http://a.example:@PORT@")
}

#[test]
fn protocols_of_hosts_and_large_bodies() -> Result<()> {
    let site = prepare()?;
    let configuration = configuration(&site);
    let count = "-w '\n%{http_version} %{http_code} %{num_connects} %{size_download}\n'";
    let mut scripts: Vec<Script> = Vec::new();
    for request in [
        // Which host speaks what.
        "-i --http2 https://b.example:@PORT2@/",
        "-i --http2 https://test.example:@PORT2@/",
        "-i --http1.1 https://a.example:@PORT2@/",
        "-i --http2 --tls-max 1.2 https://a.example:@PORT2@/",
        "-i --http2 --tls-max 1.2 --ciphers ECDHE-ECDSA-AES128-SHA https://a.example:@PORT2@/",
        "-i --http2 --tls-max 1.2 --ciphers ECDHE-ECDSA-AES128-SHA https://test.example:@PORT2@/",
        "-i --http2 http://a.example:@PORT3@/",
        "-i --http2-prior-knowledge http://a.example:@PORT3@/ 2>&1",
        "-i --http2 http://a.example:@PORT4@/",
        "-i --http2-prior-knowledge http://a.example:@PORT4@/",
        "-i --http1.1 http://a.example:@PORT@/",
        "-i --http1.1 -X OPTIONS http://a.example:@PORT@/",
        "-i --http2 -X OPTIONS --request-target '*' http://a.example:@PORT@/",
        "-i --http2 -d 'a body with the upgrade' http://a.example:@PORT@/vars.cgi",
        "-i --http2 --data-binary @small.bin http://a.example:@PORT@/limited",
        // Push and early hints do no harm to a client without them.
        "-i --http2 https://a.example:@PORT2@/push/",
        "-i --http2 https://a.example:@PORT2@/text.txt -H 'Link: </x>'",
        "-o /dev/null --http2-prior-knowledge http://a.example:@PORT4@/large.bin",
    ] {
        scripts.push(curl(&site, request));
    }
    // A client that takes what is pushed, and one that sends trailers.
    for line in [
        "nghttp -nv https://127.0.0.1:@PORT2@/push/ | grep -aoE 'recv (PUSH_PROMISE|GOAWAY|DATA) \
         frame|recv .stream_id=[0-9]*. (:status|:path|link): .*' | sort",
        "nghttp -v --trailer 'x-trailer: behind' -d @SMALL@ http://127.0.0.1:@PORT@/vars.cgi \
         | grep -aE '^(body|HTTP_|CONTENT)|:status'",
        "nghttp -n -s http://127.0.0.1:@PORT@/ http://127.0.0.1:@PORT@/text.txt \
         | grep -aoE '[0-9]{3} +[0-9]+[KM]? /.*' | sort",
    ] {
        let small = site.path().join("tls/small.bin").display().to_string();
        scripts.push(Script::shell(
            line.replace("@SMALL@", &small) + " | sed -E 's/^\\[ *[0-9.]+\\] //'",
        ));
    }
    // Several requests on a connection.
    for (how, url) in [
        ("--http2", "https://a.example:@PORT2@"),
        ("--http2-prior-knowledge", "http://a.example:@PORT@"),
        ("--http2-prior-knowledge", "http://a.example:@PORT4@"),
    ] {
        for request in [
            "URL/ URL/text.txt URL/missing URL/vars.cgi",
            "--data-binary @upload.bin URL/vars.cgi URL/vars.cgi",
            "-T - -X POST URL/vars.cgi < upload.bin",
            "-o /dev/null -o /dev/null -o /dev/null URL/large.bin URL/many.cgi URL/large.bin",
            "--limit-rate 20M URL/large.bin | sha1sum",
        ] {
            scripts.push(curl(
                &site,
                &format!("{how} {count} {}", request.replace("URL", url)),
            ));
        }
        // In parallel, which makes their order a matter of chance.
        scripts.push(curl(
            &site,
            &format!(
                "-Z --parallel-max 30 {how} -w '%{{http_version}} %{{http_code}} %{{size_download}}\\n' \
                 -o /dev/null -o /dev/null -o /dev/null -o /dev/null {url}/large.bin?[1-2] \
                 {url}/many.cgi?[1-10] {url}/text.txt?[1-40] {url}/vars.cgi/x?[1-10] 2>/dev/null | sort | uniq -c"
            ),
        ));
    }
    compare("http2", &configuration, &scripts)
}
