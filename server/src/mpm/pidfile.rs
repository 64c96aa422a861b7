//! The pid file: claimed before a server starts, locked and kept open while it runs.
//!
//! Two locks are on the one file. `flock` says "a server is being started": it stays over the fork by
//! which the server leaves the terminal. The `fcntl` lock says "a server runs", and names the process
//! that has it; it is taken before the number is written, and the first lock is given up after that.
//! So a file that a power failure left behind is never believed, even when another program has got
//! the number since, and a server that starts is never taken for one that does not run.
//!
//! A process loses its `fcntl` locks on a file with the first descriptor of it that it closes: whoever
//! holds the file must not open it again.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{announce, restart};

/// The variable that hands the lock to the process which this one executes.
const KEPT: &str = "HTTPD_RS_PID_LOCK";

/// How long another process's start is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// No pid file is longer.
const LONGEST: u64 = 31;

/// The pid file of this process, open from its start to its end.
static OWN: Mutex<Option<Claim>> = Mutex::new(None);

/// A pid file that is this process's, or about to be.
#[derive(Debug)]
struct Claim {
    file: File,
    path: PathBuf,
    /// There was none before.
    created: bool,
    /// What was there instead of a pid file that a server had removed when it ended.
    replaced: Option<String>,
    /// The lock that names this process is taken, and the number written.
    held: bool,
}

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

/// Why the pid file cannot be had.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A server runs already.
    #[error("httpd (pid {0}) already running")]
    Running(i32),
    /// Another start does not come to an end.
    #[error("httpd is being started by another process")]
    Starting,
    /// The system refuses.
    #[error("{0}")]
    Failed(String),
}

/// Looks a pid file up.
pub fn state(path: &Path) -> State {
    if is_own(path) {
        return State::Running(own_number());
    }
    state_of_others(path)
}

/// The same of a file that this process does not hold.
fn state_of_others(path: &Path) -> State {
    let file = match File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return State::Absent,
        Err(error) => return State::Unknown(format!("{}: {error}", path.display())),
    };
    let number = number(&file);
    if let Some(pid) = running(&file, path, number) {
        return State::Running(pid);
    }
    match start_lock(&file, libc::LOCK_SH) {
        Lock::Taken => State::Starting,
        // Between the first question and this one a server may have come to run.
        _ => running(&file, path, number).map_or(State::Stale(number), State::Running),
    }
}

/// The same, after a start under way has come to an end, unless that takes too long.
pub fn settled_state(path: &Path) -> State {
    let begun = Instant::now();
    loop {
        match state(path) {
            State::Starting if begun.elapsed() < PATIENCE => pause(),
            state => return state,
        }
    }
}

/// Makes the pid file this process's, which is about to start a server: from now on, others who want
/// to start one wait. Does nothing when it is.
///
/// # Errors
/// When another server has it, or it cannot be made.
pub fn claim(path: &Path) -> Result<(), Refusal> {
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if own.as_ref().is_some_and(|claim| claim.path == path) {
        return Ok(());
    }
    if let Some(claim) = handed_over(path) {
        *own = Some(claim);
        return Ok(());
    }
    let begun = Instant::now();
    loop {
        let (file, created, mut replaced) = open(path)?;
        let number = number(&file);
        if let Some(pid) = running(&file, path, number) {
            return Err(Refusal::Running(pid));
        }
        let taken = start_lock(&file, libc::LOCK_EX) == Lock::Taken;
        if taken && begun.elapsed() > PATIENCE {
            return Err(Refusal::Starting);
        }
        // Whoever had it may have removed the file before this process had the lock.
        if taken || !is_at(&file, path) {
            drop(file);
            pause();
            continue;
        }
        if let Some(pid) = running(&file, path, number) {
            return Err(Refusal::Running(pid));
        }
        if !created && replaced.is_none() {
            replaced = Some(match number {
                Some(_) => String::new(),
                None => described(&file),
            });
        }
        *own = Some(Claim {
            file,
            path: path.to_owned(),
            created,
            replaced,
            held: false,
        });
        return Ok(());
    }
}

/// Writes this process's number into the file that it has claimed, and holds it until the process
/// ends. Answers what was there before, when no server had ended in order: an empty text for the
/// number of one that has not.
///
/// # Errors
/// What the system says.
pub fn hold(path: &Path) -> Result<Option<String>, Refusal> {
    claim(path)?;
    let former = kept();
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(claim) = own.as_mut() else {
        return Ok(None);
    };
    let failed = |error: io::Error| Refusal::Failed(error.to_string());
    if !lock(&claim.file) {
        // File systems on which the two kinds of lock are one.
        start_lock(&claim.file, libc::LOCK_UN);
        lock(&claim.file);
    }
    let text = format!("{}\n", std::process::id());
    // The number first, then the rest away: who reads in between finds the number.
    claim
        .file
        .write_all_at(text.as_bytes(), 0)
        .and_then(|()| claim.file.set_len(text.len() as u64))
        .map_err(failed)?;
    start_lock(&claim.file, libc::LOCK_UN);
    claim.held = true;
    if let Some(descriptor) = former
        && descriptor != claim.file.as_raw_fd()
    {
        // The configuration names another file now, or somebody has removed this one.
        remove_file_of(descriptor);
        // SAFETY: the process that executed this one left the descriptor for it; nothing else uses
        // it.
        drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
    }
    Ok(claim.replaced.take())
}

/// Gives up a file that was only claimed: the start has failed.
pub fn give_up() {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(claim) = own.filter(|claim| claim.created && !claim.held)
        && is_at(&claim.file, &claim.path)
    {
        // Left behind, it would be an empty file that the next start replaces.
        let _ = fs::remove_file(&claim.path);
    }
}

/// Removes the file of this server, which ends. `None`: there is none that is its own.
pub fn remove() -> Option<io::Result<()>> {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner).take();
    match own {
        Some(claim) if claim.held => is_at(&claim.file, &claim.path)
            // The lock is let go when the file is gone.
            .then(|| remove_both(&claim.path)),
        // An image that has not come to holding the file it was left.
        _ => kept().map(remove_file_of)?,
    }
}

/// The number in this process's own file, for whoever must not open it again.
pub fn own_pid(path: &Path) -> Option<i32> {
    is_own(path).then(own_number)
}

/// The descriptor with which the lock stays over executing another program, and the variable to tell
/// of it.
pub fn keep_over_exec() -> Option<(&'static str, String)> {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    let descriptor = match own.as_ref().filter(|claim| claim.held) {
        Some(claim) => claim.file.as_raw_fd(),
        // What this process was left itself, when it has not come to holding the file.
        None => kept()?,
    };
    Some((KEPT, descriptor.to_string()))
}

/// The descriptor which `keep_over_exec` has left for this process.
fn kept() -> Option<RawFd> {
    restart::handed(KEPT)?.parse().ok()
}

/// The file that was left for this process, when it is the one of this path.
fn handed_over(path: &Path) -> Option<Claim> {
    let descriptor = kept().filter(|&descriptor| descriptor_is_at(descriptor, path))?;
    // SAFETY: the process that executed this one left the descriptor for it; only its flag changes,
    // and from now on it belongs to the claim.
    let file = unsafe {
        libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        File::from_raw_fd(descriptor)
    };
    Some(Claim {
        file,
        path: path.to_owned(),
        created: false,
        replaced: None,
        held: true,
    })
}

fn own_number() -> i32 {
    std::process::id() as i32
}

/// Whether this process holds the file of this path.
fn is_own(path: &Path) -> bool {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    match own.as_ref() {
        Some(claim) => claim.held && is_at(&claim.file, path),
        None => kept().is_some_and(|descriptor| descriptor_is_at(descriptor, path)),
    }
}

/// Whether a file is still the one of this name.
fn is_at(file: &File, path: &Path) -> bool {
    descriptor_is_at(file.as_raw_fd(), path)
}

/// The same of a descriptor that belongs to somebody else.
fn descriptor_is_at(descriptor: RawFd, path: &Path) -> bool {
    let place = PathBuf::from(format!("/proc/self/fd/{descriptor}"));
    match (fs::metadata(place), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => open.dev() == named.dev() && open.ino() == named.ino(),
        _ => false,
    }
}

/// Removes a file that is still where it was opened.
fn remove_file_of(descriptor: RawFd) -> Option<io::Result<()>> {
    let path = fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?;
    descriptor_is_at(descriptor, &path).then(|| remove_both(&path))
}

/// Removes a pid file, and what the server has told beside it.
fn remove_both(path: &Path) -> io::Result<()> {
    // It may never have been there.
    let _ = fs::remove_file(announce::path(path));
    fs::remove_file(path)
}

/// Opens the file of this path to write into it, or makes one. What cannot be a pid file is moved out
/// of the way, and described. Also answers whether the file is new.
fn open(path: &Path) -> Result<(File, bool, Option<String>), Refusal> {
    let mut options = File::options();
    options
        .read(true)
        .write(true)
        .mode(0o644)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let failed = |error: io::Error| Refusal::Failed(error.to_string());
    let mut replaced = None;
    for _ in 0..10 {
        match options.clone().create_new(true).open(path) {
            Ok(file) => {
                // Whatever the umask says: everybody may ask whether the server runs.
                file.set_permissions(fs::Permissions::from_mode(0o644))
                    .map_err(failed)?;
                return Ok((file, replaced.is_none(), replaced));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        let strange = match options.open(path) {
            Ok(file) => {
                let about = file.metadata().map_err(failed)?;
                // A file with another name, too, might be anything.
                if about.is_file() && about.nlink() == 1 && about.len() <= LONGEST {
                    return Ok((file, false, replaced));
                }
                described(&file)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                if let State::Running(pid) = state_of_others(path) {
                    return Err(Refusal::Running(pid));
                }
                match fs::symlink_metadata(path) {
                    Ok(about) if about.is_dir() => "a directory".to_owned(),
                    Ok(about) if about.is_symlink() => "a symbolic link".to_owned(),
                    _ => format!("a file that cannot be opened ({error})"),
                }
            }
        };
        // A server may hold even this, if somebody has made another name for it.
        if let State::Running(pid) = state_of_others(path) {
            return Err(Refusal::Running(pid));
        }
        put_away(path).map_err(failed)?;
        replaced = Some(strange);
    }
    Err(Refusal::Failed("it changes all the time".to_owned()))
}

/// What a file holds that is no process's number.
fn described(file: &File) -> String {
    let kind = file.metadata().map(|about| (about.is_file(), about.len()));
    match kind {
        Ok((true, 0)) => "an empty file".to_owned(),
        Ok((true, size)) => format!("a file of {size} bytes that hold no process's number"),
        _ => "a special file".to_owned(),
    }
}

/// Removes what is there, or renames a directory that is not empty.
fn put_away(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return fs::remove_file(path);
    }
    if fs::remove_dir(path).is_ok() {
        return Ok(());
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".replaced-by-{}", std::process::id()));
    fs::rename(path, aside)
}

/// The number in a pid file; `None` when there is anything else.
fn number(file: &File) -> Option<i32> {
    let mut text = String::new();
    // What is no text is no number either. The position is not moved for others: it is our own.
    let _ = file.take(LONGEST + 1).read_to_string(&mut text);
    if text.len() as u64 > LONGEST {
        return None;
    }
    text.trim().parse().ok().filter(|&pid| pid > 1)
}

/// The server that has a pid file in which this number stands.
fn running(file: &File, path: &Path, number: Option<i32>) -> Option<i32> {
    match (holder(file), number) {
        // The system does not tell a process of its own locks, and `is_own` has been asked.
        (_, Some(pid)) if pid == own_number() => None,
        (Some(pid), _) if pid > 1 => Some(pid),
        // Locked by a process that has no number in this namespace.
        (Some(_), Some(pid)) => Some(pid),
        // File systems without locks, and a process that is just executing itself.
        (None, Some(pid)) if has_open(pid, path) => Some(pid),
        _ => None,
    }
}

/// What came of asking for a lock.
#[derive(Debug, PartialEq, Eq)]
enum Lock {
    /// It is this process's, or there are none on this file system.
    Free,
    /// Another process has it.
    Taken,
}

/// The lock that says "a server is being started".
fn start_lock(file: &File, how: libc::c_int) -> Lock {
    // SAFETY: the descriptor is open.
    let status = unsafe { libc::flock(file.as_raw_fd(), how | libc::LOCK_NB) };
    let taken = status != 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EWOULDBLOCK);
    if taken { Lock::Taken } else { Lock::Free }
}

/// A lock on the whole of a file.
fn whole(kind: i32) -> libc::flock {
    // SAFETY: a structure of numbers.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock
}

/// Takes the lock that names this process; without locks there is still `has_open`.
fn lock(file: &File) -> bool {
    let lock = whole(libc::F_WRLCK);
    // SAFETY: the descriptor is open and the record filled.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const lock) == 0 }
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

/// A moment, after which somebody else's start may have come further.
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
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
            ("-7\n", None),
            (&"9".repeat(100), None),
            // The parent of a test lives, and is no server.
            (&format!("{parent}\n"), Some(parent)),
            (&format!("{own}\n"), Some(own)),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(state(&path), State::Stale(expected), "{text:?}");
        }
        // Whatever is there, it is replaced by a file that says this process's number.
        for strange in ["directory", "full", "link", "large", "binary"] {
            let _ = fs::remove_file(&path);
            match strange {
                "directory" => fs::create_dir(&path).unwrap(),
                "full" => fs::create_dir_all(path.join("with")).unwrap(),
                "link" => std::os::unix::fs::symlink("/etc/passwd", &path).unwrap(),
                "large" => fs::write(&path, [b'1'; 100_000]).unwrap(),
                _ => fs::write(&path, [0, 159, 7]).unwrap(),
            }
            claim(&path).unwrap();
            assert_eq!(state(&path), State::Starting, "{strange}");
            let replaced = hold(&path).unwrap().unwrap();
            assert!(replaced.starts_with("a "), "{strange}: {replaced}");
            assert_eq!(state(&path), State::Running(own), "{strange}");
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{own}\n"));
            assert!(remove().unwrap().is_ok());
            assert_eq!(state(&path), State::Absent, "{strange}");
        }
        // A start that fails leaves what there was: nothing.
        claim(&path).unwrap();
        give_up();
        assert_eq!(state(&path), State::Absent);
        fs::remove_dir_all(&directory).unwrap();
    }
}
