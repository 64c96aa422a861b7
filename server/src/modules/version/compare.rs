//! What `<IfVersion>` asks: an operator and a version or a regular expression.

#![forbid(unsafe_code)]

use std::{cmp::Ordering, fmt};

/// A version of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Of incompatible changes.
    pub major: u32,
    /// Of the module ABI.
    pub minor: u32,
    /// Of releases.
    pub patch: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
pub enum Question<'a> {
    /// Whether the server's version stands so to another.
    Compare {
        /// Which orders are asked for.
        orders: &'static [Ordering],
        /// The other version.
        with: Version,
        /// Whether the opposite is asked.
        negated: bool,
    },
    /// Whether the server's version matches a regular expression.
    Match {
        /// The expression.
        pattern: &'a [u8],
        /// Whether the opposite is asked.
        negated: bool,
    },
}

impl Question<'_> {
    /// The answer to a comparison; a match needs a regular expression engine.
    pub fn answer(&self, ours: Version) -> bool {
        match self {
            Self::Compare {
                orders,
                with,
                negated,
            } => orders.contains(&ours.cmp(with)) != *negated,
            Self::Match { .. } => false,
        }
    }
}

/// Reads the words behind `<IfVersion`; the `>` that closes it ends the version or is a
/// word of its own.
///
/// # Errors
/// What is wrong, in Apache's words.
pub fn parse<'a>(words: &[&'a [u8]]) -> Result<Question<'a>, String> {
    let (operator, version, delimiter) = match *words {
        [] => return Err(INVALID.to_owned()),
        [version] => (&b"="[..], version, None),
        [operator, version] => (operator, version, None),
        [operator, version, delimiter, ..] => (operator, version, Some(delimiter)),
    };
    match (version, delimiter) {
        ([version @ .., b'>'], _) | (version, Some(b">")) => question(operator, version),
        _ => Err(UNCLOSED.to_owned()),
    }
}

const UNCLOSED: &str = "<IfVersion> directive missing closing '>'";
const INVALID: &str = "Version appears to be invalid. It must have the format \
                       major[.minor[.patch]] where major, minor and patch are numbers.";

fn question<'a>(operator: &[u8], version: &'a [u8]) -> Result<Question<'a>, String> {
    let (negated, bare) = match operator {
        [b'!', bare @ ..] => (true, bare),
        bare => (false, bare),
    };
    let orders: &[Ordering] = match bare {
        b"=" | b"==" => {
            if let Some(pattern) = version.strip_prefix(b"/") {
                let pattern = pattern
                    .strip_suffix(b"/")
                    .ok_or("Missing delimiting / of regular expression.")?;
                return Ok(Question::Match { pattern, negated });
            }
            &[Ordering::Equal]
        }
        b"~" => {
            return Ok(Question::Match {
                pattern: version,
                negated,
            });
        }
        b"<" => &[Ordering::Less],
        b"<=" => &[Ordering::Less, Ordering::Equal],
        b">" => &[Ordering::Greater],
        b">=" => &[Ordering::Greater, Ordering::Equal],
        _ => {
            let operator = String::from_utf8_lossy(operator);
            return Err(format!("unrecognized operator '{operator}'"));
        }
    };
    let with = read(version).ok_or(INVALID)?;
    Ok(Question::Compare {
        orders,
        with,
        negated,
    })
}

/// Reads `2`, `2.4` or `2.4.71`; what is not written is 0.
fn read(text: &[u8]) -> Option<Version> {
    let text = std::str::from_utf8(text).ok()?;
    let mut parts = text.split('.').collect::<Vec<_>>();
    // A dot at the end says nothing.
    if parts.len() > 1 && parts.last() == Some(&"") {
        parts.pop();
    }
    let mut numbers = [0; 3];
    if parts.len() > numbers.len() {
        return None;
    }
    for (number, part) in numbers.iter_mut().zip(parts) {
        if !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    let [major, minor, patch] = numbers;
    Some(Version {
        major,
        minor,
        patch,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Version = Version {
        major: 2,
        minor: 4,
        patch: 71,
    };

    /// As the engine splits it.
    fn ask(text: &str) -> Result<bool, String> {
        let words: Vec<&[u8]> = text.split_whitespace().map(str::as_bytes).collect();
        parse(&words).map(|question| match question {
            // Enough of a regular expression for these tests.
            Question::Match { pattern, negated } => {
                let ours = OURS.to_string();
                let start = String::from_utf8_lossy(pattern).replace(['^', '\\'], "");
                ours.starts_with(&start) != negated
            }
            question => question.answer(OURS),
        })
    }

    #[test]
    fn sections_are_taken_in_as_apache_takes_them() {
        for (text, expected) in [
            (">= 2.4>", true),
            ("= 2.4.71>", true),
            ("== 2.4.71>", true),
            ("2.4.71>", true),
            ("2.4>", false),
            ("= 2.4>", false),
            ("!= 2.4>", true),
            ("!~ ^2>", false),
            ("~ ^2>", true),
            ("= /^2/>", true),
            ("== /^2/>", true),
            (r"!= /^2\.4/>", false),
            ("> 2.4.70>", true),
            ("< 3>", true),
            ("<= 2.4.71>", true),
            ("/^2/>", true),
            ("!>= 2.4>", false),
            (">= 2.>", true),
            (">= 2.4 >", true),
        ] {
            assert_eq!(ask(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn errors_are_told_as_apache_tells_them() {
        for (text, expected) in [
            ("", INVALID),
            ("! > 2.4>", "unrecognized operator '!'"),
            ("! 2.4>", "unrecognized operator '!'"),
            ("foo 2>", "unrecognized operator 'foo'"),
            ("=> 2>", "unrecognized operator '=>'"),
            ("!! 2>", "unrecognized operator '!!'"),
            ("!2.4.71>", INVALID),
            (">= x>", INVALID),
            (">= 2.4.71-dev>", INVALID),
            (">= 2.4.71.5>", INVALID),
            (">=2.4>", INVALID),
            ("~^2.4>", INVALID),
            (">= >", INVALID),
            (">", INVALID),
            ("= |^2|>", INVALID),
            (">= 2.4", UNCLOSED),
            ("= 2.4 x>", UNCLOSED),
            ("! = 2.4.71>", UNCLOSED),
            ("= /^2/i>", "Missing delimiting / of regular expression."),
            ("= /^2>", "Missing delimiting / of regular expression."),
        ] {
            assert_eq!(ask(text), Err(expected.to_owned()), "{text}");
        }
    }
}
