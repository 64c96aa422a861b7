//! The time as logs show it, in local time.
//!
//! Lines come many a second, so a thread keeps the last second it has broken down.

use std::cell::Cell;

use httpd_sys as sys;

/// A moment of local time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Local {
    /// Years of our era.
    pub year: i32,
    /// 0 to 11.
    pub month: usize,
    /// 1 to 31.
    pub day: i32,
    /// 0 (Sunday) to 6.
    pub weekday: usize,
    /// 0 to 23.
    pub hour: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 60.
    pub second: i32,
    /// 0 to 999999.
    pub micros: i64,
    /// Seconds that local time is ahead of Greenwich.
    pub offset: i32,
}

/// Names of the months, as logs show them.
pub const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Names of the days of a week.
pub const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;

/// The time now, in microseconds since 1970.
pub fn now() -> i64 {
    // SAFETY: reads the clock.
    unsafe { sys::apr_time_now() }
}

/// Local time of a moment in microseconds since 1970.
pub fn local(time: i64) -> Local {
    thread_local! {
        static LAST: Cell<(i64, Local)> = const { Cell::new((i64::MIN, Local {
            year: 0, month: 0, day: 0, weekday: 0, hour: 0, minute: 0, second: 0, micros: 0,
            offset: 0,
        })) };
    }
    let second = time.div_euclid(SECOND);
    let (last, known) = LAST.get();
    let known = if last == second {
        known
    } else {
        let broken_down = break_down(second);
        LAST.set((second, broken_down));
        broken_down
    };
    Local {
        micros: time.rem_euclid(SECOND),
        ..known
    }
}

fn break_down(second: i64) -> Local {
    // SAFETY: plain numbers, which the call fills.
    let exploded = unsafe {
        let mut exploded = std::mem::zeroed::<sys::apr_time_exp_t>();
        sys::apr_time_exp_lt(&raw mut exploded, second * SECOND);
        exploded
    };
    Local {
        year: exploded.tm_year + 1900,
        month: usize::try_from(exploded.tm_mon).unwrap_or(0).min(11),
        day: exploded.tm_mday,
        weekday: usize::try_from(exploded.tm_wday).unwrap_or(0).min(6),
        hour: exploded.tm_hour,
        minute: exploded.tm_min,
        second: exploded.tm_sec,
        micros: 0,
        offset: exploded.tm_gmtoff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_broken_down_once_and_its_fraction_kept() {
        let time = 1_795_512_081_158_721;
        let first = local(time);
        let second = local(time + 1);
        assert_eq!((first.micros, second.micros), (158_721, 158_722));
        assert_eq!(first.second, 21);
        assert_eq!(local(time + SECOND).second, 22);
        assert_eq!(local(-1).micros, 999_999);
    }
}
