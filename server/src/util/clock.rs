//! Times as text: `ctime` with its options, and the date of HTTP. Calendars are APR's.

/// A time in the calendar, as far as it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    pub year: i32,
    /// From zero, as all small numbers of C's calendar but the day.
    pub month: usize,
    pub day: i32,
    pub weekday: usize,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    pub microsecond: i32,
    /// Seconds east of Greenwich.
    pub offset: i32,
}

/// How a `ctime` is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub microseconds: bool,
    pub milliseconds: bool,
    /// Numbers only, the largest unit first.
    pub compact: bool,
    pub offset: bool,
}

/// The longest text any option gives, without a NUL.
pub const LONGEST: usize = 40;

const DAYS: &[u8; 21] = b"SunMonTueWedThuFriSat";
const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// Text that is put together on the stack.
#[derive(Clone, Copy)]
pub struct Text {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Text {
    fn new() -> Self {
        Self {
            bytes: [0; LONGEST],
            length: 0,
        }
    }

    /// What has been written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    /// A number with leading zeros; only its last digits when it is too large.
    fn number(&mut self, number: i32, digits: usize) {
        let mut rest = number.unsigned_abs();
        let end = self.length + digits;
        for place in self.bytes[self.length..end].iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.length = end;
    }

    fn name(&mut self, names: &[u8], index: usize) {
        self.push(names.get(3 * index..3 * index + 3).unwrap_or(b"???"));
    }

    fn clock(&mut self, time: &Calendar) {
        self.number(time.hour, 2);
        self.push(b":");
        self.number(time.minute, 2);
        self.push(b":");
        self.number(time.second, 2);
    }
}

/// `Wed Jun 30 21:49:08 1993`, or as `shown` says.
pub fn ctime(time: &Calendar, shown: Shown) -> Text {
    let mut text = Text::new();
    if shown.compact {
        text.number(time.year, 4);
        text.push(b"-");
        text.number(time.month as i32 + 1, 2);
        text.push(b"-");
        text.number(time.day, 2);
    } else {
        text.name(DAYS, time.weekday);
        text.push(b" ");
        text.name(MONTHS, time.month);
        text.push(b" ");
        text.number(time.day, 2);
    }
    text.push(b" ");
    text.clock(time);
    if shown.microseconds {
        text.push(b".");
        text.number(time.microsecond, 6);
    } else if shown.milliseconds {
        text.push(b".");
        text.number(time.microsecond / 1000, 3);
    }
    if !shown.compact {
        text.push(b" ");
        text.number(time.year, 4);
    }
    if shown.offset {
        text.push(if time.offset < 0 { b" -" } else { b" +" });
        let minutes = time.offset.abs() / 60;
        text.number(minutes / 60, 2);
        text.number(minutes % 60, 2);
    }
    text
}

/// `Wed, 30 Jun 1993 21:49:08 GMT`; the calendar is Greenwich's.
pub fn http_date(time: &Calendar) -> Text {
    let mut text = Text::new();
    text.name(DAYS, time.weekday);
    text.push(b", ");
    text.number(time.day, 2);
    text.push(b" ");
    text.name(MONTHS, time.month);
    text.push(b" ");
    text.number(time.year, 4);
    text.push(b" ");
    text.clock(time);
    text.push(b" GMT");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Calendar = Calendar {
        year: 1993,
        month: 5,
        day: 3,
        weekday: 4,
        hour: 21,
        minute: 9,
        second: 8,
        microsecond: 12_345,
        offset: -(5 * 3600 + 1800),
    };

    fn shown(shown: Shown) -> String {
        String::from_utf8(ctime(&TIME, shown).as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_ctime_has_its_options() {
        let plain = Shown::default();
        assert_eq!(shown(plain), "Thu Jun 03 21:09:08 1993");
        let microseconds = Shown {
            microseconds: true,
            ..plain
        };
        assert_eq!(shown(microseconds), "Thu Jun 03 21:09:08.012345 1993");
        let all = Shown {
            milliseconds: true,
            compact: true,
            offset: true,
            ..plain
        };
        assert_eq!(shown(all), "1993-06-03 21:09:08.012 -0530");
    }

    #[test]
    fn the_date_of_http_is_fixed_in_length() {
        let date = http_date(&TIME);
        assert_eq!(date.as_bytes(), b"Thu, 03 Jun 1993 21:09:08 GMT");
        let strange = Calendar {
            month: 77,
            weekday: 9,
            year: 123_456,
            ..TIME
        };
        assert_eq!(http_date(&strange).as_bytes().len(), 29);
    }
}
