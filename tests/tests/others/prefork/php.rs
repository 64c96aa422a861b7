//! Debian's mod_php runs pages under prefork as under Apache's: what a page is given, and all that it
//! can answer.

use std::fs;

use anyhow::{Result, ensure};
use httpd_tests::{
    conversation::{Visitor, basic, converse},
    differential::{Case, serve},
    host::workspace,
    others::{compare, placed},
    site::Site,
};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// The pages of `php-pages`, and PHP's settings for them.
pub(super) fn pages() -> Result<Site> {
    let site = Site::new()?;
    let pages = workspace().join("tests/tests/others/prefork/php-pages");
    for page in fs::read_dir(pages)? {
        let page = page?;
        let name = page.file_name().to_string_lossy().into_owned();
        site.file(&name, fs::read(page.path())?)?;
    }
    site.file(
        "ini/php.ini",
        "zend_extension=/usr/lib/php/20220829/opcache.so\nopcache.file_update_protection=0\n\
         display_errors=0\nlog_errors=1\nsession.gc_probability=0\nsession.use_strict_mode=1\n\
         upload_max_filesize=64M\npost_max_size=80M\nzlib.output_compression=0\n",
    )?;
    Ok(site)
}

/// A server that runs the pages of `site` with mod_php.
pub(super) fn php(site: &Site, modules: &str, more: &str) -> Result<String> {
    placed(&serve(
        site,
        &format!("dir mime env {modules}"),
        &format!(
            "LoadModule php_module @OTHER_MODULES@/libphp8.2.so\nTypesConfig /etc/mime.types\n\
             PHPIniDir \"@SITE@/ini\"\nDirectoryIndex index.php\nSetEnv FROM_SETENV given\n\
             <FilesMatch \"\\.php$\">\nSetHandler application/x-httpd-php\n</FilesMatch>\n{more}\n"
        ),
    ))
}

#[test]
fn what_a_page_is_told() -> Result<()> {
    let site = pages()?;
    site.file("users", "ann:{SHA}X92mAnEoIPQ5kBRlLzkVXYKJYWU=\n")?;
    fs::create_dir(site.path().join("secret"))?;
    fs::copy(
        site.path().join("show.php"),
        site.path().join("secret/show.php"),
    )?;
    fs::copy(site.path().join("show.php"), site.path().join("index.php"))?;
    let more = "AcceptPathInfo On\nAlias /aliased \"@SITE@/secret\"\n\
                <Directory \"@SITE@/secret\">\nAuthType Basic\nAuthName here\n\
                AuthBasicProvider file\nAuthUserFile @SITE@/users\nRequire valid-user\n</Directory>\n\
                RewriteEngine On\nRewriteRule ^/pretty/(.*)$ /show.php/$1?rewritten=yes [QSA]\n\
                ErrorDocument 404 /show.php\n"
        .replace("@SITE@", &site.path().display().to_string());
    let mut cases = Case::gets(&[
        "/show.php",
        "/show.php?a=b&c[]=1&c[]=2&d=%20%41",
        "/show.php/more/path?q",
        "/show.php/",
        "/",
        "/pretty/thing?x=y",
        "/none.html",
        "/none.php",
        "/plain.txt",
        "/secret/show.php",
    ]);
    for (user, password) in [("ann", "wrong"), ("ann", "right"), ("nobody", "x")] {
        let field = basic(user, password);
        let fields = [("Authorization", field.as_str())];
        cases.push(Case::get_with("/secret/show.php", &fields));
        cases.push(Case::get_with("/show.php", &fields));
        cases.push(Case::get_with("/aliased/show.php/extra", &fields));
    }
    cases.extend([
        Case::get_with(
            "/show.php",
            &[("Cookie", "a=b; c=d%20e"), ("X-Field", "one")],
        ),
        Case::get_with("/show.php", &[("Authorization", "Digest username=\"x\"")]),
        Case::get_with("/show.php", &[("Authorization", "Bearer token")]),
        Case::get_with("/show.php", &[("Host", "other.example:81")]),
        Case::with("HEAD", "/show.php", &[], ""),
        Case::with("POST", "/show.php?in=url", &[FORM], "a=b&c=d+e"),
        Case::with("PUT", "/show.php", &[("Content-Type", "text/x")], "put"),
        Case::with("DELETE", "/show.php", &[], ""),
        Case::with("PATCH", "/show.php", &[FORM], "a=b"),
        Case::with("OPTIONS", "/show.php", &[], ""),
        Case::with("MADEUP", "/show.php", &[], ""),
        Case::raw("HTTP/1.0", "GET /show.php HTTP/1.0\r\n\r\n"),
    ]);
    compare(
        "php",
        &php(
            &site,
            "alias auth_basic authn_core authn_file authz_user rewrite",
            &more,
        )?,
        &cases,
    )
}

#[test]
fn bodies() -> Result<()> {
    let site = pages()?;
    let large = "0123456789abcdef".repeat(60_000);
    let field = format!("name={large}");
    let chunks = format!(
        "POST /body.php HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {}\r\n\
         Transfer-Encoding: chunked\r\n\r\n4\r\na=b&\r\n3\r\nc=d\r\n0\r\n\r\n",
        FORM.1
    );
    let cases = [
        Case::with("POST", "/body.php", &[FORM], "a=b&c[x]=1&c[y]=2"),
        Case::with("POST", "/body.php", &[FORM], &field),
        Case::with("POST", "/body.php", &[("Content-Type", "application/json")], "{\"a\": 1}"),
        Case::with("POST", "/body.php", &[("Content-Type", "text/plain")], &large),
        Case::with("POST", "/body.php", &[], "without a type"),
        Case::with("PUT", "/body.php", &[("Content-Type", "text/plain")], "put"),
        Case::with("DELETE", "/body.php", &[("Content-Type", "text/plain")], "gone"),
        Case::with("POST", "/body.php", &[FORM], ""),
        Case::raw("chunks", chunks),
        Case::raw(
            "expectation",
            "POST /body.php HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n\
             Content-Length: 3\r\n\r\nabc",
        ),
        Case::raw(
            "a body cut off",
            "POST /body.php HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 30\r\n\r\nabc",
        )
        .then_finish(),
        Case::raw(
            "a body that a page leaves, then another request",
            "POST /plain.php HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde\
             GET /body.php HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        ),
    ];
    compare("php", &php(&site, "", "")?, &cases)
}

#[test]
fn heads_and_statuses() -> Result<()> {
    let site = pages()?;
    let mut cases: Vec<Case> = [
        "code&code=200",
        "code&code=404",
        "code&code=500",
        "code&code=503",
        "code&code=299",
        "code&code=599",
        "line",
        "old",
        "status",
        "location",
        "created",
        "two",
        "replaced",
        "cookies",
        "nothing",
        "unmodified",
        "length",
        "powered",
        "auth",
        "type",
        "none",
        "late",
        "empty",
        "list",
        "callback",
        "unknown",
    ]
    .iter()
    .flat_map(|how| {
        let path = format!("/status.php?how={how}");
        [Case::get(&path), Case::with("HEAD", &path, &[], "")]
    })
    .collect();
    cases.extend(
        [
            "callback", "nested", "flushed", "large", "file", "shutdown", "implicit",
        ]
        .map(|how| Case::get(&format!("/buffer.php?how={how}"))),
    );
    cases.push(Case::get_with(
        "/buffer.php?how=gzip",
        &[("Accept-Encoding", "gzip")],
    ));
    cases.push(Case::get("/buffer.php?how=gzip"));
    cases.push(Case::raw(
        "a page before another on a connection",
        "GET /buffer.php?how=flushed HTTP/1.1\r\nHost: a\r\n\r\n\
         GET /buffer.php?how=large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ));
    cases.push(Case::raw(
        "HTTP/1.0",
        "GET /buffer.php?how=flushed HTTP/1.0\r\n\r\n",
    ));
    let more = "ErrorDocument 503 \"not now\"\n";
    compare("php", &php(&site, "", more)?, &cases)
}

#[test]
fn settings_of_directories() -> Result<()> {
    let site = pages()?;
    let page = fs::read(site.path().join("settings.php"))?;
    for (directory, lines) in [
        (
            "values",
            "php_value memory_limit 77M\nphp_flag display_errors on\nphp_value include_path \".:/x\"\n",
        ),
        (
            "values/below",
            "php_value memory_limit 88M\nphp_flag short_open_tag off\n",
        ),
        ("admin", "php_admin_value memory_limit 99M\n"),
        ("adminflag", "php_admin_flag display_errors on\n"),
        (
            "locked",
            "php_value memory_limit 11M\nphp_value user_agent mine\n",
        ),
        ("system", "php_value upload_max_filesize 1M\n"),
        (
            "none",
            "php_value default_charset none\nphp_value session.name MINE\n",
        ),
        ("engine", "php_flag engine off\n"),
        ("unknown", "php_value no.such.setting 1\n"),
        ("wrong", "php_flag display_errors\n"),
        ("allowed", "php_value default_charset latin1\n"),
    ] {
        site.file(&format!("{directory}/settings.php"), &page)?;
        site.file(&format!("{directory}/.htaccess"), lines)?;
    }
    site.file("prepend.inc", "<?php header('X-Prepended: yes');")?;
    site.file("prepended/settings.php", &page)?;
    let more = "<Directory \"@SITE@\">\nAllowOverride Options\n</Directory>\n\
                <Directory \"@SITE@/allowed\">\nAllowOverride None\n</Directory>\n\
                php_admin_value user_agent everywhere\nphp_value max_execution_time 20\n\
                <Directory \"@SITE@/locked\">\nphp_admin_value memory_limit 66M\n</Directory>\n\
                <Directory \"@SITE@/prepended\">\nphp_value auto_prepend_file @SITE@/prepend.inc\n\
                </Directory>\n\
                <Location /located>\nphp_value memory_limit 55M\nphp_admin_flag display_errors on\n\
                </Location>\nAlias /located/settings.php @SITE@/settings.php\n\
                <Files \"settings.php\">\nphp_value default_charset ascii\n</Files>\n"
        .replace("@SITE@", &site.path().display().to_string());
    let cases = Case::gets(&[
        "/settings.php",
        "/values/settings.php",
        "/values/below/settings.php",
        "/admin/settings.php",
        "/adminflag/settings.php",
        "/locked/settings.php",
        "/system/settings.php",
        "/none/settings.php",
        "/engine/settings.php",
        "/unknown/settings.php",
        "/wrong/settings.php",
        "/allowed/settings.php",
        "/prepended/settings.php",
        "/located/settings.php",
        // What one directory has set, the next request of the same child does not see.
        "/settings.php",
    ]);
    compare("php", &php(&site, "alias", &more)?, &cases)
}

#[test]
fn functions_of_the_server() -> Result<()> {
    let site = pages()?;
    let more = "<Location /forbidden>\nRequire all denied\n</Location>\n\
                Header set X-From-Environment %{FROM_PHP}e env=FROM_PHP\n\
                LogFormat \"%U%q %>s %{FROM_PHP}e %{a}n %{X-Own}o\" seen\nCustomLog logs/seen.log seen\n";
    let cases: Vec<Case> = [
        "headers",
        "environment",
        "note",
        "lookup",
        "virtual",
        "modules",
        "version",
        "terminate",
        "time",
    ]
    .iter()
    .map(|what| {
        Case::get_with(
            &format!("/apache.php?what={what}"),
            &[("X-Field", "1"), ("x-field", "2"), ("Accept", "*/*")],
        )
    })
    .collect();
    compare("php", &php(&site, "headers autoindex", more)?, &cases)
}

#[test]
fn failures() -> Result<()> {
    let site = pages()?;
    let hows = [
        "undefined",
        "exception",
        "after",
        "memory",
        "exit",
        "die",
        "warning",
        "log",
        "parse",
        "required",
        "recursion",
        "time",
        "nap",
        "trigger",
        "undefined",
    ];
    let configuration = php(
        &site,
        "",
        "<Location /shown>\nphp_flag display_errors on\n</Location>\n\
         AliasMatch ^/shown/(.*) \"@SITE@/$1\"\n"
            .replace("@SITE@", &site.path().display().to_string())
            .as_str(),
    )?
    .replace(
        "LoadModule php",
        "LoadModule alias_module @MODULES@/mod_alias.so\nLoadModule php",
    );
    converse(
        "php",
        &configuration,
        &[],
        |_| Ok(()),
        |visitor| {
            for how in hows {
                visitor.get(&format!("/failing.php?how={how}"));
                // Once is enough where it takes a second.
                if !["time", "nap"].contains(&how) {
                    visitor.get(&format!("/shown/failing.php?how={how}"));
                }
            }
            visitor.get("/unbalanced.php");
            visitor.get("/shown/unbalanced.php");
            // What PHP wrote into the error log, without the time and the process.
            let log = visitor.host().messages();
            let lines: Vec<String> = log
                .lines()
                .filter(|line| line.contains("[php:") || line.contains("own"))
                .map(|line| {
                    let text = line.rsplit_once("] ").map_or(line, |(_, text)| text);
                    let level = line.split("[php:").nth(1).unwrap_or_default();
                    let level = level.split(']').next().unwrap_or_default();
                    format!(
                        "{level} {}",
                        text.split(" on line").next().unwrap_or_default()
                    )
                })
                .collect();
            ensure!(lines.len() > 15, "few lines: {log}");
            visitor.note("the error log", &lines.join("\n"));
            Ok(())
        },
    )
}

#[test]
fn programs_that_pages_start() -> Result<()> {
    let site = pages()?;
    compare("php", &php(&site, "", "")?, &[Case::get("/programs.php")])
}

#[test]
fn sessions() -> Result<()> {
    let site = pages()?;
    let configuration = php(&site, "", "SetEnv STATE @STATE@")?;
    converse(
        "php",
        &configuration,
        &["PHPSESSID=", "OTHER="],
        |_| Ok(()),
        |visitor| {
            for _ in 0..5 {
                visitor.get("/session.php");
            }
            let first = visitor.cookie("PHPSESSID").unwrap_or_default().to_owned();
            ensure!(!first.is_empty(), "no cookie");
            visitor.submit("/session.php?how=set", "name=J%C3%BCrgen");
            visitor.get("/session.php?how=show");
            visitor.get("/session.php?how=renew");
            ensure!(
                visitor.cookie("PHPSESSID") != Some(&first),
                "the same cookie"
            );
            visitor.get("/session.php?how=show");
            // Nobody may choose an identity.
            visitor.set_cookie("PHPSESSID", "chosen");
            visitor.get("/session.php?how=show");
            visitor.get("/session.php?options=1");
            visitor.get("/session.php?how=end");
            visitor.get("/session.php?how=show");
            Ok(())
        },
    )
}

/// A form with files, as browsers send it.
fn form(parts: &[(&str, &str)]) -> (String, String) {
    let mut body = String::new();
    for (head, content) in parts {
        body +=
            &format!("--xBOUNDARYx\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n");
    }
    body += "--xBOUNDARYx--\r\n";
    ("multipart/form-data; boundary=xBOUNDARYx".to_owned(), body)
}

#[test]
fn uploads() -> Result<()> {
    let site = pages()?;
    let configuration = php(&site, "", "SetEnv STATE @STATE@")?;
    let large = "0123456789abcdefghijklmnopqrstuv".repeat(640 << 10);
    let upload = |visitor: &mut Visitor<'_>, parts: &[(&str, &str)]| {
        let (kind, body) = form(parts);
        visitor.send("POST", "/upload.php", &[("Content-Type", &kind)], &body)
    };
    converse(
        "php",
        &configuration,
        &[],
        |_| Ok(()),
        |visitor| {
            let plain = "filename=\"a.txt\"\r\nContent-Type: text/plain";
            upload(
                visitor,
                &[
                    (&format!("name=\"one\"; {plain}"), "small"),
                    ("name=\"field\"", "value"),
                ],
            );
            upload(
                visitor,
                &[
                    (&format!("name=\"many[]\"; {plain}"), "first"),
                    (&format!("name=\"many[]\"; {plain}"), "second"),
                ],
            );
            upload(
                visitor,
                &[(
                    "name=\"none\"; filename=\"\"\r\nContent-Type: application/octet-stream",
                    "",
                )],
            );
            upload(visitor, &[("name=\"empty\"; filename=\"e\"", "")]);
            upload(
                visitor,
                &[
                    ("name=\"MAX_FILE_SIZE\"", "10"),
                    (&format!("name=\"limited\"; {plain}"), &"x".repeat(11)),
                ],
            );
            let answer = upload(
                visitor,
                &[
                    (&format!("name=\"large\"; {plain}"), &large),
                    ("name=\"after\"", "still here"),
                ],
            );
            ensure!(answer.text().contains("int(20971520)"), "{}", answer.text());
            let kept = fs::read(visitor.state().path().join("large0"))?;
            ensure!(kept == large.as_bytes(), "{} bytes kept", kept.len());
            // Not a form: no end, no boundary.
            visitor.send(
                "POST",
                "/upload.php",
                &[("Content-Type", "multipart/form-data; boundary=x")],
                "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb",
            );
            visitor.send(
                "POST",
                "/upload.php",
                &[("Content-Type", "multipart/form-data")],
                "--x\r\n",
            );
            ensure!(!visitor.state().path().join("stolen").exists());
            Ok(())
        },
    )
}

#[test]
fn cached_scripts() -> Result<()> {
    let site = pages()?;
    let cases: Vec<Case> = (0..8).map(|_| Case::get("/cached.php")).collect();
    // The first request may find the second script uncached: whoever comes first.
    let configuration = php(&site, "", "")?;
    compare("php", &configuration, &cases)
}
