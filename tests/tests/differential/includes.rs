//! Server-side includes: every element, its attributes, expressions of both kinds, and what the
//! directives change.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

/// A page for each element: what it is called and its text.
const PAGES: &[(&str, &str)] = &[
    (
        "echo",
        r#"<!--#set var="v" value="a<b>&\"c\" /x y?" -->[<!--#echo var="v" -->][<!--#echo encoding="none" var="v" -->][<!--#echo encoding="url" var="v" -->][<!--#echo encoding="urlencoded" var="v" -->][<!--#echo encoding="base64" var="v" -->][<!--#echo encoding="entity" var="v" -->][<!--#echo encoding="url,entity" var="v" -->][<!--#echo encoding="bogus" var="v" -->]"#,
    ),
    (
        "echo-decoding",
        r#"<!--#set var="v" value="%41%2542&lt;&amp;lt;" -->[<!--#echo decoding="url" encoding="none" var="v" -->][<!--#echo decoding="entity" encoding="none" var="v" -->][<!--#set var="b" value="aGVsbG8=" --><!--#echo decoding="base64" var="b" -->][<!--#echo decoding="url,url" var="v" -->]"#,
    ),
    (
        "echo-set-coding",
        r#"<!--#set decoding="base64" var="b" value="aGVsbG8=" -->[<!--#echo var="b" -->]<!--#set encoding="base64" var="c" value="hello" -->[<!--#echo var="c" -->]<!--#set encoding="urlencoded" var="d" value="a b&c" -->[<!--#echo var="d" -->]"#,
    ),
    (
        "echo-undefined",
        r#"[<!--#echo var="NOTHING" -->][<!--#config echomsg="unset!" --><!--#echo var="NOTHING" -->][<!--#echo var="A" var="DOCUMENT_NAME" -->]"#,
    ),
    (
        "echo-names",
        r#"[<!--#echo var="DOCUMENT_URI" -->][<!--#echo var="DOCUMENT_NAME" -->][<!--#echo var="QUERY_STRING" -->][<!--#echo var="QUERY_STRING_UNESCAPED" -->][<!--#echo var="LAST_MODIFIED" -->][<!--#echo var="USER_NAME" -->][<!--#echo var="REQUEST_METHOD" -->][<!--#echo var="SCRIPT_NAME" -->][<!--#echo var="REQUEST_URI" -->][<!--#echo var="DOCUMENT_PATH_INFO" -->][<!--#echo var="DOCUMENT_ARGS" -->][<!--#echo var="FROM_SETENV" -->]"#,
    ),
    (
        "config-error",
        r#"<!--#config errmsg="oh no" -->[<!--#include virtual="missing.html" -->][<!--#nonsense -->][<!--#echo -->][<!--#include -->]"#,
    ),
    (
        "config-time",
        r#"<!--#config timefmt="%Y-%m-%d" -->[<!--#flastmod file="part.html" -->][<!--#echo var="LAST_MODIFIED" -->]<!--#config timefmt="%A %j" -->[<!--#flastmod virtual="/ssi/part.html" -->][<!--#config timefmt="" --><!--#flastmod file="part.html" -->]"#,
    ),
    (
        "config-size",
        r#"[<!--#fsize file="big.txt" -->]<!--#config sizefmt="bytes" -->[<!--#fsize file="big.txt" -->][<!--#fsize virtual="/ssi/big.txt" -->]<!--#config sizefmt="abbrev" -->[<!--#fsize file="big.txt" -->]<!--#config sizefmt="odd" -->[<!--#fsize file="missing" -->]"#,
    ),
    (
        "config-unknown",
        r#"<!--#config nothing="x" -->|<!--#config -->|<!--#config errmsg="e" bogus="x" -->"#,
    ),
    (
        "include",
        r#"[<!--#include file="part.html" -->][<!--#include virtual="part.html" -->][<!--#include virtual="/ssi/part.html" -->][<!--#include virtual="nested.shtml?inner" -->][<!--#include file="sub/deep.html" -->][<!--#include file="part.html" virtual="other.html" -->]"#,
    ),
    (
        "include-bad",
        r#"[<!--#include file="../outside.html" -->][<!--#include file="/etc/passwd" -->][<!--#include virtual="../outside.html" -->][<!--#include virtual="http://other.example/" -->][<!--#include file="missing.html" -->][<!--#include wrong="x" -->]"#,
    ),
    (
        "include-onerror",
        r#"[<!--#include virtual="missing.html" onerror="part.html" -->][<!--#include onerror="/ssi/part.html" file="missing.html" -->][<!--#include virtual="missing.html" onerror="also-missing.html" -->][<!--#include virtual="part.html" onerror="other.html" -->]"#,
    ),
    (
        "recursive",
        r#"[<!--#include virtual="/ssi/recursive.shtml" -->]"#,
    ),
    (
        "nested",
        r#"<!--#echo var="QUERY_STRING" -->,<!--#echo var="DOCUMENT_NAME" -->,<!--#echo var="passed" -->,<!--#set var="back" value="from nested" -->"#,
    ),
    (
        "passing",
        r#"<!--#set var="passed" value="down" -->[<!--#include virtual="nested.shtml?q" -->][<!--#echo var="back" -->]"#,
    ),
    (
        "set",
        r#"<!--#set var="a" value="1" --><!--#set var="b" value="$a-${a}-\$a-'$a'" -->[<!--#echo var="b" -->]<!--#set var="a" value="2" var="c" value="3" -->[<!--#echo var="a" -->][<!--#echo var="c" -->]<!--#set value="lost" -->|<!--#set var="d" -->[<!--#echo var="d" -->]<!--#set var='e' value='single "quoted"' -->[<!--#echo var="e" -->]<!--#set var=`f` value=`back` -->[<!--#echo var="f" -->]<!--#set var=g value=bare -->[<!--#echo var="g" -->]"#,
    ),
    (
        "set-bad",
        r#"<!--#set var="a" value="$" -->[<!--#echo var="a" -->]<!--#set var="a" value="${unclosed" -->[<!--#echo var="a" -->]<!--#set var="a" value="$none" -->[<!--#echo var="a" -->]<!--#set foo="x" -->"#,
    ),
    (
        "if",
        r#"<!--#if expr="v('QUERY_STRING') == 'a'" -->A<!--#elif expr="v('QUERY_STRING') == 'b'" -->B<!--#elif expr="v('QUERY_STRING') =~ /^c(.)(.*)$/" -->C:<!--#echo var="1" -->,<!--#echo var="2" --><!--#else -->else<!--#endif -->"#,
    ),
    (
        "if-nested",
        r#"<!--#if expr="true" -->1<!--#if expr="false" -->2<!--#else -->3<!--#if expr="-z v('QUERY_STRING')" -->4<!--#endif --><!--#endif -->5<!--#else -->6<!--#if expr="true" -->7<!--#endif -->8<!--#endif -->9"#,
    ),
    (
        "if-bad",
        r#"<!--#if expr="(" -->x<!--#else -->y<!--#endif -->|<!--#if -->x<!--#endif -->|<!--#else -->|<!--#endif -->|<!--#elif expr="true" -->|<!--#if expr="true" foo="x" -->z<!--#endif -->|<!--#if expr="true" -->open"#,
    ),
    (
        "if-new",
        r#"<!--#if expr="reqenv('FROM_SETENV') == 'value' && %{REQUEST_METHOD} in {'GET','POST'}" -->1<!--#endif --><!--#if expr="-A '/ssi/part.html'" -->2<!--#endif --><!--#if expr="v('x') -eq 0" -->3<!--#endif --><!--#if expr="%{TIME_YEAR} -gt 2000" -->4<!--#endif --><!--#if expr="-f %{DOCUMENT_ROOT} . '/index.html'" -->5<!--#endif -->"#,
    ),
    ("printenv", "<!--#printenv -->"),
    (
        "exec-cmd",
        r#"[<!--#exec cmd="echo out; echo $QUERY_STRING $DOCUMENT_NAME" -->][<!--#exec cmd="exit 3" -->][<!--#exec cmd="printf '<b>raw</b>'" -->]"#,
    ),
    (
        "exec-cgi",
        r#"[<!--#exec cgi="/cgi/hello" -->][<!--#exec cgi="/cgi/hello?a=b" -->][<!--#exec cgi="/cgi/missing" -->][<!--#exec cgi="/ssi/part.html" -->][<!--#exec cgi="/cgi/location" -->][<!--#include virtual="/cgi/hello?x" -->][<!--#exec foo="x" -->]"#,
    ),
    (
        "syntax",
        "a<!--# echo var=\"DOCUMENT_NAME\"-->b<!--#echo var=\"DOCUMENT_NAME\" --->c<!-- plain -->d<!--#ECHO VAR=\"DOCUMENT_NAME\" -->e<!--#echo var = \"DOCUMENT_NAME\" -->f<!--#echo\n  var=\"DOCUMENT_NAME\"\n-->g<!--#-->h<!--#echo var=\"unclosed -->i<!--#comment anything at all -->j<!--#echo var='DOCUMENT_NAME'",
    ),
    (
        "split",
        "<!-<!--<!--#<!--#echo var=\"DOCUMENT_NAME\" --><<!--#echo var=\"DOCUMENT_NAME\" -->-->",
    ),
];

/// Pages with expressions as Apache 2.2 wrote them.
const LEGACY: &[(&str, &str)] = &[
    (
        "compare",
        r#"<!--#set var="a" value="abc" --><!--#if expr="$a = abc" -->1<!--#endif --><!--#if expr="$a != abc" -->2<!--#endif --><!--#if expr="$a < abd" -->3<!--#endif --><!--#if expr="$a >= abc" -->4<!--#endif --><!--#if expr="$a == 'a'" -->5<!--#endif -->"#,
    ),
    (
        "regex",
        r#"<!--#set var="a" value="key=val" --><!--#if expr="$a = /^(.*)=(.*)$/" --><!--#echo var="1" -->:<!--#echo var="2" --><!--#endif --><!--#if expr="$a != /nope/" -->not<!--#endif -->"#,
    ),
    (
        "logic",
        r#"<!--#if expr="a && b" -->1<!--#endif --><!--#if expr="'' || b" -->2<!--#endif --><!--#if expr="!''" -->3<!--#endif --><!--#if expr="(a && '') || (b)" -->4<!--#endif --><!--#if expr="$NONE" -->5<!--#else -->6<!--#endif --><!--#if expr="two words = 'two words'" -->7<!--#endif -->"#,
    ),
    (
        "access",
        r#"<!--#if expr="-A /ssi/part.html" -->may<!--#else -->not<!--#endif --><!--#if expr="-A /denied/x" -->may<!--#else -->not<!--#endif -->"#,
    ),
    (
        "bad",
        r#"<!--#if expr="(a" -->1<!--#else -->2<!--#endif -->|<!--#if expr="= =" -->3<!--#endif -->|<!--#if expr="a &&" -->4<!--#endif -->"#,
    ),
];

fn pages(site: &Site) -> Result<()> {
    for (name, text) in PAGES {
        site.file(&format!("ssi/{name}.shtml"), format!("{text}\n"))?;
    }
    for (name, text) in LEGACY {
        site.file(&format!("legacy/{name}.shtml"), format!("{text}\n"))?;
    }
    site.file("outside.html", "outside\n")?;
    site.file("index.html", "index\n")?;
    site.file("ssi/part.html", "part")?;
    site.file("ssi/other.html", "other")?;
    site.file("ssi/sub/deep.html", "deep")?;
    site.file("ssi/big.txt", "x".repeat(1_234_567))?;
    site.file("denied/x", "x")?;
    site.program(
        "cgi/hello",
        "#!/bin/sh\nprintf 'Content-Type: text/html\\nX-Inner: no\\n\\nhello %s %s' \"$QUERY_STRING\" \"$DOCUMENT_NAME\"\n",
    )?;
    site.program(
        "cgi/location",
        "#!/bin/sh\nprintf 'Location: http://other.example/?a&b\\n\\n'\n",
    )?;
    Ok(())
}

#[test]
fn elements() -> Result<()> {
    let site = Site::new()?;
    pages(&site)?;
    let configuration = serve(
        &site,
        "dir mime alias include cgid env filter setenvif authz_host",
        r#"
TypesConfig /etc/mime.types
ScriptSock cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
SetEnv FROM_SETENV value
Options Includes ExecCGI
<Directory "@SITE@/legacy">
SSILegacyExprParser on
</Directory>
<Directory "@SITE@/denied">
Require all denied
</Directory>
<Location /noexec>
Options IncludesNOEXEC
</Location>
AliasMatch ^/noexec/(.*) "@SITE@/ssi/$1"
<Location /ssi/printenv.shtml>
SetEnv ONLY "<this & that>"
</Location>
"#,
    );
    let mut cases = Vec::new();
    for (name, _) in PAGES.iter().filter(|(name, _)| *name != "printenv") {
        cases.push(Case::get(&format!("/ssi/{name}.shtml")));
    }
    for (name, _) in LEGACY {
        cases.push(Case::get(&format!("/legacy/{name}.shtml")));
    }
    cases.extend(Case::gets(&[
        "/ssi/if.shtml?a",
        "/ssi/if.shtml?b",
        "/ssi/if.shtml?c12",
        "/ssi/if-nested.shtml?x",
        "/ssi/echo-names.shtml?a=%20b&c",
        "/ssi/echo-names.shtml/path/info?q",
        "/ssi/exec-cmd.shtml?a=%22b%22",
        "/noexec/exec-cmd.shtml",
        "/noexec/exec-cgi.shtml",
        "/noexec/include.shtml",
    ]));
    cases.push(Case::with("HEAD", "/ssi/include.shtml", &[], ""));
    cases.push(Case::with("POST", "/ssi/exec-cgi.shtml", &[], "body"));
    cases.push(Case::get_with(
        "/ssi/part.html",
        &[("If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT")],
    ));
    cases.push(Case::get_with(
        "/ssi/echo.shtml",
        &[("If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT")],
    ));
    cases.push(Case::get_with("/ssi/echo.shtml", &[("Range", "bytes=1-5")]));
    compare("include", &configuration, &cases)
}

#[test]
fn directives() -> Result<()> {
    let site = Site::new()?;
    pages(&site)?;
    for (name, mode) in [
        ("on", 0o744),
        ("on-not", 0o644),
        ("full", 0o754),
        ("full-not", 0o744),
    ] {
        let page = site.file(
            &format!("hack-{name}/page.html"),
            "<!--#echo var=\"DOCUMENT_NAME\" -->\n",
        )?;
        fs::set_permissions(page, fs::Permissions::from_mode(mode | 0o005))?;
    }
    site.file("tags/page.shtml", "[%%echo var=\"DOCUMENT_NAME\" @@][<!--#echo var=\"DOCUMENT_NAME\" -->][%%config errmsg=\"E\" @@][%%bad @@]\n")?;
    site.file("messages/page.shtml", "[<!--#echo var=\"NONE\" -->][<!--#bad -->][<!--#flastmod file=\"page.shtml\" -->][<!--#config errmsg=\"own\" --><!--#bad -->][<!--#config echomsg=\"mine\" --><!--#echo var=\"NONE\" -->]\n")?;
    site.file(
        "dated/page.shtml",
        "[<!--#echo var=\"DOCUMENT_NAME\" -->]\n",
    )?;
    site.file("etag/page.shtml", "[<!--#echo var=\"DOCUMENT_NAME\" -->]\n")?;
    site.file(
        "undated/page.shtml",
        "[<!--#echo var=\"DOCUMENT_NAME\" -->]\n",
    )?;
    site.file("off/page.shtml", "[<!--#echo var=\"DOCUMENT_NAME\" -->]\n")?;
    site.file("ht/.htaccess", "Options +Includes\nXBitHack full\nSSIErrorMsg \"from htaccess\"\nSSIUndefinedEcho nothing\n")?;
    site.file(
        "ht/page.shtml",
        "[<!--#echo var=\"NONE\" -->][<!--#bad -->]\n",
    )?;
    let configuration = serve(
        &site,
        "dir mime alias include filter",
        r#"
TypesConfig /etc/mime.types
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
Options Includes
<DirectoryMatch "hack-on">
XBitHack on
</DirectoryMatch>
<DirectoryMatch "hack-full">
XBitHack full
</DirectoryMatch>
<VirtualHost *:@PORT@>
DocumentRoot "@SITE@"
SSIErrorMsg "<!-- server -->"
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName tags.example
DocumentRoot "@SITE@"
SSIStartTag "%%"
SSIEndTag "@@"
</VirtualHost>
<Directory "@SITE@/messages">
SSIErrorMsg "<b>wrong</b>"
SSITimeFormat "%Y/%m/%d"
SSIUndefinedEcho "<i>undefined</i>"
</Directory>
<Directory "@SITE@/dated">
SSILastModified on
</Directory>
<Directory "@SITE@/etag">
SSIETag on
SSILastModified on
</Directory>
<Directory "@SITE@/undated">
SSIETag off
SSILastModified off
</Directory>
<Directory "@SITE@/off">
Options None
</Directory>
<Directory "@SITE@/ht">
AllowOverride All
</Directory>
"#,
    );
    let mut cases = Case::gets(&[
        "/hack-on/page.html",
        "/hack-on-not/page.html",
        "/hack-full/page.html",
        "/hack-full-not/page.html",
        "/messages/page.shtml",
        "/dated/page.shtml",
        "/etag/page.shtml",
        "/undated/page.shtml",
        "/off/page.shtml",
        "/ht/page.shtml",
        "/tags/page.shtml",
        "/ssi/config-error.shtml",
    ]);
    cases.push(Case::get_with(
        "/tags/page.shtml",
        &[("Host", "tags.example")],
    ));
    for page in [
        "/dated/page.shtml",
        "/hack-full/page.html",
        "/etag/page.shtml",
    ] {
        cases.push(Case::get_with(
            page,
            &[("If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT")],
        ));
        cases.push(Case::get_with(page, &[("If-None-Match", "*")]));
    }
    cases.push(Case::get_with(
        "/etag/page.shtml",
        &[("Range", "bytes=0-3")],
    ));
    compare("include", &configuration, &cases)
}

/// The variables of a page, but for those that name ports, times and the machine.
#[test]
fn environment() -> Result<()> {
    let site = Site::new()?;
    site.file(
        "page.shtml",
        "<!--#set var=\"own\" value=\"<1>\" --><!--#printenv -->",
    )?;

    let filter = site.program(
        "varying.sh",
        "#!/bin/sh\ngrep -v -E '^(DATE_|UNIQUE_ID|REMOTE_PORT|SERVER_PORT|SERVER_SIGNATURE|SERVER_SOFTWARE|PATH=|LAST_MOD)' | sort\n",
    )?;
    let configuration = serve(
        &site,
        "dir mime include filter env ext_filter unique_id setenvif",
        &format!(
            r#"
AddType text/html .shtml
TypesConfig /etc/mime.types
ExtFilterDefine varying cmd={}
AddOutputFilter INCLUDES;varying .shtml
Options Includes
SetEnv FROM_SETENV "a <b>"
PassEnv HOME
UnsetEnv UNIQUE_ID
SetEnvIf Request_URI page WAS_PAGE=$0
"#,
            shown(&filter)
        ),
    );
    compare(
        "include env",
        &configuration,
        &[
            Case::get("/page.shtml"),
            Case::get_with("/page.shtml?a=b", &[("X-Own", "field"), ("Proxy", "evil")]),
        ],
    )
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
