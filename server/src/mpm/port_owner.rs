//! Why an address cannot be listened on, beyond what the system says: which program has it (found in
//! the tables of /proc), or what the user lacks. What this user may not see is not named.

#![forbid(unsafe_code)]

use std::{fmt, fs, io, net::IpAddr, path::Path};

use super::listening;

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

/// Why this process could not listen on an address, as a clause behind the address; empty when there
/// is nothing to add to what the system says. `server` is the one whose restart this process rehearses.
pub fn explain(error: &io::Error, address: IpAddr, port: u16, server: Option<u32>) -> String {
    let proc = Path::new("/proc");
    match error.kind() {
        io::ErrorKind::AddrInUse => match find(proc, address, port) {
            Some(owner) if owner.pid == std::process::id() => {
                ", which another Listen has taken".to_owned()
            }
            Some(owner) if server == Some(owner.pid) => {
                ", which this server listens on with another address; such a change needs a stop and a \
                 start"
                    .to_owned()
            }
            Some(owner) => format!(", which {owner} listens on"),
            None if !listeners(proc, address, port).is_empty() => {
                ", which a process that this user may not see listens on".to_owned()
            }
            None => String::new(),
        },
        io::ErrorKind::AddrNotAvailable => {
            format!(", because {address} is not an address of this machine")
        }
        io::ErrorKind::PermissionDenied => {
            let first = fs::read_to_string(proc.join("sys/net/ipv4/ip_unprivileged_port_start"));
            let first = first.ok().and_then(|text| text.trim().parse().ok());
            let first: u16 = first.unwrap_or(1024);
            if port < first {
                format!(
                    ", because ports below {first} need root's rights or the capability \
                     CAP_NET_BIND_SERVICE"
                )
            } else {
                String::new()
            }
        }
        _ => String::new(),
    }
}

/// The process that listens on a TCP address in the way of this one, the oldest when several share the
/// socket; `proc` is `/proc`.
fn find(proc: &Path, address: IpAddr, port: u16) -> Option<Owner> {
    let inodes = listeners(proc, address, port);
    if inodes.is_empty() {
        return None;
    }
    let mut pids: Vec<u32> = fs::read_dir(proc)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    let pid = pids.into_iter().find(|pid| {
        let sockets = listening::sockets_of(&proc.join(pid.to_string()));
        sockets.iter().any(|socket| inodes.contains(socket))
    })?;
    let name = fs::read_to_string(proc.join(pid.to_string()).join("comm")).ok()?;
    Some(Owner {
        name: name.trim_end().to_owned(),
        pid,
    })
}

/// The inodes of the sockets that listen in the way of an address.
fn listeners(proc: &Path, address: IpAddr, port: u16) -> Vec<u64> {
    listening::all(proc)
        .into_iter()
        .filter(|socket| socket.port == port && meet(socket.address, address))
        .map(|socket| socket.inode)
        .collect()
}

/// Whether sockets of two addresses cannot have the same port: one is the other's, or stands for all.
fn meet(one: IpAddr, other: IpAddr) -> bool {
    let (one, other) = (one.to_canonical(), other.to_canonical());
    let all = |a: IpAddr, b: IpAddr| a.is_unspecified() && (a.is_ipv6() || b.is_ipv4());
    one == other || all(one, other) || all(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_meet_when_they_cannot_both_be_bound() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        for (one, other, expected) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "0.0.0.0", true),
            ("127.0.0.1", "::", true),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("::1", "::", true),
            ("::1", "0.0.0.0", false),
            ("127.0.0.1", "127.0.0.2", false),
        ] {
            assert_eq!(
                meet(address(one), address(other)),
                expected,
                "{one} {other}"
            );
            assert_eq!(
                meet(address(other), address(one)),
                expected,
                "{other} {one}"
            );
        }
    }

    #[test]
    fn a_listening_process_is_found() {
        for place in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = std::net::TcpListener::bind(place) else {
                // A machine without IPv6.
                continue;
            };
            let bound = listener.local_addr().unwrap();
            let owner = find(Path::new("/proc"), bound.ip(), bound.port()).unwrap();
            assert_eq!(owner.pid, std::process::id());
            assert!(!owner.name.is_empty());
        }
    }

    #[test]
    fn what_is_amiss_is_explained() {
        let why = |kind: io::ErrorKind, port| {
            explain(&kind.into(), IpAddr::from([192, 0, 2, 1]), port, None)
        };
        assert!(why(io::ErrorKind::AddrNotAvailable, 80).contains("192.0.2.1 is not"));
        assert_eq!(why(io::ErrorKind::PermissionDenied, 65535), "");
        assert_eq!(why(io::ErrorKind::OutOfMemory, 80), "");
    }
}
