//! Whether a server runs with a pid file. A running server holds a lock on it which names the process
//! (`fcntl`), one that is being started another one (`flock`); docs/decisions/0026.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    path::Path,
    time::{Duration, Instant},
};

/// What a pid file says.
#[derive(Debug, PartialEq, Eq)]
pub enum State {
    /// There is none.
    Absent,
    /// A server is being started.
    Starting,
    /// The server with this number runs.
    Running(i32),
    /// No server runs; the number was its own, unless the file holds something else.
    Stale(Option<i32>),
    /// It cannot be told, and why.
    Unknown(String),
}

/// Looks a pid file up.
pub fn state(path: &Path) -> State {
    let opened = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return State::Absent,
        Err(error) => return State::Unknown(format!("{}: {error}", path.display())),
    };
    let mut text = String::new();
    // What is no text is no number either.
    let _ = (&file).take(32).read_to_string(&mut text);
    let number: Option<i32> = text.trim().parse().ok().filter(|&pid| pid > 1);
    let running = || match (holder(&file), number) {
        (Some(pid), _) if pid > 1 => Some(pid),
        // Locked by a process that has no number in this namespace.
        (Some(_), Some(pid)) => Some(pid),
        // File systems without locks, and a process that is just executing itself.
        (None, Some(pid)) if has_open(pid, path) => Some(pid),
        _ => None,
    };
    if let Some(pid) = running() {
        return State::Running(pid);
    }
    // SAFETY: the descriptor is open.
    let status = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_SH | libc::LOCK_NB) };
    if status != 0 && io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock {
        return State::Starting;
    }
    // Between the first question and this one a server may have come to run.
    running().map_or(State::Stale(number), State::Running)
}

/// The same, after a start under way has come to an end, unless that takes too long.
pub fn settled_state(path: &Path) -> State {
    let begun = Instant::now();
    loop {
        match state(path) {
            State::Starting if begun.elapsed() < Duration::from_secs(10) => super::pause(),
            state => return state,
        }
    }
}

/// Whether there is a process of this number that has not ended.
pub fn exists(pid: i32) -> bool {
    let about = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = about.rsplit(") ").next().unwrap_or_default();
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}

/// The process that has the lock.
fn holder(file: &File) -> Option<i32> {
    // SAFETY: a structure of numbers; the descriptor is open, and the system writes its answer into
    // the record.
    unsafe {
        let mut lock: libc::flock = std::mem::zeroed();
        lock.l_type = libc::F_WRLCK as libc::c_short;
        lock.l_whence = libc::SEEK_SET as libc::c_short;
        let status = libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut lock);
        (status == 0 && i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock.l_pid)
    }
}

/// Whether a process has this file open.
fn has_open(pid: i32, path: &Path) -> bool {
    let (Ok(path), Ok(entries)) = (path.canonicalize(), fs::read_dir(format!("/proc/{pid}/fd")))
    else {
        return false;
    };
    entries
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .any(|target| target == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_alone_is_no_server() {
        let path = std::env::temp_dir().join(format!("apachectl-rs-{}", std::process::id()));
        assert_eq!(state(&path), State::Absent);
        let parent = std::os::unix::process::parent_id() as i32;
        fs::write(&path, format!("{parent}\n")).unwrap();
        assert_eq!(state(&path), State::Stale(Some(parent)));
        fs::write(&path, [0, 200]).unwrap();
        assert_eq!(state(&path), State::Stale(None));
        let file = File::open(&path).unwrap();
        // SAFETY: the descriptor is open.
        unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) };
        assert_eq!(state(&path), State::Starting);
        fs::remove_file(&path).unwrap();
        assert!(exists(parent) && !exists(0));
    }
}
