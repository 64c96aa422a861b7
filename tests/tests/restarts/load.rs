//! Restarts under load.

use std::time::Duration;

use anyhow::{Result, ensure};
use httpd_tests::host::Kind;

use crate::world::{Load, one_page, restart, start};

/// 64 clients that never repeat a request, over so many graceful restarts in a row.
fn nothing_is_lost(pause: Duration, restarts: u32) -> Result<()> {
    let (_site, configuration) = one_page()?;
    let host = start(&format!(
        "{configuration}MaxKeepAliveRequests 0\nKeepAliveTimeout 15\nListenBacklog 1024\n"
    ))?;
    let load = Load::start(&host, 64, pause);
    load.wait_for(640)?;
    for _ in 0..restarts {
        restart(&host, libc::SIGUSR1)?;
        load.wait_for(200)?;
    }
    let (_, anew) = load.stop()?;
    ensure!(anew >= 64, "only {anew} connections moved to new children");
    Ok(())
}

#[test]
fn busy_connections_lose_nothing_over_twenty_graceful_restarts() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // It closes idle connections at once, which a request may be on the way to.
        return Ok(());
    }
    nothing_is_lost(Duration::ZERO, 20)
}

#[test]
fn connections_with_pauses_lose_nothing_over_twenty_graceful_restarts() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    nothing_is_lost(Duration::from_millis(20), 20)
}
