//! Whether a server runs with a pid file. The running server keeps the file open and locked, so a
//! file that a power failure left behind is never believed, even when another program has got the
//! number since.

use std::{
    fs::{self, File},
    io::Read,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::restart;

/// The variable that hands the lock to the process which this one executes.
const KEPT: &str = "HTTPD_RS_PID_LOCK";

/// The pid file of this process, open as long as the server runs.
static HELD: Mutex<Option<File>> = Mutex::new(None);

/// What a pid file says.
#[derive(Debug, PartialEq, Eq)]
pub enum State {
    /// There is none.
    Absent,
    /// The server with this number runs.
    Running(i32),
    /// No server runs; the number was its own, unless the file holds something else.
    Stale(Option<i32>),
}

/// Looks a pid file up.
pub fn state(path: &Path) -> State {
    let Ok(mut file) = File::open(path) else {
        return State::Absent;
    };
    let mut text = String::new();
    // What is no text is no number either.
    let _ = file.read_to_string(&mut text);
    let number: Option<i32> = text.trim().parse().ok().filter(|&pid| pid > 1);
    match (holder(&file), number) {
        // The system does not tell a process of its own locks.
        (None, Some(pid)) if pid == std::process::id() as i32 => {
            let held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
            if held.is_some() || restart::handed(KEPT).is_some() {
                State::Running(pid)
            } else {
                State::Stale(Some(pid))
            }
        }
        (Some(pid), _) if pid > 1 => State::Running(pid),
        // Locked by a process that has no number in this namespace.
        (Some(_), Some(pid)) => State::Running(pid),
        // File systems without locks, and a process that is just executing itself.
        (None, Some(pid)) if has_open(pid, path) => State::Running(pid),
        (_, number) => State::Stale(number),
    }
}

/// Keeps the pid file, which says this process's number, until the process ends.
pub fn hold(path: &Path) {
    let Ok(file) = File::options().read(true).write(true).open(path) else {
        return;
    };
    lock(&file);
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    if let Some(descriptor) = kept() {
        // SAFETY: the process that executed this one left the descriptor for it; nothing else uses
        // it.
        drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
    }
}

/// The descriptor with which the lock stays over executing another program, and the variable to tell
/// of it.
pub fn keep_over_exec() -> Option<(&'static str, String)> {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    match held.as_ref() {
        Some(file) => Some((KEPT, file.as_raw_fd().to_string())),
        // What this process was left itself, when it has not come to holding the file.
        None => Some((KEPT, restart::handed(KEPT)?)),
    }
}

/// Removes the file of a server that ends without its configuration, which named the file.
pub fn remove() {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let descriptor = match held.as_ref() {
        Some(file) => Some(file.as_raw_fd()),
        None => restart::handed(KEPT).and_then(|text| text.parse().ok()),
    };
    if let Some(descriptor) = descriptor
        && let Ok(path) = fs::read_link(format!("/proc/self/fd/{descriptor}"))
        && fs::read_to_string(&path).is_ok_and(|text| text.trim().parse() == Ok(std::process::id()))
    {
        // There is nobody left to tell.
        let _ = fs::remove_file(path);
    }
}

/// The descriptor which `keep_over_exec` left, once.
fn kept() -> Option<RawFd> {
    static TAKEN: Mutex<bool> = Mutex::new(false);
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    if std::mem::replace(&mut *taken, true) {
        return None;
    }
    let descriptor: RawFd = restart::handed(KEPT)?.parse().ok()?;
    Some(descriptor)
}

/// A lock on the whole of a file.
fn whole(kind: i32) -> libc::flock {
    // SAFETY: a structure of numbers.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock
}

fn lock(file: &File) {
    let lock = whole(libc::F_WRLCK);
    // SAFETY: the descriptor is open and the record filled. Without locks there is still `has_open`.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const lock) };
}

/// The process that has the lock.
fn holder(file: &File) -> Option<i32> {
    let mut lock = whole(libc::F_WRLCK);
    // SAFETY: the descriptor is open; the system writes its answer into the record.
    let status = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut lock) };
    (status == 0 && i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock.l_pid)
}

/// Whether a process has this file open, or had it when it was replaced.
fn has_open(pid: i32, path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else {
        return false;
    };
    let mut replaced = path.clone().into_os_string();
    replaced.push(" (deleted)");
    let replaced = PathBuf::from(replaced);
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    entries
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .any(|target| target == path || target == replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_holds_its_file_counts() {
        let directory = std::env::temp_dir().join(format!("pidfile-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("pid");
        assert_eq!(state(&path), State::Absent);
        let own = std::process::id() as i32;
        let parent = std::os::unix::process::parent_id() as i32;
        for (text, expected) in [
            ("", None),
            ("nonsense\n", None),
            ("1\n", None),
            // The parent of a test lives, and is no server.
            (&format!("{parent}\n"), Some(parent)),
            (&format!("{own}\n"), Some(own)),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(state(&path), State::Stale(expected), "{text:?}");
        }
        hold(&path);
        assert_eq!(state(&path), State::Running(own));
        fs::remove_dir_all(&directory).unwrap();
    }
}
