//! The rehearsal of a start: before the running server gives up what it has, a scratch process starts
//! with the configuration, modules and program that are on disk, up to the moment at which it would
//! serve. It reads the configuration twice, opens the logs, binds the sockets that are new, and lets
//! modules finish their configuration. What goes wrong there goes wrong without harm.
//!
//! Ports that the running server listens on count as free. The scratch process never listens, so it
//! takes no connection. What it says goes to whoever asked for the rehearsal.

use std::{
    fs::File,
    io::{Read, Seek},
    net::IpAddr,
    os::fd::{AsRawFd, FromRawFd, RawFd},
    path::PathBuf,
    sync::OnceLock,
    time::{Duration, Instant},
};

use super::{
    listening,
    restart::{self, Image},
};

/// Set in the scratch process: the number of the server that runs.
pub const SERVER: &str = "HTTPD_RS_REHEARSAL";

/// How long a rehearsal may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The running server, in a scratch process; `None` everywhere else.
pub fn of_server() -> Option<u32> {
    static SERVER_PID: OnceLock<Option<u32>> = OnceLock::new();
    *SERVER_PID.get_or_init(|| restart::handed(SERVER)?.parse().ok())
}

/// Whether this process only rehearses.
pub fn is_on() -> bool {
    of_server().is_some()
}

/// A scratch process at work.
#[derive(Debug)]
pub struct Rehearsal {
    pid: i32,
    output: File,
    begun: Instant,
}

impl Rehearsal {
    /// Starts one for the server with this number.
    ///
    /// # Errors
    /// Why it could not be started.
    pub fn begin(server: u32) -> Result<Self, String> {
        let say = |what: &str| format!("{what}: {}", std::io::Error::last_os_error());
        // SAFETY: the name is a string; the descriptor is new and ours.
        let output = unsafe {
            let descriptor = libc::memfd_create(c"rehearsal".as_ptr(), libc::MFD_CLOEXEC);
            if descriptor < 0 {
                return Err(say("cannot make memory for the output of a check"));
            }
            File::from_raw_fd(descriptor)
        };
        let mut image = Image::new()?;
        image.set(SERVER, &server.to_string());
        // SAFETY: the process has one thread, so the fork is a whole copy.
        match unsafe { libc::fork() } {
            -1 => Err(say("cannot start a process for a check")),
            0 => {
                become_scratch(&image, output.as_raw_fd());
                // SAFETY: ends this copy, which has nothing of its own.
                unsafe { libc::_exit(127) }
            }
            pid => Ok(Self {
                pid,
                output,
                begun: Instant::now(),
            }),
        }
    }

    /// One with a process of the test's.
    #[cfg(test)]
    pub fn for_test(pid: i32) -> Self {
        Self {
            pid,
            output: File::open("/dev/null").unwrap(),
            begun: Instant::now(),
        }
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether it takes longer than anybody would wait for.
    pub fn is_overdue(&self) -> bool {
        self.begun.elapsed() > PATIENCE
    }

    /// Ends it, with all it has started. Its end is still to be waited for.
    pub fn cancel(&self) {
        // SAFETY: plain system calls on a child and the group it has made for itself.
        unsafe {
            libc::kill(-self.pid, libc::SIGKILL);
            libc::kill(self.pid, libc::SIGKILL);
        }
    }

    /// What came of it, given how the process has ended.
    ///
    /// # Errors
    /// What it said.
    pub fn verdict(mut self, status: i32) -> Result<(), String> {
        // SAFETY: a plain system call on what may be left of its group.
        unsafe { libc::kill(-self.pid, libc::SIGKILL) };
        if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
            return Ok(());
        }
        let mut said = Vec::new();
        if self.output.rewind().is_ok() {
            // What cannot be read is not told.
            let _ = self.output.read_to_end(&mut said);
        }
        let mut said = String::from_utf8_lossy(&said).trim().to_owned();
        if libc::WIFSIGNALED(status) {
            let signal = libc::WTERMSIG(status);
            let how = if signal == libc::SIGKILL && self.is_overdue() {
                format!("the check took longer than {} seconds", PATIENCE.as_secs())
            } else {
                format!("the check was ended by signal {signal}")
            };
            if !said.is_empty() {
                said.push('\n');
            }
            said += &how;
        } else if said.is_empty() {
            said = format!(
                "the check ended with code {} and without a word",
                libc::WEXITSTATUS(status)
            );
        }
        Err(said)
    }
}

/// Rehearses, and waits for the outcome.
///
/// # Errors
/// What the scratch process said.
pub fn check(server: u32) -> Result<(), String> {
    let rehearsal = Rehearsal::begin(server)?;
    let mut status = 0;
    loop {
        // SAFETY: the status has a place.
        match unsafe { libc::waitpid(rehearsal.pid, &raw mut status, libc::WNOHANG) } {
            0 => {
                if rehearsal.is_overdue() {
                    rehearsal.cancel();
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            _ => return rehearsal.verdict(status),
        }
    }
}

/// Turns a fork into the scratch process. Only returns when that fails.
fn become_scratch(image: &Image, output: RawFd) {
    // SAFETY: plain system calls in a process of one thread; the device's name is a string.
    unsafe {
        libc::setpgid(0, 0);
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        libc::dup2(nothing, libc::STDIN_FILENO);
        libc::dup2(output, libc::STDOUT_FILENO);
        libc::dup2(output, libc::STDERR_FILENO);
    }
    let error = image.execute(&[]);
    eprintln!("cannot execute {}: {error}", image.program());
}

/// Whether the running server listens on exactly this address.
pub fn server_listens_on(address: &str, port: u16) -> bool {
    static LISTENING: OnceLock<Vec<(IpAddr, u16)>> = OnceLock::new();
    let (Some(server), Ok(address)) = (of_server(), address.parse()) else {
        return false;
    };
    let listening = LISTENING.get_or_init(|| {
        let server = PathBuf::from(format!("/proc/{server}"));
        let sockets = listening::sockets_of(&server);
        listening::all(&server)
            .into_iter()
            .filter(|socket| sockets.contains(&socket.inode))
            .map(|socket| (socket.address, socket.port))
            .collect()
    });
    listening.contains(&(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_rehearses_nothing() {
        assert!(!is_on());
        assert!(!server_listens_on("127.0.0.1", 80));
    }
}
