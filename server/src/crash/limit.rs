//! ModuleCrashLimit: the control process counts crashes by module, and disables a module that crashes
//! too often, or stops the server.

use std::{
    collections::VecDeque,
    ffi::{CStr, c_char},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use httpd_sys as sys;

use super::{machine, shared};

/// What becomes of a module, or of the server, at the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// The module is disabled until the next restart.
    Disable,
    /// The server stops.
    Stop,
}

/// ModuleCrashLimit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many crashes ...
    pub crashes: u32,
    /// ... within this time are too many.
    pub within: Duration,
    /// What happens then.
    pub then: Consequence,
}

impl Limit {
    /// Reads the directive's arguments; `None`: no limit.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(rate: &str, then: Option<&str>) -> Result<Option<Self>, String> {
        const EXPECTED: &str =
            "ModuleCrashLimit takes \"off\", or crashes/seconds as in 10/60, and disable or stop";
        if rate.eq_ignore_ascii_case("off") {
            return match then {
                None => Ok(None),
                Some(_) => Err(format!("{EXPECTED}: nothing follows off")),
            };
        }
        let then = match then {
            None => Consequence::Disable,
            Some(word) if word.eq_ignore_ascii_case("disable") => Consequence::Disable,
            Some(word) if word.eq_ignore_ascii_case("stop") => Consequence::Stop,
            Some(word) => return Err(format!("{EXPECTED}, not \"{word}\"")),
        };
        let numbers = rate.split_once('/').and_then(|(crashes, seconds)| {
            Some((crashes.parse::<u32>().ok()?, seconds.parse::<u32>().ok()?))
        });
        match numbers {
            Some((crashes, seconds)) if crashes > 0 && seconds > 0 => Ok(Some(Self {
                crashes,
                within: Duration::from_secs(seconds.into()),
                then,
            })),
            _ => Err(format!("{EXPECTED}, not \"{rate}\"")),
        }
    }
}

/// The limit in force and what is counted against it.
struct Counts {
    limit: Option<Limit>,
    modules: Vec<(String, VecDeque<Instant>)>,
}

impl Counts {
    /// Counts a crash; how many there were within the time when these are too many.
    fn count(&mut self, module: &str, now: Instant) -> Option<(Limit, usize)> {
        let limit = self.limit?;
        let known = self.modules.iter().position(|(name, _)| name == module);
        let at = known.unwrap_or_else(|| {
            self.modules.push((module.to_owned(), VecDeque::new()));
            self.modules.len() - 1
        });
        let times = &mut self.modules[at].1;
        times.push_back(now);
        while times
            .front()
            .is_some_and(|&first| now.duration_since(first) > limit.within)
        {
            times.pop_front();
        }
        let count = times.len();
        (count >= limit.crashes as usize).then_some((limit, count))
    }
}

static COUNTS: Mutex<Counts> = Mutex::new(Counts {
    limit: None,
    modules: Vec::new(),
});

/// What modules do is to be remembered, for the case that one of them is disabled.
static LEARNING: AtomicBool = AtomicBool::new(false);

/// Whether a module may come to be disabled.
#[inline]
pub(super) fn is_learning() -> bool {
    LEARNING.load(Ordering::Relaxed)
}

/// Sets the limit: the directive does, and a new reading of the configuration.
pub fn set(limit: Option<Limit>) {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner).limit = limit;
    let learn = limit.is_some_and(|limit| limit.then == Consequence::Disable);
    LEARNING.store(learn, Ordering::Relaxed);
}

/// What the control process does about a child that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing in particular.
    GoOn,
    /// A module has been disabled: the next child may start at once.
    Disabled,
    /// Stop the server.
    Stop,
}

/// Shares what is known about crashes with the children that are forked from now on.
pub fn begin_control() {
    shared::map();
}

/// A child has ended: counts its crash, if it was one.
pub fn ended(pid: i32) -> Verdict {
    let Some(name) = shared::shared().take(pid) else {
        return Verdict::GoOn;
    };
    // SAFETY: NULL, or the name of a module that was loaded before the fork.
    let Some(text) = (unsafe { module_sdk::raw::text(name) }) else {
        return Verdict::GoOn;
    };
    let module = text.to_string_lossy();
    // The child could not tell syslog.
    if main_log_is_syslog() {
        log(
            sys::APLOG_CRIT,
            &format!("crash: child pid {pid} has died in {module}"),
        );
    }
    let too_many = COUNTS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .count(&module, Instant::now());
    let Some((limit, count)) = too_many else {
        return Verdict::GoOn;
    };
    let seconds = limit.within.as_secs();
    let said = format!("{module} has crashed {count} times within {seconds} seconds");
    if limit.then == Consequence::Stop {
        log(
            sys::APLOG_ALERT,
            &format!("{said} (ModuleCrashLimit): the server stops"),
        );
        return Verdict::Stop;
    }
    if is_part_of_the_server(text) {
        log(
            sys::APLOG_ALERT,
            &format!("{said}; it is part of the server and cannot be disabled"),
        );
        return Verdict::GoOn;
    }
    if !disable(name) {
        return Verdict::GoOn;
    }
    log(
        sys::APLOG_ALERT,
        &format!(
            "{said} (ModuleCrashLimit): it is disabled. Until the next restart, graceful or not, its \
             handlers, access checks and content filters answer 503, and its other hooks are skipped"
        ),
    );
    Verdict::Disabled
}

/// Disables a module in all children; false when it is, or when there is no room.
fn disable(name: *const c_char) -> bool {
    let shared = shared::shared();
    let count = shared.disabled_count.load(Ordering::Relaxed) as usize;
    let known = &shared.disabled[..count];
    let is_known = known
        .iter()
        .any(|known| known.load(Ordering::Relaxed).cast_const() == name);
    if is_known || count == shared::DISABLED {
        return false;
    }
    shared.disabled[count].store(name.cast_mut(), Ordering::Relaxed);
    shared
        .disabled_count
        .store(count as u32 + 1, Ordering::Release);
    true
}

/// Whether a module is a static one.
fn is_part_of_the_server(name: &CStr) -> bool {
    // SAFETY: the list of modules does not change while the server runs.
    let module = unsafe { sys::ap_find_linked_module(name.as_ptr()) };
    !module.is_null()
        && machine::object_of(module.expose_provenance())
            .is_some_and(|object| object.start == machine::own_start())
}

fn main_log_is_syslog() -> bool {
    // SAFETY: set at start-up; the name is NULL or a string.
    let name = unsafe { module_sdk::raw::text((*sys::ap_server_conf).error_fname) };
    name.is_some_and(|name| name.to_bytes().starts_with(b"syslog"))
}

fn log(level: u32, text: &str) {
    // SAFETY: set at start-up.
    let server = unsafe { sys::ap_server_conf };
    crate::modules::core::log_server(server, level, 0, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directive_is_read() {
        let limit = |crashes, seconds, then| {
            Ok(Some(Limit {
                crashes,
                within: Duration::from_secs(seconds),
                then,
            }))
        };
        assert_eq!(Limit::parse("off", None), Ok(None));
        assert_eq!(
            Limit::parse("10/60", None),
            limit(10, 60, Consequence::Disable)
        );
        assert_eq!(
            Limit::parse("1/5", Some("Stop")),
            limit(1, 5, Consequence::Stop)
        );
        for (rate, then) in [
            ("off", Some("stop")),
            ("10", None),
            ("0/60", None),
            ("10/0", None),
            ("-1/3", None),
            ("a/b", None),
            ("10/60", Some("explode")),
        ] {
            let refusal = Limit::parse(rate, then).unwrap_err();
            assert!(refusal.contains("10/60"), "{refusal}");
        }
    }

    #[test]
    fn only_crashes_within_the_time_count() {
        let mut counts = Counts {
            limit: Limit::parse("2/10", None).unwrap(),
            modules: Vec::new(),
        };
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert!(counts.count("a", at(0)).is_none());
        assert!(counts.count("b", at(1)).is_none());
        assert!(counts.count("a", at(20)).is_none());
        assert_eq!(counts.count("a", at(29)).map(|(_, count)| count), Some(2));
        counts.limit = None;
        assert!(counts.count("a", at(29)).is_none());
    }
}
