//! Credentials behind the web server: a database, the cache in front of a provider in each of its
//! forms, a FastCGI authorizer, a directory.

use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt};

use anyhow::{Context, Result};
use httpd_tests::{
    conversation::{Visitor, basic, converse, filtered},
    daemon::Daemon,
    differential::{load, serve},
    refusal::refuse_alike,
    site::Site,
};

const COMMON: &str = r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
Header always set X-User "expr=%{REMOTE_USER}" "expr=-n %{REMOTE_USER}"
Header always set X-Name "expr=%{reqenv:AUTHENTICATE_FULLNAME}" "expr=-n reqenv('AUTHENTICATE_FULLNAME')"
"#;

const MODULES: &str = "dir mime headers env setenvif authn_core authn_file auth_basic authz_user";

/// The hash of `secret`.
const SECRET: &str = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=";
/// The hash of `hidden`.
const HIDDEN: &str = "{SHA}mdcsf8Pi4UWHC+qzfAtw40PqnDs=";

fn pages(list: &[(&str, &str)]) -> Result<Site> {
    let site = Site::new()?;
    for (directory, _) in list {
        site.file(&format!("{directory}/index.html"), format!("{directory}\n"))?;
    }
    Ok(site)
}

fn sections(list: &[(&str, &str)], all: &str) -> String {
    let mut text = String::new();
    for (path, lines) in list {
        let _ = write!(
            text,
            "<Location /{path}>\nAuthType Basic\nAuthName {path}\n{all}{lines}\n</Location>\n"
        );
    }
    text
}

fn database(state: &Site) -> Result<()> {
    let file = state.path().join("users.db");
    let hash = filtered("md5sum", &[], "alice:digest:secret")?;
    filtered(
        "sqlite3",
        &[&file.display().to_string()],
        &format!(
            "CREATE TABLE users (name TEXT, password TEXT, fullname TEXT, ha1 TEXT, online INT);\n\
             CREATE TABLE groups (name TEXT, member TEXT, page TEXT);\n\
             INSERT INTO users VALUES ('alice', '{SECRET}', 'Alice A.', '{}', 0);\n\
             INSERT INTO users VALUES ('bob', '{HIDDEN}', NULL, NULL, 0);\n\
             INSERT INTO users VALUES ('null', NULL, NULL, NULL, 0);\n\
             INSERT INTO users VALUES ('o''hara', '{SECRET}', 'Quote', NULL, 0);\n\
             INSERT INTO users VALUES ('twice', '{SECRET}', 'One', NULL, 0);\n\
             INSERT INTO users VALUES ('twice', '{HIDDEN}', 'Two', NULL, 0);\n\
             INSERT INTO groups VALUES ('staff', 'alice', '/staff.html');\n\
             INSERT INTO groups VALUES ('admins', 'alice', '/admins.html');\n\
             INSERT INTO groups VALUES ('staff', 'bob', '/staff.html');\n",
            &hash[..32]
        ),
    )?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o666))?;
    Ok(())
}

#[test]
fn users_and_groups_in_a_database() -> Result<()> {
    let list = [
        ("user", "Require valid-user"),
        (
            "noquery",
            "AuthDBDUserPWQuery \"SELECT password FROM users WHERE name = %s AND 0\"\nRequire valid-user",
        ),
        (
            "group",
            "AuthzDBDQuery \"SELECT name FROM groups WHERE member = %s\"\nRequire dbd-group staff",
        ),
        (
            "groups",
            "AuthzDBDQuery \"SELECT name FROM groups WHERE member = %s\"\nRequire dbd-group nobody admins",
        ),
        ("nogroupquery", "Require dbd-group staff"),
        (
            "login",
            "AuthzDBDQuery \"UPDATE users SET online = 1 WHERE name = %s\"\nRequire dbd-login",
        ),
        (
            "loginto",
            "AuthzDBDQuery \"UPDATE users SET online = 1 WHERE name = %s\"\nAuthzDBDRedirectQuery \"SELECT page FROM groups WHERE member = %s\"\nAuthzDBDLoginToReferer On\nRequire dbd-login",
        ),
        (
            "logout",
            "AuthzDBDQuery \"UPDATE users SET online = 0 WHERE name = %s\"\nRequire dbd-logout",
        ),
    ];
    let site = pages(&list)?;
    let all = "AuthBasicProvider dbd\nAuthDBDUserPWQuery \"SELECT password, fullname FROM users WHERE name = %s\"\n";
    let digest = "<Location /digest>\nAuthType Digest\nAuthName digest\nAuthDigestProvider dbd\n\
                  AuthDBDUserRealmQuery \"SELECT ha1 FROM users WHERE name = %s AND %s = 'digest'\"\n\
                  Require valid-user\n</Location>\n";
    site.file("digest/index.html", "digest\n")?;
    for (pool, lines) in [
        ("persistent", "DBDMin 1\nDBDKeep 1\nDBDMax 3\nDBDExptime 60"),
        ("fresh", "DBDPersist Off"),
        // A statement that the database does not take makes every connection useless.
        (
            "broken",
            "DBDPrepareSQL \"SELECT nothing FROM nowhere\" broken",
        ),
        (
            "prepared",
            "DBDInitSQL \"UPDATE users SET online = 1 WHERE name = 'null'\"\nDBDPrepareSQL \"SELECT 1\" one",
        ),
    ] {
        let configuration = serve(
            &site,
            &format!("{MODULES} auth_digest dbd authn_dbd authz_dbd"),
            &format!(
                "{COMMON}ThreadsPerChild 25\nServerLimit 1\nDBDriver sqlite3\nDBDParams \"@STATE@/users.db\"\n{lines}\n{}{digest}",
                sections(&list, all)
            ),
        );
        let script = |visitor: &mut Visitor<'_>| {
            visitor.note("connections are", pool);
            let few = if pool == "broken" { 1 } else { list.len() };
            for (path, _) in &list[..few] {
                let path = format!("/{path}/");
                visitor.get(&path);
                for (user, password) in [
                    ("alice", "secret"),
                    ("alice", "hidden"),
                    ("bob", "hidden"),
                    ("null", ""),
                    ("null", "x"),
                    ("o'hara", "secret"),
                    ("twice", "secret"),
                    ("twice", "hidden"),
                    ("nobody", "x"),
                    ("' OR 1=1 --", "x"),
                ] {
                    let login = basic(user, password);
                    visitor.send(
                        "GET",
                        &path,
                        &[
                            ("Authorization", &login),
                            ("Referer", "http://test.example/from"),
                        ],
                        "",
                    );
                }
                let file = visitor
                    .state()
                    .path()
                    .join("users.db")
                    .display()
                    .to_string();
                let online = "SELECT name FROM users WHERE online = 1 ORDER BY 1;\n";
                let online = filtered("sqlite3", &[&file, "-cmd", ".timeout 5000"], online)?;
                visitor.note("online", &online);
            }
            let answer = visitor.get("/digest/");
            let challenge = answer.field("WWW-Authenticate").context("a challenge")?;
            let nonce = challenge
                .split("nonce=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            let nonce = nonce.context("a nonce")?.to_owned();
            visitor.hide(&nonce, "NONCE");
            let one = filtered("md5sum", &[], "alice:digest:secret")?;
            let two = filtered("md5sum", &[], "GET:/digest/")?;
            let text = format!("{}:{nonce}:00000001:0a:auth:{}", &one[..32], &two[..32]);
            let response = filtered("md5sum", &[], &text)?;
            let response = &response[..32];
            for user in ["alice", "bob", "nobody"] {
                let login = format!(
                    "Digest username=\"{user}\", realm=\"digest\", nonce=\"{nonce}\", uri=\"/digest/\", \
                     qop=auth, nc=00000001, cnonce=\"0a\", response=\"{response}\""
                );
                visitor.send("GET", "/digest/", &[("Authorization", &login)], "");
            }
            Ok(())
        };
        converse(
            "authn_dbd authz_dbd dbd",
            &configuration,
            &["nonce=\"", "rspauth=\"", "response=\""],
            database,
            script,
        )?;
    }
    Ok(())
}

/// Logs in before and after the password has been changed behind the cache.
fn cached_logins(provider: &str, module: &str, forget: impl Fn() -> Result<()>) -> Result<()> {
    let list = [
        (
            "file",
            "AuthBasicProvider socache file\nAuthnCacheProvideFor file",
        ),
        (
            "more",
            "AuthBasicProvider socache file\nAuthnCacheProvideFor file\nAuthnCacheTimeout 1000",
        ),
        (
            "server",
            "AuthBasicProvider socache file\nAuthnCacheProvideFor file\nAuthnCacheContext server",
        ),
        (
            "again",
            "AuthBasicProvider socache file\nAuthnCacheProvideFor file\nAuthnCacheContext server",
        ),
        (
            "named",
            "AuthBasicProvider socache file\nAuthnCacheProvideFor file\nAuthnCacheContext mine",
        ),
        (
            "other",
            "AuthBasicProvider socache file\nAuthnCacheProvideFor dbm",
        ),
        ("uncached", "AuthBasicProvider file"),
        (
            "behind",
            "AuthBasicProvider file socache\nAuthnCacheProvideFor file",
        ),
    ];
    let site = pages(&list)?;
    let all = "AuthUserFile \"@STATE@/passwords\"\nRequire valid-user\n";
    let configuration = serve(
        &site,
        &format!("{MODULES} authn_socache {module}"),
        &format!(
            "{COMMON}AuthnCacheEnable\nAuthnCacheSOCache {provider}\n{}",
            sections(&list, all)
        ),
    );
    let write = |state: &Site, alice: &str| -> Result<()> {
        state.file("passwords", format!("alice:{alice}\nbob:{HIDDEN}\n"))?;
        Ok(())
    };
    converse(
        &format!("authn_socache {module}"),
        &configuration,
        &[],
        |state| write(state, SECRET),
        |visitor| {
            forget()?;
            let try_all = |visitor: &mut Visitor<'_>| {
                for (path, _) in &list {
                    for (user, password) in [
                        ("alice", "secret"),
                        ("alice", "hidden"),
                        ("bob", "hidden"),
                        ("nobody", "x"),
                        ("alice", "secret"),
                    ] {
                        let login = basic(user, password);
                        visitor.send(
                            "GET",
                            &format!("/{path}/"),
                            &[("Authorization", &login)],
                            "",
                        );
                    }
                }
            };
            try_all(visitor);
            write(visitor.state(), HIDDEN)?;
            try_all(visitor);
            Ok(())
        },
    )
}

#[test]
fn cached_in_shared_memory() -> Result<()> {
    cached_logins("shmcb", "socache_shmcb", || Ok(()))?;
    cached_logins("shmcb:run/cache(64000)", "socache_shmcb", || Ok(()))
}

#[test]
fn cached_in_dbm() -> Result<()> {
    cached_logins("dbm:@STATE@/cache", "socache_dbm", || Ok(()))
}

#[test]
fn cached_in_memcached() -> Result<()> {
    let daemon = Daemon::memcached()?;
    cached_logins(
        &format!("memcache:127.0.0.1:{}", daemon.port()),
        "socache_memcache",
        || daemon.command("flush_all\r\n"),
    )
}

#[test]
fn cached_in_redis() -> Result<()> {
    let daemon = Daemon::redis()?;
    cached_logins(
        &format!("redis:127.0.0.1:{}", daemon.port()),
        "socache_redis",
        || daemon.command("FLUSHALL\r\n"),
    )
}

#[test]
fn refused_directives() -> Result<()> {
    refuse_alike(
        "authn_dbd authz_dbd dbd authnz_ldap ldap authnz_fcgi socache_memcache socache_redis",
        &load(
            "authz_core authn_core auth_basic authn_socache dbd authn_dbd authz_dbd ldap authnz_ldap authnz_fcgi socache_memcache socache_redis socache_dbm socache_shmcb",
        ),
        &[
            "<Location />\nAuthDBDUserPWQuery\n</Location>",
            "<Location />\nAuthDBDUserPWQuery a b\n</Location>",
            "<Location />\nAuthzDBDLoginToReferer maybe\n</Location>",
            "<Location />\nRequire dbd-group \"%{BAD\"\n</Location>",
            "<Location />\nRequire dbd-login x\n</Location>",
            "AuthnCacheSOCache memcache",
            "AuthnCacheSOCache memcache:",
            "AuthnCacheSOCache redis",
            "AuthnCacheSOCache redis:nohost.invalid",
            "AuthnCacheSOCache shmcb:cache(12)",
            "AuthnCacheSOCache shmcb:cache(x)",
            "AuthnCacheSOCache shmcb:cache",
            "AuthnCacheSOCache dbm",
            "MemcacheConnTTL x",
            "RedisTimeout x",
            "RedisConnPoolTTL 15ms",
            "<Location />\nAuthLDAPURL nonsense\n</Location>",
            "<Location />\nAuthLDAPURL ldap://localhost/dc=x?uid?sideways\n</Location>",
            "<Location />\nAuthLDAPURL ldap://localhost/dc=x?uid?sub?(a=b) SOMETIMES\n</Location>",
            "<Location />\nAuthLDAPURL \"ldap://localhost/dc=x?uid?sub?(a=b)\" NONE\n</Location>",
            "<Location />\nAuthLDAPDereferenceAliases perhaps\n</Location>",
            "<Location />\nAuthLDAPMaxSubGroupDepth x\n</Location>",
            "<Location />\nAuthLDAPCharsetConfig /nonexistent\n</Location>",
            "AuthLDAPCharsetConfig /nonexistent",
            "LDAPCacheEntries x",
            "LDAPSharedCacheSize x",
            "LDAPTrustedGlobalCert NOSUCH_TYPE /nonexistent",
            "LDAPTrustedGlobalCert CA_BASE64 /nonexistent",
            "LDAPTrustedMode nonsense",
            "LDAPConnectionTimeout x",
            "LDAPTimeout x",
            "LDAPVerifyServerCert maybe",
            "<Location />\nRequire ldap-user \"%{BAD\"\n</Location>",
            "AuthnzFcgiDefineProvider authn FcgiAuthn fcgi://localhost:10102/",
            "AuthnzFcgiDefineProvider authq FcgiAuthn fcgi://localhost:10102/",
            "AuthnzFcgiDefineProvider authn FcgiAuthn http://localhost:10102/",
            "AuthnzFcgiDefineProvider authn",
            "<Location />\nAuthnzFcgiCheckAuthnProvider nosuch\n</Location>",
            "<Location />\nAuthnzFcgiCheckAuthnProvider None Authoritative On\n</Location>",
            "AuthnzFcgiDefineProvider authn f fcgi://localhost:10102/\n<Location />\nAuthnzFcgiCheckAuthnProvider f Authoritative Maybe\n</Location>",
            "AuthnzFcgiDefineProvider authn f fcgi://localhost:10102/\n<Location />\nAuthnzFcgiCheckAuthnProvider f Bogus On\n</Location>",
        ],
    )
}
