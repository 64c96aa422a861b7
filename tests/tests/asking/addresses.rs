//! Addresses that cannot be listened on: the message says who has them, or what is missing, and which
//! line asked for them.

use std::net::{TcpListener, TcpStream};

use anyhow::{Result, ensure};
use httpd_tests::{
    asked::Asked,
    host::{Kind, free_ports, printed, run, until},
};

/// The line of the first directive behind those of every configuration of `Asked`.
const LINE: &str = "(asked for by Listen on line 10 of ";

fn refused(asked: &Asked, parts: &[&str]) -> Result<()> {
    let output = asked.ask(&[])?;
    let said = printed(&output);
    ensure!(output.status.code() == Some(1), "{said}");
    for part in parts {
        ensure!(said.contains(part), "{part}: {said}");
    }
    Ok(())
}

#[test]
fn a_port_in_use_has_an_owner_for_each_address() -> Result<()> {
    let own = format!("(process {}) listens on {LINE}", std::process::id());
    for (taken, listen) in [
        ("127.0.0.1", "127.0.0.1:"),
        ("127.0.0.1", ""),
        ("0.0.0.0", "127.0.0.1:"),
        ("::1", "[::1]:"),
        ("::", "127.0.0.1:"),
    ] {
        let asked = Asked::new(Kind::Ours, &format!("Listen {listen}@PORT@"))?;
        let listener = TcpListener::bind((taken, asked.ports[0]))?;
        refused(&asked, &["(98)Address already in use", &own])
            .map_err(|error| error.context(format!("{taken} and {listen}")))?;
        drop(listener);
    }
    Ok(())
}

/// Another address with the same port is in nobody's way.
#[test]
fn a_port_of_another_address_is_free() -> Result<()> {
    let asked = Asked::new(Kind::under_test(), "Listen 127.0.0.1:@PORT@")?;
    let listener = TcpListener::bind(("127.0.0.2", asked.ports[0]))?;
    asked.ask(&["-k", "start"])?;
    until("it listens", || Ok(asked.listens()))?;
    drop(listener);
    Ok(())
}

/// Connections that have ended hold no port.
#[test]
fn ports_of_connections_that_linger_are_free() -> Result<()> {
    let asked = Asked::new(Kind::under_test(), "Listen 127.0.0.1:@PORT@")?;
    let listener = TcpListener::bind(("127.0.0.1", asked.ports[0]))?;
    let client = TcpStream::connect(("127.0.0.1", asked.ports[0]))?;
    let (accepted, _) = listener.accept()?;
    // Who closes first, waits.
    drop(accepted);
    drop(client);
    drop(listener);
    asked.ask(&["-k", "start"])?;
    until("it listens", || Ok(asked.listens()))
}

#[test]
fn what_is_not_of_this_machine_is_said() -> Result<()> {
    let asked = Asked::new(Kind::Ours, "Listen 192.0.2.77:@PORT@")?;
    refused(
        &asked,
        &[
            "(99)Cannot assign requested address: AH00072: make_sock: could not bind to address \
             192.0.2.77:",
            ", because 192.0.2.77 is not an address of this machine",
            LINE,
        ],
    )
}

/// The first port that everybody may have.
fn first_free() -> u16 {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    text.ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1024)
}

/// The server's command line, run by a user who may do nothing in particular.
fn as_nobody(asked: &Asked, flags: &[&str]) -> Result<std::process::Output> {
    let command = asked.command(flags);
    // SAFETY: a plain system call.
    let root = unsafe { libc::geteuid() } == 0;
    let mut unprivileged = std::process::Command::new(if root { "setpriv" } else { "env" });
    if root {
        unprivileged.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        // Its log and pid file are to be its own.
        for part in ["logs", "run"] {
            std::os::unix::fs::chown(asked.place.path().join(part), Some(65534), Some(65534))?;
        }
    }
    unprivileged
        .arg(command.get_program())
        .args(command.get_args());
    run(&mut unprivileged)
}

#[test]
fn what_only_root_may_is_said() -> Result<()> {
    let first = first_free();
    if first < 2 {
        println!("skipped: every port is everybody's here");
        return Ok(());
    }
    let port = first - 1;
    let asked = Asked::new(Kind::Ours, &format!("Listen 127.0.0.1:{port}"))?;
    let output = as_nobody(&asked, &["-DFOREGROUND"])?;
    let said = printed(&output);
    ensure!(output.status.code() == Some(1), "{said}");
    for part in [
        "(13)Permission denied: AH00072: make_sock: could not bind to address 127.0.0.1:",
        &format!(", because ports below {first} need root's rights"),
        LINE,
    ] {
        ensure!(said.contains(part), "{part}: {said}");
    }
    Ok(())
}

/// A user who may not see whose socket it is learns that there is one.
#[test]
fn an_owner_out_of_sight_is_not_named() -> Result<()> {
    // SAFETY: a plain system call.
    if unsafe { libc::geteuid() } != 0 {
        println!("skipped: another user's processes are needed, which only root can start");
        return Ok(());
    }
    let port = free_ports(1)?[0];
    let asked = Asked::new(Kind::Ours, &format!("Listen 127.0.0.1:{port}"))?;
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let said = printed(&as_nobody(&asked, &["-DFOREGROUND"])?);
    let part = format!("127.0.0.1:{port}, which a process that this user may not see listens on");
    ensure!(said.contains(&part), "{said}");
    drop(listener);
    Ok(())
}
