//! The text functions that modules call answer as Apache's do: a module calls each of them with
//! many inputs when the configuration is tested, and prints the results.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, ensure};
use httpd_tests::{
    host::{Kind, PREAMBLE, Place, fill, printed, run},
    modules::{compile, source},
};

/// What the module prints when `kind` tests a configuration that loads it.
fn results(kind: Kind, module: &Path) -> Result<Vec<String>> {
    let place = Place::new()?;
    let mpm = match kind {
        Kind::Apache => "LoadModule mpm_event_module @MODULES@/mod_mpm_event.so\n",
        Kind::Ours => "",
    };
    let configuration = format!(
        "{mpm}{PREAMBLE}LoadModule text_cases_module {}\nListen 127.0.0.1:1\n",
        module.display()
    );
    let file = place.path().join("conf/httpd.conf");
    fs::write(&file, fill(&configuration, place.path(), &[]))?;
    let output = run(Command::new(kind.program())
        .arg("-t")
        .arg("-d")
        .arg(place.path())
        .arg("-f")
        .arg(&file)
        .env("TZ", "Europe/Berlin"))?;
    ensure!(output.status.success(), "{kind:?}: {}", printed(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(str::to_owned).collect())
}

#[test]
fn text_functions_answer_as_apaches_do() -> Result<()> {
    let place = Place::new()?;
    let module = compile(&source("mod_text_cases.c"), place.path())?;
    let theirs = results(Kind::Apache, &module)?;
    let ours = results(Kind::under_test(), &module)?;
    ensure!(theirs.len() > 10_000, "{} results only", theirs.len());
    let mut case = "";
    for (theirs, ours) in theirs.iter().zip(&ours) {
        if theirs.starts_with("== ") {
            case = theirs;
        }
        ensure!(theirs == ours, "{case}\nApache: {theirs}\nours:   {ours}");
    }
    ensure!(
        theirs.len() == ours.len(),
        "{} results, not {}",
        ours.len(),
        theirs.len()
    );
    Ok(())
}
