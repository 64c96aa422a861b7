//! The command line: what is dumped, what `-k` does, and how the sockets of Listen come to be.

use std::{
    fs::{self, File},
    net::TcpListener,
    os::{fd::AsRawFd, unix::process::CommandExt},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    asked::Asked,
    host::{Kind, printed, until},
};

/// Asks both servers, each about a place of its own, the same.
fn alike(configuration: &str, questions: &[&[&str]], differs: impl Fn(&str) -> bool) -> Result<()> {
    let ours = Asked::new(Kind::under_test(), configuration)?;
    let theirs = Asked::new(Kind::Apache, configuration)?;
    for &flags in questions {
        let (our_code, mut our_lines) = ours.plain(flags)?;
        let (their_code, mut their_lines) = theirs.plain(flags)?;
        for lines in [&mut our_lines, &mut their_lines] {
            lines.retain(|line| !differs(line));
        }
        ensure!(
            our_lines == their_lines && our_code == their_code,
            "{flags:?}\n--- here ({our_code:?}):\n{}\n--- Apache ({their_code:?}):\n{}",
            our_lines.join("\n"),
            their_lines.join("\n"),
        );
    }
    Ok(())
}

#[test]
fn dumps_are_those_of_apache() -> Result<()> {
    let hosts = "Listen @PORT@\nListen 127.0.0.1:@PORT2@ https\nDefine COLOUR red\n\
        <VirtualHost *:@PORT@>\nServerName a.example\nServerAlias b.example *.c.example\n\
        </VirtualHost>\n<VirtualHost *:@PORT@>\nServerName d.example\n</VirtualHost>\n\
        <VirtualHost 127.0.0.1:@PORT2@>\nServerName e.example\n</VirtualHost>\n\
        <VirtualHost _default_:@PORT@>\nServerName f.example\n</VirtualHost>\n";
    let questions: &[&[&str]] = &[
        &["-t"],
        &["-t", "-T"],
        &["-S"],
        &["-D", "DUMP_VHOSTS"],
        &["-tD", "DUMP_VHOSTS"],
        &["-M"],
        &["-t", "-D", "DUMP_INCLUDES"],
        &["-t", "-D", "DUMP_CERTS"],
    ];
    // The MPM is a shared module there; the order of mutexes is that of a hash table.
    alike(hosts, questions, |line| {
        line.contains("mpm_event_module") || line.starts_with("Mutex ")
    })
}

#[test]
fn mistakes_on_the_command_line_end_with_an_error() -> Result<()> {
    let asked = Asked::new(Kind::under_test(), "Listen @PORT@")?;
    for (flags, expected) in [
        (&["-Z"][..], "illegal option -- Z"),
        (&["-D"], "option requires an argument -- D"),
        (&["-k", "jump"], "Usage: "),
        (&["word"], "Usage: "),
        (&["-h"], "Usage: "),
        (&["-t", "-C", "Nonsense On"], "-c/-C directives"),
        (&["-t", "-c", "Nonsense On"], "-c/-C directives"),
        (&["-t", "-f", "conf/none.conf"], "Could not open"),
    ] {
        let output = asked.ask(flags)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(said.contains(expected), "{flags:?}: {said}");
        ensure!(output.status.code() == Some(1), "{flags:?}");
    }
    Ok(())
}

#[test]
fn settings_and_directives_are_listed_as_scripts_read_them() -> Result<()> {
    let asked = Asked::new(Kind::under_test(), "Listen @PORT@")?;
    let version = asked.says(&["-v"])?;
    ensure!(
        version.starts_with("Server version: Apache/2.4."),
        "{version}"
    );
    let settings = asked.says(&["-V"])?;
    for line in [
        "Server's Module Magic Number: 20120211:",
        "Server MPM:     event",
        " -D HTTPD_ROOT=\"",
        " -D SERVER_CONFIG_FILE=\"conf/httpd.conf\"",
    ] {
        ensure!(settings.contains(line), "{line}: {settings}");
    }
    ensure!(asked.says(&["-l"])?.contains("\n  core.c\n"));
    let directives = asked.says(&["-L"])?;
    ensure!(
        directives.contains("\nListen (event.c)\n\t"),
        "{directives}"
    );
    Ok(())
}

#[test]
fn the_server_is_started_restarted_and_stopped_by_its_pid_file() -> Result<()> {
    let asked = Asked::new(Kind::under_test(), "Listen 127.0.0.1:@PORT@")?;
    ensure!(asked.says(&["-k", "stop"])? == "httpd (no pid file) not running\n");
    ensure!(asked.says(&["-k", "start"])?.is_empty());
    until("it listens", || Ok(asked.listens()))?;
    until("it has a pid file", || Ok(asked.pid().is_some()))?;
    let pid = asked.pid().context("a number")?;
    let running = format!("httpd (pid {pid}) already running\n");
    ensure!(asked.says(&["-k", "start"])? == running);
    // A restart that executes the server anew keeps number, file and lock.
    for signal in ["graceful", "restart"] {
        let before = asked
            .place
            .read("logs/error.log")
            .matches("resuming")
            .count();
        ensure!(asked.says(&["-k", signal])?.is_empty(), "{signal}");
        until("it has restarted", || {
            let log = asked.place.read("logs/error.log");
            Ok(log.matches("resuming").count() > before && asked.listens())
        })?;
        ensure!(asked.pid() == Some(pid), "{signal}");
        ensure!(asked.says(&["-k", "start"])? == running, "{signal}");
    }
    ensure!(!asked.place.read("logs/error.log").contains("Unclean"));
    ensure!(asked.says(&["-k", "stop"])?.is_empty());
    until("the file is gone", || Ok(asked.pid().is_none()))
}

#[test]
fn a_killed_server_leaves_nothing_that_is_believed() -> Result<()> {
    let asked = Asked::new(Kind::Ours, "Listen 127.0.0.1:@PORT@")?;
    asked.ask(&["-k", "start"])?;
    until("it has a pid file", || {
        Ok(asked.pid().is_some() && asked.listens())
    })?;
    let pid = asked.pid().context("a number")?;
    // SAFETY: a plain system call on a process that was started here.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    until("its children end too", || Ok(!asked.listens()))?;
    let said = asked.says(&["-k", "stop"])?;
    ensure!(
        said == format!("httpd (pid {pid}?) not running\n"),
        "{said}"
    );
    let own = std::process::id();
    for (left, expected) in [
        (
            format!("{own}\n"),
            format!("httpd (pid {own}?) not running\n"),
        ),
        (
            "\0\0\0".to_owned(),
            "httpd (corrupt pid file) not running\n".to_owned(),
        ),
    ] {
        fs::write(asked.place.path().join("run/httpd.pid"), &left)?;
        let said = asked.says(&["-k", "graceful-stop"])?;
        ensure!(said == expected, "{left:?}: {said}");
    }
    ensure!(asked.says(&["-k", "start"])?.is_empty());
    until("it has started", || {
        Ok(asked.listens() && asked.pid().is_some_and(|new| new != pid))
    })?;
    until("it has said what it found", || {
        let log = asked.place.read("logs/error.log");
        Ok(log.contains("Unclean shutdown"))
    })
}

#[test]
fn a_port_in_use_is_reported_with_its_owner_and_its_listen() -> Result<()> {
    let asked = Asked::new(Kind::Ours, "Listen @PORT@")?;
    let taken = TcpListener::bind(("127.0.0.1", asked.ports[0]))?;
    let output = asked.ask(&[])?;
    let said = printed(&output);
    ensure!(!output.status.success());
    let owner = format!("(process {}) listens on", std::process::id());
    for part in [
        "(98)Address already in use: AH00072: make_sock: could not bind to address",
        &owner,
        "asked for by Listen on line 10 of ",
        "no listening sockets available, shutting down",
    ] {
        ensure!(said.contains(part), "{part}: {said}");
    }
    drop(taken);
    Ok(())
}

#[test]
fn a_socket_of_systemd_is_taken_instead_of_a_new_one() -> Result<()> {
    let asked = Asked::new(Kind::Ours, "Listen @PORT@")?;
    // Bound by somebody else and kept: the server could not bind it again.
    let bound = TcpListener::bind(("0.0.0.0", asked.ports[0]))?;
    let descriptor = bound.as_raw_fd();
    let log = File::create(asked.place.path().join("logs/console.log"))?;
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg("LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"")
        .arg("sh")
        .arg(asked.kind.program());
    command.args(asked.command(&["-DFOREGROUND"]).get_args());
    // SAFETY: only system calls between fork and execution.
    unsafe {
        command.pre_exec(move || {
            // A copy onto itself would keep the flag that closes it.
            if descriptor == 3 {
                libc::fcntl(3, libc::F_SETFD, 0);
            } else if libc::dup2(descriptor, 3) < 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
    let mut server = command.stderr(log).spawn()?;
    let served = until("it runs", || {
        if let Some(status) = server.try_wait()? {
            anyhow::bail!("ended: {status}: {}", asked.place.read("logs/console.log"));
        }
        Ok(asked.place.read("logs/error.log").contains("resuming"))
    });
    // SAFETY: a plain system call on a process that was started here.
    unsafe { libc::kill(server.id() as i32, libc::SIGTERM) };
    drop(bound);
    server.wait()?;
    served
}
