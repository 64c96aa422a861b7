//! The core's directives about what is served and how: types, charsets, tags, handlers and filters,
//! error documents, path information, options, names of the server.

use std::{fmt::Write, os::unix::fs::symlink};

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

fn get_all(paths: &[&str]) -> Vec<Case> {
    paths.iter().map(|path| Case::get(path)).collect()
}

/// `<Directory>` sections for `/NAME/`, each with its lines.
fn directories(sections: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, lines) in sections {
        let _ = writeln!(text, "<Directory \"@SITE@/{name}\">\n{lines}\n</Directory>");
    }
    text
}

#[test]
fn types_and_charsets() -> Result<()> {
    let site = Site::new()?;
    let sections = [
        ("on", "AddDefaultCharset On"),
        ("off", "AddDefaultCharset Off"),
        ("named", "AddDefaultCharset utf-8"),
        ("forced", "ForceType text/html\nAddDefaultCharset koi8-r"),
        (
            "forced-params",
            "ForceType \"text/html; charset=x\"\nAddDefaultCharset utf-8",
        ),
        (
            "forced-image",
            "ForceType image/x-odd\nAddDefaultCharset utf-8",
        ),
        ("none", "ForceType None"),
        ("default", "DefaultType none"),
    ];
    for (name, _) in sections {
        for file in ["a.html", "a.txt", "a.png", "a"] {
            site.file(&format!("{name}/{file}"), "content\n")?;
        }
    }
    site.file("forced/inner/a.html", "content\n")?;
    let more = format!(
        "TypesConfig /etc/mime.types\n{}<Directory \"@SITE@/forced/inner\">\nForceType none\n</Directory>\n\
         <FilesMatch \"[.]png$\">\nForceType image/x-files\n</FilesMatch>\n",
        directories(&sections)
    );
    let mut cases = get_all(&[
        "/forced/inner/a.html",
        "/on/none",
        "/off/none",
        "/named/none",
    ]);
    for (name, _) in sections {
        for file in ["a.html", "a.txt", "a.png", "a"] {
            cases.push(Case::get(&format!("/{name}/{file}")));
        }
    }
    compare("core", &serve(&site, "mime", &more), &cases)
}

#[test]
fn file_etags() -> Result<()> {
    let site = Site::new()?;
    let sections = [
        ("default", ""),
        ("none", "FileETag None"),
        ("size", "FileETag Size"),
        ("mtime", "FileETag MTime"),
        ("both", "FileETag MTime Size"),
        ("inode", "FileETag INode"),
        ("all", "FileETag All"),
        ("plus", "FileETag +INode"),
        ("minus", "FileETag -MTime"),
        ("digest", "FileETag Digest"),
        ("digest-size", "FileETag Digest Size"),
        ("none/minus", "FileETag INode MTime Size\nFileETag -INode"),
        ("none/plus", "FileETag +Size"),
        ("none/inherits", "Require all granted"),
        ("size/plus", "FileETag +MTime"),
        ("all/minus", "FileETag -INode -Size"),
        ("digested", "ContentDigest On"),
        ("digested/off", "ContentDigest Off"),
        ("nommap", "EnableMMAP Off"),
        ("nosendfile", "EnableSendfile Off"),
        ("sendfile", "EnableSendfile On"),
        ("small-buffers", "ReadBufferSize 100\nEnableMMAP Off"),
    ];
    for (name, _) in sections {
        site.file(&format!("{name}/a.txt"), "content\n")?;
        site.file(&format!("{name}/large.txt"), "0123456789".repeat(20_000))?;
    }
    let mut cases = Vec::new();
    for (name, _) in sections {
        cases.push(Case::get(&format!("/{name}/a.txt")));
        cases.push(Case::with("HEAD", &format!("/{name}/a.txt"), &[], ""));
        cases.push(Case::get(&format!("/{name}/large.txt")));
        cases.push(Case::get_with(
            &format!("/{name}/large.txt"),
            &[("Range", "bytes=100000-100009,0-1")],
        ));
        cases.push(Case::get_with(
            &format!("/{name}/a.txt"),
            &[("If-None-Match", "\"8\"")],
        ));
        cases.push(Case::get_with(
            &format!("/{name}/a.txt"),
            &[("If-None-Match", "W/\"8-60a24181e4000\"")],
        ));
    }
    compare("core", &serve(&site, "", &directories(&sections)), &cases)
}

#[test]
fn handlers_and_filters() -> Result<()> {
    let site = Site::new()?;
    let sections = [
        ("status", "SetHandler server-status"),
        ("none", "SetHandler server-status"),
        ("none/inner", "SetHandler None"),
        ("unknown", "SetHandler no-such-handler"),
        ("expr", "SetHandler \"expr=%{HTTP:X-Handler}\""),
        ("expr-none", "SetHandler \"expr=%{tolower:NONE}\""),
        ("filtered", "SetOutputFilter INCLUDES\nOptions +Includes"),
        ("filtered/none", "SetOutputFilter none"),
        ("two", "SetOutputFilter INCLUDES;DEFLATE\nOptions +Includes"),
        ("unknown-filter", "SetOutputFilter NOSUCH"),
        ("input", "SetInputFilter DEFLATE"),
        ("input/unknown", "SetInputFilter NOSUCH"),
        (
            "handler-and-type",
            "SetHandler default-handler\nForceType x/y",
        ),
    ];
    for (name, _) in sections {
        site.file(
            &format!("{name}/a.html"),
            "<!--#echo var=\"DOCUMENT_NAME\" -->\n",
        )?;
    }
    let mut cases = Vec::new();
    for (name, _) in sections {
        if !name.starts_with("status") {
            cases.push(Case::get(&format!("/{name}/a.html")));
            cases.push(Case::get_with(
                &format!("/{name}/a.html"),
                &[("Accept-Encoding", "gzip")],
            ));
            cases.push(Case::with("POST", &format!("/{name}/a.html"), &[], "body"));
        }
    }
    for handler in ["default-handler", "none", "no-such", "imap-file", ""] {
        cases.push(Case::get_with("/expr/a.html", &[("X-Handler", handler)]));
    }
    compare(
        "core",
        &serve(
            &site,
            "include deflate filter",
            &format!("AddDefaultCharset off\n{}", directories(&sections)),
        ),
        &cases,
    )
}

#[test]
fn path_information() -> Result<()> {
    let site = Site::new()?;
    let sections = [
        ("default", "AcceptPathInfo Default"),
        ("on", "AcceptPathInfo On"),
        ("off", "AcceptPathInfo Off"),
        ("on/off", "AcceptPathInfo Off"),
        ("on/inherits", "Require all granted"),
    ];
    let program = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\n\
        for v in PATH_INFO PATH_TRANSLATED SCRIPT_NAME REQUEST_URI SCRIPT_FILENAME; do eval echo \"$v=\\$$v\"; done\n";
    let mut cases = Vec::new();
    for (name, _) in sections {
        site.file(&format!("{name}/a.txt"), "content\n")?;
        site.program(&format!("{name}/run.cgi"), program)?;
        for path in [
            "a.txt",
            "a.txt/",
            "a.txt/info",
            "a.txt/a/b?q",
            "run.cgi",
            "run.cgi/",
            "run.cgi/info",
            "run.cgi/a//b",
            "run.cgi/a%20b",
            "run.cgi/../a.txt",
            "none/info",
        ] {
            cases.push(Case::get(&format!("/{name}/{path}")));
        }
    }
    for mode in ["slashes-off", "slashes-on", "slashes-nodecode"] {
        site.file(&format!("{mode}/a/b.txt"), "content\n")?;
        site.file(&format!("{mode}/c%2Fd.txt"), "encoded\n")?;
        site.program(&format!("{mode}/run.cgi"), program)?;
    }
    let mut more = format!(
        "ScriptSock cgid.sock\n<Directory \"@SITE@\">\nOptions ExecCGI\n</Directory>\n\
         <Files *.cgi>\nSetHandler cgi-script\n</Files>\n{}",
        directories(&sections)
    );
    // AllowEncodedSlashes is a server's.
    for (host, value) in [
        ("slashes-off", "Off"),
        ("slashes-on", "On"),
        ("slashes-nodecode", "NoDecode"),
    ] {
        let _ = write!(
            more,
            "<VirtualHost *:@PORT@>\nServerName {host}.example\nDocumentRoot \"@SITE@/{host}\"\n\
             AllowEncodedSlashes {value}\n</VirtualHost>\n"
        );
    }
    more = more.replacen(
        "<VirtualHost",
        "<VirtualHost *:@PORT@>\nServerName test.example\n</VirtualHost>\n<VirtualHost",
        1,
    );
    for host in [
        "slashes-off.example",
        "slashes-on.example",
        "slashes-nodecode.example",
    ] {
        for path in [
            "/a%2Fb.txt",
            "/a%2fb.txt",
            "/c%2Fd.txt",
            "/run.cgi/a%2Fb",
            "/run.cgi%2Fa",
            "/a/b.txt%2F",
            "/a/b.txt?x=%2F",
            "/%2e%2e%2fa",
            "/a%5Cb",
            "/a%00b",
            "/a/b%2etxt",
            "/a%252Fb.txt",
        ] {
            cases.push(Case::get_with(path, &[("Host", host)]));
        }
    }
    compare("core cgid", &serve(&site, "cgid", &more), &cases)
}

#[test]
fn error_documents() -> Result<()> {
    let site = Site::new()?;
    site.program(
        "cgi/error",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\n\
         for v in REDIRECT_STATUS REDIRECT_URL REDIRECT_QUERY_STRING REDIRECT_REQUEST_METHOD REDIRECT_ERROR_NOTES \
         REDIRECT_HANDLER REQUEST_METHOD REQUEST_URI QUERY_STRING REDIRECT_SEEN SCRIPT_NAME; do eval echo \"$v=\\$$v\"; done\n",
    )?;
    site.file("errors/404.html", "not here\n")?;
    site.file("errors/forbidden.html", "forbidden\n")?;
    let sections = [
        ("message", "ErrorDocument 404 \"plain message\""),
        ("html", "ErrorDocument 404 \"<b>html</b>\""),
        ("word", "ErrorDocument 404 Sorry"),
        ("words", "ErrorDocument 404 \"Sorry you\""),
        ("old", "ErrorDocument 404 \"old style"),
        ("quotes", "ErrorDocument 404 'it \"says\"'"),
        ("path", "ErrorDocument 404 /errors/404.html"),
        ("query", "ErrorDocument 404 /cgi/error?why=gone"),
        ("program", "ErrorDocument 404 /cgi/error\nSetEnv SEEN yes"),
        (
            "qualified",
            "ErrorDocument 404 /cgi/error\nQualifyRedirectURL On",
        ),
        ("missing", "ErrorDocument 404 /errors/none.html"),
        (
            "denied",
            "ErrorDocument 404 /secret/x\nErrorDocument 403 /errors/none",
        ),
        ("relative", "ErrorDocument 404 errors/404.html"),
        ("url", "ErrorDocument 404 http://other.example/gone"),
        ("default", "ErrorDocument 404 default"),
        ("message/inner", "ErrorDocument 404 default"),
        ("message/inherits", "Require all granted"),
        (
            "expr",
            "ErrorDocument 404 \"no %{REQUEST_URI} for %{tolower:%{REQUEST_METHOD}}\"",
        ),
        (
            "expr-path",
            "ErrorDocument 404 \"/errors/%{HTTP:X-Page}.html\"",
        ),
        (
            "expr-escaped",
            "ErrorDocument 404 \"100\\% \\%{REQUEST_URI}\"",
        ),
        (
            "forbidden",
            "Require all denied\nErrorDocument 403 /errors/forbidden.html",
        ),
        (
            "forbidden-expr",
            "Require all denied\nErrorDocument 403 \"%{REMOTE_ADDR} may not\"",
        ),
        (
            "forbidden-self",
            "Require all denied\nErrorDocument 403 /forbidden-self/page",
        ),
        (
            "teapot",
            "Redirect 451 /teapot/x\nErrorDocument 451 \"short and stout\"",
        ),
        (
            "several",
            "ErrorDocument 404 \"one\"\nErrorDocument 404 \"two\"\nErrorDocument 403 \"three\"",
        ),
        ("method", "ErrorDocument 405 \"not with %{REQUEST_METHOD}\""),
        (
            "gone",
            "Redirect gone /gone/x\nErrorDocument 410 /cgi/error",
        ),
    ];
    let mut cases = Vec::new();
    for (name, _) in sections {
        site.file(&format!("{name}/doc.html"), "document\n")?;
        cases.push(Case::get(&format!("/{name}/none?a=b")));
        cases.push(Case::with("HEAD", &format!("/{name}/none"), &[], ""));
        cases.push(Case::with("POST", &format!("/{name}/none"), &[], "body"));
    }
    site.file("secret/x", "x\n")?;
    for page in ["404", "forbidden", "nothing"] {
        cases.push(Case::get_with("/expr-path/none", &[("X-Page", page)]));
    }
    cases.push(Case::get("/teapot/x"));
    cases.push(Case::get("/gone/x?y=z"));
    cases.push(Case::with("PUT", "/method/doc.html", &[], "x"));
    cases.push(Case::get("/forbidden-self/page"));
    let more = format!(
        "ScriptSock cgid.sock\nScriptAlias /cgi/ \"@SITE@/cgi/\"\n\
         <Directory \"@SITE@/secret\">\nRequire all denied\n</Directory>\n\
         ServerTokens Prod\nServerAdmin admin@test.example\nServerSignature EMail\n{}",
        directories(&sections)
    );
    compare("core cgid", &serve(&site, "alias cgid env", &more), &cases)
}

#[test]
fn options_of_directories() -> Result<()> {
    let site = Site::new()?;
    let sections = [
        ("none", "Options None"),
        ("all", "Options All"),
        ("indexes", "Options Indexes"),
        ("minus", "Options All\nOptions -Indexes"),
        ("plus", "Options None\nOptions +Indexes +ExecCGI"),
        ("plus/minus", "Options -Indexes"),
        ("plus/inherits", "Require all granted"),
        ("plus/set", "Options FollowSymLinks"),
        ("links", "Options FollowSymLinks"),
        ("owner", "Options SymLinksIfOwnerMatch"),
        ("nolinks", "Options Indexes"),
        ("both", "Options FollowSymLinks SymLinksIfOwnerMatch"),
        ("includes", "Options Includes"),
        ("noexec", "Options IncludesNOEXEC"),
        ("noexec-minus", "Options Includes\nOptions -IncludesNOEXEC"),
        ("views", "Options MultiViews"),
        ("exec", "Options ExecCGI"),
    ];
    let mut cases = Vec::new();
    for (name, _) in sections {
        site.file(&format!("{name}/dir/doc.html"), "document\n")?;
        site.file(
            &format!("{name}/inc.shtml"),
            "[<!--#exec cmd=\"echo run\" -->][<!--#echo var=\"DOCUMENT_NAME\" -->]\n",
        )?;
        site.program(
            &format!("{name}/run.cgi"),
            "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nrun\\n'\n",
        )?;
        symlink("dir/doc.html", site.path().join(name).join("link.html"))?;
        symlink("dir", site.path().join(name).join("dirlink"))?;
        symlink("/etc/hostname", site.path().join(name).join("hostname"))?;
        for path in [
            "dir/",
            "link.html",
            "dirlink/doc.html",
            "hostname",
            "inc.shtml",
            "run.cgi",
            "dir/doc",
            "dir/doc.html",
        ] {
            cases.push(Case::get(&format!("/{name}/{path}")));
        }
    }
    let more = format!(
        "TypesConfig /etc/mime.types\nScriptSock cgid.sock\nAddHandler cgi-script .cgi\n\
         AddOutputFilter INCLUDES .shtml\nIndexOptions FancyIndexing SuppressLastModified\n{}",
        directories(&sections)
    );
    compare(
        "core",
        &serve(&site, "dir mime autoindex negotiation include cgid", &more),
        &cases,
    )
}

/// What the server calls itself: in redirections, variables and signatures.
#[test]
fn names_of_the_server() -> Result<()> {
    let site = Site::new()?;
    site.file("dir/doc.html", "document\n")?;
    let mut more = String::new();
    let mut hosts = Vec::new();
    let mut number = 0;
    for name in [
        "",
        "ServerName named.example",
        "ServerName https://secure.example:8443",
        "ServerName named.example:81",
    ] {
        for canonical in ["Off", "On", "DNS"] {
            for physical in ["Off", "On"] {
                for signature in ["Off", "On", "EMail"] {
                    if signature != "Off" && physical == "On" {
                        continue;
                    }
                    number += 1;
                    let host = format!("h{number}.example");
                    let _ = write!(
                        more,
                        "<VirtualHost *:@PORT@>\n{name}\nServerAlias {host}\nUseCanonicalName {canonical}\n\
                         UseCanonicalPhysicalPort {physical}\nServerSignature {signature}\n\
                         ServerAdmin admin@{host}\n</VirtualHost>\n"
                    );
                    hosts.push(host);
                }
            }
        }
    }
    more += "ServerTokens Prod\nHeader always set X-Name \"expr=%{REQUEST_SCHEME}://%{SERVER_NAME}:%{SERVER_PORT} %{SERVER_ADMIN}\"\n";
    let mut cases = Vec::new();
    for host in &hosts {
        for (path, host) in [
            ("/dir", host.clone()),
            ("/none", host.clone()),
            ("/dir", format!("{host}:8080")),
        ] {
            cases.push(Case::get_with(path, &[("Host", &host)]));
        }
        cases.push(Case::raw(
            format!("HTTP/1.0 {host}"),
            format!("GET http://{host}/dir HTTP/1.0\r\n\r\n"),
        ));
    }
    // Not for `named.example`, which several hosts have: the first answers.
    cases.push(Case::get_with("/dir", &[("Host", "named.example")]));
    compare("core", &serve(&site, "dir headers", &more), &cases)
}

#[test]
fn choosing_a_virtual_host() -> Result<()> {
    let site = Site::new()?;
    for name in [
        "main", "one", "two", "path", "wild", "strict", "port2", "exact",
    ] {
        site.file(&format!("{name}/index.html"), format!("{name}\n"))?;
        site.file(
            &format!("{name}/legacy/doc.txt"),
            format!("{name} legacy\n"),
        )?;
    }
    let host = |address: &str, root: &str, lines: &str| {
        format!(
            "<VirtualHost {address}>\nDocumentRoot \"@SITE@/{root}\"\n{lines}\n</VirtualHost>\n"
        )
    };
    let any = "*:@PORT@";
    let more = [
        "Listen 127.0.0.1:@PORT2@\nDirectoryIndex index.html\nDocumentRoot \"@SITE@/main\"\n"
            .to_owned(),
        host(
            any,
            "one",
            "ServerName one.example\nServerAlias www.one.example alias",
        ),
        host(
            any,
            "two",
            "ServerName two.example\nServerAlias *.two.example two.* t?o",
        ),
        host(any, "wild", "ServerName wild.example\nServerAlias *"),
        host("127.0.0.1:@PORT@", "exact", "ServerName exact.example"),
        host(
            "127.0.0.1:@PORT@",
            "path",
            "ServerName path.example\nServerPath /legacy/\nServerAlias [::1] 127.0.0.1",
        ),
        host(
            "127.0.0.1:@PORT@ *:@PORT2@",
            "port2",
            "ServerName port2.example",
        ),
        host("_default_:@PORT2@", "main", "ServerName default.example"),
    ]
    .concat();
    let mut cases = Vec::new();
    for host in [
        "one.example",
        "www.one.example",
        "ONE.EXAMPLE",
        "alias",
        "two.example",
        "a.two.example",
        "a.b.two.example",
        "two.org",
        "too",
        "exact.example",
        "path.example",
        "127.0.0.1",
        "[::1]",
        "port2.example",
        "unknown",
        "exact.example.",
        "exact.example:99",
        "exact.example:@PORT@",
        "",
        "a_b",
        "exact..example",
        "-x",
        "a%20b",
        "[::1]:80",
        "[::1",
        "1.2.3",
        "exact.example:",
        "exact.example:port",
        "exact.example:0",
    ] {
        for path in ["/", "/legacy/doc.txt"] {
            cases.push(Case::raw(
                format!("{path} [{host}]"),
                format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
            ));
        }
        cases.push(Case::raw(
            format!("absolute [{host}]"),
            format!(
                "GET http://{host}/ HTTP/1.1\r\nHost: exact.example\r\nConnection: close\r\n\r\n"
            ),
        ));
    }
    for path in ["/", "/legacy/", "/legacy/doc.txt", "/legacyx"] {
        cases.push(Case::raw(
            format!("{path} without Host"),
            format!("GET {path} HTTP/1.0\r\n\r\n"),
        ));
    }
    let more = serve(&site, "dir", &more);
    compare("core", &more, &cases)?;
    let wild = more
        .replace("127.0.0.1:@PORT@ *:@PORT2@", "*:@PORT@ *:@PORT2@")
        .replace("<VirtualHost 127.0.0.1:@PORT@>", "<VirtualHost *:@PORT@>");
    compare("core", &wild, &cases)?;
    let strict = "StrictHostCheck On\n";
    compare("core", &format!("{more}{strict}"), &cases)?;
    compare(
        "core",
        &format!(
            "{strict}{}",
            wild.replace("ServerAlias *\n", "ServerAlias w.*\n")
        ),
        &cases,
    )
}

#[test]
fn names_of_clients() -> Result<()> {
    let site = Site::new()?;
    site.file("doc.txt", "document\n")?;
    let mut more =
        String::from("Header always set X-Client \"expr=%{REMOTE_HOST} %{REMOTE_ADDR}\"\n");
    let mut cases = Vec::new();
    for lookups in ["Off", "On", "Double"] {
        let _ = write!(
            more,
            "<VirtualHost *:@PORT@>\nServerName {lookups}.example\nHostnameLookups {lookups}\n\
             <Location /local>\nRequire host localhost\n</Location>\n\
             <Location /forward>\nRequire forward-dns localhost\n</Location>\n</VirtualHost>\n"
        );
        let host = format!("{lookups}.example");
        for path in ["/doc.txt", "/local", "/forward"] {
            cases.push(Case::get_with(path, &[("Host", &host)]));
        }
    }
    more += "<Directory \"@SITE@\">\nHostnameLookups Off\n</Directory>\n";
    compare("core", &serve(&site, "headers authz_host", &more), &cases)
}
