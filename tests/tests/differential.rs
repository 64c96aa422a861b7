//! Stock module binaries behave here as under Apache: the same requests, the same answers.
//!
//! `HOST_UNDER_TEST=apache` compares Apache with itself, which shows that the cases hold still.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare},
    site::Site,
};

/// `LoadModule` lines for Debian's binaries.
fn load(modules: &str) -> String {
    modules
        .split_whitespace()
        .map(|name| format!("LoadModule {name}_module @MODULES@/mod_{name}.so\n"))
        .collect()
}

/// A server on `@PORT@` with a site that everybody may read.
fn serve(site: &Site, modules: &str, more: &str) -> String {
    format!(
        "{}Listen 127.0.0.1:@PORT@\nDocumentRoot \"{root}\"\n\
         <Directory \"{root}\">\nRequire all granted\n</Directory>\n{more}\n",
        load(modules),
        root = site.path().display(),
    )
    .replace("@SITE@", &site.path().display().to_string())
}

#[test]
fn static_files_and_the_protocol() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "<h1>It serves</h1>\n")?;
    site.file("text.txt", "0123456789".repeat(100))?;
    site.file("empty.txt", "")?;
    site.file("large.bin", vec![b'x'; 300_000])?;
    site.file("a b/c&d.html", "odd names\n")?;
    site.file("dir/index.html", "in a directory\n")?;
    site.file("nodefault/file.txt", "nothing to show\n")?;
    site.file("secret/.htpasswd", "nobody\n")?;
    site.file("denied/index.html", "not for you\n")?;
    let configuration = serve(
        &site,
        "dir mime authn_core authz_host",
        "TypesConfig /etc/mime.types\nDirectoryIndex index.html\n\
         <Location /denied>\nRequire all denied\n</Location>\n\
         <Files \".ht*\">\nRequire all denied\n</Files>\n\
         ErrorDocument 410 \"Gone for good\"\n\
         <Location /limited>\nLimitRequestBody 10\n</Location>\n\
         TraceEnable On\n",
    );
    let mut cases: Vec<Case> = [
        "/",
        "/index.html",
        "/text.txt",
        "/empty.txt",
        "/large.bin",
        "/missing",
        "/dir",
        "/dir/",
        "/nodefault/",
        "/a%20b/c%26d.html",
        "/denied/",
        "/secret/.htpasswd",
        "/text.txt/extra",
        "/dir/../text.txt",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//dir//index.html",
        "/./dir/./index.html",
        "/text.txt?query=1",
        "/%00",
        "/%zz",
        "/dir%2findex.html",
        "/text.txt%20",
        "/index.html/",
        "/dir?x",
        "/%7Euser",
        "/*",
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    for (method, path) in [
        ("HEAD", "/text.txt"),
        ("HEAD", "/"),
        ("HEAD", "/missing"),
        ("OPTIONS", "/text.txt"),
        ("OPTIONS", "*"),
        ("POST", "/text.txt"),
        ("PUT", "/text.txt"),
        ("DELETE", "/text.txt"),
        ("TRACE", "/text.txt"),
        ("PATCH", "/text.txt"),
        ("BREW", "/pot"),
        ("get", "/text.txt"),
        ("CONNECT", "example:443"),
        ("PROPFIND", "/"),
    ] {
        cases.push(Case::with(method, path, &[], ""));
    }
    cases.push(Case::with("POST", "/text.txt", &[], "a body"));
    cases.push(Case::with(
        "POST",
        "/limited",
        &[],
        "a body that is too long",
    ));
    for range in [
        "bytes=0-9",
        "bytes=10-",
        "bytes=-5",
        "bytes=0-0,5-9",
        "bytes=5000-",
        "bytes=9-0",
        "bytes=",
        "bytes=0-9,20-29,40-",
        "lines=0-1",
        "bytes=0-999",
        "bytes=0-99999",
        "bytes=0-0,-1",
        "bytes=1-2,1-2,1-2",
        "bytes=a-b",
    ] {
        cases.push(Case::get_with("/text.txt", &[("Range", range)]));
    }
    cases.push(Case::with(
        "HEAD",
        "/text.txt",
        &[("Range", "bytes=0-9")],
        "",
    ));
    let modified = "Tue, 14 Nov 2023 22:13:20 GMT";
    for fields in [
        [("If-Modified-Since", modified)],
        [("If-Modified-Since", "Tue, 14 Nov 2023 22:13:19 GMT")],
        [("If-Modified-Since", "nonsense")],
        [("If-Unmodified-Since", modified)],
        [("If-Unmodified-Since", "Tue, 14 Nov 2000 22:13:20 GMT")],
        [("If-None-Match", "*")],
        [("If-None-Match", "\"nope\"")],
        [("If-Match", "*")],
        [("If-Match", "\"nope\"")],
    ] {
        cases.push(Case::get_with("/text.txt", &fields));
    }
    cases.push(Case::get_with(
        "/text.txt",
        &[("If-Range", modified), ("Range", "bytes=0-4")],
    ));
    cases.push(Case::get_with(
        "/text.txt",
        &[("If-Range", "\"no\""), ("Range", "bytes=0-4")],
    ));
    for (name, request) in [
        ("HTTP/1.0", "GET /text.txt HTTP/1.0\r\n\r\n"),
        (
            "HTTP/1.0 keep-alive",
            "GET /empty.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        ),
        ("HTTP/0.9", "GET /index.html\r\n"),
        ("no Host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"),
        (
            "two Hosts",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
        ),
        (
            "bad Host",
            "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
        ),
        (
            "Host with port",
            "GET /dir HTTP/1.1\r\nHost: test.example:81\r\nConnection: close\r\n\r\n",
        ),
        (
            "absolute URI",
            "GET http://test.example/text.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        ),
        ("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        (
            "HTTP/1.2",
            "GET /empty.txt HTTP/1.2\r\nHost: a\r\nConnection: close\r\n\r\n",
        ),
        ("nonsense", "nonsense\r\n\r\n"),
        ("spaces in the line", "GET  /  HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("tab in the line", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n"),
        ("lower-case protocol", "GET / http/1.1\r\nHost: a\r\n\r\n"),
        ("no colon", "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n"),
        (
            "space before the colon",
            "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n",
        ),
        (
            "folded field",
            "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\nConnection: close\r\n\r\n",
        ),
        (
            "empty lines before",
            "\r\n\r\nGET /empty.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        ),
        (
            "bare line feeds",
            "GET /empty.txt HTTP/1.1\nHost: a\nConnection: close\n\n",
        ),
        (
            "a control character",
            "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            "NUL in a field",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        ),
        (
            "bad length",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        ),
        (
            "negative length",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        ),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        ),
        (
            "length and chunked",
            "POST /text.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "unknown coding",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        ),
        (
            "chunked twice",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunked body",
            "POST /text.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "bad chunk",
            "POST /text.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "expectation",
            "POST /text.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
        ),
        (
            "unknown expectation",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: wonders\r\n\r\n",
        ),
        (
            "upgrade",
            "GET /empty.txt HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n",
        ),
    ] {
        cases.push(Case::raw(name, request));
    }
    cases.push(Case::raw(
        "a line too long",
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(9000)),
    ));
    cases.push(Case::raw(
        "a field too long",
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
            "x".repeat(9000)
        ),
    ));
    cases.push(Case::raw(
        "too many fields",
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
            "X: y\r\n".repeat(120)
        ),
    ));
    compare(&configuration, &cases)
}

#[test]
fn access_and_authentication() -> Result<()> {
    let site = Site::new()?;
    for directory in [
        "open", "basic", "group", "ip", "any", "none", "env", "method", "ht",
    ] {
        site.file(&format!("{directory}/index.html"), format!("{directory}\n"))?;
    }
    // alice: secret, bob: hidden (htpasswd's -s form)
    let passwords = site.file(
        "conf/passwords",
        "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nbob:{SHA}xLj1JWAqdDT7sM7WLKYGr1cX5KQ=\n",
    )?;
    site.file(
        "ht/.htaccess",
        format!(
            "AuthType Basic\nAuthName ht\nAuthUserFile {}\nRequire user bob\n",
            passwords.display()
        ),
    )?;
    let configuration = serve(
        &site,
        "dir mime authn_core authn_file auth_basic authz_host authz_user env setenvif",
        &r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
SetEnvIf User-Agent "Friend" friendly
<Directory "@SITE@/ht">
AllowOverride AuthConfig
</Directory>
<Location /basic>
AuthType Basic
AuthName "Members only"
AuthUserFile "@PASSWORDS@"
Require valid-user
</Location>
<Location /group>
AuthType Basic
AuthName "Alice's"
AuthUserFile "@PASSWORDS@"
Require user alice
</Location>
<Location /ip>
Require ip 10.0.0.0/8
</Location>
<Location /any>
AuthType Basic
AuthName any
AuthUserFile "@PASSWORDS@"
<RequireAny>
Require ip 127.0.0.1
Require valid-user
</RequireAny>
</Location>
<Location /none>
<RequireAll>
Require all granted
<RequireNone>
Require method POST
Require expr %{QUERY_STRING} == "no"
</RequireNone>
</RequireAll>
</Location>
<Location /env>
Require env friendly
</Location>
<Location /method>
Require method GET HEAD
</Location>
"#
        .replace("@PASSWORDS@", &passwords.display().to_string()),
    );
    let alice = ("Authorization", "Basic YWxpY2U6c2VjcmV0");
    let bob = ("Authorization", "Basic Ym9iOmhpZGRlbg==");
    let wrong = ("Authorization", "Basic YWxpY2U6d3Jvbmc=");
    let mut cases = Vec::new();
    for path in [
        "/open/", "/basic/", "/group/", "/ip/", "/any/", "/none/", "/env/", "/method/", "/ht/",
    ] {
        cases.push(Case::get(path));
        for authorization in [alice, bob, wrong] {
            cases.push(Case::get_with(path, &[authorization]));
        }
    }
    for authorization in [
        "Basic",
        "Basic !!!",
        "Basic YWxpY2U=",
        "Bearer x",
        "basic YWxpY2U6c2VjcmV0",
    ] {
        cases.push(Case::get_with(
            "/basic/",
            &[("Authorization", authorization)],
        ));
    }
    cases.push(Case::get_with("/env/", &[("User-Agent", "A Friend")]));
    cases.push(Case::get("/none/?no"));
    cases.push(Case::with("POST", "/none/", &[], "x"));
    cases.push(Case::with("OPTIONS", "/method/", &[], ""));
    cases.push(Case::get("/ht/.htaccess"));
    compare(&configuration, &cases)
}

#[test]
fn mapping_and_rewriting() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    site.file("real/page.html", "page\n")?;
    site.file("aliased/file.txt", "aliased\n")?;
    site.file("rw/.htaccess", "RewriteEngine On\nRewriteBase /rw/\nRewriteRule ^old$ new.html\nRewriteRule ^out$ http://other.example/ [R=301,L]\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^any/(.*)$ front.html?path=$1 [QSA,L]\n")?;
    site.file("rw/new.html", "new\n")?;
    site.file("rw/front.html", "front\n")?;
    let configuration = serve(
        &site,
        "dir mime alias rewrite env setenvif headers",
        r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
Alias /al/ "@SITE@/aliased/"
AliasMatch ^/m/(.*)$ "@SITE@/real/$1.html"
Redirect /go http://elsewhere.example/place
Redirect permanent /moved /real/page.html
Redirect gone /gone
RedirectMatch 302 ^/match/(\d+)$ /real/$1
RedirectMatch 404 \.hidden$
Redirect 307 /temp http://elsewhere.example/
<Directory "@SITE@/rw">
AllowOverride FileInfo
Options FollowSymLinks
</Directory>
RewriteEngine On
RewriteRule ^/r/(.*)$ /real/$1
RewriteRule ^/ext$ http://other.example/x?y=1 [R,L]
RewriteRule ^/perm$ /real/page.html [R=301,L]
RewriteRule ^/f$ - [F]
RewriteRule ^/g$ - [G]
RewriteCond %{HTTP_USER_AGENT} ^Old
RewriteRule ^/agent$ /real/page.html [PT]
RewriteCond %{QUERY_STRING} (?:^|&)id=(\d+)
RewriteRule ^/q$ /real/page.html?num=%1 [R=302,L]
RewriteRule ^/env$ /index.html [E=SEEN:yes,L]
RewriteRule ^/cookie$ /index.html [CO=a:b:test.example:60:/,L]
RewriteRule ^/lower/(.*)$ /${lc:$1} [R,L]
RewriteMap lc int:tolower
RewriteRule ^/ne$ /real/%20x [R,NE,L]
RewriteRule ^/qsd$ /index.html [R,QSD,L]
RewriteRule ^/loop/(\d)$ /real/page.html [R,L]
RewriteCond expr "%{HTTP:X-Want} == 'page'"
RewriteRule ^/expr$ /real/page.html [L]
RewriteRule ^/t$ /real/page.html [T=text/x-odd,L]
Header set X-Seen "%{SEEN}e" env=SEEN
"#,
    );
    let mut cases: Vec<Case> = [
        "/al/file.txt",
        "/al/missing",
        "/al",
        "/m/page",
        "/m/none",
        "/go",
        "/go/on?x=1",
        "/moved",
        "/moved/x",
        "/gone",
        "/match/12",
        "/match/x",
        "/x.hidden",
        "/temp",
        "/r/page.html",
        "/r/none",
        "/ext",
        "/perm",
        "/f",
        "/g",
        "/agent",
        "/q?id=7",
        "/q?x&id=8",
        "/q",
        "/env",
        "/cookie",
        "/lower/ABC",
        "/ne",
        "/qsd?a=b",
        "/loop/1",
        "/expr",
        "/t",
        "/rw/old",
        "/rw/out",
        "/rw/any/thing?z=1",
        "/rw/new.html",
        "/rw/none",
        "/real",
        "/perm?with=query",
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    cases.push(Case::get_with("/agent", &[("User-Agent", "Old Browser")]));
    cases.push(Case::get_with("/expr", &[("X-Want", "page")]));
    cases.push(Case::with("POST", "/temp", &[], "data"));
    compare(&configuration, &cases)
}

#[test]
fn content_and_filters() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    site.file("list/a.txt", "a\n")?;
    site.file("list/b.html", "b\n")?;
    site.file("list/sub/x", "x\n")?;
    site.file("list/README.html", "<p>read me</p>\n")?;
    site.file("long.txt", "compress me ".repeat(500))?;
    site.file("tiny.txt", "t")?;
    site.file("ssi/page.shtml", "<!--#set var=\"v\" value=\"set\" -->[<!--#echo var=\"v\" -->][<!--#echo var=\"DOCUMENT_NAME\" -->][<!--#include virtual=\"part.html\" -->][<!--#if expr='v(\"QUERY_STRING\") == \"yes\"' -->yes<!--#else -->no<!--#endif -->][<!--#fsize file=\"part.html\" -->][<!--#flastmod file=\"part.html\" -->]\n")?;
    site.file("ssi/part.html", "part\n")?;
    site.file(
        "ssi/broken.shtml",
        "<!--#include virtual=\"none.html\" -->|<!--#nonsense -->\n",
    )?;
    site.file("neg/doc.html.en", "english\n")?;
    site.file("neg/doc.html.de", "deutsch\n")?;
    site.file("neg/doc.html.fr", "français\n")?;
    site.file("neg/map.var", "URI: doc\n\nURI: doc.html.en\nContent-Type: text/html\nContent-Language: en\n\nURI: doc.html.de\nContent-Type: text/html; qs=0.5\nContent-Language: de\n")?;
    site.file("typed/a.xyz", "odd\n")?;
    site.file("typed/a.tar.gz", "zipped\n")?;
    site.file("typed/none", "no type\n")?;
    site.file("map/test.map", "default /map/default.html\nbase referer\nrect /map/rect.html 0,0 10,10\ncircle /map/circle.html 50,50 60,50\npoly /map/poly.html 100,100 120,100 110,120\npoint /map/point.html 200,200\n")?;
    site.file(
        "map/menu.map",
        "base map\n<b>Text</b>\nrect one.html \"One\" 0,0 10,10\ndefault nocontent\n",
    )?;
    site.file(
        "map/nocontent.map",
        "default nocontent\nrect error 0,0 5,5\n",
    )?;
    let configuration = serve(
        &site,
        "dir mime alias autoindex deflate filter headers expires imagemap include negotiation env setenvif",
        r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
AddEncoding x-gzip .gz
AddCharset UTF-8 .utf8
AddLanguage en .en
AddLanguage de .de
AddLanguage fr .fr
AddHandler type-map var
AddHandler imap-file map
LanguagePriority en de fr
ForceLanguagePriority Prefer Fallback
<Directory "@SITE@/list">
Options Indexes
IndexOptions FancyIndexing HTMLTable SuppressLastModified
ReadmeName README.html
</Directory>
<Directory "@SITE@/ssi">
Options Includes
</Directory>
<Directory "@SITE@/neg">
Options MultiViews
</Directory>
<Directory "@SITE@/map">
ImapMenu formatted
</Directory>
AddOutputFilterByType DEFLATE text/plain
ExpiresActive On
ExpiresByType text/x-c "modification plus 1 day"
<Location /typed>
ForceType application/x-forced
</Location>
<Location /hdr>
Header set X-One 1
Header append X-One 2
Header always add X-Always "%{REQUEST_METHOD}e"
Header unset ETag
Header edit Content-Type html plain
</Location>
<If "%{HTTP:X-If} == 'on'">
Header set X-If matched
</If>
Alias /hdr "@SITE@/index.html"
"#,
    );
    let mut cases: Vec<Case> = [
        "/list/",
        "/list/?C=S;O=D",
        "/list/?C=N;O=D",
        "/list/?F=0",
        "/list/?P=*.txt",
        "/list/sub/",
        "/list",
        "/long.txt",
        "/tiny.txt",
        "/ssi/page.shtml",
        "/ssi/page.shtml?yes",
        "/ssi/broken.shtml",
        "/neg/doc",
        "/neg/doc.html",
        "/neg/map.var",
        "/neg/none",
        "/typed/a.xyz",
        "/typed/a.tar.gz",
        "/typed/none",
        "/map/test.map?5,5",
        "/map/test.map?55,50",
        "/map/test.map?110,105",
        "/map/test.map?201,199",
        "/map/test.map?500,500",
        "/map/test.map",
        "/map/menu.map",
        "/map/menu.map?3,3",
        "/map/menu.map?50,50",
        "/map/nocontent.map?50,50",
        "/map/nocontent.map?2,2",
        "/map/test.map?x,y",
        "/hdr",
        "/missing",
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    for (path, fields) in [
        ("/long.txt", [("Accept-Encoding", "gzip")]),
        ("/long.txt", [("Accept-Encoding", "deflate")]),
        ("/long.txt", [("Accept-Encoding", "gzip;q=0")]),
        ("/tiny.txt", [("Accept-Encoding", "gzip")]),
        ("/missing.txt", [("Accept-Encoding", "gzip")]),
        ("/neg/doc", [("Accept-Language", "de")]),
        ("/neg/doc", [("Accept-Language", "fr, de;q=0.5")]),
        ("/neg/doc", [("Accept-Language", "ja")]),
        ("/neg/map.var", [("Accept-Language", "de")]),
        ("/neg/doc.html", [("Accept-Language", "fr")]),
        ("/neg/doc", [("Accept", "image/png")]),
        ("/index.html", [("X-If", "on")]),
        ("/index.html", [("X-If", "off")]),
        ("/long.txt", [("Range", "bytes=0-9")]),
    ] {
        cases.push(Case::get_with(path, &fields));
    }
    cases.push(Case::get_with(
        "/long.txt",
        &[("Accept-Encoding", "gzip"), ("Range", "bytes=0-9")],
    ));
    cases.push(Case::get_with(
        "/map/test.map?5,5",
        &[("Referer", "http://test.example/pages/from.html")],
    ));
    cases.push(Case::with("HEAD", "/list/", &[], ""));
    cases.push(Case::with(
        "HEAD",
        "/long.txt",
        &[("Accept-Encoding", "gzip")],
        "",
    ));
    cases.push(Case::with("POST", "/ssi/page.shtml", &[], "x"));
    compare(&configuration, &cases)
}

#[test]
fn programs_and_hosts() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "main\n")?;
    site.file("one/index.html", "one\n")?;
    site.file("two/index.html", "two\n")?;
    site.file("port/index.html", "port\n")?;
    site.program(
        "cgi/hello",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nhello\\n'\n",
    )?;
    site.program("cgi/env", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nfor v in REQUEST_METHOD QUERY_STRING PATH_INFO SCRIPT_NAME SERVER_PROTOCOL GATEWAY_INTERFACE HTTP_X_TEST CONTENT_LENGTH CONTENT_TYPE REMOTE_ADDR SERVER_NAME REQUEST_URI; do eval echo \"$v=\\$$v\"; done\n")?;
    site.program(
        "cgi/echo",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\ncat\n",
    )?;
    site.program(
        "cgi/status",
        "#!/bin/sh\nprintf 'Status: 404 Nowhere\\nContent-Type: text/plain\\n\\ngone\\n'\n",
    )?;
    site.program(
        "cgi/location",
        "#!/bin/sh\nprintf 'Location: http://other.example/\\n\\n'\n",
    )?;
    site.program(
        "cgi/local",
        "#!/bin/sh\nprintf 'Location: /index.html\\n\\n'\n",
    )?;
    site.program("cgi/broken", "#!/bin/sh\necho nonsense\n")?;
    site.program("cgi/nph-raw", "#!/bin/sh\nprintf 'HTTP/1.1 299 Raw\\r\\nX-Raw: yes\\r\\nConnection: close\\r\\n\\r\\nraw\\n'\n")?;
    site.file("cgi/notexec", "#!/bin/sh\n")?;
    let configuration = serve(
        &site,
        "dir mime alias authz_host cgid env setenvif userdir status headers",
        r#"
Listen 127.0.0.1:@PORT2@
TypesConfig /etc/mime.types
DirectoryIndex index.html
ScriptSock run/cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
SetEnv FIXED value
UserDir "@SITE@/users/*/web"
<Location /server-status>
SetHandler server-status
Require ip 10.1.2.3
</Location>
NameVirtualHost *:@PORT@
<VirtualHost *:@PORT@>
ServerName first.example
DocumentRoot "@SITE@"
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName one.example
ServerAlias *.one.example alias.example
DocumentRoot "@SITE@/one"
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName two.example
DocumentRoot "@SITE@/two"
ErrorDocument 404 "two has no such page"
</VirtualHost>
<VirtualHost *:@PORT2@>
ServerName port.example
DocumentRoot "@SITE@/port"
</VirtualHost>
"#,
    );
    let mut cases: Vec<Case> = [
        "/cgi/hello",
        "/cgi/env?a=b&c",
        "/cgi/env/path/info",
        "/cgi/status",
        "/cgi/location",
        "/cgi/local",
        "/cgi/broken",
        "/cgi/nph-raw",
        "/cgi/notexec",
        "/cgi/missing",
        "/cgi/",
        "/~nobody/",
        "/~root/x",
        "/server-status",
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    cases.push(Case::get_with("/cgi/env", &[("X-Test", "sent")]));
    cases.push(Case::with(
        "POST",
        "/cgi/echo",
        &[("Content-Type", "text/x-y")],
        "posted",
    ));
    cases.push(Case::with("POST", "/cgi/env", &[], "posted"));
    cases.push(Case::with("HEAD", "/cgi/hello", &[], ""));
    cases.push(Case::raw(
        "chunked to a program",
        "POST /cgi/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
    ));
    for host in [
        "first.example",
        "one.example",
        "ONE.example",
        "www.one.example",
        "alias.example",
        "two.example",
        "unknown.example",
        "one.example:8080",
        "two.example.",
        "127.0.0.1",
    ] {
        cases.push(Case::get_with("/", &[("Host", host)]));
    }
    cases.push(Case::get_with("/missing", &[("Host", "two.example")]));
    compare(&configuration, &cases)
}
