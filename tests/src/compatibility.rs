//! What the tests have shown of each module. A test that passes leaves a record below the build
//! directory; `cargo run -p httpd-tests --bin compatibility` makes docs/compatibility.md of the
//! records and of `tests/data/differences.toml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::host::{built, workspace};

/// A known difference, as `tests/data/differences.toml` states it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    /// The module's name without `mod_`, or `core`.
    module: String,
    /// What differs.
    what: String,
    apache: String,
    ours: String,
    /// Why it does.
    why: String,
}

/// The whole of `tests/data/differences.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    difference: Vec<Difference>,
}

/// What the records say of one module.
#[derive(Default)]
struct Shown {
    package: String,
    loads: bool,
    cases: usize,
    /// The test modules that show it.
    families: BTreeSet<String>,
}

/// Records that the modules named, of `package`, load.
///
/// # Errors
/// When the record cannot be written.
pub fn loads(package: &str, modules: &str) -> Result<()> {
    let lines = modules
        .split_whitespace()
        .map(|module| format!("loads\t{module}\t{package}\n"));
    write_record("loads", modules, &lines.collect::<String>())
}

/// Records that `cases` cases of the running test have shown how the modules named behave.
///
/// # Errors
/// When the record cannot be written.
pub fn behaves(modules: &str, cases: usize) -> Result<()> {
    static SO_FAR: Mutex<BTreeMap<(String, String), usize>> = Mutex::new(BTreeMap::new());
    let test = test_name();
    // A test may compare several times, with several configurations.
    let cases = {
        let mut so_far = SO_FAR.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = so_far
            .entry((test.clone(), modules.to_owned()))
            .or_default();
        *sum += cases;
        *sum
    };
    let lines = modules
        .split_whitespace()
        .map(|module| format!("behaves\t{module}\t{cases}\t{test}\n"));
    write_record("behaves", modules, &lines.collect::<String>())
}

/// `family::name`; the test runner names the thread after the test.
fn test_name() -> String {
    let thread = std::thread::current();
    thread.name().unwrap_or("main").to_owned()
}

fn directory() -> PathBuf {
    let program = built("httpd-rs");
    program.with_file_name("what-tests-have-shown")
}

/// One file for each test, kind of record and set of modules, so that tests that run side by side do not meet and a
/// later run replaces an earlier one.
fn write_record(kind: &str, modules: &str, lines: &str) -> Result<()> {
    let test = test_name().replace("::", ".");
    let set: Vec<&str> = modules.split_whitespace().take(6).collect();
    fs::create_dir_all(directory())?;
    fs::write(
        directory().join(format!("{test}-{kind}-{}.tsv", set.join("+"))),
        lines,
    )
    .context("cannot write what the test has shown")
}

fn records() -> Result<BTreeMap<String, Shown>> {
    let mut modules: BTreeMap<String, Shown> = BTreeMap::new();
    let files = fs::read_dir(directory()).context("no records: run the tests first")?;
    for file in files {
        for line in fs::read_to_string(file?.path())?.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields[..] {
                ["loads", module, package] => {
                    let shown = modules.entry(module.to_owned()).or_default();
                    shown.loads = true;
                    shown.package = package.to_owned();
                }
                ["behaves", module, cases, test] => {
                    let shown = modules.entry(module.to_owned()).or_default();
                    shown.cases += cases.parse::<usize>()?;
                    let family = test.split("::").next().unwrap_or(test);
                    shown.families.insert(family.to_owned());
                }
                _ => ensure!(false, "a record that is none: {line}"),
            }
        }
    }
    Ok(modules)
}

/// The text of docs/compatibility.md.
///
/// # Errors
/// When the tests left no records, or the table of differences is malformed.
pub fn document() -> Result<String> {
    let table = workspace().join("tests/data/differences.toml");
    let Differences { difference } = toml::from_str(&fs::read_to_string(table)?)?;
    let modules = records()?;
    let mut text = String::from(HEAD);
    for known in &difference {
        let Difference {
            module,
            what,
            apache,
            ours,
            why,
        } = known;
        let _ = writeln!(text, "| {module} | {what} | {apache} | {ours} | {why} |");
    }
    text += MODULES;
    for (name, shown) in &modules {
        let behaves = match shown.cases {
            0 => "not compared".to_owned(),
            cases => {
                let families: Vec<&str> = shown.families.iter().map(String::as_str).collect();
                format!("{cases} cases: {}", families.join(", "))
            }
        };
        let differences = difference.iter().filter(|known| known.module == *name);
        let known: Vec<&str> = differences.map(|known| known.what.as_str()).collect();
        let loads = if shown.loads { "yes" } else { "built in" };
        let _ = writeln!(
            text,
            "| {name} | {} | {loads} | {behaves} | {} |",
            shown.package,
            known.join("; ")
        );
    }
    Ok(text)
}

const HEAD: &str = "\
# Compatibility with Apache 2.4

Made by `make test` from what its tests have shown, and from `tests/data/differences.toml`; do not
edit.

## Where httpd-rs differs, on purpose

Everything else that differs is a bug. The differential tests (`cargo nextest run -p httpd-tests
--test differential`) leave out `Date` and `Server` and compare the rest.

| module | what | Apache | httpd-rs | why |
| --- | --- | --- | --- | --- |
";

const MODULES: &str = "
## Modules

*Loads*: the binary that Debian built for Apache is opened, its directives are known and the
configuration test passes. *Behaves*: so many requests, or exchanges of another kind, were answered as
Apache answers them, in these tests.

| module | package | loads | behaves | known differences |
| --- | --- | --- | --- | --- |
";
