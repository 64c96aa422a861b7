//! What the control process tells the outside of itself: a small file beside the pid file, which
//! `apachectl-rs status` reads, and messages to systemd.
//!
//! The file has a line for each thing (`name: value`) and `end` as the last. It is written when
//! something has changed, at most once a second, and now and then so that its age shows that the
//! control process lives.

use std::{
    fmt::Write,
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use httpd_sys as sys;

use super::{
    control, kind,
    notify::{Notifier, watchdog_interval},
    pulse::{Look, Pulse},
    sockets,
};

/// At most so often the file is written.
const EVERY: Duration = Duration::from_secs(1);

/// At least so often.
const AT_LEAST: Duration = Duration::from_secs(10);

/// At most so often systemd gets a new text.
const TEXT_EVERY: Duration = Duration::from_secs(5);

static ANNOUNCER: Mutex<Option<Announcer>> = Mutex::new(None);

/// What has been told to whom.
struct Announcer {
    file: Option<File>,
    written: String,
    written_at: Option<Instant>,
    systemd: Option<Notifier>,
    /// mod_systemd is loaded, and tells when the server is ready and what it does.
    module_tells: bool,
    ready: bool,
    text: String,
    text_at: Option<Instant>,
    watchdog: Option<Watchdog>,
    state: &'static str,
    configured: SystemTime,
    listens_on: String,
}

/// The signs of life.
struct Watchdog {
    interval: Duration,
    pulse: Pulse,
    given: Option<Instant>,
}

/// What there is to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Summary {
    children: usize,
    /// Children that have finished starting.
    serving: usize,
    busy: i64,
    idle: i64,
    connections: u64,
    requests: u64,
}

/// The control process begins; `pid_file` is where its number stands.
pub fn begin(pid_file: Option<PathBuf>) {
    let now = Instant::now();
    let file = pid_file.and_then(|pid_file| {
        let path = path(&pid_file);
        match create(&path) {
            Ok(file) => Some(file),
            Err(error) => {
                let path = path.display();
                control::log(
                    sys::APLOG_INFO,
                    &format!("{path}: {error}: `apachectl-rs status` will say little"),
                );
                None
            }
        }
    });
    let systemd = Notifier::from_environment();
    let watchdog = systemd.as_ref().and_then(|_| {
        let interval = watchdog_interval()?;
        Some(Watchdog {
            interval,
            pulse: Pulse::new(interval, now),
            given: None,
        })
    });
    // SAFETY: the list of modules is complete, and the name a string.
    let module = unsafe { sys::ap_find_linked_module(c"mod_systemd.c".as_ptr()) };
    *ANNOUNCER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Announcer {
        file,
        written: String::new(),
        written_at: None,
        systemd,
        module_tells: !module.is_null(),
        ready: false,
        text: String::new(),
        text_at: None,
        watchdog,
        state: "starting",
        configured: SystemTime::now(),
        listens_on: sockets::addresses().join(" "),
    });
}

/// A look at the children in these slots.
pub fn look(slots: impl Iterator<Item = i32> + Clone) {
    with(|announcer| announcer.look(slots));
}

/// A restart is asked for, and begins with a check of the configuration.
pub fn reloading() {
    with(|announcer| {
        announcer.state = "restarting";
        announcer.tell(&format!(
            "RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Checking the configuration for a restart",
            monotonic_microseconds()
        ));
        announcer.rewrite();
    });
}

/// The restart is refused: the server goes on as it was.
pub fn refused(why: &str) {
    with(|announcer| {
        announcer.state = "running";
        let why = why.lines().next().unwrap_or_default();
        announcer.tell(&format!("READY=1\nSTATUS=Restart refused: {why}"));
        // Left standing for a while.
        announcer.text_at = Some(Instant::now());
        announcer.rewrite();
    });
}

/// The server has no configuration, and its earlier children go on serving: said once, with a sign of
/// life at each call.
pub fn held(why: &str) {
    static SAID: AtomicBool = AtomicBool::new(false);
    let Some(systemd) = Notifier::from_environment() else {
        return;
    };
    if !SAID.swap(true, Ordering::Relaxed) {
        let why = why.lines().next().unwrap_or_default();
        systemd.tell(&format!("READY=1\nSTATUS=Without a configuration: {why}"));
    }
    if watchdog_interval().is_some() {
        systemd.tell("WATCHDOG=1");
    }
}

/// The server stops.
pub fn stopping() {
    with(|announcer| {
        announcer.state = "stopping";
        announcer.tell("STOPPING=1\nSTATUS=Stopping");
        announcer.rewrite();
    });
}

/// The file beside this pid file.
pub fn path(pid_file: &Path) -> PathBuf {
    let mut path = pid_file.as_os_str().to_owned();
    path.push(".status");
    PathBuf::from(path)
}

fn with(work: impl FnOnce(&mut Announcer)) {
    if let Some(announcer) = ANNOUNCER
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .as_mut()
    {
        work(announcer);
    }
}

/// A new file of this name, whatever was there: everybody may read it.
fn create(path: &Path) -> std::io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o644))?;
    Ok(file)
}

impl Announcer {
    fn look(&mut self, slots: impl Iterator<Item = i32> + Clone) {
        let now = Instant::now();
        let due = |at: Option<Instant>, every| at.is_none_or(|at| now.duration_since(at) >= every);
        let sign = self
            .watchdog
            .as_ref()
            .is_some_and(|watchdog| due(watchdog.given, watchdog.interval / 4));
        if self.ready && !sign && !due(self.written_at, EVERY) {
            return;
        }
        let (summary, trace) = summarize(slots.clone());
        if let Some(watchdog) = &mut self.watchdog {
            let waiting = sockets::listening().into_iter().any(has_queue);
            let look = Look {
                serving: summary.serving > 0,
                waiting,
                // Asked only when it counts: it costs files of /proc.
                trace: if waiting {
                    trace ^ processor_time(slots)
                } else {
                    trace
                },
            };
            if watchdog.pulse.look(look, now) && sign {
                watchdog.given = Some(now);
                if let Some(systemd) = &self.systemd {
                    systemd.tell("WATCHDOG=1");
                }
            }
        }
        if summary.serving > 0 && !self.ready {
            self.ready = true;
            self.state = "running";
            self.text = summary.text();
            self.text_at = Some(now);
            if !self.module_tells {
                let pid = std::process::id();
                self.tell(&format!("READY=1\nMAINPID={pid}\nSTATUS={}", self.text));
            }
        } else if self.ready && !self.module_tells && due(self.text_at, TEXT_EVERY) {
            let text = summary.text();
            if text != self.text {
                self.tell(&format!("STATUS={text}"));
                self.text = text;
                self.text_at = Some(now);
            }
        }
        let lines = self.lines(summary);
        let changed = lines != self.written && due(self.written_at, EVERY);
        if changed || due(self.written_at, AT_LEAST) {
            self.write(lines);
        }
    }

    fn tell(&self, lines: &str) {
        if let Some(systemd) = &self.systemd {
            systemd.tell(lines);
        }
    }

    /// What the file says.
    fn lines(&self, summary: Summary) -> String {
        let mut text = String::new();
        let Summary {
            children,
            serving: _,
            busy,
            idle,
            connections,
            requests,
        } = summary;
        let configured = self
            .configured
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        // SAFETY: a plain number that a directive has set.
        let requests = if unsafe { sys::ap_extended_status } != 0 {
            format!("requests: {requests}\n")
        } else {
            // They are not counted.
            String::new()
        };
        // Writing into a string does not fail.
        let _ = write!(
            text,
            "pid: {}\nstate: {}\nmpm: {}\ngeneration: {}\nconfigured: {configured}\n\
             children: {children}\nbusy: {busy}\nidle: {idle}\nconnections: {connections}\n\
             {requests}listen: {}\nend\n",
            std::process::id(),
            self.state,
            kind::current().name(),
            super::generation(),
            self.listens_on,
        );
        text
    }

    fn write(&mut self, lines: String) {
        if let Some(file) = &self.file {
            // A full file system is told of by those who need it.
            let _ = file
                .write_all_at(lines.as_bytes(), 0)
                .and_then(|()| file.set_len(lines.len() as u64));
        }
        self.written = lines;
        self.written_at = Some(Instant::now());
    }

    /// The state has changed, and the rest is as it was told last.
    fn rewrite(&mut self) {
        let lines: Vec<String> = self
            .written
            .lines()
            .map(|line| match line.strip_prefix("state: ") {
                Some(_) => format!("state: {}\n", self.state),
                None => format!("{line}\n"),
            })
            .collect();
        self.write(lines.concat());
    }
}

impl Summary {
    /// For people.
    fn text(self) -> String {
        format!(
            "Serving: {} busy, {} idle, {} connections, {} children ({} MPM, generation {})",
            self.busy,
            self.idle,
            self.connections,
            self.children,
            kind::current().name(),
            super::generation(),
        )
    }
}

/// What the scoreboard says of the children in these slots, and a number that changes with it.
fn summarize(slots: impl Iterator<Item = i32>) -> (Summary, u64) {
    let settings = super::settings::settings();
    let mut summary = Summary::default();
    let mut trace = DefaultHasher::new();
    for slot in slots {
        summary.children += 1;
        let mut serving = false;
        // SAFETY: the scoreboard has a record for each slot and thread; a child may change them at
        // any time, which makes this look a little older.
        unsafe {
            for thread in 0..settings.thread_limit {
                let worker = sys::ap_get_scoreboard_worker_from_indexes(slot, thread);
                if worker.is_null() {
                    continue;
                }
                let status = u32::from((*worker).status);
                summary.requests += (*worker).access_count;
                ((*worker).access_count, status).hash(&mut trace);
                match status {
                    sys::SERVER_DEAD | sys::SERVER_STARTING => {}
                    sys::SERVER_READY => {
                        serving = true;
                        summary.idle += 1;
                    }
                    _ => {
                        serving = true;
                        summary.busy += 1;
                    }
                }
            }
            let process = sys::ap_get_scoreboard_process(slot);
            if !process.is_null() {
                summary.connections += u64::from((*process).connections);
                ((*process).connections, (*process).pid).hash(&mut trace);
            }
        }
        summary.serving += usize::from(serving);
    }
    (summary, trace.finish())
}

/// How much of the processor the children in these slots have used, as a number that changes with it.
fn processor_time(slots: impl Iterator<Item = i32>) -> u64 {
    let mut used = DefaultHasher::new();
    for slot in slots {
        // SAFETY: the scoreboard has a record for each slot.
        let pid = unsafe {
            let process = sys::ap_get_scoreboard_process(slot);
            if process.is_null() { 0 } else { (*process).pid }
        };
        let times = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name, in parentheses, may have blanks in it; utime and stime are the 14th and 15th.
        let times = times.rsplit(')').next().unwrap_or_default();
        let mut times = times.split_whitespace().skip(11);
        (times.next(), times.next()).hash(&mut used);
    }
    used.finish()
}

/// Whether connections wait to be accepted from a listening socket.
fn has_queue(listener: i32) -> bool {
    // SAFETY: a structure of numbers, of which the system fills at most as much as there is.
    unsafe {
        let mut about: libc::tcp_info = std::mem::zeroed();
        let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
        let status = libc::getsockopt(
            listener,
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut about).cast(),
            &raw mut length,
        );
        // Of a listening socket this is the length of its queue.
        status == 0 && about.tcpi_unacked > 0
    }
}

fn monotonic_microseconds() -> u64 {
    // SAFETY: the system fills the record.
    let now = unsafe {
        let mut now: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now);
        now
    };
    now.tv_sec.cast_unsigned() * 1_000_000 + now.tv_nsec.cast_unsigned() / 1000
}
