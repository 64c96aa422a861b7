//! Access where a request is not alone: sub-requests that ask what may be seen, error documents,
//! proxies, connections that go on, bodies nobody reads, and what the logs say of users.

use anyhow::{Context, Result};
use httpd_tests::{
    client::Client,
    conversation::{basic, converse},
    differential::{Case, compare, serve},
    site::Site,
};

const MODULES: &str = "dir mime alias headers env setenvif rewrite include negotiation autoindex cgi \
                       authn_core authn_file auth_basic auth_digest authz_user authz_host proxy proxy_http";

const PASSWORDS: &str =
    "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nbob:{SHA}mdcsf8Pi4UWHC+qzfAtw40PqnDs=\n";

fn site() -> Result<Site> {
    let site = Site::new()?;
    site.file("conf/passwords", PASSWORDS)?;
    for (name, content) in [
        ("list/open.txt", "open\n"),
        ("list/closed.txt", "closed\n"),
        ("list/members.txt", "members\n"),
        ("list/private/x.txt", "x\n"),
        ("list/forbidden/x.txt", "x\n"),
        ("index/index.html", "members' index\n"),
        ("index/other.html", "everybody's index\n"),
        (
            "page/a.shtml",
            "[<!--#include virtual=\"/list/open.txt\" -->][<!--#include virtual=\"/list/closed.txt\" -->][<!--#include virtual=\"/list/members.txt\" -->][<!--#include file=\"b.txt\" -->][<!--#echo var=\"REMOTE_USER\" -->][<!--#echo var=\"AUTH_TYPE\" -->][<!--#fsize virtual=\"/list/members.txt\" -->]\n",
        ),
        ("page/b.txt", "b"),
        ("variants/doc.html.en", "english\n"),
        ("variants/doc.html.de", "deutsch\n"),
        ("errors/401.html", "please log in\n"),
        ("errors/403.html", "keep out\n"),
        ("secret/index.html", "secret\n"),
        ("locked/index.html", "locked\n"),
        ("lookahead/index.html", "look ahead\n"),
        ("realm/index.html", "realm\n"),
        ("mixed/index.html", "mixed\n"),
        ("rewritten/index.html", "rewritten\n"),
        ("user/alice.html", "for alice\n"),
    ] {
        site.file(name, content)?;
    }
    site.program(
        "cgi/who",
        "#!/bin/sh\necho\necho \"${REMOTE_USER-nobody} ${AUTH_TYPE-none} ${HTTP_AUTHORIZATION-none} ${REDIRECT_REMOTE_USER-none} ${REDIRECT_STATUS-none} ${REMOTE_IDENT-none}\"\n",
    )?;
    Ok(site)
}

const CONFIGURATION: &str = r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html other.html
AddLanguage de .de
AddLanguage en .en
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
ScriptAlias /cgi "@SITE@/cgi/who"
ScriptAlias /passed "@SITE@/cgi/who"
IndexOptions FancyIndexing SuppressLastModified SuppressSize
ErrorDocument 403 /errors/403.html
<Directory "@SITE@">
Options Indexes Includes MultiViews FollowSymLinks
AuthType Basic
AuthName site
AuthUserFile "@SITE@/conf/passwords"
</Directory>
<Directory "@SITE@/list">
<Files closed.txt>
Require all denied
</Files>
<Files members.txt>
Require valid-user
</Files>
</Directory>
<Directory "@SITE@/list/private">
Require valid-user
</Directory>
<Directory "@SITE@/list/forbidden">
Require all denied
</Directory>
<Location /list/shown>
IndexOptions +ShowForbidden
</Location>
<Files "doc.html.en">
Require user alice
</Files>
<Directory "@SITE@/index">
<Files index.html>
Require valid-user
</Files>
</Directory>
<Location /secret>
Require valid-user
ErrorDocument 401 /errors/401.html
</Location>
<Location /locked>
Require valid-user
ErrorDocument 401 /secret/
ErrorDocument 403 "text"
</Location>
<Location /realm>
AuthName "%{HTTP:X-Realm} garden"
Require user alice
</Location>
<Location /mixed>
AuthType "%{HTTP:X-Type}"
AuthName mixed
Require valid-user
</Location>
<Location /lookahead>
Require valid-user
RewriteEngine On
RewriteCond %{LA-U:REMOTE_USER} =alice
RewriteRule ^ - [E=seen:%{LA-U:REMOTE_USER}]
Header set X-Seen expr=%{reqenv:seen}
</Location>
<Location /user>
RewriteEngine On
RewriteCond %{REMOTE_USER} (.+)
RewriteRule ^ - [E=who:%1]
RewriteRule closed - [F]
RewriteRule gone - [G]
Header set X-Who expr=%{reqenv:who}
Require valid-user
</Location>
<Location /cgi>
Require valid-user
</Location>
<Location /passed>
CGIPassAuth On
Require all granted
</Location>
"#;

#[test]
fn what_subrequests_may_see() -> Result<()> {
    let site = site()?;
    let configuration = serve(&site, MODULES, CONFIGURATION);
    let (alice, bob) = (basic("alice", "secret"), basic("bob", "hidden"));
    let wrong = basic("alice", "x");
    let mut cases = Vec::new();
    for path in [
        "/list/",
        "/list/closed.txt",
        "/list/members.txt",
        "/list/private/",
        "/list/forbidden/",
        "/index/",
        "/page/a.shtml",
        "/variants/doc",
        "/variants/doc.html",
        "/secret/",
        "/locked/",
        "/realm/",
        "/mixed/",
        "/lookahead/",
        "/user/alice.html",
        "/user/closed",
        "/user/gone",
        "/user/nothing",
        "/cgi",
        "/passed",
        "/cgi/path",
        "/secret/nothing",
        "/secret",
        "/locked",
    ] {
        cases.push(Case::get(path));
        for login in [&alice, &bob, &wrong] {
            cases.push(Case::get_with(path, &[("Authorization", login)]));
        }
        cases.push(Case::with("HEAD", path, &[], ""));
    }
    for language in ["en", "de", "fr"] {
        for login in [&alice, &bob] {
            cases.push(Case::get_with(
                "/variants/doc",
                &[("Accept-Language", language), ("Authorization", login)],
            ));
        }
    }
    for kind in ["Basic", "Digest", "None", "none", "Nonsense", ""] {
        cases.push(Case::get_with("/mixed/", &[("X-Type", kind)]));
        cases.push(Case::get_with(
            "/mixed/",
            &[("X-Type", kind), ("Authorization", &alice)],
        ));
    }
    cases.retain(|case| !case.name.contains("[X-Type: Digest]"));
    cases.push(Case::get_with("/realm/", &[("X-Realm", "a \"quoted\" \\")]));
    compare(
        "authz_core authn_core auth_basic autoindex include negotiation rewrite",
        &configuration,
        &cases,
    )
}

#[test]
fn proxies_ask_in_their_own_name() -> Result<()> {
    let site = site()?;
    let configuration = serve(
        &site,
        MODULES,
        r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
ScriptAlias /cgi "@SITE@/cgi/who"
ProxyRequests On
<Proxy "*">
AuthType Basic
AuthName proxy
AuthUserFile "@SITE@/conf/passwords"
Require valid-user
</Proxy>
<Proxy "http://127.0.0.1:@PORT@/realm*">
AuthMerging Off
Require all denied
</Proxy>
<Location /secret>
AuthType Basic
AuthName origin
AuthUserFile "@SITE@/conf/passwords"
Require user bob
</Location>
"#,
    );
    let (alice, bob) = (basic("alice", "secret"), basic("bob", "hidden"));
    let mut cases = Vec::new();
    for path in ["/list/open.txt", "/secret/", "/cgi", "/nothing", "/realm/"] {
        let url = format!("http://127.0.0.1:@PORT@{path}");
        cases.push(Case::get(&url));
        for (name, value) in [
            ("Proxy-Authorization", &alice),
            ("Authorization", &alice),
            ("Proxy-Authorization", &basic("alice", "x")),
        ] {
            cases.push(Case::get_with(&url, &[(name, value)]));
        }
        cases.push(Case::get_with(
            &url,
            &[("Proxy-Authorization", &alice), ("Authorization", &bob)],
        ));
    }
    compare(
        "auth_basic proxy proxy_http authz_core",
        &configuration,
        &cases,
    )
}

#[test]
fn connections_and_logs() -> Result<()> {
    let site = site()?;
    let configuration = serve(
        &site,
        MODULES,
        &format!(
            "LogFormat \"%u %l %>s %r %{{X-Seen}}o\" short\nCustomLog \"@STATE@/access.log\" short\n{CONFIGURATION}"
        ),
    );
    converse(
        "auth_basic authz_core core",
        &configuration,
        &[],
        |_| Ok(()),
        |visitor| {
            let (alice, bob) = (basic("alice", "secret"), basic("bob", "hidden"));
            // One connection, several visitors, bodies that nobody reads.
            let mut client = Client::connect(visitor.host().port())?;
            for (line, login, body) in [
                ("GET /secret/", "", ""),
                ("GET /secret/", alice.as_str(), ""),
                ("GET /secret/", "", ""),
                ("POST /secret/", "", "a=1&b=2"),
                (
                    "POST /list/closed.txt",
                    alice.as_str(),
                    "a body\r\nof two lines",
                ),
                ("POST /cgi", bob.as_str(), "unread"),
                ("PUT /secret/", "Basic !!", "0123456789"),
                ("GET /lookahead/", alice.as_str(), ""),
                ("GET /lookahead/", bob.as_str(), ""),
                ("GET /index/", "", ""),
                ("GET /secret/nothing", bob.as_str(), ""),
                ("GET /nothing", alice.as_str(), ""),
                ("GET /user/alice.html", &basic("j\u{fc}rgen \"x\"", "y"), ""),
                ("HEAD /secret/", &basic("", "y"), ""),
            ] {
                let mut request = format!("{line} HTTP/1.1\r\nHost: test.example\r\n");
                if !login.is_empty() {
                    request += &format!("Authorization: {login}\r\n");
                }
                if !body.is_empty() {
                    request += &format!("Content-Length: {}\r\n", body.len());
                }
                client.send(format!("{request}\r\n{body}"))?;
                let answer = client.receive(line.starts_with("HEAD")).context(line)?;
                visitor.note(
                    line,
                    &format!(
                        "{}\n{:?}\n{}",
                        answer.status_line,
                        answer.field("Connection"),
                        answer.text()
                    ),
                );
            }
            drop(client);
            // Who waits to be told to go on is told to log in.
            for (expect, login) in [("100-continue", ""), ("100-continue", alice.as_str())] {
                let mut client = Client::connect(visitor.host().port())?;
                let field = if login.is_empty() {
                    String::new()
                } else {
                    format!("Authorization: {login}\r\n")
                };
                client.send(format!(
                    "POST /cgi HTTP/1.1\r\nHost: test.example\r\nExpect: {expect}\r\n{field}Content-Length: 4\r\n\r\n"
                ))?;
                let first = client.receive_head()?;
                visitor.note(
                    "the first answer",
                    &format!("{} {:?}", first.status_line, first.field("Connection")),
                );
                if first.status() == 100 {
                    client.send("body")?;
                    let answer = client.receive(false)?;
                    visitor.note(
                        "the second",
                        &format!("{}\n{}", answer.status_line, answer.text()),
                    );
                }
            }
            // A large body to a closed door.
            let mut client = Client::connect(visitor.host().port())?;
            let body = "x".repeat(100_000);
            client.send(format!(
                "POST /secret/ HTTP/1.1\r\nHost: test.example\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ))?;
            client.send(format!(
                "GET /secret/ HTTP/1.1\r\nHost: test.example\r\nAuthorization: {alice}\r\n\r\n"
            ))?;
            for _ in 0..2 {
                let answer = client.receive(false)?;
                visitor.note(
                    "behind a large body",
                    &format!("{}\n{}", answer.status_line, answer.text()),
                );
            }
            drop(client);
            let log = visitor.state().path().join("access.log");
            let mut lines = Vec::new();
            httpd_tests::host::until("the log is complete", || {
                let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
                lines = text.lines().map(str::to_owned).collect();
                Ok(lines.len() >= 18)
            })?;
            // Threads that end a request write its line.
            lines.sort();
            visitor.note("the access log", &lines.join("\n"));
            Ok(())
        },
    )
}
