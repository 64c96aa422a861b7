//! Other people's modules for tests: Debian's packages, unpacked into a cache by
//! `scripts/fetch-module-packages.sh`. Nothing of them is installed, so a server that loads one is
//! started with the path of the libraries that it needs.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Result, ensure};

use crate::{
    differential::{Case, compare_under},
    host::{Host, Kind, Place, fill, printed, run, workspace},
    mpm::Mpm,
};

/// The directory below which the packages' files are, as `usr/lib/apache2/modules/mod_x.so`.
///
/// # Errors
/// When they cannot be fetched.
pub fn unpacked() -> Result<PathBuf> {
    let script = workspace().join("scripts/fetch-module-packages.sh");
    let output = run(&mut Command::new(script))?;
    ensure!(output.status.success(), "{}", printed(&output));
    let path = String::from_utf8(output.stdout)?;
    Ok(path.trim().into())
}

/// `@OTHERS@` in a configuration is the directory of `unpacked`, `@OTHER_MODULES@` that of modules
/// below it.
///
/// # Errors
/// As `unpacked`.
pub fn placed(configuration: &str) -> Result<String> {
    let root = unpacked()?.display().to_string();
    Ok(configuration
        .replace("@OTHER_MODULES@", "@OTHERS@/usr/lib/apache2/modules")
        .replace("@OTHERS@", &root))
}

/// What starts a server so that the modules find their libraries, and those of their languages:
/// `env` with settings.
///
/// # Errors
/// As `unpacked`.
pub fn wrapper() -> Result<[String; 5]> {
    // The last two are where an alternative is chosen when a package is configured.
    let directories = [
        "@OTHERS@/usr/lib/x86_64-linux-gnu",
        "@OTHERS@/lib/x86_64-linux-gnu",
        "@OTHERS@/usr/lib",
        "@OTHERS@/usr/lib/x86_64-linux-gnu/blas",
        "@OTHERS@/usr/lib/x86_64-linux-gnu/lapack",
    ];
    Ok([
        "env".to_owned(),
        placed(&format!("LD_LIBRARY_PATH={}", directories.join(":")))?,
        placed("PERL5LIB=@OTHERS@/usr/lib/x86_64-linux-gnu/perl5/5.36")?,
        placed("PYTHONPATH=@OTHERS@/usr/lib/python3/dist-packages")?,
        placed("NEKOPATH=@OTHERS@/usr/lib/x86_64-linux-gnu/neko")?,
    ])
}

/// Runs one of the packages' programs.
///
/// # Errors
/// When it fails: what it printed.
pub fn program(path: &str, arguments: &[&str]) -> Result<()> {
    let [env, settings @ ..] = wrapper()?;
    let output = run(Command::new(env)
        .args(settings)
        .arg(unpacked()?.join(path))
        .args(arguments))?;
    ensure!(output.status.success(), "{path}: {}", printed(&output));
    Ok(())
}

/// Checks a configuration with `-t -D DUMP_MODULES`: whether it is good, and what was printed.
///
/// # Errors
/// When the server cannot be run.
pub fn check(kind: Kind, lines: &str) -> Result<(bool, String)> {
    let place = Place::new()?;
    let file = place.path().join("conf/httpd.conf");
    let mpm = Mpm::under_test();
    let text = placed(&format!(
        "{}{}Listen 127.0.0.1:1\n{lines}",
        mpm.load(kind),
        mpm.preamble()
    ))?;
    fs::write(&file, fill(&text, place.path(), &[]))?;
    let [env, settings @ ..] = wrapper()?;
    let output = run(Command::new(env)
        .args(settings)
        .arg(kind.program())
        .arg("-d")
        .arg(place.path())
        .arg("-f")
        .arg(&file)
        .args(["-t", "-D", "DUMP_MODULES"]))?;
    Ok((output.status.success(), printed(&output)))
}

/// `Host::start` for a configuration with other people's modules.
///
/// # Errors
/// As `Host::start`.
pub fn start(kind: Kind, configuration: &str) -> Result<Host> {
    start_in(kind, Place::new()?, configuration)
}

/// `Host::start_in` for a configuration with other people's modules.
///
/// # Errors
/// As `Host::start`.
pub fn start_in(kind: Kind, place: Place, configuration: &str) -> Result<Host> {
    let wrapper = wrapper()?;
    let wrapper = wrapper.each_ref().map(String::as_str);
    Host::start_under(kind, place, &placed(configuration)?, &wrapper)
}

/// `differential::compare` for a configuration with other people's modules.
///
/// # Errors
/// As `compare`.
pub fn compare(modules: &str, configuration: &str, cases: &[Case]) -> Result<()> {
    let wrapper = wrapper()?;
    let wrapper = wrapper.each_ref().map(String::as_str);
    compare_under(modules, &placed(configuration)?, cases, &wrapper)
}
