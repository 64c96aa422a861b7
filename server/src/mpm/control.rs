//! The control process: starts the children, replaces those that die, restarts and stops.
//!
//! It has one thread. Signals are blocked and taken one at a time between two looks at the
//! children.

use std::{
    ffi::{CStr, CString},
    sync::atomic::{AtomicI32, Ordering},
    time::{Duration, Instant},
};

use httpd_sys as sys;

use super::{
    announce, buckets, child,
    earlier::Earlier,
    helpers, hold,
    kind::{self, Kind},
    numbers::Event,
    reactor, restart,
    restart::Restarts,
    settings::settings,
    signals,
    signals::Signals,
    sockets,
    supply::{Decision, Seen, Supply},
};
use crate::crash::limit::{self, Verdict};

/// A child as the control process knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChildProcess {
    pub(super) pid: i32,
    pub(super) slot: i32,
    /// Its set of listening sockets.
    bucket: i32,
    started: Instant,
    /// It has been told to leave, because there are too many.
    dismissed: bool,
}

/// What the control process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Stop: children are told to end at once.
    Stop,
    /// Stop when the requests under way are done.
    GracefulStop,
    /// Every child died at once: its successors would too.
    Fatal,
}

pub(super) struct Control {
    pub(super) children: Vec<ChildProcess>,
    /// What is left of earlier generations, which finish their requests.
    pub(super) earlier: Earlier,
    /// The restart that has been asked for.
    pub(super) restarts: Restarts,
    /// When a child may be started again after several died young.
    not_before: Instant,
    young_deaths: u32,
    supply: Supply,
    /// Children that have died and are to be replaced whatever the load is.
    lost: i32,
    dismissed: Instant,
    /// What the log says already, once: that more children are needed than there may be.
    said: Vec<Event>,
}

/// The signals that the control process takes.
pub(super) fn control_signals() -> Signals {
    Signals::new(&[
        libc::SIGTERM,
        libc::SIGINT,
        libc::SIGHUP,
        libc::SIGUSR1,
        libc::SIGWINCH,
        libc::SIGCHLD,
    ])
}

/// The signals that a child inherits blocked and lets in when it can answer them.
pub fn child_signals() -> Signals {
    control_signals()
}

/// How often the control process looks after its children without being called.
const LOOK: Duration = Duration::from_millis(250);

/// The same while a burst is being met.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How often modules' `monitor` hooks run.
const MONITOR_EVERY: Duration = Duration::from_secs(10);

/// How much time there is between two children that are dismissed.
const DISMISS_EVERY: Duration = Duration::from_secs(1);

/// The signals that ask a running server for something, and would end one that starts.
const REQUESTS: [i32; 3] = [libc::SIGHUP, libc::SIGUSR1, libc::SIGWINCH];

/// Those that end the server.
const STOPS: [i32; 2] = [libc::SIGTERM, libc::SIGINT];

/// Remembers requests while the server starts: its sockets listen before `run`. In a process that
/// executed itself they are blocked until then, and there are children and helpers to be ended in order.
pub fn begin_to_listen_to_signals() {
    restart::remember_environment();
    restart::keep_descriptors_to_oneself();
    helpers::account_for();
    signals::remember_all(&REQUESTS);
    if restart::inherited_generation().is_some() {
        signals::remember_all(&STOPS);
    }
    control_signals().unblock();
}

/// From when sockets listen, a stop is one in order: pid file and helpers are cleaned up.
pub fn begin_to_stop_in_order() {
    signals::remember_all(&STOPS);
    helpers::complete_names(|name| {
        let name = CString::new(name).ok()?;
        // SAFETY: the configuration has been read, and its pool is live.
        unsafe {
            let pool = super::configuration_pool();
            let whole = sys::ap_runtime_dir_relative(pool, name.as_ptr());
            Some(module_sdk::raw::text(whole)?.to_str().ok()?.to_owned())
        }
    });
}

/// The server could not start: goes on with the children that there are, if any; answers the exit code.
pub fn go_on_without_configuration() -> Option<i32> {
    hold::hold_predecessors()
}

/// Does something that may start programs: they are not to inherit blocked signals.
fn with_signals_let_in<T>(work: impl FnOnce() -> T) -> T {
    let signals = control_signals();
    signals.unblock();
    let answer = work();
    signals.block();
    answer
}

/// Writing where nobody reads, or more than a file may have, is an error to look at, not an end.
fn ignore_signals() {
    signals::ignore(libc::SIGPIPE);
    signals::ignore(libc::SIGXFSZ);
}

/// Runs the server until it is told to stop: the `mpm` hook.
pub fn run() {
    limit::begin_control();
    control_signals().block();
    ignore_signals();
    if kind::current().is_threaded() {
        reactor::check_stack_size();
    }
    log(
        sys::APLOG_NOTICE,
        &format!(
            "{}: {} configured -- resuming normal operations",
            Event::Resuming.number(),
            description()
        ),
    );
    // SAFETY: the main server is live.
    unsafe { sys::ap_log_command_line(super::configuration_pool(), sys::ap_server_conf) };
    let mut control = Control {
        children: Vec::new(),
        earlier: restart::take_earlier(),
        restarts: Restarts::default(),
        not_before: Instant::now(),
        young_deaths: 0,
        supply: Supply::new(),
        lost: 0,
        dismissed: Instant::now(),
        said: Vec::new(),
    };
    // From here on nothing can make the start fail: what was listened on before and is not any more is
    // closed, before children would get it.
    sockets::close_inherited();
    // The children of the generation before leave now that there are successors.
    control.start(settings().start_servers.min(settings().most_children()));
    control
        .earlier
        .tell_children(restart::signal_for_old_children());
    super::set_running(true);
    let end = control.supervise();
    control.stop(end);
}

/// Runs one child in this very process, for debuggers (`-X`).
pub fn run_in_foreground() {
    child_signals().block();
    ignore_signals();
    // What has come while the server started waits for the child to let it in.
    while let Some(signal) = signals::take_remembered() {
        // SAFETY: a plain system call on this process.
        unsafe { libc::kill(libc::getpid(), signal) };
    }
    child::run(0, 0, None);
}

impl Control {
    fn supervise(&mut self) -> End {
        let signals = control_signals();
        let mut monitored = Instant::now();
        loop {
            let look = if self.supply.is_growing() {
                LOOK_AGAIN
            } else {
                LOOK
            };
            let signal = signals::take_remembered().or_else(|| signals.take(look));
            match signal {
                Some(libc::SIGTERM | libc::SIGINT) => {
                    notice(Event::Stop, "caught SIGTERM, shutting down");
                    return End::Stop;
                }
                Some(libc::SIGWINCH) => {
                    notice(
                        Event::GracefulStop,
                        "caught SIGWINCH, shutting down gracefully",
                    );
                    return End::GracefulStop;
                }
                Some(libc::SIGHUP) => {
                    notice(Event::Restart, "SIGHUP received.  Attempting to restart");
                    self.ask_for_restart(false);
                }
                Some(libc::SIGUSR1) => {
                    let text = match kind::current() {
                        Kind::Prefork => "Graceful restart requested, doing restart",
                        _ => "SIGUSR1 received.  Doing graceful restart",
                    };
                    notice(Event::GracefulRestart, text);
                    self.ask_for_restart(true);
                }
                _ => {}
            }
            if self.reap() {
                return End::Fatal;
            }
            self.follow_load();
            announce::look(self.children.iter().map(|child| child.slot));
            self.restarts.look();
            self.earlier.end_helpers();
            if signal.is_none() && monitored.elapsed() >= MONITOR_EVERY {
                monitored = Instant::now();
                // SAFETY: single-threaded; pconf and the main server are live.
                with_signals_let_in(|| unsafe {
                    sys::ap_run_monitor(super::configuration_pool(), sys::ap_server_conf)
                });
            }
        }
    }

    /// Starts and dismisses children so that there are as many idle threads as the settings want.
    fn follow_load(&mut self) {
        let settings = settings();
        if self.lost > 0 && Instant::now() >= self.not_before {
            let lost = std::mem::take(&mut self.lost);
            self.start(lost);
        }
        if buckets::count() > 1 && self.populations().contains(&0) {
            self.start(1);
        }
        let seen: Vec<_> = self
            .children
            .iter()
            .map(|child| super::look_at(child.slot, child.dismissed))
            .collect();
        let taken = i32::try_from(seen.len()).unwrap_or(i32::MAX);
        match self.supply.look(
            &settings,
            &seen,
            settings.server_limit - taken - self.earlier.slots(),
        ) {
            Decision::Keep => {}
            Decision::Start(count) => {
                if count >= 8 {
                    let idle: i32 = seen.iter().map(|child| child.idle).sum();
                    log(
                        sys::APLOG_INFO,
                        &format!(
                            "{}: server seems busy, (you may need to increase StartServers, or \
                             Min/MaxSpare{}), spawning {count} children, there are {idle} idle, \
                             and {taken} total children",
                            Event::Busy.number(),
                            if kind::current().is_threaded() {
                                "Threads"
                            } else {
                                "Servers"
                            },
                        ),
                    );
                }
                self.start(count);
            }
            Decision::Dismiss(slot) => {
                if self.dismissed.elapsed() < DISMISS_EVERY {
                    return;
                }
                let slot = self.in_fullest_bucket(slot, &seen);
                if let Some(child) = self.children.iter_mut().find(|child| child.slot == slot) {
                    child.dismissed = true;
                    kill(child.pid, libc::SIGUSR1);
                    self.dismissed = Instant::now();
                }
            }
            Decision::Full => self.say_full(&seen),
        }
    }

    /// How many children take connections from each set of listening sockets.
    fn populations(&self) -> Vec<i32> {
        let serving = self
            .children
            .iter()
            .filter(|child| !child.dismissed && !super::is_leaving(child.slot));
        buckets::populations(serving.map(|child| child.bucket), buckets::count())
    }

    /// The child to dismiss in place of that in `slot`, so that no set of sockets is left without one.
    fn in_fullest_bucket(&self, slot: i32, seen: &[Seen]) -> i32 {
        if buckets::count() < 2 {
            return slot;
        }
        let bucket = buckets::fullest(&self.populations());
        let of_bucket = self
            .children
            .iter()
            .zip(seen)
            .filter(|(child, seen)| child.bucket == bucket && !seen.leaving);
        of_bucket
            .map(|(_, seen)| seen)
            .max_by_key(|seen| (seen.idle, seen.slot))
            .map_or(slot, |seen| seen.slot)
    }

    /// Says once that there may be no more children though too few threads are idle, and once that none
    /// is. Prefork's number for both is the same.
    fn say_full(&mut self, seen: &[Seen]) {
        let none_idle = seen.iter().all(|child| child.idle == 0);
        let (event, text) = if none_idle || kind::current() == Kind::Prefork {
            (Event::Full, "reached MaxRequestWorkers setting")
        } else {
            let text = "is within MinSpareThreads of MaxRequestWorkers";
            (Event::NearlyFull, text)
        };
        if self.said.contains(&event) {
            return;
        }
        self.said.push(event);
        let number = event.number();
        log(
            sys::APLOG_ERR,
            &format!("{number}: server {text}, consider raising the MaxRequestWorkers setting"),
        );
    }

    /// Starts so many children, as far as there is room and those before did not die at once.
    fn start(&mut self, count: i32) {
        if Instant::now() < self.not_before {
            return;
        }
        for _ in 0..count {
            let Some(slot) = (0..settings().server_limit).find(|slot| {
                self.children.iter().all(|c| c.slot != *slot) && !self.earlier.occupies(*slot)
            }) else {
                return;
            };
            let bucket = buckets::neediest(&self.populations());
            match start_child(slot, bucket) {
                Some(pid) => self.children.push(ChildProcess {
                    pid,
                    slot,
                    bucket,
                    started: Instant::now(),
                    dismissed: false,
                }),
                None => {
                    let code = Event::NoFork.number();
                    log(
                        sys::APLOG_ERR,
                        &format!("{code}: fork: Unable to fork new process"),
                    );
                    self.not_before = Instant::now() + Duration::from_secs(10);
                    return;
                }
            }
        }
    }

    /// Takes note of children that have ended; true when going on is pointless.
    pub(super) fn reap(&mut self) -> bool {
        loop {
            let mut status = 0;
            // SAFETY: the status is written to a place of ours.
            let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
            if pid <= 0 {
                return false;
            }
            let Some(at) = self.children.iter().position(|child| child.pid == pid) else {
                if !self.other_ended(pid, status) {
                    with_signals_let_in(|| super::tell_other_child(pid, status));
                }
                continue;
            };
            let child = self.children.swap_remove(at);
            super::note_child_end(pid, child.slot);
            report(pid, status);
            let verdict = limit::ended(pid);
            if verdict == Verdict::Stop {
                return true;
            }
            if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == child::CHILD_FATAL {
                log(
                    sys::APLOG_ALERT,
                    &format!("AH00050: Child {pid} returned a Fatal error... httpd-rs is exiting!"),
                );
                return true;
            }
            // A child that keeps dying is replaced with growing pauses, so that the machine and the
            // log survive.
            let natural = libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
            if !natural && !child.dismissed {
                self.lost += 1;
            }
            if natural
                || verdict == Verdict::Disabled
                || child.started.elapsed() > Duration::from_secs(10)
            {
                self.young_deaths = 0;
            } else {
                self.young_deaths += 1;
                let pause = match self.young_deaths {
                    0..=3 => Duration::ZERO,
                    more => Duration::from_millis(100 << (more - 3).min(6)),
                };
                self.not_before = Instant::now() + pause;
            }
        }
    }
}

/// How many slots of the scoreboard have been used, as far as this process knows.
pub fn slots_used() -> i32 {
    SLOTS_USED.load(Ordering::Relaxed)
}

static SLOTS_USED: AtomicI32 = AtomicI32::new(0);

fn start_child(slot: i32, bucket: i32) -> Option<i32> {
    SLOTS_USED.fetch_max(slot + 1, Ordering::Relaxed);
    super::note_child_start(slot);
    let parent = std::process::id() as i32;
    // SAFETY: the control process has one thread, so the child is a whole copy.
    match unsafe { libc::fork() } {
        -1 => None,
        0 => {
            let code =
                std::panic::catch_unwind(|| child::run(slot, bucket, Some(parent))).unwrap_or(1);
            // SAFETY: ends this process; its threads have been given up.
            unsafe { libc::_exit(code) }
        }
        pid => {
            super::note_child_pid(slot, pid);
            Some(pid)
        }
    }
}

/// Logs how a child ended, when it is worth a line.
fn report(pid: i32, status: i32) {
    if libc::WIFSIGNALED(status) {
        let signal = libc::WTERMSIG(status);
        if [libc::SIGTERM, libc::SIGHUP, libc::SIGKILL].contains(&signal) {
            return;
        }
        let ended = format!(
            "child pid {pid} exit signal {} ({signal})",
            signal_name(signal)
        );
        let text = if libc::WCOREDUMP(status) {
            // SAFETY: a string that a directive or the start has set.
            let directory = unsafe { CStr::from_ptr((&raw const sys::ap_coredump_dir).cast()) };
            let directory = directory.to_string_lossy();
            format!("AH00051: {ended}, possible coredump in {directory}")
        } else {
            format!("AH00052: {ended}")
        };
        // SAFETY: set at start-up.
        let server = unsafe { sys::ap_server_conf };
        crate::modules::core::log_server(server, sys::APLOG_NOTICE, 0, &text);
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => "Segmentation fault",
        libc::SIGBUS => "Bus error",
        libc::SIGFPE => "Floating point exception",
        libc::SIGILL => "Illegal instruction",
        libc::SIGABRT => "Aborted",
        _ => "signal",
    }
}

fn kill(pid: i32, signal: i32) {
    // SAFETY: plain system call; the pid is that of a child of ours.
    unsafe { libc::kill(pid, signal) };
}

fn description() -> String {
    // SAFETY: a string of the configuration.
    let text = unsafe { module_sdk::raw::text(sys::ap_get_server_description()) };
    text.unwrap_or_default().to_string_lossy().into_owned()
}

/// Tells the log of what was asked for.
fn notice(event: Event, text: &str) {
    log(sys::APLOG_NOTICE, &format!("{}: {text}", event.number()));
}

/// Writes a line of the MPM into the main server's error log.
pub fn log(level: u32, message: &str) {
    let Ok(text) = CString::new(message.replace('\0', "\\0")) else {
        return;
    };
    // SAFETY: the format takes one string, which lives for the call.
    unsafe {
        sys::ap_log_error_(
            c"mpm/control.rs".as_ptr(),
            0,
            crate::modules::mpm::index(),
            level as i32,
            0,
            sys::ap_server_conf,
            c"%s".as_ptr(),
            text.as_ptr(),
        );
    }
}
