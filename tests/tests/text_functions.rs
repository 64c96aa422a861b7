//! The text functions that modules call answer as Apache's do: a module calls each of them with
//! many inputs when the configuration is tested, and prints the results.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, ensure};
use httpd_tests::{
    host::{Kind, Place, fill, printed, run},
    modules::{compile, source},
    mpm::Mpm,
};

/// What the module prints when `kind` tests a configuration that loads it.
fn results(kind: Kind, module: &Path) -> Result<Vec<String>> {
    let place = Place::new()?;
    let mpm = Mpm::under_test();
    let configuration = format!(
        "{}{}LoadModule text_cases_module {}\nListen 127.0.0.1:1\n",
        mpm.load(kind),
        mpm.preamble(),
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
