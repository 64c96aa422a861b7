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
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::fd::{AsRawFd, FromRawFd, RawFd},
    sync::OnceLock,
    time::{Duration, Instant},
};

use super::restart::{self, Image};

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
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{server}/{name}"));
        let inodes = sockets_of(server);
        ["net/tcp", "net/tcp6"]
            .iter()
            .filter_map(|name| read(name).ok())
            .flat_map(|table| listening_in(&table, &inodes))
            .collect()
    });
    listening.contains(&(address, port))
}

/// The inodes of a process's sockets.
fn sockets_of(process: u32) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{process}/fd")) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|target| {
            let number = target.to_str()?.strip_prefix("socket:[")?;
            number.strip_suffix(']')?.parse().ok()
        })
        .collect()
}

/// Where sockets with these inodes listen, in a table of the form of /proc/net/tcp.
fn listening_in(table: &str, inodes: &[u64]) -> Vec<(IpAddr, u16)> {
    /// TCP_LISTEN as the table writes it.
    const LISTENS: &str = "0A";
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, state, _, _, _, _, _, inode, ..] = fields[..] else {
                return None;
            };
            if state != LISTENS || !inodes.contains(&inode.parse().ok()?) {
                return None;
            }
            let (address, port) = local.split_once(':')?;
            Some((ip_of(address)?, u16::from_str_radix(port, 16).ok()?))
        })
        .collect()
}

/// An address as the tables write it: words in the machine's order, in hexadecimal.
fn ip_of(text: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let word = u32::from_str_radix(text.get(at * 8..at * 8 + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (at, place) in bytes.chunks_exact_mut(4).enumerate() {
                place.copy_from_slice(&word(at)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_the_tables() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0\n\
            1: 0100007F:1F91 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 77 1 0\n\
            2: 00000000000000000000000000000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 78 1 0\n\
            3: 00000000:0051 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 79 1 0\n";
        assert_eq!(
            listening_in(table, &[77, 78]),
            [
                ("127.0.0.1".parse().unwrap(), 8080),
                ("::".parse().unwrap(), 80)
            ]
        );
    }

    #[test]
    fn this_process_rehearses_nothing() {
        assert!(!is_on());
        assert!(!server_listens_on("127.0.0.1", 80));
    }
}
