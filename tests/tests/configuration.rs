//! The core's directives are accepted and refused here as under Apache: `-t` says the same about
//! each piece of `data/core-directives.conf`.
//!
//! `HOST_UNDER_TEST=apache` compares Apache with itself, which shows that the pieces hold still.

use std::{fs, process::Command};

use anyhow::{Result, ensure};
use httpd_tests::{
    compatibility, directives,
    host::{Kind, Place, fill, printed, run},
    mpm::Mpm,
};

/// What a server says about a piece of configuration, without what may differ: the program's name,
/// times, process ids, and what httpd-rs adds to an error (the line and a hint).
fn verdict(kind: Kind, place: &Place, piece: &str) -> Result<String> {
    let directory = place.path().display();
    let file = place.path().join("conf/httpd.conf");
    fs::create_dir_all(place.path().join("conf"))?;
    fs::create_dir_all(place.path().join("logs"))?;
    let mut text = format!(
        "ServerRoot \"{directory}\"\nDefaultRuntimeDir \"{directory}\"\nServerName x\n\
         Listen 127.0.0.1:1\n"
    );
    text += &Mpm::under_test().load_line();
    text += "LoadModule authz_core_module @MODULES@/mod_authz_core.so\n";
    text = fill(&text, place.path(), &[]);
    fs::write(&file, text + piece + "\n")?;
    let output = run(Command::new(kind.program()).arg("-f").arg(&file).arg("-t"))?;
    let lines: Vec<String> = printed(&output)
        .lines()
        .filter(|line| !is_addition(line))
        .map(|line| plain(line).replace(&directory.to_string(), "@PLACE@"))
        .collect();
    Ok(lines.join("\n"))
}

/// `   12 | <text>`, the carets below it, `help: ...`, and the closing word of a refused start.
fn is_addition(line: &str) -> bool {
    let shown = line
        .split_once('|')
        .is_some_and(|(number, _)| number.trim().chars().all(|digit| digit.is_ascii_digit()));
    shown || line.starts_with("help:") || line.starts_with("AH00014:")
}

/// A line of the log without time and process, a message without the program's name.
fn plain(line: &str) -> String {
    if let Some((_, rest)) = line.split_once("] [core:")
        && let Some((level, rest)) = rest.split_once(']')
        && let Some((_, message)) = rest.split_once("] ")
    {
        return format!("{level}: {message}");
    }
    match line.split_once(": ") {
        Some((program, rest)) if rest.starts_with("Syntax error") && !program.contains(' ') => {
            if program.starts_with("AH") {
                line.to_owned()
            } else {
                rest.to_owned()
            }
        }
        _ => line.to_owned(),
    }
}

/// Compares the pieces of one of three parts of the file, which run side by side.
fn judge(part: usize) -> Result<()> {
    let pieces = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/core-directives.conf"
    ))?;
    let (ours, theirs) = (Place::new()?, Place::new()?);
    let mut differences = String::new();
    let pieces: Vec<&str> = pieces.split("\n\n").skip(1).skip(part).step_by(3).collect();
    for piece in &pieces {
        let here = without_help(&verdict(Kind::under_test(), &ours, piece)?);
        let there = without_help(&verdict(Kind::Apache, &theirs, piece)?);
        if here != there {
            differences += &format!("{piece}\n--- here:\n{here}\n--- Apache:\n{there}\n\n");
        }
    }
    ensure!(differences.is_empty(), "{differences}");
    compatibility::behaves("core", pieces.len())
}

#[test]
fn the_core_directives_are_judged_alike() -> Result<()> {
    judge(0)
}

#[test]
fn more_core_directives_are_judged_alike() -> Result<()> {
    judge(1)
}

#[test]
fn yet_more_core_directives_are_judged_alike() -> Result<()> {
    judge(2)
}

/// Debian's packaged configuration, as it is, is good here too.
#[test]
fn debians_configuration_is_accepted_unchanged() -> Result<()> {
    let place = Place::new()?;
    let output = run(Command::new(Kind::under_test().program())
        .args(["-d", "/etc/apache2", "-f", "apache2.conf", "-t"])
        .env("APACHE_RUN_USER", "www-data")
        .env("APACHE_RUN_GROUP", "www-data")
        .env("APACHE_PID_FILE", place.path().join("run/apache2.pid"))
        .env("APACHE_RUN_DIR", place.path().join("run"))
        .env("APACHE_LOCK_DIR", place.path().join("run"))
        .env("APACHE_LOG_DIR", place.path().join("logs")))?;
    let text = printed(&output);
    ensure!(
        output.status.success() && text.contains("Syntax OK"),
        "{text}"
    );
    Ok(())
}

/// What is wrong with an expression is told when the configuration is tested, in the same words.
#[test]
fn malformed_expressions_are_refused_alike() -> Result<()> {
    let lines = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/malformed-expressions.txt"
    ))?;
    let (ours, theirs) = (Place::new()?, Place::new()?);
    let mut differences = String::new();
    let expressions: Vec<&str> = lines
        .lines()
        .skip_while(|line| line.starts_with("# "))
        .collect();
    for expression in &expressions {
        let quoted = expression.replace('\\', "\\\\").replace('"', "\\\"");
        let piece = format!("<If \"{quoted}\">\n</If>");
        let here = verdict(Kind::under_test(), &ours, &piece)?;
        let there = verdict(Kind::Apache, &theirs, &piece)?;
        if here != there {
            differences += &format!("{piece}\n--- here:\n{here}\n--- Apache:\n{there}\n\n");
        }
    }
    ensure!(differences.is_empty(), "{differences}");
    compatibility::behaves("core", expressions.len())
}

/// Compares how both servers judge every directive with these arguments, within `around`.
fn every_directive(arguments: &str, around: (&str, &str)) -> Result<()> {
    let (ours, theirs) = (Place::new()?, Place::new()?);
    let mut differences = String::new();
    let directives = directives::known(Kind::Apache, Mpm::under_test())?;
    for directive in &directives {
        let name = &directive.name;
        let piece = match name.strip_prefix('<') {
            Some(section) => format!(
                "{}<{section} {arguments}>\n</{section}>\n{}",
                around.0, around.1
            ),
            None => format!("{}{name} {arguments}\n{}", around.0, around.1),
        };
        let here = without_help(&verdict(Kind::under_test(), &ours, &piece)?);
        let there = without_help(&verdict(Kind::Apache, &theirs, &piece)?);
        if here != there && !refuses_what_is_no_number(&here) {
            differences += &format!("{piece}\n--- here:\n{here}\n--- Apache:\n{there}\n\n");
        }
    }
    ensure!(differences.is_empty(), "{differences}");
    compatibility::behaves("core", directives.len())
}

/// Where Apache takes a word for the number 0 (`data/differences.toml`).
fn refuses_what_is_no_number(verdict: &str) -> bool {
    [
        "not a whole number",
        "takes a whole number",
        "requires a non-negative integer",
        "argument must be a positive number",
    ]
    .iter()
    .any(|message| verdict.contains(message))
}

/// Without the words of help that follow the number of arguments: they are our own.
fn without_help(verdict: &str) -> String {
    let lines = verdict.lines().map(facts);
    let lines = lines.map(|line| {
        let line = line
            .as_str()
            .trim_start_matches("AH00543: ")
            .trim_start_matches("AH00544: ");
        let line = match line.split_once(": bad ") {
            Some((_, rest)) => rest,
            None => line,
        };
        let cut = ["argument, ", "arguments, "]
            .iter()
            .filter_map(|end| Some(line.find(end)? + end.len() - 2))
            .min();
        line[..cut.unwrap_or(line.len())].to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What an MPM says of numbers that do not fit together is in our words: its number and the values, in
/// their order, are Apache's.
fn facts(line: &str) -> String {
    match line.split_once(": WARNING: ") {
        Some((number, text)) if number.starts_with("AH") => {
            let values = text.split(|c: char| !(c.is_ascii_digit() || c == '-'));
            let values: Vec<&str> = values
                .filter(|value| value.parse::<i64>().is_ok())
                .collect();
            format!("{number}: {}", values.join(" "))
        }
        _ => line.to_owned(),
    }
}

#[test]
fn every_directive_without_arguments() -> Result<()> {
    every_directive("", ("", ""))
}

#[test]
fn every_directive_with_a_word() -> Result<()> {
    every_directive("nonsense", ("", ""))
}

#[test]
fn every_directive_with_a_number() -> Result<()> {
    every_directive("7", ("", ""))
}

#[test]
fn every_directive_with_on() -> Result<()> {
    every_directive("On", ("", ""))
}

#[test]
fn every_directive_with_many_words() -> Result<()> {
    every_directive("a b c d e", ("", ""))
}

#[test]
fn every_directive_in_a_virtual_host() -> Result<()> {
    every_directive("7", ("<VirtualHost *:80>\n", "</VirtualHost>"))
}

#[test]
fn every_directive_in_a_directory() -> Result<()> {
    every_directive("7", ("<Directory /x>\n", "</Directory>"))
}

#[test]
fn every_directive_in_files() -> Result<()> {
    every_directive("7", ("<Files x>\n", "</Files>"))
}

#[test]
fn every_directive_in_a_location() -> Result<()> {
    every_directive("On", ("<Location /x>\n", "</Location>"))
}

#[test]
fn every_directive_in_a_condition() -> Result<()> {
    every_directive("7", ("<If true>\n", "</If>"))
}

#[test]
fn every_directive_in_a_limit() -> Result<()> {
    every_directive(
        "7",
        ("<Location />\n<Limit GET>\n", "</Limit>\n</Location>"),
    )
}

/// Numbers that an MPM cannot take as they are: too small, too large, in contradiction.
const NUMBERS: [&str; 6] = ["0", "-3", "30000", "300000", "2000000000", "65"];

/// What the MPM under test says of each of its numbers, alone and beside others.
fn numbers_are_judged_alike() -> Result<()> {
    let (ours, theirs) = (Place::new()?, Place::new()?);
    let threads = "ServerLimit ThreadLimit ThreadsPerChild MaxRequestWorkers MaxClients StartServers \
        MinSpareThreads MaxSpareThreads";
    let processes = "ServerLimit MaxRequestWorkers MaxClients StartServers MinSpareServers \
        MaxSpareServers";
    let (names, combined) = if Mpm::under_test().is_threaded() {
        let combined = [
            "ThreadLimit 5\nThreadsPerChild 10\nMaxRequestWorkers 3",
            "ServerLimit 2\nThreadsPerChild 7\nMaxRequestWorkers 20",
            "MinSpareThreads 100\nMaxSpareThreads 10\nStartServers 99",
            "ServerLimit 0\nThreadLimit 0\nThreadsPerChild 0\nMaxRequestWorkers 0\nStartServers 0\n\
             MinSpareThreads 0",
            "ThreadsPerChild 64\nMaxRequestWorkers 400",
        ];
        (threads, combined.to_vec())
    } else {
        let combined = [
            "ServerLimit 5\nMaxRequestWorkers 6\nStartServers 7",
            "MinSpareServers 20\nMaxSpareServers 10",
            "ServerLimit 0\nMaxRequestWorkers 0\nStartServers 0\nMinSpareServers 0",
        ];
        (processes, combined.to_vec())
    };
    let mut pieces: Vec<String> = combined.iter().map(|&lines| lines.to_owned()).collect();
    for name in names.split(' ') {
        pieces.extend(NUMBERS.map(|number| format!("{name} {number}")));
    }
    for name in "MaxConnectionsPerChild MaxRequestsPerChild MaxMemFree ThreadStackSize \
        GracefulShutdownTimeout ListenBacklog ListenCoresBucketsRatio AsyncRequestWorkerFactor"
        .split(' ')
    {
        pieces.extend(["0", "-3", "7", "4000000000"].map(|number| format!("{name} {number}")));
    }
    let mut differences = String::new();
    for piece in &pieces {
        let here = without_help(&verdict(Kind::under_test(), &ours, piece)?);
        let there = without_help(&verdict(Kind::Apache, &theirs, piece)?);
        if here != there && !refuses_what_is_no_number(&here) {
            differences += &format!("{piece}\n--- here:\n{here}\n--- Apache:\n{there}\n\n");
        }
    }
    ensure!(differences.is_empty(), "{differences}");
    let module = format!("mpm_{}", Mpm::under_test().name());
    compatibility::behaves(&module, pieces.len())
}

mod event {
    use super::*;

    #[test]
    fn numbers_of_an_mpm() -> Result<()> {
        numbers_are_judged_alike()
    }
}

mod worker {
    use super::*;

    #[test]
    fn numbers_of_an_mpm() -> Result<()> {
        numbers_are_judged_alike()
    }

    #[test]
    fn every_directive_with_a_number() -> Result<()> {
        every_directive("7", ("", ""))
    }
}

mod prefork {
    use super::*;

    #[test]
    fn numbers_of_an_mpm() -> Result<()> {
        numbers_are_judged_alike()
    }

    #[test]
    fn every_directive_with_a_number() -> Result<()> {
        every_directive("7", ("", ""))
    }

    #[test]
    fn every_directive_with_a_word() -> Result<()> {
        every_directive("nonsense", ("", ""))
    }
}
