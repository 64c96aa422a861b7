//! A restart: a scratch process rehearses the start (`rehearsal`); if that goes well, the control
//! process executes itself anew with the listening sockets it has, under the same pid. New binary,
//! new modules, new configuration, no dropped connection.
//!
//! What one image leaves to the next is named in variables (`HTTPD_RS_*`). Signals stay blocked over
//! the execution, so none is lost.

use std::{
    ffi::{CStr, CString, OsString},
    io,
    os::{
        fd::RawFd,
        unix::ffi::{OsStrExt, OsStringExt},
    },
    sync::OnceLock,
};

use httpd_sys as sys;

use super::{
    activation, announce,
    control::{Control, log},
    earlier::Earlier,
    helpers, hold, module_sockets, pidfile,
    rehearsal::Rehearsal,
    sockets::{self, INHERITED},
};
use crate::{abi::scoreboard::memory, cli};

/// All our variables begin so.
const OURS: &[u8] = b"HTTPD_RS_";

/// Tells the executed control process which generation it begins.
const GENERATION: &str = "HTTPD_RS_GENERATION";

/// Set when the earlier children are to end without finishing their requests.
const AT_ONCE: &str = "HTTPD_RS_RESTART_AT_ONCE";

/// The process that the other variables are meant for: its number stays when it executes itself.
/// Programs that the server starts inherit all of them, and may start a server of their own.
const PROCESS: &str = "HTTPD_RS_PROCESS";

/// What this process left for itself when it executed itself.
pub fn handed(name: &str) -> Option<String> {
    let process: u32 = std::env::var(PROCESS).ok()?.parse().ok()?;
    if process != std::process::id() {
        return None;
    }
    std::env::var(name).ok()
}

/// The environment in which this process was started, without our variables. Modules change theirs,
/// and the next image is to begin like this one.
static ENVIRONMENT: OnceLock<Vec<(OsString, OsString)>> = OnceLock::new();

/// Remembers the environment; called before modules are loaded.
pub fn remember_environment() {
    ENVIRONMENT.get_or_init(|| {
        let ours = |name: &OsString| name.as_bytes().starts_with(OURS);
        std::env::vars_os()
            .filter(|(name, _)| !ours(name))
            .collect()
    });
}

/// What the image before has left open is for this one, and not for the programs that modules start
/// while it starts. Called before there are any.
pub fn keep_descriptors_to_oneself() {
    if inherited_generation().is_some() {
        keep_only(&[]);
    }
}

/// The server's program with what it was called with, ready to be executed.
pub struct Image {
    program: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    directory: CString,
}

impl Image {
    /// The program that is on disk now, called as this one was.
    ///
    /// # Errors
    /// When a name has a NUL in it, which cannot be.
    pub fn new() -> Result<Self, String> {
        let original = cli::original_arguments();
        remember_environment();
        let text = |bytes: Vec<u8>| CString::new(bytes).map_err(|error| error.to_string());
        let program = text(original.executable.as_os_str().as_bytes().to_vec())?;
        let name = std::env::args_os().next().unwrap_or_default();
        let mut arguments = vec![text(name.into_vec())?];
        for argument in &original.arguments {
            arguments.push(text(argument.clone().into_vec())?);
        }
        let mut environment = Vec::new();
        for (name, value) in ENVIRONMENT.get().into_iter().flatten() {
            environment.push(text([name.as_bytes(), b"=", value.as_bytes()].concat())?);
        }
        Ok(Self {
            program,
            arguments,
            environment,
            directory: text(original.directory.as_os_str().as_bytes().to_vec())?,
        })
    }

    /// Adds a variable.
    pub fn set(&mut self, name: &str, value: &str) {
        if let Ok(variable) = CString::new(format!("{name}={value}")) {
            self.environment.push(variable);
        }
    }

    /// The program's name.
    pub fn program(&self) -> std::borrow::Cow<'_, str> {
        self.program.to_string_lossy()
    }

    /// Executes it in place of this process. It gets standard input, output and error, and the
    /// descriptors named; all others are closed. Only returns when that fails.
    pub fn execute(&self, descriptors: &[RawFd]) -> io::Error {
        let process = format!("{PROCESS}={}\0", std::process::id());
        let process = CStr::from_bytes_with_nul(process.as_bytes()).unwrap_or_default();
        let list = |texts: &mut dyn Iterator<Item = &CStr>| -> Vec<*const libc::c_char> {
            let texts = texts.map(CStr::as_ptr);
            texts.chain([std::ptr::null()]).collect()
        };
        let arguments = list(&mut self.arguments.iter().map(CString::as_c_str));
        let own = self.environment.iter().map(CString::as_c_str);
        let environment = list(&mut own.chain([process]));
        keep_only(descriptors);
        // SAFETY: strings and lists of them that end with NULL, which live for the calls.
        unsafe {
            libc::chdir(self.directory.as_ptr());
            libc::execve(
                self.program.as_ptr(),
                arguments.as_ptr(),
                environment.as_ptr(),
            );
        }
        io::Error::last_os_error()
    }
}

/// Lets only these descriptors, and the three usual ones, stay open over an execution.
fn keep_only(descriptors: &[RawFd]) {
    const FIRST: libc::c_uint = 3;
    // SAFETY: only flags of descriptors change.
    unsafe {
        let last = libc::c_uint::MAX;
        let how = libc::CLOSE_RANGE_CLOEXEC;
        if libc::syscall(libc::SYS_close_range, FIRST, last, how) != 0 {
            // An older system.
            for descriptor in 3..65_536 {
                libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
        for &descriptor in descriptors {
            libc::fcntl(descriptor, libc::F_SETFD, 0);
        }
    }
}

/// How the children of earlier generations are told that their successors are there.
pub fn signal_for_old_children() -> i32 {
    if handed(AT_ONCE).is_some() {
        libc::SIGTERM
    } else {
        libc::SIGUSR1
    }
}

/// Whether this process was executed for a restart that loses no connection.
pub fn is_graceful() -> bool {
    inherited_generation().is_some() && handed(AT_ONCE).is_none()
}

/// The generation this process was executed for; `None` when it was started afresh.
pub fn inherited_generation() -> Option<i32> {
    handed(GENERATION)?.parse().ok()
}

/// What earlier generations have left, when this one begins. Their places in the scoreboard are theirs
/// if the scoreboard is.
pub fn take_earlier() -> Earlier {
    let mut earlier = Earlier::inherited();
    if !memory::is_inherited() {
        earlier.leave_scoreboard();
    }
    earlier
}

/// What the next image gets.
pub struct Legacy {
    /// Sockets, as `INHERITED` names them.
    pub listeners: String,
    /// The generation it begins.
    pub generation: i32,
    /// What there is of earlier generations.
    pub earlier: Earlier,
    /// Earlier children end without finishing their requests.
    pub at_once: bool,
    /// The memory of the scoreboard.
    pub scoreboard: Option<RawFd>,
}

impl Legacy {
    /// Executes the server anew. Only returns when that fails.
    pub fn execute(&self) -> io::Error {
        let mut image = match Image::new() {
            Ok(image) => image,
            Err(error) => return io::Error::other(error),
        };
        let mut descriptors = sockets::descriptors(&self.listeners);
        image.set(INHERITED, &self.listeners);
        image.set(GENERATION, &self.generation.to_string());
        for (name, value) in self.earlier.to_text() {
            image.set(name, &value);
        }
        if self.at_once {
            image.set(AT_ONCE, "1");
        }
        if let Some(memory) = self.scoreboard {
            image.set(memory::HANDED, &memory.to_string());
            descriptors.push(memory);
        }
        descriptors.extend(activation::descriptors());
        if let Some((name, descriptor)) = pidfile::keep_over_exec() {
            image.set(name, &descriptor);
            descriptors.extend(descriptor.parse::<RawFd>().ok());
        }
        image.execute(&descriptors)
    }
}

/// The restart that has been asked for, as far as it has come.
#[derive(Debug, Default)]
pub struct Restarts {
    rehearsal: Option<Rehearsal>,
    graceful: bool,
    /// Asked for once more meanwhile: the configuration may have changed under the rehearsal's eyes.
    again: bool,
}

/// What came of a rehearsal.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The restart is in order: gracefully, or at once.
    Go {
        /// Requests under way are finished.
        graceful: bool,
    },
    /// It is not, and why.
    Refused(String),
    /// The rehearsal is to be repeated.
    Again,
}

impl Restarts {
    /// A restart is asked for.
    ///
    /// # Errors
    /// Why it cannot even be rehearsed.
    pub fn ask(&mut self, graceful: bool) -> Result<(), String> {
        if self.rehearsal.is_some() {
            // Whoever asked for a restart at once gets it.
            self.graceful &= graceful;
            self.again = true;
            return Ok(());
        }
        self.graceful = graceful;
        self.again = false;
        self.rehearsal = Some(Rehearsal::begin(std::process::id())?);
        Ok(())
    }

    /// A process has ended; answers what follows if it was the rehearsal's.
    pub fn ended(&mut self, pid: i32, status: i32) -> Option<Outcome> {
        let rehearsal = self.rehearsal.take_if(|rehearsal| rehearsal.pid() == pid)?;
        Some(match rehearsal.verdict(status) {
            // The image that is executed reads the configuration as it is then.
            Ok(()) => Outcome::Go {
                graceful: self.graceful,
            },
            Err(_) if self.again => Outcome::Again,
            Err(why) => Outcome::Refused(why),
        })
    }

    /// Whether requests under way would be finished.
    pub fn is_graceful(&self) -> bool {
        self.graceful
    }

    /// Ends a rehearsal that takes too long.
    pub fn look(&self) {
        if let Some(rehearsal) = self.rehearsal.as_ref().filter(|one| one.is_overdue()) {
            rehearsal.cancel();
        }
    }

    /// There will be no restart.
    pub fn cancel(&self) {
        if let Some(rehearsal) = &self.rehearsal {
            rehearsal.cancel();
        }
    }
}

impl Control {
    /// A restart is asked for: it is rehearsed, while the server goes on.
    pub(super) fn ask_for_restart(&mut self, graceful: bool) {
        announce::reloading();
        if let Err(why) = self.restarts.ask(graceful) {
            refuse(&why);
        }
    }

    /// Deals with the end of a process that is none of the present children; false: it is unknown.
    pub(super) fn other_ended(&mut self, pid: i32, status: i32) -> bool {
        match self.restarts.ended(pid, status) {
            Some(Outcome::Go { graceful }) => {
                self.restart(graceful);
                return true;
            }
            Some(Outcome::Refused(why)) => {
                refuse(&why);
                return true;
            }
            Some(Outcome::Again) => {
                self.ask_for_restart(self.restarts.is_graceful());
                return true;
            }
            None => {}
        }
        match self.earlier.ended(pid) {
            Some(child) => {
                if child.slot >= 0 {
                    super::free_slot(child.slot);
                }
                true
            }
            None => false,
        }
    }

    /// Changes to the configuration, modules and binary on disk, which have been found good.
    fn restart(&mut self, graceful: bool) {
        let mut earlier = std::mem::take(&mut self.earlier);
        let children = self.children.iter().map(|child| (child.pid, child.slot));
        // Helpers stay until the children that use them are gone.
        helpers::spare();
        earlier.add(
            super::generation(),
            children,
            helpers::all().into_iter(),
            helpers::names().into_iter(),
        );
        let mut legacy = Legacy {
            listeners: sockets::inheritable(),
            generation: super::generation() + 1,
            earlier,
            at_once: !graceful,
            scoreboard: memory::keep_over_exec(),
        };
        let aside = module_sockets::set_aside(std::process::id(), super::generation());
        let kept = aside.hold_during(|| {
            // SAFETY: no other thread uses pools, and what runs after this uses nothing of any.
            // Cleanups flush logs and take away what has a name that the next image will use; and what
            // modules keep for the life of the process, as mod_ssl its System V semaphores, which would
            // outlive the image.
            unsafe { sys::apr_pool_clear(sys::ap_pglobal) };
        });
        legacy.earlier.add_names(super::generation(), kept);
        let error = legacy.execute();
        // The configuration is gone, but the children serve with it.
        hold::hold(legacy, &format!("cannot execute the server anew: {error}"));
    }
}

fn refuse(why: &str) {
    announce::refused(why);
    log(
        sys::APLOG_ERR,
        &format!("restart refused, the running configuration stays in force: {why}"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_is_repeated_when_asked_for_meanwhile_and_refused() {
        let mut restarts = Restarts::default();
        assert_eq!(restarts.ended(1, 0), None);
        restarts.graceful = true;
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id() as i32;
        child.wait().unwrap();
        restarts.rehearsal = Some(Rehearsal::for_test(pid));
        restarts.ask(false).unwrap();
        assert_eq!(restarts.ended(pid + 1, 0), None);
        assert_eq!(restarts.ended(pid, 0x100), Some(Outcome::Again));
        assert!(!restarts.is_graceful());
        restarts.rehearsal = Some(Rehearsal::for_test(pid));
        let go = Outcome::Go { graceful: false };
        assert_eq!(restarts.ended(pid, 0), Some(go));
    }
}
