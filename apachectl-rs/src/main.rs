//! `apachectl-rs`: starts, stops and asks httpd-rs, with the words of Apache's apachectl.
//!
//! `arguments` reads the words, `program` calls the server's program, `pid_file` says whether it runs,
//! `status` what it does, `page` fetches the page of mod_status.

mod arguments;
mod page;
mod pid_file;
mod program;
mod status;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use arguments::{Arguments, Verb};
use pid_file::State;
use program::Program;

/// The exit code of what went wrong here, as LSB has it for `status` too: it cannot be told.
const UNKNOWN: u8 = 4;

fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("apachectl-rs: {error}\n{}", arguments::USAGE);
            return ExitCode::FAILURE;
        }
    };
    let code = program::with_envvars().and_then(|()| run(&arguments));
    code.unwrap_or_else(|error| {
        eprintln!("apachectl-rs: {error:#}");
        let asked = matches!(arguments.verb, Verb::Status | Verb::FullStatus);
        ExitCode::from(if asked { UNKNOWN } else { 1 })
    })
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let program = Program::new(&arguments.flags)?;
    match arguments.verb {
        Verb::Help => {
            print!("{}", arguments::USAGE);
            Ok(ExitCode::SUCCESS)
        }
        Verb::Start if !program.stays_in_foreground() => start(&program),
        Verb::Stop | Verb::GracefulStop => stop(&program, arguments),
        Verb::Status => status::show(&program, arguments.json),
        Verb::FullStatus => page::show(&program),
        Verb::Start | Verb::Restart | Verb::Graceful => {
            Err(program.become_it(&["-k", arguments.verb.word()]))
        }
        Verb::ConfigTest => Err(program.become_it(&["-t"])),
        Verb::PassOn => Err(program.become_it(&[])),
    }
}

/// How long a start may take, once the server has left the terminal.
const START: Duration = Duration::from_secs(30);

/// Starts the server, and comes back when it runs.
fn start(program: &Program) -> Result<ExitCode> {
    let code = program.run(&["-k", "start"])?;
    if code != 0 {
        return Ok(exit(code));
    }
    let Ok(file) = program.pid_file() else {
        return Ok(ExitCode::SUCCESS);
    };
    let begun = Instant::now();
    loop {
        match pid_file::state(&file) {
            State::Running(_) => return Ok(ExitCode::SUCCESS),
            State::Starting if begun.elapsed() < START => pause(),
            // It cannot be seen from here; the server itself has found nothing wrong.
            State::Unknown(_) => return Ok(ExitCode::SUCCESS),
            _ => bail!("the server has ended while it started: its error log says why"),
        }
    }
}

/// Stops the server, and comes back when it is gone: at once after a graceful stop, which may take as
/// long as a download, unless there is a time to wait.
fn stop(program: &Program, arguments: &Arguments) -> Result<ExitCode> {
    const USUAL: Duration = Duration::from_secs(60);
    let wait = match (arguments.verb, arguments.wait) {
        (_, Some(wait)) => wait,
        (Verb::Stop, None) => USUAL,
        _ => Duration::ZERO,
    };
    // Before: the server removes the file, and its configuration may be broken by then.
    let running = program
        .pid_file()
        .ok()
        .and_then(|file| match pid_file::settled_state(&file) {
            State::Running(pid) => Some((file, pid)),
            _ => None,
        });
    let code = program
        .run(&["-k", arguments.verb.word()])
        .context("the server's program")?;
    let Some((file, pid)) = running.filter(|_| code == 0 && !wait.is_zero()) else {
        return Ok(exit(code));
    };
    let begun = Instant::now();
    while pid_file::state(&file) == State::Running(pid) || pid_file::exists(pid) {
        if begun.elapsed() > wait {
            bail!(
                "the server (pid {pid}) still runs after {} seconds",
                wait.as_secs()
            );
        }
        pause();
    }
    Ok(ExitCode::SUCCESS)
}

fn exit(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}
