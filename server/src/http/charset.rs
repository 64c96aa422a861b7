//! Which bytes may stand where in a message (RFC 9110, section 5.6), and where a run of them ends.
//! Called by the parsers of this room and by the checks before a response is sent.

/// Bytes of a method or a field name.
const TOKEN: u8 = 1;
/// Bytes of a target: visible ones and those above ASCII.
const VISIBLE: u8 = 2;
/// Bytes of a field's value: the visible ones, space and tab.
const CONTENT: u8 = 4;
/// What C's `isspace` calls a space.
const SPACE: u8 = 8;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        let mut class = 0;
        if b > b' ' && b != 0x7f {
            class |= VISIBLE | CONTENT;
        }
        if b == b' ' || b == b'\t' {
            class |= CONTENT;
        }
        if matches!(b, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r') {
            class |= SPACE;
        }
        if b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            )
        {
            class |= TOKEN;
        }
        table[byte] = class;
        byte += 1;
    }
    table
}

/// The length of the run of `class` that `text` begins with.
fn run(text: &[u8], class: u8) -> usize {
    text.iter()
        .position(|&byte| CLASSES[usize::from(byte)] & class == 0)
        .unwrap_or(text.len())
}

/// The length of the token that `text` begins with.
pub fn token_length(text: &[u8]) -> usize {
    run(text, TOKEN)
}

/// The length of the run of visible bytes (and those above ASCII) that `text` begins with.
pub fn visible_length(text: &[u8]) -> usize {
    run(text, VISIBLE)
}

/// The length of the run of bytes allowed in a field's value that `text` begins with.
pub fn content_length(text: &[u8]) -> usize {
    run(text, CONTENT)
}

/// Whether all of `text`, which must not be empty, is a token.
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && token_length(text) == text.len()
}

/// Whether all of `text` may stand in a field's value.
pub fn is_content(text: &[u8]) -> bool {
    content_length(text) == text.len()
}

/// Whether C's `isspace` holds for it.
pub fn is_space(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & SPACE != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_at_the_first_byte_of_another_kind() {
        assert_eq!(token_length(b"Content-Length: 3"), 14);
        assert_eq!(visible_length(b"/\xff?a b"), 4);
        assert_eq!(visible_length(b"/\x7f"), 1);
        assert_eq!(content_length(b"a b\tc\x01"), 5);
        assert!(is_token(b"X-A.b~1") && !is_token(b"") && !is_token(b"a b"));
        assert!(is_content(b"") && is_content(b"\xc3\xa4") && !is_content(b"a\0"));
        assert!(is_space(0x0b) && !is_space(0));
    }
}
