//! systemd's side of things, played by the tests: a socket for notifications, a watchdog's interval,
//! and sockets that are passed.

use std::{
    fs::File,
    io::ErrorKind,
    net::TcpListener,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd},
        linux::net::SocketAddrExt,
        unix::{
            net::{SocketAddr, UnixDatagram, UnixListener},
            process::CommandExt,
        },
    },
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use httpd_tests::{
    asked::Asked,
    client,
    host::{Kind, until},
};

/// A server in the foreground, and what it tells.
struct Service {
    server: Child,
    told: UnixDatagram,
    asked: Asked,
}

/// How the socket for notifications is named.
#[derive(Clone, Copy, Debug)]
enum Name {
    Path,
    Abstract,
}

impl Service {
    fn start(
        asked: Asked,
        name: Name,
        variables: &[(&str, &str)],
        passed: &[BorrowedFd<'_>],
    ) -> Result<Self> {
        let path = asked.place.path().join("notify").display().to_string();
        let (told, name) = match name {
            Name::Path => (UnixDatagram::bind(&path)?, path),
            Name::Abstract => (
                UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&path)?)?,
                format!("@{path}"),
            ),
        };
        told.set_read_timeout(Some(Duration::from_millis(100)))?;
        let log = File::create(asked.place.path().join("logs/console.log"))?;
        let mut command = Command::new("/bin/sh");
        // The number of the process is only known to itself.
        command
            .arg("-c")
            .arg("LISTEN_PID=$$ WATCHDOG_PID=$$ exec \"$@\"")
            .arg("sh")
            .arg(asked.kind.program())
            .args(asked.command(&["-DFOREGROUND"]).get_args())
            .env("NOTIFY_SOCKET", name)
            .env("LISTEN_FDS", passed.len().to_string())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stderr(log);
        let passed: Vec<i32> = passed.iter().map(AsRawFd::as_raw_fd).collect();
        // SAFETY: only system calls between fork and execution.
        unsafe {
            command.pre_exec(move || {
                // First out of the way, so that none takes another's number.
                for (at, &descriptor) in passed.iter().enumerate() {
                    libc::dup2(descriptor, 500 + at as i32);
                }
                for at in 0..passed.len() as i32 {
                    libc::dup2(500 + at, 3 + at);
                    libc::close(500 + at);
                }
                Ok(())
            });
        }
        Ok(Self {
            server: command.spawn()?,
            told,
            asked,
        })
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a plain system call on a process that was started here.
        unsafe { libc::kill(self.server.id() as i32, signal) };
    }

    /// The next message; `None` when there is none for a moment.
    fn message(&self) -> Result<Option<String>> {
        let mut text = [0; 4096];
        match self.told.recv(&mut text) {
            Ok(length) => Ok(Some(String::from_utf8_lossy(&text[..length]).into_owned())),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for a message that begins so.
    fn hear(&mut self, beginning: &str) -> Result<String> {
        let mut heard = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if let Some(text) = self.message()? {
                if text.starts_with(beginning) {
                    return Ok(text);
                }
                heard.push(text);
            }
            if let Some(status) = self.server.try_wait()? {
                bail!("the server has ended: {status}: {}", self.messages());
            }
        }
        bail!("no {beginning}, but {heard:?}: {}", self.messages())
    }

    fn messages(&self) -> String {
        self.asked.place.read("logs/console.log") + &self.asked.place.read("logs/error.log")
    }

    fn child(&self) -> Result<i32> {
        let pid = self.server.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        let child = children.split_whitespace().next().context("no child")?;
        Ok(child.parse()?)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if matches!(self.server.try_wait(), Ok(None)) {
            self.signal(libc::SIGTERM);
            let _ = self.server.wait();
        }
    }
}

const LISTEN: &str = "Listen 127.0.0.1:@PORT@";

#[test]
fn every_change_of_state_is_told() -> Result<()> {
    for name in [Name::Path, Name::Abstract] {
        let asked = Asked::new(Kind::Ours, LISTEN)?;
        let port = asked.ports[0];
        let mut service = Service::start(asked, name, &[], &[])?;
        let pid = service.server.id();
        let main = format!("\nMAINPID={pid}\n");
        let ready = service.hear("READY=1\n")?;
        ensure!(ready.contains(&main), "{ready}");
        ensure!(
            ready.contains("STATUS=Serving: 0 busy, ") && ready.contains(" idle, "),
            "{ready}"
        );
        // Ready is who answers.
        ensure!(client::get(port, "/none")?.status() >= 400);
        for (signal, generation) in [(libc::SIGUSR1, 1), (libc::SIGHUP, 2)] {
            service.signal(signal);
            let reloading = service.hear("RELOADING=1\nMONOTONIC_USEC=")?;
            let since = reloading
                .lines()
                .nth(1)
                .and_then(|line| line.split('=').nth(1));
            ensure!(since.context("a time")?.parse::<u64>()? > 0);
            let ready = service.hear("READY=1\n")?;
            ensure!(ready.contains(&main), "{ready}");
            ensure!(
                ready.contains(&format!("generation {generation})")),
                "{ready}"
            );
        }
        service.asked.write(&format!("{LISTEN}\nNoSuchDirective"))?;
        service.signal(libc::SIGUSR1);
        service.hear("RELOADING=1\n")?;
        let refused = service.hear("READY=1\n")?;
        ensure!(refused.contains("STATUS=Restart refused: "), "{refused}");
        service.asked.write(LISTEN)?;
        service.signal(libc::SIGWINCH);
        service.hear("STOPPING=1\n")?;
        ensure!(service.server.wait()?.success());
    }
    Ok(())
}

#[test]
fn signs_of_life_stop_when_nobody_answers() -> Result<()> {
    // No other child answers instead.
    let asked = Asked::new(Kind::Ours, &format!("{LISTEN}\nServerLimit 1"))?;
    let port = asked.ports[0];
    let mut service = Service::start(asked, Name::Path, &[("WATCHDOG_USEC", "1500000")], &[])?;
    service.hear("READY=1\n")?;
    for _ in 0..3 {
        service.hear("WATCHDOG=1")?;
    }
    let child = service.child()?;
    let signal = |signal| {
        // SAFETY: a plain system call on a child of the server started here.
        unsafe { libc::kill(child, signal) };
    };
    signal(libc::SIGSTOP);
    // A child that stands still is no harm while nobody asks for anything.
    for _ in 0..5 {
        service.hear("WATCHDOG=1")?;
    }
    let mut waiting = client::Client::connect(port)?;
    waiting.send("GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let mut silent = Instant::now();
    until("there is no sign of life", || {
        if service
            .message()?
            .is_some_and(|text| text.starts_with("WATCHDOG"))
        {
            silent = Instant::now();
        }
        Ok(silent.elapsed() > Duration::from_millis(1500))
    })?;
    signal(libc::SIGCONT);
    service.hear("WATCHDOG=1")?;
    ensure!(waiting.receive(false)?.status() >= 400);
    Ok(())
}

/// Intervals that are meant for another process are not this one's.
#[test]
fn a_watchdog_of_another_process_gets_nothing() -> Result<()> {
    let asked = Asked::new(Kind::Ours, LISTEN)?;
    let mut service = Service::start(asked, Name::Path, &[("WATCHDOG_USEC", "0")], &[])?;
    service.hear("READY=1\n")?;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(600) {
        let message = service.message()?.unwrap_or_default();
        ensure!(!message.contains("WATCHDOG"), "{message}");
    }
    Ok(())
}

fn answers(port: u16) -> bool {
    client::get(port, "/none").is_ok_and(|answer| answer.status() >= 400)
}

#[test]
fn passed_sockets_are_served_over_restarts() -> Result<()> {
    // One socket for each kind of line, one without a line, and one that is none of TCP.
    let passed = TcpListener::bind("0.0.0.0:0")?;
    let local = TcpListener::bind("127.0.0.1:0")?;
    let spare = TcpListener::bind("127.0.0.1:0")?;
    let [any, own, later] = [&passed, &local, &spare].map(|socket| socket.local_addr());
    let (any, own, later) = (any?.port(), own?.port(), later?.port());
    let lines = format!("Listen {any}\nListen 127.0.0.1:{own}\n{LISTEN}");
    let asked = Asked::new(Kind::Ours, &lines)?;
    let unix = UnixListener::bind(asked.place.path().join("unix"))?;
    let usual = asked.ports[0];
    let mut service = Service::start(
        asked,
        Name::Path,
        &[("LISTEN_FDNAMES", "web:local:later:unix")],
        &[passed.as_fd(), spare.as_fd(), local.as_fd(), unix.as_fd()],
    )?;
    service.hear("READY=1\n")?;
    for port in [any, own, usual] {
        ensure!(answers(port), "{port}: {}", service.messages());
    }
    let log = service.messages();
    for warning in [
        format!(
            "the socket \"local\" (127.0.0.1:{later}) that was passed by socket activation has no \
             Listen line and is not served: its clients wait in vain. \"Listen 127.0.0.1:{later}\" \
             would serve it"
        ),
        "the socket \"unix\" that was passed by socket activation is a Unix socket".to_owned(),
    ] {
        ensure!(log.matches(&warning).count() == 1, "{warning}: {log}");
    }
    ensure!(
        log.matches("was passed by socket activation").count() == 2,
        "{log}"
    );
    // A line comes, another goes and comes again: each finds its socket.
    for (lines, served) in [
        (
            format!("Listen {any}\nListen 127.0.0.1:{later}\n{LISTEN}"),
            [any, later, usual],
        ),
        (
            format!("Listen 127.0.0.1:{own}\nListen {any}\n{LISTEN}"),
            [any, own, usual],
        ),
    ] {
        service.asked.write(&lines)?;
        service.signal(libc::SIGUSR1);
        service.hear("RELOADING=1\n")?;
        service.hear("READY=1\n")?;
        for port in served {
            ensure!(answers(port), "{port}: {}", service.messages());
        }
    }
    // They were never closed, nor bound anew: nobody else could have done that.
    ensure!(!service.messages().contains("could not bind"));
    Ok(())
}

/// A socket that is in the way of a Listen line with another address is named.
#[test]
fn a_socket_for_another_address_is_named() -> Result<()> {
    let passed = TcpListener::bind("0.0.0.0:0")?;
    let port = passed.local_addr()?.port();
    let asked = Asked::new(Kind::Ours, &format!("Listen 127.0.0.1:{port}"))?;
    let variables = [("LISTEN_FDNAMES", "web")];
    let mut service = Service::start(asked, Name::Path, &variables, &[passed.as_fd()])?;
    ensure!(!service.server.wait()?.success());
    let said = service.messages();
    let part = format!(
        ", and the socket \"web\" (0.0.0.0:{port}) that was passed by socket activation is for \
         another address"
    );
    ensure!(said.contains(&part), "{said}");
    Ok(())
}
