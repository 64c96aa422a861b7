//! `ModuleExecution`: where the calls of a module run, whatever was measured.
//!
//! A module is known here by the address of its name, which each registration of a hook carries.

#![forbid(unsafe_code)]

use std::{
    fmt,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::timing;
use crate::conn::wait::blocking;

/// Where the calls of a module run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Where the measurements say.
    #[default]
    Auto,
    /// On the reactor, come what may.
    Inline,
    /// Off the reactor, from the start.
    Offload,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Inline, Self::Offload];

    /// The word of the directive.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Inline => "inline",
            Self::Offload => "offload",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What was set for a module.
#[derive(Clone, Debug)]
struct Override {
    /// Where its name lies.
    address: usize,
    name: String,
    mode: Mode,
}

static OVERRIDES: RwLock<Vec<Override>> = RwLock::new(Vec::new());
/// Whether there are any but `auto`: nearly never, which a call finds out with one look.
static ANY: AtomicBool = AtomicBool::new(false);

fn change(change: impl FnOnce(&mut Vec<Override>)) {
    let mut overrides = OVERRIDES.write().unwrap_or_else(PoisonError::into_inner);
    change(&mut overrides);
    let any = overrides.iter().any(|known| known.mode != Mode::Auto);
    ANY.store(any, Ordering::Release);
}

/// Forgets what was set: a reading of the configuration begins.
pub fn reset() {
    change(Vec::clear);
}

/// Sets where the calls of a module run; the last word counts.
pub fn set(address: usize, name: &str, mode: Mode) {
    change(|overrides| {
        overrides.retain(|known| known.address != address);
        overrides.push(Override {
            address,
            name: name.to_owned(),
            mode,
        });
    });
}

/// What was set for the module whose name lies at this address.
pub fn mode(address: usize) -> Mode {
    if !ANY.load(Ordering::Relaxed) {
        return Mode::Auto;
    }
    let overrides = OVERRIDES.read().unwrap_or_else(PoisonError::into_inner);
    let known = overrides.iter().find(|known| known.address == address);
    known.map_or(Mode::Auto, |known| known.mode)
}

/// What was set for a module of this name (`mod_x.c`); `None` when nothing was. For `DUMP_HOOKS` and
/// the status page.
pub fn set_for(name: &str) -> Option<Mode> {
    let overrides = OVERRIDES.read().unwrap_or_else(PoisonError::into_inner);
    let known = overrides.iter().find(|known| known.name == name);
    known.map(|known| known.mode)
}

/// All that was set, by module.
pub fn all() -> Vec<(String, Mode)> {
    let overrides = OVERRIDES.read().unwrap_or_else(PoisonError::into_inner);
    let all = overrides.iter();
    all.map(|known| (known.name.clone(), known.mode)).collect()
}

/// Calls a hook of a module where it is to run.
#[inline]
pub fn call<T>(module: usize, hook: &'static str, run: impl FnOnce() -> T) -> T {
    if !ANY.load(Ordering::Relaxed) || !timing::is_on_reactor() {
        return run();
    }
    match mode(module) {
        Mode::Auto => run(),
        Mode::Inline => timing::inline(run),
        // Every request passes the handlers of all modules; all but one decline. Who answers to a
        // name is known after the first time.
        Mode::Offload if hook == HANDLER && answers_not(module) => run(),
        Mode::Offload => {
            timing::current().note_moved();
            blocking(run)
        }
    }
}

/// The hook of the handlers.
pub const HANDLER: &str = "ap_hook_handler";

/// Whether another module is known to answer what the thread is in.
fn answers_not(module: usize) -> bool {
    let known = timing::current().module();
    known != 0 && known != module
}

/// Notes which module has answered.
#[inline]
pub fn answered(module: usize, hook: &'static str) {
    if hook == HANDLER && ANY.load(Ordering::Relaxed) {
        timing::current().set_module(module);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::kinds::Key;

    #[test]
    fn a_module_runs_where_it_was_told_to() {
        reset();
        assert_eq!(mode(10), Mode::Auto);
        set(10, "mod_a.c", Mode::Offload);
        set(10, "mod_a.c", Mode::Inline);
        set(20, "mod_b.c", Mode::Offload);
        assert_eq!((mode(10), mode(20)), (Mode::Inline, Mode::Offload));
        assert_eq!(set_for("mod_a.c"), Some(Mode::Inline));
        assert_eq!(set_for("mod_c.c"), None);
        let key = Key::handler(b"overridden");
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let _runtime = runtime.enter();
        timing::on_reactor(key, || {
            call(10, HANDLER, || assert!(timing::is_inline()));
            assert!(!timing::is_inline());
            answered(10, HANDLER);
            // Another module's, which will decline.
            call(20, HANDLER, || assert!(timing::is_on_reactor()));
            answered(20, HANDLER);
            call(20, HANDLER, || assert!(!timing::is_on_reactor()));
        });
        reset();
        assert_eq!(mode(20), Mode::Auto);
    }
}
