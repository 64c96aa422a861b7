//! The directives that a server knows without modules, as its `-L` lists them.

use std::{fs, process::Command};

use anyhow::{Result, ensure};

use crate::{
    host::{Kind, Place, fill, printed, run},
    mpm::Mpm,
};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// `Timeout`, `<Directory`.
    pub name: String,
    /// The source file of its module: `core.c`.
    pub module: String,
    /// Where it may stand, in the words of `-L`.
    pub allowed: String,
}

/// What `kind` lists, with this MPM.
///
/// # Errors
/// When the server cannot be asked, or lists too few.
pub fn known(kind: Kind, mpm: Mpm) -> Result<Vec<Directive>> {
    let place = Place::new()?;
    let file = place.path().join("conf/httpd.conf");
    let text = format!(
        "ServerRoot \"@PLACE@\"\nServerName x\nErrorLog logs/error.log\nListen 127.0.0.1:1\n{}",
        mpm.load_line()
    );
    fs::write(&file, fill(&text, place.path(), &[]))?;
    let output = run(Command::new(kind.program()).arg("-L").arg("-f").arg(&file))?;
    let text = printed(&output);
    let mut list: Vec<Directive> = Vec::new();
    for line in text.lines() {
        if line.starts_with(char::is_whitespace) {
            // The help, then where it may stand, then what AllowOverride must say.
            let line = line.trim();
            if let Some(directive) = list.last_mut()
                && (line.starts_with("Allowed in") || line.starts_with("when AllowOverride"))
            {
                directive.allowed = format!("{} {line}", directive.allowed).trim().to_owned();
            }
        } else if let Some((name, module)) = line.split_once(" (")
            && let Some(module) = module.strip_suffix(')')
        {
            list.push(Directive {
                name: name.to_owned(),
                module: module.to_owned(),
                allowed: String::new(),
            });
        }
    }
    ensure!(list.len() > 120, "{} directives only: {text}", list.len());
    Ok(list)
}
