//! Intervals as directives have them: `30`, `100ms`, `2min`, `1h`.

/// Why a text is no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A unit nobody knows, less than nothing, or more microseconds than can be counted.
    Malformed,
    /// A number too large to be read.
    TooLong,
}

/// In microseconds; a number alone counts in `default_unit`, and a unit alone is nothing of it. What
/// follows the unit's first letters is not looked at. All as Apache has it.
pub fn parse(text: &[u8], default_unit: &[u8]) -> Result<i64, Fault> {
    let text = text.trim_ascii_start();
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let digits = text[sign..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let (number, unit) = if digits == 0 {
        (0, text)
    } else {
        let (number, unit) = text.split_at(sign + digits);
        let number = std::str::from_utf8(number)
            .ok()
            .and_then(|number| number.parse().ok())
            .ok_or(Fault::TooLong)?;
        (number, unit)
    };
    let unit = if unit.is_empty() { default_unit } else { unit };
    let unit = microseconds(unit).ok_or(Fault::Malformed)?;
    match i64::checked_mul(number, unit) {
        Some(interval) if interval >= 0 => Ok(interval),
        _ => Err(Fault::Malformed),
    }
}

fn microseconds(unit: &[u8]) -> Option<i64> {
    match unit {
        [b's', ..] => Some(1_000_000),
        [b'h', ..] => Some(3_600_000_000),
        [b'm', b's', ..] => Some(1_000),
        [b'm', b'i', ..] => Some(60_000_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_known_by_their_first_letters() {
        for (text, expected) in [
            ("30", Ok(30_000_000)),
            ("30s", Ok(30_000_000)),
            ("100ms", Ok(100_000)),
            ("2min", Ok(120_000_000)),
            ("2MI", Err(Fault::Malformed)),
            ("1h", Ok(3_600_000_000)),
            ("-1", Err(Fault::Malformed)),
            ("", Ok(0)),
            ("ms", Ok(0)),
            ("x", Err(Fault::Malformed)),
            ("5m", Err(Fault::Malformed)),
            ("5d", Err(Fault::Malformed)),
            ("9223372036854775807s", Err(Fault::Malformed)),
            ("99999999999999999999", Err(Fault::TooLong)),
        ] {
            assert_eq!(parse(text.as_bytes(), b"s"), expected, "{text}");
        }
        assert_eq!(parse(b"7", b"ms"), Ok(7_000));
    }
}
