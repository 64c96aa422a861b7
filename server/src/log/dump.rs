//! Bytes as lines of hexadecimal numbers and characters, for `ap_log_data` and its kin.

#![forbid(unsafe_code)]

use std::fmt::Write;

/// How many bytes a line shows.
pub const BYTES_OF_LINE: usize = 16;

/// One line: the offset when asked for, the numbers in columns, the printable characters.
pub fn line(offset: Option<usize>, bytes: &[u8]) -> String {
    let mut out = String::with_capacity(80);
    // Writing to a String does not fail.
    if let Some(offset) = offset {
        let _ = write!(out, "{offset:04x}: ");
    }
    for at in 0..BYTES_OF_LINE {
        // A wider gap halves the line for the eye.
        let gap = if at == BYTES_OF_LINE / 2 - 1 {
            "-"
        } else {
            " "
        };
        match bytes.get(at) {
            Some(byte) => {
                let _ = write!(out, "{byte:02x}{gap}");
            }
            None => out.push_str("   "),
        }
    }
    out.push(' ');
    out.extend(bytes.iter().map(|&byte| match byte {
        b' '..=b'~' => char::from(byte),
        _ => '.',
    }));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_numbers_and_characters() {
        assert_eq!(
            line(Some(16), b"GET / HTTP/1.1\r\n"),
            "0010: 47 45 54 20 2f 20 48 54-54 50 2f 31 2e 31 0d 0a  GET / HTTP/1.1.."
        );
        assert!(line(None, b"ab").starts_with("61 62    "));
    }
}
