//! The words of the command line: a verb, options of this program, and flags for the server's.

#![forbid(unsafe_code)]

use std::{ffi::OsString, time::Duration};

/// The text of `help`.
pub const USAGE: &str = "\
Usage: apachectl-rs VERB [FLAG...]     FLAGs go to httpd-rs: -f FILE, -d DIRECTORY, -D NAME, ...

  start          starts the server, and comes back when it runs
  stop           stops it at once, and comes back when it is gone (--wait SECONDS; 60)
  restart        restarts it at once
  graceful       restarts it; requests under way are finished
  graceful-stop  stops it when they are finished (--wait SECONDS waits for that)
  configtest     checks the configuration
  status         whether it runs, since when, and how busy it is (--json for programs);
                 exits with 0: runs, 1: died and left its pid file, 3: does not run, 4: cannot be told
  fullstatus     the page of mod_status (STATUSURL names it)

Without a VERB, FLAGs go to httpd-rs as they are. The variable HTTPD names another program, OPTIONS
more flags; both may be set in the file envvars beside this program.
";

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Start the server.
    Start,
    /// Stop it at once.
    Stop,
    /// Restart it at once.
    Restart,
    /// Restart it; requests under way are finished.
    Graceful,
    /// Stop it when they are finished.
    GracefulStop,
    /// Check the configuration.
    ConfigTest,
    /// Say whether it runs.
    Status,
    /// Show the page of mod_status.
    FullStatus,
    /// Explain.
    Help,
    /// Let the server's program do what its flags say.
    PassOn,
}

impl Verb {
    /// All that have a word, with it.
    const WORDS: [(&'static str, Self); 12] = [
        ("start", Self::Start),
        ("stop", Self::Stop),
        ("restart", Self::Restart),
        ("graceful", Self::Graceful),
        ("graceful-stop", Self::GracefulStop),
        ("configtest", Self::ConfigTest),
        ("config-test", Self::ConfigTest),
        ("status", Self::Status),
        ("fullstatus", Self::FullStatus),
        ("full-status", Self::FullStatus),
        ("help", Self::Help),
        ("--help", Self::Help),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        let entry = Self::WORDS.iter().find(|(_, verb)| *verb == self);
        entry.map_or("", |(word, _)| word)
    }
}

/// The command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    /// What to do.
    pub verb: Verb,
    /// `--json`.
    pub json: bool,
    /// `--wait`.
    pub wait: Option<Duration>,
    /// What the server's program gets.
    pub flags: Vec<OsString>,
}

/// Reads the words behind the program's name.
///
/// # Errors
/// What is wrong with them.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
    let mut words = words.into_iter().peekable();
    let verb = match words.peek() {
        None => Verb::Help,
        Some(word) => {
            let known = Verb::WORDS.iter().find(|(name, _)| word == name);
            match known {
                Some((_, verb)) => *verb,
                None if word.as_encoded_bytes().starts_with(b"-") => Verb::PassOn,
                None => return Err(format!("unknown verb: {}", word.to_string_lossy())),
            }
        }
    };
    if verb != Verb::PassOn {
        words.next();
    }
    let mut arguments = Arguments {
        verb,
        json: false,
        wait: None,
        flags: Vec::new(),
    };
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--json") if verb == Verb::Status => arguments.json = true,
            Some("--wait") if matches!(verb, Verb::Stop | Verb::GracefulStop) => {
                let seconds = words.next();
                let seconds = seconds
                    .as_ref()
                    .and_then(|word| word.to_str()?.parse().ok());
                let seconds = seconds.ok_or("--wait: a whole number of seconds is expected")?;
                arguments.wait = Some(Duration::from_secs(seconds));
            }
            _ => arguments.flags.push(word),
        }
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Arguments, String> {
        parse(words.split_whitespace().map(OsString::from))
    }

    #[test]
    fn words_are_told_apart() {
        let arguments = read("stop --wait 5 -f a.conf").unwrap();
        assert_eq!(arguments.verb, Verb::Stop);
        assert_eq!(arguments.verb.word(), "stop");
        assert_eq!(arguments.wait, Some(Duration::from_secs(5)));
        assert_eq!(arguments.flags, ["-f", "a.conf"]);
        assert_eq!(read("-S").unwrap().flags, ["-S"]);
        assert_eq!(read("").unwrap().verb, Verb::Help);
        assert!(read("status --json").unwrap().json);
        assert!(read("jump").is_err());
        assert!(read("stop --wait long").is_err());
    }
}
