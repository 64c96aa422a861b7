//! Exports of `util_time.h`: times of the present as calendars and text.
//!
//! Each thread remembers the last seconds it has asked for, so that the calendar is computed once a
//! second and nothing is shared between threads.

use std::{
    cell::RefCell,
    ffi::{c_char, c_int},
    mem::MaybeUninit,
};

use httpd_sys::{self as sys, apr_status_t, apr_time_exp_t, apr_time_t};

use crate::util::clock::{self, Calendar, Shown, Text};

exports! {
    ap_explode_recent_localtime, ap_explode_recent_gmt, ap_recent_ctime, ap_recent_ctime_ex,
    ap_recent_rfc822_date,
}

const SECOND: apr_time_t = 1_000_000;

/// A power of two, at least as many as log lines and requests of one moment ask for.
const REMEMBERED: usize = sys::AP_TIME_RECENT_THRESHOLD as usize + 1;

/// The calendars of some seconds, each at the place its number gives it.
struct Recent([Option<(apr_time_t, apr_time_exp_t)>; REMEMBERED]);

impl Recent {
    /// The calendar of a time, from `explode` when its second is not remembered.
    fn get(
        &mut self,
        time: apr_time_t,
        explode: unsafe extern "C" fn(*mut apr_time_exp_t, apr_time_t) -> apr_status_t,
    ) -> Result<apr_time_exp_t, apr_status_t> {
        let second = time.div_euclid(SECOND);
        let place = &mut self.0[second.rem_euclid(REMEMBERED as apr_time_t) as usize];
        let mut calendar = match place {
            Some((known, calendar)) if *known == second => *calendar,
            _ => {
                let mut calendar = MaybeUninit::zeroed();
                // SAFETY: APR fills the record; it consists of numbers, for which zero is valid.
                let calendar = unsafe {
                    match explode(calendar.as_mut_ptr(), second * SECOND) {
                        0 => calendar.assume_init(),
                        status => return Err(status),
                    }
                };
                *place = Some((second, calendar));
                calendar
            }
        };
        calendar.tm_usec = time.rem_euclid(SECOND) as i32;
        Ok(calendar)
    }
}

thread_local! {
    static LOCAL: RefCell<Recent> = const { RefCell::new(Recent([None; REMEMBERED])) };
    static GMT: RefCell<Recent> = const { RefCell::new(Recent([None; REMEMBERED])) };
    /// The last date of HTTP and its second.
    static DATE: RefCell<Option<(apr_time_t, Text)>> = const { RefCell::new(None) };
}

fn local(time: apr_time_t) -> Result<apr_time_exp_t, apr_status_t> {
    LOCAL.with_borrow_mut(|recent| recent.get(time, sys::apr_time_exp_lt))
}

fn gmt(time: apr_time_t) -> Result<apr_time_exp_t, apr_status_t> {
    GMT.with_borrow_mut(|recent| recent.get(time, sys::apr_time_exp_gmt))
}

fn calendar(time: &apr_time_exp_t) -> Calendar {
    Calendar {
        year: time.tm_year + 1900,
        month: usize::try_from(time.tm_mon).unwrap_or(usize::MAX / 4),
        day: time.tm_mday,
        weekday: usize::try_from(time.tm_wday).unwrap_or(usize::MAX / 4),
        hour: time.tm_hour,
        minute: time.tm_min,
        second: time.tm_sec,
        microsecond: time.tm_usec,
        offset: time.tm_gmtoff,
    }
}

/// # Safety
/// `place` may be written when the answer is 0.
unsafe fn store(
    place: *mut apr_time_exp_t,
    time: Result<apr_time_exp_t, apr_status_t>,
) -> apr_status_t {
    match time {
        Ok(time) => {
            // SAFETY: the caller's promise.
            unsafe { place.write(time) };
            0
        }
        Err(status) => status,
    }
}

/// Writes a text and its NUL.
///
/// # Safety
/// There is room for both.
unsafe fn put(place: *mut c_char, text: &Text) {
    let bytes = text.as_bytes();
    // SAFETY: the caller's promise.
    unsafe {
        place
            .cast::<u8>()
            .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        place.add(bytes.len()).write(0);
    }
}

/// A time in the local calendar.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_explode_recent_localtime(
    tm: *mut apr_time_exp_t,
    t: apr_time_t,
) -> apr_status_t {
    // SAFETY: the header asks for a record to be filled.
    unsafe { store(tm, local(t)) }
}

/// A time in Greenwich's calendar.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_explode_recent_gmt(
    tm: *mut apr_time_exp_t,
    t: apr_time_t,
) -> apr_status_t {
    // SAFETY: the header asks for a record to be filled.
    unsafe { store(tm, gmt(t)) }
}

/// Local time as `Wed Jun 30 21:49:08 1993`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_recent_ctime(date_str: *mut c_char, t: apr_time_t) -> apr_status_t {
    let mut length = sys::APR_CTIME_LEN as c_int;
    // SAFETY: the header asks for this much room.
    unsafe {
        ap_recent_ctime_ex(
            date_str,
            t,
            sys::AP_CTIME_OPTION_NONE as c_int,
            &raw mut length,
        )
    }
}

/// The same with options; `len` is the room, and becomes what is used of it: 0 if it is too small.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_recent_ctime_ex(
    date_str: *mut c_char,
    t: apr_time_t,
    option: c_int,
    len: *mut c_int,
) -> apr_status_t {
    let has = |flag: u32| option as u32 & flag != 0;
    let shown = Shown {
        microseconds: has(sys::AP_CTIME_OPTION_USEC),
        milliseconds: has(sys::AP_CTIME_OPTION_MSEC),
        compact: has(sys::AP_CTIME_OPTION_COMPACT),
        offset: has(sys::AP_CTIME_OPTION_GMTOFF),
    };
    let text = match local(t) {
        Ok(time) => clock::ctime(&calendar(&time), shown),
        Err(status) => return status,
    };
    let needed = text.as_bytes().len() as c_int + 1;
    // SAFETY: the header asks for a number, and for a buffer of that size.
    unsafe {
        if *len < needed {
            len.write(0);
            return sys::APR_ENOMEM as apr_status_t;
        }
        len.write(needed);
        put(date_str, &text);
    }
    0
}

/// `Wed, 30 Jun 1993 21:49:08 GMT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_recent_rfc822_date(
    date_str: *mut c_char,
    t: apr_time_t,
) -> apr_status_t {
    let second = t.div_euclid(SECOND);
    DATE.with_borrow_mut(|last| {
        let text = match last {
            Some((known, text)) if *known == second => text,
            _ => match gmt(t) {
                Ok(time) => &mut last.insert((second, clock::http_date(&calendar(&time)))).1,
                Err(status) => return status,
            },
        };
        // SAFETY: the header asks for APR_RFC822_DATE_LEN bytes, which hold every such date.
        unsafe { put(date_str, text) };
        0
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn dates_are_those_of_the_second_asked_for() {
        let date = |time| {
            let mut buffer = [0 as c_char; sys::APR_RFC822_DATE_LEN as usize];
            // SAFETY: the buffer has the size that is asked for; it is ended by NUL.
            unsafe {
                assert_eq!(ap_recent_rfc822_date(buffer.as_mut_ptr(), time), 0);
                CStr::from_ptr(buffer.as_ptr()).to_owned()
            }
        };
        let first = 784_111_777 * SECOND;
        assert_eq!(date(first), *c"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(first + 999_999), *c"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(first + SECOND), *c"Sun, 06 Nov 1994 08:49:38 GMT");
        // The same place among the remembered ones.
        let later = first + 16 * SECOND;
        assert_eq!(date(later), *c"Sun, 06 Nov 1994 08:49:53 GMT");
        assert_eq!(date(-1), *c"Wed, 31 Dec 1969 23:59:59 GMT");
    }

    #[test]
    fn a_buffer_that_is_too_small_is_refused() {
        let (mut buffer, mut length) = ([0 as c_char; 40], 10);
        let option = sys::AP_CTIME_OPTION_COMPACT as c_int;
        // SAFETY: nothing is written beyond the length that is told.
        unsafe {
            let status = ap_recent_ctime_ex(buffer.as_mut_ptr(), 0, option, &raw mut length);
            assert_eq!((status, length), (sys::APR_ENOMEM as i32, 0));
            length = 20;
            let status = ap_recent_ctime_ex(buffer.as_mut_ptr(), 0, option, &raw mut length);
            assert_eq!((status, length), (0, 20));
            assert_eq!(CStr::from_ptr(buffer.as_ptr()).to_bytes().len(), 19);
        }
    }
}
