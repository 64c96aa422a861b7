//! apxs-rs: builds and installs modules for httpd-rs, and answers to apxs's flags, so that build
//! scripts made for Apache's apxs work with it. This file maps what was asked to the rooms.

#![forbid(unsafe_code)]

mod arguments;
mod compile;
mod install;
mod layout;
mod libtool;
mod link_check;
mod query;
mod scaffold;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;

use crate::{
    arguments::Arguments,
    layout::{Apr, Layout},
    query::{HTTPD_VERSION, MAGIC, Variables},
};

const USAGE: &str = "\
Usage: apxs-rs -g [-S <var>=<val>] -n <modname>
       apxs-rs -q [-v] [-S <var>=<val>] [<query> ...]
       apxs-rs -c [-S <var>=<val>] [-o <dsofile>] [-D <name>[=<value>]]
                  [-I <incdir>] [-L <libdir>] [-l <libname>] [-Wc,<flags>]
                  [-Wl,<flags>] [-p] [-i [-a] [-A] [-n <modname>]] <files> ...
       apxs-rs -i [-S <var>=<val>] [-a] [-A] [-n <modname>] <dsofile> ...
       apxs-rs -e [-S <var>=<val>] [-a] [-A] [-n <modname>] <dsofile> ...
       apxs-rs -v | -h
";

fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            complain(&error);
            eprint!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match act(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn complain(error: &anyhow::Error) {
    for line in format!("{error:#}").lines() {
        eprintln!("apxs-rs:Error: {line}");
    }
}

fn act(arguments: &Arguments) -> Result<()> {
    if arguments.help {
        print!("{USAGE}");
        return Ok(());
    }
    if arguments.verbose && !arguments.query && !arguments.compile && !arguments.install {
        let version = env!("CARGO_PKG_VERSION");
        println!("apxs-rs {version} (Apache/{HTTPD_VERSION}, module magic number {MAGIC})");
        return Ok(());
    }
    if arguments.generate {
        return scaffold::generate(arguments.name.as_deref().unwrap_or_default());
    }
    let layout = Layout::find()?;
    let apr = Apr::find();
    let mut variables = Variables::of(&layout, &apr);
    for (name, value) in &arguments.settings {
        variables.set(name, value)?;
    }
    if arguments.query {
        if arguments.operands.is_empty() {
            print!("{}", variables.all(arguments.verbose));
        } else {
            println!("{}", variables.answer(&arguments.operands)?);
        }
        return Ok(());
    }
    let mut files: Vec<PathBuf> = arguments.operands.iter().map(PathBuf::from).collect();
    if arguments.compile {
        files = vec![compile::compile(arguments, &layout, &apr, &variables)?];
    }
    if arguments.install || arguments.edit {
        install::install(arguments, &variables, &files)?;
    }
    Ok(())
}
