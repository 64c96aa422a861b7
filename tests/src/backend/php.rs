//! A real FastCGI server: PHP's, with a directory of its own, on a Unix socket and on a port.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::host::{Place, free_ports, until};

/// A running php-fpm; it ends when this is dropped.
pub struct Php {
    place: Place,
    process: Child,
    port: u16,
}

fn program() -> Result<PathBuf> {
    let here = fs::read_dir("/usr/sbin")?;
    let mut found = here
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("php-fpm")
        });
    found.next().context("no php-fpm: make test installs it")
}

impl Php {
    /// Starts one and waits until it listens.
    ///
    /// # Errors
    /// When it does not: what it logged.
    pub fn start() -> Result<Self> {
        let place = Place::new()?;
        let port = free_ports(1)?[0];
        let pool = |name: &str, listen: &str| {
            format!(
                "[{name}]\nuser = www-data\ngroup = www-data\nlisten = {listen}\n\
                 listen.mode = 0666\npm = static\npm.max_children = 2\n"
            )
        };
        let path = place.path().display();
        let configuration = format!(
            "[global]\nerror_log = {path}/logs/php.log\ndaemonize = no\n{}{}",
            pool("file", &format!("{path}/run/php.sock")),
            pool("port", &format!("127.0.0.1:{port}")),
        );
        let file = place.path().join("conf/php-fpm.conf");
        fs::write(&file, configuration)?;
        let process = Command::new(program()?)
            .arg("-F")
            .arg("-n")
            .arg("-y")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut php = Self {
            place,
            process,
            port,
        };
        until("php-fpm listens", || {
            if let Some(status) = php.process.try_wait()? {
                bail!(
                    "php-fpm ended: {status}\n{}",
                    php.place.read("logs/php.log")
                );
            }
            Ok(php.socket().exists() && TcpStream::connect(("127.0.0.1", port)).is_ok())
        })?;
        Ok(php)
    }

    /// Its Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.place.path().join("run/php.sock")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it logs.
    pub fn place(&self) -> &Path {
        self.place.path()
    }
}

impl Drop for Php {
    fn drop(&mut self) {
        // SAFETY: a plain system call on a process that was started here and not yet waited for.
        unsafe { libc::kill(self.process.id() as i32, libc::SIGTERM) };
        let ended = until("php-fpm ends", || Ok(self.process.try_wait()?.is_some()));
        if ended.is_err() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}
