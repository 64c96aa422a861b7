//! Whether a server runs: the pid file, its lock, and what `-k` makes of both.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Stdio},
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    asked::Asked,
    host::{Kind, printed, until},
};

const LISTEN: &str = "Listen 127.0.0.1:@PORT@";

fn is_apache() -> bool {
    Kind::under_test() == Kind::Apache
}

/// What `-k` says and answers when no server runs, and when one does, is the same as Apache's.
#[test]
fn messages_and_exit_codes_are_those_of_apache() -> Result<()> {
    let mut seen = Vec::new();
    for kind in [Kind::Apache, Kind::under_test()] {
        let asked = Asked::new(kind, LISTEN)?;
        let file = asked.place.path().join("run/httpd.pid");
        let mut said = Vec::new();
        for signal in ["stop", "graceful-stop"] {
            said.push(asked.plain(&["-k", signal])?);
        }
        // The number of a process that is gone.
        let mut gone = std::process::Command::new("true").spawn()?;
        gone.wait()?;
        fs::write(&file, format!("{}\n", gone.id()))?;
        for signal in ["stop", "graceful-stop"] {
            let (code, lines) = asked.plain(&["-k", signal])?;
            let lines = lines
                .iter()
                .map(|line| line.replace(&gone.id().to_string(), "PID"));
            said.push((code, lines.collect()));
        }
        // A restart of nothing is a start.
        let (code, mut lines) = asked.plain(&["-k", "restart"])?;
        // Apache's buffer is written by both processes when it leaves the terminal.
        lines.dedup();
        said.push((code, lines));
        until("it runs", || {
            Ok(asked.listens() && asked.pid().is_some_and(|pid| pid != gone.id() as i32))
        })?;
        let pid = asked.pid().context("a number")?.to_string();
        let (code, lines) = asked.plain(&["-k", "start"])?;
        let lines = lines.iter().map(|line| line.replace(&pid, "PID"));
        said.push((code, lines.collect()));
        for signal in ["graceful", "stop"] {
            said.push(asked.plain(&["-k", signal])?);
        }
        until("its file is gone", || Ok(asked.pid().is_none()))?;
        seen.push(said);
    }
    ensure!(
        seen[0] == seen[1],
        "Apache: {:#?}\nhere: {:#?}",
        seen[0],
        seen[1]
    );
    Ok(())
}

/// Makes something that is no pid file.
fn spoil(how: &str, file: &Path) -> Result<()> {
    match how {
        "empty" => fs::write(file, "")?,
        "binary" => fs::write(file, [0, 159, 146, 150, 10])?,
        "huge" => fs::write(file, vec![b'1'; 5_000_000])?,
        "a directory" => fs::create_dir(file)?,
        "a full directory" => fs::create_dir_all(file.join("within"))?,
        "a link" => symlink("/etc/hostname", file)?,
        "a pipe" => {
            let name = std::ffi::CString::new(file.as_os_str().as_encoded_bytes())?;
            // SAFETY: a plain system call with a string.
            ensure!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) } == 0);
        }
        _ => {
            use std::os::unix::fs::PermissionsExt;
            fs::write(file, "x")?;
            fs::set_permissions(file, fs::Permissions::from_mode(0o000))?;
        }
    }
    Ok(())
}

#[test]
fn whatever_is_no_pid_file_is_replaced_with_a_notice() -> Result<()> {
    if is_apache() {
        // "Error retrieving pid file": it does not start.
        return Ok(());
    }
    let before = fs::read("/etc/hostname")?;
    for how in [
        "empty",
        "binary",
        "huge",
        "a directory",
        "a full directory",
        "a link",
        "a pipe",
        "unreadable",
    ] {
        let asked = Asked::new(Kind::Ours, LISTEN)?;
        let file = asked.place.path().join("run/httpd.pid");
        spoil(how, &file)?;
        let stop = asked.says(&["-k", "stop"])?;
        ensure!(stop.contains("not running"), "{how}: {stop}");
        let start = asked.ask(&["-k", "start"])?;
        ensure!(start.status.success(), "{how}: {}", printed(&start));
        until("it runs", || Ok(asked.listens() && asked.pid().is_some()))
            .with_context(|| format!("{how}: {}", asked.place.read("logs/error.log")))?;
        until("the notice is logged", || {
            let log = asked.place.read("logs/error.log");
            let notice = "overwritten -- Unclean shutdown of previous Apache run? It was a";
            Ok(log.contains(notice))
        })
        .context(how)?;
        ensure!(
            fs::symlink_metadata(&file)?.is_file(),
            "{how}: it is no file of its own"
        );
    }
    ensure!(fs::read("/etc/hostname")? == before);
    Ok(())
}

/// A start beside a running server changes nothing: neither with `-k start` nor without.
#[test]
fn a_second_start_names_the_first() -> Result<()> {
    if is_apache() {
        // It only finds the port in use.
        return Ok(());
    }
    let asked = Asked::new(Kind::Ours, LISTEN)?;
    asked.ask(&["-k", "start"])?;
    until("it runs", || Ok(asked.listens() && asked.pid().is_some()))?;
    let pid = asked.pid().context("a number")?;
    let text = format!("httpd (pid {pid}) already running");
    for flags in [&[][..], &["-DFOREGROUND"], &["-X"]] {
        let output = asked.ask(flags)?;
        let said = printed(&output);
        ensure!(said.contains(&text), "{flags:?}: {said}");
        ensure!(output.status.code() == Some(1), "{flags:?}");
    }
    ensure!(asked.pid() == Some(pid) && asked.listens());
    Ok(())
}

/// Of servers that are started at the same time one comes to run, and all others name it.
#[test]
fn one_of_several_starts_wins() -> Result<()> {
    if is_apache() {
        return Ok(());
    }
    for _ in 0..3 {
        let asked = Asked::new(Kind::Ours, LISTEN)?;
        let starts: Result<Vec<Child>> = (0..6)
            .map(|_| {
                let mut command = asked.command(&["-k", "start"]);
                command
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped());
                Ok(command.spawn()?)
            })
            .collect();
        let mut said = Vec::new();
        for start in starts? {
            let output = start.wait_with_output()?;
            ensure!(output.status.success(), "{}", printed(&output));
            said.push(printed(&output));
        }
        let pid = asked.pid().context("the others have waited for it")?;
        let named = format!("httpd (pid {pid}) already running\n");
        let silent = said.iter().filter(|text| text.is_empty()).count();
        let naming = said.iter().filter(|&text| *text == named).count();
        ensure!(silent == 1 && naming == 5, "{pid}: {said:?}");
        ensure!(asked.listens());
    }
    Ok(())
}

/// `-k stop` finds a server at every moment after `-k start` has come back.
#[test]
fn a_server_that_starts_can_be_stopped() -> Result<()> {
    if is_apache() {
        // Its start comes back before the pid file is there.
        return Ok(());
    }
    let asked = Asked::new(Kind::Ours, LISTEN)?;
    for round in 0..15 {
        ensure!(asked.says(&["-k", "start"])?.is_empty(), "{round}");
        let said = asked.says(&["-k", "stop"])?;
        ensure!(said.is_empty(), "{round}: {said}");
        until("it is gone", || {
            Ok(asked.pid().is_none() && !asked.listens())
        })?;
    }
    Ok(())
}

/// Whoever waits for a number in the file, and then asks, gets the server.
#[test]
fn a_file_with_a_number_is_locked() -> Result<()> {
    if is_apache() {
        return Ok(());
    }
    for _ in 0..8 {
        let asked = Asked::new(Kind::Ours, LISTEN)?;
        let mut server = asked
            .command(&["-DFOREGROUND"])
            .stdin(Stdio::null())
            .spawn()?;
        until("there is a number", || Ok(asked.pid().is_some()))?;
        let said = asked.says(&["-k", "stop"])?;
        ensure!(said.is_empty(), "{said}");
        ensure!(server.wait()?.success());
    }
    Ok(())
}

/// What fails to start leaves no pid file, and one of another server stays.
#[test]
fn a_failed_start_leaves_nothing() -> Result<()> {
    let asked = Asked::new(Kind::under_test(), LISTEN)?;
    let taken = std::net::TcpListener::bind(("127.0.0.1", asked.ports[0]))?;
    let output = asked.ask(&["-k", "start"])?;
    ensure!(!output.status.success());
    ensure!(!asked.place.path().join("run/httpd.pid").exists());
    drop(taken);
    if is_apache() {
        return Ok(());
    }
    // A file that another server has put in place of this one's.
    asked.ask(&["-k", "start"])?;
    until("it runs", || Ok(asked.listens() && asked.pid().is_some()))?;
    let file = asked.place.path().join("run/httpd.pid");
    let pid = asked.pid().context("a number")?;
    fs::remove_file(&file)?;
    fs::write(&file, "another's\n")?;
    // SAFETY: a plain system call on a process that was started here.
    unsafe { libc::kill(pid, libc::SIGTERM) };
    until("it is gone", || Ok(!asked.listens()))?;
    until("it has ended", || {
        Ok(!Path::new(&format!("/proc/{pid}/exe")).exists())
    })?;
    ensure!(fs::read_to_string(&file)? == "another's\n");
    Ok(())
}

/// A restart may name another pid file: the number moves there.
#[test]
fn a_restart_moves_the_file() -> Result<()> {
    if is_apache() {
        return Ok(());
    }
    let asked = Asked::new(Kind::Ours, LISTEN)?;
    asked.ask(&["-k", "start"])?;
    until("it runs", || Ok(asked.listens() && asked.pid().is_some()))?;
    let pid = asked.pid().context("a number")?;
    asked.write(&format!("{LISTEN}\nPidFile run/other.pid"))?;
    // SAFETY: a plain system call on a process that was started here.
    unsafe { libc::kill(pid, libc::SIGUSR1) };
    until("the number is in the other file", || {
        Ok(asked.place.read("run/other.pid") == format!("{pid}\n"))
    })?;
    until("the first is gone", || Ok(asked.pid().is_none()))?;
    let said = asked.says(&["-k", "start"])?;
    ensure!(
        said == format!("httpd (pid {pid}) already running\n"),
        "{said}"
    );
    ensure!(asked.says(&["-k", "stop"])?.is_empty());
    until("both are gone", || {
        Ok(asked.place.read("run/other.pid").is_empty() && !asked.listens())
    })
}
