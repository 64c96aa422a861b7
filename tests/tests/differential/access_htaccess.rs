//! Access told in `.htaccess`: what `AllowOverride` and `AllowOverrideList` let in, containers and
//! sections, and files that change while the server runs.

use std::{fmt::Write, fs};

use anyhow::Result;
use httpd_tests::{
    conversation::{basic, converse},
    differential::{Case, compare, serve},
    site::Site,
};

const MODULES: &str = "dir mime alias env setenvif headers authn_core authn_file authn_anon auth_basic auth_digest \
                       authz_user authz_host authz_groupfile authz_owner access_compat allowmethods";

const PASSWORDS: &str =
    "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nbob:{SHA}mdcsf8Pi4UWHC+qzfAtw40PqnDs=\n";

const COMMON: &str = "TypesConfig /etc/mime.types\nDirectoryIndex index.html\nSetEnvIf X-Flag (.+) flag=$1\n\
     Header always set X-User expr=%{REMOTE_USER} \"expr=-n %{REMOTE_USER}\"\n";

#[test]
fn what_may_be_told() -> Result<()> {
    let file = "AuthType Basic\nAuthName ht\nAuthUserFile \"@SITE@/conf/passwords\"\n";
    // Name, what the configuration allows, the file.
    let list: &[(&str, &str, String)] = &[
        ("all", "AllowOverride All", format!("{file}Require valid-user\n")),
        ("none", "AllowOverride None", format!("{file}Require valid-user\n")),
        ("authconfig", "AllowOverride AuthConfig", format!("{file}Require user alice\n")),
        ("fileinfo", "AllowOverride FileInfo", format!("{file}Require user alice\n")),
        ("listed", "AllowOverride None\nAllowOverrideList AuthType AuthName AuthUserFile Require", format!("{file}Require user alice\n")),
        ("listedpart", "AllowOverride None\nAllowOverrideList AuthName Require", format!("{file}Require user alice\n")),
        ("listedunknown", "AllowOverride None\nAllowOverrideList Require", "Require ip 127.0.0.1\nNonsense On\n".into()),
        ("nonfatal", "AllowOverride AuthConfig Nonfatal=All", "Nonsense On\nRequire env flag\n".into()),
        ("nonfataloverride", "AllowOverride Limit Nonfatal=Override", "Require env flag\nOrder Deny,Allow\nDeny from all\nAllow from env=flag\n".into()),
        ("nonfatalunknown", "AllowOverride AuthConfig Nonfatal=Unknown", "Nonsense On\nRequire env flag\n".into()),
        ("limit", "AllowOverride Limit", "Order Allow,Deny\nAllow from env=flag\n".into()),
        ("limitno", "AllowOverride AuthConfig", "Order Allow,Deny\nAllow from all\n".into()),
        ("containers", "AllowOverride AuthConfig", format!("{file}<RequireAll>\n<RequireAny>\nRequire user alice\nRequire env flag\n</RequireAny>\nRequire not ip 10.0.0.1\n</RequireAll>\n")),
        ("files", "AllowOverride AuthConfig", format!("{file}<Files \"index.html\">\nRequire user bob\n</Files>\n<FilesMatch \"\\.txt$\">\nRequire user alice\n</FilesMatch>\n")),
        ("limited", "AllowOverride AuthConfig Limit", format!("{file}<Limit POST>\nRequire user alice\n</Limit>\n<LimitExcept GET POST>\nRequire all denied\n</LimitExcept>\n")),
        ("iffed", "AllowOverride AuthConfig", format!("{file}<If \"-n req('X-Flag')\">\nRequire user alice\n</If>\n<Else>\nRequire all granted\n</Else>\n")),
        ("ifmodule", "AllowOverride AuthConfig", "<IfModule mod_authz_core.c>\nRequire env flag\n</IfModule>\n<IfModule !mod_authz_core.c>\nNonsense\n</IfModule>\n".into()),
        ("unclosed", "AllowOverride AuthConfig", "<RequireAll>\nRequire all granted\n".into()),
        ("empty", "AllowOverride AuthConfig", "<RequireAny>\n</RequireAny>\n".into()),
        ("onlynegative", "AllowOverride AuthConfig", "<RequireAll>\nRequire not env flag\n</RequireAll>\n".into()),
        ("syntax", "AllowOverride AuthConfig", "Require nosuch provider\n".into()),
        ("alias", "AllowOverride All", "<AuthzProviderAlias env mine flag>\n</AuthzProviderAlias>\nRequire mine\n".into()),
        ("provider", "AllowOverride AuthConfig", format!("{file}AuthBasicProvider anon file\nAnonymous guest\nRequire valid-user\n")),
        ("methods", "AllowOverride All", "AllowMethods GET\n".into()),
        ("group", "AllowOverride AuthConfig", format!("{file}AuthGroupFile \"@SITE@/conf/groups\"\nRequire group staff\n")),
        ("digest", "AllowOverride AuthConfig", "AuthType Digest\nAuthDigestAlgorithm SHA\n".into()),
        ("notype", "AllowOverride AuthConfig", "Require valid-user\n".into()),
        ("noname", "AllowOverride AuthConfig", "AuthType Basic\nRequire valid-user\n".into()),
        ("nofile", "AllowOverride AuthConfig", "AuthType Basic\nAuthName x\nRequire valid-user\n".into()),
        ("relative", "AllowOverride AuthConfig", "AuthType Basic\nAuthName x\nAuthUserFile conf/passwords\nRequire valid-user\n".into()),
        ("crlf", "AllowOverride AuthConfig", format!("{file}Require user \\\n  alice\n# end").replace('\n', "\r\n")),
        ("section", "AllowOverride All", "<Directory />\n</Directory>\n".into()),
    ];
    let site = Site::new()?;
    site.file("conf/passwords", PASSWORDS)?;
    site.file("conf/groups", "staff: bob\n")?;
    let mut text = String::from(COMMON);
    for (name, allowed, lines) in list {
        site.file(&format!("{name}/index.html"), format!("{name}\n"))?;
        site.file(&format!("{name}/a.txt"), "a\n")?;
        let lines = lines.replace("@SITE@", &site.path().display().to_string());
        site.file(&format!("{name}/.htaccess"), lines)?;
        let _ = write!(
            text,
            "<Directory \"@SITE@/{name}\">\n{allowed}\n</Directory>\n"
        );
    }
    let configuration = serve(&site, MODULES, &text);
    let mut cases = Vec::new();
    let (alice, bob) = (basic("alice", "secret"), basic("bob", "hidden"));
    for (name, ..) in list {
        for path in [format!("/{name}/"), format!("/{name}/a.txt")] {
            cases.push(Case::get(&path));
            cases.push(Case::get_with(&path, &[("X-Flag", "1")]));
            for login in [&alice, &bob, &basic("guest", "a@b.c")] {
                cases.push(Case::get_with(&path, &[("Authorization", login)]));
            }
            cases.push(Case::get_with(
                &path,
                &[("Authorization", &alice), ("X-Flag", "1")],
            ));
        }
        let path = format!("/{name}/");
        cases.push(Case::with("POST", &path, &[], "x"));
        cases.push(Case::with("POST", &path, &[("Authorization", &alice)], "x"));
        cases.push(Case::with("OPTIONS", &path, &[], ""));
        cases.push(Case::get(&format!("/{name}/.htaccess")));
    }
    compare(
        "authz_core authn_core access_compat auth_basic core",
        &configuration,
        &cases,
    )
}

#[test]
fn files_that_change() -> Result<()> {
    let site = Site::new()?;
    site.file("conf/passwords", PASSWORDS)?;
    let configuration = serve(
        &site,
        MODULES,
        &format!(
            "{COMMON}Alias /state \"@STATE@/docs\"\n<Directory \"@STATE@/docs\">\nAllowOverride AuthConfig FileInfo\n\
             AuthType Basic\nAuthName state\nAuthUserFile \"@SITE@/conf/passwords\"\nRequire all granted\n</Directory>\n"
        ),
    );
    converse(
        "authz_core core",
        &configuration,
        &[],
        |state| {
            state.file("docs/deep/er/index.html", "deeper\n")?;
            state.file("docs/index.html", "docs\n")?;
            Ok(())
        },
        |visitor| {
            let (alice, bob) = (basic("alice", "secret"), basic("bob", "hidden"));
            let docs = visitor.state().path().join("docs");
            for (what, file, lines) in [
                ("nothing", "none", None),
                ("one appears", ".htaccess", Some("Require user alice\n")),
                (
                    "it changes, in the same length",
                    ".htaccess",
                    Some("Require user bobby\n"),
                ),
                ("it changes", ".htaccess", Some("Require user bob\n")),
                ("one below", "deep/.htaccess", Some("Require all granted\n")),
                (
                    "one below that",
                    "deep/er/.htaccess",
                    Some("AuthMerging And\nRequire user alice\n"),
                ),
                (
                    "it has a mistake",
                    "deep/.htaccess",
                    Some("Requires all granted\n"),
                ),
                ("that has gone", "deep/.htaccess", None),
                ("the first is empty", ".htaccess", Some("")),
                ("all have gone", "deep/er/.htaccess", None),
            ] {
                let path = docs.join(file);
                match lines {
                    Some(lines) => fs::write(&path, lines)?,
                    None if path.exists() => fs::remove_file(&path)?,
                    None => {}
                }
                visitor.note("the files", what);
                for path in ["/state/", "/state/deep/er/"] {
                    visitor.get(path);
                    for login in [&alice, &bob] {
                        visitor.send("GET", path, &[("Authorization", login)], "");
                    }
                }
            }
            // Files that no child may read, and one that is a directory.
            fs::remove_file(docs.join(".htaccess"))?;
            fs::create_dir(docs.join(".htaccess"))?;
            visitor.get("/state/");
            fs::remove_dir(docs.join(".htaccess"))?;
            std::os::unix::fs::symlink("nowhere", docs.join(".htaccess"))?;
            visitor.get("/state/");
            fs::remove_file(docs.join(".htaccess"))?;
            fs::write(docs.join(".htaccess"), "Require all granted\n")?;
            fs::set_permissions(
                docs.join(".htaccess"),
                std::os::unix::fs::PermissionsExt::from_mode(0o600),
            )?;
            visitor.get("/state/");
            Ok(())
        },
    )
}
