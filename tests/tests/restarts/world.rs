//! A site, a server, and clients that never send a request twice.

use std::{
    fs,
    io::{self, ErrorKind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};
use httpd_tests::{
    client::{Client, exchange},
    host::{Host, Kind, until},
    site::Site,
};

/// What each request of a client asks for.
pub const PAGE: &str = "GET /page.html HTTP/1.1\r\nHost: test.example\r\n\r\n";

/// A site with one page, and the configuration that serves it, with one child.
pub fn one_page() -> Result<(Site, String)> {
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    let configuration = format!(
        "<IfModule !mpm_prefork_module>\nMinSpareThreads 1\n</IfModule>\nListen 127.0.0.1:@PORT@\nDocumentRoot \"{0}\"\n<Directory \"{0}\">\nRequire all granted\n\
         </Directory>\n",
        site.path().display()
    );
    Ok((site, configuration))
}

/// Starts the server under test, and waits until it serves: programs of logs are children too, and
/// sockets listen before there are others.
pub fn start(configuration: &str) -> Result<Host> {
    let host = Host::start(Kind::under_test(), configuration)?;
    until("the server is there", || Ok(times_started(&host) > 0))?;
    exchange(host.port(), PAGE)?;
    Ok(host)
}

/// Changes the configuration on disk.
pub fn edit(host: &Host, change: impl FnOnce(String) -> String) -> Result<()> {
    let file = host.place().path().join("conf/httpd.conf");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, change(text))?;
    Ok(())
}

/// How many times the server said that it is there.
pub fn times_started(host: &Host) -> usize {
    host.messages()
        .matches("resuming normal operations")
        .count()
}

/// Sends a signal and waits until the server has been started anew.
pub fn restart(host: &Host, signal: i32) -> Result<()> {
    let before = times_started(host);
    host.signal(signal);
    until("the server has restarted", || {
        Ok(times_started(host) > before)
    })
}

/// Clients that ask one request after the other on connections which they keep, and ask on a new one
/// only when an answer said that the old one closes, or when it was closed before the request was sent.
pub struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<thread::JoinHandle<Result<u64>>>,
}

impl Load {
    /// Starts so many of them, each with a pause between two requests.
    pub fn start(host: &Host, clients: usize, pause: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let port = host.port();
        let clients = (0..clients)
            .map(|_| {
                let (stop, answered) = (stop.clone(), answered.clone());
                thread::spawn(move || ask(port, pause, &stop, &answered))
            })
            .collect();
        Self {
            stop,
            answered,
            clients,
        }
    }

    /// How many answers have come.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Waits until so many more have come.
    pub fn wait_for(&self, more: u64) -> Result<()> {
        let goal = self.answered() + more;
        until("clients have got their answers", || {
            Ok(self.answered() >= goal || self.clients.iter().any(thread::JoinHandle::is_finished))
        })
    }

    /// Stops them; answers how many answers they have got, and how many connections were made anew.
    pub fn stop(self) -> Result<(u64, u64)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut anew = 0;
        let mut failures = Vec::new();
        for client in self.clients {
            match client.join() {
                Ok(Ok(count)) => anew += count,
                Ok(Err(error)) => failures.push(format!("{error:#}")),
                Err(_) => failures.push("a client panicked".to_owned()),
            }
        }
        ensure!(
            failures.is_empty(),
            "{} clients failed: {:?}",
            failures.len(),
            failures.first()
        );
        Ok((self.answered.load(Ordering::Relaxed), anew))
    }
}

fn ask(port: u16, pause: Duration, stop: &AtomicBool, answered: &AtomicU64) -> Result<u64> {
    let mut client = Client::connect(port)?;
    let mut anew = 0;
    let mut on_this = 0;
    while !stop.load(Ordering::Relaxed) {
        if client.has_been_closed()? {
            client = Client::connect(port)?;
            anew += 1;
            on_this = 0;
        }
        client
            .send(PAGE)
            .map_err(|error| lost("sending", on_this, &error))?;
        let answer = client
            .receive(false)
            .map_err(|error| lost("receiving", on_this, &error))?;
        ensure!(answer.text() == "a page\n", "{answer:?}");
        answered.fetch_add(1, Ordering::Relaxed);
        on_this += 1;
        if answer.field("Connection") == Some("close") {
            client = Client::connect(port)?;
            anew += 1;
            on_this = 0;
        }
        if !pause.is_zero() {
            thread::park_timeout(pause);
        }
    }
    Ok(anew)
}

fn lost(what: &str, before: u32, error: &io::Error) -> anyhow::Error {
    anyhow::anyhow!("{what} failed after {before} requests on the connection: {error}")
}

/// Whether a new connection is refused, or closed without an answer.
pub fn refuses(port: u16) -> bool {
    match exchange(port, PAGE) {
        Ok(_) => false,
        Err(error) => matches!(
            error.kind(),
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
        ),
    }
}

/// Whether a process exists and is no zombie.
pub fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    !state.is_empty() && !state.starts_with('Z')
}
