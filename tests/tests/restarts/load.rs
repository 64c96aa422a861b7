//! Restarts under load.

use std::time::Duration;

use anyhow::{Result, ensure};
use httpd_tests::host::Kind;

use crate::world::{Load, one_page, restart, start};

/// Clients that never repeat a request, over so many graceful restarts in a row.
fn nothing_is_lost(settings: &str, clients: usize, pause: Duration, restarts: u32) -> Result<()> {
    let (_site, configuration) = one_page()?;
    let host = start(&format!(
        "{settings}{configuration}MaxKeepAliveRequests 0\nKeepAliveTimeout 15\nListenBacklog 1024\n"
    ))?;
    let load = Load::start(&host, clients, pause);
    load.wait_for(10 * clients as u64)?;
    for _ in 0..restarts {
        restart(&host, libc::SIGUSR1)?;
        load.wait_for(3 * clients as u64)?;
    }
    let (_, anew) = load.stop()?;
    ensure!(
        anew >= clients as u64,
        "only {anew} connections moved to new children"
    );
    Ok(())
}

#[test]
fn busy_connections_lose_nothing_over_twenty_graceful_restarts() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // It closes idle connections at once, which a request may be on the way to.
        return Ok(());
    }
    nothing_is_lost("", 64, Duration::ZERO, 20)
}

#[test]
fn connections_with_pauses_lose_nothing_over_twenty_graceful_restarts() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    nothing_is_lost("", 64, Duration::from_millis(20), 20)
}

#[test]
fn connections_that_own_a_thread_lose_nothing_either() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    let worker = "LoadModule mpm_worker_module @MODULES@/mod_mpm_worker.so\nServerLimit \
                  16\nThreadsPerChild 25\nStartServers 2\n";
    nothing_is_lost(worker, 16, Duration::from_millis(10), 5)
}

#[test]
fn connections_that_own_a_process_lose_nothing_either() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    let prefork = "LoadModule mpm_prefork_module @MODULES@/mod_mpm_prefork.so\nServerLimit \
                   64\nStartServers 10\n";
    nothing_is_lost(prefork, 8, Duration::from_millis(10), 5)
}
