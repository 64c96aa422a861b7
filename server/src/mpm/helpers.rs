//! Programs that run beside the children of the server: those of piped logs, mod_cgid's daemon, maps
//! of mod_rewrite, daemons of mod_wsgi. The control process keeps account of them, because over a
//! restart they stay until the children that use them are gone (`mpm::earlier`).
//!
//! Programs that take lines end when nobody can write to them any more, so that no line is lost;
//! the others end by a signal.

use std::{
    os::unix::fs::FileTypeExt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// How a program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndsBy {
    /// By SIGTERM.
    Signal,
    /// By the end of its input.
    EndOfInput,
}

/// A program that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Helper {
    /// Its process.
    pub pid: i32,
    /// How it ends.
    pub ends_by: EndsBy,
}

/// The process that keeps account; 0 before there is one.
static ACCOUNTANT: AtomicU32 = AtomicU32::new(0);
static RUNNING: Mutex<Vec<Helper>> = Mutex::new(Vec::new());
/// Programs whose input has ended here.
static ENDING: Mutex<Vec<i32>> = Mutex::new(Vec::new());
static SPARED: AtomicBool = AtomicBool::new(false);

/// From now on this is the process that keeps account. (A server that leaves its terminal is a new
/// process.)
pub fn account_for() {
    ACCOUNTANT.store(std::process::id(), Ordering::Relaxed);
}

/// Whether this process keeps account; forks of it do not.
pub fn are_of_this_process() -> bool {
    ACCOUNTANT.load(Ordering::Relaxed) == std::process::id()
}

/// Names with this process's number and generation in them, which nobody else uses: those of sockets on
/// which helpers listen (mod_cgid's daemon).
static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn names_here() -> std::sync::MutexGuard<'static, Vec<String>> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a name that was made for this process and generation.
pub fn note_name(name: &[u8]) {
    // What is no text cannot be handed on as such; the socket may be left behind then.
    if let Ok(name) = str::from_utf8(name)
        && are_of_this_process()
    {
        let mut names = names_here();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
}

/// Completes the names that were noted: they may be below a directory that was not known then.
pub fn complete_names(complete: impl Fn(&str) -> Option<String>) {
    for name in names_here().iter_mut() {
        if let Some(whole) = complete(name) {
            *name = whole;
        }
    }
}

/// The names that were noted.
pub fn names() -> Vec<String> {
    names_here().clone()
}

/// Removes a socket of such a name, which a helper may have left.
pub fn remove_socket(name: &str) {
    let is_socket = |data: std::fs::Metadata| data.file_type().is_socket();
    if std::fs::symlink_metadata(name).is_ok_and(is_socket) {
        // There is nobody to tell.
        let _ = std::fs::remove_file(name);
    }
}

/// At the end of the process: removes the sockets whose helpers have been ended, maybe before they had
/// made them.
pub fn remove_sockets() {
    let names = std::mem::take(&mut *names_here());
    if names.is_empty() {
        return;
    }
    let begun = Instant::now();
    let mut status = 0;
    // SAFETY: the status has a place.
    while unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) } != -1
        && begun.elapsed() < PATIENCE
    {
        std::thread::sleep(Duration::from_millis(1));
    }
    for name in names {
        remove_socket(&name);
    }
}

/// From now on no helper ends because the pool it belongs to is cleared.
pub fn spare() {
    SPARED.store(true, Ordering::Relaxed);
}

/// Whether helpers outlive their pools.
pub fn are_spared() -> bool {
    SPARED.load(Ordering::Relaxed)
}

/// Helpers end with their pools again: there is no restart after all.
pub fn spare_no_more() {
    SPARED.store(false, Ordering::Relaxed);
}

fn running() -> std::sync::MutexGuard<'static, Vec<Helper>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes that a program runs.
pub fn note(pid: i32, ends_by: EndsBy) {
    let mut running = running();
    match running.iter_mut().find(|helper| helper.pid == pid) {
        Some(helper) if ends_by == EndsBy::EndOfInput => helper.ends_by = ends_by,
        Some(_) => {}
        None => running.push(Helper { pid, ends_by }),
    }
}

/// A program has ended, or is about to be ended by whoever started it.
pub fn forget(pid: i32) {
    running().retain(|helper| helper.pid != pid);
    let mut ending = ENDING.lock().unwrap_or_else(PoisonError::into_inner);
    ending.retain(|&other| other != pid);
}

/// A program that takes lines gets no more from this process: it may end now.
pub fn input_ended(pid: i32) {
    running().retain(|helper| helper.pid != pid);
    let mut ending = ENDING.lock().unwrap_or_else(PoisonError::into_inner);
    ending.push(pid);
}

/// The programs that run.
pub fn all() -> Vec<Helper> {
    let mut running = running();
    running.retain(|helper| is_child(helper.pid));
    running.clone()
}

/// How long programs may take to deal with the lines they have got.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until programs whose input has ended are gone. Those that do not go are ended.
pub fn settle() {
    let mut ending = {
        let mut ending = ENDING.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *ending)
    };
    for signal in [None, Some(libc::SIGTERM), Some(libc::SIGKILL)] {
        if let Some(signal) = signal {
            for &pid in &ending {
                send(pid, signal);
            }
        }
        let begun = Instant::now();
        while !ending.is_empty() && begun.elapsed() < PATIENCE {
            ending.retain(|&pid| !has_ended(pid));
            if !ending.is_empty() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// Takes note of the end of a child process, if it has come.
fn has_ended(pid: i32) -> bool {
    let mut status = 0;
    // SAFETY: the status has a place. -1: it is no child, or has been waited for.
    let answer = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
    answer == pid || answer == -1
}

/// Whether a number is that of a child process, which may have ended but not been waited for: no other
/// process has got the number since.
pub fn is_child(pid: i32) -> bool {
    let Ok(id) = libc::id_t::try_from(pid) else {
        return false;
    };
    // SAFETY: the record has a place; nothing is waited for and nothing taken away.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        libc::waitid(libc::P_PID, id, &raw mut info, how) == 0
    }
}

/// Signals a child process.
pub fn send(pid: i32, signal: i32) {
    if is_child(pid) {
        // SAFETY: a plain system call on a child.
        unsafe { libc::kill(pid, signal) };
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_program_that_goes_at_the_end_of_its_input_is_not_signalled() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = child.id() as i32;
        assert!(is_child(pid));
        note(pid, EndsBy::Signal);
        note(pid, EndsBy::EndOfInput);
        let noted = Helper {
            pid,
            ends_by: EndsBy::EndOfInput,
        };
        assert!(all().contains(&noted));
        drop(child.stdin.take());
        input_ended(pid);
        assert!(!all().contains(&noted));
        settle();
        assert!(!is_child(pid));
        assert!(child.wait().is_err(), "it has been waited for");
    }
}
