//! What cannot work is refused before anything is given up, and said where it is seen.

use std::{fs, net::TcpListener, process::Command};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::get,
    host::{Host, Kind, Place, printed, run, until},
    modules::{compile, source},
};

use crate::world::{edit, lives, one_page, restart, start, times_started};

/// What Apache does in these cases is to end.
fn is_apache() -> bool {
    Kind::under_test() == Kind::Apache
}

/// `-k` with a word.
fn tell(host: &Host, word: &str) -> Result<(bool, String)> {
    let place = host.place().path();
    let output = run(Command::new(host.kind().program())
        .arg("-d")
        .arg(place)
        .arg("-f")
        .arg(place.join("conf/httpd.conf"))
        .args(["-k", word]))?;
    Ok((output.status.success(), printed(&output)))
}

/// A change of the configuration is refused with these words, on the terminal of whoever asks for the
/// restart and in the log, and the server goes on. Without it a restart works.
fn is_refused(host: &Host, addition: &str, words: &[&str]) -> Result<()> {
    let children = host.children();
    let before = host.messages();
    edit(host, |text| text + addition)?;
    for word in ["graceful", "restart"] {
        let (accepted, said) = tell(host, word)?;
        ensure!(!accepted, "{word} was accepted: {said}");
        for word in words {
            ensure!(said.contains(word), "{word:?} is not in {said:?}");
        }
    }
    ensure!(host.messages() == before, "the server was signalled");
    for signal in [libc::SIGUSR1, libc::SIGHUP] {
        let refusals = host.messages().matches("restart refused").count();
        host.signal(signal);
        until("the refusal is logged", || {
            Ok(host.messages().matches("restart refused").count() > refusals)
        })?;
    }
    let log = host.messages();
    for word in words {
        ensure!(log.contains(word), "{word:?} is not in {log}");
    }
    let same = host.children().iter().all(|child| children.contains(child));
    ensure!(same, "children were replaced");
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    edit(host, |text| text.replace(addition, ""))?;
    let started = times_started(host);
    let (accepted, said) = tell(host, "graceful")?;
    ensure!(accepted, "{said}");
    until("the server has restarted", || {
        Ok(times_started(host) > started)
    })?;
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    Ok(())
}

#[test]
fn what_cannot_be_read() -> Result<()> {
    if is_apache() {
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    let host = start(&configuration)?;
    is_refused(&host, "NoSuchDirective on\n", &["NoSuchDirective"])
}

#[test]
fn a_port_that_another_has() -> Result<()> {
    if is_apache() {
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    let host = start(&configuration)?;
    let other = TcpListener::bind(("127.0.0.1", 0))?;
    let port = other.local_addr()?.port();
    is_refused(
        &host,
        &format!("Listen 127.0.0.1:{port}\n"),
        &["AH00072", &format!("127.0.0.1:{port}"), "in use"],
    )
}

#[test]
fn a_port_that_the_server_has_with_another_address() -> Result<()> {
    if is_apache() {
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    let host = start(&configuration)?;
    let port = host.port();
    edit(&host, |text| {
        text.replace(&format!("Listen 127.0.0.1:{port}\n"), "")
    })?;
    let (accepted, said) = tell(&host, "graceful")?;
    // Nothing is listened on at all.
    ensure!(!accepted && said.contains("no listening sockets"), "{said}");
    edit(&host, |text| format!("{text}Listen 0.0.0.0:{port}\n"))?;
    let (accepted, said) = tell(&host, "graceful")?;
    ensure!(
        !accepted && said.contains("a stop and a start"),
        "{accepted}: {said}"
    );
    ensure!(get(port, "/page.html")?.text() == "a page\n");
    Ok(())
}

#[test]
fn logs_that_cannot_be_opened() -> Result<()> {
    if is_apache() {
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    let host = start(&configuration)?;
    is_refused(&host, "ErrorLog nowhere/at-all.log\n", &["nowhere"])?;
    is_refused(&host, "ErrorLog conf\n", &["AH00091"])?;
    is_refused(&host, "CustomLog conf common\n", &["AH00649"])?;
    is_refused(
        &host,
        "ErrorLog \"|/no/such/program\"\n",
        &["/no/such/program"],
    )
}

#[test]
fn modules_that_are_missing_or_refuse() -> Result<()> {
    if is_apache() {
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    let place = Place::new()?;
    let object = compile(&source("mod_stubborn.c"), place.path())?;
    let host = start(&format!(
        "LoadModule stubborn_module {}\n{configuration}",
        object.display()
    ))?;
    is_refused(&host, "LoadModule x_module no/mod_x.so\n", &["mod_x.so"])?;
    for when in ["always", "second"] {
        let words = format!("the stubborn module refuses ({when})");
        is_refused(&host, &format!("StubbornRefuse {when}\n"), &[&words])?;
    }
    Ok(())
}

#[test]
fn a_start_that_fails_in_spite_of_its_rehearsal_leaves_the_children() -> Result<()> {
    if is_apache() {
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    let place = Place::new()?;
    let object = compile(&source("mod_stubborn.c"), place.path())?;
    let mut host = start(&format!(
        "LoadModule stubborn_module {}\nCustomLog \"|$cat >> {}\" common\n{configuration}",
        object.display(),
        place.path().join("lines").display()
    ))?;
    let children = host.children();
    let fails = |host: &Host| -> Result<()> {
        let before = host.messages().matches("go on serving").count();
        host.signal(libc::SIGUSR1);
        until("the failure is told", || {
            Ok(host.messages().matches("go on serving").count() > before)
        })
        .with_context(|| host.messages())
    };
    edit(&host, |text| text + "StubbornRefuse unrehearsed\n")?;
    for _ in 0..2 {
        fails(&host)?;
        let now = host.children();
        ensure!(
            now.iter().all(|child| children.contains(child)),
            "{children:?} became {now:?}"
        );
        for _ in 0..20 {
            ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
        }
    }
    ensure!(host.messages().contains("the stubborn module refuses"));
    // Refused already when it is rehearsed.
    edit(&host, |text| text + "NoSuchDirective\n")?;
    host.signal(libc::SIGUSR1);
    until("the refusal is logged", || {
        Ok(host.messages().contains("NoSuchDirective"))
    })?;
    edit(&host, |text| {
        text.replace("StubbornRefuse unrehearsed\n", "")
            .replace("NoSuchDirective\n", "")
    })?;
    restart(&host, libc::SIGUSR1)?;
    until("the children have been replaced", || {
        let now = host.children();
        Ok(!now.is_empty() && children.iter().all(|&child| !lives(child)))
    })?;
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    // A server that only holds on stops when told to, with all that belongs to it.
    edit(&host, |text| text + "StubbornRefuse unrehearsed\n")?;
    fails(&host)?;
    let all = host.children();
    ensure!(!all.is_empty());
    host.signal(libc::SIGTERM);
    ensure!(host.wait_for_end()?.success());
    until("nothing is left", || Ok(all.iter().all(|&pid| !lives(pid))))?;
    ensure!(host.place().read("run/httpd.pid").is_empty());
    let lines = fs::read_to_string(place.path().join("lines")).context("the log")?;
    ensure!(lines.lines().count() >= 41, "{lines}");
    Ok(())
}
