//! From URL to file: aliases, redirections, rewriting.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

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
    compare("alias rewrite headers", &configuration, &cases)
}
