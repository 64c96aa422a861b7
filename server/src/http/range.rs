//! The Range field: which bytes of a response of known length a client wants, with ranges that
//! touch or overlap merged, and the counts that `MaxRanges` and its siblings limit.

/// A run of bytes, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub first: u64,
    /// The last byte.
    pub last: u64,
}

/// What a Range field asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The whole: the field is malformed or asks for more than there is.
    Whole,
    /// Nothing that exists: 416.
    Unsatisfiable,
    /// These ranges.
    Parts(Parts),
}

/// Ranges in the order they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// After merging.
    pub ranges: Vec<ByteRange>,
    /// How many were merged into the one before.
    pub overlaps: u32,
    /// How many of those began before it.
    pub reversals: u32,
}

/// The most there may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `MaxRanges`; `None` is no limit.
    pub ranges: Option<u32>,
    /// `MaxRangeOverlaps`.
    pub overlaps: Option<u32>,
    /// `MaxRangeReversals`.
    pub reversals: Option<u32>,
}

impl Limits {
    /// Whether what was asked for stays within the limits.
    pub fn allow(&self, parts: &Parts) -> bool {
        let within = |count: u32, limit: Option<u32>| limit.is_none_or(|limit| count <= limit);
        within(parts.ranges.len() as u32, self.ranges)
            && within(parts.overlaps, self.overlaps)
            && within(parts.reversals, self.reversals)
    }
}

/// What follows `bytes=` in the field, or `None` when it counts in other units.
pub fn byte_specs(field: &[u8]) -> Option<&[u8]> {
    let (unit, specs) = field.split_at_checked(6)?;
    unit.eq_ignore_ascii_case(b"bytes=").then_some(specs)
}

/// Reads `0-4,10-,-5` for a response of `length` bytes.
pub fn parse(specs: &[u8], length: u64) -> Wanted {
    let mut parts = Parts::default();
    let mut open: Option<ByteRange> = None;
    let mut beyond = false;
    for spec in specs.split(|&byte| byte == b',') {
        // Empty elements of a list do not count.
        if spec.is_empty() {
            continue;
        }
        let Some(range) = parse_one(spec, length) else {
            return Wanted::Whole;
        };
        if length > 0 && range.first == 0 && spec.ends_with(b"-") {
            // The whole, asked for like this, makes all that stands around it pointless.
            parts.ranges.clear();
            open = Some(range);
            break;
        }
        if range.first >= length {
            beyond = true;
            continue;
        }
        let range = ByteRange {
            last: range.last.min(length - 1),
            ..range
        };
        let merged = open
            .as_mut()
            .is_some_and(|before| merge(before, range, &mut parts));
        if !merged {
            parts.ranges.extend(open.replace(range));
        }
    }
    parts.ranges.extend(open);
    if parts.ranges.is_empty() {
        return if beyond {
            Wanted::Unsatisfiable
        } else {
            Wanted::Whole
        };
    }
    let sum = parts.ranges.iter().fold(0u64, |sum, range| {
        sum.saturating_add(range.last - range.first + 1)
    });
    if sum > length {
        return Wanted::Whole;
    }
    Wanted::Parts(parts)
}

/// A single range, not yet cut to the length; `None` when malformed.
fn parse_one(spec: &[u8], length: u64) -> Option<ByteRange> {
    let dash = spec.iter().position(|&byte| byte == b'-')?;
    let (first, last) = (&spec[..dash], &spec[dash + 1..]);
    if first.is_empty() {
        let count = number(last)?;
        return (count > 0).then(|| ByteRange {
            first: length.saturating_sub(count),
            last: length.saturating_sub(1),
        });
    }
    let first = number(first)?;
    if last.is_empty() {
        return Some(ByteRange {
            first,
            last: length.saturating_sub(1),
        });
    }
    let last = number(last)?;
    (first <= last).then_some(ByteRange { first, last })
}

/// Widens `before` by `range` if they touch; answers whether they do.
fn merge(before: &mut ByteRange, range: ByteRange, parts: &mut Parts) -> bool {
    let mut merged = range.first >= before.first && range.last <= before.last;
    if range.first < before.first && range.last + 1 >= before.first {
        before.first = range.first;
        parts.reversals += 1;
        merged = true;
    }
    if range.last >= before.last && range.first <= before.last + 1 {
        before.last = range.last;
        merged = true;
    }
    parts.overlaps += u32::from(merged);
    merged
}

/// A number of digits only, below 2^63.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (number >> 63 == 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(specs: &str) -> Option<Vec<(u64, u64)>> {
        match parse(specs.as_bytes(), 59) {
            Wanted::Parts(parts) => Some(
                parts
                    .ranges
                    .iter()
                    .map(|range| (range.first, range.last))
                    .collect(),
            ),
            _ => None,
        }
    }

    // The answers are those of Apache 2.4.71 for a file of 59 bytes.
    #[test]
    fn ranges_are_read_as_apache_reads_them() {
        for (specs, wanted) in [
            ("0-4", &[(0, 4)][..]),
            ("0-", &[(0, 58)]),
            ("-5", &[(54, 58)]),
            ("-100", &[(0, 58)]),
            ("0-100", &[(0, 58)]),
            ("58-", &[(58, 58)]),
            ("60-,0-4", &[(0, 4)]),
            ("0-4,", &[(0, 4)]),
            ("0-4,,6-8", &[(0, 4), (6, 8)]),
            ("0-4,5-9", &[(0, 9)]),
            ("5-9,0-4", &[(0, 9)]),
            ("10-12,0-4", &[(10, 12), (0, 4)]),
            ("3-8,0-4", &[(0, 8)]),
            ("6-8,0-4", &[(6, 8), (0, 4)]),
            ("0-58,0-4", &[(0, 58)]),
            ("0-30,20-58,1-2", &[(0, 58)]),
            ("5-6,8-9,0-,2-3", &[(0, 58)]),
            ("0-,x", &[(0, 58)]),
        ] {
            assert_eq!(ranges(specs).as_deref(), Some(wanted), "{specs}");
        }
    }

    #[test]
    fn malformed_fields_are_ignored() {
        for specs in [
            "",
            "-",
            "5",
            "5-3",
            "a-3",
            "-0",
            " 0-4",
            "0 -4",
            "0-4 ,6-8",
            "0-4, 6-8",
            "0-4;6",
            "18446744073709551616-",
            "0-9223372036854775808",
            "0-58,0-0,2-58,0-1,9-2",
            "+1-2",
        ] {
            assert_eq!(parse(specs.as_bytes(), 59), Wanted::Whole, "{specs}");
        }
        assert_eq!(byte_specs(b"items=0-4"), None);
        assert_eq!(byte_specs(b"BYTES=0-4"), Some(&b"0-4"[..]));
    }

    #[test]
    fn ranges_beyond_the_end_are_unsatisfiable() {
        assert_eq!(parse(b"59-", 59), Wanted::Unsatisfiable);
        assert_eq!(parse(b"60-61,70-", 59), Wanted::Unsatisfiable);
    }

    #[test]
    fn ranges_that_sum_to_more_than_there_is_are_ignored() {
        assert_eq!(parse(b"0-30,40-58,0-30", 59), Wanted::Whole);
    }

    #[test]
    fn merged_ranges_are_counted() {
        let Wanted::Parts(parts) = parse(b"5-9,0-4,3-6,20-21", 59) else {
            panic!("satisfiable");
        };
        assert_eq!((parts.overlaps, parts.reversals), (2, 1));
        let limits = |overlaps| Limits {
            ranges: Some(2),
            overlaps,
            reversals: Some(1),
        };
        assert!(limits(Some(2)).allow(&parts) && limits(None).allow(&parts));
        assert!(!limits(Some(1)).allow(&parts));
    }
}
