//! `Order`, `Allow`, `Deny` and `Satisfy`, as Apache 2.2 had them, alone and beside `Require`.

use std::fmt::Write;

use anyhow::Result;
use httpd_tests::{
    conversation::basic,
    differential::{Case, compare, load, serve},
    refusal::refuse_alike,
    site::Site,
};

const COMMON: &str = r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
SetEnvIf User-Agent "Friend" friend
SetEnvIf User-Agent "Foe" foe
<Directory "@SITE@">
AuthType Basic
AuthName site
AuthUserFile "@SITE@/conf/passwords"
</Directory>
"#;

const CLIENTS: [&str; 5] = [
    "10.1.2.3",
    "10.2.0.1",
    "192.168.1.7",
    "2001:db8::9",
    "203.0.113.1",
];

#[test]
fn orders_and_hosts() -> Result<()> {
    let list = [
        (
            "denyallow",
            "Order Deny,Allow\nDeny from all\nAllow from 127.0.0.1",
        ),
        (
            "allowdeny",
            "Order Allow,Deny\nAllow from all\nDeny from 10.0.0.0/8",
        ),
        (
            "mutual",
            "Order Mutual-failure\nAllow from 10.0.0.0/8\nDeny from 10.1.0.0/16",
        ),
        ("onlyallow", "Allow from 10.0.0.0/8"),
        ("onlydeny", "Deny from 10.0.0.0/8"),
        ("onlyorder", "Order Allow,Deny"),
        ("defaultallow", "Order Deny,Allow"),
        (
            "partial",
            "Order Deny,Allow\nDeny from all\nAllow from 10.1 192.168.1.",
        ),
        (
            "mask",
            "Order Deny,Allow\nDeny from all\nAllow from 10.1.0.0/255.255.0.0",
        ),
        (
            "six",
            "Order Deny,Allow\nDeny from all\nAllow from 2001:db8::/32 ::1",
        ),
        (
            "name",
            "Order Deny,Allow\nDeny from all\nAllow from localhost .invalid",
        ),
        (
            "env",
            "Order Deny,Allow\nDeny from all\nAllow from env=friend",
        ),
        (
            "notenv",
            "Order Allow,Deny\nAllow from env=!foe\nDeny from env=friend",
        ),
        (
            "case",
            "order deny,ALLOW\ndeny FROM All\nallow From 10.1.2.3",
        ),
        (
            "limit",
            "<Limit POST>\nOrder Deny,Allow\nDeny from all\n</Limit>",
        ),
        (
            "except",
            "<LimitExcept GET>\nOrder Allow,Deny\nDeny from all\n</LimitExcept>",
        ),
        (
            "any",
            "Order Deny,Allow\nDeny from all\nAllow from 10.0.0.0/8\nRequire valid-user\nSatisfy Any",
        ),
        (
            "both",
            "Order Deny,Allow\nDeny from all\nAllow from 10.0.0.0/8\nRequire valid-user\nSatisfy All",
        ),
        (
            "anyopen",
            "Order Allow,Deny\nAllow from all\nRequire user nobody\nSatisfy any",
        ),
        (
            "anylimit",
            "Order Deny,Allow\nDeny from all\nRequire valid-user\n<Limit POST>\nSatisfy Any\n</Limit>",
        ),
        ("requireonly", "Require valid-user\nSatisfy Any"),
        (
            "mixed",
            "Order Deny,Allow\nDeny from all\nRequire all granted",
        ),
        ("inherit/none", ""),
        ("inherit/more", "Allow from 10.0.0.0/8"),
        ("inherit/other", "Order Allow,Deny\nAllow from all"),
    ];
    let site = Site::new()?;
    let mut text = String::from(
        "<Location /inherit>\nOrder Deny,Allow\nDeny from all\nAllow from 192.168.0.0/16\n</Location>\n",
    );
    for (path, lines) in &list {
        site.file(&format!("{path}/index.html"), format!("{path}\n"))?;
        let _ = write!(text, "<Location /{path}>\n{lines}\n</Location>\n");
    }
    site.file(
        "conf/passwords",
        "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n",
    )?;
    for (path, lines) in [
        (
            "ht",
            "Order Deny,Allow\nDeny from all\nAllow from env=friend 10.1\n",
        ),
        ("ht/in", "Allow from 192.168.0.0/16\n"),
        (
            "htany",
            "AuthName ht\nRequire valid-user\nSatisfy Any\nOrder Deny,Allow\nDeny from all\nAllow from 10.1\n",
        ),
        ("htlimit", "Allow from all\n"),
        ("htauth", "Satisfy Any\n"),
    ] {
        site.file(&format!("{path}/index.html"), format!("{path}\n"))?;
        site.file(&format!("{path}/.htaccess"), lines)?;
    }
    text += "<Directory \"@SITE@/ht\">\nAllowOverride Limit\n</Directory>\n\
             <Directory \"@SITE@/htany\">\nAllowOverride Limit AuthConfig\n</Directory>\n\
             <Directory \"@SITE@/htlimit\">\nAllowOverride AuthConfig\n</Directory>\n\
             <Directory \"@SITE@/htauth\">\nAllowOverride Limit\n</Directory>\n";
    let configuration = serve(
        &site,
        "dir mime setenvif remoteip authn_core authn_file auth_basic authz_user authz_host access_compat",
        &format!("{COMMON}{text}"),
    );
    let login = basic("alice", "secret");
    let mut cases = Vec::new();
    let mut paths: Vec<String> = list.iter().map(|(path, _)| format!("/{path}/")).collect();
    paths.extend(["/ht/", "/ht/in/", "/htany/", "/htlimit/", "/htauth/"].map(String::from));
    for path in &paths {
        cases.push(Case::get(path));
        // The names of other addresses would be asked of a name server, far away.
        let clients = match path.as_str() {
            "/name/" => &["::1"][..],
            _ => &CLIENTS[..],
        };
        for client in clients {
            cases.push(Case::get_with(path, &[("X-Client", client)]));
        }
        cases.push(Case::get_with(path, &[("User-Agent", "Friend")]));
        cases.push(Case::get_with(path, &[("User-Agent", "Friend Foe")]));
        cases.push(Case::get_with(path, &[("Authorization", &login)]));
        cases.push(Case::get_with(path, &[("Authorization", "Basic eDp5")]));
        cases.push(Case::get_with(
            path,
            &[("Authorization", &login), ("X-Client", "10.1.2.3")],
        ));
        cases.push(Case::with("POST", path, &[], "x"));
        cases.push(Case::with("OPTIONS", path, &[], ""));
    }
    compare(
        "access_compat authz_core authz_host",
        &configuration,
        &cases,
    )
}

#[test]
fn refused_directives() -> Result<()> {
    refuse_alike(
        "access_compat allowmethods authz_host",
        &load("authz_core authn_core authz_host access_compat allowmethods"),
        &[
            "<Location />\nOrder Sometimes\n</Location>",
            "<Location />\nOrder Deny, Allow\n</Location>",
            "<Location />\nAllow 127.0.0.1\n</Location>",
            "<Location />\nAllow from\n</Location>",
            "<Location />\nDeny to all\n</Location>",
            "<Location />\nAllow from 10.0.0.0/99\n</Location>",
            "<Location />\nAllow from 300.1.2.3\n</Location>",
            "<Location />\nAllow from 10.0.0.0/255.0.255.0\n</Location>",
            "<Location />\nAllow from 10.1.2.3/8\n</Location>",
            "<Location />\nSatisfy Some\n</Location>",
            "Order Deny,Allow",
            "<Location />\nRequire ip 10.0.0.0/99\n</Location>",
            "<Location />\nRequire ip nonsense\n</Location>",
            "<Location />\nRequire ip\n</Location>",
            "<Location />\nRequire ip 10.1.2.3/8\n</Location>",
            "<Location />\nRequire ip 2001:db8::1/200\n</Location>",
            "<Location />\nRequire local now\n</Location>",
            "<Location />\nRequire forward-dns \"%{BAD\"\n</Location>",
            "<Location />\nAllowMethods\n</Location>",
            "<Location />\nAllowMethods BREW\n</Location>",
            "AllowMethods GET",
            "<Limit GET>\nAllowMethods GET\n</Limit>",
        ],
    )
}
