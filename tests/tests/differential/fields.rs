//! Header fields and variables: headers, expires, env and setenvif, who the client is, macros that
//! write configuration.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, Log, compare, compare_with_logs, serve},
    site::Site,
};

const VARS: &str = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nenv | grep -E '^(E_|HTTP_|REDIRECT_E_|REMOTE_ADDR|REMOTE_HOST|REMOTE_USER|HTTPS)' | sort\n";

#[test]
fn headers_in_both_directions() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    for name in [
        "set", "more", "cond", "value", "edit", "early", "always", "unset", "echo", "request",
        "merge", "ht", "strange",
    ] {
        site.file(&format!("{name}/page.html"), "page\n")?;
    }
    site.file(
        "ht/.htaccess",
        "Header set X-Ht yes\nRequestHeader set X-Req-Ht yes\nHeader onsuccess unset X-Outer\n",
    )?;
    site.program("cgi/vars", VARS)?;
    site.program("cgi/out", "#!/bin/sh\nprintf 'Status: 404 Odd\\nContent-Type: text/plain\\nX-Cgi: one\\nX-Cgi: two\\nSet-Cookie: a=1\\nSet-Cookie: b=2; Path=/\\n\\nout\\n'\n")?;
    let configuration = serve(
        &site,
        "dir mime alias headers setenvif env cgid unique_id",
        r#"
TypesConfig /etc/mime.types
ScriptSock cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
SetEnvIf X-Wish (.*) WISH=$1
SetEnv FIXED fixed
RequestHeader set X-Early-Req "early" early
RequestHeader set X-Wish "from early" "early" 
Header set X-Outer outer
<Location /set>
Header set X-A one
Header set X-A two
Header add X-B one
Header add X-B two
Header append X-C one
Header append X-C two
Header merge X-D one
Header merge X-D two
Header merge X-D one
Header setifempty X-E one
Header setifempty X-E two
Header set X-F "quoted \"text\" here"
Header set X-G ""
Header set Content-Type text/x-changed
Header set X-H "%%percent"
</Location>
<Location /cond>
Header set X-Env yes env=WISH
Header set X-NoEnv yes env=!WISH
Header set X-Expr yes "expr=%{REQUEST_METHOD} == 'GET' && -z %{QUERY_STRING}"
Header always set X-Status "404" "expr=%{REQUEST_STATUS} == 404"
Header set X-Resp "yes" "expr=resp('Content-Type') =~ /html/"
</Location>
<Location /value>
Header set X-Value "expr=%{REQUEST_URI}-%{HTTP:X-Wish}"
Header set X-Env "%{FIXED}e %{WISH}e %{NONE}e"
Header set X-Ssl "%{SSL_PROTOCOL}s"
Header set X-Both "a%{FIXED}eb%%"
Header set X-Concat "expr=%{base64:abc}%{tolower:ABC}"
</Location>
<Location /edit>
Header set X-E "aaa bbb aaa"
Header edit X-E aaa ccc
Header set X-Es "aaa bbb aaa"
Header edit* X-Es a(a) [$1]
Header set X-Er "value"
Header edit X-Er (v)(a) "$2$1&\$1"
Header edit X-None a b
Header edit Content-Type "^text/(.*)$" "application/$1"
Header edit X-Ev "(.*)" "$1"
Header set X-Cs "abc"
Header edit X-Cs (?i)ABC "%{FIXED}e"
</Location>
<Location /early>
Header set X-Late late
</Location>
<Location /always>
Header always set X-Always one
Header set X-Always two
Header always append X-Always three
Header always unset X-Outer
</Location>
<Location /unset>
Header unset X-Outer
Header unset ETag
Header unset Last-Modified
Header unset Content-Length
Header unset Accept-Ranges
Header unset Date
</Location>
<Location /echo>
Header echo ^X-Echo
Header echo user-agent
</Location>
<LocationMatch "^/cgi/vars">
RequestHeader set X-Set one
RequestHeader add X-Add two
RequestHeader append X-Client appended
RequestHeader merge X-Client merged
RequestHeader setifempty X-Empty filled
RequestHeader unset X-Gone
RequestHeader edit X-Edit a b
RequestHeader edit* X-EditAll a b
RequestHeader set X-Expr "expr=%{REQUEST_METHOD}"
RequestHeader set X-If yes "expr=-n req('X-Client')"
RequestHeader set X-Env "%{WISH}e" env=WISH
RequestHeader edit Cookie "secret=[^;]*;? ?" ""
</LocationMatch>
<LocationMatch "^/cgi/out">
Header edit Set-Cookie ^(.*)$ "$1; HttpOnly"
Header always edit Set-Cookie ^(.*)$ "$1; Always"
Header unset X-Cgi
Header set X-Late "%{FIXED}e"
</LocationMatch>
<Location /merge>
Header merge Vary Accept
Header merge Vary "accept, Cookie"
Header append Cache-Control no-cache
Header merge Cache-Control "no-cache, private"
</Location>
<Directory "@SITE@/ht">
AllowOverride FileInfo
</Directory>
<Files page.html>
Header set X-Files files
</Files>
"#,
    );
    let mut cases = Case::gets(&[
        "/set/page.html",
        "/cond/page.html",
        "/cond/page.html?q",
        "/cond/missing",
        "/value/page.html",
        "/edit/page.html",
        "/early/page.html",
        "/always/page.html",
        "/always/missing",
        "/unset/page.html",
        "/echo/page.html",
        "/merge/page.html",
        "/ht/page.html",
        "/cgi/vars",
        "/cgi/out",
        "/missing",
    ]);
    for path in ["/cond/page.html", "/value/page.html", "/cgi/vars"] {
        cases.push(Case::get_with(path, &[("X-Wish", "wished")]));
    }
    cases.push(Case::get_with(
        "/echo/page.html",
        &[
            ("X-Echo-One", "1"),
            ("X-Echo-Two", "2"),
            ("User-Agent", "me"),
            ("X-Other", "3"),
        ],
    ));
    cases.push(Case::get_with("/edit/page.html", &[("X-Edit", "x")]));
    cases.push(Case::get_with(
        "/cgi/vars",
        &[
            ("X-Client", "merged"),
            ("X-Client", "own"),
            ("X-Empty", ""),
            ("X-Gone", "x"),
            ("X-Edit", "aaa"),
            ("X-EditAll", "aaa"),
            ("Cookie", "a=1; secret=x; b=2"),
        ],
    ));
    cases.push(Case::with("HEAD", "/set/page.html", &[], ""));
    cases.push(Case::get_with(
        "/always/page.html",
        &[("If-None-Match", "*")],
    ));
    cases.push(Case::get_with(
        "/set/page.html",
        &[("If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT")],
    ));
    compare("headers", &configuration, &cases)
}

#[test]
fn variables() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    site.program("cgi/vars", VARS)?;
    site.program("cgi/ht/vars", VARS)?;
    site.file("cgi/ht/.htaccess", "SetEnv E_HT ht\nSetEnvIf X-Ht . E_HTIF\nUnsetEnv E_OUTER\nBrowserMatch Tester E_HTBROWSER\nSetEnvIfExpr \"-n req('X-Ht')\" E_HTEXPR=$0\n")?;
    site.file("denied/x.html", "x\n")?;
    let configuration = serve(
        &site,
        "dir mime alias setenvif env cgid headers authz_host access_compat",
        r#"
TypesConfig /etc/mime.types
ScriptSock cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
SetEnv E_OUTER outer
SetEnv E_EMPTY
SetEnv E_QUOTED "a \"b\" c"
SetEnv E_GONE gone
UnsetEnv E_GONE
SetEnvIf Request_URI "^/cgi/(\w+)" E_URI=$1 E_FLAG !E_OTHER
SetEnvIf Request_Method "^(GET|HEAD)$" E_METHOD=$1
SetEnvIf Request_Protocol "1\.(\d)" E_PROTO=minor-$1
SetEnvIf Remote_Addr ^127 E_LOCAL
SetEnvIf Server_Addr (.+) E_SERVER=$1
SetEnvIf Remote_Host . E_HOST
SetEnvIf User-Agent "Tester/(\d+)\.(\d+)" E_MAJOR=$1 E_MINOR=$2 E_WHOLE=$0 E_DOLLAR=\$1
SetEnvIf ^X-Pre "(.*)" E_PREFIX=$1
SetEnvIf "^X-(Al|Be)" found E_ALTERNATIVE
SetEnvIf E_MAJOR 7 E_SEVEN
SetEnvIf E_SEVEN . !E_MINOR
SetEnvIf None ^$ E_ABSENT
SetEnvIfNoCase X-Case "^abc$" E_NOCASE
SetEnvIfNoCase x-header-name Value E_NAME
BrowserMatch Old E_OLD=1 E_BOTH
BrowserMatchNoCase oLD E_NOCASE_OLD
SetEnvIfExpr "%{QUERY_STRING} =~ /id=(\d+)/" E_ID=$1
SetEnvIfExpr "req('X-Num') -gt 5" E_BIG !E_FLAG
SetEnvIf Accept . E_PLAIN="with space" E_BACK=a\\b
<Location /cgi/vars/inner>
SetEnv E_OUTER inner
SetEnvIf Request_URI inner E_INNER=1
</Location>
<Directory "@SITE@/cgi/ht">
AllowOverride FileInfo
</Directory>
<Directory "@SITE@/denied">
Order deny,allow
Deny from env=E_OLD
</Directory>
"#,
    );
    let mut cases = Case::gets(&[
        "/cgi/vars",
        "/cgi/vars?id=42",
        "/cgi/vars/inner/x",
        "/cgi/ht/vars",
        "/denied/x.html",
    ]);
    for (name, value) in [
        ("User-Agent", "Tester/7.3"),
        ("User-Agent", "Tester/6.3"),
        ("User-Agent", "Old thing"),
        ("User-Agent", "older"),
        ("X-Prefix", "px"),
        ("X-Beta", "found"),
        ("X-Case", "ABC"),
        ("X-Header-Name", "a value"),
        ("X-Num", "6"),
        ("X-Num", "5"),
        ("Accept", "*/*"),
        ("None", ""),
    ] {
        cases.push(Case::get_with("/cgi/vars", &[(name, value)]));
    }
    cases.push(Case::get_with(
        "/cgi/ht/vars",
        &[("X-Ht", "1"), ("User-Agent", "Tester/1.0")],
    ));
    cases.push(Case::get_with("/denied/x.html", &[("User-Agent", "Old")]));
    cases.push(Case::with("POST", "/cgi/vars", &[], ""));
    cases.push(Case::raw("HTTP/1.0", "GET /cgi/vars HTTP/1.0\r\n\r\n"));
    cases.push(Case::get_with(
        "/cgi/vars",
        &[
            ("X-Under_Score", "u"),
            ("X_Y", "xy"),
            ("Proxy", "p"),
            ("Authorization", "Basic eDp5"),
            ("Content-Type", "a/b"),
        ],
    ));
    compare("env setenvif", &configuration, &cases)
}

/// Times of expiry lie behind the request's; only how far behind is compared.
#[test]
fn expiry() -> Result<()> {
    let site = Site::new()?;
    for name in [
        "a.html",
        "a.txt",
        "a.png",
        "a.css",
        "a.none",
        "never/a.html",
        "inner/a.html",
        "inner/a.txt",
        "ht/a.html",
        "off/a.html",
    ] {
        site.file(name, "content\n")?;
    }
    site.file(
        "ht/.htaccess",
        "ExpiresActive On\nExpiresDefault \"access plus 2 hours\"\n",
    )?;
    site.program("cgi/own", "#!/bin/sh\nprintf 'Content-Type: text/html\\nExpires: Sat, 01 Jan 2050 00:00:00 GMT\\n\\nown\\n'\n")?;
    site.program(
        "cgi/cc",
        "#!/bin/sh\nprintf 'Content-Type: text/html\\nCache-Control: private\\n\\nown\\n'\n",
    )?;
    let configuration = serve(
        &site,
        "dir mime alias expires headers cgid",
        r#"
TypesConfig /etc/mime.types
ScriptSock cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
ExpiresActive On
ExpiresByType text/html "access plus 1 month 15 days 2 hours"
ExpiresByType text/plain M604800
ExpiresByType image/png A60
ExpiresByType image/* "now plus 1 year"
ExpiresByType text/* "modification plus 3 minutes"
<Location /never>
ExpiresActive Off
</Location>
<Location /inner>
ExpiresDefault "access plus 5 seconds"
ExpiresByType text/html A10
</Location>
<Location /off>
ExpiresByType text/html "now"
</Location>
<Directory "@SITE@/ht">
AllowOverride Indexes
</Directory>
Header edit Expires "^.*( 20(26|27|28|29)) .*$" "around$1"
Header always edit Expires "^.*( 20(26|27|28|29)) .*$" "around$1"
"#,
    );
    let cases = Case::gets(&[
        "/a.html",
        "/a.png",
        "/never/a.html",
        "/inner/a.html",
        "/ht/a.html",
        "/off/a.html",
        "/cgi/own",
        "/cgi/cc",
        "/missing.html",
        "/a.none",
    ]);
    compare("expires", &configuration, &cases)
}

#[test]
fn macros() -> Result<()> {
    let site = Site::new()?;
    for name in ["one", "two", "three", "x"] {
        site.file(&format!("{name}/index.html"), name)?;
    }
    let configuration = serve(
        &site,
        "dir mime alias headers macro env",
        r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
<Macro Tagged $name %value @path>
<Location $name>
Header set X-Tag "%value at $name"
</Location>
Alias @path "@SITE@$name"
</Macro>
Use Tagged /one first /p1/alias
use TAGGED /two "second value" "/p2/with space"
<Macro Inner $n>
Header set X-Inner $n
</Macro>
<Macro Outer $n $(braced)>
<Location /three>
Use Inner $n
Header set X-Braced $(braced)
</Location>
</Macro>
Use Outer nested br
UndefMacro Inner
<Macro Inner $n>
Header set X-Second $n
</Macro>
<Location /x>
Use Inner again
</Location>
<Macro NoArgs>
Header set X-NoArgs yes
</Macro>
Use NoArgs
<Macro Prefix $na $name>
Header set X-Prefix "$name $na"
</Macro>
Use Prefix a b
<Macro Host $h>
<VirtualHost *:@PORT@>
ServerName $h.example
DocumentRoot "@SITE@/$h"
Header set X-Host $h
</VirtualHost>
</Macro>
Use Host x
Use Host one
Use Host three
"#,
    );
    let mut cases = Vec::new();
    for host in ["x.example", "one.example", "three.example"] {
        for path in [
            "/",
            "/one/",
            "/two/",
            "/three/",
            "/p1/alias/",
            "/p2/with%20space/",
            "/x/",
        ] {
            cases.push(Case::get_with(path, &[("Host", host)]));
        }
    }
    compare("macro", &configuration, &cases)
}

#[test]
fn clients_behind_proxies() -> Result<()> {
    let site = Site::new()?;
    site.program("cgi/vars", VARS)?;
    site.file("list.txt", "# proxies\n10.0.0.1\n192.168.7.0/24\n")?;
    site.file("inner/x.html", "x\n")?;
    let configuration = serve(
        &site,
        "dir mime alias remoteip cgid authz_host",
        r#"
TypesConfig /etc/mime.types
ScriptSock cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
LogFormat "%a %{c}a %h %{X-Forwarded-For}i %{remoteip-proxy-ip-list}n %U %>s" clients
CustomLog logs/clients.log clients
<Directory "@SITE@/inner">
Require ip 10.9.0.0/16
</Directory>
<VirtualHost *:@PORT@>
ServerName trusted.example
RemoteIPHeader X-Forwarded-For
RemoteIPProxiesHeader X-By
RemoteIPTrustedProxy 127.0.0.1 10.1.0.0/16
RemoteIPTrustedProxyList "@SITE@/list.txt"
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName internal.example
RemoteIPHeader X-Client-IP
RemoteIPInternalProxy 127.0.0.1
RemoteIPInternalProxy 10.0.0.0/8
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName any.example
RemoteIPHeader X-Real-IP
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName plain.example
</VirtualHost>
"#,
    );
    let mut cases = Vec::new();
    for (host, field) in [
        ("trusted.example", "X-Forwarded-For"),
        ("internal.example", "X-Client-IP"),
        ("any.example", "X-Real-IP"),
        ("plain.example", "X-Forwarded-For"),
    ] {
        for value in [
            "203.0.113.9",
            "203.0.113.9, 10.1.2.3",
            "203.0.113.9,10.0.0.1,192.168.7.8",
            "198.51.100.1, 203.0.113.9, 10.1.0.9",
            "10.9.1.1",
            "bogus",
            "203.0.113.9, bogus",
            "2001:db8::7",
            "203.0.113.9:8080",
            "",
            "192.168.1.1",
            "127.0.0.1",
            "203.0.113.9 ",
        ] {
            cases.push(Case::get_with(
                "/cgi/vars",
                &[("Host", host), (field, value)],
            ));
        }
        cases.push(Case::get_with(
            "/inner/x.html",
            &[("Host", host), (field, "10.9.1.1")],
        ));
        cases.push(Case::get_with(
            "/inner/x.html",
            &[("Host", host), (field, "203.0.113.9")],
        ));
    }
    compare_with_logs(
        "remoteip",
        &configuration,
        &cases,
        &[Log {
            file: "logs/clients.log",
            line: |line| Some(line.to_owned()),
        }],
    )
}

/// The PROXY protocol names the client before the request.
#[test]
fn proxy_protocol() -> Result<()> {
    let site = Site::new()?;
    site.program("cgi/vars", VARS)?;
    let configuration = serve(
        &site,
        "dir mime alias remoteip cgid",
        r#"
TypesConfig /etc/mime.types
ScriptSock cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
RemoteIPProxyProtocol On
LogFormat "%a %{c}a %h %r %>s" clients
CustomLog logs/clients.log clients
"#,
    );
    const REQUEST: &str = "GET /cgi/vars HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let first = |line: &str| Case::raw(line.to_owned(), format!("{line}\r\n{REQUEST}"));
    let second = |name: &str, command: u8, family: u8, addresses: &[u8]| {
        let mut bytes = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
        bytes.extend([0x20 | command, family]);
        bytes.extend((addresses.len() as u16).to_be_bytes());
        bytes.extend(addresses);
        bytes.extend(REQUEST.as_bytes());
        Case::raw(name, bytes)
    };
    let four = [198, 51, 100, 7, 127, 0, 0, 1, 0x30, 0x39, 0, 80];
    let mut six = [0_u8; 36];
    six[..16].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    six[31] = 1;
    let cases = [
        first("PROXY TCP4 198.51.100.7 127.0.0.1 12345 80"),
        first("PROXY TCP6 2001:db8::9 ::1 12345 80"),
        first("PROXY UNKNOWN"),
        first("PROXY TCP4 198.51.100.7 127.0.0.1 12345"),
        first("PROXY TCP4 nowhere 127.0.0.1 12345 80"),
        first("PROXY UDP4 198.51.100.7 127.0.0.1 12345 80"),
        Case::raw("none", REQUEST),
        second("v2 TCP4", 1, 0x11, &four),
        second("v2 TCP6", 1, 0x21, &six),
        second("v2 LOCAL", 0, 0, &[]),
        second(
            "v2 with more",
            1,
            0x11,
            &[&four[..], &[4, 0, 1, 7]].concat(),
        ),
        second("v2 UDP", 1, 0x12, &four),
        second("v2 too short", 1, 0x11, &four[..4]),
        second("v2 unknown command", 7, 0x11, &four),
    ];
    compare_with_logs(
        "remoteip",
        &configuration,
        &cases,
        &[Log {
            file: "logs/clients.log",
            line: |line| Some(line.to_owned()),
        }],
    )
}

#[test]
fn cookies_and_ids() -> Result<()> {
    let site = Site::new()?;
    for name in [
        "plain", "own", "style", "off", "domain", "netscape", "secure",
    ] {
        site.file(&format!("{name}/a.html"), "a\n")?;
    }
    let configuration = serve(
        &site,
        "dir mime usertrack unique_id headers env log_forensic",
        r#"
TypesConfig /etc/mime.types
<Location />
CookieTracking on
</Location>
<Location /own>
CookieTracking on
CookieName Own-Name
CookieExpires "1 weeks 3 days"
</Location>
<Location /style>
CookieTracking on
CookieStyle Cookie2
CookieExpires 3600
CookieDomain .test.example
</Location>
<Location /netscape>
CookieTracking on
CookieStyle RFC2109
</Location>
<Location /domain>
CookieTracking on
CookieDomain .example.org
</Location>
<Location /secure>
CookieTracking on
CookieSecure On
CookieHTTPOnly On
CookieSameSite Strict
</Location>
<Location /off>
CookieTracking off
</Location>
Header always edit Set-Cookie "=[0-9a-f]+\.[0-9a-f]+;" "=ID;"
Header always edit Set-Cookie2 "=[0-9a-f]+\.[0-9a-f]+;" "=ID;"
Header always edit Set-Cookie "expires=[^;]*" "expires=THEN"
Header set X-Id "%{UNIQUE_ID}e"
Header edit X-Id "^[A-Za-z0-9@_-]{27}$" "an id of 27 characters"
"#,
    );
    let mut cases = Vec::new();
    for name in [
        "plain", "own", "style", "off", "domain", "netscape", "secure",
    ] {
        cases.push(Case::get(&format!("/{name}/a.html")));
        cases.push(Case::get_with(
            &format!("/{name}/a.html"),
            &[("Cookie", "x=1; Apache=127.0.0.1.5; y=2")],
        ));
        cases.push(Case::get_with(
            &format!("/{name}/a.html"),
            &[("Cookie", "Own-Name=abc")],
        ));
    }
    cases.push(Case::get_with("/plain/a.html", &[("Cookie2", "Apache=1")]));
    compare("usertrack unique_id", &configuration, &cases)
}
