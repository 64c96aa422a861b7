//! When the server cannot start anew in spite of a rehearsal that went well, its predecessor's children
//! still serve, with the sockets and helpers they have. The control process, which has no configuration
//! any more, then holds on to them and waits: for another try, for the order to stop, or for the last
//! of them to end.

use std::time::Duration;

use super::{
    announce,
    control::control_signals,
    earlier::Earlier,
    pidfile, rehearsal,
    restart::{self, Legacy},
    signals::{self, Signals},
    stop,
};
use crate::abi::scoreboard::memory;

/// Holds on to the children of an image that could be followed by none. Does not return.
pub fn hold(mut legacy: Legacy, why: &str) -> ! {
    let code = Holding {
        legacy: &mut legacy,
        signals: control_signals(),
    }
    .run(why);
    std::process::exit(code)
}

/// The same in the image that could not start; `None` when it has no predecessor whose children serve.
pub fn hold_predecessors() -> Option<i32> {
    let earlier = Earlier::inherited();
    let generation = restart::inherited_generation()?;
    if earlier.children().is_empty() || rehearsal::is_on() {
        return None;
    }
    let mut legacy = Legacy {
        listeners: restart::handed(super::sockets::INHERITED).unwrap_or_default(),
        generation,
        earlier,
        at_once: false,
        scoreboard: restart::handed(memory::HANDED).and_then(|text| text.parse().ok()),
    };
    let holding = Holding {
        legacy: &mut legacy,
        signals: control_signals(),
    };
    Some(holding.run("the new configuration could not be started"))
}

struct Holding<'a> {
    legacy: &'a mut Legacy,
    signals: Signals,
}

impl Holding<'_> {
    /// Answers the exit code, in the end.
    fn run(self, why: &str) -> i32 {
        self.signals.block();
        signals::ignore(libc::SIGPIPE);
        let count = self.legacy.earlier.children().len();
        say(&format!(
            "{why}; {count} children go on serving with the configuration before. Mend it and ask for \
             a restart"
        ));
        loop {
            let signal = signals::take_remembered()
                .or_else(|| self.signals.take(Duration::from_millis(500)));
            announce::held(why);
            stop::reap_earlier(&mut self.legacy.earlier);
            self.legacy.earlier.end_helpers();
            match signal {
                Some(libc::SIGHUP | libc::SIGUSR1) => match rehearsal::check(std::process::id()) {
                    Ok(()) => {
                        self.legacy.at_once = signal == Some(libc::SIGHUP);
                        let error = self.legacy.execute();
                        say(&format!("cannot execute the server anew: {error}"));
                    }
                    Err(why) => say(&format!("restart refused: {why}")),
                },
                Some(libc::SIGTERM | libc::SIGINT) => return self.end(libc::SIGTERM, 0),
                Some(libc::SIGWINCH) => return self.end(libc::SIGWINCH, 0),
                _ => {}
            }
            if self.legacy.earlier.children().is_empty() {
                say("the last child has ended");
                return self.end(libc::SIGTERM, 1);
            }
        }
    }

    fn end(self, order: i32, code: i32) -> i32 {
        stop::end_earlier(&mut self.legacy.earlier, &self.signals, order);
        // There is nobody left to tell when that fails.
        let _ = pidfile::remove();
        code
    }
}

/// Tells the log, which is standard error or its file.
fn say(message: &str) {
    eprintln!("httpd-rs (pid {}): {message}", std::process::id());
}
