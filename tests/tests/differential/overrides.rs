//! What `.htaccess` may do: every value of AllowOverride and AllowOverrideList against every kind of
//! directive, files of other names, and files that cannot be read or understood.

use std::{fmt::Write, fs, os::unix::fs::PermissionsExt};

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

const MODULES: &str = "dir mime env headers setenvif alias authz_host authz_user authn_core authn_file \
     auth_basic access_compat autoindex expires rewrite";

/// Directives of each class, and other lines that may stand in `.htaccess`.
const CONTENTS: &[(&str, &str)] = &[
    ("empty", "# nothing\n"),
    (
        "auth",
        "AuthType Basic\nAuthName x\nAuthUserFile /dev/null\nRequire valid-user\n",
    ),
    ("require", "Require all denied\n"),
    ("type", "ForceType x/forced\n"),
    ("header", "Header set X-Htaccess yes\n"),
    ("env", "SetEnv A b\n"),
    ("error", "ErrorDocument 404 \"not in htaccess\"\n"),
    ("redirect", "Redirect /htaccess-redirect /elsewhere\n"),
    ("rewrite", "RewriteEngine On\nRewriteRule ^none$ doc.txt\n"),
    ("index", "DirectoryIndex doc.txt\n"),
    ("listing", "IndexOptions FancyIndexing\n"),
    ("expires", "ExpiresActive On\nExpiresDefault A60\n"),
    ("order", "Order deny,allow\nDeny from all\n"),
    ("limit-body", "LimitRequestBody 2\n"),
    ("options", "Options +Indexes\n"),
    ("options-many", "Options Indexes FollowSymLinks\n"),
    ("options-none", "Options None\n"),
    ("options-minus", "Options -Indexes\n"),
    ("options-all", "Options All\n"),
    ("signature", "ServerSignature Off\n"),
    ("mmap", "EnableMMAP Off\n"),
    ("etag", "FileETag None\n"),
    ("pathinfo", "AcceptPathInfo On\n"),
    ("charset", "AddDefaultCharset utf-8\n"),
    ("server", "ServerName x\n"),
    ("loglevel", "LogLevel debug\n"),
    ("root", "DocumentRoot /tmp\n"),
    ("unknown", "NoSuchDirective x\n"),
    ("wrong", "ForceType\n"),
    (
        "files",
        "<Files doc.txt>\nHeader set X-Files yes\n</Files>\n",
    ),
    (
        "filesmatch",
        "<FilesMatch \"^d\">\nForceType x/match\n</FilesMatch>\n",
    ),
    (
        "if",
        "<If \"%{REQUEST_METHOD} == 'GET'\">\nHeader set X-If yes\n</If>\n<Else>\nHeader set X-Else yes\n</Else>\n",
    ),
    ("limit", "<Limit GET>\nRequire all denied\n</Limit>\n"),
    (
        "limitexcept",
        "<LimitExcept GET>\nRequire all denied\n</LimitExcept>\n",
    ),
    (
        "requireall",
        "<RequireAll>\nRequire method GET\nRequire all granted\n</RequireAll>\n",
    ),
    (
        "ifmodule",
        "<IfModule mod_headers.c>\nHeader set X-IfModule yes\n</IfModule>\n<IfModule !mod_headers.c>\nNoSuch\n</IfModule>\n",
    ),
    (
        "ifdefine",
        "<IfDefine NOT_DEFINED>\nNoSuch\n</IfDefine>\n<IfDefine DEFINED>\nForceType x/defined\n</IfDefine>\n",
    ),
    (
        "ifversion",
        "<IfVersion >= 2.4>\nForceType x/version\n</IfVersion>\n",
    ),
    (
        "iffile",
        "<IfFile /etc/passwd>\nForceType x/iffile\n</IfFile>\n",
    ),
    (
        "ifdirective",
        "<IfDirective Header>\nForceType x/ifdirective\n</IfDirective>\n<IfSection Files>\nHeader set X-Section yes\n</IfSection>\n",
    ),
    ("directory", "<Directory />\n</Directory>\n"),
    ("location", "<Location />\n</Location>\n"),
    ("virtualhost", "<VirtualHost *>\n</VirtualHost>\n"),
    ("include", "Include /etc/hostname\n"),
    ("includeoptional", "IncludeOptional /none/*.conf\n"),
    ("define", "Define X y\n"),
    ("variable", "ForceType x/${VARIABLE}\n"),
    ("error-line", "Error \"on purpose\"\n"),
    ("continued", "ForceType \\\n  x/continued\n"),
    ("unclosed", "<Files x>\nForceType x/y\n"),
    ("closed", "</Files>\n"),
    (
        "quotes",
        "ForceType \"x/quoted\"\nHeader set X-Quoted 'a b'\n",
    ),
    ("case", "forcetype x/case\nHEADER SET X-Case yes\n"),
    ("cgipassauth", "CGIPassAuth On\n"),
    ("override", "AllowOverride None\n"),
    ("sethandler", "SetHandler none\nSetOutputFilter none\n"),
    ("errors-after", "ForceType x/before\nNoSuch\n"),
];

fn cases(directory: &str) -> Vec<Case> {
    let mut cases = vec![
        Case::get(&format!("/{directory}/doc.txt")),
        Case::get(&format!("/{directory}/none")),
    ];
    if directory.contains("index") || directory.contains("options") {
        cases.push(Case::get(&format!("/{directory}/")));
    }
    if directory.contains("limit") {
        cases.push(Case::with(
            "POST",
            &format!("/{directory}/doc.txt"),
            &[],
            "body",
        ));
    }
    cases
}

/// Every content under each of the values of a directive.
fn matrix(values: &[&str]) -> Result<()> {
    let site = Site::new()?;
    let mut more = String::from(
        "TypesConfig /etc/mime.types\nDefine DEFINED\nDefine VARIABLE value\nDirectoryIndex disabled\n\
         IndexOptions SuppressLastModified\n",
    );
    let mut all = Vec::new();
    for (number, value) in values.iter().enumerate() {
        let _ = write!(
            more,
            "<Directory \"@SITE@/{number}\">\n{value}\nOptions All\n</Directory>\n"
        );
        for (name, content) in CONTENTS {
            let directory = format!("{number}/{name}");
            site.file(&format!("{directory}/doc.txt"), "document\n")?;
            site.file(&format!("{directory}/.htaccess"), content)?;
            for mut case in cases(&directory) {
                case.name = format!("{value}: {}", case.name);
                all.push(case);
            }
        }
    }
    compare("core", &serve(&site, MODULES, &more), &all)
}

#[test]
fn allowoverride() -> Result<()> {
    matrix(&[
        "AllowOverride None",
        "AllowOverride All",
        "AllowOverride AuthConfig",
        "AllowOverride FileInfo",
        "AllowOverride Indexes",
        "AllowOverride Limit",
        "AllowOverride Options",
        "AllowOverride FileInfo AuthConfig",
        "Require all granted",
    ])
}

#[test]
fn allowoverride_with_options_and_nonfatal() -> Result<()> {
    matrix(&[
        "AllowOverride Options=Indexes",
        "AllowOverride Options=Indexes,FollowSymLinks",
        "AllowOverride Options=None",
        "AllowOverride FileInfo Options=All",
        "AllowOverride Nonfatal=All",
        "AllowOverride AuthConfig Nonfatal=Override",
        "AllowOverride FileInfo Nonfatal=Unknown",
        "AllowOverride All Nonfatal=All",
    ])
}

#[test]
fn allowoverridelist() -> Result<()> {
    matrix(&[
        "AllowOverride None\nAllowOverrideList None",
        "AllowOverride None\nAllowOverrideList ForceType",
        "AllowOverride None\nAllowOverrideList Header Redirect Options",
        "AllowOverride None\nAllowOverrideList header forcetype",
        "AllowOverride AuthConfig\nAllowOverrideList ForceType Require",
        "AllowOverride None Nonfatal=Override\nAllowOverrideList ForceType",
        "AllowOverrideList Files If",
    ])
}

/// Which files are read, in which order, and what becomes of a directory whose file is unreadable.
#[test]
fn files_of_other_names() -> Result<()> {
    let site = Site::new()?;
    let unreadable = |path: &str, mode| -> Result<()> {
        let path = site.file(path, "ForceType x/unreadable\n")?;
        Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
    };
    for path in [
        "doc.txt",
        "one/doc.txt",
        "both/doc.txt",
        "both/in/doc.txt",
        "none/doc.txt",
        "locked/doc.txt",
        "dir/doc.txt",
        "host/doc.txt",
        "empty/doc.txt",
        "crlf/doc.txt",
        "bom/doc.txt",
        "noeol/doc.txt",
        "long/doc.txt",
        "nul/doc.txt",
    ] {
        site.file(path, "document\n")?;
    }
    site.file("one/.acl", "ForceType x/acl\n")?;
    site.file("one/.htaccess", "ForceType x/htaccess\n")?;
    site.file(
        "both/.settings",
        "ForceType x/settings\nHeader append X-Read settings\n",
    )?;
    site.file("both/.acl", "ForceType x/acl\nHeader append X-Read acl\n")?;
    site.file("both/in/.acl", "Header append X-Read in-acl\n")?;
    site.file("host/.host", "ForceType x/host\n")?;
    site.file("host/.settings", "ForceType x/settings\n")?;
    site.file("empty/.settings", "")?;
    site.file(
        "crlf/.settings",
        "ForceType x/crlf\r\nHeader set X-Crlf yes\r\n",
    )?;
    site.file("bom/.settings", "\u{feff}ForceType x/bom\n")?;
    site.file("noeol/.settings", "ForceType x/noeol")?;
    site.file(
        "long/.settings",
        format!("Header set X-Long \"{}\"\n", "x".repeat(3000)),
    )?;
    site.file("nul/.settings", "ForceType x/nul\0more\n")?;
    unreadable("locked/.settings", 0)?;
    fs::create_dir(site.path().join("dir/.settings"))?;
    let more = "AccessFileName .settings .acl\n<Directory \"@SITE@\">\nAllowOverride FileInfo\n</Directory>\n\
        <VirtualHost *:@PORT@>\nServerName test.example\n</VirtualHost>\n\
        <VirtualHost *:@PORT@>\nServerName host.example\nAccessFileName .host\n</VirtualHost>\n\
        <VirtualHost *:@PORT@>\nServerName sub.example\nAccessFileName in/.acl\n</VirtualHost>\n";
    let mut cases = Vec::new();
    for host in ["test.example", "host.example", "sub.example"] {
        for path in [
            "/doc.txt",
            "/one/doc.txt",
            "/both/doc.txt",
            "/both/in/doc.txt",
            "/none/doc.txt",
            "/locked/doc.txt",
            "/dir/doc.txt",
            "/host/doc.txt",
            "/empty/doc.txt",
            "/crlf/doc.txt",
            "/bom/doc.txt",
            "/noeol/doc.txt",
            "/long/doc.txt",
            "/nul/doc.txt",
            "/one/none/deeper",
            "/both/.acl",
            "/one",
            "/locked/",
            "/locked",
        ] {
            cases.push(Case::get_with(path, &[("Host", host)]));
        }
    }
    compare("core", &serve(&site, "headers dir", more), &cases)
}
