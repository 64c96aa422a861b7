//! mod_session and where sessions are kept: cookies, encrypted cookies, a database. A program reads
//! and replaces the session, the visitor carries the cookie.

use anyhow::{Context, Result};
use httpd_tests::{
    conversation::{Visitor, basic, converse, filtered},
    differential::{load, serve},
    refusal::refuse_alike,
    site::Site,
};

const MODULES: &str = "dir mime alias headers env setenvif cgi authn_core authn_file auth_basic \
                       authz_user request session";

/// Prints the session that it sees, and asks for the one that its query names.
const PROGRAM: &str = r#"#!/bin/sh
echo "Content-Type: text/plain"
case "$QUERY_STRING" in
  '') ;;
  status*) echo "Status: 404 Gone"; echo "X-Replace-Session: from=failure" ;;
  *) echo "X-Replace-Session: $QUERY_STRING" ;;
esac
echo
echo "session: ${HTTP_SESSION-none}"
echo "field: ${HTTP_X_SESSION-none}"
echo "cookie: ${HTTP_COOKIE-none}"
"#;

fn site() -> Result<Site> {
    let site = Site::new()?;
    site.program("cgi/show", PROGRAM)?;
    site.file(
        "conf/passwords",
        "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nbob:{SHA}mdcsf8Pi4UWHC+qzfAtw40PqnDs=\n",
    )?;
    site.file("page/index.html", "page\n")?;
    Ok(site)
}

/// `lines` for `/NAME`, at which the program stands.
fn place(name: &str, lines: &str) -> String {
    format!(
        "ScriptAlias /{name} \"@SITE@/cgi/show\"\n<Location /{name}>\nRequire all granted\n\
         SessionHeader X-Replace-Session\nSessionEnv On\n{lines}\n</Location>\n"
    )
}

const COMMON: &str = "TypesConfig /etc/mime.types\nDirectoryIndex index.html\n";

#[test]
fn in_cookies() -> Result<()> {
    let site = site()?;
    let mut text = String::from(COMMON);
    for (name, lines) in [
        ("plain", "Session On\nSessionCookieName session path=/"),
        ("off", "Session Off\nSessionCookieName session"),
        (
            "attributes",
            "Session On\nSessionCookieName session path=/;domain=test.example;HttpOnly;Secure;SameSite=Lax",
        ),
        (
            "aged",
            "Session On\nSessionCookieName session path=/\nSessionMaxAge 300",
        ),
        (
            "second",
            "Session On\nSessionCookieName2 session2 path=/;version=1",
        ),
        (
            "both",
            "Session On\nSessionCookieName session path=/\nSessionCookieName2 session2 path=/;port=80",
        ),
        (
            "remove",
            "Session On\nSessionCookieName session path=/\nSessionCookieRemove On",
        ),
        (
            "exclude",
            "Session On\nSessionCookieName session path=/\nSessionExclude /exclude/in\nSessionExclude /exclude/also",
        ),
        (
            "include",
            "Session On\nSessionCookieName session path=/\nSessionInclude /include/in\nSessionExpiryUpdateInterval 5\nSessionExclude /include/in/not",
        ),
        (
            "noenv",
            "Session On\nSessionCookieName session path=/\nSessionEnv Off",
        ),
        (
            "noheader",
            "Session On\nSessionCookieName session path=/\nSessionHeader X-Other",
        ),
        (
            "lazy",
            "Session On\nSessionCookieName session path=/\nSessionMaxAge 300\nSessionExpiryUpdateInterval 60",
        ),
        (
            "header",
            "Session On\nSessionCookieName session path=/\nRequestHeader set X-Session expr=%{reqenv:HTTP_SESSION}",
        ),
        ("nothing", "Session On"),
    ] {
        text += &place(name, lines);
    }
    converse(
        "session session_cookie",
        &serve(&site, &format!("{MODULES} session_cookie"), &text),
        &["expiry="],
        |_| Ok(()),
        |visitor| {
            for path in [
                "plain",
                "off",
                "attributes",
                "aged",
                "second",
                "both",
                "remove",
                "exclude",
                "exclude/in",
                "exclude/also/x",
                "include",
                "include/in",
                "include/in/not",
                "noenv",
                "noheader",
                "lazy",
                "header",
                "nothing",
            ] {
                for cookie in ["session", "session2"] {
                    visitor.set_cookie(cookie, "");
                }
                let path = format!("/{path}");
                visitor.get(&path);
                visitor.get(&format!("{path}?color=blue&name=a%20b&empty=&flag"));
                visitor.get(&path);
                visitor.get(&format!("{path}?color=red&color=green"));
                visitor.get(&path);
                visitor.get(&format!("{path}?status"));
                visitor.get(&path);
            }
            for value in [
                "color=blue",
                "color=blue&expiry=99",
                "expiry=1&color=blue",
                "expiry=9999999999999999&color=blue",
                "&&=&a",
                "%zz=%",
                "a=b%00c",
                "expiry=x&a=b",
                "color=bl%75e&co%6cor=2",
            ] {
                visitor.set_cookie("session", value);
                visitor.get("/plain");
                visitor.get("/aged");
            }
            visitor.set_cookie("session", "");
            for cookie in [
                "session=a=1; session=b=2",
                "session=",
                "session",
                "xsession=a=1",
                "SESSION=a=1",
                "other=x; session=a=1",
                "$Version=1; session2=a=1; $Path=/",
                "session=\"a=1\"",
            ] {
                visitor.send("GET", "/plain", &[("Cookie", cookie)], "");
                visitor.send("GET", "/remove", &[("Cookie", cookie)], "");
                visitor.send("GET", "/both", &[("Cookie", cookie)], "");
                for cookie in ["session", "session2"] {
                    visitor.set_cookie(cookie, "");
                }
            }
            Ok(())
        },
    )
}

#[test]
fn in_encrypted_cookies() -> Result<()> {
    let site = site()?;
    site.file("conf/phrases", "first phrase\nexec:/bin/echo second\n")?;
    let mut text = format!("{COMMON}SessionCryptoDriver openssl\n");
    for (name, lines) in [
        ("one", "SessionCryptoPassphrase one"),
        ("two", "SessionCryptoPassphrase two"),
        ("both", "SessionCryptoPassphrase two one"),
        (
            "aes",
            "SessionCryptoPassphrase one\nSessionCryptoCipher aes128",
        ),
        (
            "des",
            "SessionCryptoPassphrase one\nSessionCryptoCipher 3des192",
        ),
        ("exec", "SessionCryptoPassphrase \"exec:/bin/echo one\""),
        (
            "file",
            "SessionCryptoPassphraseFile \"@SITE@/conf/phrases\"",
        ),
        ("none", ""),
        ("aged", "SessionCryptoPassphrase one\nSessionMaxAge 300"),
    ] {
        text += &place(
            name,
            &format!("Session On\nSessionCookieName session path=/\n{lines}"),
        );
    }
    converse(
        "session_crypto session_cookie session",
        &serve(
            &site,
            &format!("{MODULES} session_cookie session_crypto"),
            &text,
        ),
        &["expiry=", "session="],
        |_| Ok(()),
        |visitor| {
            for path in ["one", "two", "both", "aes", "des", "exec", "file", "aged"] {
                visitor.set_cookie("session", "");
                visitor.get(&format!("/{path}?made-by={path}"));
                let cookie = visitor.cookie("session").unwrap_or_default().to_owned();
                visitor.note("it cannot be read", &cookie.contains("made-by").to_string());
                // Who can read it?
                for path in ["one", "two", "both", "aes", "des", "exec", "file", "aged"] {
                    visitor.set_cookie("session", &cookie);
                    visitor.get(&format!("/{path}"));
                }
            }
            visitor.set_cookie("session", "");
            visitor.get("/one?a=b");
            let cookie = visitor.cookie("session").context("a cookie")?.to_owned();
            for (what, changed) in [
                ("cut", cookie[..cookie.len() / 2].to_owned()),
                ("longer", format!("{cookie}AAAA")),
                ("swapped", cookie.chars().rev().collect()),
                ("short", "AAAA".to_owned()),
                ("no base64", "!!!".to_owned()),
                ("unencrypted", "a=b".to_owned()),
            ] {
                visitor.set_cookie("session", &changed);
                visitor.note("a cookie that is", what);
                visitor.get("/one");
                visitor.get("/both");
            }
            visitor.set_cookie("session", "");
            visitor.get("/none?a=b");
            visitor.get("/none");
            Ok(())
        },
    )
}

fn database(state: &Site) -> Result<()> {
    use std::{fs, os::unix::fs::PermissionsExt};
    let file = state.path().join("sessions.db");
    filtered(
        "sqlite3",
        &[&file.display().to_string()],
        "CREATE TABLE session (key VARCHAR(64) PRIMARY KEY, value TEXT, expiry BIGINT);\n",
    )?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o666))?;
    Ok(())
}

/// What the table holds, keys left out.
fn rows(visitor: &mut Visitor<'_>) -> Result<()> {
    let file = visitor.state().path().join("sessions.db");
    let rows = filtered(
        "sqlite3",
        &[&file.display().to_string()],
        ".timeout 5000\nSELECT count(*), length(key), value, expiry > 0 FROM session GROUP BY 2, 3, 4;\n\
         SELECT key FROM session WHERE length(key) < 30;\n",
    )?;
    visitor.note("the table", &rows);
    Ok(())
}

#[test]
fn in_a_database() -> Result<()> {
    let site = site()?;
    let mut text = format!(
        "{COMMON}DBDriver sqlite3\nDBDParams \"@STATE@/sessions.db\"\n\
         DBDPrepareSQL \"DELETE FROM session WHERE key = %s\" deletesession\n\
         DBDPrepareSQL \"UPDATE session SET value = %s, expiry = %lld, key = %s WHERE key = %s\" updatesession\n\
         DBDPrepareSQL \"INSERT INTO session (value, expiry, key) VALUES (%s, %lld, %s)\" insertsession\n\
         DBDPrepareSQL \"SELECT value FROM session WHERE key = %s AND (expiry = 0 OR expiry > %lld)\" selectsession\n\
         DBDPrepareSQL \"DELETE FROM session WHERE expiry != 0 AND expiry < %lld\" cleansession\n"
    );
    for (name, lines) in [
        ("plain", "SessionDBDCookieName session path=/"),
        ("second", "SessionDBDCookieName2 session path=/;version=1"),
        (
            "aged",
            "SessionDBDCookieName session path=/\nSessionMaxAge 300",
        ),
        (
            "remove",
            "SessionDBDCookieName session path=/\nSessionDBDCookieRemove On",
        ),
        (
            "user",
            "SessionDBDPerUser On\nAuthType Basic\nAuthName x\nAuthUserFile \"@SITE@/conf/passwords\"\nRequire valid-user\nAuthMerging Off",
        ),
        (
            "wronglabel",
            "SessionDBDCookieName session path=/\nSessionDBDSelectLabel nosuch",
        ),
        ("noname", ""),
    ] {
        text += &place(name, &format!("Session On\n{lines}")).replace(
            "Require all granted\n",
            if name == "user" {
                ""
            } else {
                "Require all granted\n"
            },
        );
    }
    converse(
        "session_dbd session dbd",
        &serve(&site, &format!("{MODULES} dbd session_dbd"), &text),
        &["expiry=", "session="],
        database,
        |visitor| {
            for path in ["plain", "second", "aged", "remove"] {
                visitor.set_cookie("session", "");
                let path = format!("/{path}");
                visitor.get(&path);
                visitor.get(&format!("{path}?color=blue"));
                rows(visitor)?;
                visitor.get(&path);
                visitor.get(&format!("{path}?color=red&size=3"));
                visitor.get(&path);
                rows(visitor)?;
            }
            visitor.set_cookie("session", "5d1c7b2e-0000-4000-8000-000000000000");
            visitor.get("/plain");
            visitor.get("/plain?made=up");
            rows(visitor)?;
            visitor.set_cookie("session", "'; DROP TABLE session; --");
            visitor.get("/plain");
            visitor.set_cookie("session", "");
            for (user, password) in [("alice", "secret"), ("bob", "hidden")] {
                let login = basic(user, password);
                for query in ["", "?color=blue", "", "?color=red", ""] {
                    let path = format!("/user{query}");
                    visitor.send("GET", &path, &[("Authorization", &login)], "");
                }
                rows(visitor)?;
            }
            visitor.get("/user");
            visitor.get("/wronglabel?a=b");
            visitor.get("/wronglabel");
            visitor.get("/noname?a=b");
            rows(visitor)
        },
    )
}

#[test]
fn refused_directives() -> Result<()> {
    refuse_alike(
        "session session_cookie session_crypto session_dbd",
        &load("authz_core request session session_cookie session_crypto dbd session_dbd"),
        &[
            "<Location />\nSession maybe\n</Location>",
            "<Location />\nSessionMaxAge long\n</Location>",
            "<Location />\nSessionEnv\n</Location>",
            "<Location />\nSessionExpiryUpdateInterval -1\n</Location>",
            "<Location />\nSessionCookieName \"a=b\"\n</Location>",
            "<Location />\nSessionCookieName s \"path=/;a,b\"\n</Location>",
            "<Location />\nSessionCookieName s \"max-age=3\"\n</Location>",
            "<Location />\nSessionCookieName2 \"\"\n</Location>",
            "<Location />\nSessionDBDCookieName \"a b\"\n</Location>",
            "SessionCryptoDriver nosuch",
            "<Location />\nSessionCryptoDriver openssl\n</Location>",
            "<Location />\nSession On\nSessionCryptoPassphrase x\n</Location>",
            "SessionCryptoDriver openssl\n<Location />\nSessionCryptoCipher rot13\n</Location>",
            "<Location />\nSessionCryptoPassphraseFile /nonexistent\n</Location>",
            "DBDriver nosuch",
            "DBDMin x",
            "<Location />\nDBDriver sqlite3\n</Location>",
            "DBDPrepareSQL \"SELECT 1\"",
        ],
    )
}
