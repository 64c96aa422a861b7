//! Image maps with all their directives, and aliases inside sections.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

const SHAPES: &str = "# shapes\nbase http://base.example/dir/\nrect rect.html 0,0 10,10\nrect \"back.html\" \"Quoted text\" 20,20 10,30\ncircle circle.html 50,50 60,50\npoly poly.html \"A poly\" 100,100 120,100 120,120 100,120\npoint near.html 200,200\npoint far.html 300,300\ndefault other.html\n";

#[test]
fn maps_of_images() -> Result<()> {
    let site = Site::new()?;
    for directory in [
        "none",
        "formatted",
        "semi",
        "unformatted",
        "defaults",
        "basemap",
        "baseref",
        "baseurl",
    ] {
        site.file(&format!("{directory}/shapes.map"), SHAPES)?;
        site.file(&format!("{directory}/nobase.map"), "<h1>Heading</h1>\n\n# note\n(comment)\nrect one.html \"One\" 0,0 10,10\nrect ../up.html 20,20 30,30\nrect /root.html 40,40 50,50\nrect http://abs.example/x 60,60 70,70\nrect mailto:a@b 80,80 90,90\nrect menu 100,100 110,110\nrect map 120,120 130,130\nrect referer 140,140 150,150\nrect nocontent 160,160 170,170\nrect error 180,180 190,190\nrect #frag 200,200 210,210\nrect ?query 220,220 230,230\n")?;
        site.file(&format!("{directory}/odd.map"), "base_uri map\nrect broken\nrect x.html 1\nnonsense y.html 0,0 5,5\npoly few.html 1,1 2,2\ncircle \"only\" \ndefault menu\n")?;
        site.file(
            &format!("{directory}/errors.map"),
            "rect one.html <a> 0,0 1,1\ndefault error\n",
        )?;
        site.file(&format!("{directory}/empty.map"), "")?;
    }
    let configuration = serve(
        &site,
        "dir mime alias imagemap",
        r#"
TypesConfig /etc/mime.types
AddHandler imap-file map
<Directory "@SITE@/none">
ImapMenu none
</Directory>
<Directory "@SITE@/formatted">
ImapMenu formatted
</Directory>
<Directory "@SITE@/semi">
ImapMenu semiformatted
</Directory>
<Directory "@SITE@/unformatted">
ImapMenu unformatted
</Directory>
<Directory "@SITE@/defaults">
ImapDefault /the/default.html
</Directory>
<Directory "@SITE@/basemap">
ImapBase map
ImapDefault nocontent
</Directory>
<Directory "@SITE@/baseref">
ImapBase referer
ImapDefault referer
</Directory>
<Directory "@SITE@/baseurl">
ImapBase http://imap.example/base/
ImapDefault map
</Directory>
"#,
    );
    let mut cases = Vec::new();
    for directory in ["none", "formatted", "semi", "unformatted"] {
        for map in ["shapes", "nobase", "odd", "errors", "empty"] {
            cases.push(Case::get(&format!("/{directory}/{map}.map")));
        }
    }
    for directory in ["defaults", "basemap", "baseref", "baseurl"] {
        for place in [
            "5,5", "25,25", "45,45", "65,65", "85,85", "105,105", "125,125", "145,145", "165,165",
            "185,185", "205,205", "225,225", "999,999",
        ] {
            cases.push(Case::get(&format!("/{directory}/nobase.map?{place}")));
        }
        let referer = [("Referer", "http://from.example/a/b.html?c")];
        cases.push(Case::get_with(
            &format!("/{directory}/nobase.map?25,25"),
            &referer,
        ));
        cases.push(Case::get_with(
            &format!("/{directory}/nobase.map?145,145"),
            &referer,
        ));
        cases.push(Case::get_with(
            &format!("/{directory}/empty.map?1,1"),
            &referer,
        ));
    }
    for place in [
        "5,5",
        "15,25",
        "53,52",
        "57,58",
        "110,110",
        "121,110",
        "201,201",
        "290,310",
        "0,0",
        "-1,-1",
        "5",
        "a,b",
        "5,5,5",
        "1.5,2.5",
        ",",
        "99999999999,1",
    ] {
        cases.push(Case::get(&format!("/formatted/shapes.map?{place}")));
    }
    cases.push(Case::get("/formatted/odd.map?3,3"));
    cases.push(Case::get("/formatted/missing.map?3,3"));
    cases.push(Case::with("POST", "/formatted/shapes.map?5,5", &[], "x"));
    cases.push(Case::with("HEAD", "/formatted/shapes.map", &[], ""));
    compare("imagemap", &configuration, &cases)
}

#[test]
fn aliases_in_sections() -> Result<()> {
    let site = Site::new()?;
    for name in [
        "a/index.html",
        "a/x.txt",
        "b/x.txt",
        "c/deep/x.txt",
        "index.html",
    ] {
        site.file(name, format!("{name}\n"))?;
    }
    site.program("cgi/hello", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s %s\\n' \"$SCRIPT_NAME\" \"$PATH_INFO\"\n")?;
    let configuration = serve(
        &site,
        "dir mime alias cgid setenvif env",
        r#"
TypesConfig /etc/mime.types
ScriptSock cgid.sock
DirectoryIndex index.html
<Location /in-a>
Alias "@SITE@/a"
</Location>
<LocationMatch "^/match/(?<part>[a-c])(/.*)?$">
Alias "@SITE@/%{env:MATCH_PART}"
</LocationMatch>
<LocationMatch "^/expr/">
Alias "@SITE@/%{tolower:%{HTTP:X-Dir}}/x.txt"
</LocationMatch>
<Location /scripts>
ScriptAlias "@SITE@/cgi"
</Location>
<Location /go>
Redirect 301 http://elsewhere.example/to
</Location>
<Location /gone>
Redirect gone
</Location>
<Location /see>
Redirect seeother "http://elsewhere.example/%{base64:%{REQUEST_URI}}"
</Location>
<LocationMatch "^/odd/(?<n>\d+)$">
Redirect temp "http://elsewhere.example/%{env:MATCH_N}?q=%{QUERY_STRING}"
</LocationMatch>
<Location /preserve>
AliasPreservePath on
Alias "@SITE@/c"
</Location>
<Location /relative>
RedirectRelative on
Redirect 302 /here
</Location>
RedirectRelative on
Redirect 302 /plain-relative /there
RedirectMatch 308 ^/permanent/(.*)$ /moved/$1?from=$0
Redirect 410 /status-only
Redirect 599 /odd-status
RedirectTemp /temp http://t.example/
RedirectPermanent /perm http://p.example/x?y=z
AliasMatch ^/re/([ab])$ "@SITE@/$1/x.txt"
AliasMatch ^/re2/(.*) "@SITE@/\$1/$1"
ScriptAliasMatch ^/run/(.*)$ "@SITE@/cgi/$1"
Alias /twice/inner "@SITE@/b"
Alias /twice "@SITE@/a"
Alias /slash/ "@SITE@/a/"
Alias /noslash "@SITE@/a/"
"#,
    );
    let mut cases = Case::gets(&[
        "/in-a",
        "/in-a/",
        "/in-a/x.txt",
        "/match/a/x.txt",
        "/match/b/x.txt",
        "/match/a",
        "/match/z",
        "/expr/",
        "/scripts/hello",
        "/scripts/hello/info",
        "/scripts/none",
        "/go",
        "/go/on?x=1",
        "/gone",
        "/gone/x",
        "/see",
        "/see/more",
        "/odd/12?a=b",
        "/odd/x",
        "/preserve/deep/x.txt",
        "/preserve/x",
        "/relative",
        "/relative/x?y",
        "/plain-relative",
        "/plain-relative/x%20y?z",
        "/permanent/a%20b?q",
        "/status-only",
        "/odd-status",
        "/temp",
        "/tempx",
        "/temp/x",
        "/perm",
        "/perm/more",
        "/perm?own",
        "/re/a",
        "/re/c",
        "/re2/a",
        "/run/hello/i",
        "/twice/inner/x.txt",
        "/twice/x.txt",
        "/twice/inner",
        "/slash/x.txt",
        "/slash",
        "/noslash/x.txt",
        "/noslashx.txt",
        "/in-a/%2e%2e/index.html",
        "//in-a//x.txt",
    ]);
    cases.push(Case::get_with("/expr/", &[("X-Dir", "B")]));
    cases.push(Case::with("POST", "/go", &[], "x"));
    cases.push(Case::with("HEAD", "/go", &[], ""));
    compare("alias", &configuration, &cases)
}
