//! What a file is: types, languages and codings from names and contents, the best of several
//! variants, stored heads, programs for a type.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

#[test]
fn best_variants() -> Result<()> {
    let site = Site::new()?;
    for (name, content) in [
        ("page.html.en", "english"),
        ("page.html.de", "deutsch, and longer"),
        ("page.html.fr.gz", "gzip"),
        ("page.txt.en", "text"),
        ("picture.png", "png"),
        ("picture.gif", "gif picture"),
        ("picture.jpg", "jpeg picture!"),
        ("coded.html", "plain"),
        ("coded.html.gz", "gzipped"),
        ("coded.html.bz2", "bzipped"),
        ("sets.txt.utf8", "utf8"),
        ("sets.txt.latin1", "latin"),
        ("sets.txt.koi8", "koi"),
        ("regional.html.en-gb", "en-GB"),
        ("regional.html.en-us", "en-US"),
        ("regional.html.pt-br", "pt-BR"),
        ("only.html.de", "only german"),
        ("single.html", "single"),
        ("handled.cgi", "never run"),
        ("dir.d/index.html.en", "index"),
        ("unknown.zzz", "zzz"),
        ("multi.en.html", "order of extensions"),
        ("multi.de.html", "andere ordnung"),
        (
            "qsmap.var",
            "URI: picture.png\nContent-Type: image/png; qs=0.2\n\nURI: picture.gif\nContent-Type: image/gif; qs=0.9\nDescription: \"the gif\"\n\nURI: picture.jpg\nContent-Type: image/jpeg; qs=0.9; level=2\nContent-Length: 13\n",
        ),
        (
            "langs.var",
            "URI: page.html.en\nContent-Type: text/html; charset=utf-8\nContent-Language: en, en-gb\n\nURI: page.html.de\nContent-Type: text/html\nContent-Language: de\n",
        ),
        (
            "body.var",
            "Content-Type: text/html\nContent-Language: en\nBody:----end----\n<b>inside</b>\n----end----\n\nContent-Type: text/plain\nContent-Language: de\nBody: --x--\ninnen\n--x--\n",
        ),
        (
            "coded.var",
            "URI: coded.html\nContent-Type: text/html\n\nURI: coded.html.gz\nContent-Type: text/html\nContent-Encoding: x-gzip\n",
        ),
        (
            "sets.var",
            "URI: sets.txt.utf8\nContent-Type: text/plain;charset=utf-8\n\nURI: sets.txt.latin1\nContent-Type: text/plain;charset=iso-8859-1\n",
        ),
        (
            "levels.var",
            "URI: page.html.en\nContent-Type: text/html;level=2\n\nURI: single.html\nContent-Type: text/html;level=3\n",
        ),
        ("bad.var", "URI: nowhere.html\nContent-Type: text/html\n"),
        ("broken.var", "this is no map at all\n"),
        (
            "badq.var",
            "URI: single.html\nContent-Type: text/html; qs=two\n",
        ),
        (
            "foreign.var",
            "URI: http://other.example/x\nContent-Type: text/html\n",
        ),
        (
            "continued.var",
            "# a comment\nURI: single.html\nContent-Type:\n text/html\n\n\nURI: page.html.de\nContent-type: text/html;\n qs=0.1\n",
        ),
        ("empty.var", ""),
    ] {
        site.file(&format!("neg/{name}"), format!("{content}\n"))?;
        site.file(&format!("force/{name}"), format!("{content}\n"))?;
        site.file(&format!("none/{name}"), format!("{content}\n"))?;
    }
    let configuration = serve(
        &site,
        "dir mime negotiation setenvif env headers autoindex",
        r#"
TypesConfig /etc/mime.types
AddEncoding x-gzip .gz
AddEncoding bzip2 .bz2
RemoveType .gz .bz2
AddCharset utf-8 .utf8
AddCharset iso-8859-1 .latin1
AddCharset koi8-r .koi8
AddLanguage en .en
AddLanguage de .de
AddLanguage fr .fr
AddLanguage en-GB .en-gb
AddLanguage en-US .en-us
AddLanguage pt-BR .pt-br
AddHandler type-map var
AddHandler cgi-script .cgi
LanguagePriority fr en de
DirectoryIndex index.html index
<Directory "@SITE@/neg">
Options MultiViews Indexes
ForceLanguagePriority None
</Directory>
<Directory "@SITE@/force">
Options MultiViews
ForceLanguagePriority Prefer Fallback
MultiviewsMatch Any
</Directory>
<Directory "@SITE@/none">
Options MultiViews
LanguagePriority de
ForceLanguagePriority Fallback
MultiviewsMatch Handlers
</Directory>
<VirtualHost *:@PORT@>
DocumentRoot "@SITE@"
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName cached.example
DocumentRoot "@SITE@"
CacheNegotiatedDocs On
</VirtualHost>
SetEnvIf X-Prefer (.*) prefer-language=$1
"#,
    );
    let mut cases = Vec::new();
    for document in [
        "page",
        "page.html",
        "picture",
        "coded",
        "coded.html",
        "sets",
        "regional",
        "only",
        "single",
        "handled",
        "unknown",
        "multi",
        "multi.html",
        "qsmap.var",
        "langs.var",
        "body.var",
        "coded.var",
        "sets.var",
        "levels.var",
        "bad.var",
        "broken.var",
        "badq.var",
        "foreign.var",
        "continued.var",
        "empty.var",
        "dir.d/",
        "page/info",
        "qsmap",
    ] {
        cases.push(Case::get(&format!("/neg/{document}")));
    }
    for (document, name, value) in [
        ("page", "Accept-Language", "de"),
        ("page", "Accept-Language", "de;q=0.5, en;q=0.9"),
        ("page", "Accept-Language", "*"),
        ("page", "Accept-Language", "fr"),
        ("page", "Accept", "text/plain"),
        (
            "page",
            "Accept",
            "text/*;q=0.3, text/plain;q=0.5, */*;q=0.1",
        ),
        ("page", "Accept", "image/*"),
        ("picture", "Accept", "image/jpeg, image/gif;q=0.9"),
        ("picture", "Accept", "image/*, image/png;q=0.1"),
        (
            "picture",
            "Accept",
            "image/png;q=0, image/gif;q=0, image/jpeg;q=0",
        ),
        ("picture", "Accept", "*/*"),
        ("picture", "Accept", "bogus"),
        ("picture", "Accept", ""),
        ("coded", "Accept-Encoding", "gzip"),
        ("coded", "Accept-Encoding", "x-gzip, bzip2;q=0.1"),
        ("coded", "Accept-Encoding", "bzip2"),
        ("coded", "Accept-Encoding", "identity;q=0, gzip"),
        ("coded", "Accept-Encoding", "*;q=0"),
        ("coded", "Accept-Encoding", "compress"),
        ("sets", "Accept-Charset", "iso-8859-1"),
        ("sets", "Accept-Charset", "koi8-r, utf-8;q=0.7"),
        ("sets", "Accept-Charset", "utf-8;q=0.1, *"),
        ("sets", "Accept-Charset", "us-ascii"),
        ("regional", "Accept-Language", "en"),
        ("regional", "Accept-Language", "en-US, en;q=0.5"),
        ("regional", "Accept-Language", "pt"),
        ("regional", "Accept-Language", "en-au"),
        ("only", "Accept-Language", "en"),
        ("only", "Accept-Language", "de-at"),
        ("qsmap.var", "Accept", "image/png"),
        ("qsmap.var", "Accept", "image/png, image/gif;q=0.1"),
        ("langs.var", "Accept-Language", "en-gb"),
        ("langs.var", "Accept-Language", "de"),
        ("body.var", "Accept-Language", "de"),
        ("coded.var", "Accept-Encoding", "gzip"),
        ("sets.var", "Accept-Charset", "utf-8"),
        ("levels.var", "Accept", "text/html;level=2"),
        ("levels.var", "Accept", "text/html;level=3;q=0.9, text/html"),
        ("page", "X-Prefer", "de"),
        ("page", "If-None-Match", "*"),
        ("page", "Negotiate", "trans"),
        ("picture", "Negotiate", "vlist"),
        ("picture", "Negotiate", "*"),
        ("picture", "Negotiate", "1.0"),
        ("picture", "Negotiate", "guess-small"),
        ("page", "User-Agent", "Mozilla/4.0"),
    ] {
        cases.push(Case::get_with(
            &format!("/neg/{document}"),
            &[(name, value)],
        ));
    }
    for directory in ["force", "none"] {
        for document in ["page", "only", "handled", "unknown", "picture", "regional"] {
            for language in ["ja", "de", "en, de"] {
                cases.push(Case::get_with(
                    &format!("/{directory}/{document}"),
                    &[("Accept-Language", language)],
                ));
            }
        }
    }
    cases.push(Case::raw(
        "HTTP/1.0 not cached",
        "GET /neg/page.html HTTP/1.0\r\nAccept-Language: de\r\n\r\n",
    ));
    cases.push(Case::raw(
        "HTTP/1.0 cached",
        "GET /neg/page.html HTTP/1.0\r\nHost: cached.example\r\nAccept-Language: de\r\n\r\n",
    ));
    cases.push(Case::with(
        "HEAD",
        "/neg/page",
        &[("Accept-Language", "de")],
        "",
    ));
    cases.push(Case::with("POST", "/neg/page", &[], "x"));
    cases.push(Case::with("PUT", "/neg/page", &[], "x"));
    compare("negotiation", &configuration, &cases)
}

#[test]
fn types_and_contents() -> Result<()> {
    let site = Site::new()?;
    for directory in [
        "plain", "forced", "info", "removed", "default", "ht", "charset",
    ] {
        for name in [
            "a.html",
            "a.html.de",
            "a.de.html.gz",
            "a.odd",
            "a.html.odd",
            "a.odd.html",
            "a",
            "a.tar.gz",
            "a.utf8.txt",
            "A.HTML",
            "a.html.bak",
            "a.x1.x2",
            ".html",
            "a..txt",
            "a.html.",
            "a.cgi",
            "a.php.txt",
            "a.inc",
            "a.in",
        ] {
            site.file(&format!("{directory}/{name}"), "content\n")?;
        }
    }
    site.file("ht/.htaccess", "AddType text/x-ht .odd\nRemoveCharset .utf8\nDefaultLanguage nl\nAddOutputFilter CaseFilter .inc\nRemoveHandler .cgi\n")?;
    site.file(
        "own.types",
        "text/x-own own1 own2\n# comment\ntext/x-two   own3\n",
    )?;
    site.file("plain/file.own2", "own\n")?;
    let configuration = serve(
        &site,
        "dir mime case_filter asis headers negotiation",
        r#"
TypesConfig @SITE@/own.types
AddType text/html html
AddType "text/plain; format=flowed" .txt
AddType application/x-tar .tar
AddEncoding x-gzip gz
AddEncoding gzip .GZ
AddLanguage de .de
AddCharset UTF-8 .utf8
AddHandler send-as-is cgi
AddOutputFilter CaseFilter inc
AddInputFilter CaseFilterIn in
<Location /forced>
ForceType text/x-forced
</Location>
<Location /forced/a.odd>
ForceType None
</Location>
<Directory "@SITE@/info">
ModMimeUsePathInfo On
AcceptPathInfo On
</Directory>
<Directory "@SITE@/removed">
RemoveType html
RemoveEncoding .gz
RemoveLanguage .de
RemoveCharset .utf8
RemoveHandler cgi
RemoveOutputFilter inc
RemoveInputFilter in
</Directory>
<Directory "@SITE@/default">
DefaultLanguage en-US
AddDefaultCharset on
DefaultType text/x-default
</Directory>
<Directory "@SITE@/charset">
AddDefaultCharset koi8-r
</Directory>
<Directory "@SITE@/ht">
AllowOverride FileInfo
</Directory>
"#,
    );
    let mut cases = Vec::new();
    for directory in ["plain", "forced", "removed", "default", "ht", "charset"] {
        for name in [
            "a.html",
            "a.html.de",
            "a.de.html.gz",
            "a.odd",
            "a.html.odd",
            "a",
            "a.tar.gz",
            "a.utf8.txt",
            "A.HTML",
            "a.x1.x2",
            "a.html.",
            "a.inc",
        ] {
            cases.push(Case::get(&format!("/{directory}/{name}")));
        }
    }
    cases.extend(Case::gets(&[
        "/plain/file.own2",
        "/plain/a.html.bak",
        "/plain/.html",
        "/plain/a..txt",
        "/plain/a.cgi",
        "/removed/a.cgi",
        "/ht/a.cgi",
        "/info/a/x.html",
        "/info/a/x.html.gz",
        "/plain/a.html/x.txt",
    ]));
    compare("mime", &configuration, &cases)
}

#[test]
fn types_from_contents() -> Result<()> {
    let site = Site::new()?;
    let zipped = std::process::Command::new("sh")
        .args(["-c", "printf 'text inside of gzip' | gzip -n"])
        .output()?
        .stdout;
    for (name, content) in [
        ("gif", b"GIF89a\x01\x00\x01\x00".as_slice()),
        ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF"),
        (
            "html",
            b"<!DOCTYPE HTML><html><head><title>x</title></head></html>",
        ),
        ("html-spaces", b"  <html>\n"),
        ("xml", b"<?xml version=\"1.0\"?><a/>"),
        ("pdf", b"%PDF-1.4\n"),
        ("ps", b"%!PS-Adobe-3.0\n"),
        ("rtf", b"{\\rtf1 x}"),
        ("text", b"just plain words and lines\nmore of them\n"),
        ("latin", b"gr\xfc\xdf dich\n"),
        ("utf8", "gr\u{fc}\u{df} dich\n".as_bytes()),
        ("binary", b"\0\x01\x02\x03\xfe\xff"),
        ("empty", b""),
        ("one", b"x"),
        ("tar", &[b'a'; 600]),
        ("script", b"#!/bin/sh\necho hi\n"),
        ("perl", b"#!/usr/bin/perl\nprint 1;\n"),
        (
            "c-source",
            b"#include <stdio.h>\nint main(void) { return 0; }\n",
        ),
        ("mail", b"From: a@b\nTo: c@d\nSubject: e\n\nbody\n"),
        ("au", b".snd\0\0\0\x18"),
        ("wav", b"RIFF\0\0\0\0WAVEfmt "),
        ("mpeg", b"\0\0\x01\xb3"),
        ("zip", b"PK\x03\x04\x14\0"),
        ("compress", b"\x1f\x9d\x90abc"),
        ("own", b"OWNFORMAT 7"),
    ] {
        // The module looks at magic numbers only where 64 bytes follow.
        let filler: &[u8] = if matches!(name, "empty" | "one") {
            b""
        } else {
            &[b' '; 80]
        };
        site.file(&format!("m/{name}"), [content, filler].concat())?;
    }
    site.file("m/short-gif", "GIF89a")?;
    site.file("m/gzip", zipped)?;
    site.file("m/named.txt", b"GIF89a".as_slice())?;
    site.file("own.magic", "# test\n0 string OWNFORMAT application/x-own\n>10 byte x version\n0 belong 0x000001b3 video/mpeg\n0 beshort 0x1f9d application/octet-stream x-compress\n0 string >z text/after\n")?;
    let modules = "dir mime mime_magic";
    let more = "TypesConfig /etc/mime.types\nMimeMagicFile @MAGIC@\n";
    let names = [
        "gif",
        "png",
        "jpeg",
        "html",
        "html-spaces",
        "xml",
        "pdf",
        "ps",
        "rtf",
        "text",
        "latin",
        "utf8",
        "binary",
        "empty",
        "one",
        "tar",
        "script",
        "perl",
        "c-source",
        "mail",
        "au",
        "wav",
        "mpeg",
        "zip",
        "compress",
        "own",
        "gzip",
        "named.txt",
        "missing",
        "short-gif",
    ];
    let cases: Vec<Case> = names
        .iter()
        .map(|name| Case::get(&format!("/m/{name}")))
        .collect();
    for magic in ["/etc/apache2/magic", "@SITE@/own.magic"] {
        compare(
            "mime_magic",
            &serve(&site, modules, &more.replace("@MAGIC@", magic)),
            &cases,
        )?;
    }
    Ok(())
}

#[test]
fn stored_heads() -> Result<()> {
    let site = Site::new()?;
    for (name, content) in [
        (
            "full.asis",
            "Status: 418 Teapot\nContent-Type: text/x-asis\nX-Own: 1\nX-Own: 2\n\nbody\n",
        ),
        ("plain.asis", "Content-Type: text/plain\n\nplain body\n"),
        ("location.asis", "Location: http://other.example/\n\n"),
        ("local.asis", "Location: /plain.asis\n\n"),
        ("nohead.asis", "no head here\n"),
        ("empty.asis", ""),
        (
            "crlf.asis",
            "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\ncrlf body\r\n",
        ),
        (
            "length.asis",
            "Content-Type: text/plain\nContent-Length: 4\n\nlong body\n",
        ),
        ("modified.asis", "Status: 304 Not Modified\nETag: \"x\"\n\n"),
        ("nobody.asis", "Content-Type: text/plain\nStatus: 500\n\n"),
        (
            "big.asis",
            &("Content-Type: text/plain\n\n".to_owned() + &"0123456789".repeat(3000)),
        ),
    ] {
        site.file(name, content)?;
    }
    for directory in ["meta", "off"] {
        site.file(&format!("{directory}/doc.html"), "document\n")?;
        site.file(&format!("{directory}/.web/doc.html.meta"), "Status: 203 Other\nContent-Type: text/x-meta\nX-Meta: yes\nExpires: Sat, 01 Jan 2050 00:00:00 GMT\nLocation: http://x.example/\n")?;
    }
    site.file("meta/bad.html", "bad\n")?;
    site.file("meta/.web/bad.html.meta", "no colon in this line\n")?;
    site.file("meta/redirect.html", "redirect\n")?;
    site.file(
        "meta/.web/redirect.html.meta",
        "Status: 302\nLocation: /plain.asis\n",
    )?;
    site.file("meta/none.html", "none\n")?;
    site.file("other/doc.html", "other\n")?;
    site.file(
        "other/heads/doc.html.h",
        "X-Other: 1\nX-Other: 2\nContent-Language: de\n",
    )?;
    let configuration = serve(
        &site,
        "dir mime asis cern_meta headers",
        r#"
TypesConfig /etc/mime.types
AddHandler send-as-is asis
<Directory "@SITE@/meta">
MetaFiles on
</Directory>
<Directory "@SITE@/other">
MetaFiles on
MetaDir heads
MetaSuffix .h
</Directory>
"#,
    );
    let mut cases = Case::gets(&[
        "/full.asis",
        "/plain.asis",
        "/plain.asis/info",
        "/location.asis",
        "/local.asis",
        "/nohead.asis",
        "/empty.asis",
        "/crlf.asis",
        "/length.asis",
        "/modified.asis",
        "/nobody.asis",
        "/big.asis",
        "/missing.asis",
        "/meta/doc.html",
        "/meta/bad.html",
        "/meta/redirect.html",
        "/meta/none.html",
        "/off/doc.html",
        "/other/doc.html",
    ]);
    cases.push(Case::with("HEAD", "/plain.asis", &[], ""));
    cases.push(Case::with("POST", "/plain.asis", &[], "x"));
    cases.push(Case::get_with("/big.asis", &[("Range", "bytes=2-9")]));
    cases.push(Case::get_with(
        "/plain.asis",
        &[("If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT")],
    ));
    compare("asis cern_meta", &configuration, &cases)
}

#[test]
fn programs_for_types() -> Result<()> {
    let site = Site::new()?;
    site.program("cgi/act", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nfor v in REQUEST_METHOD PATH_INFO PATH_TRANSLATED SCRIPT_NAME QUERY_STRING REDIRECT_URL REDIRECT_STATUS REDIRECT_HANDLER REDIRECT_QUERY_STRING CONTENT_LENGTH; do eval echo \"$v=\\$$v\"; done; cat\n")?;
    site.file("a.own", "own\n")?;
    site.file("a.virt", "virt\n")?;
    site.file("a.gone", "gone\n")?;
    site.file("scripted/a.txt", "text\n")?;
    site.file(
        "ht/.htaccess",
        "Action ht-handler /cgi/act\nAddHandler ht-handler .ht\nScript POST /cgi/act\n",
    )?;
    site.file("ht/a.ht", "ht\n")?;
    let configuration = serve(
        &site,
        "dir mime alias actions cgid env",
        r#"
TypesConfig /etc/mime.types
ScriptSock cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
AddType application/x-own .own
AddHandler virt-handler .virt
AddHandler gone-handler .gone
Action application/x-own /cgi/act
Action virt-handler /cgi/act virtual
Action gone-handler /cgi/missing
<Directory "@SITE@/scripted">
Script PUT /cgi/act
Script GET /cgi/act
Script DELETE /cgi/act
</Directory>
<Location /virtual>
SetHandler virt-handler
</Location>
<Directory "@SITE@/ht">
AllowOverride FileInfo
</Directory>
"#,
    );
    let mut cases = Case::gets(&[
        "/a.own",
        "/a.own?q=1",
        "/a.own/path/info",
        "/missing.own",
        "/a.virt",
        "/missing.virt",
        "/virtual/any/thing?x",
        "/a.gone",
        "/scripted/a.txt",
        "/scripted/a.txt?query",
        "/scripted/missing.txt?query",
        "/ht/a.ht",
    ]);
    for (method, path) in [
        ("POST", "/a.own"),
        ("PUT", "/a.own"),
        ("PUT", "/scripted/a.txt"),
        ("PUT", "/scripted/new.txt"),
        ("DELETE", "/scripted/a.txt"),
        ("POST", "/scripted/a.txt"),
        ("POST", "/ht/a.ht"),
        ("HEAD", "/a.own"),
        ("OPTIONS", "/scripted/a.txt"),
    ] {
        let body = if matches!(method, "POST" | "PUT") {
            "body"
        } else {
            ""
        };
        cases.push(Case::with(method, path, &[], body));
    }
    compare("actions cgid", &configuration, &cases)
}
