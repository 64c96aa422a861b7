//! The end of the server: children are told, waited for and, when they do not obey, killed; then the
//! helpers of earlier generations end. Those of the present one end with the pool of the configuration.

use std::time::{Duration, Instant};

use httpd_sys as sys;

use super::{
    announce, child,
    control::{Control, End, control_signals},
    earlier::Earlier,
    helpers,
    signals::Signals,
};

/// How long children may take to obey an order that means "at once".
const PATIENCE: Duration = Duration::from_secs(3);

/// How long helpers may take in all; each is told and then killed within this time.
const PATIENCE_WITH_HELPERS: Duration = Duration::from_secs(20);

impl Control {
    /// Ends the children and waits until they are gone.
    pub(super) fn stop(mut self, end: End) {
        child::set_stopping();
        announce::stopping();
        self.restarts.cancel();
        let signals = control_signals();
        let graceful = end == End::GracefulStop;
        // SAFETY: plain numbers that directives have set.
        let limit = match u64::try_from(unsafe { sys::ap_graceful_shutdown_timeout }) {
            Ok(seconds) if graceful && seconds > 0 => Duration::from_secs(seconds),
            _ if graceful => Duration::MAX,
            _ => PATIENCE,
        };
        super::close_listeners();
        let first = if graceful {
            libc::SIGWINCH
        } else {
            libc::SIGTERM
        };
        for (signal, limit) in [
            (first, limit),
            (libc::SIGTERM, PATIENCE),
            (libc::SIGKILL, PATIENCE),
        ] {
            self.tell_all(signal);
            let started = Instant::now();
            while self.has_children() && started.elapsed() < limit {
                let signal = signals.take(Duration::from_millis(100));
                self.reap();
                if let Some(libc::SIGTERM | libc::SIGINT) = signal {
                    break;
                }
            }
        }
        end_earlier(&mut self.earlier, &signals, libc::SIGTERM);
    }

    fn has_children(&self) -> bool {
        !(self.children.is_empty() && self.earlier.children().is_empty())
    }

    fn tell_all(&self, signal: i32) {
        for child in &self.children {
            helpers::send(child.pid, signal);
        }
        self.earlier.tell_children(signal);
    }
}

/// Ends what is left of earlier generations: children by this signal, in the end by force, then their
/// helpers.
pub(super) fn end_earlier(earlier: &mut Earlier, signals: &Signals, order: i32) {
    let limit = if order == libc::SIGWINCH {
        Duration::MAX
    } else {
        PATIENCE
    };
    for (signal, limit) in [
        (order, limit),
        (libc::SIGTERM, PATIENCE),
        (libc::SIGKILL, PATIENCE),
    ] {
        earlier.tell_children(signal);
        let started = Instant::now();
        while !earlier.children().is_empty() && started.elapsed() < limit {
            let signal = signals.take(Duration::from_millis(50));
            reap_earlier(earlier);
            if let Some(libc::SIGTERM | libc::SIGINT) = signal {
                break;
            }
        }
    }
    let started = Instant::now();
    while !earlier.is_empty() && started.elapsed() < PATIENCE_WITH_HELPERS {
        earlier.end_helpers();
        signals.take(Duration::from_millis(20));
        reap_earlier(earlier);
    }
}

/// Takes note of processes that have ended, when there are none but earlier ones.
pub(super) fn reap_earlier(earlier: &mut Earlier) {
    let mut status = 0;
    loop {
        // SAFETY: the status has a place.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        if pid <= 0 {
            return;
        }
        helpers::forget(pid);
        // A slot in a scoreboard that nobody looks at any more.
        let _ = earlier.ended(pid);
    }
}
