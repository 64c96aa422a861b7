//! `apachectl-rs`: what its words do, and what `status` says and exits with.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    asked::Asked,
    client,
    host::{Kind, Place, built, printed, run, until},
    modules::{compile, source},
};

const LISTEN: &str = "Listen 127.0.0.1:@PORT@";

/// Its command line about a configuration.
fn command(asked: &Asked, words: &[&str]) -> Command {
    let mut command = Command::new(built("apachectl-rs"));
    command
        .args(words)
        .arg("-d")
        .arg(asked.place.path())
        .arg("-f")
        .arg(asked.file())
        .env("HTTPD", asked.kind.program());
    command
}

/// The exit code, and what it prints.
fn tell(asked: &Asked, words: &[&str]) -> Result<(i32, String)> {
    let output = run(&mut command(asked, words))?;
    let code = output.status.code().context("no exit code")?;
    Ok((code, printed(&output)))
}

#[test]
fn words_come_back_when_they_have_been_carried_out() -> Result<()> {
    let asked = Asked::new(Kind::Ours, LISTEN)?;
    for _ in 0..3 {
        ensure!(tell(&asked, &["configtest"])? == (0, "Syntax OK\n".to_owned()));
        ensure!(tell(&asked, &["start"])? == (0, String::new()));
        let pid = asked.pid().context("it runs")?;
        ensure!(client::get(asked.ports[0], "/none")?.status() >= 400);
        let running = format!("httpd (pid {pid}) already running\n");
        ensure!(tell(&asked, &["start"])? == (0, running));
        ensure!(tell(&asked, &["graceful"])?.0 == 0);
        until("it has restarted", || {
            Ok(tell(&asked, &["status"])?.1.contains("generation   1\n"))
        })?;
        ensure!(tell(&asked, &["stop"])? == (0, String::new()));
        ensure!(asked.pid().is_none() && !asked.listens());
        ensure!(!fs::exists(format!("/proc/{pid}/exe"))?);
    }
    let (code, text) = tell(&asked, &["graceful-stop", "--wait", "10"])?;
    ensure!(code == 0 && text.ends_with("not running\n"), "{text}");
    asked.write(&format!("{LISTEN}\nNonsense on"))?;
    let (code, text) = tell(&asked, &["configtest"])?;
    ensure!(code == 1 && text.contains("Nonsense"), "{text}");
    asked.write(LISTEN)
}

#[test]
fn a_start_that_fails_later_is_told() -> Result<()> {
    let place = Place::new()?;
    let object = compile(&source("mod_too_late.c"), place.path())?;
    let line = format!("{LISTEN}\nLoadModule too_late_module {}", object.display());
    let asked = Asked::new(Kind::Ours, &line)?;
    let (code, text) = tell(&asked, &["start"])?;
    ensure!(
        code == 1 && text.contains("has ended while it started"),
        "{code}: {text}"
    );
    ensure!(asked.pid().is_none() && !asked.place.path().join("run/httpd.pid").exists());
    Ok(())
}

#[test]
fn status_is_told_by_exit_code_too() -> Result<()> {
    let asked = Asked::new(
        Kind::Ours,
        &format!("{LISTEN}\nThreadsPerChild 7\nMinSpareThreads 1"),
    )?;
    let file = asked.place.path().join("run/httpd.pid");
    let (code, text) = tell(&asked, &["status"])?;
    ensure!(
        code == 3 && text.contains("is not running (there is no "),
        "{text}"
    );
    tell(&asked, &["start"])?;
    let pid = asked.pid().context("it runs")?;
    let mut shown = String::new();
    until("it has told of itself", || {
        let (code, text) = tell(&asked, &["status"])?;
        ensure!(code == 0, "{code}: {text}");
        shown = text;
        Ok(shown.contains("7 idle"))
    })?;
    for line in [
        &format!("httpd-rs is running (pid {pid})\n"),
        "  uptime       ",
        "  MPM          event\n",
        "  generation   0\n",
        "  children     1\n",
        "  workers      0 busy, 7 idle\n",
        &format!("  listens on   127.0.0.1:{}\n", asked.ports[0]),
    ] {
        ensure!(shown.contains(line), "{line}: {shown}");
    }
    let (code, json) = tell(&asked, &["status", "--json"])?;
    ensure!(code == 0 && json.ends_with("}\n"), "{json}");
    for field in [
        "{\"status\":\"running\",\"code\":0,",
        &format!("\"pid\":{pid},"),
        "\"uptime_seconds\":",
        "\"busy\":0,",
        "\"idle\":7,",
        "\"mpm\":\"event\"",
        "\"state\":\"running\"",
    ] {
        ensure!(json.contains(field), "{field}: {json}");
    }
    // A broken configuration is no reason not to know.
    let text = fs::read_to_string(asked.file())?;
    fs::write(asked.file(), format!("{text}\nNonsense on\n"))?;
    ensure!(tell(&asked, &["status"])?.0 == 0);
    fs::write(asked.file(), text)?;
    // The report is everybody's to read, and without it there is still the rest.
    let report = asked.place.path().join("run/httpd.pid.status");
    ensure!(fs::metadata(&report)?.permissions().mode() & 0o777 == 0o644);
    fs::remove_file(&report)?;
    let (code, text) = tell(&asked, &["status"])?;
    ensure!(
        code == 0 && text.contains("  workers      cannot be told ("),
        "{text}"
    );
    // A server that was killed leaves its pid file.
    // SAFETY: a plain system call on a process that was started here.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    until("it is dead", || {
        Ok(!fs::exists(format!("/proc/{pid}/exe"))?)
    })?;
    let (code, text) = tell(&asked, &["status"])?;
    ensure!(
        code == 1 && text.contains(&format!("(it holds {pid})")),
        "{code} {text}"
    );
    fs::write(&file, "?")?;
    ensure!(tell(&asked, &["status"])?.0 == 1);
    let (code, json) = tell(&asked, &["status", "--json"])?;
    ensure!(
        code == 1 && json.contains("\"status\":\"dead\",\"code\":1,"),
        "{json}"
    );
    // What the pid file is cannot even be told.
    fs::write(asked.file(), "")?;
    let mut command = command(&asked, &["status"]);
    let output = run(command.arg("-f").arg("/nowhere").env("HTTPD", "true"))?;
    ensure!(output.status.code() == Some(4), "{}", printed(&output));
    fs::remove_file(&file)?;
    Ok(())
}

/// What the server reports follows what it does.
#[test]
fn busy_workers_are_counted() -> Result<()> {
    let place = httpd_tests::host::Place::new()?;
    let object =
        httpd_tests::modules::compile(&httpd_tests::modules::source("mod_nap.c"), place.path())?;
    let asked = Asked::new(
        Kind::Ours,
        &format!(
            "{LISTEN}\nLoadModule authz_core_module @MODULES@/mod_authz_core.so\nThreadsPerChild 8\n\
             ExtendedStatus On\nLoadModule nap_module {}\n<Location /nap>\nSetHandler nap\nRequire all granted\n\
             </Location>",
            object.display()
        ),
    )?;
    tell(&asked, &["start"])?;
    let port = asked.ports[0];
    let seen = std::thread::scope(|scope| {
        // Naps, one after the other, until they have been seen.
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            while stopped
                .try_recv()
                .is_err_and(|error| error == std::sync::mpsc::TryRecvError::Empty)
                && client::get(port, "/nap").is_ok()
            {}
        });
        let seen = until("somebody is busy", || {
            Ok(tell(&asked, &["status", "--json"])?
                .1
                .contains("\"busy\":1,"))
        });
        drop(stop);
        seen
    });
    seen?;
    until("nobody is busy", || {
        let (_, json) = tell(&asked, &["status", "--json"])?;
        Ok(json.contains("\"busy\":0,") && !json.contains("\"requests\":0,"))
    })
}

#[test]
fn the_page_of_mod_status_is_fetched() -> Result<()> {
    let asked = Asked::new(Kind::Ours, LISTEN)?;
    ensure!(tell(&asked, &["fullstatus"])? == (3, "httpd-rs is not running\n".to_owned()));
    tell(&asked, &["start"])?;
    let (code, text) = tell(&asked, &["fullstatus"])?;
    ensure!(
        code == 4 && text.contains("does not load mod_status"),
        "{code}: {text}"
    );
    tell(&asked, &["stop"])?;
    asked.write(&format!(
        "{LISTEN}\nLoadModule authz_core_module @MODULES@/mod_authz_core.so\n\
         LoadModule status_module @MODULES@/mod_status.so\n<Location /server-status>\n\
         SetHandler server-status\nRequire all granted\n</Location>"
    ))?;
    tell(&asked, &["start"])?;
    let mut text = String::new();
    until("the server tells where it listens", || {
        let (code, said) = tell(&asked, &["fullstatus"])?;
        text = said;
        Ok(code == 0)
    })?;
    ensure!(text.contains("\nServerMPM: event\n"), "{text}");
    let url = format!("http://127.0.0.1:{}/elsewhere", asked.ports[0]);
    let output = run(command(&asked, &["fullstatus"]).env("STATUSURL", url))?;
    let text = printed(&output);
    ensure!(text.contains("SetHandler server-status"), "{text}");
    Ok(())
}
