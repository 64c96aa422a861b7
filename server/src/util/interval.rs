//! Intervals as directives have them: `30`, `100ms`, `2min`, `1h`.

/// Why a text is no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No number, or a unit nobody knows.
    Malformed,
    /// More microseconds than can be counted.
    TooLong,
}

/// In microseconds; a number alone counts in `default_unit`. What follows the unit's first letters
/// is not looked at, as Apache does not.
pub fn parse(text: &[u8], default_unit: &[u8]) -> Result<i64, Fault> {
    let text = text.trim_ascii_start();
    // No interval is negative.
    let sign = usize::from(text.first() == Some(&b'+'));
    let digits = text[sign..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    if digits == 0 {
        return Err(Fault::Malformed);
    }
    let (number, unit) = text.split_at(sign + digits);
    let number: i64 = std::str::from_utf8(number)
        .ok()
        .and_then(|number| number.parse().ok())
        .ok_or(Fault::TooLong)?;
    let unit = if unit.is_empty() { default_unit } else { unit };
    number
        .checked_mul(microseconds(unit).ok_or(Fault::Malformed)?)
        .ok_or(Fault::TooLong)
}

fn microseconds(unit: &[u8]) -> Option<i64> {
    let letter = |index: usize| unit.get(index).map(u8::to_ascii_lowercase);
    match (letter(0)?, letter(1)) {
        (b's', _) => Some(1_000_000),
        (b'h', _) => Some(3_600_000_000),
        (b'm', Some(b's')) => Some(1_000),
        (b'm', Some(b'i')) => Some(60_000_000),
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
            ("2MI", Ok(120_000_000)),
            ("1h", Ok(3_600_000_000)),
            ("+1", Ok(1_000_000)),
            ("-1", Err(Fault::Malformed)),
            ("", Err(Fault::Malformed)),
            ("x", Err(Fault::Malformed)),
            ("5m", Err(Fault::Malformed)),
            ("5d", Err(Fault::Malformed)),
            ("9223372036854775807s", Err(Fault::TooLong)),
            ("99999999999999999999", Err(Fault::TooLong)),
        ] {
            assert_eq!(parse(text.as_bytes(), b"s"), expected, "{text}");
        }
        assert_eq!(parse(b"7", b"ms"), Ok(7_000));
    }
}
