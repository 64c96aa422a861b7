//! What the command line asks for: Apache's own flags, read as getopt reads them.

#![forbid(unsafe_code)]

use std::{ffi::OsString, os::unix::ffi::OsStringExt};

use crate::mpm::kind::Kind;

/// What to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Serve.
    #[default]
    Serve,
    /// `-v`.
    Version,
    /// `-V`.
    Settings,
    /// `-h`.
    Help,
    /// `-l`.
    Modules,
    /// `-L`.
    Directives,
    /// `-t`, `-S`, `-M`: check the configuration, and show what the definitions ask for.
    Check,
}

/// `-k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Start, unless it runs.
    Start,
    /// Stop at once.
    Stop,
    /// Restart at once.
    Restart,
    /// Restart; requests under way are finished.
    Graceful,
    /// Stop; requests under way are finished.
    GracefulStop,
}

/// The command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// What to do.
    pub action: Action,
    /// `-d`: ServerRoot.
    pub root: Option<Vec<u8>>,
    /// `-f`: the configuration file.
    pub file: Option<Vec<u8>>,
    /// `-D`, and what other flags define.
    pub defines: Vec<Vec<u8>>,
    /// `-C`.
    pub before: Vec<Vec<u8>>,
    /// `-c`.
    pub after: Vec<Vec<u8>>,
    /// `-E`: where start-up errors go.
    pub error_file: Option<Vec<u8>>,
    /// `-e`: from which level start-up errors are shown.
    pub error_level: Option<Vec<u8>>,
    /// `-k`.
    pub signal: Option<Signal>,
    /// `--mpm`, `-D MPM=`: the process model, instead of the configuration's.
    pub mpm: Option<Kind>,
    /// Without `-T`: DocumentRoot is checked.
    pub skip_root_check: bool,
}

/// Flags that take a value.
const WITH_VALUE: &[u8] = b"CcDdEefk";

/// Reads the arguments behind the program's name.
///
/// # Errors
/// What is wrong with them, for the terminal.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    let mut words = words.into_iter().map(OsString::into_vec);
    while let Some(word) = words.next() {
        if let Some(name) = word.strip_prefix(b"--mpm") {
            let name = match name {
                [] => words.next().ok_or("option requires an argument -- mpm")?,
                [b'=', name @ ..] => name.to_vec(),
                _ => return Err(format!("illegal option {}", String::from_utf8_lossy(&word))),
            };
            arguments.choose(&name)?;
            continue;
        }
        let [b'-', flags @ ..] = &word[..] else {
            return Err(format!(
                "unexpected argument -- {}",
                String::from_utf8_lossy(&word)
            ));
        };
        let mut rest = flags;
        while let [flag, more @ ..] = rest {
            rest = more;
            if !WITH_VALUE.contains(flag) {
                arguments.flag(*flag)?;
                continue;
            }
            let value = if more.is_empty() {
                words.next().ok_or_else(|| {
                    format!("option requires an argument -- {}", char::from(*flag))
                })?
            } else {
                more.to_vec()
            };
            arguments.valued(*flag, value)?;
            break;
        }
    }
    if arguments.dumps() && arguments.action == Action::Serve {
        arguments.action = Action::Check;
    }
    Ok(arguments)
}

/// Definitions that ask for a dump, after which there is nothing else to say or do.
const DUMPS: [&[u8]; 5] = [
    b"DUMP_HOOKS",
    b"DUMP_VHOSTS",
    b"DUMP_RUN_CFG",
    b"DUMP_MODULES",
    b"DUMP_INCLUDES",
];

impl Arguments {
    /// Whether a dump of the server's own is asked for.
    pub fn dumps(&self) -> bool {
        self.defines.iter().any(|name| DUMPS.contains(&&name[..]))
    }

    fn define(&mut self, name: &str) {
        self.defines.push(name.as_bytes().to_vec());
    }

    fn choose(&mut self, name: &[u8]) -> Result<(), String> {
        self.mpm = Some(Kind::named(&String::from_utf8_lossy(name))?);
        Ok(())
    }

    fn flag(&mut self, flag: u8) -> Result<(), String> {
        match flag {
            b'v' => self.action = Action::Version,
            b'V' => self.action = Action::Settings,
            b'h' | b'?' => self.action = Action::Help,
            b'l' => self.action = Action::Modules,
            b'L' => self.action = Action::Directives,
            b't' => self.action = Action::Check,
            b'T' => self.skip_root_check = true,
            b'S' => {
                self.action = Action::Check;
                self.define("DUMP_VHOSTS");
                self.define("DUMP_RUN_CFG");
            }
            b'M' => {
                self.action = Action::Check;
                self.define("DUMP_MODULES");
            }
            b'X' => self.define("DEBUG"),
            _ => return Err(format!("illegal option -- {}", char::from(flag))),
        }
        Ok(())
    }

    fn valued(&mut self, flag: u8, value: Vec<u8>) -> Result<(), String> {
        match flag {
            b'C' => self.before.push(value),
            b'c' => self.after.push(value),
            b'D' => match value.strip_prefix(b"MPM=") {
                Some(name) => {
                    self.choose(name)?;
                    self.define("MPM");
                }
                None => self.defines.push(value),
            },
            b'd' => self.root = Some(value),
            b'E' => self.error_file = Some(value),
            b'e' => self.error_level = Some(value),
            b'f' => self.file = Some(value),
            _ => {
                self.signal = Some(match &value[..] {
                    b"start" => Signal::Start,
                    b"stop" => Signal::Stop,
                    b"restart" => Signal::Restart,
                    b"graceful" => Signal::Graceful,
                    b"graceful-stop" => Signal::GracefulStop,
                    other => {
                        return Err(format!(
                            "-k {}: start, stop, restart, graceful or graceful-stop is expected",
                            String::from_utf8_lossy(other)
                        ));
                    }
                });
            }
        }
        Ok(())
    }
}

/// The text of `-h`.
pub fn usage(program: &str) -> String {
    let indent = " ".repeat(program.len() + 7);
    format!(
        "Usage: {program} [-D name] [-d directory] [-f file]\n\
         {indent} [-C \"directive\"] [-c \"directive\"]\n\
         {indent} [-k start|restart|graceful|graceful-stop|stop]\n\
         {indent} [--mpm event|worker|prefork]\n\
         {indent} [-v] [-V] [-h] [-l] [-L] [-t] [-T] [-S] [-X]\n\
         Options:\n\
         \x20 -D name            : define a name for use in <IfDefine name> directives\n\
         \x20 -d directory       : specify an alternate initial ServerRoot\n\
         \x20 -f file            : specify an alternate ServerConfigFile\n\
         \x20 -C \"directive\"     : process directive before reading config files\n\
         \x20 -c \"directive\"     : process directive after reading config files\n\
         \x20 -e level           : show startup errors of level (see LogLevel)\n\
         \x20 -E file            : log startup errors to file\n\
         \x20 --mpm name         : use this process model, whatever the config files choose\n\
         \x20 -v                 : show version number\n\
         \x20 -V                 : show compile settings\n\
         \x20 -h                 : list available command line options (this page)\n\
         \x20 -l                 : list compiled in modules\n\
         \x20 -L                 : list available configuration directives\n\
         \x20 -t -D DUMP_VHOSTS  : show parsed vhost settings\n\
         \x20 -t -D DUMP_RUN_CFG : show parsed run settings\n\
         \x20 -S                 : a synonym for -t -D DUMP_VHOSTS -D DUMP_RUN_CFG\n\
         \x20 -t -D DUMP_MODULES : show all loaded modules\n\
         \x20 -M                 : a synonym for -t -D DUMP_MODULES\n\
         \x20 -t -D DUMP_INCLUDES: show all included configuration files\n\
         \x20 -t -D DUMP_HOOKS   : show all hooks with their modules, in running order\n\
         \x20 -t                 : run syntax check for config files\n\
         \x20 -T                 : start without DocumentRoot(s) check\n\
         \x20 -X                 : debug mode (only one worker, do not detach)\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Arguments, String> {
        parse(words.split_whitespace().map(OsString::from))
    }

    #[test]
    fn flags_are_read_as_getopt_reads_them() {
        let arguments = read("-d /srv -fconf/a.conf -DFOREGROUND -k graceful").unwrap();
        assert_eq!(arguments.root.as_deref(), Some(&b"/srv"[..]));
        assert_eq!(arguments.file.as_deref(), Some(&b"conf/a.conf"[..]));
        assert_eq!(arguments.defines, [b"FOREGROUND"]);
        assert_eq!(arguments.signal, Some(Signal::Graceful));
        assert_eq!(read("-tD DUMP_MODULES").unwrap().action, Action::Check);
        assert_eq!(read("-D DUMP_MODULES").unwrap().action, Action::Check);
        assert_eq!(read("--mpm worker -X").unwrap().mpm, Some(Kind::Worker));
        assert_eq!(read("--mpm=prefork").unwrap().mpm, Some(Kind::Prefork));
        assert_eq!(read("-DMPM=event").unwrap().mpm, Some(Kind::Event));
        assert_eq!(read("-S").unwrap().defines.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(read("-Z").unwrap_err().contains("illegal option -- Z"));
        assert!(read("--mpm winnt").unwrap_err().contains("none of event"));
        assert!(read("--mpm").is_err() && read("--mpms").is_err());
        assert!(read("-f").unwrap_err().contains("requires an argument"));
        assert!(read("-k jump").is_err());
        assert!(read("word").is_err());
    }
}
