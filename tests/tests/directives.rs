//! docs/directives.md says of every directive of the server where it may stand, whether it acts and which
//! tests show it; `-L` of both servers and the sources of the tests keep it true.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    compatibility,
    directives::{self, Directive},
    host::{Kind, workspace},
    mpm::Mpm,
};

/// A row of the table.
struct Row {
    module: String,
    allowed: String,
    effect: String,
    tests: Vec<String>,
}

/// The rows by directive, `<Name` for sections.
fn rows() -> Result<BTreeMap<String, Row>> {
    let text = fs::read_to_string(workspace().join("docs/directives.md"))?;
    let mut rows = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, module, allowed, effect, tests] = cells[..] else {
            anyhow::bail!("not five cells: {line}");
        };
        let name = name.trim_matches('`').trim_end_matches('>').to_owned();
        let row = Row {
            module: module.to_owned(),
            allowed: allowed.to_owned(),
            effect: effect.to_owned(),
            tests: tests
                .split(", ")
                .map(|test| test.trim_matches('`').to_owned())
                .collect(),
        };
        ensure!(rows.insert(name, row).is_none(), "twice: {line}");
    }
    Ok(rows)
}

/// The words of the table for those of `-L`.
fn in_short(allowed: &str) -> String {
    let places = if allowed.contains("only outside") {
        "server"
    } else if allowed.contains("only inside") {
        "directory"
    } else {
        "server, directory"
    };
    if !allowed.contains(".htaccess") {
        return places.to_owned();
    }
    let class = match allowed.split_once("when AllowOverride includes ") {
        Some((_, class)) => class,
        None => "any class",
    };
    format!("{places}, .htaccess ({class})")
}

/// The names of all functions below `directory` that are tests.
fn tests_below(directory: &Path, names: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            tests_below(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            for piece in text.split("#[test]\n").skip(1) {
                let name = piece
                    .split_once("fn ")
                    .and_then(|(_, rest)| rest.split('(').next());
                names.insert(name.context("a test without a name")?.to_owned());
            }
        }
    }
    Ok(())
}

fn sorted(mut list: Vec<Directive>) -> Vec<(String, String)> {
    list.sort_by(|left, right| left.name.cmp(&right.name));
    list.into_iter()
        .map(|directive| (directive.name, directive.allowed))
        .collect()
}

/// Directives that Apache does not have.
const OURS: [&str; 2] = ["ModuleCrashLimit", "ModuleExecution"];

/// The same names as Apache's, allowed in the same places.
#[test]
fn directives_are_those_of_apache() -> Result<()> {
    let mut count = 0;
    for mpm in Mpm::ALL {
        count += compared(mpm)?;
    }
    compatibility::behaves("core mpm_event mpm_worker mpm_prefork", count)
}

fn compared(mpm: Mpm) -> Result<usize> {
    let theirs = sorted(directives::known(Kind::Apache, mpm)?);
    let mut ours = sorted(directives::known(Kind::under_test(), mpm)?);
    ours.retain(|(name, _)| !OURS.contains(&&name[..]));
    let only = |one: &[(String, String)], other: &[(String, String)]| -> Vec<String> {
        let missing = one.iter().filter(|directive| !other.contains(directive));
        missing
            .map(|(name, allowed)| format!("{name}: {allowed}"))
            .collect()
    };
    ensure!(
        ours == theirs,
        "{mpm:?}: only here: {:#?}\nonly in Apache: {:#?}",
        only(&ours, &theirs),
        only(&theirs, &ours)
    );
    Ok(ours.len())
}

/// What the server knows under one MPM or another, each once, with the modules it is of.
fn known_with_any_mpm() -> Result<Vec<Directive>> {
    let mut known: Vec<Directive> = Vec::new();
    for mpm in Mpm::ALL {
        for directive in directives::known(Kind::Ours, mpm)? {
            match known.iter_mut().find(|seen| seen.name == directive.name) {
                Some(seen) if seen.module == directive.module => {}
                Some(seen) => seen.module += &format!(", {}", directive.module),
                None => known.push(directive),
            }
        }
    }
    Ok(known)
}

#[test]
fn directives_are_documented() -> Result<()> {
    let rows = rows()?;
    let known = known_with_any_mpm()?;
    let mut tests = BTreeSet::new();
    tests_below(&workspace().join("tests/tests"), &mut tests)?;
    let mut wrong = Vec::new();
    for directive in &known {
        let name = &directive.name;
        let Some(row) = rows.get(name) else {
            wrong.push(format!("{name} has no row"));
            continue;
        };
        if row.module != directive.module {
            wrong.push(format!(
                "{name} is of {}, not {}",
                directive.module, row.module
            ));
        }
        let allowed = in_short(&directive.allowed);
        if row.allowed.replacen("main server", "server", 1) != allowed {
            wrong.push(format!("{name}: {allowed}, not {}", row.allowed));
        }
        if row.effect.is_empty() {
            wrong.push(format!("{name}: what it does is not said"));
        }
        for test in &row.tests {
            if !tests.contains(test) {
                wrong.push(format!("{name}: there is no test {test}"));
            }
        }
    }
    for name in rows.keys() {
        if !known.iter().any(|directive| directive.name == *name) {
            wrong.push(format!("{name} has a row, but the server does not know it"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
