//! Which mechanism each mutex of the server uses: what the `Mutex` directive says, what the mutex's
//! module prefers, and which of them wins. No pointers; `abi/util_mutex.rs` makes the mutexes.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use httpd_sys as sys;

/// The name under which the setting for all mutexes stands.
pub(crate) const DEFAULT: &str = "default";

/// How a mutex works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// `APR_LOCK_*`; `None`: no mutex at all.
    pub(crate) mechanism: Option<u32>,
    /// Where its file is, if it has one.
    pub(crate) dir: Option<Vec<u8>>,
    /// The file's name does not hold the server's process id.
    pub(crate) omit_pid: bool,
}

/// What is known about one kind of mutex.
#[derive(Clone, Debug)]
struct Known {
    /// What its module prefers.
    preferred: Choice,
    /// What a directive says.
    configured: Option<Choice>,
    /// It may be left out.
    none_allowed: bool,
}

/// All kinds of mutexes.
#[derive(Debug)]
pub(crate) struct Mutexes {
    default: Known,
    kinds: BTreeMap<String, Known>,
}

impl Mutexes {
    /// Only the setting for all; files go to `dir`.
    pub(crate) fn new(dir: Vec<u8>) -> Self {
        Self {
            default: Known {
                preferred: Choice {
                    mechanism: Some(sys::APR_LOCK_DEFAULT),
                    dir: Some(dir),
                    omit_pid: false,
                },
                configured: None,
                none_allowed: false,
            },
            kinds: BTreeMap::new(),
        }
    }

    /// Makes a kind known; an earlier registration of it stays.
    pub(crate) fn register(&mut self, kind: &str, preferred: Choice, none_allowed: bool) {
        self.kinds.entry(kind.to_owned()).or_insert(Known {
            preferred,
            configured: None,
            none_allowed,
        });
    }

    /// Applies a directive to one kind, or to `default`.
    pub(crate) fn configure(&mut self, kind: &str, choice: &Choice) -> Result<(), String> {
        let known = if kind == DEFAULT {
            &mut self.default
        } else {
            self.kinds
                .get_mut(kind)
                .ok_or_else(|| format!("Mutex type {kind} is not valid"))?
        };
        if choice.mechanism.is_none() && !known.none_allowed {
            return Err(format!("None is not allowed for mutex type {kind}"));
        }
        known.configured = Some(choice.clone());
        Ok(())
    }

    /// What holds for a kind: its own directive, the one for all, its module's preference, or what
    /// holds without any; `None` when nobody registered it.
    pub(crate) fn choice(&self, kind: &str) -> Option<Choice> {
        let known = self.kinds.get(kind)?;
        let plain = &self.default.preferred;
        let mut choice = if let Some(own) = &known.configured {
            own.clone()
        } else if let Some(common) = &self.default.configured {
            // "None" for all leaves those alone that cannot do without.
            if common.mechanism.is_some() || known.none_allowed {
                common.clone()
            } else {
                known.preferred.clone()
            }
        } else if known.preferred.mechanism != Some(sys::APR_LOCK_DEFAULT) {
            known.preferred.clone()
        } else {
            plain.clone()
        };
        if choice.dir.is_none() {
            let common = self
                .default
                .configured
                .as_ref()
                .and_then(|common| common.dir.clone());
            choice.dir = known
                .preferred
                .dir
                .clone()
                .or(common)
                .or_else(|| plain.dir.clone());
        }
        Some(choice)
    }

    /// What `-D DUMP_RUN_CFG` prints: one line a kind, `default` first. `shown_dir` makes a
    /// directory absolute.
    pub(crate) fn dump(&self, shown_dir: impl Fn(&[u8]) -> String) -> Vec<String> {
        let line = |kind: &str, choice: &Choice| match choice.mechanism {
            None => format!("Mutex {kind}: none\n"),
            Some(mechanism) => format!(
                "Mutex {kind}: dir=\"{}\" mechanism={} {}\n",
                match choice.dir.as_deref() {
                    Some(dir) => shown_dir(dir),
                    None if kind == DEFAULT => shown_dir(b""),
                    None => String::new(),
                },
                mechanism_name(mechanism),
                if choice.omit_pid { "[OmitPid]" } else { "" },
            ),
        };
        let default = self
            .default
            .configured
            .as_ref()
            .unwrap_or(&self.default.preferred);
        let mut lines = vec![line(DEFAULT, default)];
        lines.extend(
            self.kinds
                .iter()
                .map(|(kind, known)| match &known.configured {
                    Some(choice) => line(kind, choice),
                    None if known.preferred.mechanism.is_none() => line(kind, &known.preferred),
                    None => format!("Mutex {kind}: using_defaults\n"),
                }),
        );
        lines
    }
}

/// Whether a mechanism keeps its state in a file of its own.
pub(crate) fn needs_file(mechanism: u32) -> bool {
    matches!(mechanism, sys::APR_LOCK_FLOCK | sys::APR_LOCK_FCNTL)
}

fn mechanism_name(mechanism: u32) -> &'static str {
    match mechanism {
        sys::APR_LOCK_FCNTL => "fcntl",
        sys::APR_LOCK_FLOCK => "flock",
        sys::APR_LOCK_SYSVSEM => "sysvsem",
        sys::APR_LOCK_PROC_PTHREAD => "pthread",
        sys::APR_LOCK_POSIXSEM => "posixsem",
        _ => "default",
    }
}

/// What the first argument of `Mutex` names: a mechanism (inner `None`: no mutex) and a directory.
/// `None` when there is no such mechanism.
pub(crate) fn parse(argument: &str) -> Option<(Option<u32>, Option<&str>)> {
    let (name, dir) = match argument.split_once(':') {
        Some((name, dir)) => (name, Some(dir).filter(|dir| !dir.is_empty())),
        None => (argument, None),
    };
    let names = [
        ("none", None),
        ("default", Some(sys::APR_LOCK_DEFAULT)),
        ("fcntl", Some(sys::APR_LOCK_FCNTL)),
        ("flock", Some(sys::APR_LOCK_FLOCK)),
        ("file", Some(sys::APR_LOCK_FCNTL)),
        ("sysvsem", Some(sys::APR_LOCK_SYSVSEM)),
        ("posixsem", Some(sys::APR_LOCK_POSIXSEM)),
        ("sem", Some(sys::APR_LOCK_POSIXSEM)),
        ("pthread", Some(sys::APR_LOCK_PROC_PTHREAD)),
    ];
    super::options::choice(name, &names).map(|mechanism| (mechanism, dir))
}

/// The mechanisms, for error messages.
pub(crate) const MECHANISMS: &str = "Mutex mechanisms are: 'none', 'default', \
    'flock:/path/to/file', 'fcntl:/path/to/file', 'file:/path/to/file', 'pthread', 'sysvsem', \
    'posixsem', 'sem'";

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Choice = Choice {
        mechanism: Some(sys::APR_LOCK_DEFAULT),
        dir: None,
        omit_pid: false,
    };

    fn some() -> Mutexes {
        let mut mutexes = Mutexes::new(b"/run".to_vec());
        mutexes.register("plain", PLAIN, false);
        mutexes.register(
            "optional",
            Choice {
                mechanism: None,
                ..PLAIN
            },
            true,
        );
        mutexes
    }

    #[test]
    fn the_nearest_setting_wins() {
        let mut mutexes = some();
        let plain = |mutexes: &Mutexes| mutexes.choice("plain").unwrap();
        assert_eq!(plain(&mutexes).mechanism, Some(sys::APR_LOCK_DEFAULT));
        assert_eq!(plain(&mutexes).dir.as_deref(), Some(&b"/run"[..]));
        assert_eq!(mutexes.choice("optional").unwrap().mechanism, None);

        let common = Choice {
            mechanism: Some(sys::APR_LOCK_FLOCK),
            dir: Some(b"/tmp".to_vec()),
            omit_pid: true,
        };
        mutexes.configure(DEFAULT, &common).unwrap();
        assert_eq!(plain(&mutexes), common);
        assert_eq!(mutexes.choice("optional").unwrap(), common);

        let own = Choice {
            mechanism: Some(sys::APR_LOCK_SYSVSEM),
            ..PLAIN
        };
        mutexes.configure("plain", &own).unwrap();
        assert_eq!(plain(&mutexes).mechanism, Some(sys::APR_LOCK_SYSVSEM));
        assert_eq!(mutexes.choice("unheard"), None);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut mutexes = some();
        let none = Choice {
            mechanism: None,
            ..PLAIN
        };
        assert!(
            mutexes
                .configure("unheard", &PLAIN)
                .unwrap_err()
                .contains("unheard")
        );
        assert!(
            mutexes
                .configure("plain", &none)
                .unwrap_err()
                .contains("None is not allowed")
        );
        mutexes.configure("optional", &none).unwrap();
    }

    #[test]
    fn mechanisms_have_names() {
        assert_eq!(parse("none"), Some((None, None)));
        assert_eq!(parse("SEM"), Some((Some(sys::APR_LOCK_POSIXSEM), None)));
        assert_eq!(
            parse("file:/x"),
            Some((Some(sys::APR_LOCK_FCNTL), Some("/x")))
        );
        assert_eq!(parse("flock:"), Some((Some(sys::APR_LOCK_FLOCK), None)));
        assert_eq!(parse("foo"), None);
    }

    #[test]
    fn the_dump_is_apaches() {
        let mut mutexes = some();
        mutexes.register("watchdog-callback", PLAIN, false);
        let own = Choice {
            mechanism: Some(sys::APR_LOCK_POSIXSEM),
            ..PLAIN
        };
        mutexes.configure("watchdog-callback", &own).unwrap();
        let lines = mutexes.dump(|dir| format!("{}/", String::from_utf8_lossy(dir)));
        assert_eq!(
            lines,
            [
                "Mutex default: dir=\"/run/\" mechanism=default \n",
                "Mutex optional: none\n",
                "Mutex plain: using_defaults\n",
                "Mutex watchdog-callback: dir=\"\" mechanism=posixsem \n",
            ]
        );
    }
}
