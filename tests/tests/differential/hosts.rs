//! Programs (CGI) and virtual hosts.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, compare, serve},
    site::Site,
};

#[test]
fn programs_and_hosts() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "main\n")?;
    site.file("one/index.html", "one\n")?;
    site.file("two/index.html", "two\n")?;
    site.file("port/index.html", "port\n")?;
    site.program(
        "cgi/hello",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nhello\\n'\n",
    )?;
    site.program("cgi/env", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nfor v in REQUEST_METHOD QUERY_STRING PATH_INFO SCRIPT_NAME SERVER_PROTOCOL GATEWAY_INTERFACE HTTP_X_TEST CONTENT_LENGTH CONTENT_TYPE REMOTE_ADDR SERVER_NAME REQUEST_URI; do eval echo \"$v=\\$$v\"; done\n")?;
    site.program(
        "cgi/echo",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\ncat\n",
    )?;
    site.program(
        "cgi/status",
        "#!/bin/sh\nprintf 'Status: 404 Nowhere\\nContent-Type: text/plain\\n\\ngone\\n'\n",
    )?;
    site.program(
        "cgi/location",
        "#!/bin/sh\nprintf 'Location: http://other.example/\\n\\n'\n",
    )?;
    site.program(
        "cgi/local",
        "#!/bin/sh\nprintf 'Location: /index.html\\n\\n'\n",
    )?;
    site.program("cgi/broken", "#!/bin/sh\necho nonsense\n")?;
    site.program("cgi/nph-raw", "#!/bin/sh\nprintf 'HTTP/1.1 299 Raw\\r\\nX-Raw: yes\\r\\nConnection: close\\r\\n\\r\\nraw\\n'\n")?;
    site.file("cgi/notexec", "#!/bin/sh\n")?;
    let configuration = serve(
        &site,
        "dir mime alias authz_host cgid env setenvif userdir status headers",
        r#"
Listen 127.0.0.1:@PORT2@
TypesConfig /etc/mime.types
DirectoryIndex index.html
ScriptSock cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
SetEnv FIXED value
UserDir "@SITE@/users/*/web"
<Location /server-status>
SetHandler server-status
Require ip 10.1.2.3
</Location>
NameVirtualHost *:@PORT@
<VirtualHost *:@PORT@>
ServerName first.example
DocumentRoot "@SITE@"
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName one.example
ServerAlias *.one.example alias.example
DocumentRoot "@SITE@/one"
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName two.example
DocumentRoot "@SITE@/two"
ErrorDocument 404 "two has no such page"
</VirtualHost>
<VirtualHost *:@PORT2@>
ServerName port.example
DocumentRoot "@SITE@/port"
</VirtualHost>
"#,
    );
    let mut cases: Vec<Case> = [
        "/cgi/hello",
        "/cgi/env?a=b&c",
        "/cgi/env/path/info",
        "/cgi/status",
        "/cgi/location",
        "/cgi/local",
        "/cgi/broken",
        "/cgi/nph-raw",
        "/cgi/notexec",
        "/cgi/missing",
        "/cgi/",
        "/~nobody/",
        "/~root/x",
        "/server-status",
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    cases.push(Case::get_with("/cgi/env", &[("X-Test", "sent")]));
    cases.push(Case::with(
        "POST",
        "/cgi/echo",
        &[("Content-Type", "text/x-y")],
        "posted",
    ));
    cases.push(Case::with("HEAD", "/cgi/hello", &[], ""));
    cases.push(Case::raw(
        "chunked to a program",
        "POST /cgi/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
    ));
    for host in [
        "first.example",
        "one.example",
        "ONE.example",
        "www.one.example",
        "alias.example",
        "two.example",
        "unknown.example",
        "one.example:8080",
        "two.example.",
        "127.0.0.1",
    ] {
        cases.push(Case::get_with("/", &[("Host", host)]));
    }
    cases.push(Case::get_with("/missing", &[("Host", "two.example")]));
    compare("cgid userdir status alias env", &configuration, &cases)
}
