//! A line of the error log, as text. No I/O, no pointers.

#![forbid(unsafe_code)]

use std::io::Write;

/// What a line tells, in the order of Apache's default `ErrorLogFormat`.
#[derive(Default)]
pub struct Line<'a> {
    /// `Mon Nov 23 18:05:22.123456 2026`.
    pub time: &'a str,
    /// Short name of the module that logs, without `mod_` and `.c`.
    pub module: Option<&'a str>,
    /// Name of the level.
    pub level: &'a str,
    /// Process, and thread where there is more than one.
    pub pid: u32,
    /// The thread's id in the system.
    pub tid: u64,
    /// Source file and line, shown from level debug on.
    pub source: Option<(&'a str, i32)>,
    /// Number and text of an error of the system or APR.
    pub error: Option<(i32, &'a str)>,
    /// The client's address and port.
    pub client: Option<(&'a str, u16)>,
    /// What the module says.
    pub message: &'a [u8],
    /// The request's Referer.
    pub referer: Option<&'a [u8]>,
}

impl Line<'_> {
    /// Appends the line with its line feed to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let module = self.module.unwrap_or("-");
        let Self {
            time,
            level,
            pid,
            tid,
            ..
        } = self;
        // Writing to a Vec does not fail.
        let _ = write!(out, "[{time}] [{module}:{level}] [pid {pid}:tid {tid}] ");
        if let Some((file, line)) = self.source {
            let _ = write!(out, "{file}({line}): ");
        }
        if let Some((number, text)) = self.error {
            let _ = write!(out, "({number}){text}: ");
        }
        if let Some((address, port)) = self.client {
            let _ = write!(out, "[client {address}:{port}] ");
        }
        escape(self.message, out);
        if let Some(referer) = self.referer {
            out.extend_from_slice(b", referer: ");
            escape(referer, out);
        }
        out.push(b'\n');
    }
}

/// Appends text so that it stays on its line and cannot steer a terminal: control characters and
/// bytes beyond ASCII become escapes, a backslash doubles.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\t' => out.push(b'\t'),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0x0b => out.extend_from_slice(b"\\v"),
            b' '..=b'~' => out.push(byte),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
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

    #[test]
    fn a_line_has_apaches_default_form() {
        let mut out = Vec::new();
        Line {
            time: "Mon Nov 23 18:05:22.123456 2026",
            module: Some("core"),
            level: level_name(3),
            pid: 7,
            tid: 8,
            error: Some((2, "No such file or directory")),
            client: Some(("127.0.0.1", 4711)),
            message: b"AH00132: file permissions deny server access: /x\n\x1b",
            referer: Some(b"http://a/"),
            ..Line::default()
        }
        .write(&mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "[Mon Nov 23 18:05:22.123456 2026] [core:error] [pid 7:tid 8] (2)No such file or \
             directory: [client 127.0.0.1:4711] AH00132: file permissions deny server access: \
             /x\\n\\x1b, referer: http://a/\n"
        );
    }

    #[test]
    fn levels_have_names_both_ways() {
        assert_eq!(level_of("WARN"), Some(4));
        assert_eq!(level_of("trace8"), Some(15));
        assert_eq!(level_of("loud"), None);
        assert_eq!(level_name(7), "debug");
    }
}
