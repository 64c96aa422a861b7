//! Programs that servers under test talk to: a cache, a directory.

use std::{
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
