//! Who it is: basic authentication with every provider, the forms in which passwords are stored,
//! aliases of providers, fake credentials, anonymous users.

use std::{fmt::Write, fs};

use anyhow::Result;
use httpd_tests::{
    conversation::{basic, filtered},
    differential::{Case, compare, load, serve},
    refusal::refuse_alike,
    site::Site,
};

/// A line of a password file: what `htpasswd` makes with `flags`.
fn entry(flags: &str, user: &str, password: &str) -> Result<String> {
    let mut arguments = vec!["-nb"];
    arguments.extend(flags.split(' '));
    arguments.extend([user, password]);
    Ok(filtered("htpasswd", &arguments, "")?.trim().to_owned() + "\n")
}

/// A DBM file below `conf/` with these keys and values.
fn dbm(site: &Site, name: &str, kind: &str, pairs: &str) -> Result<()> {
    let text = site.file(&format!("conf/{name}.txt"), pairs)?;
    let file = site.path().join("conf").join(name);
    let (text, file) = (text.display().to_string(), file.display().to_string());
    filtered("httxt2dbm", &["-f", kind, "-i", &text, "-o", &file], "")?;
    readable(site)
}

/// Programs leave files that only root may read.
fn readable(site: &Site) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    for file in fs::read_dir(site.path().join("conf"))? {
        fs::set_permissions(file?.path(), fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

fn pages(directories: &str) -> Result<Site> {
    let site = Site::new()?;
    for directory in directories.split_whitespace() {
        site.file(&format!("{directory}/index.html"), format!("{directory}\n"))?;
    }
    Ok(site)
}

/// GET of every path as every user with a password.
fn logins(paths: &str, users: &[(&str, &str)]) -> Vec<Case> {
    let mut cases = Vec::new();
    for path in paths.split_whitespace() {
        for (user, password) in users {
            let mut case = Case::get_with(path, &[("Authorization", &basic(user, password))]);
            case.name = format!("{path} as {user:?} with {password:?}");
            cases.push(case);
        }
    }
    cases
}

const COMMON: &str = r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
Header always set X-User "expr=%{REMOTE_USER}" "expr=-n %{REMOTE_USER}"
RequestHeader set X-Seen "expr=%{REMOTE_USER}"
"#;

const MODULES: &str = "dir mime headers env setenvif alias authn_core authn_file auth_basic \
                       authz_user authz_host authz_groupfile";

#[test]
fn stored_passwords() -> Result<()> {
    let site = pages("private")?;
    let mut file = String::from("# a comment\n\nnocolon\n:nameless\n");
    for (flags, user) in [
        ("-m", "md5"),
        ("-s", "sha"),
        ("-d", "crypt"),
        ("-B -C 4", "bcrypt"),
        ("-2", "sha256"),
        ("-5", "sha512"),
        ("-p", "plain"),
    ] {
        file += &entry(flags, user, "S3cret")?;
    }
    file += "empty:\nextra:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=:more:fields\n";
    file += "twice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\ntwice:{SHA}mdcsf8Pi4UWHC+qzfAtw40PqnDs=\n";
    file += "#hash:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n blank:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";
    file += "j\u{fc}rgen:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nbad:$apr1$\nlast:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=";
    site.file("conf/passwords", file)?;
    let configuration = serve(
        &site,
        MODULES,
        &format!(
            "{COMMON}<Location /private>\nAuthType Basic\nAuthName \"a \\\"b\\\" \u{fc}\"\n\
             AuthUserFile \"@SITE@/conf/passwords\"\nRequire valid-user\n</Location>\n"
        ),
    );
    let mut users = Vec::new();
    for user in ["md5", "sha", "crypt", "bcrypt", "sha256", "sha512", "plain"] {
        users.extend([(user, "S3cret"), (user, "s3cret"), (user, "")]);
    }
    users.extend([
        ("empty", ""),
        ("empty", "x"),
        ("extra", "secret"),
        ("twice", "secret"),
        ("twice", "hidden"),
        ("#hash", "secret"),
        (" blank", "secret"),
        ("blank", "secret"),
        ("j\u{fc}rgen", "secret"),
        ("bad", "secret"),
        ("last", "secret"),
        ("", "secret"),
        ("nocolon", ""),
        ("md5", "S3cret:"),
        ("MD5", "S3cret"),
    ]);
    compare(
        "authn_file auth_basic",
        &configuration,
        &logins("/private/", &users),
    )
}

#[test]
fn basic_directives() -> Result<()> {
    let site = pages(
        "one two order lax strict laxuser fake fakeexpr fakepass fakeoff digestalg alias nofile \
         env relaxed off group",
    )?;
    site.file(
        "conf/one",
        entry("-s", "alice", "one")? + &entry("-s", "carol", "one")?,
    )?;
    site.file(
        "conf/two",
        entry("-s", "alice", "two")? + &entry("-s", "bob", "two")?,
    )?;
    // AuthBasicUseDigestAlgorithm compares with what htdigest stores: dora, realm, "three".
    let dora = filtered("md5sum", &[], "dora:digestalg:three")?;
    site.file("conf/digest", format!("dora:digestalg:{}\n", &dora[..32]))?;
    site.file("conf/group", "friends: bob\nothers: alice carol\n")?;
    site.file("fake/.htaccess", "RequestHeader set X-None 1\n")?;
    let mut sections = String::new();
    let mut section = |path: &str, lines: &str| {
        let _ = write!(
            sections,
            "<Location /{path}>\nAuthType Basic\nAuthName {path}\n{lines}\n</Location>\n"
        );
    };
    section(
        "one",
        "AuthUserFile \"@SITE@/conf/one\"\nRequire valid-user",
    );
    section("two", "AuthBasicProvider two\nRequire valid-user");
    section(
        "order",
        "AuthUserFile \"@SITE@/conf/one\"\nAuthBasicProvider file two\nRequire valid-user",
    );
    section("alias", "AuthBasicProvider two one\nRequire user alice bob");
    section(
        "lax",
        "AuthBasicProvider two\nAuthBasicAuthoritative Off\nRequire valid-user",
    );
    section(
        "strict",
        "AuthBasicProvider two\nAuthBasicAuthoritative On\nRequire user bob\nRequire ip 10.1.1.1",
    );
    section(
        "digestalg",
        "AuthBasicUseDigestAlgorithm MD5\nAuthUserFile \"@SITE@/conf/digest\"\nRequire valid-user",
    );
    section(
        "nofile",
        "AuthUserFile \"@SITE@/conf/none\"\nRequire valid-user",
    );
    section(
        "laxuser",
        "AuthBasicProvider one two\nRequire user \"bob\"\nRequire group friends\nAuthGroupFile \"@SITE@/conf/group\"",
    );
    section(
        "group",
        "AuthBasicProvider one two\nRequire group friends others\nAuthGroupFile \"@SITE@/conf/group\"",
    );
    sections += "<AuthnProviderAlias file one>\nAuthUserFile \"@SITE@/conf/one\"\n</AuthnProviderAlias>\n\
         <AuthnProviderAlias file two>\nAuthUserFile \"@SITE@/conf/two\"\n</AuthnProviderAlias>\n";
    for (path, lines) in [
        ("fake", "AuthBasicFake demo demopass"),
        ("fakeexpr", "AuthBasicFake %{HTTP:X-Name} %{HTTP:X-Pass}"),
        ("fakepass", "AuthBasicFake demo"),
        ("fakeoff", "AuthBasicFake demo demopass\nAuthBasicFake Off"),
    ] {
        let _ = write!(
            sections,
            "<Location /{path}>\n{lines}\nHeader always set X-Fake expr=%{{HTTP:Authorization}}\n</Location>\n"
        );
    }
    sections += "<Location /off>\nRequire valid-user\n</Location>\n\
         <Location /env>\nAuthType Basic\nAuthName %{HTTP:X-Realm}\nAuthBasicProvider one\nRequire expr %{REMOTE_USER} == 'alice'\n</Location>\n\
         <Location /relaxed>\n<If \"%{QUERY_STRING} == 'basic'\">\nAuthType Basic\n</If>\nAuthName x\nAuthBasicProvider one\nRequire valid-user\n</Location>\n";
    let aliases_first = {
        // Aliases must be known before they are named.
        let (before, aliases) = sections
            .split_once("<AuthnProviderAlias")
            .expect("there are");
        let (aliases, after) =
            aliases.split_at(aliases.rfind("</AuthnProviderAlias>\n").expect("it ends"));
        let after = after.replacen("</AuthnProviderAlias>\n", "", 1);
        format!("<AuthnProviderAlias{aliases}</AuthnProviderAlias>\n{before}{after}")
    };
    let configuration = serve(&site, MODULES, &format!("{COMMON}{aliases_first}"));
    let mut cases = logins(
        "/one/ /two/ /order/ /alias/ /lax/ /strict/ /laxuser/ /group/ /digestalg/ /nofile/ /env/ /off/",
        &[
            ("alice", "one"),
            ("alice", "two"),
            ("bob", "two"),
            ("nobody", "x"),
            ("dora", "three"),
            ("dora", "four"),
        ],
    );
    cases.extend(logins(
        "/relaxed/ /relaxed/?basic",
        &[("alice", "one"), ("alice", "x")],
    ));
    for path in [
        "/fake/",
        "/fakeexpr/",
        "/fakepass/",
        "/fakeoff/",
        "/env/",
        "/relaxed/",
    ] {
        cases.push(Case::get(path));
        cases.push(Case::get_with(
            path,
            &[
                ("X-Name", "ann"),
                ("X-Pass", "pw"),
                ("X-Realm", "a \"realm\""),
            ],
        ));
        cases.push(Case::get_with(path, &[("Authorization", "Basic eDp5")]));
    }
    for authorization in [
        "Basic  YWxpY2U6b25l",
        "Basic\tYWxpY2U6b25l",
        "BASIC YWxpY2U6b25l",
        "Basic YWxpY2U6b25l trailing",
        "BasicYWxpY2U6b25l",
        "Basic YWxpY2U6b25",
        "Basic YWxpY2U6b25l==",
        "Basic OnNlY3JldA==",
        "",
    ] {
        cases.push(Case::get_with("/one/", &[("Authorization", authorization)]));
    }
    cases.push(Case::get_with(
        "/one/",
        &[
            ("Authorization", "Basic eDp5"),
            ("Authorization", &basic("alice", "one")),
        ],
    ));
    cases.push(Case::get_with(
        "/one/",
        &[("Proxy-Authorization", &basic("alice", "one"))],
    ));
    cases.push(Case::with("HEAD", "/one/", &[], ""));
    cases.push(Case::with(
        "POST",
        "/one/",
        &[("Authorization", &basic("alice", "one"))],
        "x=1",
    ));
    compare(
        "auth_basic authn_core authn_file authz_user authz_groupfile",
        &configuration,
        &cases,
    )
}

#[test]
fn anonymous_users() -> Result<()> {
    let site = pages("guests mail verify nouser any order case")?;
    site.file("conf/passwords", entry("-s", "alice", "one")?)?;
    let mut sections = String::new();
    for (path, lines) in [
        ("guests", "Anonymous anonymous guest \"www user\""),
        ("mail", "Anonymous anonymous\nAnonymous_MustGiveEmail Off"),
        ("verify", "Anonymous anonymous\nAnonymous_VerifyEmail On"),
        ("nouser", "Anonymous anonymous\nAnonymous_NoUserID On"),
        ("any", "Anonymous \"*\"\nAnonymous_LogEmail Off"),
        (
            "case",
            "Anonymous Guest\nAnonymous_VerifyEmail On\nAnonymous_NoUserID On\nAnonymous_MustGiveEmail Off",
        ),
    ] {
        let _ = write!(
            sections,
            "<Location /{path}>\nAuthType Basic\nAuthName {path}\nAuthBasicProvider anon\n{lines}\nRequire valid-user\n</Location>\n"
        );
    }
    sections += "<Location /order>\nAuthType Basic\nAuthName order\nAuthBasicProvider file anon\n\
         AuthUserFile \"@SITE@/conf/passwords\"\nAnonymous guest\nRequire valid-user\n</Location>\n";
    let configuration = serve(
        &site,
        &format!("{MODULES} authn_anon"),
        &format!("{COMMON}{sections}"),
    );
    let cases = logins(
        "/guests/ /mail/ /verify/ /nouser/ /any/ /case/ /order/",
        &[
            ("anonymous", "me@here.example"),
            ("anonymous", "me"),
            ("anonymous", ""),
            ("GUEST", "me@here.example"),
            ("www user", "@."),
            ("", "me@here.example"),
            ("alice", "one"),
            ("alice", "me@here.example"),
        ],
    );
    compare("authn_anon auth_basic", &configuration, &cases)
}

#[test]
fn passwords_and_groups_in_dbm() -> Result<()> {
    let site = pages("db sdbm htdbm none wrong group both user filegroup")?;
    let (alice, bob) = (
        entry("-s", "alice", "one")?,
        entry("-B -C 4", "bob", "two")?,
    );
    let text = format!("{alice}{bob}")
        .replacen(':', " ", 1)
        .replace("bob:", "bob ");
    dbm(&site, "db", "db", &text)?;
    dbm(&site, "sdbm", "sdbm", &text)?;
    dbm(
        &site,
        "groups",
        "db",
        "alice readers,writers\nbob readers\n",
    )?;
    // One file for both: the password, a colon, the groups.
    let both = text.replace("\nbob", ":writers\nbob").trim_end().to_owned() + ":readers:rest\n";
    dbm(&site, "both", "db", &both)?;
    let file = site.path().join("conf/ht").display().to_string();
    filtered(
        "htdbm",
        &[
            "-b",
            "-c",
            "-s",
            "-t",
            "-TDB",
            &file,
            "carol",
            "three",
            "a comment",
        ],
        "",
    )?;
    filtered("htdbm", &["-b", "-m", "-TDB", &file, "dave", "four"], "")?;
    readable(&site)?;
    let mut sections = String::new();
    for (path, lines) in [
        ("db", "AuthDBMUserFile @SITE@/conf/db\nRequire valid-user"),
        (
            "sdbm",
            "AuthDBMType SDBM\nAuthDBMUserFile @SITE@/conf/sdbm\nRequire valid-user",
        ),
        (
            "htdbm",
            "AuthDBMType DB\nAuthDBMUserFile @SITE@/conf/ht\nRequire valid-user",
        ),
        (
            "none",
            "AuthDBMUserFile @SITE@/conf/nothing\nRequire valid-user",
        ),
        (
            "wrong",
            "AuthDBMType SDBM\nAuthDBMUserFile @SITE@/conf/db\nRequire valid-user",
        ),
        (
            "group",
            "AuthDBMUserFile @SITE@/conf/db\nAuthDBMGroupFile @SITE@/conf/groups\nRequire dbm-group writers",
        ),
        (
            "both",
            "AuthDBMUserFile @SITE@/conf/both\nAuthDBMGroupFile @SITE@/conf/both\nRequire dbm-group readers others",
        ),
        (
            "user",
            "AuthDBMUserFile @SITE@/conf/db\nRequire dbm-group readers",
        ),
        (
            "filegroup",
            "AuthDBMUserFile @SITE@/conf/db\nAuthDBMGroupFile @SITE@/conf/groups\nRequire dbm-file-group",
        ),
    ] {
        let _ = write!(
            sections,
            "<Location /{path}>\nAuthType Basic\nAuthName {path}\nAuthBasicProvider dbm\n{lines}\n</Location>\n"
        );
    }
    let configuration = serve(
        &site,
        &format!("{MODULES} authn_dbm authz_dbm authz_owner"),
        &format!("{COMMON}{sections}"),
    );
    let cases = logins(
        "/db/ /sdbm/ /htdbm/ /none/ /wrong/ /group/ /both/ /user/ /filegroup/",
        &[
            ("alice", "one"),
            ("bob", "two"),
            ("bob", "one"),
            ("carol", "three"),
            ("dave", "four"),
            ("nobody", "x"),
        ],
    );
    compare("authn_dbm authz_dbm auth_basic", &configuration, &cases)
}

#[test]
fn refused_directives() -> Result<()> {
    refuse_alike(
        "auth_basic authn_core authn_dbm authn_anon authn_socache authz_core",
        &load(
            "authz_core authn_core authn_file authn_dbm authn_anon authn_socache auth_basic socache_shmcb",
        ),
        &[
            "<Location />\nAuthBasicProvider nobody\n</Location>",
            "<Location />\nAuthBasicUseDigestAlgorithm SHA\n</Location>",
            "<Location />\nAuthBasicAuthoritative maybe\n</Location>",
            "<Location />\nAuthBasicFake \"%{BAD\"\n</Location>",
            "<AuthnProviderAlias file>\n</AuthnProviderAlias>",
            "<AuthnProviderAlias nobody mine>\n</AuthnProviderAlias>",
            "<AuthnProviderAlias file mine>\n</AuthnProviderAlias>\n<AuthnProviderAlias file mine>\n</AuthnProviderAlias>",
            "<AuthnProviderAlias file file>\n</AuthnProviderAlias>",
            "<Location />\n<AuthnProviderAlias file mine>\n</AuthnProviderAlias>\n</Location>",
            "<AuthzProviderAlias nothing mine x>\n</AuthzProviderAlias>",
            "<AuthzProviderAlias env>\n</AuthzProviderAlias>",
            "<AuthzProviderAlias env mine>\n</AuthzProviderAlias>",
            "<AuthzProviderAlias env mine a b>\n</AuthzProviderAlias>",
            "<AuthzProviderAlias env env a>\n</AuthzProviderAlias>",
            "<Location />\nRequire\n</Location>",
            "<Location />\nRequire nothing\n</Location>",
            "<Location />\nRequire all\n</Location>",
            "<Location />\nRequire all maybe\n</Location>",
            "<Location />\nRequire not\n</Location>",
            "<Location />\nRequire not all granted\n</Location>",
            "<Location />\nRequire expr \"%{BAD\"\n</Location>",
            "<Location />\nRequire method BREW\n</Location>",
            "<Location />\n<RequireNone>\nRequire all granted\n</RequireNone>\n</Location>",
            "<Location />\n<RequireAny>\nRequire not env a\n</RequireAny>\n</Location>",
            "<Location />\n<RequireAll>\nRequire not env a\n</RequireAll>\n</Location>",
            "<Location />\n<RequireNone>\n<RequireAny>\nRequire env a\n</RequireAny>\nRequire not env b\n</RequireNone>\n</Location>",
            "<Location />\n<RequireAny x>\nRequire env a\n</RequireAny>\n</Location>",
            "<Location />\n<RequireAny>\n</RequireAny>\n</Location>",
            "<Location />\n<RequireAny>\nAuthName x\n</RequireAny>\n</Location>",
            "<Location />\nAuthMerging maybe\n</Location>",
            "<Location />\nAuthzSendForbiddenOnFailure perhaps\n</Location>",
            "<Location />\nAuthDBMType nosuch\n</Location>",
            "<Location />\nAnonymous\n</Location>",
            "AuthnCacheSOCache nosuch",
            "AuthnCacheSOCache shmcb:/tmp/x(bad)",
            "AuthnCacheTimeout 5",
            "<Location />\nAuthnCacheProvideFor\n</Location>",
            "<Location />\nAuthnCacheContext maybe\n</Location>",
            "Require all granted",
            "<Location />\nAuthType\n</Location>",
            "<Location />\nAuthName a b\n</Location>",
        ],
    )
}
