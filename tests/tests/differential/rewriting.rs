//! Rewriting: maps of every type, every flag, and the options of servers that change how rules are
//! applied.

use std::process::Command;

use anyhow::{Result, ensure};
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

#[test]
fn maps() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    site.file("page.html", "page\n")?;
    let text = site.file(
        "map.txt",
        "# comment\nalpha /page.html\nbeta   /index.html   # more\nspace a%20b\nempty\n",
    )?;
    site.file("one.txt", "pick only\nback old|old\n")?;
    site.program("upper.sh", "#!/bin/sh\nwhile read -r key; do case $key in none) echo NULL;; *) echo \"$key\" | tr a-z A-Z;; esac; done\n")?;
    for kind in ["sdbm", "gdbm", "db"] {
        let made = Command::new("httxt2dbm")
            .args(["-f", kind, "-i"])
            .arg(&text)
            .arg("-o")
            .arg(site.path().join(format!("map.{kind}")))
            .output()?;
        ensure!(made.status.success(), "httxt2dbm: {made:?}");
    }
    let made = Command::new("sqlite3")
        .arg(site.path().join("map.sqlite"))
        .arg("create table map (key text, value text); insert into map values ('alpha', '/page.html'), ('beta', '/index.html');")
        .output()?;
    ensure!(made.status.success(), "sqlite3: {made:?}");
    let readable = Command::new("chmod")
        .arg("-R")
        .arg("a+rX")
        .arg(site.path())
        .status()?;
    ensure!(readable.success());
    let configuration = serve(
        &site,
        "dir mime alias rewrite dbd headers env",
        r#"
TypesConfig /etc/mime.types
DBDriver sqlite3
DBDParams "@SITE@/map.sqlite"
RewriteEngine On
RewriteMap txt txt:@SITE@/map.txt
RewriteMap rnd rnd:@SITE@/one.txt
RewriteMap sdbm dbm=sdbm:@SITE@/map.sdbm
RewriteMap gdbm dbm=gdbm:@SITE@/map.gdbm
RewriteMap db dbm=db:@SITE@/map.db
RewriteMap prg prg:@SITE@/upper.sh
RewriteMap dbd "dbd:select value from map where key = %s"
RewriteMap fast "fastdbd:select value from map where key = %s"
RewriteMap up int:toupper
RewriteMap low int:tolower
RewriteMap esc int:escape
RewriteMap unesc int:unescape
RewriteRule ^/txt/(.*)$ ${txt:$1|/default.html} [R,L]
RewriteRule ^/nodefault/(.*)$ /got:${txt:$1} [R,L]
RewriteRule ^/rnd/(.*)$ /${rnd:$1|none} [R,L]
RewriteRule ^/sdbm/(.*)$ ${sdbm:$1|/default} [R,L]
RewriteRule ^/gdbm/(.*)$ ${gdbm:$1|/default} [R,L]
RewriteRule ^/db/(.*)$ ${db:$1|/default} [R,L]
RewriteRule ^/prg/(.*)$ /${prg:$1|null} [R,L]
RewriteRule ^/dbd/(.*)$ ${dbd:$1|/default} [R,L]
RewriteRule ^/fast/(.*)$ ${fast:$1|/default} [R,L]
RewriteRule ^/up/(.*)$ /${up:$1} [R,L]
RewriteRule ^/low/(.*)$ /${low:$1} [R,L]
RewriteRule ^/esc/(.*)$ /${esc:$1} [R,L,NE]
RewriteRule ^/unesc/(.*)$ /${unesc:$1} [R,L]
RewriteRule ^/nested/(.*)$ ${txt:${low:$1}|${up:$1}} [R,L]
RewriteRule ^/missing/(.*)$ /x${nomap:$1|y}z [R,L]
RewriteRule ^/serve/(.*)$ ${txt:$1} [L]
RewriteCond ${txt:%{HTTP:X-Key}|/index.html} ^(.*)$
RewriteRule ^/cond$ %1 [L]
RewriteCond ${txt:$1} !=""
RewriteRule ^/known/(.*)$ ${txt:$1} [L]
RewriteRule ^/query$ /r?${up:%{QUERY_STRING}} [R,L]
"#,
    );
    let mut cases = Case::gets(&[
        "/txt/alpha",
        "/txt/beta",
        "/txt/space",
        "/txt/empty",
        "/txt/none",
        "/nodefault/none",
        "/rnd/pick",
        "/rnd/back",
        "/rnd/none",
        "/sdbm/alpha",
        "/sdbm/none",
        "/gdbm/beta",
        "/gdbm/none",
        "/db/alpha",
        "/db/none",
        "/prg/abc",
        "/prg/none",
        "/prg/a%20b",
        "/prg/a%0ab",
        "/dbd/alpha",
        "/dbd/none",
        "/dbd/o'brien",
        "/fast/beta",
        "/fast/none",
        "/fast/alpha",
        "/up/MiXed",
        "/low/MiXed",
        "/esc/a%20b%3Fc",
        "/unesc/a%2520b",
        "/nested/ALPHA",
        "/nested/other",
        "/missing/x",
        "/serve/alpha",
        "/serve/beta",
        "/serve/none",
        "/cond",
        "/known/alpha",
        "/known/none",
        "/query?abc=Def",
    ]);
    cases.push(Case::get_with("/cond", &[("X-Key", "alpha")]));
    compare("rewrite dbd", &configuration, &cases)
}

#[test]
fn flags() -> Result<()> {
    let site = Site::new()?;
    for name in [
        "index.html",
        "page.html",
        "a b.html",
        "x.php",
        "chained.html",
        "pt/target.html",
        "sub/deep/file.html",
    ] {
        site.file(name, format!("{name}\n"))?;
    }
    site.program("cgi/vars", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nfor v in A B C EMPTY REDIRECT_A PATH_INFO QUERY_STRING; do eval echo \"$v=\\${$v-unset}\"; done\n")?;
    let configuration = serve(
        &site,
        "dir mime alias rewrite headers env cgid proxy proxy_http",
        r#"
TypesConfig /etc/mime.types
ScriptSock cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
Alias /aliased "@SITE@/pt"
RewriteEngine On
RewriteRule ^/e/(\w+)$ /cgi/vars [E=A:$1,E=B:%{REQUEST_METHOD},E=C,PT]
RewriteRule ^/e-unset$ /cgi/vars [E=A:set,E=!A,E=EMPTY:,PT]
RewriteRule ^/n/(.*)a(.*)$ /n/$1b$2 [N]
RewriteRule ^/n/(.*)$ /at/$1 [R,L]
RewriteRule ^/nmax/(.*)$ /nmax/x$1 [N=5]
RewriteRule ^/c1(.*)$ /c2$1 [C]
RewriteRule ^/c2(.*)yes$ /c3$1 [C]
RewriteRule ^/c3 /chained.html [L]
RewriteRule ^/c2 /page.html [L]
RewriteRule ^/s/ - [S=2]
RewriteRule ^/s/ /never [F]
RewriteRule ^/s/ /never [G]
RewriteRule ^/s/ /page.html [L]
RewriteRule ^/h$ /x.php [H=send-as-is]
RewriteRule ^/h-type$ /page.html [T=text/x-made,H=default-handler]
RewriteRule ^/ht /page.html [T=application/x-$0]
RewriteRule ^/b/(.*)$ /r?x=$1 [B,R]
RewriteRule ^/b-some/(.*)$ "/r?x=$1" "[B= ?&,R]"
RewriteRule ^/b-ne/(.*)$ /r?x=$1 [B,NE,R]
RewriteRule ^/bnp/(.*)$ /r?x=$1 [B,BNP,R]
RewriteRule ^/bneg/(.*)$ "/r?x=$1" "[B,BNE=/,R]"
RewriteRule ^/noesc/(.*)$ /r?x=$1 [R]
RewriteRule ^/unsafe/(.*)$ /page.html?$1 [L]
RewriteRule ^/allow/(.*)$ /page.html?$1 [UnsafeAllow3F,L]
RewriteRule ^/prefix/(.*)$ $1 [UnsafePrefixStat]
RewriteRule ^/pt/(.*)$ /aliased/$1 [PT]
RewriteRule ^/nopt/(.*)$ /aliased/$1 [L]
RewriteRule ^/end$ /page.html [END]
RewriteRule ^/NC/abc$ /page.html [NC,L]
RewriteRule ^/r-code$ /page.html [R=307]
RewriteRule ^/r-name$ /page.html [R=permanent]
RewriteRule ^/r-seeother$ /page.html [R=seeother]
RewriteRule ^/r-404$ /anything [R=404]
RewriteRule ^/r-204$ - [R=204]
RewriteRule ^/r-410$ - [R=410,L]
RewriteRule ^/qsa$ /r?new=1 [R,QSA]
RewriteRule ^/qsd$ /r [R,QSD]
RewriteRule ^/qsl/(.*)$ /r?a?b=$1 [R,QSL]
RewriteRule ^/noqs$ /r? [R]
RewriteRule ^/co-full$ /page.html [CO=name:value:.example.org:1440:/p:secure:httponly:Strict]
RewriteRule ^/co-alt$ /page.html [CO=;name;va:lue;.example.org;0;/]
RewriteRule ^/co-var/(.*)$ /page.html [CO=n$1:%{HTTP_HOST}:test.example]
RewriteRule ^/co-zero$ /page.html [CO=z:v:test.example:0:/:0:0]
RewriteRule ^/co-unset$ /page.html [CO=gone:INVALID:test.example:-1]
RewriteRule ^/p/(.*)$ http://127.0.0.1:@PORT@/$1 [P]
RewriteRule ^/p-bad$ ftp+odd://nowhere/ [P]
RewriteRule ^/ns$ - [NS,F]
RewriteRule ^/dash$ -
RewriteRule ^/abs$ http://test.example/page.html
RewriteRule ^/abs-self$ http://test.example:@PORT@/page.html [R]
RewriteRule ^/ldap$ "ldap://h/dn?a?one?f=x y" [R,NE]
RewriteRule ^/unc$ //server/share [R]
RewriteRule ^/https$ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]
RewriteRule !^/(index|page|cgi|a|r|at|s|n|p|aliased|pt|x|sub|chained|dollar|amp|back|esc|$) /r-not [R,L]
RewriteRule ^/dollar/(.*)$ /r?\$1=$1&\%{X} [R]
RewriteRule ^/amp/(.*)$ /r?m=$0&n=$9 [R]
RewriteRule ^/back/(..)\1$ /page.html [L]
RewriteRule ^/esc/(.*)$ /page.html [R]
"#,
    );
    let cases = Case::gets(&[
        "/e/value",
        "/e-unset",
        "/n/banana",
        "/nmax/y",
        "/c1",
        "/c1yes",
        "/c2yes",
        "/c3",
        "/s/x",
        "/h",
        "/h-type",
        "/ht",
        "/b/a%20b&c=d/e",
        "/b/%E4%3F",
        "/b-some/a%20b&c?d",
        "/b-some/x=y",
        "/b-ne/a%20b",
        "/bnp/a%20b",
        "/bneg/a%2Fb/c",
        "/noesc/a%20b%26c",
        "/unsafe/a%3fb",
        "/unsafe/plain",
        "/allow/a%3fb",
        "/prefix/etc/passwd",
        "/prefix/page.html",
        "/pt/target.html",
        "/nopt/target.html",
        "/end",
        "/nc/ABC",
        "/r-code",
        "/r-name",
        "/r-seeother",
        "/r-404",
        "/r-204",
        "/r-410",
        "/qsa?old=2",
        "/qsa",
        "/qsd?old=2",
        "/qsl/c?d",
        "/noqs?x",
        "/co-full",
        "/co-alt",
        "/co-var/1",
        "/co-zero",
        "/co-unset",
        "/p/page.html",
        "/p/page.html?q=%20",
        "/p/none",
        "/p-bad",
        "/ns",
        "/dash",
        "/abs",
        "/abs-self",
        "/ldap",
        "/unc",
        "/https?x=1",
        "/zzz",
        "/dollar/v",
        "/amp/v",
        "/back/abab",
        "/back/abba",
        "/esc/%25%20x",
        "/page.html",
        "/p/a%20b.html",
    ]);
    compare_with_cookies(&configuration, &cases)
}

/// Cookies say when they expire.
fn compare_with_cookies(configuration: &str, cases: &[Case]) -> Result<()> {
    let steady = format!(
        "{configuration}\nHeader edit Set-Cookie \"expires=[^;]*\" \"expires=THEN\"\nHeader always edit Set-Cookie \"expires=[^;]*\" \"expires=THEN\"\n"
    );
    compare("rewrite headers", &steady, cases)
}

#[test]
fn servers_and_options() -> Result<()> {
    let site = Site::new()?;
    for name in [
        "index.html",
        "page.html",
        "one/index.html",
        "one/page.html",
        "two/page.html",
        "odd/page.html",
    ] {
        site.file(name, format!("{name}\n"))?;
    }
    let configuration = serve(
        &site,
        "dir mime alias rewrite headers proxy proxy_http",
        r#"
TypesConfig /etc/mime.types
RewriteEngine On
RewriteMap shared int:toupper
RewriteRule ^/main$ /page.html [R]
<VirtualHost *:@PORT@>
ServerName plain.example
DocumentRoot "@SITE@"
RewriteEngine On
RewriteRule ^/own$ /page.html [R]
RewriteRule ^/map/(.*)$ /${shared:$1} [R]
RewriteRule ^notslash /page.html [R]
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName inherit.example
DocumentRoot "@SITE@/one"
RewriteEngine On
RewriteOptions Inherit
RewriteRule ^/own$ /index.html [R]
RewriteRule ^/map/(.*)$ /${shared:$1} [R]
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName before.example
DocumentRoot "@SITE@/one"
RewriteEngine On
RewriteOptions InheritBefore
RewriteRule ^/main$ /index.html [R,L]
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName anyuri.example
DocumentRoot "@SITE@"
RewriteEngine On
RewriteOptions AllowAnyURI
RewriteRule ^(?!/) /page.html [R]
RewriteRule ^/x$ /page.html
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName legacy.example
DocumentRoot "@SITE@"
RewriteEngine On
RewriteOptions LegacyPrefixDocRoot
RewriteRule ^/one/(.*)$ @SITE@/one/$1 [L]
RewriteRule ^/two$ /two/page.html [L]
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName off.example
DocumentRoot "@SITE@"
RewriteRule ^/own$ /page.html [R]
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName canonical.example
UseCanonicalName On
DocumentRoot "@SITE@"
RewriteEngine On
RewriteRule ^/own$ /page.html [R]
RewriteCond %{HTTP_HOST} !^www\. [NC]
RewriteRule ^/www(.*)$ http://www.%{HTTP_HOST}$1 [R=301,L]
</VirtualHost>
"#,
    );
    let mut cases = Vec::new();
    for host in ["plain", "inherit", "before", "off", "canonical"] {
        for path in ["/main", "/own", "/map/abc"] {
            cases.push(Case::get_with(
                path,
                &[("Host", &format!("{host}.example"))],
            ));
        }
    }
    for (host, path) in [
        ("anyuri", "/x"),
        ("legacy", "/one/page.html"),
        ("legacy", "/two"),
        ("canonical", "/www/x?q"),
        ("plain", "/notslash"),
    ] {
        cases.push(Case::get_with(
            path,
            &[("Host", &format!("{host}.example"))],
        ));
    }
    for host in ["plain.example", "anyuri.example"] {
        for line in [
            "OPTIONS *",
            "GET *",
            "GET http://other.example/own",
            "GET noslash",
            "CONNECT a:1",
        ] {
            cases.push(Case::raw(
                format!("{line} at {host}"),
                format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
            ));
        }
    }
    compare("rewrite", &configuration, &cases)
}
