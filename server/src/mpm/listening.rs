//! The TCP sockets that listen on this machine, and whose sockets are whose, as `/proc` tells it.

#![forbid(unsafe_code)]

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

/// A socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// What it is bound to.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// What tells it from other sockets.
    pub inode: u64,
}

/// All that listen in the network of `process`, which is `/proc` (this process's) or a directory there.
pub fn all(process: &Path) -> Vec<Listening> {
    ["net/tcp", "net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(process.join(table)).ok())
        .flat_map(|table| table.lines().skip(1).filter_map(row).collect::<Vec<_>>())
        .collect()
}

/// The inodes of the sockets that a process has open, from its directory in `/proc`.
pub fn sockets_of(process: &Path) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(process.join("fd")) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|target| inode(&target))
        .collect()
}

/// The number in `socket:[123]`.
fn inode(target: &Path) -> Option<u64> {
    let text = target.to_str()?;
    text.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

/// A row of a table of the form of /proc/net/tcp; `None` when the socket does not listen.
fn row(line: &str) -> Option<Listening> {
    /// TCP_LISTEN as the table writes it.
    const LISTENS: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, local, _, LISTENS, _, _, _, _, _, inode, ..] = fields[..] else {
        return None;
    };
    let (address, port) = local.split_once(':')?;
    Some(Listening {
        address: parse(address)?,
        port: u16::from_str_radix(port, 16).ok()?,
        inode: inode.parse().ok()?,
    })
}

/// An address as the tables write it: words of four bytes, each as the machine reads them.
fn parse(text: &str) -> Option<IpAddr> {
    let words: Option<Vec<[u8; 4]>> = (0..text.len())
        .step_by(8)
        .map(|at| {
            let word = u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?;
            Some(word.to_ne_bytes())
        })
        .collect();
    match words?.as_flattened() {
        bytes if bytes.len() == 4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        bytes => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_sockets_that_listen_are_understood() {
        let rest = "00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0";
        let read =
            |local: &str, state: &str| row(&format!("0: {local} 00000000:0000 {state} {rest}"));
        let found = |address: &str, port| {
            Some(Listening {
                address: address.parse().unwrap(),
                port,
                inode: 4711,
            })
        };
        assert_eq!(read("00000000:0051", "0A"), found("0.0.0.0", 81));
        assert_eq!(
            read(&format!("{}:0050", "0".repeat(32)), "0A"),
            found("::", 80)
        );
        assert_eq!(read("00000000:0051", "01"), None);
        if cfg!(target_endian = "little") {
            assert_eq!(read("0100007F:1F90", "0A"), found("127.0.0.1", 8080));
            let local = "00000000000000000000000001000000:0050";
            assert_eq!(read(local, "0A"), found("::1", 80));
        }
        assert_eq!(row("sl local_address"), None);
    }

    #[test]
    fn a_socket_of_this_process_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let bound = listener.local_addr().unwrap();
        let found = all(Path::new("/proc"))
            .into_iter()
            .find(|socket| (socket.address, socket.port) == (bound.ip(), bound.port()));
        let inode = found.unwrap().inode;
        assert!(sockets_of(Path::new("/proc/self")).contains(&inode));
    }
}
