//! What virtual hosts and inner directories take over from the main server and from outer ones, and what
//! they set for themselves: every directive that a host or a directory may override, set in one place, in
//! both and in none.

use std::fmt::Write;

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

/// Requests that show the settings of a host or a directory, whose path begins with `base`.
fn probes(host: &str, base: &str) -> Vec<Case> {
    let long = "x".repeat(100);
    let mut cases = Vec::new();
    for (method, path, fields, body) in [
        ("GET", "/doc.txt", vec![], ""),
        ("GET", "/none", vec![], ""),
        ("GET", "/doc.txt/info", vec![], ""),
        ("GET", "/dir", vec![], ""),
        ("GET", "//dir//doc.txt", vec![], ""),
        ("GET", "/dir%2Fdoc.txt", vec![], ""),
        ("GET", "/dir/", vec![], ""),
        (
            "GET",
            "/run.cgi/info?a=b",
            vec![("Authorization", "Basic eDp5")],
            "",
        ),
        ("GET", "/doc.txt", vec![("Range", "bytes=0-0,2-2,4-4")], ""),
        ("GET", "/doc.txt", vec![("X-Long", &long)], ""),
        (
            "GET",
            "/doc.txt",
            vec![("A", "1"), ("B", "2"), ("C", "3"), ("D", "4")],
            "",
        ),
        ("TRACE", "/doc.txt", vec![], "body"),
        ("OPTIONS", "/doc.txt", vec![], ""),
        ("POST", "/doc.txt", vec![], "a body"),
    ] {
        let mut fields = fields;
        fields.push(("Host", host));
        cases.push(Case::with(method, &format!("{base}{path}"), &fields, body));
    }
    for (name, request) in [
        (
            "a long line",
            format!(
                "GET {base}/doc.txt?{long} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            ),
        ),
        (
            "kept",
            format!("GET {base}/doc.txt HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        ),
        (
            "a space too many",
            format!("GET  {base}/doc.txt HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
        ),
        (
            "an upgrade",
            format!(
                "GET {base}/doc.txt HTTP/1.1\r\nHost: {host}\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\n\r\n"
            ),
        ),
        (
            "a trailer",
            format!(
                "POST {base}/run.cgi HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
                 Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Trailer: t\r\n\r\n"
            ),
        ),
    ] {
        cases.push(Case::raw(format!("{name} [{host}]"), request));
    }
    cases
}

fn site() -> Result<Site> {
    let site = Site::new()?;
    for base in [
        "",
        "other/",
        "outer/",
        "outer/inner/",
        "outer/own/",
        "outer/own/inner/",
    ] {
        site.file(&format!("{base}doc.txt"), "0123456789\n")?;
        site.file(&format!("{base}dir/doc.txt"), "inner document\n")?;
        site.file(&format!("{base}dir/.one"), "Header set X-Read one\n")?;
        site.file(&format!("{base}dir/.two"), "Header set X-Read two\n")?;
        site.program(
            &format!("{base}run.cgi"),
            "#!/bin/sh\ncat >/dev/null\nprintf 'Content-Type: text/plain\\n\\n'\n\
             for v in HTTP_AUTHORIZATION HTTP_X_TRAILER REQUEST_URI SERVER_NAME SERVER_ADMIN REDIRECT_URL; do eval echo \"$v=\\$$v\"; done\n",
        )?;
    }
    Ok(site)
}

const COMMON: &str = "TypesConfig /etc/mime.types\nScriptSock cgid.sock\nAddHandler cgi-script .cgi\n\
    ServerTokens Prod\n<Directory \"@SITE@\">\nOptions ExecCGI Indexes\nAllowOverride FileInfo\nRequire all granted\n</Directory>\n\
    IndexOptions SuppressLastModified\n";

const MODULES: &str = "dir mime headers cgid autoindex http2 env";

/// What the main server says, and what a host says instead.
const SERVER: &[&[(&str, &str)]] = &[
    &[
        ("LimitRequestLine 60", "LimitRequestLine 8000"),
        ("TraceEnable off", "TraceEnable extended"),
    ],
    &[
        ("LimitRequestFieldSize 50", "LimitRequestFieldSize 4000"),
        ("MergeSlashes Off", "MergeSlashes On"),
    ],
    &[
        ("LimitRequestFields 4", "LimitRequestFields 50"),
        ("AllowEncodedSlashes NoDecode", "AllowEncodedSlashes Off"),
    ],
    &[
        ("KeepAlive Off", "KeepAlive On"),
        ("ServerAdmin main@x.example", "ServerAdmin host@x.example"),
        ("ServerSignature EMail", "ServerSignature Off"),
        (
            "ErrorDocument 404 \"of the main server\"",
            "ErrorDocument 404 \"of the host\"",
        ),
    ],
    &[
        ("KeepAliveTimeout 7", "KeepAliveTimeout 9"),
        ("MaxKeepAliveRequests 5", "MaxKeepAliveRequests 6"),
        ("UseCanonicalName On", "UseCanonicalName Off"),
        ("AccessFileName .one", "AccessFileName .two"),
        ("HttpProtocolOptions Unsafe", "HttpProtocolOptions Strict"),
        ("MergeTrailers On", "MergeTrailers Off"),
    ],
    &[
        ("Protocols h2c http/1.1", "Protocols http/1.1"),
        ("FileETag None", "FileETag Size"),
        ("AddDefaultCharset utf-8", "AddDefaultCharset Off"),
        ("AcceptPathInfo On", "AcceptPathInfo Off"),
        ("ContentDigest On", "ContentDigest Off"),
        ("MaxRanges 2", "MaxRanges 10"),
    ],
    &[
        ("DocumentRoot \"@SITE@/other\"", "DocumentRoot \"@SITE@\""),
        ("LimitRequestBody 3", "LimitRequestBody 0"),
        ("ForceType x/main", "ForceType x/host"),
        ("Header set X-From main", "Header set X-Own host"),
        (
            "QualifyRedirectURL On\nErrorDocument 404 /run.cgi",
            "QualifyRedirectURL Off",
        ),
    ],
];

#[test]
fn virtual_hosts_inherit_and_override() -> Result<()> {
    hosts_inherit(&SERVER[..3])
}

#[test]
fn virtual_hosts_inherit_and_override_more() -> Result<()> {
    hosts_inherit(&SERVER[3..])
}

fn hosts_inherit(sets: &[&[(&str, &str)]]) -> Result<()> {
    let site = site()?;
    let mut cases = probes("bare.example", "");
    cases.extend(probes("own.example", ""));
    for settings in sets {
        let main: String = settings
            .iter()
            .map(|(main, _)| format!("{main}\n"))
            .collect();
        let host: String = settings
            .iter()
            .map(|(_, host)| format!("{host}\n"))
            .collect();
        let hosts = |own: &str| {
            format!(
                "<VirtualHost *:@PORT@>\nServerName bare.example\n</VirtualHost>\n\
                 <VirtualHost *:@PORT@>\nServerName own.example\n{own}</VirtualHost>\n"
            )
        };
        // Set in the main server and in a host; and in a host only.
        for more in [
            format!("{COMMON}{main}{}", hosts(&host)),
            format!("{COMMON}{}", hosts(&main)),
        ] {
            compare("core", &serve(&site, MODULES, &more), &cases)
                .map_err(|error| error.context(main.clone()))?;
        }
    }
    Ok(())
}

/// What a directory says, and what one below it says instead.
const DIRECTORY: &[(&str, &str)] = &[
    ("AddDefaultCharset utf-8", "AddDefaultCharset Off"),
    ("AcceptPathInfo On", "AcceptPathInfo Off"),
    ("ForceType x/outer", "ForceType none"),
    ("FileETag None", "FileETag All"),
    ("FileETag MTime", "FileETag +Size"),
    ("ContentDigest On", "ContentDigest Off"),
    ("MaxRanges none", "MaxRanges 2"),
    ("LimitRequestBody 3", "LimitRequestBody 0"),
    (
        "ErrorDocument 404 \"of the outer\"",
        "ErrorDocument 404 default",
    ),
    (
        "ErrorDocument 404 /run.cgi\nQualifyRedirectURL On",
        "QualifyRedirectURL Off",
    ),
    ("ServerSignature On", "ServerSignature Off"),
    ("UseCanonicalName On", "UseCanonicalName Off"),
    ("CGIPassAuth On", "CGIPassAuth Off"),
    (
        "CGIVar REQUEST_URI current-uri",
        "CGIVar REQUEST_URI original-uri",
    ),
    ("SetHandler default-handler", "SetHandler none"),
    ("Options None", "Options +ExecCGI +Indexes"),
    ("Options -ExecCGI", "Options Indexes"),
    ("AllowOverride None", "AllowOverride All"),
    ("SetOutputFilter DEFLATE", "SetOutputFilter none"),
    (
        "EnableMMAP Off\nEnableSendfile On",
        "EnableMMAP On\nEnableSendfile Off",
    ),
    ("Require all denied", "Require all granted"),
    (
        "Require all granted\nRequire ip 10.0.0.1",
        "Require method POST",
    ),
    (
        "<If \"%{REQUEST_METHOD} == 'GET'\">\nHeader set X-If outer\n</If>",
        "<If true>\nHeader set X-If inner\n</If>",
    ),
    (
        "<Files doc.txt>\nHeader set X-Files outer\n</Files>",
        "<Files *.txt>\nHeader set X-Files inner\n</Files>",
    ),
];

#[test]
fn directories_inherit_and_override() -> Result<()> {
    directories_inherit(&DIRECTORY[..12])
}

#[test]
fn directories_inherit_and_override_more() -> Result<()> {
    directories_inherit(&DIRECTORY[12..])
}

fn directories_inherit(settings: &[(&str, &str)]) -> Result<()> {
    let site = site()?;
    // All settings in one configuration: each has copies of the tree of its own.
    let mut more = format!("{COMMON}AccessFileName .one\n");
    let mut cases = Vec::new();
    for (number, (outer, own)) in settings.iter().enumerate() {
        let _ = write!(
            more,
            "Alias /t{number}/ \"@SITE@/t{number}/\"\n<Directory \"@SITE@/t{number}\">\n{outer}\n</Directory>\n\
             <Directory \"@SITE@/t{number}/own\">\n{own}\n</Directory>\n"
        );
        for base in ["", "inner/", "own/", "own/inner/"] {
            let base = format!("t{number}/{base}");
            site.file(&format!("{base}doc.txt"), "0123456789\n")?;
            site.file(&format!("{base}dir/doc.txt"), "inner document\n")?;
            site.file(&format!("{base}dir/.one"), "Header set X-Read one\n")?;
            site.program(
                &format!("{base}run.cgi"),
                "#!/bin/sh\ncat >/dev/null\nprintf 'Content-Type: text/plain\\n\\n'\n\
                 for v in HTTP_AUTHORIZATION REQUEST_URI SERVER_NAME REDIRECT_URL; do eval echo \"$v=\\$$v\"; done\n",
            )?;
            let mut requests = probes("given.example", &format!("/{}", base.trim_end_matches('/')));
            for case in &mut requests {
                case.name = format!("{outer} / {own}: {}", case.name);
            }
            cases.extend(requests);
        }
    }
    compare(
        "core",
        &serve(
            &site,
            &format!("{MODULES} alias deflate filter authz_host"),
            &more,
        ),
        &cases,
    )
}
