//! mod_proxy_fcgi before a real PHP, and mod_proxy_scgi and mod_proxy_uwsgi before scripted servers.

use anyhow::Result;
use httpd_tests::{
    backend::{Backend, php::Php, scgi, uwsgi},
    differential::{Case, compare, serve},
    site::Site,
};

/// Shows what PHP was told, without what differs from request to request or names the server.
const SHOW: &str = r#"<?php
header('Content-Type: text/plain');
$left_out = ['REMOTE_PORT', 'REQUEST_TIME', 'REQUEST_TIME_FLOAT', 'SERVER_SOFTWARE', 'USER', 'HOME'];
$all = array_diff_key($_SERVER, array_flip($left_out));
ksort($all);
foreach ($all as $name => $value) {
    if (is_string($value)) echo "$name=$value\n";
}
$body = file_get_contents('php://input');
echo 'body of ', strlen($body), ' bytes: ', substr($body, 0, 60), ' ', md5($body), "\n";
foreach ($_POST as $name => $value) echo "POST $name=$value\n";
"#;

fn php_site() -> Result<Site> {
    let site = Site::new()?;
    site.file("show.php", SHOW)?;
    site.file("dir/show.php", SHOW)?;
    site.file("a b/odd name.php", SHOW)?;
    site.file(
        "fields.php",
        "<?php header('X-Own: value'); header('Set-Cookie: a=1'); header('Set-Cookie: b=2', false); \
         http_response_code(203); echo \"fields\\n\";",
    )?;
    site.file("moved.php", "<?php header('Location: /elsewhere?x=1');")?;
    site.file(
        "abroad.php",
        "<?php header('Location: http://other.example/');",
    )?;
    site.file(
        "404.php",
        "<?php header('HTTP/1.1 404 Not Here'); echo \"not here\\n\";",
    )?;
    site.file(
        "500.php",
        "<?php http_response_code(500); echo \"broken\\n\";",
    )?;
    site.file(
        "304.php",
        "<?php http_response_code(304); header('ETag: \"x\"');",
    )?;
    site.file("204.php", "<?php http_response_code(204);")?;
    site.file(
        "large.php",
        "<?php header('Content-Type: text/plain'); echo str_repeat('0123456789', 100000);",
    )?;
    site.file(
        "flushed.php",
        "<?php header('Content-Type: text/plain'); for ($i = 0; $i < 5; $i++) { echo \"part $i\\n\"; \
         flush(); }",
    )?;
    site.file(
        "etag.php",
        "<?php header('ETag: \"e\"'); header('Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT'); echo 'body';",
    )?;
    site.file(
        "typed.php",
        "<?php header('Content-Type: image/x-odd'); echo 'typed';",
    )?;
    site.file(
        "error.php",
        "<?php error_log('said on standard error'); echo 'fine';",
    )?;
    site.file("fatal.php", "<?php no_such_function();")?;
    site.file("exit.php", "<?php")?;
    site.file(
        "auth.php",
        "<?php echo $_SERVER['PHP_AUTH_USER'] ?? 'nobody', \"\\n\";",
    )?;
    site.file("plain.txt", "plain\n")?;
    Ok(site)
}

#[test]
fn php_by_handler_and_by_proxypass() -> Result<()> {
    let site = php_site()?;
    let php = Php::start()?;
    let (socket, port) = (php.socket(), php.port());
    let configuration = serve(
        &site,
        "proxy proxy_fcgi dir mime alias setenvif env rewrite actions headers",
        &format!(
            r#"
TypesConfig /etc/mime.types
DirectoryIndex index.php
<FilesMatch "\.php$">
SetHandler "proxy:unix:{socket}|fcgi://localhost/"
</FilesMatch>
<Location /dir>
ProxyFCGIBackendType GENERIC
ProxyFCGISetEnvIf "true" SET_ALWAYS "%{{REQUEST_METHOD}}-%{{QUERY_STRING}}"
ProxyFCGISetEnvIf "reqenv('SCRIPT_NAME') =~ m#show#" SHOWN yes
ProxyFCGISetEnvIf "false" NEVER set
ProxyFCGISetEnvIf "true" !SERVER_ADMIN
SetEnv FROM_ENV "of the server"
</Location>
ProxyPassMatch "^/tcp/(.*\.php(/.*)?)$" "fcgi://127.0.0.1:{port}@SITE@/$1"
ProxyPass "/all/" "fcgi://127.0.0.1:{port}@SITE@/" enablereuse=on flushpackets=on
ProxyPass "/pathinfo/" "fcgi://localhost:{port}@SITE@/show.php/"
<Location /pathinfo>
SetEnv proxy-fcgi-pathinfo full
</Location>
Alias /aliased "@SITE@/dir"
RewriteEngine On
RewriteRule ^/rewritten/(.*)$ "fcgi://127.0.0.1:{port}@SITE@/$1" [P]
SetEnvIf Request_URI "fields" FROM_SETENVIF=1
ProxyPass /none "fcgi://127.0.0.1:{port}/no/such/script.php"
<Location /override>
ProxyPass "fcgi://127.0.0.1:{port}@SITE@/404.php"
ProxyErrorOverride On
</Location>
"#,
            socket = socket.display()
        )
        .replace("@SITE@", &site.path().display().to_string()),
    );
    let mut cases: Vec<Case> = [
        "/show.php",
        "/show.php?a=1&b=%20",
        "/show.php/path/info?q",
        "/dir/show.php?x",
        "/dir/",
        "/a%20b/odd%20name.php",
        "/aliased/show.php/more",
        "/fields.php",
        "/moved.php",
        "/abroad.php",
        "/404.php",
        "/500.php",
        "/304.php",
        "/204.php",
        "/large.php",
        "/flushed.php",
        "/etag.php",
        "/typed.php",
        "/error.php",
        "/fatal.php",
        "/exit.php",
        "/missing.php",
        "/plain.txt",
        "/tcp/show.php?t=1",
        "/tcp/show.php/info",
        "/tcp/dir/show.php",
        "/tcp/missing.php",
        "/tcp/plain.txt",
        "/all/show.php",
        "/all/flushed.php",
        "/pathinfo/some/path",
        "/rewritten/show.php?r=1",
        "/none",
        "/override",
    ]
    .iter()
    .map(|path| Case::get(path))
    .collect();
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    cases.push(Case::with("POST", "/show.php", &form, "a=1&b=two"));
    cases.push(Case::with("POST", "/tcp/show.php", &form, "a=1&b=two"));
    cases.push(Case::with(
        "PUT",
        "/show.php",
        &[],
        &"0123456789".repeat(20_000),
    ));
    cases.push(Case::with(
        "POST",
        "/all/show.php",
        &[],
        &"x".repeat(70_000),
    ));
    cases.push(Case::with("HEAD", "/fields.php", &[], ""));
    cases.push(Case::with("DELETE", "/show.php", &[], ""));
    cases.push(Case::raw(
        "a chunked body",
        "POST /show.php HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\nTransfer-Encoding: \
         chunked\r\n\r\n5\r\nfirst\r\n7\r\n second\r\n0\r\n\r\n",
    ));
    cases.push(Case::raw(
        "an expected body",
        "POST /show.php HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\nExpect: \
         100-continue\r\nContent-Length: 4\r\n\r\nbody",
    ));
    cases.push(Case::get_with("/etag.php", &[("If-None-Match", "\"e\"")]));
    cases.push(Case::get_with("/large.php", &[("Range", "bytes=10-19")]));
    cases.push(Case::get_with(
        "/auth.php",
        &[("Authorization", "Basic eDp5")],
    ));
    cases.push(Case::get_with(
        "/show.php",
        &[
            ("X-A", "1"),
            ("X-A", "2"),
            ("Cookie", "a=b"),
            ("Proxy", "evil"),
            ("X_Under", "score"),
        ],
    ));
    compare("proxy proxy_fcgi", &configuration, &cases)
}

/// Answers that a CGI-like server may give.
fn cgi_answers() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        (
            "/404",
            text("Status: 404 Not Here\r\nContent-Type: text/plain\r\n\r\nnot here\n"),
        ),
        ("/moved", text("Location: http://other.example/\r\n\r\n")),
        ("/internal", text("Location: /plain.txt\r\n\r\n")),
        (
            "/fields",
            text("Content-Type: text/plain\r\nX-A: 1\r\nX-A: 2\r\nSet-Cookie: a=b\r\n\r\nfields\n"),
        ),
        ("/bare", text("Content-Type: text/plain\n\nbare\n")),
        ("/nonsense", text("nonsense\r\n\r\n")),
        ("/early", Vec::new()),
        ("/in-head", text("Status: 200 OK\r\nContent-")),
        ("/length", text("Content-Length: 20\r\n\r\nshorter")),
        (
            "/sendfile",
            text("X-Sendfile: @SITE@/plain.txt\r\nContent-Type: text/plain\r\n\r\nignored"),
        ),
        (
            "/redirect",
            text("X-Sendfile-Own: /plain.txt\r\nContent-Type: text/x\r\n\r\nignored"),
        ),
        ("/500", text("Status: 500\r\n\r\nbroken\n")),
        ("/304", text("Status: 304 Same\r\nETag: \"e\"\r\n\r\n")),
    ]
}

fn in_site(answers: Vec<(&'static str, Vec<u8>)>, site: &Site) -> Vec<(&'static str, Vec<u8>)> {
    let place = site.path().display().to_string();
    let fill = |answer: Vec<u8>| {
        String::from_utf8_lossy(&answer)
            .replace("@SITE@", &place)
            .into_bytes()
    };
    answers
        .into_iter()
        .map(|(path, answer)| (path, fill(answer)))
        .collect()
}

fn cgi_cases(prefix: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = cgi_answers()
        .iter()
        .map(|(path, _)| Case::get(&format!("{prefix}{path}")))
        .collect();
    for path in ["/shown?a=1", "/a%20b/c;d?x=%20", "", "/"] {
        cases.push(Case::get(&format!("{prefix}{path}")));
    }
    cases.push(Case::with(
        "POST",
        &format!("{prefix}/post"),
        &[("Content-Type", "text/x")],
        "a body",
    ));
    cases.push(Case::with(
        "PUT",
        &format!("{prefix}/large"),
        &[],
        &"0123456789".repeat(10_000),
    ));
    cases.push(Case::with("HEAD", &format!("{prefix}/fields"), &[], ""));
    cases.push(Case::raw(
        format!("{prefix}: a chunked body"),
        format!(
            "POST {prefix}/chunked HTTP/1.1\r\nHost: test.example\r\nConnection: \
             close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n7\r\n second\r\n0\r\n\r\n"
        ),
    ));
    cases.push(Case::get_with(
        &format!("{prefix}/named"),
        &[
            ("X-A", "1"),
            ("Authorization", "Basic eDp5"),
            ("Proxy", "evil"),
        ],
    ));
    cases
}

#[test]
fn scgi_with_and_without_sendfile() -> Result<()> {
    let site = Site::new()?;
    site.file("plain.txt", "plain\n")?;
    let backend: Backend = scgi::start(in_site(cgi_answers(), &site))?;
    let port = backend.port();
    let gone = scgi::start(Vec::new())?.port();
    let configuration = serve(
        &site,
        "proxy proxy_scgi env setenvif",
        &format!(
            r#"
SetEnvIf Request_URI . proxy-scgi-pathinfo=1
ProxyPass /app scgi://127.0.0.1:{port}
ProxyPass /sent scgi://localhost:{port}
ProxyPass /gone scgi://127.0.0.1:{gone}/ retry=0
<Location /sent>
ProxySCGISendfile On
ProxySCGIInternalRedirect Off
SetEnv FROM_ENV value
</Location>
<Location /own>
ProxyPass scgi://127.0.0.1:{port}/
ProxySCGISendfile X-Sendfile-Own
ProxySCGIInternalRedirect X-Sendfile-Own
</Location>
"#
        ),
    );
    let mut cases = cgi_cases("/app");
    cases.extend(cgi_cases("/sent"));
    for path in ["/own/redirect", "/own/sendfile", "/own/internal", "/gone/x"] {
        cases.push(Case::get(path));
    }
    compare("proxy proxy_scgi", &configuration, &cases)
}

#[test]
fn uwsgi() -> Result<()> {
    let site = Site::new()?;
    site.file("plain.txt", "plain\n")?;
    let http = |(path, answer): (&'static str, Vec<u8>)| {
        let text = String::from_utf8_lossy(&answer).into_owned();
        let answer = match path {
            "/early" | "/nonsense" | "/in-head" => text,
            "/404" | "/500" | "/304" => text.replace("Status: ", "HTTP/1.1 "),
            "/moved" | "/internal" => format!("HTTP/1.0 302 Found\r\n{text}"),
            _ => format!("HTTP/1.1 200 OK\r\n{text}"),
        };
        (path, answer.into_bytes())
    };
    let routes = in_site(cgi_answers(), &site)
        .into_iter()
        .map(http)
        .collect();
    let backend = uwsgi::start(routes)?;
    let port = backend.port();
    let gone = uwsgi::start(Vec::new())?.port();
    let configuration = serve(
        &site,
        "proxy proxy_uwsgi env",
        &format!(
            "ProxyPass /app uwsgi://127.0.0.1:{port}/\n\
             ProxyPass /gone uwsgi://127.0.0.1:{gone}/ retry=0\n\
             <Location /app>\nSetEnv FROM_ENV value\n</Location>\n"
        ),
    );
    let mut cases = cgi_cases("/app");
    cases.push(Case::get("/gone/x"));
    compare("proxy proxy_uwsgi", &configuration, &cases)
}
