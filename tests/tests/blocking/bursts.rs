//! Many requests at once to a handler that blocks: static files are served as if there were none, from
//! the very first request on, and the handlers run as many at a time as the threads allow.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use httpd_tests::{
    client::Client,
    differential::serve,
    host::{Host, Kind, Place},
    modules::{compile, source},
    site::Site,
};

const SLEEPERS: usize = 500;
/// As many threads as both servers have without directives.
const THREADS: usize = 400;
const NAP: Duration = Duration::from_millis(200);

/// Half of a nap: a reactor that is stuck keeps a static request for longer. Alone on its machine the
/// server needs less than a tenth of it.
const LIMIT: Duration = Duration::from_millis(100);

/// What static requests took while others were blocked.
struct Times(Vec<Duration>);

impl Times {
    fn p99(&mut self) -> Duration {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * 99 / 100).copied().unwrap_or_default()
    }
}

/// Asks for a static file over and over until told to stop.
fn static_requests(port: u16, stop: &AtomicBool) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    let mut client = Client::connect(port)?;
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        client.send("GET /page.html HTTP/1.1\r\nHost: a\r\n\r\n")?;
        ensure!(client.receive(false)?.text() == "a page\n");
        times.push(begun.elapsed());
        // Neither the client's processor nor the keep-alive limit is what is measured.
        thread::park_timeout(Duration::from_millis(2));
    }
    Ok(times)
}

/// Sends `count` requests at once, each on a connection of its own, and waits for all answers.
fn burst(port: u16, path: &str, count: usize) -> Result<()> {
    let mut sleepers = Vec::with_capacity(count);
    for _ in 0..count {
        sleepers.push(Client::connect(port)?);
    }
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    for sleeper in &mut sleepers {
        sleeper.send(&request)?;
    }
    for sleeper in &mut sleepers {
        let answer = sleeper.receive(false)?;
        ensure!(answer.status() == 200, "{answer:?}");
    }
    Ok(())
}

/// A server with few children, so that a burst meets a child with all its kinds at once.
fn start() -> Result<(Site, Place, Host)> {
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    let place = Place::new()?;
    let module = compile(&source("mod_blocks.c"), place.path())?;
    let mut sections = String::new();
    for how in ["apr", "usleep", "sleep", "nanosleep", "unseen"] {
        sections.push_str(&format!(
            "<Location /{how}>\nSetHandler blocks-{how}\n</Location>\n"
        ));
    }
    let threads = "ServerLimit 1\nThreadLimit 400\nThreadsPerChild 400";
    let configuration = serve(
        &site,
        "",
        &format!(
            "{threads}\nMaxRequestWorkers {THREADS}\nMaxKeepAliveRequests 0\n\
             LoadModule blocks_module {}\n{sections}",
            module.display()
        ),
    );
    let host = Host::start(Kind::under_test(), &configuration)?;
    Ok((site, place, host))
}

/// A machine may be too busy to measure once; a reactor that is stuck is so each time.
fn cold_burst(how: &str) -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // Its static requests wait for a thread, and it closes kept connections: that is what this
        // server does better.
        return Ok(());
    }
    let mut result = Ok(());
    for _ in 0..3 {
        result = try_cold_burst(how);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// The first requests a server ever gets are a burst of `how`.
fn try_cold_burst(how: &str) -> Result<()> {
    let (_site, _place, host) = start()?;
    let port = host.port();
    let stop = AtomicBool::new(false);
    let (times, took) = thread::scope(|scope| -> Result<_> {
        let asking: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| static_requests(port, &stop)))
            .collect();
        let path = format!("/{how}?{}", NAP.as_millis());
        let begun = Instant::now();
        let done = burst(port, &path, SLEEPERS).map(|()| begun.elapsed());
        stop.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for thread in asking {
            times.extend(thread.join().map_err(|_| anyhow!("a client panicked"))??);
        }
        Ok((Times(times), done.context("the burst")?))
    })?;
    let mut times = times;
    let (count, p99) = (times.0.len(), times.p99());
    let slowest = times.0.last().copied().unwrap_or_default();
    println!(
        "{how}: {count} static requests, p99 {p99:?}, slowest {slowest:?}; the burst {took:?}"
    );
    ensure!(p99 < LIMIT, "p99 of {count} static requests: {p99:?}");
    // Two rounds of naps, and as much again for connecting and a busy machine.
    ensure!(took < NAP * 6, "{SLEEPERS} naps of {NAP:?} took {took:?}");
    ensure!(took >= NAP * 2, "more than {THREADS} at a time: {took:?}");
    Ok(())
}

#[test]
fn a_first_burst_that_sleeps_with_apr_delays_nobody() -> Result<()> {
    cold_burst("apr")
}

#[test]
fn a_first_burst_that_sleeps_with_libc_delays_nobody() -> Result<()> {
    cold_burst("usleep")
}

#[test]
fn a_first_burst_that_blocks_unseen_delays_nobody() -> Result<()> {
    cold_burst("unseen")
}

/// Every wait of libc that is seen gives the reactor away at once, also the first of its kind.
#[test]
fn sleeps_give_the_reactor_away_at_once() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    let (_site, _place, host) = start()?;
    for how in ["apr", "usleep", "nanosleep", "sleep"] {
        let mut sleeper = Client::connect(host.port())?;
        sleeper.send(format!(
            "GET /{how}?1000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ))?;
        let begun = Instant::now();
        let mut client = Client::connect(host.port())?;
        for _ in 0..20 {
            client.send("GET /page.html HTTP/1.1\r\nHost: a\r\n\r\n")?;
            ensure!(client.receive(false)?.status() == 200);
        }
        let took = begun.elapsed();
        ensure!(took < Duration::from_millis(900), "{how}: {took:?}");
        ensure!(sleeper.receive(false)?.status() == 200);
        ensure!(begun.elapsed() >= Duration::from_millis(950), "{how}");
    }
    Ok(())
}
