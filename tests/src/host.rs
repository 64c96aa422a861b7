//! A server under test: httpd-rs or stock Apache, with a configuration and a directory of its own.

use std::{
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::mpm::Mpm;

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where Debian's apache2-bin puts its modules.
pub const APACHE_MODULES: &str = "/usr/lib/apache2/modules";

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// httpd-rs, from this workspace.
    Ours,
    /// Debian's apache2.
    Apache,
}

impl Kind {
    /// The server that `HOST_UNDER_TEST` names: `ours` (unless set) or `apache`.
    pub fn under_test() -> Self {
        match std::env::var("HOST_UNDER_TEST").as_deref() {
            Ok("apache") => Self::Apache,
            _ => Self::Ours,
        }
    }

    /// The program.
    pub fn program(self) -> PathBuf {
        match self {
            Self::Ours => built("httpd-rs"),
            Self::Apache => "/usr/sbin/apache2".into(),
        }
    }
}

/// A program of this workspace, in the profile that the tests were built in.
///
/// # Panics
/// When it has not been built: `make test` builds all before it runs tests.
pub fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    let program = test
        .ancestors()
        .map(|directory| directory.join(name))
        .find(|program| program.is_file());
    program.unwrap_or_else(|| panic!("{name} is not built: cargo build --workspace"))
}

/// The workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("tests/ is in the workspace")
        .to_owned()
}

/// A directory for a server: `conf/`, `logs/`, `run/`, and whatever a test adds.
pub struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    /// A new one, which everybody may enter: the server's children give up root's rights.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn new() -> Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::Builder::new().prefix("httpd-test-").tempdir()?;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        for part in ["conf", "logs", "run"] {
            fs::create_dir(directory.path().join(part))?;
        }
        Ok(Self { directory })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The text of a file below it; empty when there is none.
    pub fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// A running server. It is stopped, and its directory removed, when this is dropped.
pub struct Host {
    kind: Kind,
    place: Place,
    ports: Vec<u16>,
    process: Child,
}

/// A configuration: `@PORT@`, `@PORT2@`, ... are ports of its own, `@PLACE@` is the server's
/// directory, `@MODULES@` that of Debian's modules.
pub fn fill(text: &str, place: &Path, ports: &[u16]) -> String {
    let mut text = text
        .replace("@PLACE@", &place.display().to_string())
        .replace("@MODULES@", APACHE_MODULES);
    for (number, port) in ports.iter().enumerate().rev() {
        let name = match number {
            0 => "@PORT@".to_owned(),
            more => format!("@PORT{}@", more + 1),
        };
        text = text.replace(&name, &port.to_string());
    }
    text
}

/// Lets this test open so many files, as far as the system allows.
pub fn allow_open_files(count: u64) -> u64 {
    // SAFETY: the structure is filled by getrlimit and read by setrlimit.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max.min(count.max(limit.rlim_cur));
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur
    }
}

/// What every configuration of a test begins with.
pub const PREAMBLE: &str = r#"
ServerRoot "@PLACE@"
ServerName test.example
PidFile run/httpd.pid
DefaultRuntimeDir run
Mutex file:run default
ErrorLog logs/error.log
LogLevel info
User www-data
Group www-data
<IfModule !unixd_module>
</IfModule>
StartServers 1
ServerLimit 4
"#;

impl Host {
    /// Starts a server of `kind` with `configuration` behind `PREAMBLE` (see `fill`), which listens
    /// on `@PORT@`, and waits until it does. It runs the MPM under test (see `mpm`).
    ///
    /// # Errors
    /// When it ends or does not listen in time: what it printed and logged.
    pub fn start(kind: Kind, configuration: &str) -> Result<Self> {
        Self::start_in(kind, Place::new()?, configuration)
    }

    /// The same in a place that was prepared.
    ///
    /// # Errors
    /// As `start`.
    pub fn start_in(kind: Kind, place: Place, configuration: &str) -> Result<Self> {
        Self::start_under(kind, place, configuration, &[])
    }

    /// The same, with the server's command line given to another program, which executes it.
    ///
    /// # Errors
    /// As `start`.
    pub fn start_under(
        kind: Kind,
        place: Place,
        configuration: &str,
        wrapper: &[&str],
    ) -> Result<Self> {
        let mut place = Some(place);
        loop {
            let ports = free_ports(4)?;
            let here = place.take().context("a place for each try")?;
            let mpm = Mpm::under_test();
            let text = fill(
                &format!(
                    "{}LoadModule authz_core_module @MODULES@/mod_authz_core.so\n{}{}",
                    mpm.load(kind),
                    mpm.preamble(),
                    mpm.adapt(configuration)
                ),
                here.path(),
                &ports,
            );
            let file = here.path().join("conf/httpd.conf");
            fs::write(&file, &text)?;
            let console = fs::File::create(here.path().join("logs/console.log"))?;
            let mut command = match wrapper {
                [] => Command::new(kind.program()),
                [program, arguments @ ..] => {
                    let mut command = Command::new(program);
                    command.args(arguments).arg(kind.program());
                    command
                }
            };
            if !mpm.is_threaded() {
                // Apache's prefork ends its whole group of processes when it stops.
                std::os::unix::process::CommandExt::process_group(&mut command, 0);
            }
            let process = command
                .arg("-d")
                .arg(here.path())
                .arg("-f")
                .arg(&file)
                .arg("-DFOREGROUND")
                .stdin(Stdio::null())
                .stdout(console.try_clone()?)
                .stderr(console)
                .spawn()
                .with_context(|| format!("cannot start {}", kind.program().display()))?;
            let mut host = Self {
                kind,
                place: here,
                ports,
                process,
            };
            match host.wait_until_it_listens(&text) {
                Ok(()) => return Ok(host),
                // Another test took the port between the search and the start.
                Err(_) if host.messages().contains("Address already in use") => {
                    place = Some(Place::new()?);
                }
                Err(error) => bail!("{error:#}\n{}", host.messages()),
            }
        }
    }

    fn wait_until_it_listens(&mut self, configuration: &str) -> Result<()> {
        let port = self.port();
        until("the server listens", || {
            if let Some(status) = self.process.try_wait()? {
                bail!("{:?} ended: {status}", self.kind);
            }
            // Sockets listen before there is a child to accept.
            Ok(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
                && !self.children().is_empty())
        })?;
        if configuration.contains("\nScriptSock ") {
            // The daemon of mod_cgid starts beside the children, which answer 503 without it.
            let place = self.place.path().display().to_string();
            until("the CGI daemon listens", || {
                let sockets = fs::read_to_string("/proc/net/unix")?;
                let mut ours = sockets.lines().filter(|line| line.contains(&place));
                // The flags of a socket that accepts.
                Ok(ours.any(|line| line.contains(" 00010000 ")))
            })?;
        }
        Ok(())
    }

    /// Which server it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The port of `@PORT@`.
    pub fn port(&self) -> u16 {
        self.ports[0]
    }

    /// The port of `@PORT2@` and so on.
    pub fn port_number(&self, number: usize) -> u16 {
        self.ports[number - 1]
    }

    /// The control process.
    pub fn pid(&self) -> i32 {
        self.process.id() as i32
    }

    /// The children of the control process.
    pub fn children(&self) -> Vec<i32> {
        let pid = self.pid();
        let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let list = list.unwrap_or_default();
        list.split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect()
    }

    /// The server's directory.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What it printed and logged.
    pub fn messages(&self) -> String {
        self.place.read("logs/console.log") + &self.place.read("logs/error.log")
    }

    /// Sends the control process a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: a plain system call on a process that was started here.
        unsafe { libc::kill(self.pid(), signal) };
    }

    /// Waits until the server has ended by itself.
    ///
    /// # Errors
    /// When it has not in time.
    pub fn wait_for_end(&mut self) -> Result<std::process::ExitStatus> {
        let mut ended = None;
        until("the server ends", || {
            ended = self.process.try_wait()?;
            Ok(ended.is_some())
        })?;
        ended.context("it has ended")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let children = self.children();
        if matches!(self.process.try_wait(), Ok(None)) {
            self.signal(libc::SIGTERM);
            if self.wait_for_end().is_err() {
                // It did not obey: nothing may be left behind.
                let _ = self.process.kill();
                let _ = self.process.wait();
            }
        }
        for child in children {
            // SAFETY: a plain system call; most are gone by now.
            unsafe { libc::kill(child, libc::SIGKILL) };
        }
    }
}

/// Waits for a condition with a deadline.
///
/// # Errors
/// When it does not come true in time, or cannot be asked.
pub fn until(what: &str, condition: impl FnMut() -> Result<bool>) -> Result<()> {
    until_within(PATIENCE, what, condition)
}

/// The same with a deadline of its own.
///
/// # Errors
/// As `until`.
pub fn until_within(
    patience: Duration,
    what: &str,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let deadline = Instant::now() + patience;
    while !condition()? {
        if Instant::now() > deadline {
            bail!("waited {patience:?} in vain until {what}");
        }
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(5));
    }
    Ok(())
}

/// Ports nobody listens on at this moment.
///
/// # Errors
/// When the system has none.
pub fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let listeners: io::Result<Vec<_>> = (0..count)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)))
        .collect();
    listeners?
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()))
        .collect()
}

/// Runs a program to its end.
///
/// # Errors
/// When it cannot be started.
pub fn run(command: &mut Command) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {command:?}"))
}

/// Standard output and standard error as text.
pub fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
