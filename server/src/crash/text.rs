//! Lines for the log, made without an allocation, a lock or the C library, because a signal handler
//! makes them: cut at their end, control characters escaped.

#![forbid(unsafe_code)]

use std::fmt::{self, Write};

/// The longest line.
const LINE: usize = 2048;

/// A line that takes what fits.
pub(super) struct Line {
    bytes: [u8; LINE],
    length: usize,
}

impl Line {
    pub(super) const fn new() -> Self {
        Self {
            bytes: [0; LINE],
            length: 0,
        }
    }

    /// Adds text of the server's own; one byte is kept for the line's end.
    pub(super) fn add(&mut self, text: &[u8]) {
        let room = LINE - 1 - self.length;
        let text = &text[..text.len().min(room)];
        self.bytes[self.length..self.length + text.len()].copy_from_slice(text);
        self.length += text.len();
    }

    /// Adds what a client has sent, or what may be: quotes and what does not print are escaped.
    pub(super) fn add_foreign(&mut self, text: &[u8]) {
        for &byte in text {
            match byte {
                b'"' | b'\\' => self.add(&[b'\\', byte]),
                b' '..=b'~' => self.add(&[byte]),
                _ => {
                    // A line does not refuse.
                    let _ = write!(self, "\\x{byte:02x}");
                }
            }
        }
    }

    /// The whole line.
    pub(super) fn end(&mut self) -> &[u8] {
        self.bytes[self.length] = b'\n';
        &self.bytes[..=self.length]
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add(text.as_bytes());
        Ok(())
    }
}

/// A time as the error log shows it: `Tue Nov 24 15:12:40.123456 2026`. `seconds` are those of the
/// zone: the C library's way to find them is not for signal handlers.
pub(super) struct Time {
    pub(super) seconds: i64,
    pub(super) micros: i64,
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let (days, second) = (
            self.seconds.div_euclid(86_400),
            self.seconds.rem_euclid(86_400),
        );
        // Howard Hinnant's days to a civil date: eras of 400 years that begin in March.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = (shifted_month + 2) % 12;
        let year = year_of_era + era * 400 + i64::from(month < 2);
        write!(
            f,
            "{} {} {day:02} {:02}:{:02}:{:02}.{:06} {year}",
            DAYS[days.rem_euclid(7) as usize],
            MONTHS[month as usize],
            second / 3600,
            second / 60 % 60,
            second % 60,
            self.micros
        )
    }
}

/// The signals of a crash.
pub(super) const SIGNALS: [i32; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGABRT,
    libc::SIGSYS,
];

/// A signal's name.
pub(super) fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGABRT => "SIGABRT",
        libc::SIGSYS => "SIGSYS",
        _ => "a signal",
    }
}

/// What `si_code` says of a fault that the system has found (sigaction(2)).
pub(super) fn cause(signal: i32, code: i32) -> &'static str {
    match (signal, code) {
        (libc::SIGSEGV, 1) => "nothing is mapped there",
        (libc::SIGSEGV, 2) => "not allowed there",
        (libc::SIGSEGV, 128) => "no address at all, or not one for this",
        (libc::SIGBUS, 1) => "not aligned",
        (libc::SIGBUS, 2) => "nothing is there: a mapped file has become shorter",
        (libc::SIGFPE, 1) => "an integer divided by zero",
        (libc::SIGFPE, 2) => "integer overflow",
        (libc::SIGFPE, 3) => "divided by zero",
        (libc::SIGILL, _) => "no instruction",
        (libc::SIGSYS, _) => "a system call that is not allowed",
        _ => "fault",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_escaped() {
        let mut line = Line::new();
        line.add_foreign(b"GET /\"a\\\x1b[0m\xff\r\n");
        assert_eq!(line.end(), b"GET /\\\"a\\\\\\x1b[0m\\xff\\x0d\\x0a\n");
        for _ in 0..LINE {
            line.add_foreign(b"\n");
        }
        assert_eq!(line.end().len(), LINE);
        assert_eq!(line.end().iter().filter(|&&byte| byte == b'\n').count(), 1);
    }

    #[test]
    fn times_have_the_logs_form() {
        let shown = |seconds, micros| Time { seconds, micros }.to_string();
        assert_eq!(shown(0, 0), "Thu Jan 01 00:00:00.000000 1970");
        assert_eq!(
            shown(1_795_533_160, 123_456),
            "Tue Nov 24 15:12:40.123456 2026"
        );
        assert_eq!(shown(951_782_399, 1), "Mon Feb 28 23:59:59.000001 2000");
        assert_eq!(shown(951_782_400, 1), "Tue Feb 29 00:00:00.000001 2000");
    }

    #[test]
    fn signals_are_named() {
        assert!(SIGNALS.iter().all(|&s| signal_name(s).starts_with("SIG")));
        assert_eq!(cause(libc::SIGFPE, 1), "an integer divided by zero");
    }
}
