//! Programs beside the server's children: over restarts they stay as long as somebody uses them, and in
//! the end none is left.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{Client, get},
    host::{Host, Kind, Place, until},
};

use crate::world::{Load, PAGE, lives, one_page, restart, start};

/// The processes whose command line contains a text.
fn processes_with(text: &str) -> Result<Vec<i32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(text) && lives(pid) {
            found.push(pid);
        }
    }
    Ok(found)
}

fn lines(file: &Path) -> usize {
    fs::read_to_string(file).unwrap_or_default().lines().count()
}

/// A script that copies its input line by line, slowly enough that a signal would cost lines, and says
/// when it has come to the end.
const COPIER: &str = "#!/bin/sh\nwhile read -r line; do echo \"$line\" >> \"$1\"; done\necho $$ >> \
                      \"$1.ended\"\n";

#[test]
fn piped_logs_lose_no_line_over_graceful_restarts_and_leave_nothing() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // It ends the programs before the children that write to them.
        return Ok(());
    }
    let (site, configuration) = one_page()?;
    let place = Place::new()?;
    let copier = site.program("copier", COPIER)?;
    let (access, errors) = (place.path().join("access"), place.path().join("errors"));
    let mut host = Host::start(
        Kind::Ours,
        &format!(
            "LogFormat \"%h %U\" short\nCustomLog \"|{copier} {access}\" short\nErrorLog \"|{copier} \
         {errors}\"\nMaxKeepAliveRequests 0\n{configuration}",
            copier = copier.display(),
            access = access.display(),
            errors = errors.display()
        ),
    )?;
    let started = || {
        let log = fs::read_to_string(&errors).unwrap_or_default();
        log.matches("resuming normal operations").count()
    };
    until("the server is there", || Ok(started() > 0))?;
    let load = Load::start(&host, 8, Duration::from_millis(1));
    for _ in 0..5 {
        let before = started();
        host.signal(libc::SIGUSR1);
        until("the server has restarted", || Ok(started() > before))?;
        load.wait_for(50)?;
    }
    let (asked, _) = load.stop()?;
    let asked = usize::try_from(asked)?;
    host.signal(libc::SIGTERM);
    ensure!(host.wait_for_end()?.success());
    until("all programs have ended", || {
        Ok(processes_with(&copier.display().to_string())?.is_empty())
    })?;
    let written = lines(&access);
    ensure!(
        written >= asked,
        "{written} lines of {asked} requests were written"
    );
    // Each of six generations, and of the readings before, ended by the end of its input.
    let log = fs::read_to_string(&errors)?;
    ensure!(log.contains("caught SIGTERM"), "{log}");
    ensure!(lines(&access.with_extension("ended")) >= 6);
    Ok(())
}

#[test]
fn a_program_of_a_log_lives_as_long_as_the_last_child_that_writes_to_it() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    let (site, configuration) = one_page()?;
    let place = Place::new()?;
    site.file("large.bin", vec![b'x'; 16 << 20])?;
    let copier = site.program("copier", COPIER)?;
    let access = place.path().join("access");
    let host = start(&format!(
        "LogFormat \"%U\" short\nCustomLog \"|{} {}\" short\n{configuration}",
        copier.display(),
        access.display()
    ))?;
    let programs = || processes_with(&copier.display().to_string());
    let old = programs()?;
    let mut download = Client::connect(host.port())?;
    download.send("GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    download.receive_head()?;
    restart(&host, libc::SIGUSR1)?;
    restart(&host, libc::SIGUSR1)?;
    until("the generation between has gone", || {
        Ok(programs()?.len() == old.len() + 1)
    })?;
    let now = programs()?;
    ensure!(old.iter().all(|pid| now.contains(pid)), "{old:?} {now:?}");
    ensure!(download.discard_rest()? == 16 << 20);
    until("the old program has ended", || {
        Ok(old.iter().all(|&pid| !lives(pid)))
    })?;
    let log = fs::read_to_string(&access)?;
    ensure!(log.contains("/large.bin"), "{log}");
    Ok(())
}

#[test]
fn requests_of_cgi_programs_finish_and_their_daemons_leave() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    let (site, configuration) = one_page()?;
    site.program(
        "wait",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nhead -n 1\necho done\n",
    )?;
    let mut host = start(&format!(
        "LoadModule cgid_module @MODULES@/mod_cgid.so\nLoadModule alias_module \
         @MODULES@/mod_alias.so\nScriptSock cgid.sock\nScriptAlias /wait \
         \"{}/wait\"\n{configuration}",
        site.path().display()
    ))?;
    let sockets = || -> Result<Vec<String>> {
        let entries = fs::read_dir(host.place().path().join("run"))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter(|name| name.starts_with("cgid.sock")).collect())
    };
    // One program at work, and one request that comes to its old child only after the restart.
    let begin = || -> Result<Client> {
        let mut client = Client::connect(host.port())?;
        client.send(
            "POST /wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6\r\n\r\n",
        )?;
        ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
        Ok(client)
    };
    let mut at_work = begin()?;
    at_work.send("ab")?;
    let (head, tail) =
        "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nlater\n".split_at(25);
    let mut late = Client::connect(host.port())?;
    late.send(head)?;
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    let old = host.children();
    for _ in 0..2 {
        restart(&host, libc::SIGUSR1)?;
    }
    late.send(tail)?;
    let answer = late.receive(false)?;
    ensure!(answer.text() == "later\ndone\n", "{answer:?}");
    at_work.send("cde\n")?;
    let answer = at_work.receive(false)?;
    ensure!(answer.text() == "abcde\ndone\n", "{answer:?}");
    drop((late, at_work));
    until("the old children and their daemon are gone", || {
        Ok(old.iter().all(|&pid| !lives(pid)))
    })?;
    until("only one socket is left", || Ok(sockets()?.len() == 1))
        .with_context(|| format!("{:?}", sockets()))?;
    let mut new = begin()?;
    new.send("12345\n")?;
    ensure!(new.receive(false)?.text() == "12345\ndone\n");
    let all = host.children();
    ensure!(all.len() == 2, "a child and a daemon: {all:?}");
    host.signal(libc::SIGTERM);
    ensure!(host.wait_for_end()?.success());
    until("nothing is left", || Ok(all.iter().all(|&pid| !lives(pid))))?;
    Ok(())
}

#[test]
fn rotatelogs_gets_every_line_over_restarts() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    let place = Place::new()?;
    let file = place.path().join("rotated");
    let mut host = start(&format!(
        "LogFormat \"%U\" short\nCustomLog \"|/usr/bin/rotatelogs {} 86400\" \
         short\n{configuration}",
        file.display()
    ))?;
    let mut asked = 0;
    for _ in 0..3 {
        for _ in 0..10 {
            ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
            asked += 1;
        }
        restart(&host, libc::SIGUSR1)?;
    }
    host.signal(libc::SIGTERM);
    ensure!(host.wait_for_end()?.success());
    let name = file.display().to_string();
    until("rotatelogs has ended", || {
        Ok(processes_with(&name)?.is_empty())
    })?;
    let mut written = 0;
    for entry in fs::read_dir(place.path())? {
        let path = entry?.path();
        if path.display().to_string().starts_with(&name) {
            written += lines(&path);
        }
    }
    // The first answer was asked for when it was started.
    ensure!(written == asked + 1, "{written} lines of {asked} requests");
    Ok(())
}

#[test]
fn a_helper_that_does_not_obey_is_ended() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        return Ok(());
    }
    let (site, configuration) = one_page()?;
    let stubborn = site.program(
        "stubborn",
        "#!/bin/sh\ntrap '' TERM HUP\nwhile :; do sleep 1; done\n",
    )?;
    let mut host: Host = start(&format!(
        "CustomLog \"|{}\" common\n{configuration}",
        stubborn.display()
    ))?;
    let name = stubborn.display().to_string();
    until(
        "the program runs",
        || Ok(!processes_with(&name)?.is_empty()),
    )?;
    let mut kept = Client::connect(host.port())?;
    kept.send(PAGE)?;
    kept.receive(false)?;
    host.signal(libc::SIGTERM);
    ensure!(host.wait_for_end()?.success());
    until("it has been killed", || {
        Ok(processes_with(&name)?.is_empty())
    })
}
