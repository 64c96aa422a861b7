//! What a directory shows: listings with all their options, index documents, names that are nearly
//! right, users' directories.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

#[test]
fn options_of_listings() -> Result<()> {
    let site = Site::new()?;
    for option in [
        "plain", "fancy", "all", "html", "width", "sorted", "version", "case", "reset", "css",
    ] {
        for name in [
            "alpha.txt",
            "Beta.HTML",
            "gamma.tar.gz",
            "file-1.10.txt",
            "file-1.9.txt",
            "file-1.010.txt",
            "a very long name that no narrow column of any listing has room for.bin",
            "sp ace & <odd>\"quote\".txt",
            "core",
            "backup~",
            ".hidden",
            "image.png",
        ] {
            site.file(&format!("{option}/{name}"), name.repeat(7))?;
        }
        site.file(
            &format!("{option}/titled.html"),
            "<html><head><title>A  title\nof &amp; lines</title></head></html>",
        )?;
        site.file(&format!("{option}/folder/in.txt"), "x")?;
        site.file(&format!("{option}/Gfolder/in.txt"), "x")?;
    }
    site.file("all/HEADER.html", "<h1>above</h1>\n")?;
    site.file("all/README.html", "<p>below</p>\n")?;
    site.file("fancy/HEADER.txt", "plain <text> above\n")?;
    site.file("css/top.shtml", "<!--#echo var=\"REQUEST_URI\" -->\n")?;
    site.file("big/a", vec![b'x'; 1500])?;
    site.file("big/b", vec![b'x'; 1_048_575])?;
    site.file("big/c", vec![b'x'; 3_500_000])?;
    site.file("big/d", "")?;
    let configuration = serve(
        &site,
        "dir mime alias autoindex include filter",
        r#"
# The module cuts a description where it stands: what one child has listed narrowly stays short.
ThreadsPerChild 25
ServerLimit 1
TypesConfig /etc/mime.types
AddEncoding x-gzip .gz
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
Options Indexes FollowSymLinks
IndexOptions SuppressLastModified
AddIcon /icons/png.gif .png
AddIcon (TXT,/icons/text.gif) .txt
AddIcon /icons/folder.gif ^^DIRECTORY^^
AddIcon /icons/blank.gif ^^BLANKICON^^
AddIcon /icons/back.gif ..
AddIconByType (HTM,/icons/html.gif) text/*
AddIconByEncoding /icons/zip.gif x-gzip
DefaultIcon /icons/default.gif
AddAlt "a \"picture\"" .png
AddAltByType "<text>" text/html
AddAltByEncoding squeezed x-gzip
AddDescription "the <b>first</b>" alpha.txt
AddDescription "an archive, and a very long description that will be cut" *.gz
AddDescription "of version ten" /version/file-1.10.txt
IndexIgnore .??* *~ core
<Directory "@SITE@/fancy">
IndexOptions FancyIndexing IconsAreLinks IconWidth=20 IconHeight=22 ScanHTMLTitles ShowForbidden
HeaderName HEADER.txt
</Directory>
<Directory "@SITE@/all">
IndexOptions FancyIndexing FoldersFirst HTMLTable ScanHTMLTitles SuppressHTMLPreamble SuppressColumnSorting SuppressIcon SuppressRules SuppressSize XHTML Charset=UTF-8 Type=text/html
HeaderName HEADER.html
ReadmeName README.html
</Directory>
<Directory "@SITE@/html">
IndexOptions FancyIndexing HTMLTable DescriptionWidth=* NameWidth=* AddAltClass UseOldDateFormat IgnoreCase
</Directory>
<Directory "@SITE@/width">
IndexOptions FancyIndexing NameWidth=12 DescriptionWidth=14 SuppressDescription
IndexOptions +HTMLTable -SuppressDescription
</Directory>
<Directory "@SITE@/sorted">
IndexOptions FancyIndexing TrackModified IgnoreClient
IndexOrderDefault Descending Size
</Directory>
<Directory "@SITE@/version">
IndexOptions FancyIndexing VersionSort NameWidth=30
IndexOrderDefault Ascending Description
</Directory>
<Directory "@SITE@/case">
IndexOptions IgnoreCase FoldersFirst
</Directory>
<Directory "@SITE@/reset">
IndexIgnoreReset On
IndexIgnore alpha*
IndexOptions FancyIndexing
IndexHeadInsert "<meta name=\"robots\" content=\"none\" />"
</Directory>
<Directory "@SITE@/css">
IndexOptions HTMLTable FancyIndexing
IndexStyleSheet /style/sheet.css
HeaderName top.shtml
ReadmeName /alias/missing.html
</Directory>
<Directory "@SITE@/big">
IndexOptions FancyIndexing
</Directory>
<Files image.png>
Require all denied
</Files>
"#,
    );
    let cases = Case::gets(&[
        "/plain/",
        "/fancy/",
        "/fancy/?C=M;O=A",
        "/all/",
        "/all/?C=D;O=D",
        "/html/",
        "/html/?C=N;O=D",
        "/html/?F=1",
        "/html/?F=2&P=*.txt",
        "/width/",
        "/sorted/",
        "/sorted/?C=N;O=A",
        "/version/",
        "/version/?C=N;O=A",
        "/version/?C=N;O=D;V=0",
        "/version/?C=N;O=A;V=1",
        "/case/",
        "/case/?P=*e*",
        "/reset/",
        "/reset/?C=S;O=A",
        "/css/",
        "/css/folder/",
        "/big/",
        "/big/?C=S;O=D;F=2",
        "/big/?C=X;O=Y",
        "/big/?nonsense",
        "/fancy/?C=S;O=A;F=0;V=0;P=f*",
        "/",
    ])
    .into_iter()
    .chain([
        Case::with("POST", "/plain/", &[], "x"),
        Case::with("OPTIONS", "/plain/", &[], ""),
        Case::get_with(
            "/sorted/",
            &[("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")],
        ),
    ])
    .collect::<Vec<_>>();
    compare("autoindex", &configuration, &cases)
}

#[test]
fn index_documents() -> Result<()> {
    let site = Site::new()?;
    site.file("one/index.html", "one\n")?;
    site.file("second/other.txt", "second\n")?;
    site.file("none/x.txt", "x\n")?;
    site.file("fallback/front.html", "front\n")?;
    site.file("fallback/real.html", "real\n")?;
    site.file("fallback/sub/none.txt", "x\n")?;
    site.file("fallback/off/x.txt", "x\n")?;
    site.file("redirect/index.html", "redirect\n")?;
    site.file("redirect303/index.html", "redirect\n")?;
    site.file("absolute/x.txt", "x\n")?;
    site.file("noslash/index.html", "noslash\n")?;
    site.file("disabled/index.html", "disabled\n")?;
    site.file("mapped/index.html", "mapped\n")?;
    site.file("sub/index/page.html", "nested\n")?;
    site.file("query/index.html", "query\n")?;
    let configuration = serve(
        &site,
        "dir mime alias autoindex actions info",
        r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html other.txt
<Directory "@SITE@/fallback">
FallbackResource /fallback/front.html
</Directory>
<Directory "@SITE@/fallback/off">
FallbackResource disabled
</Directory>
<Directory "@SITE@/redirect">
DirectoryIndexRedirect on
</Directory>
<Directory "@SITE@/redirect303">
DirectoryIndexRedirect 303
</Directory>
<Directory "@SITE@/absolute">
DirectoryIndex missing.html /one/index.html
</Directory>
<Directory "@SITE@/noslash">
DirectorySlash Off
</Directory>
<Directory "@SITE@/disabled">
DirectoryIndex disabled
Options Indexes
IndexOptions SuppressLastModified
</Directory>
<Directory "@SITE@/sub">
DirectoryIndex index/page.html
</Directory>
<Location /mapped>
SetHandler server-info
DirectoryCheckHandler On
Require all denied
</Location>
<Directory "@SITE@/query">
DirectoryIndex index.html?a=b
</Directory>
"#,
    );
    let mut cases = Case::gets(&[
        "/one/",
        "/one",
        "/one?x=y",
        "/one/index.html/",
        "/second/",
        "/none/",
        "/none",
        "/fallback/",
        "/fallback/missing",
        "/fallback/missing/deep?q=1",
        "/fallback/real.html",
        "/fallback/real.html/info",
        "/fallback/sub/",
        "/fallback/sub/nothing",
        "/fallback/off/nothing",
        "/redirect/",
        "/redirect/?q",
        "/redirect303/",
        "/absolute/",
        "/noslash",
        "/noslash/",
        "/disabled/",
        "/mapped/",
        "/sub/",
        "/query/",
        "/one//",
        "/one/./",
    ]);
    cases.push(Case::with("POST", "/one", &[], "x"));
    cases.push(Case::with("POST", "/one/", &[], "x"));
    cases.push(Case::with("DELETE", "/one/", &[], ""));
    compare("dir", &configuration, &cases)
}

#[test]
fn names_nearly_right() -> Result<()> {
    let site = Site::new()?;
    for part in ["any", "case", "base", "off", "both"] {
        for name in [
            "Page.html",
            "report.txt",
            "report.html",
            "readme",
            "twins.a",
            "twinS.a",
        ] {
            site.file(&format!("{part}/{name}"), name)?;
        }
        site.file(&format!("{part}/Folder/inside.html"), "in\n")?;
    }
    let configuration = serve(
        &site,
        "dir mime alias speling negotiation",
        r#"
TypesConfig /etc/mime.types
<Directory "@SITE@/any">
CheckSpelling On
</Directory>
<Directory "@SITE@/case">
CheckSpelling On
CheckCaseOnly On
</Directory>
<Directory "@SITE@/base">
CheckSpelling On
CheckBasenameMatch Off
</Directory>
<Directory "@SITE@/both">
CheckSpelling On
CheckCaseOnly On
CheckBasenameMatch Off
</Directory>
"#,
    );
    let mut cases = Vec::new();
    for part in ["any", "case", "base", "both"] {
        for name in [
            "page.html",
            "Pgae.html",
            "Pge.html",
            "Paage.html",
            "Pxge.html",
            "report.pdf",
            "report",
            "readme.txt",
            "Twins.a",
            "folder/inside.html",
            "Folder/insidE.html",
            "page.html?q=1",
            "quite-another",
        ] {
            cases.push(Case::get(&format!("/{part}/{name}")));
        }
    }
    cases.push(Case::get("/off/page.html"));
    cases.push(Case::get_with(
        "/any/report.pdf",
        &[("Referer", "http://from.example/<a>")],
    ));
    cases.push(Case::with("POST", "/any/page.html", &[], "x"));
    compare("speling", &configuration, &cases)
}
