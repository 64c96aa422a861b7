//! Compression and the machinery around filters: deflate, inflate, brotli, ratio notes, data URIs,
//! chains that are chosen while a request runs.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, Log, compare, compare_with_logs, serve},
    site::Site,
};

fn texts(site: &Site, directories: &[&str]) -> Result<()> {
    for directory in directories {
        for (name, content) in [
            ("long.txt", "compress me ".repeat(500)),
            ("long.html", "<p>compress me</p>\n".repeat(900)),
            ("long.css", "p { color: red }\n".repeat(300)),
            ("tiny.txt", "t".to_owned()),
            ("empty.txt", String::new()),
        ] {
            site.file(&format!("{directory}/{name}"), content)?;
        }
    }
    Ok(())
}

#[test]
fn deflate_and_brotli() -> Result<()> {
    let site = Site::new()?;
    texts(
        &site,
        &[
            "type", "best", "small", "window", "not", "pre", "inflate", "both", "br", "br-tuned",
            "br-no", "when",
        ],
    )?;
    let packed = std::process::Command::new("gzip")
        .args(["-n", "-k", "-f"])
        .arg(site.path().join("pre/long.txt"))
        .arg(site.path().join("inflate/long.txt"))
        .status()?;
    anyhow::ensure!(packed.success());
    for directory in ["pre", "inflate"] {
        let name = format!("{directory}/long.txt.gz");
        let content = std::fs::read(site.path().join(&name))?;
        site.file(&name, content)?;
    }
    site.file("inflate/bad.txt.gz", "no gzip")?;
    let mut big = String::new();
    for number in 0..30_000 {
        big += &format!("line {number} of {}\n", number * 7919 % 1013);
    }
    site.file("best/big.txt", &big)?;
    site.file("br/big.txt", &big)?;
    let configuration = serve(
        &site,
        "dir mime deflate brotli filter headers env setenvif",
        r#"
TypesConfig /etc/mime.types
AddEncoding x-gzip .gz
DeflateFilterNote Input instream
DeflateFilterNote Output outstream
DeflateFilterNote ratio
BrotliFilterNote Input br-in
BrotliFilterNote Output br-out
BrotliFilterNote Ratio br-ratio
LogFormat "%U %{instream}n/%{outstream}n (%{ratio}n%%) %{br-in}n/%{br-out}n (%{br-ratio}n%%) %B %b %>s" ratios
CustomLog logs/ratios.log ratios
BrowserMatch ^Mozilla/4 gzip-only-text/html
BrowserMatch ^Old no-gzip
BrowserMatch ^Veryold force-no-vary
<Location /type>
AddOutputFilterByType DEFLATE text/plain text/html
</Location>
<Location /best>
SetOutputFilter DEFLATE
</Location>
<Location /small>
SetOutputFilter DEFLATE
</Location>
<Location /not>
SetOutputFilter DEFLATE
SetEnv no-gzip 1
</Location>
<Location /pre>
SetOutputFilter DEFLATE
</Location>
<Location /inflate>
SetOutputFilter INFLATE
</Location>
<Location /both>
SetOutputFilter DEFLATE;BROTLI_COMPRESS
</Location>
<Location /br>
SetOutputFilter BROTLI_COMPRESS
</Location>
<Location /br-tuned>
SetOutputFilter BROTLI_COMPRESS
</Location>
<Location /br-no>
SetOutputFilter BROTLI_COMPRESS
SetEnvIf X-Without . no-brotli
</Location>
<Location /when>
AddOutputFilterByType BROTLI_COMPRESS;DEFLATE text/plain
AddOutputFilterByType DEFLATE text/html
</Location>
<VirtualHost *:@PORT@>
ServerName default.example
DocumentRoot "@SITE@"
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName best.example
DocumentRoot "@SITE@"
DeflateCompressionLevel 9
DeflateAlterETag NoChange
BrotliAlterETag NoChange
BrotliCompressionQuality 9
BrotliCompressionWindow 12
BrotliCompressionMaxInputBlock 16
DeflateBufferSize 4096
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName worst.example
DocumentRoot "@SITE@"
DeflateCompressionLevel 1
DeflateMemLevel 1
DeflateAlterETag Remove
BrotliAlterETag Remove
DeflateWindowSize 9
</VirtualHost>
"#,
    );
    let gzip = [("Accept-Encoding", "gzip")];
    let brotli = [("Accept-Encoding", "gzip, br")];
    let mut cases = Vec::new();
    for path in [
        "/type/long.txt",
        "/type/long.html",
        "/type/long.css",
        "/type/empty.txt",
        "/best/big.txt",
        "/best/tiny.txt",
        "/best/empty.txt",
        "/small/long.txt",
        "/not/long.txt",
        "/pre/long.txt.gz",
        "/inflate/long.txt.gz",
        "/inflate/bad.txt.gz",
        "/both/long.txt",
        "/missing",
    ] {
        cases.push(Case::get_with(path, &gzip));
    }
    for path in [
        "/br/long.txt",
        "/br/big.txt",
        "/br/tiny.txt",
        "/br/empty.txt",
        "/br-tuned/long.html",
        "/br-no/long.txt",
        "/both/long.txt",
        "/when/long.txt",
        "/when/long.html",
    ] {
        cases.push(Case::get_with(path, &brotli));
    }
    for host in ["best.example", "worst.example"] {
        for path in ["/best/big.txt", "/best/long.html", "/br/long.txt"] {
            cases.push(Case::get_with(
                path,
                &[("Accept-Encoding", "gzip, br"), ("Host", host)],
            ));
        }
    }
    for accepted in [
        "identity",
        "gzip;q=0",
        "*",
        "x-gzip",
        "deflate, gzip;q=0.5",
        "GZIP",
        "gzip ; q=0.0",
        "br;q=0, gzip",
        "gzipped",
        "gzip;q=bogus",
    ] {
        cases.push(Case::get_with(
            "/when/long.txt",
            &[("Accept-Encoding", accepted)],
        ));
    }
    cases.extend([
        Case::get("/inflate/long.txt.gz"),
        Case::get("/pre/long.txt.gz"),
        Case::get_with(
            "/br-no/long.txt",
            &[("Accept-Encoding", "br"), ("X-Without", "1")],
        ),
        Case::get_with(
            "/best/long.txt",
            &[("Accept-Encoding", "gzip"), ("User-Agent", "Mozilla/4.0")],
        ),
        Case::get_with(
            "/best/long.html",
            &[("Accept-Encoding", "gzip"), ("User-Agent", "Mozilla/4.0")],
        ),
        Case::get_with(
            "/best/long.txt",
            &[("Accept-Encoding", "gzip"), ("User-Agent", "Old")],
        ),
        Case::get_with(
            "/best/long.txt",
            &[("Accept-Encoding", "gzip"), ("User-Agent", "Veryold")],
        ),
        Case::get_with(
            "/best/long.txt",
            &[
                ("Accept-Encoding", "gzip"),
                ("If-None-Match", "\"1770-60a24181e4000-gzip\""),
            ],
        ),
        Case::get_with(
            "/best/long.txt",
            &[
                ("Accept-Encoding", "gzip"),
                ("If-None-Match", "\"1770-60a24181e4000\""),
            ],
        ),
        Case::get_with(
            "/best/long.txt",
            &[
                ("Accept-Encoding", "gzip"),
                ("If-Match", "\"1770-60a24181e4000-gzip\""),
            ],
        ),
        Case::get_with(
            "/br/long.txt",
            &[
                ("Accept-Encoding", "br"),
                ("If-None-Match", "\"1770-60a24181e4000-br\""),
            ],
        ),
        Case::get_with(
            "/best/long.txt",
            &[("Accept-Encoding", "gzip"), ("Range", "bytes=0-9")],
        ),
        Case::get_with(
            "/best/long.txt",
            &[
                ("Accept-Encoding", "gzip"),
                ("If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT"),
            ],
        ),
        Case::with("HEAD", "/best/long.txt", &gzip, ""),
        Case::with("HEAD", "/br/long.txt", &brotli, ""),
        Case::raw(
            "HTTP/1.0",
            "GET /best/long.txt HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n",
        ),
    ]);
    compare_with_logs(
        "deflate brotli filter",
        &configuration,
        &cases,
        &[Log {
            file: "logs/ratios.log",
            line: |line| Some(line.to_owned()),
        }],
    )
}

#[test]
fn chains_chosen_by_expressions() -> Result<()> {
    let site = Site::new()?;
    let pages = "<p>Text with foo</p>\n".repeat(40);
    for directory in [
        "expr", "type", "chain", "remove", "replace", "proto", "data", "trace", "set", "buffer",
        "handler",
    ] {
        site.file(&format!("{directory}/a.html"), &pages)?;
        site.file(&format!("{directory}/a.txt"), &pages)?;
        site.file(&format!("{directory}/a.bin"), [0_u8, 1, 2, 253, 254, 255])?;
        site.file(&format!("{directory}/empty.txt"), "")?;
    }
    site.file("data/odd.txt", "abcd")?;
    site.file("data/big.txt", "0123456789".repeat(2000))?;
    let configuration = serve(
        &site,
        "dir mime filter deflate substitute case_filter headers data buffer env include",
        r#"
TypesConfig /etc/mime.types
AddCharset UTF-8 .html
Substitute s/foo/bar/
FilterDeclare CHOICE CONTENT_SET
FilterProvider CHOICE SUBSTITUTE "%{QUERY_STRING} =~ /sub/"
FilterProvider CHOICE DEFLATE "%{QUERY_STRING} =~ /zip/ && %{REQUEST_METHOD} == 'GET'"
FilterDeclare BYTYPE
FilterProvider BYTYPE SUBSTITUTE "%{CONTENT_TYPE} =~ m#^text/html#"
FilterProvider BYTYPE CaseFilter "%{CONTENT_TYPE} == 'text/plain'"
FilterDeclare CHANGING
FilterProvider CHANGING SUBSTITUTE "true"
FilterProtocol CHANGING "change=yes byteranges=no cache=no"
FilterDeclare PROXYING
FilterProvider PROXYING SUBSTITUTE "resp('X-Wanted') == 'yes'"
FilterProtocol PROXYING SUBSTITUTE change=1:1;transform=no
<Location /expr>
FilterChain CHOICE
</Location>
<Location /type>
FilterChain BYTYPE
</Location>
<Location /chain>
FilterChain +BYTYPE +CHOICE
</Location>
<Location /chain/a.txt>
FilterChain @CHOICE
</Location>
<Location /remove>
FilterChain BYTYPE CHOICE
</Location>
<Location /remove/a.html>
FilterChain -BYTYPE
</Location>
<Location /replace>
FilterChain BYTYPE
</Location>
<Location /replace/a.html>
FilterChain =CHOICE
</Location>
<Location /replace/a.txt>
FilterChain !
</Location>
<Location /proto>
FilterChain CHANGING
</Location>
<Location /handler>
FilterChain PROXYING
Header set X-Wanted yes "expr=%{QUERY_STRING} == 'wanted'"
</Location>
<Location /data>
SetOutputFilter DATA
</Location>
<Location /buffer>
SetOutputFilter BUFFER
BufferSize 100
</Location>
<Location /set>
SetOutputFilter INCLUDES;SUBSTITUTE;BUFFER
Options +Includes
</Location>
"#,
    );
    let mut cases = Case::gets(&[
        "/expr/a.html",
        "/expr/a.html?sub",
        "/type/a.html",
        "/type/a.txt",
        "/type/a.bin",
        "/chain/a.html?sub",
        "/chain/a.txt?sub",
        "/remove/a.html?sub",
        "/remove/a.txt",
        "/replace/a.html?sub",
        "/replace/a.txt",
        "/replace/a.bin",
        "/proto/a.html",
        "/handler/a.html",
        "/handler/a.html?wanted",
        "/data/a.html",
        "/data/a.txt",
        "/data/a.bin",
        "/data/odd.txt",
        "/data/empty.txt",
        "/data/big.txt",
        "/buffer/a.html",
        "/buffer/empty.txt",
        "/set/a.html",
        "/type/missing",
    ]);
    for path in [
        "/expr/a.html?zip",
        "/expr/a.html?sub,zip",
        "/chain/a.html?zip",
        "/chain/a.txt?zip",
    ] {
        cases.push(Case::get_with(path, &[("Accept-Encoding", "gzip")]));
    }
    for path in [
        "/proto/a.html",
        "/type/a.html",
        "/handler/a.html?wanted",
        "/buffer/a.html",
    ] {
        cases.push(Case::get_with(path, &[("Range", "bytes=2-12")]));
        cases.push(Case::with("HEAD", path, &[], ""));
    }
    compare(
        "filter data buffer substitute case_filter",
        &configuration,
        &cases,
    )
}
