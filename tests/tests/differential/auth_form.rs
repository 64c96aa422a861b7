//! Logging in with a form: the login handler, inline login and its replayed request, logout, and
//! what the session holds meanwhile.

use std::fmt::Write;

use anyhow::{Context, Result};
use httpd_tests::{
    client::Answer,
    conversation::{Visitor, converse},
    differential::{Case, load, serve},
    refusal::refuse_alike,
    site::Site,
};

const MODULES: &str = "dir mime alias headers env setenvif cgi authn_core authn_file auth_form \
                       auth_basic authz_user request session session_cookie";

/// Says what reaches a program behind the login.
const PROGRAM: &str = r#"#!/bin/sh
echo "Content-Type: text/plain"
echo
echo "$REQUEST_METHOD $REQUEST_URI type ${CONTENT_TYPE-none} length ${CONTENT_LENGTH-none}"
echo "user: ${REMOTE_USER-none} auth: ${AUTH_TYPE-none}"
echo "session: ${HTTP_SESSION-none}"
echo "authorization: ${HTTP_AUTHORIZATION-none}"
echo "body: $(cat)"
"#;

/// A login page; inline login replaces 401 with it.
const FORM: &str = "<form method=\"post\"><input name=\"httpd_username\"></form>\n";

const LOGIN: &str = "httpd_username=alice&httpd_password=secret";

fn site() -> Result<Site> {
    let site = Site::new()?;
    site.program("cgi/show", PROGRAM)?;
    for page in ["login", "done", "goodbye", "private/index"] {
        site.file(&format!("{page}.html"), format!("{page}\n"))?;
    }
    site.file("form.html", FORM)?;
    site.file(
        "conf/passwords",
        "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nb&b=:{SHA}mdcsf8Pi4UWHC+qzfAtw40PqnDs=\n",
    )?;
    Ok(site)
}

/// A place that asks for a login by form, with more `lines`.
fn place(text: &mut String, name: &str, lines: &str) {
    let _ = write!(
        text,
        "ScriptAlias /{name} \"@SITE@/cgi/show\"\n<Location /{name}>\nAuthType form\n\
         AuthFormProvider file\nAuthName garden\nAuthUserFile \"@SITE@/conf/passwords\"\n\
         Session On\nSessionEnv On\nSessionCookieName session path=/\nRequire valid-user\n\
         AuthMerging Off\n{lines}\n</Location>\n"
    );
}

fn forget(visitor: &mut Visitor<'_>) {
    visitor.set_cookie("session", "");
}

/// POST of a form of another kind.
fn post(visitor: &mut Visitor<'_>, path: &str, kind: &str, body: &str) -> Answer {
    visitor.send("POST", path, &[("Content-Type", kind)], body)
}

const FORM_TYPE: &str = "application/x-www-form-urlencoded";

#[test]
fn login_and_logout_handlers() -> Result<()> {
    let site = site()?;
    let mut text = String::from("TypesConfig /etc/mime.types\nDirectoryIndex index.html\n");
    place(
        &mut text,
        "area",
        "AuthFormLoginRequiredLocation \"http://test.example/login.html\"",
    );
    place(
        &mut text,
        "exprarea",
        "AuthFormLoginRequiredLocation \"http://test.example/login.html?%{REQUEST_URI}\"",
    );
    place(&mut text, "store", "AuthFormDisableNoStore On");
    place(
        &mut text,
        "other",
        "AuthName house\nAuthFormLoginRequiredLocation /login.html",
    );
    place(&mut text, "phrase", "AuthFormSitePassphrase open-sesame");
    place(
        &mut text,
        "fake",
        "AuthFormFakeBasicAuth On\nCGIPassAuth On",
    );
    place(&mut text, "pass", "CGIPassAuth On");
    place(&mut text, "lax", "AuthFormAuthoritative Off");
    for (name, handler, lines) in [
        (
            "dologin",
            "form-login-handler",
            "AuthFormLoginRequiredLocation \"http://test.example/login.html\"\nAuthFormLoginSuccessLocation \"http://test.example/done.html\"",
        ),
        ("dologin2", "form-login-handler", ""),
        (
            "dologin3",
            "form-login-handler",
            "AuthFormUsername user\nAuthFormPassword pass\nAuthFormLocation goto\nAuthFormSize 60",
        ),
        (
            "dologin4",
            "form-login-handler",
            "AuthFormSitePassphrase open-sesame",
        ),
        (
            "dologin5",
            "form-login-handler",
            "AuthFormMimetype type\nAuthFormBody payload\nAuthFormMethod verb",
        ),
        (
            "dologin6",
            "form-login-handler",
            "AuthFormLoginSuccessLocation \"http://test.example/%{escape:%{REMOTE_USER}}\"",
        ),
        (
            "dologout",
            "form-logout-handler",
            "AuthFormLogoutLocation \"http://test.example/goodbye.html\"",
        ),
        ("dologout2", "form-logout-handler", ""),
        (
            "dologout3",
            "form-logout-handler",
            "SessionMaxAge 1\nAuthFormLogoutLocation \"/bye\"",
        ),
        ("doredirect", "form-redirect-handler", "Require all granted"),
    ] {
        let _ = write!(
            text,
            "<Location /{name}>\nSetHandler {handler}\nAuthType form\nAuthFormProvider file\n\
             AuthName garden\nAuthUserFile \"@SITE@/conf/passwords\"\nSession On\n\
             SessionCookieName session path=/\n{lines}\n</Location>\n"
        );
    }
    converse(
        "auth_form session session_cookie authn_file",
        &serve(&site, MODULES, &text),
        &["expiry="],
        |_| Ok(()),
        |visitor| {
            for path in [
                "area",
                "exprarea",
                "exprarea?a=b",
                "store",
                "other",
                "phrase",
                "fake",
                "lax",
            ] {
                visitor.get(&format!("/{path}"));
            }
            // Logins that go wrong.
            for form in [
                "",
                "httpd_username=alice",
                "httpd_password=secret",
                "httpd_username=alice&httpd_password=wrong",
                "httpd_username=nobody&httpd_password=secret",
                "httpd_username=&httpd_password=",
                "httpd_username=alice&httpd_username=bob&httpd_password=secret",
                "HTTPD_USERNAME=alice&httpd_password=secret",
                "%zz",
                "httpd_username",
            ] {
                visitor.submit("/dologin", form);
                visitor.submit("/dologin2", form);
                forget(visitor);
            }
            visitor.get("/dologin");
            visitor.get(&format!("/dologin?{LOGIN}"));
            visitor.send("PUT", "/dologin", &[("Content-Type", FORM_TYPE)], LOGIN);
            for kind in [
                "text/plain",
                "application/x-www-form-urlencoded; charset=utf-8",
                "multipart/form-data; boundary=x",
                "Application/X-WWW-Form-Urlencoded",
            ] {
                post(visitor, "/dologin2", kind, LOGIN);
                forget(visitor);
            }
            visitor.send("POST", "/dologin2", &[], LOGIN);
            forget(visitor);
            // And those that go right, with what follows.
            for (path, form) in [
                ("/dologin", LOGIN),
                (
                    "/dologin",
                    "httpd_username=alice&httpd_password=secret&httpd_location=http%3a%2f%2ftest.example%2farea",
                ),
                ("/dologin", "httpd%5fusername=al%69ce&httpd_password=secret"),
                ("/dologin", "httpd_username=b%26b%3d&httpd_password=hidden"),
                ("/dologin2", LOGIN),
                (
                    "/dologin2",
                    "httpd_username=alice&httpd_password=secret&httpd_location=/area",
                ),
                (
                    "/dologin2",
                    "httpd_username=alice&httpd_password=secret&httpd_location=%0d%0aX:%20y",
                ),
                ("/dologin3", LOGIN),
                ("/dologin3", "user=alice&pass=secret&goto=/x"),
                (
                    "/dologin3",
                    "user=alice&pass=secret&goto=/x&more=0123456789012345678901234567890123456789",
                ),
                ("/dologin4", LOGIN),
                (
                    "/dologin5",
                    "httpd_username=alice&httpd_password=secret&type=text/plain&payload=x&verb=PUT",
                ),
                ("/dologin6", LOGIN),
            ] {
                forget(visitor);
                visitor.submit(path, form);
                for path in [
                    "area",
                    "other",
                    "store",
                    "phrase",
                    "fake",
                    "pass",
                    "dologout2",
                    "doredirect",
                ] {
                    visitor.get(&format!("/{path}"));
                }
                visitor.get("/area");
            }
            for (path, logout) in [
                ("/area", "/dologout"),
                ("/area", "/dologout3"),
                ("/fake", "/dologout2"),
            ] {
                visitor.submit("/dologin", LOGIN);
                visitor.get(path);
                visitor.get(logout);
                visitor.note(
                    "the cookie",
                    visitor
                        .cookie("session")
                        .unwrap_or("none")
                        .to_owned()
                        .as_str(),
                );
                visitor.get(path);
            }
            for session in [
                "garden-user=alice&garden-pw=secret",
                "garden-user=alice&garden-pw=wrong",
                "garden-user=alice",
                "garden-pw=secret",
                "garden-user=&garden-pw=",
                "garden-user=alice&garden-site=open-sesame",
                "garden-site=open-sesame",
                "house-user=alice&house-pw=secret",
                "garden-user=alice&garden-pw=secret&expiry=1",
            ] {
                for path in ["/area", "/phrase", "/other"] {
                    visitor.set_cookie("session", session);
                    visitor.get(path);
                }
            }
            Ok(())
        },
    )
}

#[test]
fn inline_login() -> Result<()> {
    let site = site()?;
    let mut text = String::from(
        "TypesConfig /etc/mime.types\nDirectoryIndex index.html\nErrorDocument 401 /form.html\n",
    );
    place(&mut text, "area", "ErrorDocument 401 /form.html");
    place(
        &mut text,
        "body",
        "AuthFormBody httpd_body\nAuthFormMethod httpd_method\nAuthFormMimetype httpd_mimetype\nKeptBodySize 4096",
    );
    place(
        &mut text,
        "small",
        "AuthFormBody httpd_body\nAuthFormSize 50",
    );
    place(
        &mut text,
        "text",
        "ErrorDocument 401 \"please log in\"\nAuthFormBody payload\nAuthFormMethod verb\nAuthFormMimetype type\nKeptBodySize 400",
    );
    text += "<Location /private>\nAuthType form\nAuthFormProvider file\nAuthName garden\n\
             AuthUserFile \"@SITE@/conf/passwords\"\nSession On\nSessionCookieName session path=/\n\
             Require valid-user\nAuthMerging Off\n</Location>\n";
    converse(
        "auth_form request session",
        &serve(&site, MODULES, &text),
        &["expiry="],
        |_| Ok(()),
        |visitor| {
            visitor.get("/private/");
            visitor.submit("/private/", LOGIN);
            visitor.get("/private/");
            for path in ["/area", "/body", "/small", "/text"] {
                forget(visitor);
                visitor.get(path);
                post(visitor, path, "text/plain", "unauthenticated");
                visitor.submit(path, "httpd_username=alice&httpd_password=wrong");
                for form in [
                    LOGIN.to_owned(),
                    format!(
                        "{LOGIN}&httpd_body=a%3db%26c&httpd_method=POST&httpd_mimetype=text%2fplain"
                    ),
                    format!("{LOGIN}&httpd_body=x&httpd_method=PUT"),
                    format!("{LOGIN}&httpd_method=GET"),
                    format!("{LOGIN}&httpd_method=HEAD"),
                    format!("{LOGIN}&httpd_method=BREW&httpd_body=z"),
                    format!("{LOGIN}&httpd_mimetype=application%2fxml"),
                    format!(
                        "{LOGIN}&payload={}&verb=POST&type=text/plain",
                        "y".repeat(40)
                    ),
                    format!("{LOGIN}&httpd_location=http://test.example/done.html"),
                ] {
                    forget(visitor);
                    visitor.submit(&format!("{path}?q=1"), &form);
                    visitor.get(path);
                }
                post(visitor, path, "text/plain", "authenticated");
                visitor.submit(path, "authenticated=form&httpd_body=kept");
            }
            // In pieces, and with keep-alive behind it.
            forget(visitor);
            let pieces = format!(
                "POST /area HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\nContent-Type: {FORM_TYPE}\r\n\
                 Transfer-Encoding: chunked\r\n\r\n10\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                &LOGIN[..16],
                LOGIN.len() - 16,
                &LOGIN[16..]
            );
            let answer = visitor.exchange(&Case::raw("a login in chunks", pieces));
            answer.field("Set-Cookie").context("it is a login")?;
            visitor.get("/area");
            Ok(())
        },
    )
}

#[test]
fn refused_directives() -> Result<()> {
    refuse_alike(
        "auth_form request",
        &load("authz_core authn_core authn_file auth_form request session session_cookie"),
        &[
            "<Location />\nAuthFormProvider nobody\n</Location>",
            "<Location />\nAuthFormUsername \"\"\n</Location>",
            "<Location />\nAuthFormUsername \"a=b\"\n</Location>",
            "<Location />\nAuthFormPassword \"a&b\"\n</Location>",
            "<Location />\nAuthFormSize -1\n</Location>",
            "<Location />\nAuthFormSize big\n</Location>",
            "<Location />\nAuthFormFakeBasicAuth maybe\n</Location>",
            "<Location />\nAuthFormLoginRequiredLocation \"%{BAD\"\n</Location>",
            "<Location />\nAuthFormLogoutLocation \"%{BAD\"\n</Location>",
            "<Location />\nKeptBodySize big\n</Location>",
            "<Location />\nKeptBodySize -1\n</Location>",
            "<Location />\nAuthType form\nAuthName x\nAuthFormProvider file\nRequire valid-user\n</Location>",
        ],
    )
}
