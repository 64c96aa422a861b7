//! A server that is asked by its command line: `-t`, `-S`, `-k start`, `-k stop` and the like, about a
//! configuration on disk.

use std::{
    fs,
    net::TcpStream,
    path::PathBuf,
    process::{Command, Output},
};

use anyhow::Result;

use crate::host::{APACHE_MODULES, Kind, Place, fill, free_ports, printed, run, until};

/// A configuration on disk, and the server that is asked about it.
pub struct Asked {
    /// Which server.
    pub kind: Kind,
    /// Its directory.
    pub place: Place,
    /// `@PORT@` and `@PORT2@`.
    pub ports: Vec<u16>,
}

impl Asked {
    /// A server with `configuration` behind a few lines that every configuration needs.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn new(kind: Kind, configuration: &str) -> Result<Self> {
        let asked = Self {
            kind,
            place: Place::new()?,
            ports: free_ports(2)?,
        };
        asked.write(configuration)?;
        Ok(asked)
    }

    /// Changes the configuration.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write(&self, configuration: &str) -> Result<()> {
        let text = format!(
            "LoadModule mpm_event_module {APACHE_MODULES}/mod_mpm_event.so\n\
             ServerRoot \"@PLACE@\"\nServerName main.example\nPidFile run/httpd.pid\n\
             DefaultRuntimeDir run\nErrorLog logs/error.log\nUser www-data\nGroup www-data\n\
             StartServers 1\n{configuration}\n"
        );
        let text = fill(&text, self.place.path(), &self.ports);
        Ok(fs::write(self.file(), text)?)
    }

    /// The configuration file.
    pub fn file(&self) -> PathBuf {
        self.place.path().join("conf/httpd.conf")
    }

    /// The server's program with these flags behind those that name the configuration.
    pub fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(self.kind.program());
        command
            .arg("-d")
            .arg(self.place.path())
            .arg("-f")
            .arg(self.file())
            .args(flags);
        command
    }

    /// Runs that to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn ask(&self, flags: &[&str]) -> Result<Output> {
        run(&mut self.command(flags))
    }

    /// What is printed.
    ///
    /// # Errors
    /// As `ask`.
    pub fn says(&self, flags: &[&str]) -> Result<String> {
        Ok(printed(&self.ask(flags)?))
    }

    /// The exit code and what is printed, with the place's and the ports' names.
    ///
    /// # Errors
    /// As `ask`.
    pub fn plain(&self, flags: &[&str]) -> Result<(Option<i32>, Vec<String>)> {
        let output = self.ask(flags)?;
        let mut text = printed(&output).replace(&self.place.path().display().to_string(), "PLACE");
        for (number, port) in self.ports.iter().enumerate() {
            text = text.replace(&port.to_string(), &format!("PORT{number}"));
        }
        let lines = text.lines().map(str::to_owned).collect();
        Ok((output.status.code(), lines))
    }

    /// The number in the pid file.
    pub fn pid(&self) -> Option<i32> {
        self.place.read("run/httpd.pid").trim().parse().ok()
    }

    /// Whether somebody listens on the first port.
    pub fn listens(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.ports[0])).is_ok()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // Apache does not know of a server that has not written its pid file yet: ask again.
        let _ = until("the server is gone", || {
            self.ask(&["-k", "stop"])?;
            Ok(!self.listens())
        });
    }
}
