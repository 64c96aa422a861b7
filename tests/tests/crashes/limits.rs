//! ModuleCrashLimit: a module that crashes too often is disabled, or the server stops.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use httpd_tests::{
    host::{Host, Kind, PREAMBLE, Place, fill, printed, run, until},
    modules::{compile, source},
    site::Site,
};

use super::world::{World, configuration};

fn crash_three_times(world: &World, path: &str) -> Result<()> {
    for _ in 0..3 {
        world.crash(path)?;
    }
    until("the log says so", || {
        Ok(world.log().contains(
            "mod_crash.c has crashed 3 times within 60 seconds (ModuleCrashLimit): it is disabled. \
             Until the next restart",
        ))
    })
    .with_context(|| world.host.messages())
}

#[test]
fn a_disabled_modules_handlers_answer_503() -> Result<()> {
    let world = World::start("ModuleCrashLimit 3/60\n")?;
    ensure!(world.answers("/alive", 200)?.contains("alive"));
    crash_three_times(&world, "/handler/segv")?;
    world.answers("/alive", 503)?;
    // Its hooks are skipped: this one would crash.
    world.answers("/fixups/segv", 503)?;
    // What is none of its business goes on.
    ensure!(world.answers("/page.html", 200)? == "a page\n");
    // Under this name it has never answered; the file is not for clients all the same.
    ensure!(!world.answers("/script.txt", 503)?.contains("source"));
    // Until a restart.
    world.host.signal(libc::SIGUSR1);
    world.answers("/alive", 200)?;
    world.crash("/handler/segv").map(drop)
}

#[test]
fn a_disabled_modules_access_checks_refuse() -> Result<()> {
    let world = World::start_with("ModuleCrashLimit 3/60 disable\n", &["-DGUARDS"])?;
    ensure!(world.answers("/page.html", 200)? == "a page\n");
    crash_three_times(&world, "/access_checker/segv")?;
    ensure!(!world.answers("/page.html", 503)?.contains("a page"));
    Ok(())
}

#[test]
fn a_disabled_modules_filters_refuse_or_are_skipped() -> Result<()> {
    let world = World::start(
        "ModuleCrashLimit 3/60 disable\n\
         <Location \"/page.html\">\nSetOutputFilter CRASH_OUT\n</Location>\n",
    )?;
    ensure!(world.answers("/page.html", 200)? == "a page\n");
    crash_three_times(&world, "/output/segv")?;
    ensure!(!world.answers("/page.html", 503)?.contains("a page"));
    Ok(())
}

#[test]
fn children_start_without_a_disabled_module() -> Result<()> {
    let world = World::start("CrashIn child_init segv\nModuleCrashLimit 2/60 disable\n")?;
    ensure!(world.answers("/page.html", 200)? == "a page\n");
    world.answers("/alive", 503)?;
    ensure!(world.log().contains("mod_crash.c has crashed 2 times"));
    Ok(())
}

#[test]
fn a_server_may_stop_at_the_limit() -> Result<()> {
    let mut world = World::start("ModuleCrashLimit 2/60 stop\n")?;
    world.crash("/handler/segv")?;
    world.answers("/alive", 200)?;
    world.crash("/handler/abort")?;
    world.host.wait_for_end()?;
    let said =
        "mod_crash.c has crashed 2 times within 60 seconds (ModuleCrashLimit): the server stops";
    ensure!(world.log().contains(said), "{}", world.log());
    Ok(())
}

#[test]
fn a_server_whose_children_never_start_may_stop() -> Result<()> {
    let site = Site::new()?;
    let place = Place::new()?;
    compile(&source("mod_crash.c"), place.path())?;
    let lines = configuration(
        &site,
        "CrashIn child_init segv\nModuleCrashLimit 4/60 stop\n",
    );
    let text = match Host::start_in(Kind::Ours, place, &lines) {
        Err(error) => error.to_string(),
        Ok(mut host) => {
            host.wait_for_end()?;
            host.messages()
        }
    };
    ensure!(
        text.contains("(ModuleCrashLimit): the server stops"),
        "{text}"
    );
    Ok(())
}

#[test]
fn without_a_limit_nothing_is_disabled() -> Result<()> {
    for lines in ["", "ModuleCrashLimit 1/60 disable\nModuleCrashLimit off\n"] {
        let world = World::start(lines)?;
        for _ in 0..3 {
            world.crash("/handler/segv")?;
        }
        world.answers("/alive", 200)?;
        ensure!(!world.log().contains("ModuleCrashLimit"), "{}", world.log());
    }
    Ok(())
}

#[test]
fn wrong_limits_are_refused() -> Result<()> {
    for (lines, said) in [
        ("ModuleCrashLimit often\n", "crashes/seconds as in 10/60"),
        ("ModuleCrashLimit 0/5\n", "not \"0/5\""),
        ("ModuleCrashLimit 1/5 explode\n", "not \"explode\""),
        (
            "<VirtualHost *:1>\nModuleCrashLimit 1/5\n</VirtualHost>\n",
            "ModuleCrashLimit cannot occur within <VirtualHost> section",
        ),
    ] {
        let place = Place::new()?;
        let file = place.path().join("conf/httpd.conf");
        let text = format!("{PREAMBLE}Listen 127.0.0.1:1\n{lines}");
        std::fs::write(&file, fill(&text, place.path(), &[]))?;
        let output = run(Command::new(Kind::Ours.program())
            .arg("-t")
            .arg("-f")
            .arg(&file))?;
        let text = printed(&output);
        if output.status.success() || !text.contains(said) {
            bail!("{lines}: {text}");
        }
    }
    Ok(())
}
