//! Times near the present, in answers: two servers that do the same do it seconds apart. Dates, and
//! the modification times within entity tags, become what they are relative to now, to the minute.

use std::time::{SystemTime, UNIX_EPOCH};

/// How far from now a moment still is one to be shown relative to it, in seconds.
const NEAR: i64 = 40 * 24 * 3600;

/// Seconds since 1970.
pub fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs() as i64)
}

/// `text` with the moments near the present in it replaced.
pub fn relative(text: &str) -> String {
    relative_to(now(), text)
}

fn relative_to(now: i64, text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let found = http_date(rest).or_else(|| timestamp(rest));
        let near = found.filter(|(moment, _)| (moment - now).abs() < NEAR);
        if let Some((moment, length)) = near {
            let minutes =
                (moment - now).div_euclid(60) + i64::from((moment - now).rem_euclid(60) >= 30);
            shown += &format!("<now{minutes:+}min>");
            rest = &rest[length..];
        } else if let Some((moment, length)) = tag_time(rest)
            && (moment - now).abs() < NEAR
        {
            shown += "-<now>\"";
            rest = &rest[length..];
        } else {
            shown.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    // A tag is weak for a second after the file was written.
    let mut parts = shown.split("W/");
    let mut strong = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if !near_tag(part) {
            strong += "W/";
        }
        strong += part;
    }
    strong
}

/// An age in seconds, without its last digit.
pub fn age(seconds: &str) -> String {
    let age = seconds.parse::<u64>();
    age.map_or_else(|_| seconds.to_owned(), |age| (age / 10 * 10).to_string())
}

/// Whether this begins with an entity tag whose time has been replaced.
fn near_tag(text: &str) -> bool {
    let inside = text
        .strip_prefix('"')
        .or_else(|| text.strip_prefix("&quot;"));
    inside.is_some_and(|inside| {
        inside
            .split_once('"')
            .is_some_and(|(tag, _)| tag.ends_with("-<now>"))
    })
}

/// A date as HTTP writes it, at the beginning of `text`, and its length.
fn http_date(text: &str) -> Option<(i64, usize)> {
    const LENGTH: usize = 29;
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let date = text.get(..LENGTH)?;
    if !date.ends_with(" GMT") || date.get(3..5)? != ", " {
        return None;
    }
    let month = MONTHS.find(date.get(8..11)?)? / 3 + 1;
    let part = |from: usize, to: usize| date.get(from..to)?.parse::<i64>().ok();
    let day = days(part(12, 16)?, month as i64, part(5, 7)?);
    let moment = day * 86400 + part(17, 19)? * 3600 + part(20, 22)? * 60 + part(23, 25)?;
    Some((moment, LENGTH))
}

/// A date as RFC 3339 writes it, at the beginning of `text`, and its length.
fn timestamp(text: &str) -> Option<(i64, usize)> {
    const LENGTH: usize = 20;
    let date = text.get(..LENGTH)?;
    if !date.ends_with('Z') || date.get(10..11)? != "T" || date.get(4..5)? != "-" {
        return None;
    }
    let part = |from: usize, to: usize| date.get(from..to)?.parse::<i64>().ok();
    let day = days(part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let moment = day * 86400 + part(11, 13)? * 3600 + part(14, 16)? * 60 + part(17, 19)?;
    Some((moment, LENGTH))
}

/// The end of an entity tag, `-` and microseconds in hexadecimal digits, at the beginning of `text`:
/// their seconds and the length up to the quote behind them.
fn tag_time(text: &str) -> Option<(i64, usize)> {
    let digits = text.strip_prefix('-')?;
    let length = digits.find(|other: char| !other.is_ascii_hexdigit())?;
    if !digits[length..].starts_with('"') {
        return None;
    }
    let moment = i64::from_str_radix(&digits[..length], 16).ok()?;
    Some((moment / 1_000_000, 1 + length + 1))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin with March put the leap day at their end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The date that is `seconds` from now, as HTTP writes it.
pub fn date_in(seconds: i64) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let moment = now() + seconds;
    let (today, second) = (moment.div_euclid(86400), moment.rem_euclid(86400));
    let mut year = 1970 + today / 366;
    while days(year + 1, 1, 1) <= today {
        year += 1;
    }
    let month = (1..=12).rev().find(|&month| days(year, month, 1) <= today);
    let month = month.unwrap_or(1);
    format!(
        "{}, {:02} {} {year} {:02}:{:02}:{:02} GMT",
        WEEKDAYS[today.rem_euclid(7) as usize],
        today - days(year, month, 1) + 1,
        MONTHS[month as usize - 1],
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_moments_become_relative() {
        let now = 1_700_000_000;
        for (text, shown) in [
            ("Tue, 14 Nov 2023 22:13:20 GMT", "<now+0min>"),
            ("at 2023-11-14T22:12:19Z.", "at <now-1min>."),
            ("Tue, 14 Nov 2023 23:13:19 GMT", "<now+60min>"),
            (
                "Tue, 14 Nov 2000 22:13:20 GMT",
                "Tue, 14 Nov 2000 22:13:20 GMT",
            ),
            ("W/\"5-60a24181e4000\", x", "\"5-<now>\", x"),
            ("W/\"5-0\"", "W/\"5-0\""),
            ("é, W/x", "é, W/x"),
        ] {
            assert_eq!(relative_to(now, text), shown, "{text}");
        }
    }

    #[test]
    fn dates_are_written_as_they_are_read() {
        for seconds in [0, 86400, -86400 * 365, 86400 * 365 * 40, 86400 * 40] {
            let date = date_in(seconds);
            let (moment, length) = http_date(&date).expect("a date");
            assert!((moment - now() - seconds).abs() <= 1, "{date}");
            assert_eq!(length, date.len());
        }
    }
}
