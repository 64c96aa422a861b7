//! Hooks of modules that block: a request that is known to meet one leaves the reactor before it is
//! processed, so that others do not wait for it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use httpd_tests::{
    client::{Client, get},
    differential::serve,
    host::{Host, Kind, Place},
    modules::{compile, source},
    mpm::Mpm,
    site::Site,
};

#[test]
fn hooks_that_block_delay_nobody() -> Result<()> {
    if !Mpm::under_test().is_threaded() {
        // A process for each is started at the pace of the spare servers.
        return Ok(());
    }
    const NAPPING: usize = 40;
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    let place = Place::new()?;
    let module = compile(&source("mod_hooknap.c"), place.path())?;
    let configuration = serve(
        &site,
        "",
        &format!("LoadModule hooknap_module {}\n", module.display()),
    );
    let host = Host::start(Kind::under_test(), &configuration)?;
    for phase in ["translate", "access", "fixups", "log"] {
        // The first request shows what requests below this path are like.
        ensure!(get(host.port(), &format!("/{phase}/first"))?.status() == 404);
        let begun = Instant::now();
        let mut napping = Vec::with_capacity(NAPPING);
        for number in 0..NAPPING {
            let mut client = Client::connect(host.port())?;
            client.send(format!(
                "GET /{phase}/{number} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            ))?;
            napping.push(client);
        }
        let mut slowest = Duration::ZERO;
        for _ in 0..10 {
            let asked = Instant::now();
            ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
            slowest = slowest.max(asked.elapsed());
        }
        for mut client in napping {
            ensure!(client.receive(false)?.status() == 404);
            ensure!(client.is_closed());
        }
        let all = begun.elapsed();
        let one_by_one = Duration::from_millis(50) * NAPPING as u32;
        ensure!(
            slowest < one_by_one / 8 && all < one_by_one / 2,
            "{phase}: a page took {slowest:?}, {NAPPING} naps of 50 ms {all:?}"
        );
    }
    Ok(())
}
