//! Documents whose characters and links are rewritten: charset_lite, xml2enc, proxy_html.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

const PAGE: &str = r#"<!DOCTYPE html>
<html><head><base href="http://backend.example/app/"><title>T</title>
<link rel="stylesheet" href="/app/style.css"><script src="/app/s.js">var u = "http://backend.example/app/x";</script>
<style>body { background: url(/app/bg.png) }</style>
<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">
</head><body onload="go('/app/start')">
<!-- a comment with http://backend.example/app/ -->
<a href="http://backend.example/app/one?x=1&amp;y=2#f">one</a>
<A HREF='/app/two'>two</A><a href=/app/three>three</a><a href="relative">rel</a>
<img src="/app/i.png" alt="a &lt; b"><br><hr/>
<form action="/app/form" method="post"><input type="image" src="/app/b.png" disabled><textarea>&amp;/app/</textarea></form>
<a href="mailto:a@b.c" onclick="window.open('http://backend.example/app/pop')">m</a>
<a href="HTTP://BACKEND.example/app/case">case</a>
<custom data-url="/app/custom">&copy;&eacute; ü</custom>
<p>unclosed<p>paragraphs</div>
</body></html>
"#;

#[test]
fn links_of_html() -> Result<()> {
    let site = Site::new()?;
    for name in [
        "plain", "ext", "regex", "html5", "xhtml", "legacy", "doctype", "strip", "fixups", "meta",
        "buf", "interp", "cond", "charset", "off",
    ] {
        site.file(&format!("{name}/page.html"), PAGE)?;
        site.file(&format!("{name}/page.txt"), PAGE)?;
    }
    site.file("plain/empty.html", "")?;
    site.file("plain/latin.html", b"<html><head><title>gr\xfcn</title></head><body><a href='/app/\xfc'>\xe9</a></body></html>".as_slice())?;
    site.file(
        "plain/utf8.html",
        "<html><head><meta charset=\"utf-8\"></head><body><a href='/app/ü'>é</a></body></html>",
    )?;
    site.file(
        "plain/long.html",
        format!(
            "<html><body>{}</body></html>",
            "<p><a href=\"/app/x\">link</a> text\n".repeat(2000)
        ),
    )?;
    site.file("plain/page.xhtml", "<?xml version=\"1.0\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\"><body><a href=\"/app/x\">x</a><br/></body></html>\n")?;
    let configuration = serve(
        &site,
        "dir mime alias proxy proxy_http proxy_html xml2enc env setenvif headers filter",
        r#"
TypesConfig /etc/mime.types
Include /etc/apache2/mods-available/proxy_html.conf
ProxyHTMLURLMap http://backend.example/app /front
ProxyHTMLURLMap /app /front
<LocationMatch "^/(?!off|direct)">
ProxyHTMLEnable On
</LocationMatch>
ProxyPass /direct !
ProxyPass /through http://127.0.0.1:@PORT@/direct
Alias /direct "@SITE@/plain"
<Location /ext>
ProxyHTMLExtended On
</Location>
<Location /regex>
ProxyHTMLURLMap "/app/(\w+)\.(png|js)" "/static/$2/$1" Rx
ProxyHTMLURLMap "backend\.EXAMPLE" "other.example" Rxi
ProxyHTMLURLMap "/app/" "/last/" L
</Location>
<Location /html5>
ProxyHTMLDocType HTML5
ProxyHTMLLinks custom data-url
</Location>
<Location /xhtml>
ProxyHTMLDocType XHTML
</Location>
<Location /legacy>
ProxyHTMLDocType HTML Legacy
</Location>
<Location /doctype>
ProxyHTMLDocType "<!DOCTYPE own>" XML
</Location>
<Location /strip>
ProxyHTMLStripComments On
</Location>
<Location /fixups>
ProxyHTMLFixups lowercase dospath
</Location>
<Location /meta>
ProxyHTMLMeta On
</Location>
<Location /buf>
ProxyHTMLExtended On
ProxyHTMLBufSize 64
</Location>
<Location /interp>
ProxyHTMLInterp On
SetEnv PLACE_OF /interpolated
ProxyHTMLURLMap "/app" "${PLACE_OF}" V
ProxyHTMLURLMap "${NONE|/app}" "/defaulted" v
</Location>
<Location /cond>
ProxyHTMLInterp On
ProxyHTMLURLMap /app /conditional "" IS_SET
SetEnvIf Query_String yes IS_SET=1
</Location>
<Location /charset>
ProxyHTMLCharsetOut ISO-8859-1
</Location>
<LocationMatch "\.txt$">
SetEnv PROXY_HTML_FORCE 1
</LocationMatch>
"#,
    );
    let mut cases = Vec::new();
    for name in [
        "plain", "ext", "regex", "html5", "xhtml", "legacy", "doctype", "strip", "fixups", "meta",
        "buf", "interp", "cond", "charset", "off",
    ] {
        cases.push(Case::get(&format!("/{name}/page.html")));
    }
    cases.extend(Case::gets(&[
        "/cond/page.html?yes",
        "/plain/page.txt",
        "/plain/empty.html",
        "/plain/latin.html",
        "/plain/utf8.html",
        "/plain/long.html",
        "/plain/page.xhtml",
        "/plain/missing.html",
        "/through/page.html",
        "/through/latin.html",
        "/through/long.html",
        "/through/page.txt",
        "/through/missing.html",
    ]));
    cases.push(Case::with("HEAD", "/through/page.html", &[], ""));
    cases.push(Case::get_with(
        "/through/page.html",
        &[("Range", "bytes=0-5")],
    ));
    compare("proxy_html xml2enc", &configuration, &cases)
}

#[test]
fn characters() -> Result<()> {
    let site = Site::new()?;
    for directory in [
        "lite",
        "noext",
        "xml",
        "xml-default",
        "xml-alias",
        "xml-skip",
    ] {
        site.file(
            &format!("{directory}/latin.html"),
            b"<html><body>gr\xfcn \xa4</body></html>\n".as_slice(),
        )?;
        site.file(
            &format!("{directory}/latin.txt"),
            b"gr\xfcn und s\xfc\xdf\n".as_slice(),
        )?;
        site.file(
            &format!("{directory}/utf8.html"),
            "<html><head><meta charset='utf-8'></head><body>grün €</body></html>\n",
        )?;
        site.file(
            &format!("{directory}/utf8.txt"),
            "grün und süß\n".repeat(900),
        )?;
        site.file(&format!("{directory}/meta.html"), b"<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=windows-1252\"></head><body>\x80 \x93q\x94</body></html>\n".as_slice())?;
        site.file(
            &format!("{directory}/decl.xml"),
            b"<?xml version=\"1.0\" encoding=\"ISO-8859-15\"?>\n<a>\xa4 \xfc</a>\n".as_slice(),
        )?;
        site.file(
            &format!("{directory}/bom.html"),
            "\u{feff}<html><body>é</body></html>\n",
        )?;
        site.file(
            &format!("{directory}/image.png"),
            b"\x89PNG\xfc\xff".as_slice(),
        )?;
    }
    let configuration = serve(
        &site,
        "dir mime charset_lite xml2enc filter",
        r#"
TypesConfig /etc/mime.types
<Location /lite>
CharsetSourceEnc UTF-8
CharsetDefault ISO-8859-1
</Location>
<Location /lite/latin.txt>
CharsetSourceEnc ISO-8859-1
CharsetDefault UTF-8
</Location>
<Location /noext>
CharsetSourceEnc ISO-8859-1
CharsetDefault UTF-8
CharsetOptions NoImplicitAdd TranslateAllMimeTypes
</Location>
<Location /noext/latin.txt>
SetOutputFilter XLATEOUT
</Location>
<Location /xml>
SetOutputFilter xml2enc
</Location>
<Location /xml-default>
SetOutputFilter xml2enc
xml2EncDefault ISO-8859-1
</Location>
<Location /xml-alias>
SetOutputFilter xml2enc
AddDefaultCharset odd-name
</Location>
xml2EncAlias ISO-8859-1 odd-name other-name
<Location /xml-skip>
SetOutputFilter xml2enc
xml2StartParse body
AddDefaultCharset odd-name
</Location>
"#,
    );
    let mut cases = Vec::new();
    for directory in [
        "lite",
        "noext",
        "xml",
        "xml-default",
        "xml-alias",
        "xml-skip",
    ] {
        for name in [
            "latin.html",
            "latin.txt",
            "utf8.html",
            "utf8.txt",
            "meta.html",
            "decl.xml",
            "bom.html",
            "image.png",
        ] {
            cases.push(Case::get(&format!("/{directory}/{name}")));
        }
    }
    cases.push(Case::with("HEAD", "/lite/utf8.txt", &[], ""));
    cases.push(Case::with("HEAD", "/xml/utf8.txt", &[], ""));
    cases.push(Case::get_with("/lite/utf8.txt", &[("Range", "bytes=3-20")]));
    cases.push(Case::get("/lite/missing"));
    compare("charset_lite xml2enc", &configuration, &cases)
}
