//! What modules link to: every symbol of Apache's binary is one of ours, or docs/symbols.md says why
//! it is not.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result, ensure};
use httpd_tests::host::{Kind, workspace};
use object::{Object, ObjectSymbol};

/// The names a program defines for the modules it opens.
fn exported(program: &Path) -> Result<BTreeSet<String>> {
    let data = fs::read(program)?;
    let file = object::File::parse(&*data)?;
    let names = file
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition())
        .map(|symbol| Ok(symbol.name()?.to_owned()))
        .collect::<Result<BTreeSet<String>>>()?;
    ensure!(!names.is_empty(), "{} exports nothing", program.display());
    Ok(names)
}

/// The names and patterns in the first column of docs/symbols.md.
fn explained() -> Result<Vec<String>> {
    let text = fs::read_to_string(workspace().join("docs/symbols.md"))?;
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let mut names = Vec::new();
    for row in rows {
        let (symbols, reason) = row
            .trim_matches('|')
            .split_once('|')
            .context("a row has two columns")?;
        ensure!(!reason.trim().is_empty(), "no reason: {row}");
        names.extend(symbols.split(',').map(|name| name.trim().replace('`', "")));
    }
    Ok(names)
}

fn matches(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

#[test]
fn every_symbol_of_apache_is_exported_or_explained() -> Result<()> {
    let ours = exported(&Kind::Ours.program())?;
    let apaches: BTreeSet<String> = exported(&Kind::Apache.program())?
        .into_iter()
        // Names of APR and of the C runtime are those of libraries that modules have too.
        .filter(|name| name.starts_with("ap_") || name.contains("_module") || name.contains("mpm"))
        .collect();
    ensure!(apaches.len() > 900, "only {} symbols", apaches.len());
    let explained = explained()?;
    let absent: Vec<&String> = apaches.difference(&ours).collect();
    let unexplained: Vec<_> = absent
        .iter()
        .filter(|name| !explained.iter().any(|pattern| matches(name, pattern)))
        .collect();
    ensure!(
        unexplained.is_empty(),
        "neither exported nor explained: {unexplained:?}"
    );
    let wrong: Vec<_> = explained
        .iter()
        .filter(|pattern| !absent.iter().any(|name| matches(name, pattern)))
        .collect();
    ensure!(wrong.is_empty(), "said to be absent, and is not: {wrong:?}");
    Ok(())
}
