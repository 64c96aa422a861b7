//! The server's program, and what it says of its configuration.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Error, Result, bail};

/// Set when `envvars` has been read.
const READ: &str = "APACHECTL_RS_ENVVARS";

/// The server's program, with the flags it is called with.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    /// `OPTIONS`.
    options: Vec<OsString>,
    flags: Vec<OsString>,
}

fn own_directory() -> Result<PathBuf> {
    let own = std::env::current_exe().context("where this program is")?;
    Ok(own.parent().unwrap_or(Path::new("/")).to_owned())
}

/// Reads the shell's file `envvars` beside this program, when it is there: by a shell, which then
/// executes this program anew.
///
/// # Errors
/// When it is there and cannot be read.
pub fn with_envvars() -> Result<()> {
    let file = own_directory()?.join("envvars");
    if std::env::var_os(READ).is_some() || !file.exists() {
        return Ok(());
    }
    let error = Command::new("/bin/sh")
        .arg("-c")
        .arg("set -a; . \"$0\" || exit 1; exec \"$@\"")
        .arg(&file)
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(READ, "1")
        .exec();
    Err(error).with_context(|| format!("cannot read {}", file.display()))
}

impl Program {
    /// The one that `HTTPD` names, or the one beside this program.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(flags: &[OsString]) -> Result<Self> {
        let path = match std::env::var_os("HTTPD") {
            Some(path) => PathBuf::from(path),
            None => own_directory()?.join("httpd-rs"),
        };
        if path.components().count() > 1 && !path.is_file() {
            bail!("there is no {}", path.display());
        }
        let options = std::env::var("OPTIONS").unwrap_or_default();
        let options = options.split_whitespace().map(OsString::from);
        Ok(Self {
            path,
            options: options.collect(),
            flags: flags.to_vec(),
        })
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.options).args(more).args(&self.flags);
        command.env_remove(READ);
        command
    }

    /// All flags, in their order.
    fn given(&self) -> impl Iterator<Item = &OsString> {
        self.options.iter().chain(&self.flags)
    }

    /// Whether the flags keep the server on this terminal.
    pub fn stays_in_foreground(&self) -> bool {
        self.given().any(|flag| {
            let flag = flag.to_string_lossy();
            let name = flag.strip_prefix("-D").unwrap_or(&flag);
            flag == "-X" || ["FOREGROUND", "NO_DETACH", "DEBUG", "ONE_PROCESS"].contains(&name)
        })
    }

    /// Executes it in place of this program; only comes back when that fails.
    pub fn become_it(&self, more: &[&str]) -> Error {
        let error = Error::new(self.command(more).exec());
        error.context(format!("cannot run {}", self.path.display()))
    }

    /// Runs it to its end; its exit code.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn run(&self, more: &[&str]) -> Result<i32> {
        let status = self.command(more).status();
        let status = status.with_context(|| format!("cannot run {}", self.path.display()))?;
        Ok(status.code().unwrap_or(1))
    }

    /// What it prints.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn says(&self, more: &[&str]) -> Result<Output> {
        self.command(more)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {}", self.path.display()))
    }

    /// The pid file that the configuration names.
    ///
    /// # Errors
    /// When the program cannot be run, or the configuration is so broken that it is not found.
    pub fn pid_file(&self) -> Result<PathBuf> {
        let output = self.says(&["-t", "-D", "DUMP_RUN_CFG"])?;
        let text = String::from_utf8_lossy(&output.stdout);
        let named = text.lines().find_map(|line| {
            line.strip_prefix("PidFile: \"")
                .and_then(|rest| rest.strip_suffix('"'))
        });
        if let Some(name) = named {
            return Ok(PathBuf::from(name));
        }
        // The configuration is refused, and the server may run all the same.
        self.pid_file_by_reading().with_context(|| {
            let why = String::from_utf8_lossy(&output.stderr);
            format!("cannot tell which pid file is meant: {}", why.trim())
        })
    }

    /// The same from the text of the main configuration file alone.
    fn pid_file_by_reading(&self) -> Option<PathBuf> {
        let above = self.path.canonicalize().ok()?;
        let root = match self.value("-d") {
            Some(root) => PathBuf::from(root),
            None => above.parent()?.parent()?.to_owned(),
        };
        let file = self.value("-f").unwrap_or("conf/httpd.conf".into());
        let text = fs::read(root.join(file)).ok()?;
        let environment = std::env::vars().collect();
        Some(find_pid_file(
            &String::from_utf8_lossy(&text),
            root,
            environment,
        ))
    }

    /// The value of a flag.
    fn value(&self, name: &str) -> Option<OsString> {
        let mut flags = self.given();
        while let Some(flag) = flags.next() {
            if flag == name {
                return flags.next().cloned();
            }
            if let Some(value) = flag.to_str().and_then(|flag| flag.strip_prefix(name)) {
                return Some(value.into());
            }
        }
        None
    }
}

/// The pid file that a text names.
fn find_pid_file(text: &str, mut root: PathBuf, mut names: HashMap<String, String>) -> PathBuf {
    let mut file = "logs/httpd.pid".to_owned();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let Some(directive) = words.next() else {
            continue;
        };
        let mut values = words.map(|word| expand(word.trim_matches('"'), &names));
        let Some(value) = values.next() else {
            continue;
        };
        match directive.to_ascii_lowercase().as_str() {
            "pidfile" => file = value,
            "serverroot" => root = PathBuf::from(value),
            "define" => {
                let meaning = values.next().unwrap_or_default();
                names.insert(value, meaning);
            }
            _ => {}
        }
    }
    root.join(file)
}

/// `${NAME}` replaced by its meaning.
fn expand(text: &str, names: &HashMap<String, String>) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        expanded += before;
        let Some((name, behind)) = after.split_once('}') else {
            return expanded + "${" + after;
        };
        match names.get(name) {
            Some(value) => expanded += value,
            None => expanded += &format!("${{{name}}}"),
        }
        rest = behind;
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_found_in_a_broken_configuration() {
        let find = |text: &str| {
            let names = HashMap::from([("RUN".to_owned(), "/run/x".to_owned())]);
            find_pid_file(text, "/srv".into(), names)
        };
        assert_eq!(find("Nonsense"), Path::new("/srv/logs/httpd.pid"));
        assert_eq!(find("PidFile run/a.pid"), Path::new("/srv/run/a.pid"));
        assert_eq!(find("pidfile ${RUN}/a.pid"), Path::new("/run/x/a.pid"));
        assert_eq!(
            find("Define A b\nServerRoot \"/x\"\nPidFile ${A}/${C}.pid\n"),
            Path::new("/x/b/${C}.pid")
        );
    }
}
