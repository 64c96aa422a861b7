//! The error log: its levels by module, directory, host and condition, the form of its lines, and where
//! it goes: files, programs, syslog. What modules write is the same binary's text in both servers, so
//! lines are compared as they are.

use std::{
    fs,
    os::unix::net::UnixDatagram,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, ensure};
use httpd_tests::{
    client, compatibility,
    differential::serve,
    host::{Host, Kind, until},
    site::Site,
    streams::compare_traces,
};

const MODULES: &str = "authz_host headers rewrite env setenvif alias dir";

fn site() -> Result<Site> {
    let site = Site::new()?;
    for directory in ["denied", "quiet", "loud", "rewritten", "open", "cond"] {
        site.file(&format!("{directory}/doc.txt"), "document\n")?;
    }
    Ok(site)
}

/// The lines of a log that modules outside the core wrote (`form` begins with `%m|`), in order.
fn lines_of_modules(host: &Host, log: &str, modules: &[&str]) -> Vec<String> {
    let log = host.place().read(log);
    let lines = log.lines().filter(|line| {
        modules.iter().any(|module| {
            line.strip_prefix(module)
                .is_some_and(|rest| rest.starts_with('|'))
        })
    });
    lines.map(without_addresses).collect()
}

/// `#7efda7e354a0` without the number: mod_rewrite tells addresses in memory.
fn without_addresses(line: &str) -> String {
    let mut parts = line.split("id#");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown += "id#";
        shown += part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    shown
}

/// Gets each path in turn, from the host named before it, if one is.
fn visit(host: &Host, paths: &[&str]) -> Result<()> {
    for path in paths {
        let (name, path) = path.split_once(' ').unwrap_or(("test.example", path));
        client::exchange(
            host.port(),
            format!(
                "GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\nUser-Agent: tester\r\n\
                 Referer: http://from/\r\n\r\n"
            ),
        )?;
    }
    Ok(())
}

/// Compares what the modules named log under each configuration.
fn compare_logs(
    site: &Site,
    modules: &[&str],
    paths: &[&str],
    configurations: &[&str],
) -> Result<()> {
    let mut cases = 0;
    for more in configurations {
        let configuration = serve(
            site,
            MODULES,
            &format!("ErrorLogFormat \"%m|%l|%M\"\n{more}"),
        );
        let lines = compare_traces(
            &configuration,
            |host| {
                visit(host, paths)?;
                if !more.contains("\"|") {
                    return Ok(());
                }
                // The programs may be behind: each gets a denial, and one of them the last line.
                until("the programs have written all", || {
                    let texts = ["logs/host.log", "logs/other.log"]
                        .into_iter()
                        .filter(|name| more.contains(name))
                        .map(|name| host.place().read(name))
                        .collect::<Vec<_>>();
                    Ok(texts.iter().all(|text| text.contains("client denied"))
                        && texts.concat().contains("<RequireAny>: granted"))
                })
            },
            |host| {
                let mut lines = lines_of_modules(host, "logs/error.log", modules);
                for log in ["logs/host.log", "logs/other.log", "logs/console.log"] {
                    lines.push(log.to_owned());
                    let mut own = lines_of_modules(host, log, modules);
                    if log == "logs/console.log" {
                        // Two programs write there, each at its own pace.
                        own.sort();
                    }
                    lines.extend(own);
                }
                Ok(lines)
            },
        )
        .map_err(|error| error.context((*more).to_owned()))?;
        ensure!(lines > 0, "nothing logged under {more}");
        cases += lines;
    }
    compatibility::behaves("core", cases)
}

#[test]
fn levels_by_module_and_place() -> Result<()> {
    let site = site()?;
    let common = "<Location /denied>\nRequire all denied\n</Location>\n\
        RewriteEngine On\nRewriteRule ^/rewritten/(.*) /open/$1 [PT]\n";
    let sets = [
        "LogLevel warn",
        "LogLevel emerg",
        "LogLevel crit",
        "LogLevel error",
        "LogLevel notice",
        "LogLevel info",
        "LogLevel debug",
        "LogLevel trace1",
        "LogLevel trace3",
        "LogLevel trace8",
        "LogLevel warn rewrite:trace2",
        "LogLevel rewrite:trace3 authz_core:debug",
        "LogLevel debug rewrite_module:crit",
        "LogLevel debug mod_rewrite.c:trace1",
        "LogLevel trace8 authz_core:warn rewrite:error",
        "LogLevel warn\nLogLevel rewrite:trace1",
        "LogLevel rewrite:trace1\nLogLevel warn",
        "LogLevel crit authz_core:error",
        "LogLevel warn\n<Directory \"@SITE@/open\">\nLogLevel debug\n</Directory>",
        "LogLevel warn\n<Directory \"@SITE@/open\">\nLogLevel authz_core:debug\n</Directory>",
        "LogLevel debug\n<Location /open>\nLogLevel crit\n</Location>",
        "LogLevel debug\n<Files doc.txt>\nLogLevel authz_core:crit\n</Files>",
        "LogLevel warn\n<If \"%{REQUEST_URI} =~ /open/\">\nLogLevel trace8\n</If>",
        "LogLevel warn\n<Directory \"@SITE@\">\nLogLevel rewrite:trace1\n</Directory>\n<Directory \"@SITE@/open\">\nLogLevel authz_core:debug\n</Directory>",
        "LogLevel warn\n<Location /rewritten>\nLogLevel rewrite:trace5\n</Location>",
    ];
    let configurations: Vec<String> = sets.iter().map(|set| format!("{common}{set}")).collect();
    let configurations: Vec<&str> = configurations.iter().map(String::as_str).collect();
    compare_logs(
        &site,
        &["authz_core", "rewrite"],
        &[
            "/denied/doc.txt",
            "/open/doc.txt",
            "/rewritten/doc.txt",
            "/quiet/none",
        ],
        &configurations,
    )
}

#[test]
fn logs_of_hosts() -> Result<()> {
    let site = site()?;
    let common = "LogLevel debug\n<Location /denied>\nRequire all denied\n</Location>\n\
        <VirtualHost *:@PORT@>\nServerName test.example\n</VirtualHost>\n";
    let sets = [
        "<VirtualHost *:@PORT@>\nServerName host.example\nErrorLog logs/host.log\n</VirtualHost>",
        "<VirtualHost *:@PORT@>\nServerName host.example\nErrorLog \"@PLACE@/logs/host.log\"\nLogLevel crit\n</VirtualHost>",
        "<VirtualHost *:@PORT@>\nServerName host.example\nErrorLog logs/host.log\nLogLevel authz_core:trace1\nErrorLogFormat \"%m|host|%l|%M\"\n</VirtualHost>",
        "<VirtualHost *:@PORT@>\nServerName host.example\nLogLevel crit\n</VirtualHost>",
        "<VirtualHost *:@PORT@>\nServerName host.example\nErrorLog logs/error.log\n</VirtualHost>",
        "<VirtualHost *:@PORT@>\nServerName host.example\nErrorLog /dev/null\n</VirtualHost>",
        "<VirtualHost *:@PORT@>\nServerName host.example\nErrorLog \"|/usr/bin/tee -a @PLACE@/logs/host.log\"\n</VirtualHost>",
        "<VirtualHost *:@PORT@>\nServerName host.example\nErrorLog \"||/usr/bin/tee -a @PLACE@/logs/host.log\"\n</VirtualHost>",
        "<VirtualHost *:@PORT@>\nServerName host.example\nErrorLog \"|$cat >>logs/host.log; true\"\n</VirtualHost>",
        "ErrorLog \"|/usr/bin/tee -a @PLACE@/logs/other.log\"",
        "ErrorLog \"|/usr/bin/tee -a @PLACE@/logs/other.log\"\n<VirtualHost *:@PORT@>\nServerName host.example\nErrorLog \"|/usr/bin/tee -a @PLACE@/logs/host.log\"\n</VirtualHost>",
        "<VirtualHost *:@PORT@>\nServerName host.example\nErrorLog \"|/bin/sh -c 'tee -a @PLACE@/logs/host.log >&2'\"\n</VirtualHost>",
        "<VirtualHost *:@PORT@>\nServerName host.example\nErrorLog \"|/bin/sh -c 'cat >>@PLACE@/logs/host.log'\"\n</VirtualHost>",
    ];
    let configurations: Vec<String> = sets.iter().map(|set| format!("{common}{set}")).collect();
    let configurations: Vec<&str> = configurations.iter().map(String::as_str).collect();
    compare_logs(
        &site,
        &["authz_core"],
        &[
            "/denied/doc.txt",
            "host.example /denied/doc.txt",
            "host.example /open/doc.txt",
        ],
        &configurations,
    )
}

#[test]
fn forms_of_lines() -> Result<()> {
    let site = site()?;
    let forms = [
        "%m|%M",
        "%m|%%|%l|%M",
        "%m|%a|%M",
        "%m|%{c}a|%M",
        "%m|%A|%M",
        "%m|%E|%M",
        "%m|[%E]|%M",
        "%m|%{FROM_CLIENT}e|%{NO_SUCH}e|%M",
        "%m|%{User-Agent}i|%{X-None}i|%M",
        "%m|% {X-None}i|after|%M",
        "%m|%k|%M",
        "%m|%{none}n|%M",
        "%m|%v|%V|%M",
        "%m|%-l|%-m|%-E|%-a|%M",
        "%m|[%l] % E: %M",
        "%m| % a|%M",
        "%m|[%{Referer}i] % |%M",
        "%m|%M% ,\\ referer\\ %{Referer}i",
        "%m|\\t%l\\tx|%M",
        "%m|plain text|%M",
        "%m|[client\\ %a] %M% ,\\ referer\\ %{Referer}i",
        "%m|%{warn}M",
        "%m|%8M",
    ];
    let mut cases = 0;
    for form in forms {
        let more = format!(
            "LogLevel authz_core:debug\nErrorLogFormat \"{form}\"\nSetEnvIf User-Agent tester FROM_CLIENT=yes\n\
             <Location /denied>\nRequire all denied\n</Location>\n\
             <VirtualHost *:@PORT@>\nServerName test.example\n</VirtualHost>\n\
             <VirtualHost *:@PORT@>\nServerName host.example\nUseCanonicalName On\n</VirtualHost>\n"
        );
        cases += compare_traces(
            &serve(&site, MODULES, &more),
            |host| visit(host, &["/denied/doc.txt", "host.example /open/doc.txt"]),
            |host| {
                // The client's port differs from run to run.
                let lines = lines_of_modules(host, "logs/error.log", &["authz_core"]);
                Ok(lines.iter().map(|line| without_client_port(line)).collect())
            },
        )
        .map_err(|error| error.context(form))?;
    }
    ensure!(cases >= forms.len(), "too few lines: {cases}");
    compatibility::behaves("core", cases)
}

/// `127.0.0.1:NUMBER` without the number.
fn without_client_port(line: &str) -> String {
    let mut parts = line.split("127.0.0.1:");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown += "127.0.0.1:CLIENT";
        shown += part
            .trim_start_matches("PORT")
            .trim_start_matches(|c: char| c.is_ascii_digit());
    }
    shown
}

/// Lines that stand before the first line of a connection or a request.
#[test]
fn lines_before_connections_and_requests() -> Result<()> {
    let site = site()?;
    let more = "LogLevel authz_core:debug\nErrorLogFormat \"%m|%M|%{C}L|%L\"\n\
        ErrorLogFormat request \"authz_core|request %L\"\n\
        ErrorLogFormat request \"authz_core|agent % {User-Agent}i\"\n\
        ErrorLogFormat connection \"authz_core|connection %{c}L from %A\"\n\
        ErrorLogFormat connection \"authz_core|second\"\n\
        <Location /denied>\nRequire all denied\n</Location>\n";
    let lines = compare_traces(
        &serve(&site, MODULES, more),
        |host| visit(host, &["/denied/doc.txt", "/open/doc.txt", "/denied/none"]),
        |host| {
            // Identifiers are random: which are alike is what counts.
            let lines = lines_of_modules(host, "logs/error.log", &["authz_core"]);
            let mut seen: Vec<String> = Vec::new();
            let mut numbered = |word: &str| {
                if word.len() < 11
                    || !word
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"+/@-_".contains(&byte))
                {
                    return word.to_owned();
                }
                let at = seen
                    .iter()
                    .position(|known| known == word)
                    .unwrap_or_else(|| {
                        seen.push(word.to_owned());
                        seen.len() - 1
                    });
                format!("ID{at}")
            };
            Ok(lines
                .iter()
                .map(|line| {
                    let words = line.split_inclusive([' ', '|']);
                    words
                        .map(|word| {
                            let text = word.trim_end_matches([' ', '|']);
                            if text.contains("authorization") || text == "connection" {
                                word.to_owned()
                            } else {
                                numbered(text) + &word[text.len()..]
                            }
                        })
                        .collect()
                })
                .collect())
        },
    )?;
    ensure!(lines > 8, "{lines} lines only");
    compatibility::behaves("core", lines)
}

/// The usual form, but for times and numbers of processes.
#[test]
fn the_usual_form() -> Result<()> {
    let site = site()?;
    let more =
        "LogLevel warn authz_core:debug\n<Location /denied>\nRequire all denied\n</Location>\n";
    let lines = compare_traces(
        &serve(&site, MODULES, more),
        |host| visit(host, &["/denied/doc.txt", "/open/doc.txt"]),
        |host| {
            let log = host.place().read("logs/error.log");
            let lines = log.lines().filter(|line| line.contains("[authz_core:"));
            let digits = |line: &str| -> String {
                line.chars()
                    .map(|c| if c.is_ascii_digit() { '9' } else { c })
                    .collect::<String>()
            };
            // Days and numbers of any length look alike.
            Ok(lines
                .map(|line| {
                    let (_, rest) = line.split_once("] ").unwrap_or(("", line));
                    let mut line = digits(rest);
                    while line.contains("99") {
                        line = line.replace("99", "9");
                    }
                    line
                })
                .collect())
        },
    )?;
    ensure!(lines > 2, "{lines} lines only");
    compatibility::behaves("core", lines)
}

/// A program that reads the access log and dies is started again, that of an error log is not.
#[test]
fn a_log_program_that_dies_is_replaced() -> Result<()> {
    let site = site()?;
    for kind in [Kind::Apache, Kind::under_test()] {
        let more = "CustomLog \"|/bin/cat >>logs/piped.log\" %U\n\
             CustomLog \"|$exec cat >>logs/other.log\" %U\n"
            .replace(
                "|/bin/cat >>logs/piped.log",
                "|/usr/bin/tee -a @PLACE@/logs/piped.log",
            );
        let host = Host::start(kind, &serve(&site, MODULES, &more))?;
        visit(&host, &["/denied/one"])?;
        until("the first line is written", || {
            Ok(host.place().read("logs/piped.log").contains("/denied/one"))
        })?;
        let children = |parent: i32| -> Vec<i32> {
            let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))
                .unwrap_or_default();
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect()
        };
        let logger = || {
            children(host.pid()).into_iter().find(|pid| {
                let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                name.trim() == "tee"
            })
        };
        let mut first = None;
        until("the program runs", || {
            first = logger();
            Ok(first.is_some())
        })?;
        // SAFETY: a plain system call on the process just found, a child of the server started here.
        unsafe { libc::kill(first.unwrap_or(0).max(2), libc::SIGKILL) };
        until("another runs", || {
            Ok(logger().is_some_and(|pid| Some(pid) != first))
        })?;
        visit(&host, &["/denied/two"])?;
        until("the program in the server's root has written", || {
            Ok(host.place().read("logs/other.log").contains("/denied/two"))
        })?;
        until("a later line is written", || {
            Ok(host.place().read("logs/piped.log").contains("/denied/two"))
        })?;
    }
    compatibility::behaves("core", 1)
}

static RECEIVED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What the servers send to syslog: facility, tag, level and text. There is no syslogd where tests
/// run, so the test takes its place; where there is one, it is left alone.
#[test]
fn syslog() -> Result<()> {
    let socket = Path::new("/dev/log");
    if socket.exists() || fs::symlink_metadata(socket).is_ok() {
        return Ok(());
    }
    struct Gone<'p>(&'p Path);
    impl Drop for Gone<'_> {
        fn drop(&mut self) {
            let _ = fs::remove_file(self.0);
        }
    }
    let daemon = UnixDatagram::bind(socket)?;
    let _gone = Gone(socket);
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o666))?;
    daemon.set_read_timeout(Some(Duration::from_millis(50)))?;
    let stop = AtomicBool::new(false);
    let site = site()?;
    let mut cases = 0;
    std::thread::scope(|scope| -> Result<()> {
        scope.spawn(|| {
            let mut buffer = [0; 8192];
            while !stop.load(Ordering::Relaxed) {
                if let Ok(length) = daemon.recv(&mut buffer) {
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    RECEIVED.lock().expect("nobody panics with it").push(text);
                }
            }
        });
        let result = (|| {
            for log in [
                "syslog",
                "syslog:local3",
                "syslog:user:mytag",
                "syslog::onlytag",
                "syslog:local0:",
            ] {
                let more = format!(
                    "LogLevel authz_core:debug\nErrorLog {log}\n<Location /denied>\nRequire all denied\n</Location>\n"
                );
                cases += compare_traces(
                    &serve(&site, MODULES, &more),
                    |host| {
                        RECEIVED.lock().expect("nobody panics with it").clear();
                        visit(host, &["/denied/doc.txt", "/open/doc.txt"])?;
                        until("syslog has heard of it", || {
                            let received = RECEIVED.lock().expect("nobody panics with it");
                            Ok(received.iter().any(|line| line.contains("granted")))
                        })
                    },
                    |_| {
                        let received = RECEIVED.lock().expect("nobody panics with it");
                        let lines = received.iter().filter(|line| line.contains("AH016"));
                        // Priority and tag; the time and the numbers of processes left out.
                        Ok(lines
                            .map(|line| {
                                let (priority, rest) = line.split_once('>').unwrap_or(("", line));
                                let rest = rest.get(16..).unwrap_or_default();
                                let (tag, text) = rest.split_once(": ").unwrap_or(("", rest));
                                let tag = tag.split('[').next().unwrap_or_default();
                                let tag = tag.replace("httpd-rs", "apache2");
                                let code = text.split("AH0").nth(1).unwrap_or_default();
                                let open = text.split(" [pid").next().unwrap_or_default();
                                format!(
                                    "{priority}> {tag}: {open} AH0{}",
                                    without_client_port(code)
                                )
                            })
                            .collect())
                    },
                )
                .map_err(|error| error.context(log))?;
            }
            Ok(())
        })();
        stop.store(true, Ordering::Relaxed);
        result
    })?;
    compatibility::behaves("core", cases)
}
