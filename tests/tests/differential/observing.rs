//! What modules tell of the server: logs of requests and bytes, status and information pages, and
//! protocols other than HTTP.

use anyhow::{Result, ensure};
use httpd_tests::{
    client::Client,
    compatibility,
    differential::{Case, Log, compare, compare_with_logs, serve},
    host::{Host, Kind},
    site::Site,
};

#[test]
fn messages_of_hooks() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    site.file(
        "ssi/page.shtml",
        "<!--#include virtual=\"/part.html\" -->\n",
    )?;
    site.file("part.html", "part\n")?;
    site.file("denied/x.html", "x\n")?;
    let hooks = [
        "pre_translate_name",
        "translate_name",
        "type_checker",
        "quick_handler",
        "map_to_storage",
        "check_access",
        "check_access_ex",
        "insert_filter",
        "check_authn",
        "check_authz",
        "fixups",
        "handler",
        "log_transaction",
        "all",
    ];
    let mut messages = String::new();
    for hook in hooks {
        messages += &format!(
            "LogMessage \"at {hook}: %{{REQUEST_URI}}\" hook={hook} \"expr=%{{QUERY_STRING}} == '{hook}'\"\n"
        );
    }
    let configuration = serve(
        &site,
        "dir mime alias log_debug include filter authz_host env",
        &format!(
            "TypesConfig /etc/mime.types\nAddType text/html .shtml\nAddOutputFilter INCLUDES .shtml\nOptions Includes\n\
             LogMessage \"status %{{REQUEST_STATUS}} of %{{REQUEST_METHOD}} %{{REQUEST_URI}}\"\n\
             LogMessage always hook=fixups\n\
             LogMessage \"only with field %{{HTTP:X-A}}\" \"expr=-n req('X-A')\"\n\
             <Location /part.html>\nLogMessage \"sub-request\" hook=handler expr=-T%{{IS_SUBREQ}}\n</Location>\n\
             <Location /denied>\nRequire all denied\nLogMessage \"denied\"\n</Location>\n{messages}"
        ),
    );
    let mut cases = Case::gets(&[
        "/",
        "/index.html",
        "/missing",
        "/ssi/page.shtml",
        "/denied/x.html",
        "/part.html",
    ]);
    for hook in hooks {
        cases.push(Case::get(&format!("/index.html?{hook}")));
    }
    cases.push(Case::get_with("/index.html", &[("X-A", "a \"b\"")]));
    cases.push(Case::with("OPTIONS", "*", &[], ""));
    compare_with_logs(
        "log_debug",
        &configuration,
        &cases,
        &[Log {
            file: "logs/error.log",
            line: |line| line.contains("log_debug").then(|| line.to_owned()),
        }],
    )
}

#[test]
fn forensic_lines() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    let configuration = serve(
        &site,
        "dir mime log_forensic unique_id headers",
        r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
ForensicLog logs/forensic.log
CustomLog logs/ids.log "%{forensic-id}n %U"
"#,
    );
    let cases = [
        Case::get("/"),
        Case::get_with(
            "/index.html?a|b",
            &[("X-Odd", "a|b:c\u{e9}"), ("X-Tab", "a\tb")],
        ),
        Case::get("/missing"),
        Case::with("POST", "/", &[("Content-Type", "text/plain")], "body"),
        Case::raw("nonsense", "nonsense\r\n\r\n"),
        Case::raw("no host", "GET / HTTP/1.1\r\n\r\n"),
        Case::raw(
            "two",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        ),
    ];
    compare_with_logs(
        "log_forensic unique_id",
        &configuration,
        &cases,
        &[
            Log {
                file: "logs/forensic.log",
                line: |line| {
                    let sign = line.get(..1)?;
                    Some(format!(
                        "{sign}{}",
                        line.split_once('|').map_or("", |(_, rest)| rest)
                    ))
                },
            },
            Log {
                file: "logs/ids.log",
                line: |line| Some(line.split_once(' ')?.1.to_owned()),
            },
        ],
    )
}

/// How bytes are cut into buckets is each server's own business; which bytes pass is not.
#[test]
fn dumped_bytes() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    site.file("long.txt", "0123456789abcde\n".repeat(40))?;
    let configuration = serve(
        &site,
        "dir mime dumpio reflector",
        r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
LogLevel dumpio:trace7
DumpIOInput On
DumpIOOutput On
<Location /back>
SetHandler reflector
</Location>
"#,
    );
    let cases = [
        Case::get("/"),
        Case::get("/long.txt"),
        Case::get("/missing"),
        Case::with("POST", "/back", &[], "sent back"),
    ];
    compare_with_logs(
        "dumpio",
        &configuration,
        &cases,
        &[Log {
            file: "logs/error.log",
            line: |line| {
                let (_, text) = line.split_once("mod_dumpio:")?;
                let (kind, data) = text.split_once("): ")?;
                let is_data = kind.contains("data-") && !data.ends_with(" bytes");
                // A look at the first byte, which is read again, tells that a request has come.
                let is_look = kind.contains("dumpio_in") && data.len() == 1;
                (is_data && !is_look && !data.contains("Date:")).then(|| data.to_owned())
            },
        }],
    )
}

/// Takes numbers, times, what names the build, and the map of threads out of a status page.
const STEADY: &str = r"#!/bin/sh
sed -E -e 's/[0-9]*\.?[0-9]+(e[+-][0-9]+)?/N/g' \
    -e 's/(Built:?).*/\1/; s/(ServerVersion|Server Version): .*/\1/; /^CPU|CPU Usage/d' \
    -e 's/(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day/DAY/; s/-[A-Z][a-z]{2}-/-MON-/' \
    -e 's/N (second|minute)s?.*/TIME/; s/[_.A-Z]{25,}/SCOREBOARD/g' \
    -e '/^<tr><td>N<.td><td>N<.td>/d; /^<tr><td><b>N-N/{N;/<b>[SCLK]<|\n<.td><td><.td><td><.td>/d' -e '}' -e '/\[<b>(Starting|Read|Closing|Logging|Keepalive)/{N;N;d' -e '}' \
    -e '/^<pre>/{:more' -e '/<\/pre>/!{N;b more' -e '}' -e 'd' -e '}' -e '/^$/d' | uniq
";

/// Takes line numbers and what names the build out of a page about modules.
const MODULES: &str = r"#!/bin/sh
sed -E -e 's/Apache\/[^<]*/VERSION/g; s/(Built).*/\1/; s/[0-9]{4,5}/N/g; s/[0-9]+:&nbsp;/N:/' \
    -e 's/<tt>[^<]*httpd.conf/<tt>CONF/; /mpm_event/d' -e 's/(&nbsp;)+N:/N:/'
";

#[test]
fn pages_about_the_server() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    site.program("steady.sh", STEADY)?;
    site.program("modules.sh", MODULES)?;
    let configuration = serve(
        &site,
        "dir mime status info ext_filter alias headers",
        r#"
TypesConfig /etc/mime.types
ExtFilterDefine steady cmd=@SITE@/steady.sh
ExtFilterDefine modules cmd=@SITE@/modules.sh
SeeRequestTail On
<Location /status>
SetHandler server-status
SetOutputFilter steady
</Location>
<Location /info>
SetHandler server-info
SetOutputFilter modules
</Location>
AddModuleInfo mod_mime.c "about <i>types</i>"
Header edit Refresh "(\d+).*" "$1"
"#,
    );
    // Which threads have served what is each server's own business, so a status page comes first.
    for path in [
        "/status",
        "/status?auto",
        "/status?refresh=5",
        "/status?refresh",
        "/status?notable",
        "/status?auto&notable",
    ] {
        compare("status", &configuration, &[Case::get(path)])?;
    }
    let mut cases = Case::gets(&[
        "/info?list",
        "/info?mod_mime.c",
        "/info?mod_ext_filter.c",
        "/info?mod_alias.c",
        "/info?mod_none.c",
        "/info?mod_dir.c",
        "/info?mod_headers.c",
        "/info?mod_status.c",
        "/info?config",
    ]);
    cases.push(Case::with("POST", "/status", &[], "x"));
    cases.push(Case::with("POST", "/info", &[], "x"));
    cases.push(Case::with("HEAD", "/info?list", &[], ""));
    compare("status info", &configuration, &cases)
}

#[test]
fn echoed_bytes() -> Result<()> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    let configuration = serve(
        &site,
        "dir mime echo",
        r#"
TypesConfig /etc/mime.types
Listen 127.0.0.1:@PORT2@
<VirtualHost *:@PORT2@>
ProtocolEcho On
</VirtualHost>
"#,
    );
    let long = "x".repeat(50_000) + "\n";
    for kind in [Kind::Apache, Kind::under_test()] {
        let host = Host::start(kind, &configuration)?;
        for text in [
            "hello\n",
            "one\ntwo\nthree\n",
            "GET / HTTP/1.1\r\n\r\n",
            "\0\x01\u{ff}\n",
            &long,
            "no line's end",
        ] {
            let mut client = Client::connect(host.port_number(2))?;
            client.send(text)?;
            client.finish()?;
            let back = client.receive_rest()?;
            ensure!(
                back == text.as_bytes(),
                "{kind:?} answered {:?} to {text:?}",
                String::from_utf8_lossy(&back)
            );
        }
        // HTTP goes on beside it.
        let answer = httpd_tests::client::get(host.port(), "/index.html")?;
        ensure!(answer.text() == "home\n", "{kind:?}: {answer:?}");
    }
    compatibility::behaves("echo", 7)
}

#[test]
fn slow_lines_and_identities() -> Result<()> {
    let site = Site::new()?;
    site.file("modem/a.txt", "x".repeat(3000))?;
    site.file("modem/empty.txt", "")?;
    site.file("plain/a.txt", "y".repeat(3000))?;
    site.file("ident/a.txt", "z\n")?;
    let configuration = serve(
        &site,
        "dir mime dialup ident headers",
        r#"
TypesConfig /etc/mime.types
CustomLog logs/names.log "%l %u %U %>s"
<Location /modem>
ModemStandard V.92
</Location>
<Location /ident>
IdentityCheck On
</Location>
IdentityCheckTimeout 2
"#,
    );
    let mut cases = Case::gets(&[
        "/modem/a.txt",
        "/modem/empty.txt",
        "/modem/missing",
        "/plain/a.txt",
        "/ident/a.txt",
    ]);
    cases.push(Case::get_with("/modem/a.txt", &[("Range", "bytes=0-99")]));
    cases.push(Case::get_with("/modem/a.txt", &[("If-None-Match", "*")]));
    compare_with_logs(
        "dialup ident",
        &configuration,
        &cases,
        &[Log {
            file: "logs/names.log",
            line: |line| Some(line.to_owned()),
        }],
    )
}
