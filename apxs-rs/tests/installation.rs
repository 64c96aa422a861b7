//! What `make install` leaves, and what third-party makefiles and `apachectl-rs` do with it.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use common::{Scratch, c_module};

fn tree() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("a workspace")
}

/// Where cargo puts programs.
fn built() -> Result<&'static Path> {
    let program = Path::new(env!("CARGO_BIN_EXE_apxs-rs"));
    program.parent().context("a directory")
}

/// Installs what cargo built for this test.
fn install(scratch: &Scratch, variables: &[(&str, &str)]) -> Result<PathBuf> {
    let prefix = scratch.file("installed");
    let mut command = Command::new(tree()?.join("scripts/install.sh"));
    command
        .arg(&prefix)
        .env("BUILT", built()?)
        .envs(variables.iter().copied());
    let run = scratch.command(&mut command)?;
    ensure!(run.good, "{}", run.printed);
    Ok(prefix)
}

#[test]
fn an_installation_is_complete_and_keeps_what_was_changed() -> Result<()> {
    let scratch = Scratch::new()?;
    let prefix = install(&scratch, &[("PORT", "18181"), ("MODULES", "/some/modules")])?;
    for file in [
        "bin/httpd-rs",
        "bin/apxs-rs",
        "bin/apachectl-rs",
        "build/rules.mk",
        "build/special.mk",
        "build/instdso.sh",
        "build/config_vars.mk",
        "conf/mime.types",
        "htdocs/index.html",
        "include/httpd.h",
        "lib/systemd/system/httpd-rs.service",
        "lib/systemd/system/httpd-rs.socket",
    ] {
        ensure!(prefix.join(file).is_file(), "no {file}");
    }
    ensure!(prefix.join("logs").is_dir() && prefix.join("modules").is_dir());
    let configuration = prefix.join("conf/httpd.conf");
    let text = fs::read_to_string(&configuration)?;
    ensure!(
        text.contains("\nListen 18181\n") && text.contains("\"/some/modules\""),
        "{text}"
    );
    let open = text
        .lines()
        .find(|line| !line.starts_with('#') && line.contains('@'));
    ensure!(open.is_none(), "{open:?}");

    fs::write(&configuration, "# mine\n")?;
    install(&scratch, &[])?;
    ensure!(fs::read_to_string(&configuration)? == "# mine\n");
    Ok(())
}

#[test]
fn makefiles_made_for_apaches_build_directory_work() -> Result<()> {
    let scratch = Scratch::new()?;
    let prefix = install(&scratch, &[])?;
    scratch.write("mod_x.c", &c_module(""))?;
    scratch.write(
        "modules.mk",
        "mod_x.la: mod_x.slo\n\t$(SH_LINK) -rpath $(libexecdir) -module -avoid-version mod_x.lo\n\
         shared = mod_x.la\n",
    )?;
    let build = prefix.display();
    scratch.write(
        "Makefile",
        &format!(
            "builddir=.\ntop_srcdir={build}\ntop_builddir={build}\n\
             include {build}/build/special.mk\nall: local-shared-build\n\
             install: install-modules-yes\n"
        ),
    )?;
    for target in ["all", "install"] {
        let run = scratch.command(Command::new("make").arg(target))?;
        ensure!(run.good, "{target}: {}", run.printed);
    }
    ensure!(prefix.join("modules/mod_x.so").is_file());
    Ok(())
}

#[test]
fn apachectl_hands_its_words_to_the_server() -> Result<()> {
    let scratch = Scratch::new()?;
    for (words, expected) in [
        (&["start"][..], "-X -k start"),
        (&["graceful-stop"], "-X -k graceful-stop"),
        (&["restart", "-f", "a b"], "-X -k restart -f a b"),
        (&["configtest"], "-X -t"),
        (&["-S"], "-X -S"),
    ] {
        let mut command = Command::new(built()?.join("apachectl-rs"));
        command
            .args(words)
            .env("HTTPD", "echo")
            .env("OPTIONS", "-X");
        let run = scratch.command(&mut command)?;
        ensure!(
            run.answer.trim_end() == expected,
            "{words:?}: {}",
            run.printed
        );
    }
    let mut command = Command::new(built()?.join("apachectl-rs"));
    let run = scratch.command(command.arg("status").env("HTTPD", "true"))?;
    ensure!(
        !run.good && run.printed.contains("cannot tell which pid file"),
        "{}",
        run.printed
    );
    Ok(())
}
