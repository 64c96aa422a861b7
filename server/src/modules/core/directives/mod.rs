//! The functions of the core's directives, by subject; `table.rs` lists them.

pub(super) mod conditions;
pub(super) mod content;
pub(super) mod limits;
pub(super) mod logging;
pub(super) mod overrides;
pub(super) mod protocol;
pub(super) mod sections;
pub(super) mod server;

use std::ffi::CStr;

use super::command::{Cmd, Refusal, shown};

/// The opening line of a container without its `>`, as the rest of the configuration sees it.
fn section_arguments<'a>(cmd: Cmd<'a>, line: &CStr) -> Result<&'a CStr, Refusal> {
    let bytes = line.to_bytes();
    match bytes.iter().rposition(|&byte| byte == b'>') {
        Some(end) => Ok(cmd.temp_pool().copy(&bytes[..end])),
        None => Err(format!("{}> directive missing closing '>'", cmd.name()).into()),
    }
}

/// The same for a container that needs an argument.
fn section_argument<'a>(cmd: Cmd<'a>, line: &CStr) -> Result<&'a CStr, Refusal> {
    let arguments = section_arguments(cmd, line)?;
    if arguments.is_empty() {
        return Err(missing_argument(cmd));
    }
    Ok(arguments)
}

fn missing_argument(cmd: Cmd<'_>) -> Refusal {
    format!("{}> directive requires additional arguments", cmd.name()).into()
}

/// A number at the start of a text as C's `atoi` reads it: 0 when there is none.
fn leading_number(text: &CStr) -> i64 {
    let bytes = text.to_bytes().trim_ascii_start();
    let (sign, digits) = match bytes.first() {
        Some(b'-') => (-1, &bytes[1..]),
        Some(b'+') => (1, &bytes[1..]),
        _ => (1, bytes),
    };
    let magnitude =
        digits
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .fold(0i64, |sum, digit| {
                sum.saturating_mul(10)
                    .saturating_add(i64::from(digit - b'0'))
            });
    sign * magnitude
}

/// A whole number; `None` when the text is anything else or does not fit.
fn whole_number(text: &CStr) -> Option<i64> {
    text.to_str().ok()?.trim().parse().ok()
}

/// The words of a raw line as text.
fn words(cmd: Cmd<'_>, line: &CStr) -> Vec<String> {
    let mut rest = cmd.temp_pool().copy(line.to_bytes());
    let mut words = Vec::new();
    while !rest.is_empty() {
        words.push(shown(cmd.word(&mut rest)).into_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        assert_eq!(leading_number(c"30s"), 30);
        assert_eq!(leading_number(c" -7"), -7);
        assert_eq!(leading_number(c"x"), 0);
        assert_eq!(leading_number(c"99999999999999999999"), i64::MAX);
        assert_eq!(whole_number(c"12"), Some(12));
        assert_eq!(whole_number(c"12k"), None);
    }
}
