//! Which program listens on a port: found in the tables of /proc, for the message that a port is in
//! use. What this user may not see is simply not named.

#![forbid(unsafe_code)]

use std::{fmt, fs, path::Path};

/// A process that listens.
#[derive(Debug, PartialEq, Eq)]
pub struct Owner {
    /// The program's name.
    pub name: String,
    /// The process.
    pub pid: u32,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.pid)
    }
}

/// The process that listens on a TCP port, the oldest when several share the socket; `proc` is
/// `/proc`.
pub fn find(proc: &Path, port: u16) -> Option<Owner> {
    let inodes: Vec<u64> = ["net/tcp", "net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(proc.join(table)).ok())
        .flat_map(|table| listening(&table, port))
        .collect();
    if inodes.is_empty() {
        return None;
    }
    let mut pids: Vec<u32> = fs::read_dir(proc)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    let pid = pids
        .into_iter()
        .find(|pid| holds(&proc.join(pid.to_string()).join("fd"), &inodes))?;
    let name = fs::read_to_string(proc.join(pid.to_string()).join("comm")).ok()?;
    Some(Owner {
        name: name.trim_end().to_owned(),
        pid,
    })
}

/// The inodes of the sockets that listen on a port, in a table of the form of /proc/net/tcp.
fn listening(table: &str, port: u16) -> Vec<u64> {
    /// TCP_LISTEN as the table writes it.
    const LISTENS: &str = "0A";
    let port = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, state, _, _, _, _, _, inode, ..] = fields[..] else {
                return None;
            };
            (state == LISTENS && local.ends_with(&port)).then(|| inode.parse().ok())?
        })
        .collect()
}

/// Whether one of a process's descriptors is one of these sockets.
fn holds(descriptors: &Path, inodes: &[u64]) -> bool {
    let Ok(entries) = fs::read_dir(descriptors) else {
        return false;
    };
    entries
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .any(|target| socket(&target).is_some_and(|inode| inodes.contains(&inode)))
}

/// The number in `socket:[123]`.
fn socket(target: &Path) -> Option<u64> {
    let text = target.to_str()?;
    text.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_sockets_is_understood() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   \
                     uid  timeout inode\n   \
                     0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     \
                     0        0 4711 1 0 100 0 0 10 0\n   \
                     1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     \
                     0        0 4712 1 0 100 0 0 10 0\n";
        assert_eq!(listening(table, 8080), [4711]);
        assert_eq!(listening(table, 80), []);
    }

    #[test]
    fn a_listening_process_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let owner = find(Path::new("/proc"), port).unwrap();
        assert_eq!(owner.pid, std::process::id());
        assert!(!owner.name.is_empty());
    }
}
