//! `-q` and `-g`.

mod common;

use std::process::Command;

use anyhow::{Result, ensure};
use common::Scratch;

#[test]
fn every_name_that_apxs_answers_is_answered() -> Result<()> {
    let scratch = Scratch::new()?;
    let stock = scratch.command(Command::new("/usr/bin/apxs").arg("-q"))?;
    ensure!(stock.good, "apache2-dev is not installed");
    let ours = scratch.good(&["-q"])?.answer;
    let names = stock.answer.lines().filter_map(|line| line.split_once('='));
    let old = [
        "TARGET",
        "LD_SHLIB",
        "CFLAGS_SHLIB",
        "LDFLAGS_SHLIB",
        "LIBS_SHLIB",
    ];
    let mut seen = 0;
    for (name, _) in names {
        ensure!(
            ours.lines()
                .any(|line| line.starts_with(&format!("{name}="))),
            "{name}"
        );
        scratch.good(&["-q", name])?;
        seen += 1;
    }
    ensure!(seen > 90, "{}", stock.answer);
    for name in old {
        scratch.good(&["-q", name])?;
    }
    Ok(())
}

#[test]
fn values_are_those_of_this_installation() -> Result<()> {
    let scratch = Scratch::new()?;
    let prefix = scratch.prefix().display().to_string();
    for (name, value) in [
        ("PREFIX", ""),
        ("INCLUDEDIR", "/include"),
        ("LIBEXECDIR", "/modules"),
        ("SYSCONFDIR", "/conf"),
        ("sbindir", "/bin"),
        ("exp_installbuilddir", "/build"),
    ] {
        let answer = scratch.good(&["-q", name])?.answer;
        ensure!(answer == format!("{prefix}{value}\n"), "{name}: {answer}");
    }
    let two = scratch.good(&["-q", "HTTPD_MMN", "TARGET"])?.answer;
    ensure!(two == "20120211;;httpd-rs\n", "{two}");
    let set = scratch
        .good(&["-S", "LIBEXECDIR=/else", "-q", "LIBEXECDIR"])?
        .answer;
    ensure!(set == "/else\n", "{set}");
    let run = scratch.run(&["-q", "NO_SUCH"])?;
    ensure!(!run.good && run.printed.contains("Invalid query string `NO_SUCH'"));
    let columns = scratch.good(&["-q", "-v"])?.answer;
    ensure!(
        columns.contains("\nHTTPD_MMN            = 20120211\n"),
        "{columns}"
    );
    Ok(())
}

#[test]
fn a_new_module_builds_here_and_with_apxs() -> Result<()> {
    let scratch = Scratch::new()?;
    scratch.good(&["-g", "-n", "fresh"])?;
    let make = |target: &[&str]| {
        scratch.command(
            Command::new("make")
                .args(["-C", "fresh", "FLAGS=-Wc,-Wall -Wc,-Werror"])
                .args(target),
        )
    };
    let run = make(&[])?;
    ensure!(run.good, "{}", run.printed);
    ensure!(scratch.file("fresh/.libs/mod_fresh.so").is_file());
    ensure!(scratch.file("fresh/README.md").is_file());
    std::fs::write(scratch.prefix().join("conf/httpd.conf"), "")?;
    let run = make(&["install"])?;
    ensure!(run.good, "{}", run.printed);
    ensure!(scratch.prefix().join("modules/mod_fresh.so").is_file());
    make(&["clean"])?;
    let run = make(&["APXS=/usr/bin/apxs", "FLAGS=-Wc,-Wall"])?;
    ensure!(run.good, "{}", run.printed);

    let run = scratch.run(&["-g", "-n", "fresh"])?;
    ensure!(
        !run.good && run.printed.contains("already exists"),
        "{}",
        run.printed
    );
    let run = scratch.run(&["-g", "-n", "no-good"])?;
    ensure!(
        !run.good && run.printed.contains("no-good"),
        "{}",
        run.printed
    );
    Ok(())
}
