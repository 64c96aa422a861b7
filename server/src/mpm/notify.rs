//! The protocol by which a service tells systemd how it is (`sd_notify`), without its library: a
//! datagram of `NAME=value` lines to the socket that `NOTIFY_SOCKET` names.

#![forbid(unsafe_code)]

use std::{
    ffi::OsStr,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

/// Where to send.
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Notifier {
    /// The one that the environment names; `None` when nobody wants to hear.
    pub fn from_environment() -> Option<Self> {
        Self::to(&std::env::var_os("NOTIFY_SOCKET")?)
    }

    fn to(name: &OsStr) -> Option<Self> {
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
            [b'/', ..] => SocketAddr::from_pathname(name),
            _ => return None,
        };
        let socket = UnixDatagram::unbound().ok()?;
        // A listener that does not listen must not stop the server.
        socket.set_nonblocking(true).ok()?;
        Some(Self {
            socket,
            address: address.ok()?,
        })
    }

    /// Sends these lines. Who does not receive them has not missed what the server is for.
    pub fn tell(&self, lines: &str) {
        let _ = self.socket.send_to_addr(lines.as_bytes(), &self.address);
    }
}

/// How soon after one sign of life the next must come, when this process is to give them.
pub fn watchdog_interval() -> Option<Duration> {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let meant = std::env::var_os("WATCHDOG_PID").is_none()
        || number("WATCHDOG_PID") == Some(std::process::id().into());
    let interval = number("WATCHDOG_USEC").filter(|&interval| meant && interval > 0)?;
    Some(Duration::from_micros(interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_names_are_reached() {
        let name = format!("httpd-rs-notify-{}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let listeners = [
            (
                UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap(),
                format!("@{name}"),
            ),
            (
                UnixDatagram::bind(&path).unwrap(),
                path.display().to_string(),
            ),
        ];
        for (listener, name) in listeners {
            Notifier::to(OsStr::new(&name)).unwrap().tell("READY=1");
            let mut text = [0; 32];
            let length = listener.recv(&mut text).unwrap();
            assert_eq!(&text[..length], b"READY=1");
        }
        std::fs::remove_file(path).unwrap();
        assert!(Notifier::to(OsStr::new("vsock:2:1")).is_none());
    }
}
