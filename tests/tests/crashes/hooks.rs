//! `-D DUMP_HOOKS`.

use std::{collections::BTreeMap, fs, process::Command};

use anyhow::{Result, ensure};
use httpd_tests::{
    differential::load,
    host::{Kind, PREAMBLE, Place, fill, printed, run},
};

const MODULES: &str = "authz_core authz_host authn_core auth_basic authn_file authz_user alias \
                       rewrite dir mime autoindex deflate filter headers setenvif status proxy \
                       proxy_http ssl socache_shmcb reqtimeout include env expires";

/// The modules of each hook in running order, those that are loaded only.
type Order = BTreeMap<String, Vec<String>>;

fn print(kind: Kind, flags: &[&str]) -> Result<String> {
    let place = Place::new()?;
    let file = place.path().join("conf/httpd.conf");
    let mpm = match kind {
        Kind::Apache => "LoadModule mpm_event_module @MODULES@/mod_mpm_event.so\n",
        Kind::Ours => "",
    };
    let text = format!("{mpm}{PREAMBLE}Listen 127.0.0.1:1\n{}", load(MODULES));
    fs::write(&file, fill(&text, place.path(), &[]))?;
    let output = run(Command::new(kind.program())
        .env("SHOW_HOOKS", "1")
        .args(["-t", "-f"])
        .arg(&file)
        .args(flags))?;
    let text = printed(&output);
    ensure!(output.status.success(), "{text}");
    Ok(text)
}

/// Whether a module comes in a file of its own.
fn is_loaded(module: &str) -> bool {
    let name = module
        .strip_prefix("mod_")
        .and_then(|n| n.strip_suffix(".c"));
    name.is_some_and(|name| MODULES.split_whitespace().any(|loaded| loaded == name))
}

fn ours(text: &str) -> Order {
    let mut order = Order::new();
    let mut hook = "";
    let table = text.split("Hooks, in running order").nth(1).unwrap_or("");
    for line in table.lines().skip(1) {
        match line.strip_prefix("  ") {
            None => hook = line,
            Some(row) => {
                let module = row.split_whitespace().nth(1).unwrap_or("");
                if is_loaded(module) {
                    order.entry(hook.into()).or_default().push(module.into());
                }
            }
        }
    }
    order
}

/// What APR says when it sorts, the last time.
fn theirs(text: &str) -> Order {
    let mut order = Order::new();
    for line in text.lines() {
        let Some((hook, modules)) = line
            .strip_prefix("Sorting ")
            .and_then(|line| line.split_once(':'))
        else {
            continue;
        };
        let modules: Vec<String> = modules
            .split_whitespace()
            .filter(|module| is_loaded(module))
            .map(Into::into)
            .collect();
        if !modules.is_empty() {
            order.insert(hook.into(), modules);
        }
    }
    order
}

#[test]
fn hooks_are_listed_in_apaches_order() -> Result<()> {
    let text = print(Kind::Ours, &["-D", "DUMP_HOOKS"])?;
    let (ours, mut theirs) = (ours(&text), theirs(&print(Kind::Apache, &[])?));
    // Hooks of modules (proxy_handler, ...) are not the core's to list.
    theirs.retain(|hook, _| {
        ours.contains_key(hook) || !hook.contains('_') || hook.ends_with("_config")
    });
    theirs.retain(|hook, _| !matches!(&hook[..], "request_status" | "section_post_config"));
    ensure!(ours == theirs, "ours: {ours:#?}\ntheirs: {theirs:#?}");
    ensure!(ours.len() > 15, "{text}");
    Ok(())
}

#[test]
fn hooks_are_listed_with_order_and_file() -> Result<()> {
    let text = print(Kind::Ours, &["-D", "DUMP_HOOKS"])?;
    let has = |order: &str, module: &str, file: &str| {
        text.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words == [order, module, file]
        })
    };
    let rewrite = "/usr/lib/apache2/modules/mod_rewrite.so";
    ensure!(has("0", "mod_rewrite.c", rewrite), "{text}");
    ensure!(has("30", "core.c", "(static)"), "{text}");
    // Without -t too: nothing is served then.
    let place = Place::new()?;
    let file = place.path().join("conf/httpd.conf");
    let lines = format!("{PREAMBLE}Listen 127.0.0.1:1\n");
    fs::write(&file, fill(&lines, place.path(), &[]))?;
    let output = run(Command::new(Kind::Ours.program())
        .arg("-f")
        .arg(&file)
        .args(["-D", "DUMP_HOOKS"]))?;
    ensure!(
        printed(&output).contains("\nhandler\n"),
        "{}",
        printed(&output)
    );
    Ok(())
}
