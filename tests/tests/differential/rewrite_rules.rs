//! Conditions of rewriting in every form, and the rules of directories with what they log.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, Log, compare, compare_with_logs, serve},
    site::Site,
};

#[test]
fn conditions() -> Result<()> {
    let site = Site::new()?;
    for name in [
        "index.html",
        "yes.html",
        "file.txt",
        "empty.txt",
        "denied/x.html",
        "dir/index.html",
    ] {
        let content = if name == "empty.txt" {
            String::new()
        } else {
            format!("{name}\n")
        };
        site.file(name, content)?;
    }
    site.program("run.sh", "#!/bin/sh\n")?;
    std::os::unix::fs::symlink("file.txt", site.path().join("link"))?;
    let mut rules = String::from("RewriteEngine On\n");
    let mut cases = Vec::new();
    for (number, (condition, shown)) in CONDITIONS.iter().enumerate() {
        for line in condition.split(';') {
            rules += &format!("RewriteCond {line}\n");
        }
        rules += &format!("RewriteRule ^/c{number}(/.*)?$ /yes.html?{number} [R,L]\n");
        for (path, fields) in *shown {
            let mut case = Case::get_with(&format!("/c{number}{path}"), fields);
            case.name = format!("{} under {condition}", case.name);
            cases.push(case);
        }
    }
    let configuration = serve(
        &site,
        "dir mime alias rewrite env setenvif authz_host ssl socache_shmcb",
        &format!(
            "TypesConfig /etc/mime.types\nSetEnvIf X-Env (.*) SEEN=$1\n<Directory \"@SITE@/denied\">\nRequire all denied\n</Directory>\n\
             <Directory \"@SITE@/file.txt\">\n</Directory>\n{rules}"
        ),
    );
    compare("rewrite", &configuration, &cases)
}

type Shown = &'static [(&'static str, &'static [(&'static str, &'static str)])];

/// Conditions, `;` between those that belong together, with the paths and fields that show them.
const CONDITIONS: &[(&str, Shown)] = &[
    (
        "@SITE@$1 -d",
        &[("/dir", &[]), ("/file.txt", &[]), ("/none", &[])],
    ),
    (
        "@SITE@$1 -f",
        &[("/dir", &[]), ("/file.txt", &[]), ("/none", &[])],
    ),
    ("@SITE@$1 !-f", &[("/file.txt", &[]), ("/none", &[])]),
    ("@SITE@$1 -s", &[("/empty.txt", &[]), ("/file.txt", &[])]),
    ("@SITE@$1 -l", &[("/link", &[]), ("/file.txt", &[])]),
    ("@SITE@$1 -h", &[("/link", &[])]),
    ("@SITE@$1 -L", &[("/link", &[]), ("/dir", &[])]),
    ("@SITE@$1 -x", &[("/run.sh", &[]), ("/file.txt", &[])]),
    (
        "$1 -U",
        &[
            ("/index.html", &[]),
            ("/denied/x.html", &[]),
            ("/none", &[]),
        ],
    ),
    (
        "@SITE@$1 -F",
        &[("/file.txt", &[]), ("/none", &[]), ("/denied/x.html", &[])],
    ),
    (
        "%{HTTP:X-A} =same",
        &[
            ("", &[("X-A", "same")]),
            ("", &[("X-A", "other")]),
            ("", &[]),
        ],
    ),
    ("%{HTTP:X-A} !=same", &[("", &[("X-A", "same")]), ("", &[])]),
    (
        "%{HTTP:X-A} <m",
        &[("", &[("X-A", "a")]), ("", &[("X-A", "z")])],
    ),
    (
        "%{HTTP:X-A} >m",
        &[("", &[("X-A", "a")]), ("", &[("X-A", "z")])],
    ),
    (
        "%{HTTP:X-A} <=m",
        &[("", &[("X-A", "m")]), ("", &[("X-A", "mm")])],
    ),
    (
        "%{HTTP:X-A} >=m",
        &[("", &[("X-A", "m")]), ("", &[("X-A", "l")])],
    ),
    ("%{HTTP:X-A} =\"\"", &[("", &[]), ("", &[("X-A", "x")])]),
    (
        "%{HTTP:X-A} -eq7",
        &[
            ("", &[("X-A", "7")]),
            ("", &[("X-A", "07")]),
            ("", &[("X-A", "x")]),
        ],
    ),
    (
        "%{HTTP:X-A} -ne7",
        &[("", &[("X-A", "7")]), ("", &[("X-A", "8")])],
    ),
    (
        "%{HTTP:X-A} -lt7",
        &[("", &[("X-A", "6")]), ("", &[("X-A", "10")])],
    ),
    (
        "%{HTTP:X-A} -gt7",
        &[("", &[("X-A", "6")]), ("", &[("X-A", "10")])],
    ),
    (
        "%{HTTP:X-A} -le7",
        &[("", &[("X-A", "7")]), ("", &[("X-A", "8")])],
    ),
    (
        "%{HTTP:X-A} -ge7",
        &[("", &[("X-A", "7")]), ("", &[("X-A", "-8")])],
    ),
    ("%{HTTP:X-A} ABC [NC]", &[("", &[("X-A", "xabcx")])]),
    ("%{HTTP:X-A} =ABC [NC]", &[("", &[("X-A", "abc")])]),
    (
        "%{HTTP:X-A} a [OR];%{HTTP:X-B} b",
        &[("", &[("X-A", "a")]), ("", &[("X-B", "b")]), ("", &[])],
    ),
    (
        "%{HTTP:X-A} a [OR];%{HTTP:X-B} b;%{HTTP:X-C} c",
        &[
            ("", &[("X-A", "a")]),
            ("", &[("X-A", "a"), ("X-C", "c")]),
            ("", &[("X-C", "c")]),
        ],
    ),
    (
        "%{HTTP:X-A} ^(.)(.)$;%1%2 ^xy$",
        &[("", &[("X-A", "xy")]), ("", &[("X-A", "yx")])],
    ),
    (
        "%{HTTP:X-A}<>$1 ^/?(.*)<>/?\\1$",
        &[("/v", &[("X-A", "v")]), ("/v", &[("X-A", "w")])],
    ),
    ("%{HTTP:X-A} a [NV]", &[("", &[("X-A", "a")])]),
    (
        "expr \"%{HTTP:X-A} -in {'p','q'}\"",
        &[("", &[("X-A", "q")]), ("", &[("X-A", "r")])],
    ),
    (
        "expr \"!(%{REQUEST_URI} =~ m#/skip$#)\"",
        &[("/skip", &[]), ("/go", &[])],
    ),
    (
        "expr \"%{QUERY_STRING} =~ /^k=(.*)$/\";%1 =v",
        &[("?k=v", &[]), ("?k=w", &[])],
    ),
    ("%{LA-U:REQUEST_FILENAME} yes", &[("", &[])]),
    ("%{LA-U:REQUEST_FILENAME} c3", &[("", &[])]),
    ("%{LA-F:REQUEST_FILENAME} .", &[("", &[])]),
    ("%{ENV:SEEN} ^on$", &[("", &[("X-Env", "on")]), ("", &[])]),
    ("%{SSL:SSL_PROTOCOL} ^$", &[("", &[])]),
    ("%{HTTPS} =off", &[("", &[])]),
    ("%{REQUEST_SCHEME} =http", &[("", &[])]),
    (
        "%{REQUEST_METHOD}:%{SERVER_PROTOCOL} =GET:HTTP/1.1",
        &[("", &[])],
    ),
    (
        "%{THE_REQUEST} \"^GET /c\\d+\\?q HTTP/1\\.1$\"",
        &[("?q", &[]), ("?r", &[])],
    ),
    ("%{REQUEST_FILENAME} =/c42", &[("", &[])]),
    ("%{SCRIPT_FILENAME}%{PATH_INFO} ^/c43", &[("/x", &[])]),
    (
        "%{REMOTE_ADDR}%{REMOTE_HOST} ^127\\.0\\.0\\.1127",
        &[("", &[])],
    ),
    (
        "%{SERVER_NAME}:%{SERVER_PORT} =test.example:@PORT@",
        &[("", &[])],
    ),
    ("%{DOCUMENT_ROOT} =@SITE@", &[("", &[])]),
    (
        "%{CONTEXT_PREFIX}|%{CONTEXT_DOCUMENT_ROOT} =|@SITE@",
        &[("", &[])],
    ),
    ("%{IS_SUBREQ} =false", &[("", &[])]),
    (
        "%{TIME_YEAR}%{TIME_MON}%{TIME_DAY} ^20\\d{6}$",
        &[("", &[])],
    ),
    ("%{TIME} ^\\d{14}$", &[("", &[])]),
    ("%{TIME_WDAY} ^[0-6]$", &[("", &[])]),
    ("%{API_VERSION} ^20120211:", &[("", &[])]),
    ("%{CONN_REMOTE_ADDR}%{IPV6} ^127.0.0.1off$", &[("", &[])]),
    (
        "%{HTTP_USER_AGENT}|%{HTTP_REFERER}|%{HTTP_COOKIE}|%{HTTP_FORWARDED}|%{HTTP_ACCEPT}|%{HTTP_PROXY_CONNECTION} =u|r|c|f|a|p",
        &[(
            "",
            &[
                ("User-Agent", "u"),
                ("Referer", "r"),
                ("Cookie", "c"),
                ("Forwarded", "f"),
                ("Accept", "a"),
                ("Proxy-Connection", "p"),
            ],
        )],
    ),
    (
        "%{AUTH_TYPE}%{REMOTE_USER}%{REMOTE_IDENT}%{SERVER_ADMIN} .",
        &[("", &[])],
    ),
    ("%{HANDLER}%{NOTHING} ^$", &[("", &[])]),
    ("%{HTTP:Host} ^test\\.example$", &[("", &[])]),
    ("%{SERVER_ADDR} =127.0.0.1", &[("", &[])]),
];

#[test]
fn directories() -> Result<()> {
    let site = Site::new()?;
    let htaccess: &[(&str, &str)] = &[
        (
            "base",
            "RewriteEngine On\nRewriteBase /elsewhere/\nRewriteRule ^go$ page.html [R]\nRewriteRule ^in$ page.html\n",
        ),
        (
            "nobase",
            "RewriteEngine On\nRewriteRule ^go$ page.html [R]\nRewriteRule ^in$ page.html [L]\nRewriteRule ^abs$ /nobase/page.html [L]\nRewriteRule ^full$ @SITE@/nobase/page.html [L]\n",
        ),
        ("loop", "RewriteEngine On\nRewriteRule ^(.*)$ x$1\n"),
        (
            "end",
            "RewriteEngine On\nRewriteRule ^a$ b.html [END]\nRewriteRule ^b\\.html$ c.html\n",
        ),
        (
            "last",
            "RewriteEngine On\nRewriteRule ^a$ b.html [L]\nRewriteRule ^b\\.html$ c.html [L]\n",
        ),
        (
            "dpi",
            "RewriteEngine On\nRewriteRule ^file\\.html/(.*)$ page.html/$1 [DPI]\nRewriteRule ^keep/ page.html\n",
        ),
        (
            "parent",
            "RewriteEngine On\nRewriteRule ^x$ /parent/page.html [L]\nRewriteRule ^never$ - [F]\n",
        ),
        (
            "parent/inherit",
            "RewriteEngine On\nRewriteOptions Inherit\nRewriteRule ^own$ page.html [L]\n",
        ),
        (
            "parent/before",
            "RewriteEngine On\nRewriteOptions InheritBefore\nRewriteRule ^x$ page.html [L]\n",
        ),
        (
            "parent/none",
            "RewriteEngine On\nRewriteRule ^own$ page.html [L]\n",
        ),
        ("parent/off", "RewriteEngine Off\n"),
        (
            "down",
            "RewriteEngine On\nRewriteOptions InheritDown\nRewriteRule ^x$ /down/page.html [L]\n",
        ),
        (
            "down/sub",
            "RewriteEngine On\nRewriteRule ^own$ page.html [L]\n",
        ),
        (
            "down/ignore",
            "RewriteEngine On\nRewriteOptions IgnoreInherit\nRewriteRule ^own$ page.html [L]\n",
        ),
        (
            "downbefore",
            "RewriteEngine On\nRewriteOptions InheritDownBefore\nRewriteRule ^x$ /downbefore/page.html [L]\n",
        ),
        (
            "downbefore/sub",
            "RewriteEngine On\nRewriteRule ^x$ page.html [L]\n",
        ),
        (
            "merge",
            "RewriteEngine On\nRewriteOptions MergeBase\nRewriteBase /merge/\nRewriteRule ^z$ page.html\n",
        ),
        (
            "merge/sub",
            "RewriteEngine On\nRewriteRule ^go$ page.html [R]\n",
        ),
        (
            "front",
            "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{REQUEST_FILENAME} !-d\nRewriteRule . index.php [L]\n",
        ),
        (
            "cgi",
            "RewriteEngine On\nRewriteRule ^in/(.*)$ /cgi-bin/vars?p=$1 [L,QSA,E=MADE:$1]\n",
        ),
        (
            "slash",
            "RewriteEngine On\nRewriteRule ^$ page.html\nRewriteRule ^sub$ - [F]\n",
        ),
        (
            "noslash",
            "DirectorySlash Off\nRewriteEngine On\nRewriteOptions AllowNoSlash\nRewriteRule ^sub$ page.html\n",
        ),
        (
            "proxy",
            "RewriteEngine On\nRewriteRule ^through$ http://127.0.0.1:@PORT@/nobase/page.html [P]\n",
        ),
        (
            "opts",
            "RewriteEngine On\nRewriteOptions LongURLOptimization IgnoreContextInfo\nRewriteRule ^a(.*)$ page.html [L]\n",
        ),
        (
            "status",
            "RewriteEngine On\nRewriteRule ^f$ - [F]\nRewriteRule ^g$ - [G]\nRewriteRule ^u$ - [R=401]\nRewriteRule ^t\\.html$ - [T=text/x-t]\nRewriteRule ^h$ page.html [H=cgi-script]\nErrorDocument 403 /status/page.html\n",
        ),
        (
            "lookahead",
            "RewriteEngine On\nRewriteCond %{LA-U:CONTENT_TYPE} html\nRewriteRule ^p\\.html$ page.html\nRewriteCond %{LA-F:REQUEST_FILENAME} page\nRewriteRule ^page\\.html$ - [E=L:1]\n",
        ),
        (
            "relative",
            "RewriteEngine On\nRewriteRule ^up$ ../nobase/page.html\nRewriteRule ^deep/(.*)$ sub/$1\n",
        ),
        (
            "query",
            "RewriteEngine On\nRewriteRule ^a$ page.html?x=1\nRewriteRule ^b$ ?y=2\nRewriteCond %{QUERY_STRING} ^secret$\nRewriteRule .* - [F]\n",
        ),
        ("bad", "RewriteEngine On\nRewriteRule ^x( y\n"),
    ];
    for (directory, text) in htaccess {
        for name in [
            "page.html",
            "b.html",
            "c.html",
            "p.html",
            "t.html",
            "file.html",
            "index.php",
            "sub/page.html",
        ] {
            site.file(
                &format!("{directory}/{name}"),
                format!("{directory}/{name}\n"),
            )?;
        }
        let text = text.replace("@SITE@", &site.path().display().to_string());
        // `.htaccess` files are not filled in by the harness: the port is left to the test's client.
        site.file(
            &format!("{directory}/.htaccess"),
            text.replace("http://127.0.0.1:@PORT@", "http://%{HTTP_HOST}"),
        )?;
    }
    site.program("bin/vars", "#!/bin/sh\ncat >/dev/null\nprintf 'Content-Type: text/plain\\n\\n'\nfor v in QUERY_STRING REQUEST_URI REDIRECT_URL REDIRECT_MADE MADE SCRIPT_NAME PATH_INFO; do eval echo \"$v=\\${$v-unset}\"; done\n")?;
    let configuration = serve(
        &site,
        "dir mime alias rewrite cgid env headers proxy proxy_http",
        r#"
TypesConfig /etc/mime.types
ScriptSock cgid.sock
ScriptAlias /cgi-bin/ "@SITE@/bin/"
LogLevel rewrite:trace3
<Directory "@SITE@">
AllowOverride All
Options FollowSymLinks
</Directory>
Alias /mapped "@SITE@/nobase"
<Location /located>
RewriteEngine On
RewriteRule ^ /nobase/page.html
</Location>
<Directory "@SITE@/lookahead">
Header set X-L "%{L}e" env=L
</Directory>
"#,
    );
    let mut cases = Case::gets(&[
        "/base/go",
        "/base/in",
        "/nobase/go",
        "/nobase/in",
        "/nobase/abs",
        "/nobase/full",
        "/mapped/go",
        "/mapped/in",
        "/loop/y",
        "/end/a",
        "/end/b.html",
        "/last/a",
        "/dpi/file.html/more",
        "/dpi/keep/rest",
        "/parent/x",
        "/parent/inherit/x",
        "/parent/inherit/own",
        "/parent/inherit/never",
        "/parent/before/x",
        "/parent/before/never",
        "/parent/none/x",
        "/parent/none/own",
        "/parent/none/never",
        "/parent/off/x",
        "/down/x",
        "/down/sub/x",
        "/down/sub/own",
        "/down/ignore/x",
        "/downbefore/sub/x",
        "/merge/sub/go",
        "/front/any/thing?q=1",
        "/front/page.html",
        "/front/sub",
        "/front/",
        "/cgi/in/val?x=1",
        "/slash/",
        "/slash",
        "/slash/sub",
        "/slash/sub/",
        "/noslash/sub",
        "/opts/abc",
        "/opts/page.html/info",
        "/status/f",
        "/status/g",
        "/status/u",
        "/status/t.html",
        "/status/h",
        "/lookahead/p.html",
        "/lookahead/page.html",
        "/relative/up",
        "/relative/deep/page.html",
        "/query/a",
        "/query/a?z",
        "/query/b",
        "/query/page.html?secret",
        "/bad/page.html",
        "/located/x",
        "/nobase/in/info",
    ]);
    cases.push(Case::get_with(
        "/proxy/through",
        &[("Host", "127.0.0.1:@PORT@")],
    ));
    cases.push(Case::with("POST", "/cgi/in/val", &[], "x"));
    cases.push(Case::with("HEAD", "/nobase/in", &[], ""));
    compare_with_logs(
        "rewrite",
        &configuration,
        &cases,
        &[Log {
            file: "logs/error.log",
            line: |line| {
                // `[rid#7f.../initial]` and such name a place in memory.
                let (_, behind) = line.split_once("[rid#")?;
                let (_, kind) = behind.split_once('/')?;
                Some(kind.to_owned())
            },
        }],
    )
}
