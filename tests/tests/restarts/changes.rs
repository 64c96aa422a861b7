//! What changed on disk is picked up: the configuration, modules, the server's program, Listen.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{Client, get},
    host::{Host, Kind, Place, fill, until},
    modules::{compile_with, source},
};

use crate::world::{PAGE, edit, one_page, refuses, restart, start};

/// Builds the stubborn module so that it calls itself `build`; answers the file.
fn built_as(build: &str, place: &Path) -> Result<std::path::PathBuf> {
    let directory = place.join(build);
    fs::create_dir_all(&directory)?;
    compile_with(
        &source("mod_stubborn.c"),
        &directory,
        &[&format!("-Wc,-DBUILD='\"{build}\"'")],
    )
}

fn with_module(file: &Path, configuration: &str) -> String {
    format!(
        "LoadModule stubborn_module {}\n{configuration}<Location /build>\nSetHandler stubborn\n\
         Require all granted\n</Location>\n",
        file.display()
    )
}

#[test]
fn a_module_replaced_by_rename_and_one_at_a_new_path_are_loaded() -> Result<()> {
    let (_site, configuration) = one_page()?;
    let place = Place::new()?;
    let file = place.path().join("mod_stubborn.so");
    fs::copy(built_as("first", place.path())?, &file)?;
    let host = start(&with_module(&file, &configuration))?;
    // Old children accept until they have been told.
    let becomes = |build: &str| {
        until("the new build answers", || {
            Ok(get(host.port(), "/build")?.text() == format!("{build}\n"))
        })
    };
    becomes("first")?;
    let new = place.path().join("new.so");
    fs::copy(built_as("renamed", place.path())?, &new)?;
    fs::rename(&new, &file)?;
    restart(&host, libc::SIGUSR1)?;
    becomes("renamed")?;
    let elsewhere = built_as("elsewhere", place.path())?;
    edit(&host, |text| {
        let (before, after) = (file.display().to_string(), elsewhere.display().to_string());
        text.replace(&before, &after)
    })?;
    restart(&host, libc::SIGUSR1)?;
    becomes("elsewhere")?;
    Ok(())
}

#[test]
fn a_server_program_that_was_replaced_is_run() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // It goes on with the program it was started with.
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    let place = Place::new()?;
    let program = place.path().join("server-program");
    fs::copy(Kind::Ours.program(), &program)?;
    let path = program.display().to_string();
    let host = Host::start_under(
        Kind::Ours,
        Place::new()?,
        &configuration,
        &["sh", "-c", "shift; exec \"$0\" \"$@\"", &path],
    )?;
    let running = || fs::metadata(format!("/proc/{}/exe", host.pid()));
    let file_of = |data: &fs::Metadata| std::os::unix::fs::MetadataExt::ino(data);
    ensure!(file_of(&running()?) == file_of(&fs::metadata(&program)?));
    let new = place.path().join("new-program");
    fs::copy(Kind::Ours.program(), &new)?;
    fs::rename(&new, &program)?;
    let new = file_of(&fs::metadata(&program)?);
    ensure!(file_of(&running()?) != new);
    for signal in [libc::SIGUSR1, libc::SIGHUP] {
        restart(&host, signal)?;
        ensure!(file_of(&running()?) == new, "after signal {signal}");
    }
    let children = host.children();
    let child = children.last().context("a child")?;
    let runs = fs::metadata(format!("/proc/{child}/exe"))?;
    ensure!(file_of(&runs) == new);
    ensure!(get(host.port(), "/page.html")?.text() == "a page\n");
    Ok(())
}

#[test]
fn added_and_removed_sockets_take_effect() -> Result<()> {
    let (_site, configuration) = one_page()?;
    let host = start(&configuration)?;
    let (one, two, three) = (host.port(), host.port_number(2), host.port_number(3));
    let listen = |text: &str| fill(text, host.place().path(), &[one, two, three]);
    ensure!(refuses(two));
    edit(&host, |text| {
        text + &listen("Listen 127.0.0.1:@PORT2@\nListen 127.0.0.1:@PORT3@\n")
    })?;
    restart(&host, libc::SIGUSR1)?;
    for port in [one, two, three] {
        ensure!(get(port, "/page.html")?.text() == "a page\n", "port {port}");
    }
    // A request under way on a socket that goes is finished, and nobody can connect any more.
    let mut under_way = Client::connect(one)?;
    let (head, tail) = PAGE.split_at(20);
    under_way.send(head)?;
    // It has been accepted when one that came later has been answered.
    ensure!(get(one, "/page.html")?.text() == "a page\n");
    edit(&host, |text| {
        text.replace(&listen("Listen 127.0.0.1:@PORT@\n"), "")
            .replace(&listen("Listen 127.0.0.1:@PORT3@\n"), "")
    })?;
    restart(&host, libc::SIGUSR1)?;
    until(
        "nobody listens there",
        || Ok(refuses(one) && refuses(three)),
    )?;
    ensure!(get(two, "/page.html")?.text() == "a page\n");
    under_way.send(tail)?;
    ensure!(under_way.receive(false)?.text() == "a page\n");
    Ok(())
}

#[test]
fn a_port_of_the_privileged_can_be_added() -> Result<()> {
    // SAFETY: a plain system call.
    if unsafe { libc::geteuid() } != 0 {
        return Ok(());
    }
    let (_site, configuration) = one_page()?;
    let host = start(&configuration)?;
    // One that nobody has, on an address of its own.
    let address = "127.0.77.3:903";
    edit(&host, |text| format!("{text}Listen {address}\n"))?;
    restart(&host, libc::SIGUSR1)?;
    std::net::TcpStream::connect(address)?;
    Ok(())
}
