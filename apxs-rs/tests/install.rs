//! `-i`, `-e`, `-a` and `-A` into a scratch PREFIX.

mod common;

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use anyhow::{Result, ensure};
use common::{Scratch, c_module};

const CONFIGURATION: &str = "Listen 80\nLoadModule a_module modules/mod_a.so\nServerName x\n";

#[test]
fn compile_install_and_activate_in_one_go() -> Result<()> {
    let scratch = Scratch::new()?;
    let configuration = scratch.prefix().join("conf/httpd.conf");
    fs::write(&configuration, CONFIGURATION)?;
    // The name is in the module, whatever the file is called.
    scratch.write("mod_file.c", &c_module(""))?;
    scratch.good(&["-c", "-i", "-a", "mod_file.c"])?;
    let installed = scratch.prefix().join("modules/mod_file.so");
    ensure!(fs::metadata(&installed)?.permissions().mode() & 0o777 == 0o644);
    let line = "LoadModule x_module           modules/mod_file.so\n";
    let expected = CONFIGURATION.replace("ServerName", &format!("{line}ServerName"));
    ensure!(fs::read_to_string(&configuration)? == expected);
    ensure!(fs::read_to_string(configuration.with_extension("conf.bak"))? == CONFIGURATION);

    scratch.good(&["-cia", "mod_file.c"])?;
    ensure!(
        fs::read_to_string(&configuration)? == expected,
        "a second time adds nothing"
    );
    Ok(())
}

#[test]
fn an_installed_file_is_replaced_and_never_overwritten() -> Result<()> {
    let scratch = Scratch::new()?;
    scratch.write("mod_x.c", &c_module(""))?;
    scratch.good(&["-c", "-i", "mod_x.c"])?;
    let installed = scratch.prefix().join("modules/mod_x.so");
    // As a running server does, by its mapping.
    let held = fs::File::open(&installed)?;
    let before = fs::read(&installed)?;
    scratch.write("mod_x.c", &c_module("int more(void) { return 1; }"))?;
    scratch.good(&["-c", "mod_x.c"])?;
    scratch.good(&["-i", "mod_x.la"])?;
    ensure!(held.metadata()?.ino() != fs::metadata(&installed)?.ino());
    ensure!(held.metadata()?.len() == before.len() as u64);
    ensure!(fs::read(&installed)? != before);
    let names = fs::read_dir(scratch.prefix().join("modules"))?.count();
    ensure!(names == 1, "something is left over");
    Ok(())
}

#[test]
fn lines_are_commented_in_and_out_without_installing() -> Result<()> {
    let scratch = Scratch::new()?;
    let configuration = scratch.prefix().join("conf/httpd.conf");
    fs::write(&configuration, CONFIGURATION)?;
    scratch.good(&["-e", "-A", "-n", "greet", "mod_greet.so"])?;
    let line = "LoadModule greet_module       modules/mod_greet.so\n";
    ensure!(fs::read_to_string(&configuration)?.contains(&format!("\n#{line}")));
    scratch.good(&["-e", "-a", "-n", "greet", "mod_greet.so"])?;
    let text = fs::read_to_string(&configuration)?;
    ensure!(
        text.contains(&format!("\n{line}")) && !text.contains('#'),
        "{text}"
    );
    ensure!(!scratch.prefix().join("modules").exists());
    Ok(())
}

#[test]
fn other_directories_are_named_in_full() -> Result<()> {
    let scratch = Scratch::new()?;
    let elsewhere = scratch.file("elsewhere");
    fs::create_dir(&elsewhere)?;
    fs::write(elsewhere.join("httpd.conf"), "")?;
    scratch.write("mod_x.c", &c_module(""))?;
    let modules = format!("LIBEXECDIR={}", elsewhere.display());
    let configuration = format!("SYSCONFDIR={}", elsewhere.display());
    scratch.good(&[
        "-S",
        &modules,
        "-S",
        &configuration,
        "-c",
        "-i",
        "-a",
        "mod_x.c",
    ])?;
    let text = fs::read_to_string(elsewhere.join("httpd.conf"))?;
    let path = elsewhere.join("mod_x.so");
    ensure!(
        path.is_file() && text.ends_with(&format!(" {}\n", path.display())),
        "{text}"
    );
    let run = scratch.run(&["-e", "-a", "-n", "x", "mod_x.so"])?;
    ensure!(
        !run.good && run.printed.contains("conf/httpd.conf not found"),
        "{}",
        run.printed
    );
    Ok(())
}
