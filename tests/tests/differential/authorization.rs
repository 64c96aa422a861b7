//! Who may: containers of `Require` and how they are merged, aliases of providers, groups, owners,
//! hosts, methods.

use std::{fmt::Write, os::unix::fs::chown};

use anyhow::Result;
use httpd_tests::{
    conversation::basic,
    differential::{Case, compare, serve},
    site::Site,
};

const MODULES: &str = "dir mime headers env setenvif alias rewrite remoteip authn_core authn_file \
                       auth_basic authz_user authz_host authz_groupfile authz_owner allowmethods";

/// alice, bob, carol and www-data with the password `secret`.
const PASSWORDS: &str = "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n\
                         bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n\
                         carol:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n\
                         root:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n\
                         www-data:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";

const COMMON: &str = r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
SetEnvIf X-Flag "(.+)" flag=$1
Header always set X-User "expr=%{REMOTE_USER}" "expr=-n %{REMOTE_USER}"
<Directory "@SITE@">
AuthType Basic
AuthName site
AuthUserFile "@SITE@/conf/passwords"
AuthGroupFile "@SITE@/conf/groups"
</Directory>
"#;

fn pages(directories: &str) -> Result<Site> {
    let site = Site::new()?;
    for directory in directories.split_whitespace() {
        site.file(&format!("{directory}/index.html"), format!("{directory}\n"))?;
    }
    site.file("conf/passwords", PASSWORDS)?;
    site.file(
        "conf/groups",
        "# comment\nstaff: alice bob\n\nadmins:alice\nempty:\nwide: carol   www-data\t root\nnocolon\n",
    )?;
    Ok(site)
}

fn sections(list: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (path, lines) in list {
        let _ = write!(text, "<Location /{path}>\n{lines}\n</Location>\n");
    }
    text
}

fn names(list: &[(&str, &str)]) -> String {
    let names: Vec<&str> = list.iter().map(|(name, _)| *name).collect();
    names.join(" ")
}

/// Every path as nobody, as each user, and with a flag.
fn everybody(list: &[(&str, &str)], users: &[&str]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, _) in list {
        let path = format!("/{path}/");
        cases.push(Case::get(&path));
        cases.push(Case::get_with(&path, &[("X-Flag", "yes")]));
        for user in users {
            let login = ("Authorization", basic(user, "secret"));
            for flag in [&[][..], &[("X-Flag", "yes")]] {
                let mut fields = vec![(login.0, login.1.as_str())];
                fields.extend(flag);
                let mut case = Case::get_with(&path, &fields);
                case.name = format!("{path} as {user} {flag:?}");
                cases.push(case);
            }
        }
    }
    cases
}

#[test]
fn containers() -> Result<()> {
    let list = [
        (
            "all",
            "<RequireAll>\nRequire user alice bob\nRequire env flag\n</RequireAll>",
        ),
        (
            "any",
            "<RequireAny>\nRequire user alice\nRequire env flag\n</RequireAny>",
        ),
        (
            "none",
            "<RequireAll>\nRequire valid-user\n<RequireNone>\nRequire user bob\nRequire env flag\n</RequireNone>\n</RequireAll>",
        ),
        (
            "not",
            "<RequireAll>\nRequire valid-user\nRequire not user bob\nRequire not env flag\n</RequireAll>",
        ),
        (
            "notgroup",
            "<RequireAll>\nRequire valid-user\nRequire not group staff\n</RequireAll>",
        ),
        (
            "nested",
            "<RequireAny>\n<RequireAll>\nRequire user alice\n<RequireAny>\nRequire env flag\nRequire group nobody\n</RequireAny>\n</RequireAll>\n<RequireAll>\nRequire user bob\nRequire not env flag\n</RequireAll>\n</RequireAny>",
        ),
        (
            "notip",
            "<RequireAll>\nRequire all granted\nRequire not ip 127.0.0.1\n</RequireAll>",
        ),
        (
            "notallgranted",
            "<RequireAll>\nRequire all granted\n<RequireNone>\nRequire ip 10.0.0.0/8\n</RequireNone>\n</RequireAll>",
        ),
        ("denied", "Require all denied"),
        (
            "deniedany",
            "<RequireAny>\nRequire all denied\nRequire user alice\n</RequireAny>",
        ),
        (
            "implicit",
            "Require user alice\nRequire user bob\nRequire env flag",
        ),
        (
            "forbidden",
            "AuthzSendForbiddenOnFailure On\nRequire user alice",
        ),
        (
            "forbiddenoff",
            "AuthzSendForbiddenOnFailure Off\nRequire group staff",
        ),
        (
            "expr",
            "Require expr \"%{REMOTE_USER} =~ /^[ab]/ && -n reqenv('flag')\"",
        ),
        (
            "exprmethod",
            "Require expr %{REQUEST_METHOD} in {'GET', 'HEAD'}",
        ),
        ("alias", "Require strangers"),
        (
            "aliases",
            "<RequireAll>\nRequire named\nRequire not flagged\n</RequireAll>",
        ),
        ("valid", "Require valid-user"),
        ("quoted", "Require user \"alice\" 'bob'"),
        (
            "limit",
            "<Limit GET>\nRequire user alice\n</Limit>\n<LimitExcept GET>\nRequire user bob\n</LimitExcept>",
        ),
        (
            "method",
            "<RequireAll>\nRequire method POST\nRequire user alice\n</RequireAll>",
        ),
        ("notype", "AuthType None\nRequire all granted"),
    ];
    let site = pages(&names(&list))?;
    let aliases = "<AuthzProviderAlias user named \"alice bob\">\n</AuthzProviderAlias>\n\
                   <AuthzProviderAlias env flagged flag>\n</AuthzProviderAlias>\n\
                   <AuthzProviderAlias ip strangers \"10.0.0.0/8 192.168.0.0/16\">\n</AuthzProviderAlias>\n";
    let configuration = serve(
        &site,
        MODULES,
        &format!("{COMMON}{aliases}{}", sections(&list)),
    );
    let mut cases = everybody(&list, &["alice", "bob", "carol"]);
    for path in ["/limit/", "/method/", "/exprmethod/"] {
        for method in ["POST", "PUT", "HEAD", "OPTIONS"] {
            cases.push(Case::with(method, path, &[], ""));
            cases.push(Case::with(
                method,
                path,
                &[("Authorization", &basic("alice", "secret"))],
                "",
            ));
            cases.push(Case::with(
                method,
                path,
                &[("Authorization", &basic("bob", "secret"))],
                "",
            ));
        }
    }
    compare(
        "authz_core authz_user authz_host authz_groupfile",
        &configuration,
        &cases,
    )
}

#[test]
fn merging_of_sections() -> Result<()> {
    let site = pages("off/in and/in or/in files ht/in htand empty")?;
    for name in ["off", "and", "or"] {
        site.file(&format!("{name}/in/deep/index.html"), "deep\n")?;
    }
    site.file("files/secret.txt", "secret\n")?;
    site.file("files/open.txt", "open\n")?;
    site.file("ht/.htaccess", "Require user alice\n")?;
    site.file("ht/in/.htaccess", "AuthMerging Or\nRequire user bob\n")?;
    site.file(
        "htand/.htaccess",
        "AuthMerging And\n<RequireAll>\nRequire user alice bob\nRequire not env flag\n</RequireAll>\n",
    )?;
    let mut text = String::new();
    for (name, merging) in [("off", "Off"), ("and", "And"), ("or", "Or")] {
        let _ = write!(
            text,
            "<Directory \"@SITE@/{name}\">\nRequire user alice carol\n</Directory>\n\
             <Directory \"@SITE@/{name}/in\">\nAuthMerging {merging}\nRequire user alice bob\n</Directory>\n\
             <Directory \"@SITE@/{name}/in/deep\">\nAuthMerging {merging}\nRequire env flag\n</Directory>\n"
        );
    }
    text += r#"
<Directory "@SITE@/files">
Require all denied
<Files "secret.txt">
AuthMerging And
Require user alice
</Files>
<FilesMatch "^open">
Require all granted
</FilesMatch>
</Directory>
<Directory "@SITE@/ht">
AllowOverride AuthConfig
</Directory>
<Directory "@SITE@/htand">
AllowOverride AuthConfig
AuthMerging And
Require env flag2
</Directory>
<Directory "@SITE@/empty">
AuthMerging And
</Directory>
<If "%{QUERY_STRING} == 'closed'">
Require all denied
</If>
<If "%{QUERY_STRING} == 'user'">
AuthMerging And
Require user bob
</If>
"#;
    let configuration = serve(&site, MODULES, &format!("{COMMON}{text}"));
    let paths = [
        "off/in",
        "and/in",
        "or/in",
        "off/in/deep",
        "and/in/deep",
        "or/in/deep",
        "ht",
        "ht/in",
        "htand",
        "empty",
    ];
    let list: Vec<(&str, &str)> = paths.iter().map(|path| (*path, "")).collect();
    let mut cases = everybody(&list, &["alice", "bob", "carol"]);
    for path in [
        "/files/secret.txt",
        "/files/open.txt",
        "/files/",
        "/off/?closed",
        "/off/?user",
        "/and/in/?user",
        "/empty/?user",
        "/empty/?closed",
    ] {
        cases.push(Case::get(path));
        cases.push(Case::get_with(
            path,
            &[("Authorization", &basic("alice", "secret"))],
        ));
        cases.push(Case::get_with(
            path,
            &[("Authorization", &basic("bob", "secret"))],
        ));
    }
    compare("authz_core authz_user", &configuration, &cases)
}

#[test]
fn groups_and_owners() -> Result<()> {
    let list = [
        ("staff", "Require group staff"),
        ("several", "Require group admins wide"),
        ("emptygroup", "Require group empty"),
        ("missing", "Require group nosuch"),
        (
            "nofile",
            "AuthGroupFile \"@SITE@/conf/nothing\"\nRequire group staff",
        ),
        ("owner", "Require file-owner"),
        ("ownergroup", "Require file-group"),
        ("either", "Require file-owner\nRequire group admins"),
        ("exprgroup", "Require group %{HTTP:X-Flag}"),
    ];
    let site = pages(&names(&list))?;
    let www = 33;
    for (file, owner, group) in [
        ("owner/index.html", www, 0),
        ("ownergroup/index.html", 0, www),
        ("either/index.html", 0, 0),
    ] {
        // Who is not root leaves the files as they are: still both servers answer alike.
        let _ = chown(site.path().join(file), Some(owner), Some(group));
    }
    site.file(
        "conf/groups",
        "staff: alice bob\nadmins: alice\nempty:\nwide: carol root\nwww-data: carol\nyes: bob\n",
    )?;
    let configuration = serve(&site, MODULES, &format!("{COMMON}{}", sections(&list)));
    let mut cases = everybody(&list, &["alice", "bob", "carol", "root", "www-data"]);
    for user in ["alice", "root", "www-data"] {
        let login = basic(user, "secret");
        cases.push(Case::get_with(
            "/owner/nothing",
            &[("Authorization", &login)],
        ));
        cases.push(Case::get_with(
            "/owner/index.html/more",
            &[("Authorization", &login)],
        ));
        cases.push(Case::get_with(
            "/ownergroup/index.html",
            &[("Authorization", &login)],
        ));
    }
    compare(
        "authz_groupfile authz_owner authz_core",
        &configuration,
        &cases,
    )
}

const CLIENTS: [&str; 9] = [
    "10.1.2.3",
    "10.2.0.1",
    "192.168.1.77",
    "192.168.2.1",
    "2001:db8::5",
    "::1",
    "::ffff:10.1.0.1",
    "127.8.8.8",
    "203.0.113.9",
];

#[test]
fn hosts() -> Result<()> {
    let list = [
        ("local", "Require local"),
        ("ip", "Require ip 127.0.0.1 10.1"),
        ("mask", "Require ip 10.0.0.0/255.0.0.0 192.168.1.0/24"),
        ("partial", "Require ip 192.168"),
        ("six", "Require ip 2001:db8::/32"),
        ("sixone", "Require ip ::1 fe80::1"),
        ("host", "Require host localhost"),
        ("hosts", "Require host example.org .invalid"),
        ("forward", "Require forward-dns localhost"),
        ("expr", "Require expr -R '10.0.0.0/8'"),
        ("ipexpr", "Require host %{HTTP:X-Name}"),
        (
            "not",
            "<RequireAll>\nRequire all granted\nRequire not ip 10.0.0.0/8\nRequire not ip 203.0.113.0/24\n</RequireAll>",
        ),
    ];
    let site = pages(&names(&list))?;
    let configuration = serve(
        &site,
        MODULES,
        &format!(
            "RemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.1\n{COMMON}{}",
            sections(&list)
        ),
    );
    let mut cases = Vec::new();
    for (path, lines) in &list {
        let path = format!("/{path}/");
        cases.push(Case::get(&path));
        // The names of other addresses would be asked of a name server, far away.
        let named = lines.contains("host ") || lines.contains("forward-dns");
        let clients = match named {
            true => &["::1"][..],
            false => &CLIENTS[..],
        };
        for client in clients {
            cases.push(Case::get_with(&path, &[("X-Client", client)]));
        }
    }
    cases.push(Case::get_with("/ipexpr/", &[("X-Name", "localhost")]));
    compare("authz_host remoteip authz_core", &configuration, &cases)
}

#[test]
fn allowed_methods() -> Result<()> {
    let list = [
        ("get", "AllowMethods GET"),
        ("several", "AllowMethods GET POST OPTIONS"),
        ("reset", "AllowMethods reset"),
        ("none", "AllowMethods TRACE"),
        ("get/reset", "AllowMethods reset"),
        ("get/post", "AllowMethods POST"),
    ];
    let site = pages(&names(&list))?;
    site.file("get/put", "x")?;
    let configuration = serve(&site, MODULES, &format!("{COMMON}{}", sections(&list)));
    let mut cases = Vec::new();
    for (path, _) in &list {
        for method in [
            "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW", "PROPFIND",
        ] {
            cases.push(Case::with(method, &format!("/{path}/"), &[], ""));
        }
    }
    cases.push(Case::with("POST", "/get/nothing", &[], ""));
    cases.push(Case::with("OPTIONS", "*", &[], ""));
    compare("allowmethods", &configuration, &cases)
}
