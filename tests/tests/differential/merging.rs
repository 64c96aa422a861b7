//! Sections and the order in which they merge: every pair of section kinds, in both orders, in the main
//! server and in a virtual host, then depth, wildcards, groups, chains of `<If>`, and `<Limit>`.
//! A header field that every section appends to shows the order, a variable shows who was last.

use std::fmt::Write;

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

const MODULES: &str = "env headers";

/// Directives that leave a mark.
fn mark(name: &str) -> String {
    format!("Header append X-Order {name}\nSetEnv LAST {name}\nForceType x/{name}\n")
}

/// A kind of section: its name, and what is written for the directory `/p/NUMBER` around marks.
type Kind = (&'static str, fn(&str, &str) -> String);

/// Kinds that stand in the configuration.
const KINDS: &[Kind] = &[
    ("directory", |n, inside| {
        format!("<Directory \"@SITE@/p/{n}\">\n{inside}</Directory>\n")
    }),
    ("wildcard-directory", |n, inside| {
        format!("<Directory \"@SITE@/?/{n}\">\n{inside}</Directory>\n")
    }),
    ("directory-regex", |n, inside| {
        format!("<Directory ~ \"/p/{n}$\">\n{inside}</Directory>\n")
    }),
    ("directorymatch", |n, inside| {
        format!("<DirectoryMatch \"^@SITE@/p/{n}/?$\">\n{inside}</DirectoryMatch>\n")
    }),
    ("files", |n, inside| {
        format!("<Files \"doc-{n}.txt\">\n{inside}</Files>\n")
    }),
    ("wildcard-files", |n, inside| {
        format!("<Files \"doc-{n}.*\">\n{inside}</Files>\n")
    }),
    ("files-regex", |n, inside| {
        format!("<Files ~ \"^doc-{n}\\.\">\n{inside}</Files>\n")
    }),
    ("filesmatch", |n, inside| {
        format!("<FilesMatch \"-{n}\\.txt$\">\n{inside}</FilesMatch>\n")
    }),
    ("location", |n, inside| {
        format!("<Location \"/p/{n}\">\n{inside}</Location>\n")
    }),
    ("wildcard-location", |n, inside| {
        format!("<Location \"/?/{n}/*\">\n{inside}</Location>\n")
    }),
    ("location-regex", |n, inside| {
        format!("<Location ~ \"^/p/{n}/\">\n{inside}</Location>\n")
    }),
    ("locationmatch", |n, inside| {
        format!("<LocationMatch \"/{n}/doc\">\n{inside}</LocationMatch>\n")
    }),
    ("if", |n, inside| {
        format!("<If \"%{{REQUEST_URI}} =~ m#^/p/{n}/#\">\n{inside}</If>\n")
    }),
    ("else", |n, inside| {
        format!("<If \"%{{REQUEST_URI}} !~ m#^/p/{n}/#\">\n</If>\n<Else>\n{inside}</Else>\n")
    }),
    ("files-in-directory", |n, inside| {
        format!(
            "<Directory \"@SITE@/p/{n}\">\n<Files \"doc-{n}.txt\">\n{inside}</Files>\n</Directory>\n"
        )
    }),
    ("if-in-directory", |n, inside| {
        format!("<Directory \"@SITE@/p/{n}\">\n<If true>\n{inside}</If>\n</Directory>\n")
    }),
    ("if-in-files", |n, inside| {
        format!("<Files \"doc-{n}.txt\">\n<If true>\n{inside}</If>\n</Files>\n")
    }),
    ("if-in-location", |n, inside| {
        format!("<Location \"/p/{n}/\">\n<If true>\n{inside}</If>\n</Location>\n")
    }),
    ("files-in-if", |n, inside| {
        format!("<If true>\n<Files \"doc-{n}.txt\">\n{inside}</Files>\n</If>\n")
    }),
];

/// Kinds that stand in `.htaccess`.
const HTACCESS: &[Kind] = &[
    ("htaccess", |_, inside| inside.to_owned()),
    ("files-in-htaccess", |n, inside| {
        format!("<Files \"doc-{n}.txt\">\n{inside}</Files>\n")
    }),
    ("filesmatch-in-htaccess", |n, inside| {
        format!("<FilesMatch \"^doc-{n}\">\n{inside}</FilesMatch>\n")
    }),
    ("if-in-htaccess", |_, inside| {
        format!("<If true>\n{inside}</If>\n")
    }),
];

const SHOW: &str = "Header set X-Last \"%{LAST}e\"\n";

/// The directory and the file of a pair.
fn page(site: &Site, number: usize) -> Result<Case> {
    site.file(&format!("p/{number}/doc-{number}.txt"), "document\n")?;
    Ok(Case::get(&format!("/p/{number}/doc-{number}.txt")))
}

#[test]
fn every_pair_of_sections() -> Result<()> {
    let site = Site::new()?;
    let mut more = format!("{SHOW}<Directory \"@SITE@\">\nAllowOverride All\n</Directory>\n");
    let mut cases = Vec::new();
    for (first, one) in KINDS {
        for (second, two) in KINDS {
            let number = cases.len();
            let mut case = page(&site, number)?;
            case.name = format!("{first}, {second}");
            cases.push(case);
            let number = number.to_string();
            more += &one(&number, &mark(&format!("1-{first}")));
            more += &two(&number, &mark(&format!("2-{second}")));
        }
    }
    compare("core", &serve(&site, MODULES, &more), &cases)
}

#[test]
fn sections_and_htaccess_files() -> Result<()> {
    let site = Site::new()?;
    let mut more = format!("{SHOW}<Directory \"@SITE@\">\nAllowOverride All\n</Directory>\n");
    let mut cases = Vec::new();
    for (inner, in_file) in HTACCESS {
        for (kind, section) in KINDS {
            let number = cases.len();
            let mut case = page(&site, number)?;
            case.name = format!("{inner} and {kind}");
            cases.push(case);
            let name = number.to_string();
            more += &section(&name, &mark(&format!("1-{kind}")));
            let text = in_file(&name, &mark(&format!("2-{inner}")));
            site.file(&format!("p/{name}/.htaccess"), text)?;
        }
        for (other, in_file_too) in HTACCESS {
            let number = cases.len();
            let mut case = page(&site, number)?;
            case.name = format!("{inner}, {other}");
            cases.push(case);
            let name = number.to_string();
            let text = in_file(&name, &mark(&format!("1-{inner}")))
                + &in_file_too(&name, &mark(&format!("2-{other}")));
            site.file(&format!("p/{name}/.htaccess"), text)?;
        }
    }
    compare("core", &serve(&site, MODULES, &more), &cases)
}

/// The first of a pair in the main server, the second in a virtual host.
#[test]
fn sections_of_virtual_hosts() -> Result<()> {
    let site = Site::new()?;
    let mut main = SHOW.to_owned();
    let mut host = String::new();
    let mut cases = Vec::new();
    for (first, one) in KINDS {
        for (second, two) in KINDS {
            let number = cases.len();
            let mut case = page(&site, number)?;
            case.name = format!("{first} in main, {second} in host");
            cases.push(case);
            let number = number.to_string();
            main += &one(&number, &mark(&format!("1-{first}")));
            host += &two(&number, &mark(&format!("2-{second}")));
        }
    }
    // The host stands first: it does not matter.
    let more =
        format!("<VirtualHost *:@PORT@>\nServerName test.example\n{host}</VirtualHost>\n{main}");
    compare("core", &serve(&site, MODULES, &more), &cases)
}

/// Shorter paths come first, whatever their order in the file; `.htaccess` of a directory comes
/// directly behind its section.
#[test]
fn depth_decides() -> Result<()> {
    let site = Site::new()?;
    for path in [
        "doc.txt",
        "a/doc.txt",
        "a/b/doc.txt",
        "a/b/c/doc.txt",
        "a/x/c/doc.txt",
        "b/b/b/doc.txt",
    ] {
        site.file(path, "document\n")?;
    }
    for path in ["a", "a/b", "a/b/c", "b/b"] {
        let name = format!("htaccess:{path}");
        site.file(
            &format!("{path}/.htaccess"),
            mark(&name.replace(['/', ':'], "-")),
        )?;
    }
    let mut more = format!("{SHOW}<Directory \"@SITE@\">\nAllowOverride FileInfo\n</Directory>\n");
    for (number, path) in [
        "a/b/c",
        "a/b/",
        "a/*/c",
        "a",
        "/",
        "*",
        "a/*",
        "*/b",
        "a/b/c/",
        "*/*/*",
        "a/[b-x]/c",
        "b/b/b",
        "b/b",
        "~*/b",
        "~*",
        "~*/c",
    ]
    .iter()
    .enumerate()
    {
        let path = match *path {
            "/" => "/".to_owned(),
            path => format!("@SITE@/{path}"),
        };
        let _ = write!(
            more,
            "<Directory \"{path}\">\n{}</Directory>\n",
            mark(&format!("d{number}"))
        );
    }
    for (number, regex) in ["/a$", "^@SITE@/a/b", "/b/?$", "c", "/$", "@SITE@"]
        .iter()
        .enumerate()
    {
        let _ = write!(
            more,
            "<DirectoryMatch \"{regex}\">\n{}</DirectoryMatch>\n",
            mark(&format!("m{number}"))
        );
    }
    let cases: Vec<Case> = [
        "/doc.txt",
        "/a/doc.txt",
        "/a/b/doc.txt",
        "/a/b/c/doc.txt",
        "/a/x/c/doc.txt",
        "/b/b/b/doc.txt",
        "/a/none",
        "/a/b",
        "/a/b/c/none/deeper",
        "/a/b/doc.txt/info",
        "/none/none",
        "/a//b///doc.txt",
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    compare("core", &serve(&site, MODULES, &more), &cases)
}

#[test]
fn what_locations_match() -> Result<()> {
    let site = Site::new()?;
    for path in [
        "a/doc.txt",
        "ab/doc.txt",
        "a/b/c/doc.txt",
        "A/doc.txt",
        "a b/doc.txt",
        "a/b.c/doc.txt",
    ] {
        site.file(path, "document\n")?;
    }
    let mut more = SHOW.to_owned();
    for (number, path) in [
        "/",
        "/a",
        "/a/",
        "/a/b",
        "/a/*/c",
        "/a/*",
        "/?/doc.txt",
        "/a*",
        "/a/b/c/doc.txt",
        "/A",
        "/a b",
        "/a%20b",
        "/*.txt",
        "/a/doc.txt",
        "/a//b",
        "/[ab]/*",
        "*",
        "/a/?.c/",
    ]
    .iter()
    .enumerate()
    {
        let _ = write!(
            more,
            "<Location \"{path}\">\n{}</Location>\n",
            mark(&format!("l{number}"))
        );
    }
    for (number, regex) in [
        "^/a$",
        "^/a",
        "^/a/?$",
        "doc",
        "(?i)^/A/",
        "^//",
        "/+b",
        "^/a b/",
        "[.]txt$",
        "%20",
        "^/a/b\\.c",
    ]
    .iter()
    .enumerate()
    {
        let _ = write!(
            more,
            "<LocationMatch \"{regex}\">\n{}</LocationMatch>\n",
            mark(&format!("m{number}"))
        );
    }
    let paths = [
        "/",
        "/a",
        "/a/",
        "/a/doc.txt",
        "/ab/doc.txt",
        "/a/b/c/doc.txt",
        "/A/doc.txt",
        "/a%20b/doc.txt",
        "/a/b.c/doc.txt",
        "/a//b/c/doc.txt",
        "//a/doc.txt",
        "/a/./doc.txt",
        "/a/b/../doc.txt",
        "/%61/doc.txt",
        "/a%2Fdoc.txt",
        "/a/doc.txt/",
        "/none",
        "/a/doc.txt?/ab",
        "/a///doc.txt",
    ];
    let cases: Vec<Case> = paths.iter().map(|path| Case::get(path)).collect();
    compare("core", &serve(&site, MODULES, &more), &cases)?;
    compare(
        "core",
        &serve(&site, MODULES, &format!("MergeSlashes Off\n{more}")),
        &cases,
    )
}

#[test]
fn what_files_match() -> Result<()> {
    let site = Site::new()?;
    for path in [
        "one.txt",
        "two.txt",
        "One.TXT",
        "d/one.txt",
        ".hidden",
        "a b.txt",
        "x.tar.gz",
        "d.txt/one.html",
    ] {
        site.file(path, "document\n")?;
    }
    let mut more = SHOW.to_owned();
    for (number, name) in [
        "one.txt",
        "*.txt",
        "o*",
        "?ne.txt",
        "[ot]*.txt",
        ".*",
        "*",
        "a b.txt",
        "*.gz",
        "One*",
        "d",
        "d.txt",
        "none",
        "index.html",
    ]
    .iter()
    .enumerate()
    {
        let _ = write!(
            more,
            "<Files \"{name}\">\n{}</Files>\n",
            mark(&format!("f{number}"))
        );
    }
    for (number, regex) in ["^one", "txt$", "(?i)txt$", "^\\.", "d/", "^[^.]*$", "o"]
        .iter()
        .enumerate()
    {
        let _ = write!(
            more,
            "<FilesMatch \"{regex}\">\n{}</FilesMatch>\n",
            mark(&format!("m{number}"))
        );
    }
    let cases: Vec<Case> = [
        "/one.txt",
        "/two.txt",
        "/One.TXT",
        "/d/one.txt",
        "/.hidden",
        "/a%20b.txt",
        "/x.tar.gz",
        "/d.txt/one.html",
        "/d",
        "/d/",
        "/d.txt/",
        "/none",
        "/",
        "/one.txt/info",
        "/d.txt/none/one.txt",
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    compare("core", &serve(&site, MODULES, &more), &cases)
}

/// Named groups of sections become variables `MATCH_NAME`.
#[test]
fn groups_of_section_expressions() -> Result<()> {
    let site = Site::new()?;
    site.file("users/alice/web/doc.txt", "document\n")?;
    site.file(
        "users/bob/.htaccess",
        "<FilesMatch \"(?<ht>d.c)\">\nHeader set X-Ht \"%{MATCH_HT}e\"\n</FilesMatch>\n",
    )?;
    site.file("users/bob/doc.txt", "document\n")?;
    let more = "<Directory \"@SITE@\">\nAllowOverride All\n</Directory>\n\
        <DirectoryMatch \"/users/(?<user>[^/]+)\">\nHeader set X-User \"%{MATCH_USER}e\"\n</DirectoryMatch>\n\
        <Directory ~ \"/users/(?<First>.)(?<rest>[^/]*)\">\nHeader set X-First \"%{MATCH_FIRST}e %{MATCH_REST}e\"\n</Directory>\n\
        <LocationMatch \"^/(?<top>[^/]+)/(.*)/(?<last>[^/]*)$\">\nHeader set X-Top \"%{MATCH_TOP}e %{MATCH_LAST}e\"\n</LocationMatch>\n\
        <Location ~ \"(?<suffix>[.]t..)$\">\nHeader set X-Suffix \"%{MATCH_SUFFIX}e\"\n</Location>\n\
        <FilesMatch \"^(?<stem>[^.]*)(?:[.](?<ext>.*))?$\">\nHeader set X-Stem \"%{MATCH_STEM}e %{MATCH_EXT}e\"\n</FilesMatch>\n\
        <Files ~ \"(?<o>o)\">\nHeader set X-O \"%{MATCH_O}e\"\n</Files>\n";
    let cases: Vec<Case> = [
        "/users/alice/web/doc.txt",
        "/users/bob/doc.txt",
        "/users/bob/",
        "/users/x",
        "/users/",
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    compare("core", &serve(&site, MODULES, more), &cases)
}

/// `<If>`, `<ElseIf>` and `<Else>` in every surrounding and depth.
#[test]
fn chains_of_conditions() -> Result<()> {
    let site = Site::new()?;
    let chain = |name: &str| {
        format!(
            "<If \"%{{QUERY_STRING}} == 'a'\">\nHeader append X-Order {name}-if\n</If>\n\
             <ElseIf \"%{{QUERY_STRING}} =~ /^b/\">\nHeader append X-Order {name}-elseif\n\
             <If \"%{{QUERY_STRING}} == 'bb'\">\nHeader append X-Order {name}-inner-if\n</If>\n\
             <Else>\nHeader append X-Order {name}-inner-else\n</Else>\n</ElseIf>\n\
             <ElseIf \"%{{QUERY_STRING}} in {{'c','bb'}}\">\nHeader append X-Order {name}-second\n</ElseIf>\n\
             <Else>\nHeader append X-Order {name}-else\n</Else>\n"
        )
    };
    for path in [
        "all/doc.txt",
        "location/doc.txt",
        "directory/doc.txt",
        "files/doc.html",
        "htaccess/doc.txt",
    ] {
        site.file(path, "document\n")?;
    }
    site.file("htaccess/.htaccess", chain("htaccess"))?;
    let more = format!(
        "<Directory \"@SITE@\">\nAllowOverride All\n</Directory>\n{}\
         <Location /location>\n{}</Location>\n<Directory \"@SITE@/directory\">\n{}</Directory>\n\
         <Files doc.html>\n{}</Files>\n<VirtualHost *:@PORT@>\n{}</VirtualHost>\n",
        chain("main"),
        chain("location"),
        chain("directory"),
        chain("files"),
        chain("host"),
    );
    let mut cases = Vec::new();
    for path in [
        "all/doc.txt",
        "location/doc.txt",
        "directory/doc.txt",
        "files/doc.html",
        "htaccess/doc.txt",
    ] {
        for query in ["", "?a", "?b", "?bb", "?c", "?d"] {
            cases.push(Case::get(&format!("/{path}{query}")));
        }
    }
    compare("core", &serve(&site, MODULES, &more), &cases)
}

/// Groups of the condition are not there for the directives, variables set early are.
#[test]
fn conditions_ask_for_more_than_the_line() -> Result<()> {
    let site = Site::new()?;
    site.file("doc.txt", "document\n")?;
    let more = "SetEnvIf User-Agent Robot robot\nSetEnvIf X-Level (.*) level=$1\n\
        <If \"-n reqenv('robot')\">\nHeader set X-Robot yes\n</If>\n\
        <If \"reqenv('level') -gt 5\">\nForceType x/high\n</If>\n\
        <If \"%{HTTP:Accept-Language} =~ /^(de|fr)/\">\nErrorDocument 404 \"nicht da\"\n</If>\n\
        <If \"-f %{REQUEST_FILENAME}\">\nHeader set X-File yes\n</If>\n\
        <If \"%{REQUEST_METHOD} == 'DELETE'\">\nRequire all denied\n</If>\n\
        <If \"%{HTTP_HOST} -strmatch '*.other.example'\">\nRedirect /doc.txt http://test.example/\n</If>\n\
        <If \"%{REQUEST_URI} == '/handler'\">\nSetHandler default-handler\n</If>\n";
    let mut cases = Vec::new();
    for path in ["/doc.txt", "/none", "/handler"] {
        for fields in [
            [("User-Agent", "Robot/1")],
            [("X-Level", "6")],
            [("X-Level", "5")],
            [("Accept-Language", "de-AT")],
            [("Host", "www.other.example")],
        ] {
            cases.push(Case::get_with(path, &fields));
        }
        cases.push(Case::with("DELETE", path, &[], ""));
    }
    compare(
        "core",
        &serve(&site, "alias env headers setenvif", more),
        &cases,
    )
}

#[test]
fn limits_to_methods() -> Result<()> {
    let site = Site::new()?;
    for path in [
        "get",
        "post",
        "except",
        "both",
        "nested",
        "registered",
        "order",
        "ht",
    ] {
        site.file(&format!("{path}/doc.txt"), "document\n")?;
    }
    site.file("ht/.htaccess", "<Limit PUT>\nRequire all denied\n</Limit>\n<LimitExcept GET OPTIONS PUT>\nRequire ip 10.0.0.1\n</LimitExcept>\n")?;
    let more = "RegisterHttpMethod BREW MELT\n\
        <Directory \"@SITE@/ht\">\nAllowOverride AuthConfig\n</Directory>\n\
        <Location /get>\n<Limit GET>\nRequire all denied\n</Limit>\n</Location>\n\
        <Location /post>\n<Limit POST PUT delete>\nRequire all denied\n</Limit>\n</Location>\n\
        <Location /except>\n<LimitExcept GET>\nRequire all denied\n</LimitExcept>\n</Location>\n\
        <Location /both>\n<Limit GET>\nRequire ip 10.0.0.1\n</Limit>\n<LimitExcept GET POST>\nRequire all denied\n</LimitExcept>\n</Location>\n\
        <Location /nested>\n<RequireAny>\n<Limit GET>\nRequire all denied\n</Limit>\n<Limit POST>\nRequire all granted\n</Limit>\n</RequireAny>\n</Location>\n\
        <Location /registered>\n<Limit BREW>\nRequire all denied\n</Limit>\n</Location>\n\
        <Location /order>\n<Limit GET POST>\nOrder deny,allow\nDeny from all\n</Limit>\n</Location>\n";
    let mut cases = Vec::new();
    for path in ["get", "post", "except", "both", "registered", "order", "ht"] {
        for method in [
            "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW", "PATCH", "UNKNOWN",
        ] {
            cases.push(Case::with(method, &format!("/{path}/doc.txt"), &[], ""));
        }
    }
    compare(
        "core access_compat",
        &serve(
            &site,
            "authz_host access_compat",
            &more
                .replace("<RequireAny>\n", "")
                .replace("</RequireAny>\n", ""),
        ),
        &cases,
    )
}
