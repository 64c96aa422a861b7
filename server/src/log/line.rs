//! A line of the error log in the form that holds unless `ErrorLogFormat` says otherwise, and the
//! names of the levels. No I/O, no pointers.
//!
//! `abi/http_log/write.rs` gathers what a line tells and sends it; `abi/http_config/levels.rs` reads
//! levels from the configuration.

#![forbid(unsafe_code)]

use std::{io::Write, ops::Range};

use super::{
    clock::{Local, MONTHS, WEEKDAYS},
    escape,
};

/// What a line tells, in the order in which it does.
#[derive(Default)]
pub struct Line<'a> {
    /// When; not told to syslog, which knows.
    pub time: Option<Local>,
    /// Who logs; `None` for what a person at a terminal reads while the server starts.
    pub head: Option<Head<'a>>,
    /// Source file and line, told from level debug on.
    pub source: Option<(&'a [u8], i32)>,
    /// An error of the system or APR, as [`status`] writes it.
    pub error: Option<&'a [u8]>,
    /// The other end of the connection.
    pub peer: Option<Peer<'a>>,
    /// What the module says.
    pub message: &'a [u8],
    /// The request's Referer.
    pub referer: Option<&'a [u8]>,
}

/// Who logs.
pub struct Head<'a> {
    /// Short name of the module, without `mod_` and `.c`.
    pub module: &'a str,
    /// 0 (emerg) to 15 (trace8).
    pub level: i32,
    /// The process.
    pub pid: u32,
    /// The thread's id in the system.
    pub tid: i32,
}

/// The other end of a connection.
pub struct Peer<'a> {
    /// `client`, or `remote` for a server that we are the client of.
    pub role: &'a str,
    /// Its address.
    pub address: &'a [u8],
    /// Its port.
    pub port: u16,
}

impl Line<'_> {
    /// Appends the line without a line feed to `out`; answers where in `out` the message stands.
    pub fn write(&self, out: &mut Vec<u8>) -> Range<usize> {
        // Writing to a Vec does not fail.
        if let Some(time) = &self.time {
            out.push(b'[');
            write_time(time, TimeForm::with_micros(), out);
            out.extend_from_slice(b"] ");
        }
        if let Some(head) = &self.head {
            let Head {
                module, pid, tid, ..
            } = head;
            let level = level_name(head.level);
            let _ = write!(out, "[{module}:{level}] [pid {pid}:tid {tid}] ");
        }
        if let Some((file, line)) = self.source {
            out.extend_from_slice(file);
            let _ = write!(out, "({line}): ");
        }
        if let Some(error) = self.error {
            out.extend_from_slice(error);
            out.extend_from_slice(b": ");
        }
        if let Some(peer) = &self.peer {
            let _ = write!(out, "[{} ", peer.role);
            out.extend_from_slice(peer.address);
            let _ = write!(out, ":{}] ", peer.port);
        }
        let start = out.len();
        escape::for_error_log(self.message, out);
        let end = out.len();
        if let Some(referer) = self.referer {
            out.extend_from_slice(b", referer: ");
            escape::for_error_log(referer, out);
        }
        start..end
    }
}

/// The number of an error and its text, as lines show it; `kind` says whose number it is.
pub fn status(kind: &str, number: i32, text: &[u8]) -> Vec<u8> {
    let mut out = format!("({kind}{number})").into_bytes();
    out.extend_from_slice(text);
    out
}

/// How a time is written.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct TimeForm {
    /// `2026-11-23 18:05:22` instead of `Mon Nov 23 18:05:22 2026`.
    pub compact: bool,
    /// With the distance from Greenwich.
    pub zone: bool,
    /// Digits of the second's fraction: 0, 3 or 6.
    pub digits: usize,
}

impl TimeForm {
    /// The form of the default line.
    pub const fn with_micros() -> Self {
        Self {
            compact: false,
            zone: false,
            digits: 6,
        }
    }

    /// The form that the argument of `%{..}t` asks for: any of the letters `c`, `m`, `u`, `z`.
    pub fn of_argument(argument: &[u8]) -> Self {
        let has = |letter| argument.contains(&letter);
        Self {
            compact: has(b'c'),
            zone: has(b'z'),
            digits: if has(b'u') {
                6
            } else if has(b'm') {
                3
            } else {
                0
            },
        }
    }
}

/// Appends a time.
pub fn write_time(time: &Local, form: TimeForm, out: &mut Vec<u8>) {
    let Local {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = time;
    // Writing to a Vec does not fail.
    let _ = if form.compact {
        write!(out, "{year:04}-{:02}-{day:02} ", month + 1)
    } else {
        let weekday = WEEKDAYS[time.weekday % 7];
        write!(out, "{weekday} {} {day:02} ", MONTHS[month % 12])
    };
    let _ = write!(out, "{hour:02}:{minute:02}:{second:02}");
    let _ = match form.digits {
        0 => Ok(()),
        3 => write!(out, ".{:03}", time.micros / 1000),
        _ => write!(out, ".{:06}", time.micros),
    };
    if !form.compact {
        let _ = write!(out, " {year}");
    }
    if form.zone {
        out.push(b' ');
        write_offset(time.offset, out);
    }
}

/// Appends how far local time is from Greenwich: `+0100`.
pub fn write_offset(offset: i32, out: &mut Vec<u8>) {
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.unsigned_abs() / 60;
    // Writing to a Vec does not fail.
    let _ = write!(out, "{sign}{:02}{:02}", minutes / 60, minutes % 60);
}

/// The name of a level, 0 (emerg) to 15 (trace8).
pub fn level_name(level: i32) -> &'static str {
    const NAMES: [&str; 16] = [
        "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", "trace1", "trace2",
        "trace3", "trace4", "trace5", "trace6", "trace7", "trace8",
    ];
    usize::try_from(level)
        .ok()
        .and_then(|at| NAMES.get(at))
        .copied()
        .unwrap_or("trace8")
}

/// The level of a name, in any case.
pub fn level_of(name: &str) -> Option<i32> {
    (0..16).find(|&level| level_name(level).eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Local = Local {
        year: 2026,
        month: 10,
        day: 3,
        weekday: 2,
        hour: 9,
        minute: 21,
        second: 5,
        micros: 158_085,
        offset: -12_600,
    };

    #[test]
    fn a_line_has_apaches_default_form() {
        let mut out = Vec::new();
        let error = status("", 2, b"No such file or directory");
        let message = Line {
            time: Some(TIME),
            head: Some(Head {
                module: "core",
                level: 3,
                pid: 7,
                tid: 8,
            }),
            error: Some(&error),
            peer: Some(Peer {
                role: "client",
                address: b"127.0.0.1",
                port: 4711,
            }),
            message: b"AH00132: file permissions deny server access: /x\n\x1b",
            referer: Some(b"http://a/"),
            ..Line::default()
        }
        .write(&mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "[Tue Nov 03 09:21:05.158085 2026] [core:error] [pid 7:tid 8] (2)No such file or \
             directory: [client 127.0.0.1:4711] AH00132: file permissions deny server access: \
             /x\\n\\x1b, referer: http://a/"
        );
        assert!(out[message].ends_with(b"/x\\n\\x1b"));
    }

    #[test]
    fn a_line_for_a_terminal_is_the_message_with_its_error() {
        let mut out = Vec::new();
        let error = status("", 98, b"Address already in use");
        Line {
            error: Some(&error),
            message: b"AH00072: make_sock",
            ..Line::default()
        }
        .write(&mut out);
        assert_eq!(out, b"(98)Address already in use: AH00072: make_sock");
    }

    #[test]
    fn times_have_the_forms_of_apache() {
        for (argument, text) in [
            ("", "Tue Nov 03 09:21:05 2026"),
            ("u", "Tue Nov 03 09:21:05.158085 2026"),
            ("m", "Tue Nov 03 09:21:05.158 2026"),
            ("z", "Tue Nov 03 09:21:05 2026 -0330"),
            ("cu", "2026-11-03 09:21:05.158085"),
            ("cuz", "2026-11-03 09:21:05.158085 -0330"),
            ("cm", "2026-11-03 09:21:05.158"),
        ] {
            let mut out = Vec::new();
            write_time(&TIME, TimeForm::of_argument(argument.as_bytes()), &mut out);
            assert_eq!(String::from_utf8_lossy(&out), text, "{argument}");
        }
    }

    #[test]
    fn levels_have_names_both_ways() {
        assert_eq!(level_of("WARN"), Some(4));
        assert_eq!(level_of("trace8"), Some(15));
        assert_eq!(level_of("loud"), None);
        assert_eq!(level_name(7), "debug");
    }
}
