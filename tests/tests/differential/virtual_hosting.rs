//! Hosts and users whose directories follow from their names: vhost_alias and userdir.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

#[test]
fn directories_from_names() -> Result<()> {
    let site = Site::new()?;
    for directory in [
        "full/www.one.example",
        "full/test",
        "part/example/one",
        "first/www",
        "last/example",
        "neg/one",
        "from2/one.example",
        "upto/www.one",
        "letters/o/n/e",
        "letters/o/n/_",
        "port/x",
        "percent%/x",
        "path",
        "ip/127.0.0.1",
        "full/_",
        "two/example/www",
        "plus/one.example",
    ] {
        site.file(&format!("{directory}/index.html"), format!("{directory}\n"))?;
    }
    for scripts in ["full/www.one.example", "path"] {
        site.program(&format!("scripts/{scripts}/hello"), "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s %s\\n' \"$SCRIPT_NAME\" \"$DOCUMENT_ROOT\"\n")?;
    }
    let roots = [
        ("full", "@SITE@/full/%0"),
        ("part", "@SITE@/part/%-1/%-2"),
        ("first", "@SITE@/first/%1"),
        ("last", "@SITE@/last/%-1"),
        ("neg", "@SITE@/neg/%-2"),
        ("from2", "@SITE@/from2/%2+"),
        ("upto", "@SITE@/upto/%-2+"),
        ("letters", "@SITE@/letters/%2.1/%2.2/%2.3"),
        ("letters-back", "@SITE@/letters/%-2.-3/%-2.-2/%-2.-1"),
        ("rest", "@SITE@/letters/%2.1/%2.2/%2.3+"),
        ("percent", "@SITE@/percent%%/x"),
        ("beyond", "@SITE@/full/%5"),
        ("port", "@SITE@/port/%p/../x"),
    ];
    let mut cases = Vec::new();
    for (name, root) in roots {
        let configuration = serve(
            &site,
            "dir mime alias vhost_alias cgid",
            &format!(
                "TypesConfig /etc/mime.types\nScriptSock cgid.sock\nDirectoryIndex index.html\nUseCanonicalName Off\n\
                 VirtualDocumentRoot \"{root}\"\nVirtualScriptAlias \"@SITE@/scripts/full/%0\"\n\
                 <Directory \"@SITE@/scripts\">\nOptions ExecCGI\n</Directory>\n"
            ),
        );
        cases.clear();
        for host in [
            "www.one.example",
            "one.example",
            "test",
            "WWW.One.Example",
            "www.one.example:80",
            "www.one.example.",
            "a..b",
            "127.0.0.1",
        ] {
            let mut case = Case::get_with("/", &[("Host", host)]);
            case.name = format!("{} under {name}", case.name);
            cases.push(case);
        }
        if name == "full" {
            for path in [
                "/cgi-bin/hello",
                "/cgi-bin/none",
                "/none",
                "/index.html/x",
                "/..%2fx",
            ] {
                cases.push(Case::get_with(path, &[("Host", "www.one.example")]));
            }
            cases.push(Case::raw("HTTP/1.0 without host", "GET / HTTP/1.0\r\n\r\n"));
            cases.push(Case::get_with(
                "http://www.one.example/index.html",
                &[("Host", "other")],
            ));
        }
        compare("vhost_alias", &configuration, &cases)?;
    }
    Ok(())
}

#[test]
fn directories_from_addresses() -> Result<()> {
    let site = Site::new()?;
    site.file("ip/127.0.0.1/index.html", "by address\n")?;
    site.file("ip/127/0/index.html", "by parts\n")?;
    site.program(
        "scripts/1/hello",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s\\n' \"$SCRIPT_NAME\"\n",
    )?;
    for root in ["@SITE@/ip/%0", "@SITE@/ip/%1/%2", "none"] {
        let configuration = serve(
            &site,
            "dir mime alias vhost_alias cgid",
            &format!(
                "TypesConfig /etc/mime.types\nScriptSock cgid.sock\nDirectoryIndex index.html\n\
                 VirtualDocumentRootIP {root}\nVirtualScriptAliasIP \"@SITE@/scripts/%-1\"\n\
                 <Directory \"@SITE@/scripts\">\nOptions ExecCGI\n</Directory>\n"
            ),
        );
        compare(
            "vhost_alias",
            &configuration,
            &Case::gets(&["/", "/cgi-bin/hello", "/none"]),
        )?;
    }
    Ok(())
}

#[test]
fn directories_of_users() -> Result<()> {
    let site = Site::new()?;
    for user in ["anna", "bert", "root", "www-data", "nobody"] {
        site.file(
            &format!("users/{user}/web/index.html"),
            format!("{user} in web\n"),
        )?;
        site.file(
            &format!("homes/{user}/index.html"),
            format!("{user} at home\n"),
        )?;
    }
    let forms = [
        "UserDir \"@SITE@/users/*/web\"",
        "UserDir \"@SITE@/homes\"",
        "UserDir http://users.example/*/pages",
        "UserDir http://users.example/",
        "UserDir \"@SITE@/none\" \"@SITE@/homes\"",
        "UserDir disabled anna root\nUserDir \"@SITE@/homes\"",
        "UserDir disabled\nUserDir enabled bert\nUserDir \"@SITE@/homes\"",
        "UserDir public_html",
        "UserDir disabled",
    ];
    for form in forms {
        let configuration = serve(
            &site,
            "dir mime alias userdir",
            &format!("TypesConfig /etc/mime.types\nDirectoryIndex index.html\n{form}\n"),
        );
        let mut cases = Case::gets(&[
            "/~anna/",
            "/~anna",
            "/~bert/index.html",
            "/~root/",
            "/~nobody/",
            "/~missing/",
            "/~/",
            "/~anna/none",
            "/~../",
            "/~anna/index.html?x=1",
            "/~.",
            "/~www-data/x/y",
        ]);
        for case in &mut cases {
            case.name = format!("{} under {form}", case.name);
        }
        compare("userdir", &configuration, &cases)?;
    }
    Ok(())
}
