//! Filters that rewrite bodies: text replaced, characters recoded, links mapped, programs in the
//! chain, requests' bodies changed and sent back.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

#[test]
fn substituted_and_edited() -> Result<()> {
    let site = Site::new()?;
    let text = "The quick brown fox.\nfoo bar FOO\nprice: $10 (a+b)\n\nlast foo line without end";
    for name in [
        "plain",
        "icase",
        "literal",
        "flat",
        "groups",
        "several",
        "long",
        "inherit/sub",
        "quick",
        "expr",
        "sed",
        "sed-lines",
        "sed-addr",
        "sed-blocks",
        "sed-subst",
        "sed-hold",
        "sed-print",
        "sed-trans",
        "empty",
    ] {
        site.file(&format!("{name}/text.txt"), text)?;
    }
    site.file(
        "long/long.txt",
        "foo ".repeat(20_000) + "\n" + &"x".repeat(70_000),
    )?;
    site.file("empty/empty.txt", "")?;
    site.file("plain/lines.txt", "foo\r\nbar\rfoo\n".repeat(3000))?;
    let configuration = serve(
        &site,
        "dir mime substitute sed filter",
        r#"
TypesConfig /etc/mime.types
AddOutputFilterByType SUBSTITUTE text/plain
<Location /plain>
Substitute s/foo/[&]/
</Location>
<Location /icase>
Substitute "s/foo/x/i"
</Location>
<Location /literal>
Substitute "s|$10 (a+b)|<0>|n"
</Location>
<Location /flat>
Substitute "s/foo/barfoo/f"
Substitute "s/bar/foo/f"
</Location>
<Location /groups>
Substitute "s/(q\w+) (b\w+)/$2 $1 $0 \$1/"
Substitute "s/^(.*)line/\$$1/"
</Location>
<Location /several>
Substitute "s/foo/bar/"
Substitute "s/bar/baz/q"
Substitute "s|\bquick\b|slow|iq"
</Location>
<Location /long>
Substitute "s/foo/fooo/"
</Location>
<Location /long/long.txt>
SubstituteMaxLineLength 1k
</Location>
<Location /inherit>
Substitute s/quick/fast/
</Location>
<Location /inherit/sub>
Substitute s/fast/faster/
SubstituteInheritBefore on
</Location>
<Location /expr>
Substitute "s/foo/%{REQUEST_URI}/"
</Location>
<LocationMatch "^/sed">
RemoveOutputFilter txt
SetOutputFilter Sed
</LocationMatch>
<Location /sed>
OutputSed "s/foo/bar/g"
</Location>
<Location /sed-lines>
OutputSed "1d"
OutputSed "$s/$/!/"
</Location>
<Location /sed-addr>
OutputSed "/price/,/^$/s/^/> /"
OutputSed "2!s/o/0/2"
</Location>
<Location /sed-blocks>
OutputSed "/foo/{"
OutputSed "s/foo/A/"
OutputSed "t done"
OutputSed "s/^/never/"
OutputSed ":done"
OutputSed "}"
</Location>
<Location /sed-subst>
OutputSed "s/\(f\)\(o*\)/\2\1&/gp"
</Location>
<Location /sed-hold>
OutputSed "1h"
OutputSed "3G"
OutputSed "4x"
OutputSed "N"
</Location>
<Location /sed-print>
OutputSed "="
OutputSed "4q"
</Location>
<Location /sed-trans>
OutputSed "y/abcf/ABCF/"
OutputSed "n"
OutputSed "D"
</Location>
"#,
    );
    let mut cases = Case::gets(&[
        "/plain/text.txt",
        "/plain/lines.txt",
        "/icase/text.txt",
        "/literal/text.txt",
        "/flat/text.txt",
        "/groups/text.txt",
        "/several/text.txt",
        "/long/text.txt",
        "/long/long.txt",
        "/inherit/sub/text.txt",
        "/expr/text.txt",
        "/empty/empty.txt",
        "/empty/text.txt",
        "/plain/missing",
        "/sed/text.txt",
        "/sed-lines/text.txt",
        "/sed-addr/text.txt",
        "/sed-blocks/text.txt",
        "/sed-subst/text.txt",
        "/sed-hold/text.txt",
        "/sed-print/text.txt",
        "/sed-trans/text.txt",
    ]);
    cases.push(Case::with("HEAD", "/plain/text.txt", &[], ""));
    cases.push(Case::with("HEAD", "/sed/text.txt", &[], ""));
    cases.push(Case::get_with("/plain/text.txt", &[("Range", "bytes=0-9")]));
    cases.push(Case::get_with("/sed/text.txt", &[("Range", "bytes=-4")]));
    compare("substitute sed", &configuration, &cases)
}

/// What comes in is sent back by `reflector`, so filters on requests can be seen.
#[test]
fn requests_sent_back() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    let upper = site.program("upper.sh", "#!/bin/sh\ntr a-z A-Z\n")?;
    let configuration = serve(
        &site,
        "dir mime reflector sed ext_filter case_filter case_filter_in buffer env headers deflate charset_lite filter bucketeer ratelimit",
        r#"
TypesConfig /etc/mime.types
ExtFilterDefine up mode=input cmd=@UPPER@
<LocationMatch "^/">
SetHandler reflector
</LocationMatch>
ReflectorHeader X-Back
ReflectorHeader X-Named X-Renamed
ReflectorHeader Content-Language
<Location /sed>
SetInputFilter Sed
InputSed "s/one/two/g"
InputSed "/drop/d"
</Location>
<Location /ext>
SetInputFilter up
</Location>
<VirtualHost *:@PORT@>
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName case-in.example
CaseFilterIn On
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName case-out.example
CaseFilter On
</VirtualHost>
<Location /buffer>
SetInputFilter BUFFER
SetOutputFilter BUFFER
BufferSize 64
</Location>
<Location /inflate>
SetInputFilter DEFLATE
</Location>
<Location /inflate-small>
SetInputFilter DEFLATE
DeflateInflateLimitRequestBody 200
</Location>
<Location /inflate-ratio>
SetInputFilter DEFLATE
DeflateInflateRatioLimit 2
DeflateInflateRatioBurst 1
</Location>
<Location /charset>
CharsetSourceEnc ISO-8859-1
CharsetDefault UTF-8
CharsetOptions ImplicitAdd
ForceType text/plain
</Location>
<Location /bucketeer>
SetOutputFilter BUCKETEER
</Location>
<Location /rate>
SetOutputFilter RATE_LIMIT
SetEnv rate-limit 2000
SetEnv rate-initial-burst 100
</Location>
<Location /rate-off>
SetOutputFilter RATE_LIMIT
SetEnv rate-limit 0
</Location>
<Location /chain>
SetInputFilter DEFLATE;Sed
InputSed "s/line/LINE/"
SetOutputFilter Sed;BUFFER
OutputSed "s/LINE 1/first/"
</Location>
"#,
    )
    .replace("@UPPER@", &upper.display().to_string());
    let lines: String = (0..400).map(|n| format!("line {n} of one\n")).collect();
    let zipped = gzip(lines.as_bytes());
    let posted_to = |host: &str, path: &str, fields: &str, body: &[u8]| {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{fields}Content-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        Case::raw(format!("POST {path} [{}]", fields.trim()), request)
    };
    let post =
        |path: &str, fields: &str, body: &[u8]| posted_to("test.example", path, fields, body);
    let plain = "Content-Type: text/plain\r\n";
    let gzipped = "Content-Encoding: gzip\r\n";
    let mut cases = vec![
        Case::get("/"),
        Case::with("OPTIONS", "/", &[], ""),
        Case::with("PUT", "/", &[("Content-Type", "text/x-put")], "put"),
        post(
            "/",
            "X-Back: there\r\nX-Named: here\r\nX-Other: no\r\nContent-Language: de\r\n",
            b"body",
        ),
        post("/", "", b""),
        post("/", plain, &[b'x'; 300_000]),
        post("/sed", plain, lines.as_bytes()),
        post("/ext", plain, b"lower and Upper\n"),
        post("/ext", plain, lines.as_bytes()),
        posted_to("case-in.example", "/", plain, b"lower and Upper\n"),
        posted_to("case-out.example", "/", plain, b"lower and Upper\n"),
        post("/buffer", plain, lines.as_bytes()),
        post("/inflate", gzipped, &zipped),
        post("/inflate", "Content-Encoding: x-gzip\r\n", &zipped),
        post("/inflate", "Content-Encoding: br\r\n", &zipped),
        post("/inflate", "", &zipped),
        post("/inflate", gzipped, b"this is not gzip at all"),
        post("/inflate", gzipped, &zipped[..zipped.len() / 2]),
        post(
            "/inflate",
            gzipped,
            &[zipped.as_slice(), b"trailing"].concat(),
        ),
        post("/inflate", "Content-Encoding: gzip, identity\r\n", &zipped),
        post("/inflate-small", gzipped, &zipped),
        post("/inflate-ratio", gzipped, &zipped),
        post("/inflate-ratio", gzipped, &gzip(&[0; 200_000])),
        post("/charset", plain, "gr\u{fc}n ".repeat(9).as_bytes()),
        post("/charset", plain, b"abc \xff\xfe"),
        post("/bucketeer", plain, b"a\x02b\x06c\x10d\x01e\nrest"),
        post("/rate", plain, &[b'r'; 150_000]),
        post("/rate-off", plain, &[b'r'; 50_000]),
        post("/chain", gzipped, &zipped),
    ];
    cases.push(Case::raw(
        "chunked",
        "POST /sed HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n6\r\none\non\r\n11\r\ne one\ndrop\nmore one\r\n0\r\nX-Trailer: t\r\n\r\n",
    ));
    cases.push(Case::raw(
        "a broken chunk",
        "POST /sed HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\nzz\r\n",
    ));
    compare(
        "reflector sed ext_filter case_filter case_filter_in buffer deflate charset_lite bucketeer ratelimit",
        &configuration,
        &cases,
    )
}

/// As `gzip -n` packs it.
fn gzip(content: &[u8]) -> Vec<u8> {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };
    let mut program = Command::new("gzip")
        .args(["-n", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip is essential in Debian");
    let mut input = program.stdin.take().expect("piped");
    let content = content.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&content));
    let packed = program.wait_with_output().expect("gzip runs").stdout;
    writer.join().expect("no panic").expect("gzip reads");
    packed
}

#[test]
fn programs_in_the_chain() -> Result<()> {
    let site = Site::new()?;
    for name in [
        "simple", "typed", "length", "fails", "abort", "remove", "env", "missing", "env-on",
        "swallow", "big",
    ] {
        site.file(&format!("{name}/a.txt"), "some text\n")?;
        site.file(&format!("{name}/a.html"), "<b>text</b>\n")?;
    }
    site.file("big/big.txt", "0123456789abcdef\n".repeat(30_000))?;
    site.program("upper.sh", "#!/bin/sh\nexec tr a-z A-Z\n")?;
    site.program("vars.sh", "#!/bin/sh\ncat; echo \"$DOCUMENT_URI,$DOCUMENT_PATH_INFO,$QUERY_STRING_UNESCAPED,$REQUEST_METHOD,$OWN\"\n")?;
    site.program("fail.sh", "#!/bin/sh\ncat >/dev/null\nexit 3\n")?;
    site.program("swallow.sh", "#!/bin/sh\ncat >/dev/null\n")?;
    let configuration = serve(
        &site,
        "dir mime ext_filter env setenvif filter",
        r#"
TypesConfig /etc/mime.types
ExtFilterDefine up cmd=@SITE@/upper.sh
ExtFilterDefine texts intype=text/plain outtype=text/x-upper cmd="@SITE@/upper.sh -ignored"
ExtFilterDefine same PreservesContentLength mode=output cmd="/usr/bin/tr t T"
ExtFilterDefine vars ftype=20 cmd=@SITE@/vars.sh
ExtFilterDefine gone cmd=@SITE@/none.sh
ExtFilterDefine failing cmd=@SITE@/fail.sh
ExtFilterDefine when enableenv=WANTED disableenv=UNWANTED cmd=@SITE@/upper.sh
ExtFilterDefine swallow cmd=@SITE@/swallow.sh
SetEnvIf Query_String want WANTED
SetEnvIf Query_String unwanted UNWANTED
SetEnv OWN own
<Location /simple>
SetOutputFilter up
ExtFilterOptions LogStderr
</Location>
<Location /typed>
SetOutputFilter texts
</Location>
<Location /length>
SetOutputFilter same
</Location>
<Location /env>
SetOutputFilter vars
</Location>
<Location /fails>
SetOutputFilter failing
</Location>
<Location /abort>
SetOutputFilter gone
ExtFilterOptions Onfail=abort
</Location>
<Location /remove>
SetOutputFilter gone
ExtFilterOptions Onfail=remove NoLogStderr
</Location>
<Location /env-on>
SetOutputFilter when
</Location>
<Location /swallow>
SetOutputFilter swallow
</Location>
<Location /big>
SetOutputFilter up;same
</Location>
"#,
    );
    let mut cases = Case::gets(&[
        "/simple/a.txt",
        "/simple/a.html",
        "/simple/missing",
        "/typed/a.txt",
        "/typed/a.html",
        "/length/a.txt",
        "/env/a.txt?x%20y",
        "/fails/a.txt",
        "/abort/a.txt",
        "/remove/a.txt",
        "/env-on/a.txt",
        "/env-on/a.txt?want",
        "/env-on/a.txt?want,unwanted",
        "/swallow/a.txt",
        "/big/big.txt",
    ]);
    cases.push(Case::with("HEAD", "/simple/a.txt", &[], ""));
    cases.push(Case::with("HEAD", "/length/a.txt", &[], ""));
    cases.push(Case::get_with("/simple/a.txt", &[("Range", "bytes=0-3")]));
    compare("ext_filter", &configuration, &cases)
}
