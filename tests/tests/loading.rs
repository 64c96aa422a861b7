//! LoadModule: what loads, and how each way of failing is told.

use std::{fs, process::Command};

use anyhow::{Result, ensure};
use httpd_tests::{
    client::get,
    compatibility,
    host::{APACHE_MODULES, Host, Kind, PREAMBLE, Place, fill, printed, run},
    modules::{compile, compile_with, source},
};

/// Checks a configuration with `-t`: whether it is good, and what was printed.
fn check(lines: &str, flags: &[&str]) -> Result<(bool, String)> {
    let place = Place::new()?;
    let file = place.path().join("conf/httpd.conf");
    fs::write(
        &file,
        fill(
            &format!("{PREAMBLE}Listen 127.0.0.1:1\n{lines}"),
            place.path(),
            &[],
        ),
    )?;
    let output = run(Command::new(Kind::Ours.program())
        .arg("-d")
        .arg(place.path())
        .arg("-f")
        .arg(&file)
        .arg("-t")
        .args(flags))?;
    Ok((output.status.success(), printed(&output)))
}

#[test]
fn a_c_module_compiles_loads_is_listed_and_serves() -> Result<()> {
    let place = Place::new()?;
    let object = compile(&source("mod_greet.c"), place.path())?;
    let load = format!("LoadModule greet_module {}\n", object.display());
    let (good, text) = check(&load, &["-D", "DUMP_MODULES"])?;
    ensure!(
        good && text.contains("\n greet_module (shared)\n"),
        "{text}"
    );
    ensure!(text.contains("\n core_module (static)\n"), "{text}");
    let host = Host::start(
        Kind::Ours,
        &format!(
            "{load}Listen 127.0.0.1:@PORT@\n<Location /greet>\nSetHandler greet\nRequire all \
             granted\n</Location>\n<Location /greet/loud>\nGreetWord HELLO\n</Location>\n"
        ),
    )?;
    let answer = get(host.port(), "/greet?you")?;
    ensure!(
        answer.text() == "Hello, you\n",
        "{answer:?}\n{}",
        host.messages()
    );
    ensure!(answer.field("X-Greet") == Some("seen"));
    ensure!(answer.field("Content-Type") == Some("text/plain"));
    ensure!(get(host.port(), "/greet/loud")?.text() == "HELLO, world\n");
    ensure!(
        host.messages().contains("[greet:info]"),
        "{}",
        host.messages()
    );
    Ok(())
}

/// Debian's modules, without the MPMs; those that others build on come first, because their symbols or
/// directives must be there.
fn stock_modules() -> Result<Vec<String>> {
    const FIRST: &[&str] = &[
        "proxy",
        "slotmem_shm",
        "proxy_balancer",
        "session",
        "dav",
        "cache",
        "ldap",
        "dbd",
    ];
    let listed = run(Command::new("dpkg-query").args(["-L", "apache2-bin"]))?;
    let listed = printed(&listed);
    let mut others: Vec<&str> = listed
        .lines()
        .filter_map(|path| path.strip_prefix(APACHE_MODULES)?.strip_prefix("/mod_"))
        .filter_map(|file| file.strip_suffix(".so"))
        .filter(|name| !name.starts_with("mpm_") && !FIRST.contains(name))
        .collect();
    others.sort_unstable();
    ensure!(others.len() > 100, "apache2-bin is not installed: {listed}");
    let all = FIRST.iter().copied().chain(others);
    Ok(all.map(str::to_owned).collect())
}

#[test]
fn every_stock_binary_loads_and_all_together() -> Result<()> {
    let modules = stock_modules()?;
    let lines = |name: &str| format!("LoadModule {name}_module @MODULES@/mod_{name}.so\n");
    for (position, name) in modules.iter().enumerate() {
        // What stands before the common ground of a family.
        let before: String = modules[..position.min(8)]
            .iter()
            .map(|name| lines(name))
            .collect();
        let (good, text) = check(&(before + &lines(name)), &["-D", "DUMP_MODULES"])?;
        ensure!(good, "{name}: {text}");
        ensure!(
            text.contains(&format!("\n {name}_module (shared)\n")),
            "{text}"
        );
    }
    let all: String = modules.iter().map(|name| lines(name)).collect();
    let (good, text) = check(&all, &["-D", "DUMP_MODULES"])?;
    ensure!(good, "{text}");
    ensure!(text.matches("(shared)").count() == modules.len(), "{text}");
    compatibility::loads("apache2-bin", &modules.join(" "))
}

#[test]
fn each_way_of_failing_has_its_own_message() -> Result<()> {
    let place = Place::new()?;
    let magic = compile_with(&source("mod_wrong_magic.c"), place.path(), &[]);
    ensure!(magic.is_err(), "apxs-rs passes a wrong magic number");
    let object = |name: &str| -> Result<String> {
        // Compiled without apxs-rs, which refuses such modules.
        let object = place.path().join(name).with_extension("so");
        let include = httpd_tests::host::workspace().join("include");
        let output = run(Command::new("cc")
            .args([
                "-shared",
                "-fPIC",
                "-DLINUX",
                "-D_REENTRANT",
                "-D_GNU_SOURCE",
            ])
            .arg("-I")
            .arg(include)
            .args(["-I", "/usr/include/apr-1.0", "-o"])
            .arg(&object)
            .arg(source(name)))?;
        ensure!(output.status.success(), "{}", printed(&output));
        Ok(object.display().to_string())
    };
    let magic = object("mod_wrong_magic.c")?;
    let undefined = object("mod_undefined.c")?;
    let nothing = object("not_a_module.c")?;
    for (lines, words) in [
        (
            "LoadModule x_module /no/such/file.so\n".to_owned(),
            &["/no/such/file.so", "No such file"][..],
        ),
        (
            format!("LoadModule x_module {nothing}\n"),
            &["x_module", "not_a_module.so"],
        ),
        (
            format!("LoadModule wrong_magic_module {magic}\n"),
            &["20990101", "20120211"],
        ),
        (
            format!("LoadModule undefined_module {undefined}\n"),
            &["ap_no_such_function"],
        ),
        (
            "LoadModule text_module /etc/passwd\n".to_owned(),
            &["/etc/passwd"],
        ),
    ] {
        let (good, text) = check(&lines, &[])?;
        ensure!(!good, "accepted: {lines}");
        for word in words.iter().chain(&["line ", "httpd.conf"]) {
            ensure!(text.contains(word), "no {word:?} in\n{text}");
        }
    }
    Ok(())
}

#[test]
fn loading_twice_or_what_is_built_in_warns_and_goes_on() -> Result<()> {
    let alias = "LoadModule alias_module @MODULES@/mod_alias.so\n";
    let (good, text) = check(&alias.repeat(2), &[])?;
    ensure!(
        good && text.contains("alias_module is already loaded"),
        "{text}"
    );
    let (good, text) = check(
        "LoadModule log_config_module modules/mod_log_config.so\n",
        &[],
    )?;
    ensure!(
        good && text.contains("log_config_module is built-in"),
        "{text}"
    );
    let (good, text) = check(
        "LoadModule mpm_event_module modules/mod_mpm_event.so\n",
        &[],
    )?;
    ensure!(good && text.contains("Syntax OK"), "{text}");
    Ok(())
}
