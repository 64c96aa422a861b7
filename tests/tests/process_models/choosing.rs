//! How a process model is chosen, and where that shows.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use anyhow::{Result, ensure};
use httpd_tests::{
    compatibility,
    host::{Kind, Place, fill, printed, run},
    modules::{compile, source},
    mpm::Mpm,
};

/// Runs a server on a configuration that begins with `lines`, with these arguments.
fn ask(kind: Kind, lines: &str, arguments: &[&str]) -> Result<Output> {
    let place = Place::new()?;
    let text = format!(
        "ServerRoot \"@PLACE@\"\nServerName x\nErrorLog logs/error.log\nListen 127.0.0.1:1\n{lines}\n\
         LoadModule authz_core_module @MODULES@/mod_authz_core.so\n"
    );
    let file: PathBuf = place.path().join("conf/httpd.conf");
    fs::write(&file, fill(&text, place.path(), &[]))?;
    run(Command::new(kind.program())
        .arg("-d")
        .arg(place.path())
        .arg("-f")
        .arg(&file)
        .args(arguments))
}

fn says(kind: Kind, lines: &str, arguments: &[&str]) -> Result<String> {
    Ok(printed(&ask(kind, lines, arguments)?))
}

/// The lines of `-V` about the MPM.
fn about_mpm(text: &str) -> Vec<String> {
    let words = ["Server MPM:", "threaded:", "forked:"];
    let lines = text
        .lines()
        .filter(|line| words.iter().any(|word| line.contains(word)));
    lines.map(str::to_owned).collect()
}

#[test]
fn settings_modules_and_run_time_are_listed_alike() -> Result<()> {
    for mpm in Mpm::ALL {
        let lines = mpm.load_line();
        let both = |arguments: &[&str]| -> Result<(String, String)> {
            Ok((
                says(Kind::under_test(), &lines, arguments)?,
                says(Kind::Apache, &lines, arguments)?,
            ))
        };
        let (ours, theirs) = both(&["-V"])?;
        ensure!(about_mpm(&theirs).len() == 3, "{theirs}");
        ensure!(about_mpm(&ours) == about_mpm(&theirs), "{ours}\n{theirs}");

        let (ours, theirs) = both(&["-M"])?;
        let modules = |text: &str| -> Vec<String> {
            // What is shared there is part of the server here.
            let lines = text
                .lines()
                .map(|line| line.replace("(shared)", "(static)"));
            let mut lines: Vec<String> = lines.collect();
            lines.sort();
            lines
        };
        ensure!(modules(&ours) == modules(&theirs), "{ours}\n{theirs}");
        ensure!(ours.contains(&format!("mpm_{}_module", mpm.name())));

        let (ours, theirs) = both(&["-t", "-DDUMP_RUN_CFG"])?;
        let settings = |text: &str| -> Vec<String> {
            let mut lines: Vec<String> = text
                .lines()
                .filter(|line| !line.contains("/httpd-test-") && !line.starts_with("PidFile: "))
                .map(str::to_owned)
                .collect();
            lines.sort();
            lines
        };
        ensure!(settings(&ours) == settings(&theirs), "{ours}\n{theirs}");
    }
    compatibility::behaves("core mpm_event mpm_worker mpm_prefork", 9)
}

/// The accept mutex of worker and prefork may be named, though none is needed here.
#[test]
fn the_accept_mutex_may_be_named() -> Result<()> {
    for mpm in Mpm::ALL {
        let lines = mpm.load_line() + "DefaultRuntimeDir run\nMutex file:run mpm-accept";
        let accepts = |kind| -> Result<bool> { Ok(ask(kind, &lines, &["-t"])?.status.success()) };
        let (ours, theirs) = (accepts(Kind::under_test())?, accepts(Kind::Apache)?);
        ensure!(ours == theirs, "{mpm:?}: ours {ours}, apache {theirs}");
        ensure!(ours == (mpm != Mpm::Event));
    }
    compatibility::behaves("core mpm_event mpm_worker mpm_prefork", 3)
}

/// Each way of choosing, and all that shows what was chosen. Not Apache's: there only LoadModule chooses.
#[test]
fn models_are_chosen_in_four_ways() -> Result<()> {
    for mpm in Mpm::ALL {
        let name = mpm.name();
        let (define, value, option) = (
            format!("Define MPM {name}\n"),
            format!("MPM={name}"),
            format!("--mpm={name}"),
        );
        let load = mpm.load_line();
        let ways: [(&str, &[&str]); 5] = [
            (&load, &[]),
            (&define, &[]),
            ("", &["-D", &value]),
            ("", &["--mpm", name]),
            ("", &[&option]),
        ];
        for (lines, arguments) in ways {
            let with = |flags: &[&str]| says(Kind::Ours, lines, &[arguments, flags].concat());
            let context = format!("{name} by {lines:?} {arguments:?}");
            let settings = with(&["-V"])?;
            ensure!(
                settings.contains(&format!("Server MPM:     {name}\n")),
                "{context}: {settings}"
            );
            let listed = with(&["-l"])?;
            ensure!(
                listed.contains(&format!("  {name}.c\n")),
                "{context}: {listed}"
            );
            let modules = with(&["-M"])?;
            for other in Mpm::ALL {
                let listed = modules.contains(&format!("mpm_{}_module", other.name()));
                ensure!(listed == (other == mpm), "{context}: {modules}");
            }
            let directives = with(&["-L"])?;
            let has = |directive: &str| directives.contains(&format!("\n{directive} ("));
            ensure!(has("ThreadsPerChild") == mpm.is_threaded(), "{context}");
            ensure!(has("MinSpareServers") == (mpm == Mpm::Prefork), "{context}");
            ensure!(
                has("AsyncRequestWorkerFactor") == (mpm == Mpm::Event),
                "{context}"
            );
            let verdict = with(&["-t"])?;
            ensure!(verdict.contains("Syntax OK"), "{context}: {verdict}");
        }
    }
    Ok(())
}

/// The command line goes before the configuration, which is told.
#[test]
fn the_command_line_overrules_the_configuration() -> Result<()> {
    let lines = Mpm::Worker.load_line();
    let output = ask(
        Kind::Ours,
        &lines,
        &["--mpm", "prefork", "-t", "-e", "info"],
    )?;
    let said = printed(&output);
    ensure!(
        output.status.success() && said.contains("the command line has chosen the prefork MPM"),
        "{said}"
    );
    let said = says(Kind::Ours, &lines, &["--mpm", "prefork", "-V"])?;
    ensure!(said.contains("Server MPM:     prefork\n"), "{said}");
    // Not a conflict: it is said which one counts.
    let both = Mpm::Worker.load_line() + &Mpm::Event.load_line();
    let output = ask(Kind::Ours, &both, &["--mpm", "prefork", "-t"])?;
    ensure!(output.status.success(), "{}", printed(&output));
    let output = ask(Kind::Ours, "", &["--mpm", "winnt", "-t"])?;
    ensure!(!output.status.success());
    Ok(())
}

/// Two MPMs are refused; a file that is not there is no matter, where the module is part of the server.
#[test]
fn one_model_is_enough() -> Result<()> {
    for (one, other) in [
        (Mpm::Event, Mpm::Worker),
        (Mpm::Worker, Mpm::Prefork),
        (Mpm::Prefork, Mpm::Event),
    ] {
        let lines = one.load_line() + &other.load_line();
        for kind in [Kind::Apache, Kind::under_test()] {
            let output = ask(kind, &lines, &["-t"])?;
            let said = printed(&output);
            ensure!(
                output.status.code() == Some(1)
                    && said.contains("AH00534: ")
                    && said.contains("More than one MPM loaded."),
                "{kind:?}: {said}"
            );
        }
    }
    let twice = Mpm::Worker.load_line() + &Mpm::Worker.load_line();
    for kind in [Kind::Apache, Kind::under_test()] {
        let output = ask(kind, &twice, &["-t"])?;
        ensure!(output.status.success(), "{kind:?}: {}", printed(&output));
    }
    let gone = "LoadModule mpm_worker_module modules/none.so\n";
    let said = says(Kind::Ours, gone, &["-V"])?;
    ensure!(said.contains("Server MPM:     worker\n"), "{said}");
    compatibility::behaves("core mpm_event mpm_worker mpm_prefork", 7)
}

/// Not every module whose name begins as an MPM's is one (mpm_itk works beside prefork).
#[test]
fn a_module_may_be_named_like_a_model() -> Result<()> {
    let place = Place::new()?;
    let text = fs::read_to_string(source("mod_process_model.c"))?;
    let file = place.path().join("conf/mpm_beside.c");
    fs::write(&file, text.replace("process_model", "mpm_beside"))?;
    let module = compile(&file, place.path())?;
    let lines = format!(
        "{}LoadModule mpm_beside_module {}\n",
        Mpm::Prefork.load_line(),
        module.display()
    );
    for kind in [Kind::Apache, Kind::under_test()] {
        let said = says(kind, &lines, &["-M"])?;
        ensure!(
            said.contains("mpm_beside_module (shared)") && said.contains("mpm_prefork_module"),
            "{kind:?}: {said}"
        );
    }
    let other = "LoadModule mpm_motorz_module modules/mod_mpm_motorz.so";
    let said = says(Kind::Ours, other, &["-t"])?;
    ensure!(said.contains("load one of those instead"), "{said}");
    Ok(())
}

/// `<IfModule>` knows the module in force by its structure and by its source file.
#[test]
fn conditions_know_the_model() -> Result<()> {
    let mut count = 0;
    for mpm in Mpm::ALL {
        for asked in Mpm::ALL {
            let name = asked.name();
            for form in [
                format!("mpm_{name}_module"),
                format!("{name}.c"),
                format!("mod_mpm_{name}.c"),
                format!("mpm_{name}"),
                format!("!mpm_{name}_module"),
            ] {
                let lines = format!(
                    "{}<IfModule {form}>\nError \"it is there\"\n</IfModule>\n",
                    mpm.load_line()
                );
                let holds = |kind| -> Result<bool> {
                    let said = says(kind, &lines, &["-t"])?;
                    Ok(said.lines().any(|line| line == "it is there"))
                };
                let (ours, theirs) = (holds(Kind::under_test())?, holds(Kind::Apache)?);
                ensure!(
                    ours == theirs,
                    "{mpm:?} {form}: ours {ours}, apache {theirs}"
                );
                count += 1;
            }
        }
    }
    compatibility::behaves("core", count)
}

/// A directive of another model: which one has it is said, and that it may stand in a condition.
#[test]
fn directives_of_other_models_are_explained() -> Result<()> {
    for (mpm, directive, remedy) in [
        (
            Mpm::Event,
            "MinSpareServers 5",
            "MinSpareServers comes with the prefork MPM, and event is in use",
        ),
        (
            Mpm::Prefork,
            "threadsperchild 5",
            "threadsperchild comes with the MPMs event and worker, and prefork is in use",
        ),
        (
            Mpm::Worker,
            "AsyncRequestWorkerFactor 2",
            "AsyncRequestWorkerFactor comes with the event MPM, and worker is in use",
        ),
    ] {
        let lines = mpm.load_line() + directive;
        let said = says(Kind::Ours, &lines, &["-t"])?;
        ensure!(
            said.contains("Invalid command") && said.contains(&format!("help: {remedy}")),
            "{said}"
        );
        ensure!(said.contains("<IfModule mpm_"), "{said}");
    }
    Ok(())
}
