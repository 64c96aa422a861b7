//! What becomes of a file: listings, negotiation, includes, image maps, types, compression.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

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
    compare(
        "autoindex deflate filter headers expires imagemap include negotiation mime",
        &configuration,
        &cases,
    )
}
