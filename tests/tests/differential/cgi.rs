//! Programs run by mod_cgi, which forks from the child itself, under an MPM with threads; and by
//! mod_cgi and mod_cgid through suexec.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    conversation::{Visitor, converse},
    differential::{Case, load},
    host::{printed, run, until},
    site::Site,
};

fn prepare(state: &Site) -> Result<()> {
    let program = |name: &str, text: &str| {
        state.program(&format!("cgi/{name}"), &format!("#!/bin/sh\n{text}\n"))
    };
    let head = "printf 'Content-Type: text/plain\\n\\n'";
    program("hello", &format!("{head}; echo hello"))?;
    program(
        "env",
        &format!(
            "{head}; env | grep -vE '^(REDIRECT_)*(PATH|PWD|_|SHLVL|REMOTE_PORT|UNIQUE_ID|SERVER_SOFTWARE|SERVER_SIGNATURE|OLDPWD)=' | sort"
        ),
    )?;
    program("echo", &format!("{head}; cat"))?;
    program("ignore", &format!("{head}; echo did not read"))?;
    program(
        "status",
        "printf 'Status: 418 Teapot\\nContent-Type: text/plain\\n\\nshort and stout\\n'",
    )?;
    program("location", "printf 'Location: http://other.example/\\n\\n'")?;
    program("local", "printf 'Location: /cgi/env?local\\n\\n'")?;
    program("looping", "printf 'Location: /cgi/looping\\n\\n'")?;
    program("broken", "echo nonsense")?;
    program("empty", "true")?;
    program("failing", "echo 'it fails' >&2; exit 3")?;
    program(
        "complaining",
        &format!("echo 'a complaint' >&2; {head}; echo done; exit 1"),
    )?;
    program("dying", &format!("{head}; echo begun; kill -9 $$"))?;
    program(
        "large",
        &format!("{head}; head -c 300000 /dev/zero | tr '\\0' x"),
    )?;
    program(
        "sized",
        "printf 'Content-Type: text/plain\\nContent-Length: 6\\n\\nsized\\n'",
    )?;
    program(
        "modified",
        "printf 'Content-Type: text/plain\\nETag: \"e\"\\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT\\n\\nbody\\n'",
    )?;
    program(
        "many",
        "printf 'Content-Type: text/plain\\nX-A: 1\\nX-A: 2\\nSet-Cookie: a\\nSet-Cookie: b\\n\\nmany\\n'",
    )?;
    program("not-modified", "printf 'Status: 304\\n\\n'")?;
    program(
        "nph-raw",
        "printf 'HTTP/1.1 299 Raw\\r\\nX-Raw: yes\\r\\nConnection: close\\r\\n\\r\\nraw\\n'",
    )?;
    program("sleeping", "exec sleep 2")?;
    state.program("cgi/no-interpreter", "#!/no/such/program\n")?;
    state.program(
        "www/here.cgi",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhere %s\\n' \"$PATH_INFO\"\n",
    )?;
    state.program("www/closed/here.cgi", "#!/bin/sh\n")?;
    state.file("cgi/plain", "#!/bin/sh\n")?;
    state.file("www/page.shtml", "[<!--#include virtual=\"/cgi/hello\" -->][<!--#exec cgi=\"/cgi/env?ssi\" -->][<!--#exec cmd=\"echo command\" -->][<!--#include virtual=\"/cgi/none\" -->]\n")?;
    fs::create_dir_all(state.path().join("log"))?;
    Ok(fs::set_permissions(
        state.path().join("log"),
        fs::Permissions::from_mode(0o777),
    )?)
}

#[test]
fn programs_are_run_by_the_child_itself() -> Result<()> {
    let configuration = format!(
        "{}Listen 127.0.0.1:@PORT@\nDocumentRoot @STATE@/www\nTypesConfig /etc/mime.types\n\
         ScriptAlias /cgi/ @STATE@/cgi/\nScriptAlias /logged/ @STATE@/cgi/\n\
         <Directory @STATE@>\nRequire all granted\n</Directory>\n\
         <Directory @STATE@/www>\nOptions +ExecCGI +Includes\nAddHandler cgi-script .cgi\n\
         AddOutputFilter INCLUDES .shtml\n</Directory>\n\
         <Directory @STATE@/www/closed>\nOptions -ExecCGI\n</Directory>\n\
         <Location /logged>\nCGIPassAuth On\nSetEnv SET value\nPassEnv LANG\n\
         CGIVar REQUEST_URI original-uri\n</Location>\n\
         <Location /cgi/sleeping>\nCGIScriptTimeout 1s\n</Location>\n",
        load("mime alias cgi env include headers"),
    );
    converse("cgi", &configuration, &[], prepare, |visitor| {
        for name in [
            "hello",
            "env?a=b&c",
            "env?a+word",
            "env/path/info",
            "ignore",
            "status",
            "location",
            "local",
            "looping",
            "broken",
            "empty",
            "failing",
            "complaining",
            "dying",
            "large",
            "sized",
            "modified",
            "many",
            "not-modified",
            "nph-raw",
            "no-interpreter",
            "plain",
            "none",
            "",
            "sleeping",
        ] {
            visitor.get(&format!("/cgi/{name}"));
        }
        for path in [
            "/here.cgi",
            "/here.cgi/info",
            "/closed/here.cgi",
            "/page.shtml",
            "/logged/env",
        ] {
            visitor.get(path);
        }
        let user = ("Authorization", "Basic eDp5");
        for path in ["/cgi/env", "/logged/env"] {
            visitor.send(
                "GET",
                path,
                &[user, ("X-Field", "value"), ("Proxy", "no")],
                "",
            );
        }
        for path in ["/cgi/hello", "/cgi/modified", "/cgi/nph-raw"] {
            visitor.send("HEAD", path, &[], "");
        }
        visitor.send("GET", "/cgi/modified", &[("If-None-Match", "\"e\"")], "");
        visitor.send("GET", "/cgi/sized", &[("Range", "bytes=1-2")], "");
        let body = "a body ".repeat(8_000);
        for path in ["/cgi/echo", "/cgi/ignore", "/cgi/env", "/here.cgi"] {
            visitor.send("POST", path, &[("Content-Type", "text/x-y")], "posted");
            visitor.send("PUT", path, &[], &body);
        }
        visitor.exchange(&Case::raw(
            "chunked",
            "POST /cgi/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
        ));
        visitor.send("OPTIONS", "/cgi/env", &[], "");
        visitor.send("DELETE", "/cgi/env", &[], "");
        // What programs complain about is in the log by now, or soon.
        let complaints = |visitor: &Visitor<'_>| {
            let log = visitor.host().messages();
            log.matches("AH01215").count()
        };
        until("complaints are in the log", || Ok(complaints(visitor) >= 2))?;
        Ok(())
    })
}

#[test]
fn what_programs_do_wrong_is_logged() -> Result<()> {
    let configuration = format!(
        "{}Listen 127.0.0.1:@PORT@\nDocumentRoot @STATE@/www\n\
         ScriptAlias /cgi/ @STATE@/cgi/\nScriptLog @STATE@/log/script\nScriptLogBuffer 20\n\
         ScriptLogLength 3000\n<Directory @STATE@>\nRequire all granted\n</Directory>\n",
        load("alias cgi"),
    );
    converse("cgi", &configuration, &[], prepare, |visitor| {
        fs::write(visitor.state().path().join("log/script"), "")?;
        fs::set_permissions(
            visitor.state().path().join("log/script"),
            fs::Permissions::from_mode(0o666),
        )?;
        for name in ["hello", "broken", "empty", "failing", "plain", "none"] {
            visitor.get(&format!("/cgi/{name}"));
            visitor.send(
                "POST",
                &format!("/cgi/{name}"),
                &[("X-Field", "value")],
                "a body that is too long to be kept",
            );
        }
        let log = fs::read_to_string(visitor.state().path().join("log/script"))?;
        let lines = log
            .lines()
            .map(|line| match (line.find(" ["), line.find("] ")) {
                (Some(from), Some(to)) if line.starts_with("%% ") && to > from => {
                    format!("{}{}", &line[..from], &line[to + 1..])
                }
                _ => line.to_owned(),
            });
        let lines: Vec<String> = lines.collect();
        ensure!(!lines.is_empty(), "nothing is logged");
        visitor.note("the log of scripts", &lines.join("\n"));
        Ok(())
    })
}

/// A directory below the one that Debian's suexec was built for, removed when this is dropped.
struct Confined(PathBuf);

impl Confined {
    fn new() -> Result<Self> {
        let path = PathBuf::from(format!("/var/www/httpd-test-{}", std::process::id()));
        fs::create_dir_all(path.join("own"))?;
        fs::create_dir_all(path.join("others"))?;
        let confined = Self(path);
        for (name, mode) in [
            ("own/id", 0o755),
            ("own/writable", 0o777),
            ("others/id", 0o755),
            ("own/setuid", 0o4755),
        ] {
            let file = confined.0.join(name);
            fs::write(
                &file,
                "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; id -un; id -gn; \
                 echo \"$SET $HTTP_X_FIELD $QUERY_STRING $PATH $LD_LIBRARY_PATH\"; cat\n",
            )?;
            fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
        }
        let owned = run(Command::new("chown")
            .args(["-R", "nobody:nogroup"])
            .arg(confined.0.join("own")))?;
        ensure!(owned.status.success(), "{}", printed(&owned));
        // chown takes the bit away.
        fs::set_permissions(
            confined.0.join("own/setuid"),
            fs::Permissions::from_mode(0o4755),
        )?;
        Ok(confined)
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn programs_are_run_as_other_users() -> Result<()> {
    let confined = Confined::new()?;
    let place = confined.0.to_str().context("a plain name")?;
    for (runner, more) in [("cgi", ""), ("cgid", "ScriptSock cgid.sock\n")] {
        let configuration = format!(
            "{}Listen 127.0.0.1:@PORT@\n{more}\
             <Directory {place}>\nRequire all granted\n</Directory>\n\
             <Directory @STATE@>\nRequire all granted\n</Directory>\n\
             SetEnv SET value\n\
             <VirtualHost *:@PORT@>\nServerName plain.example\nScriptAlias /s/ {place}/\n</VirtualHost>\n\
             <VirtualHost *:@PORT@>\nServerName other.example\nSuexecUserGroup nobody nogroup\n\
             ScriptAlias /s/ {place}/\nScriptAlias /outside/ @STATE@/cgi/\n</VirtualHost>\n\
             <VirtualHost *:@PORT@>\nServerName small.example\nSuexecUserGroup #1 #1\n\
             ScriptAlias /s/ {place}/\n</VirtualHost>\n\
             <VirtualHost *:@PORT@>\nServerName numbers.example\nSuexecUserGroup #65534 #65534\n\
             ScriptAlias /s/ {place}/\n</VirtualHost>\n",
            load(&format!("alias env suexec {runner}")),
        );
        converse(
            &format!("suexec {runner}"),
            &configuration,
            &[],
            prepare,
            |visitor| {
                for host in [
                    "plain.example",
                    "other.example",
                    "small.example",
                    "numbers.example",
                ] {
                    for path in [
                        "/s/own/id?query",
                        "/s/others/id",
                        "/s/own/writable",
                        "/s/own/setuid",
                        "/outside/hello",
                    ] {
                        visitor.send("GET", path, &[("Host", host), ("X-Field", "value")], "");
                    }
                    visitor.send("POST", "/s/own/id", &[("Host", host)], "posted");
                }
                Ok(())
            },
        )?;
    }
    Ok(())
}
