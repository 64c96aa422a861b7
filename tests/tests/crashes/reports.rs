//! What the log says of a crash.

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::Client,
    host::{Host, Kind, Place, until},
    modules::{compile, source},
    site::Site,
};

use super::world::{World, configuration};

const SEGV: &str = "SIGSEGV (nothing is mapped there) at address 0x18 in mod_crash.c";

#[test]
fn signals_of_every_kind() -> Result<()> {
    let ways = [
        (
            "segv",
            "SIGSEGV (nothing is mapped there) at address 0x18",
            "Segmentation fault (11)",
        ),
        (
            "bus",
            "SIGBUS (nothing is there: a mapped file has become shorter)",
            "Bus error (7)",
        ),
        (
            "fpe",
            "SIGFPE (an integer divided by zero)",
            "Floating point exception (8)",
        ),
    ];
    check_ways(&ways)
}

#[test]
fn signals_of_other_kinds() -> Result<()> {
    let ways = [
        ("ill", "SIGILL (no instruction)", "Illegal instruction (4)"),
        (
            "abort",
            "SIGABRT (raised by the process itself)",
            "Aborted (6)",
        ),
        (
            "free",
            "SIGABRT (raised by the process itself)",
            "Aborted (6)",
        ),
        (
            "nowhere",
            "SIGSEGV (nothing is mapped there) at address 0x0",
            "Segmentation fault (11)",
        ),
    ];
    check_ways(&ways)
}

/// The connection of the crash is counted, and one before it that is still being closed.
fn counts_connections(last: &str) -> bool {
    let count = last.rsplit_once(", and with it all its connections: ");
    count.is_some_and(|(_, count)| count == "1" || count == "2")
}

fn check_ways(ways: &[(&str, &str, &str)]) -> Result<()> {
    let world = World::start("")?;
    for (way, cause, end) in ways {
        let report = world.crash(&format!("/handler/{way}?secret=1"))?;
        let request = format!("request \"GET /handler/{way}?... HTTP/1.1\", client 127.0.0.1:");
        report.says(&[cause, " in mod_crash.c in its handler, ", &request])?;
        ensure!(report.names_object("mod_crash.so"), "{:?}", report.lines);
        let last = report.lines.last().context("there are lines")?;
        let end_of = format!("crash: child pid {} ends", report.pid);
        ensure!(
            last.starts_with(&end_of) && counts_connections(last),
            "{last}"
        );
        let control = format!("AH00052: child pid {} exit signal {end}", report.pid);
        ensure!(world.log().contains(&control), "{}", world.log());
        world.answers("/alive", 200)?;
    }
    ensure!(!world.log().contains("secret=1"));
    Ok(())
}

#[test]
fn places_of_a_request() -> Result<()> {
    let world = World::start("")?;
    let report = world.crash("/fixups/segv")?;
    report.says(&[
        SEGV,
        " in its hook fixups, request \"GET /fixups/segv HTTP/1.1\", client 127",
    ])?;
    // The function is exported, and so named.
    let named = report.lines.iter().any(|line| {
        line.starts_with("crash: #0 mod_crash.so+0x") && line.ends_with(" (crash_by_segv)")
    });
    ensure!(named, "{:?}", report.lines);
    let report = world.crash("/output/segv")?;
    report.says(&[
        SEGV,
        " in its output filter crash_out, request \"GET /output/segv HTTP/1.1\"",
    ])?;
    // Its caller is the filter that keeps what a handler writes.
    let within = "crash: within http_core.c in its output filter old_write";
    ensure!(
        report.lines.iter().any(|line| line == within),
        "{:?}",
        report.lines
    );
    let report =
        world.crash_by("POST /input/segv HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")?;
    report.says(&[
        SEGV,
        " in its input filter crash_in, request \"POST /input/segv HTTP/1.1\"",
    ])?;
    world.answers("/alive", 200).map(drop)
}

#[test]
fn places_after_the_answer() -> Result<()> {
    let world = World::start("")?;
    for (path, place) in [
        (
            "/log_transaction/segv",
            " in its hook log_transaction, request \"GET /log_transaction/segv",
        ),
        (
            "/cleanup/segv",
            " during the end of a request, request \"GET /cleanup/segv",
        ),
    ] {
        let before = world.reports()?.len();
        let mut client = Client::connect(world.host.port())?;
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))?;
        // The answer may be out already.
        let _ = client.receive_rest();
        world.report(before)?.says(&[SEGV, place])?;
    }
    Ok(())
}

#[test]
fn access_checks() -> Result<()> {
    let world = World::start_with("", &["-DGUARDS"])?;
    let report = world.crash("/access_checker/segv")?;
    report.says(&[
        SEGV,
        " in its hook access_checker, request \"GET /access_checker/segv ",
    ])
}

#[test]
fn places_of_a_connection() -> Result<()> {
    for place in ["pre_connection", "process_connection"] {
        let allowed = Place::new()?;
        let file = allowed.path().join("run/quiet");
        std::fs::write(&file, "")?;
        let world = World::start(&format!("CrashIn {place} segv {}\n", file.display()))?;
        world.answers("/alive", 200)?;
        std::fs::remove_file(&file)?;
        let report = world.crash("/")?;
        report.says(&[
            SEGV,
            &format!(" in its hook {place}, connection of 127.0.0.1:"),
        ])?;
        std::fs::write(&file, "")?;
        world.answers("/alive", 200)?;
    }
    Ok(())
}

#[test]
fn timed_callbacks() -> Result<()> {
    let world = World::start("CrashIn timer segv\n")?;
    ensure!(world.answers("/timer", 200)?.contains("alive"));
    world.report(0)?.says(&[SEGV, " in a timed callback"])
}

#[test]
fn stacks_that_overflow() -> Result<()> {
    let world = World::start("ThreadStackSize 1048576\n")?;
    for path in [
        "/handler/overflow",
        "/handler/blocked-overflow",
        "/thread/overflow",
    ] {
        let report = world.crash(path)?;
        report.says(&["SIGSEGV (stack overflow) at address 0x", " in mod_crash.c"])?;
        ensure!(report.names_object("mod_crash.so"), "{:?}", report.lines);
        let deep = report
            .lines
            .iter()
            .filter(|line| line.ends_with("(crash_by_overflow)"));
        ensure!(deep.count() > 5, "{:?}", report.lines);
        let told = report
            .headline
            .contains(&format!("\"GET {path} HTTP/1.1\""));
        ensure!(told != path.starts_with("/thread/"), "{}", report.headline);
        world.answers("/alive", 200)?;
    }
    Ok(())
}

#[test]
fn stacks_of_a_slow_handler_overflow() -> Result<()> {
    let world = World::start("ThreadStackSize 1048576\n")?;
    // From now on the handler leaves the reactor before it is called.
    world.answers("/handler/blocked", 200)?;
    let report = world.crash("/handler/overflow")?;
    report.says(&[
        "SIGSEGV (stack overflow)",
        " in mod_crash.c in its handler, request \"GET ",
    ])
}

#[test]
fn threads_of_the_module() -> Result<()> {
    let world = World::start("")?;
    let report = world.crash("/thread/segv")?;
    report.says(&[SEGV, " outside any hook"])?;
    ensure!(report.names_object("mod_crash.so"), "{:?}", report.lines);
    // Many at once: one of them tells, and the process dies.
    let report = world.crash("/two")?;
    report.says(&[SEGV, " outside any hook"])?;
    let told = report
        .lines
        .iter()
        .filter(|line| line.contains("SIGSEGV"))
        .count();
    ensure!(told == 1, "{:?}", report.lines);
    world.answers("/alive", 200).map(drop)
}

#[test]
fn requests_that_are_no_more() -> Result<()> {
    let world = World::start("")?;
    let report = world.crash("/smash")?;
    report.says(&[SEGV, " in its handler, request \""])?;
    ensure!(report.names_object("mod_crash.so"), "{:?}", report.lines);
    let last = report.lines.last().context("there are lines")?;
    ensure!(counts_connections(last), "{last}");
    world.answers("/alive", 200).map(drop)
}

#[test]
fn other_process_models() -> Result<()> {
    for mpm in ["worker", "prefork"] {
        let world = World::start(&format!(
            "LoadModule mpm_{mpm}_module @MODULES@/mod_mpm_{mpm}.so\nThreadStackSize 1048576\n"
        ))?;
        let report = world.crash("/fixups/segv")?;
        report.says(&[
            SEGV,
            " in its hook fixups, request \"GET /fixups/segv HTTP/1.1\", client ",
        ])?;
        let last = report.lines.last().context("there are lines")?;
        ensure!(counts_connections(last), "{mpm}: {last}");
        if mpm == "worker" {
            let report = world.crash("/handler/overflow")?;
            report.says(&[
                "SIGSEGV (stack overflow)",
                "\"GET /handler/overflow HTTP/1.1\"",
            ])?;
        }
        world.answers("/alive", 200)?;
    }
    Ok(())
}

#[test]
fn logs_of_virtual_hosts_are_told_too() -> Result<()> {
    let world = World::start(
        "<VirtualHost 127.0.0.1:*>\nServerName one\nErrorLog logs/one.log\n</VirtualHost>\n",
    )?;
    let report = world.crash("/handler/segv")?;
    report.says(&[SEGV])?;
    let own = world.host.place().read("logs/one.log");
    ensure!(own.contains(&report.headline), "{own}");
    ensure!(own.contains("mod_crash.so+0x"), "{own}");
    Ok(())
}

#[test]
fn modules_may_have_a_handler_of_their_own() -> Result<()> {
    let world = World::start("CrashIn own_handler -\n")?;
    let mut client = Client::connect(world.host.port())?;
    client.send("GET /handler/segv HTTP/1.1\r\nHost: a\r\n\r\n")?;
    ensure!(client.receive_rest().unwrap_or_default().is_empty());
    until("it has spoken", || {
        Ok(world.log().contains("a handler of its own"))
    })?;
    ensure!(!world.log().contains("crash: SIGSEGV"), "{}", world.log());
    // Its exit was in order, and so is not followed by a new child at once, but when one is needed.
    Ok(())
}

/// Before there is a log, the terminal is told.
#[test]
fn crashes_while_starting() -> Result<()> {
    for (place, what) in [
        ("post_config", " in its hook post_config"),
        ("directive", " in the function of a directive"),
    ] {
        let site = Site::new()?;
        let directory = Place::new()?;
        compile(&source("mod_crash.c"), directory.path())?;
        let lines = configuration(&site, &format!("CrashIn {place} segv\n"));
        let Err(error) = Host::start_in(Kind::Ours, directory, &lines) else {
            anyhow::bail!("it started");
        };
        let text = error.to_string();
        ensure!(text.contains(&format!("{SEGV}{what}")), "{text}");
        ensure!(text.contains("mod_crash.so+0x"), "{text}");
    }
    Ok(())
}
