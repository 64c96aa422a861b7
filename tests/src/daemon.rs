//! Programs that servers under test talk to: a cache, a directory.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::host::{free_ports, until};

/// A program that listens on a port of its own. It is ended when this is dropped.
pub struct Daemon {
    process: Child,
    port: u16,
}

impl Daemon {
    /// Starts `program` with `arguments`, in which `@PORT@` is the port, and waits until it listens.
    ///
    /// # Errors
    /// When it is missing, ends, or does not listen in time.
    pub fn start(program: &str, arguments: &[&str]) -> Result<Self> {
        // Another test may take the port between the search and the start.
        for _ in 0..3 {
            let port = free_ports(1)?[0];
            let arguments = arguments
                .iter()
                .map(|argument| argument.replace("@PORT@", &port.to_string()));
            let process = Command::new(program)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .with_context(|| format!("cannot start {program}"))?;
            let mut daemon = Self { process, port };
            let mut ended = false;
            until("the daemon listens", || {
                ended = daemon.process.try_wait()?.is_some();
                Ok(ended || TcpStream::connect(("127.0.0.1", port)).is_ok())
            })?;
            if !ended {
                return Ok(daemon);
            }
        }
        bail!("{program} ends as soon as it is started")
    }

    /// Starts Debian's memcached.
    ///
    /// # Errors
    /// As `start`.
    pub fn memcached() -> Result<Self> {
        let words = "-u nobody -l 127.0.0.1 -p @PORT@ -U 0 -t 1";
        Self::start("memcached", &words.split(' ').collect::<Vec<_>>())
    }

    /// Starts Debian's redis-server, which keeps nothing.
    ///
    /// # Errors
    /// As `start`.
    pub fn redis() -> Result<Self> {
        let mut words: Vec<&str> = "--port @PORT@ --bind 127.0.0.1 --appendonly no --dir /tmp"
            .split(' ')
            .collect();
        words.extend(["--save", ""]);
        Self::start("redis-server", &words)
    }

    /// Sends a command that is answered with `OK`, in whatever form.
    ///
    /// # Errors
    /// When the program does not answer.
    pub fn command(&self, command: &str) -> Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(command.as_bytes())?;
        stream.read_exact(&mut [0; 2])?;
        Ok(())
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
