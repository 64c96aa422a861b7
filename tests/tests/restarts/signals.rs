//! Signals at awkward moments, generations side by side, and what the scoreboard shows of them.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{Client, get},
    host::{Host, Kind, Place, until},
};

use crate::world::{Load, PAGE, edit, lives, one_page, restart, start, times_started};

/// The configuration with mod_status at /status.
fn with_status(configuration: &str) -> String {
    format!(
        "LoadModule status_module @MODULES@/mod_status.so\nServerLimit 8\n{configuration}<Location \
         /status>\nSetHandler server-status\nRequire all granted\n</Location>\n"
    )
}

fn status(host: &Host) -> Result<String> {
    Ok(get(host.port(), "/status?auto")?.text())
}

fn entry(status: &str, name: &str) -> Option<String> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(": ")?.1.to_owned())
}

#[test]
fn signals_in_quick_succession_lose_nothing() -> Result<()> {
    let (_site, configuration) = one_page()?;
    let host = start(&format!("MaxKeepAliveRequests 0\n{configuration}"))?;
    let load = Load::start(&host, 8, Duration::ZERO);
    load.wait_for(80)?;
    for round in 0..5 {
        let words = format!("round {round}");
        edit(&host, |text| {
            let text: Vec<&str> = text
                .lines()
                .filter(|line| !line.starts_with("ErrorDocument"))
                .collect();
            text.join("\n") + &format!("\nErrorDocument 404 \"{words}\"\n")
        })?;
        for _ in 0..3 {
            host.signal(libc::SIGUSR1);
        }
        until("the last configuration holds", || {
            Ok(get(host.port(), "/missing")?.text() == words)
        })?;
    }
    if host.kind() == Kind::Ours {
        load.stop()?;
    } else {
        let _ = load.stop();
    }
    // Who asks for a restart at once gets it, even while a graceful one is being prepared.
    let children = host.children();
    let mut kept = Client::connect(host.port())?;
    kept.send(&PAGE[..20])?;
    host.signal(libc::SIGUSR1);
    host.signal(libc::SIGHUP);
    until("the old children are gone", || {
        Ok(children.iter().all(|&child| !lives(child)))
    })?;
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    Ok(())
}

#[test]
fn a_signal_during_the_start_is_not_lost() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // It ends.
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    for signal in [libc::SIGUSR1, libc::SIGHUP] {
        // It listens, and may not have begun to serve.
        let host = Host::start(Kind::Ours, &configuration)?;
        host.signal(signal);
        until(
            "it has been started twice",
            || Ok(times_started(&host) == 2),
        )?;
        ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    }
    for signal in [libc::SIGTERM, libc::SIGWINCH] {
        let mut host = Host::start(Kind::Ours, &configuration)?;
        host.signal(signal);
        ensure!(host.wait_for_end()?.success());
        ensure!(host.place().read("run/httpd.pid").is_empty());
    }
    Ok(())
}

#[test]
fn a_stop_during_a_graceful_restart_stops() -> Result<()> {
    let (_site, configuration) = one_page()?;
    for (signal, pause) in [
        (libc::SIGTERM, 0),
        (libc::SIGTERM, 8),
        (libc::SIGTERM, 20),
        (libc::SIGTERM, 40),
        (libc::SIGWINCH, 0),
        (libc::SIGWINCH, 15),
        (libc::SIGWINCH, 40),
    ] {
        if Kind::under_test() == Kind::Apache && pause > 0 {
            continue;
        }
        let mut host = start(&configuration)?;
        host.signal(libc::SIGUSR1);
        // Somewhere in the middle: while it is rehearsed, executed, or started.
        std::thread::park_timeout(Duration::from_millis(pause));
        let children = host.children();
        host.signal(signal);
        ensure!(
            host.wait_for_end()?.success(),
            "signal {signal} after {pause} ms"
        );
        until("nothing is left", || {
            Ok(children.iter().all(|&child| !lives(child)))
        })?;
        ensure!(host.place().read("run/httpd.pid").is_empty());
    }
    Ok(())
}

#[test]
fn generations_finish_side_by_side_and_are_shown() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // Its layout of the status page differs by the number of slots in use.
        return Ok(());
    }
    let (site, configuration) = one_page()?;
    site.file("large.bin", vec![b'x'; 16 << 20])?;
    let host = start(&with_status(&configuration))?;
    ensure!(entry(&status(&host)?, "ParentServerMPMGeneration") == Some("0".into()));
    let mut downloads = Vec::new();
    for generation in 1..4 {
        let mut client = Client::connect(host.port())?;
        client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
        client.receive_head()?;
        downloads.push(client);
        restart(&host, libc::SIGUSR1)?;
        let shown = generation.to_string();
        until("the new generation answers", || {
            Ok(entry(&status(&host)?, "ParentServerMPMGeneration").as_ref() == Some(&shown))
        })?;
        let page = status(&host)?;
        ensure!(
            entry(&page, "ParentServerConfigGeneration") == Some((generation + 1).to_string()),
            "{page}"
        );
    }
    // The three old children are there, and are shown as what they are.
    ensure!(host.children().len() == 4, "{:?}", host.children());
    let mut page = String::new();
    until("the old children show that they finish", || {
        page = status(&host)?;
        let board = entry(&page, "Scoreboard").unwrap_or_default();
        Ok(entry(&page, "Stopping") == Some("3".into()) && board.contains('G'))
    })
    .with_context(|| page.clone())?;
    ensure!(entry(&page, "Processes") == Some("4".into()), "{page}");
    for mut download in downloads {
        ensure!(download.discard_rest()? == 16 << 20);
    }
    until("only the present generation is left", || {
        Ok(host.children().len() == 1)
    })?;
    until("the scoreboard has forgotten the others", || {
        page = status(&host)?;
        let board = entry(&page, "Scoreboard").unwrap_or_default();
        Ok(entry(&page, "Processes") == Some("1".into()) && !board.contains('G'))
    })
    .with_context(|| page.clone())?;
    Ok(())
}

#[test]
fn more_generations_than_the_scoreboard_has_room_for_are_served_all_the_same() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // Its new generation waits for room.
        return Ok(());
    }
    let (site, configuration) = one_page()?;
    site.file("large.bin", vec![b'x'; 16 << 20])?;
    let host = start(&format!("ServerLimit 2\n{configuration}"))?;
    let mut downloads = Vec::new();
    for _ in 0..5 {
        let mut client = Client::connect(host.port())?;
        client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
        client.receive_head()?;
        downloads.push(client);
        restart(&host, libc::SIGUSR1)?;
        ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    }
    // More than it has slots; two may have come to one child before it was told to leave.
    let children = host.children();
    ensure!(children.len() >= 4, "{children:?}");
    for mut download in downloads {
        ensure!(download.discard_rest()? == 16 << 20);
    }
    until("only the present generation is left", || {
        Ok(host.children().len() == 1)
    })
}

/// What a process holds open beyond the usual three: kinds of things and how many.
fn open_files(pid: i32) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let Ok(target) = fs::read_link(entry?.path()) else {
            continue;
        };
        let text = target.display().to_string();
        // Numbers of sockets and pipes differ.
        let kind = text
            .split_once(":[")
            .map_or(text.as_str(), |(kind, _)| kind);
        files.push(kind.to_owned());
    }
    files.sort();
    Ok(files)
}

/// The memory of a process that is its own, in KiB.
fn memory(pid: i32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.context("RssAnon")?.parse()?)
}

#[test]
fn thirty_restarts_leave_the_control_process_as_it_was() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    let place = Place::new()?;
    let host = start(&format!(
        "LoadModule cgid_module @MODULES@/mod_cgid.so\nScriptSock cgid.sock\nLoadModule \
         socache_shmcb_module @MODULES@/mod_socache_shmcb.so\nCustomLog \"|$cat >> {}\" \
         common\nCustomLog logs/access.log common\nListen 127.0.0.1:@PORT2@\n{configuration}",
        place.path().join("lines").display()
    ))?;
    let environment = || fs::read(format!("/proc/{}/environ", host.pid()));
    let shape = || -> Result<(Vec<String>, usize, u64)> {
        // The numbers of processes in it may have more digits or fewer.
        Ok((
            open_files(host.pid())?,
            environment()?.len(),
            memory(host.pid())?,
        ))
    };
    let settled = || {
        until("there is one generation", || {
            Ok(host.children().iter().filter(|&&pid| lives(pid)).count() == 3)
        })
    };
    for _ in 0..10 {
        restart(&host, libc::SIGUSR1)?;
    }
    settled()?;
    let (files, variables, before) = shape()?;
    for _ in 0..20 {
        restart(&host, libc::SIGUSR1)?;
    }
    settled()?;
    let (files_after, variables_after, after) = shape()?;
    ensure!(files == files_after, "{files:?} became {files_after:?}");
    ensure!(
        variables_after < variables + 200,
        "{variables} bytes of variables became {variables_after}"
    );
    ensure!(
        after < before + 512,
        "{before} KiB of memory became {after} KiB"
    );
    let run = host.place().path().join("run");
    let names = || -> Result<Vec<_>> {
        Ok(fs::read_dir(&run)?
            .flatten()
            .map(|e| e.file_name())
            .collect())
    };
    // The pid file, what the server tells beside it, and one socket.
    until("nothing of earlier generations is left", || {
        Ok(names()?.len() == 3)
    })
    .with_context(|| format!("{:?}", names()))?;
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    Ok(())
}
