//! `%t`, `%T` and `%D`: moments and durations.

#![forbid(unsafe_code)]

use std::{
    cell::Cell,
    ffi::{CStr, CString},
    io::Write,
};

use crate::log::{
    clock::{self, Local, MONTHS, SECOND},
    line,
};

/// What `%t` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The end of the request instead of its start.
    pub at_end: bool,
    /// How.
    pub form: Form,
}

/// How a moment is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// `[18/Sep/2011:19:18:28 -0400]`.
    Common,
    /// Whole seconds, milliseconds or microseconds since 1970: how many microseconds one takes.
    Since1970(i64),
    /// The fraction of the second, in as many digits, each of which takes as many microseconds.
    Fraction(usize, i64),
    /// As strftime shows it.
    Strftime(CString),
}

impl Moment {
    /// What the argument of `%t` asks for.
    pub fn of_argument(argument: &CStr) -> Self {
        let text = argument.to_bytes();
        let after = |word: &[u8]| match text.strip_prefix(word)? {
            [] => Some(&[][..]),
            [b':', form @ ..] => Some(form),
            _ => None,
        };
        let (at_end, form) = match (after(b"begin"), after(b"end")) {
            (Some(form), _) => (false, form),
            (_, Some(form)) => (true, form),
            _ => (false, text),
        };
        let form = match form {
            b"" => Form::Common,
            b"sec" => Form::Since1970(SECOND),
            b"msec" => Form::Since1970(1000),
            b"usec" => Form::Since1970(1),
            b"msec_frac" => Form::Fraction(3, 1000),
            b"usec_frac" => Form::Fraction(6, 1),
            // A part of a C string has no NUL in it.
            _ => Form::Strftime(CString::new(form).unwrap_or_default()),
        };
        Self { at_end, form }
    }
}

/// How `%T` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit(i64);

impl Unit {
    /// Microseconds, as `%D` counts.
    pub const MICROS: Self = Self(1);

    /// The unit of an argument; `None` for one that does not exist.
    pub fn of_argument(argument: &CStr) -> Option<Self> {
        match argument.to_bytes() {
            b"" | b"s" => Some(Self(SECOND)),
            b"ms" => Some(Self(1000)),
            b"us" => Some(Self::MICROS),
            _ => None,
        }
    }

    /// Appends a duration in microseconds.
    pub fn write(self, micros: i64, out: &mut Vec<u8>) {
        write_number(micros / self.0, out);
    }
}

/// Appends a number.
pub fn write_number(number: i64, out: &mut Vec<u8>) {
    if let 0..10 = number {
        out.push(b'0' + number as u8);
        return;
    }
    // Writing to a Vec does not fail.
    let _ = write!(out, "{number}");
}

/// Appends a moment in a form that is no strftime.
pub fn write(time: i64, form: &Form, out: &mut Vec<u8>) {
    match form {
        Form::Since1970(unit) => write_number(time.div_euclid(*unit), out),
        Form::Fraction(digits, unit) => {
            let fraction = time.rem_euclid(SECOND) / unit;
            // Writing to a Vec does not fail.
            let _ = write!(out, "{fraction:0digits$}");
        }
        Form::Common | Form::Strftime(_) => write_common(time, out),
    }
}

/// Appends `[18/Sep/2011:19:18:28 -0400]`. Requests come many a second, so the thread keeps the
/// text of the last one.
fn write_common(time: i64, out: &mut Vec<u8>) {
    /// Longer than the text of any year that can be reached.
    type Text = ([u8; 40], usize);
    thread_local! {
        static LAST: Cell<(i64, Text)> = const { Cell::new((i64::MIN, ([0; 40], 0))) };
    }
    let second = time.div_euclid(SECOND);
    let (last, (text, length)) = LAST.get();
    if last == second {
        out.extend_from_slice(&text[..length]);
        return;
    }
    let start = out.len();
    write_local(&clock::local(time), out);
    let new = &out[start..];
    let mut text = [0; 40];
    if let Some(place) = text.get_mut(..new.len()) {
        place.copy_from_slice(new);
        LAST.set((second, (text, new.len())));
    }
}

fn write_local(local: &Local, out: &mut Vec<u8>) {
    let Local {
        year,
        day,
        hour,
        minute,
        second,
        ..
    } = local;
    let month = MONTHS[local.month % 12];
    // Writing to a Vec does not fail.
    let _ = write!(
        out,
        "[{day:02}/{month}/{year}:{hour:02}:{minute:02}:{second:02} "
    );
    line::write_offset(local.offset, out);
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: i64 = 1_795_512_081_058_721;

    fn shown(argument: &CStr) -> String {
        let mut out = Vec::new();
        write(TIME, &Moment::of_argument(argument).form, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_are_shown_as_apache_shows_them() {
        assert_eq!(shown(c"sec"), "1795512081");
        assert_eq!(shown(c"begin:msec"), "1795512081058");
        assert_eq!(shown(c"usec"), "1795512081058721");
        assert_eq!(shown(c"end:msec_frac"), "058");
        assert_eq!(shown(c"usec_frac"), "058721");
    }

    #[test]
    fn begin_and_end_select_the_moment() {
        let moment = |argument| Moment::of_argument(argument);
        assert!(!moment(c"begin").at_end && moment(c"end").at_end);
        assert_eq!(moment(c"end:%H:%M").form, Form::Strftime(c"%H:%M".into()));
        assert_eq!(moment(c"ending").form, Form::Strftime(c"ending".into()));
        assert_eq!(moment(c"begin:").form, Form::Common);
    }

    #[test]
    fn the_common_form_is_kept_for_a_second() {
        let mut out = Vec::new();
        let local = Local {
            year: 2026,
            month: 10,
            day: 4,
            hour: 9,
            minute: 2,
            second: 3,
            offset: 3600,
            ..Local::default()
        };
        write_local(&local, &mut out);
        assert_eq!(out, b"[04/Nov/2026:09:02:03 +0100]");
        let first = shown(c"");
        assert_eq!(first, shown(c""));
        assert!(first.starts_with('[') && first.ends_with(']'));
        assert_eq!(first.len(), 28);
    }

    #[test]
    fn durations_are_cut_to_their_unit() {
        let mut out = Vec::new();
        for argument in [c"", c"s", c"ms", c"us"] {
            Unit::of_argument(argument)
                .unwrap()
                .write(2_345_678, &mut out);
            out.push(b' ');
        }
        assert_eq!(out, b"2 2 2345 2345678 ");
        assert_eq!(Unit::of_argument(c"h"), None);
    }
}
