//! Escaping for URLs, HTML, logs, shells and quotes, and undoing it for URLs.
//!
//! An escaper writes to a sink, so that the caller can first count and then fill memory of the right
//! size.

/// What becomes of one byte.
pub trait Escape: Copy {
    /// The bit of `CLASSES` that bytes have which do not stay as they are.
    fn class(self) -> u8;

    /// Hands the bytes that stand for such a byte to `out`.
    fn byte(self, byte: u8, out: &mut impl FnMut(&[u8]));
}

const HEX: &[u8; 16] = b"0123456789abcdef";

const IN_PATH: u8 = 1;
const IN_SEGMENT: u8 = 1 << 1;
const IN_FORM: u8 = 1 << 2;
const IN_HTML: u8 = 1 << 3;
const IN_ASCII_HTML: u8 = 1 << 4;
const IN_LOG: u8 = 1 << 5;
const IN_SHELL: u8 = 1 << 6;

/// Where a byte has to be escaped.
const CLASSES: [u8; 256] = {
    const fn any_of(list: &[u8], byte: u8) -> bool {
        let mut at = 0;
        while at < list.len() {
            if list[at] == byte {
                return true;
            }
            at += 1;
        }
        false
    }
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        let alphanumeric = byte.is_ascii_alphanumeric();
        let mut class = 0;
        if !alphanumeric && !any_of(b"$-_.+!*'(),:;@&=/~", byte) {
            class |= IN_PATH;
        }
        if !alphanumeric && !any_of(b"$-_.+!*'(),:@&=~", byte) {
            class |= IN_SEGMENT;
        }
        if !alphanumeric && !any_of(b".-*_", byte) {
            class |= IN_FORM;
        }
        if any_of(b"<>&\"", byte) {
            class |= IN_HTML | IN_ASCII_HTML;
        }
        if !byte.is_ascii() {
            class |= IN_ASCII_HTML;
        }
        if !matches!(byte, b' '..=b'~') || any_of(b"\"\\", byte) {
            class |= IN_LOG;
        }
        if any_of(b"&;`'\"|*?~<>^()[]{}$\\\n", byte) {
            class |= IN_SHELL;
        }
        table[at] = class;
        at += 1;
    }
    table
};

/// The two digits of a byte behind `prefix`, in lower case as Apache writes them.
fn digits<const N: usize>(prefix: &[u8], byte: u8, out: &mut impl FnMut(&[u8])) {
    let mut text = [0; N];
    text[..N - 2].copy_from_slice(prefix);
    text[N - 2] = HEX[usize::from(byte >> 4)];
    text[N - 1] = HEX[usize::from(byte & 15)];
    out(&text);
}

/// For a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Url {
    /// A whole path: slashes stay.
    Path,
    /// One segment of a path.
    Segment,
    /// `application/x-www-form-urlencoded`: blanks become `+`.
    Form,
}

impl Escape for Url {
    fn class(self) -> u8 {
        match self {
            Self::Path => IN_PATH,
            Self::Segment => IN_SEGMENT,
            Self::Form => IN_FORM,
        }
    }

    fn byte(self, byte: u8, out: &mut impl FnMut(&[u8])) {
        if self == Self::Form && byte == b' ' {
            out(b"+");
        } else {
            digits::<3>(b"%", byte, out);
        }
    }
}

/// For HTML; with `ascii`, bytes beyond ASCII become numbers.
#[derive(Clone, Copy, Debug)]
pub struct Html {
    /// Whether bytes beyond ASCII become numbers.
    pub ascii: bool,
}

impl Escape for Html {
    fn class(self) -> u8 {
        if self.ascii { IN_ASCII_HTML } else { IN_HTML }
    }

    fn byte(self, byte: u8, out: &mut impl FnMut(&[u8])) {
        match byte {
            b'<' => out(b"&lt;"),
            b'>' => out(b"&gt;"),
            b'&' => out(b"&amp;"),
            b'"' => out(b"&quot;"),
            _ => {
                let [hundreds, tens, ones] =
                    [byte / 100, byte / 10 % 10, byte % 10].map(|digit| b'0' + digit);
                out(&[b'&', b'#', hundreds, tens, ones, b';']);
            }
        }
    }
}

/// For a line of the access log.
#[derive(Clone, Copy, Debug)]
pub struct LogItem;

impl Escape for LogItem {
    fn class(self) -> u8 {
        IN_LOG
    }

    fn byte(self, byte: u8, out: &mut impl FnMut(&[u8])) {
        match byte {
            0x08 => out(b"\\b"),
            b'\n' => out(b"\\n"),
            b'\r' => out(b"\\r"),
            b'\t' => out(b"\\t"),
            0x0b => out(b"\\v"),
            b'"' | b'\\' => out(&[b'\\', byte]),
            _ => digits::<4>(b"\\x", byte, out),
        }
    }
}

/// For a shell: what it would act on gets a backslash.
#[derive(Clone, Copy, Debug)]
pub struct Shell;

impl Escape for Shell {
    fn class(self) -> u8 {
        IN_SHELL
    }

    fn byte(self, byte: u8, out: &mut impl FnMut(&[u8])) {
        out(&[b'\\', byte]);
    }
}

/// Hands all of `text`, escaped, to `out`: what needs no escape in one piece.
pub fn escape(text: &[u8], how: impl Escape, out: &mut impl FnMut(&[u8])) {
    let class = how.class();
    let mut rest = text;
    while let Some(at) = rest
        .iter()
        .position(|&byte| CLASSES[usize::from(byte)] & class != 0)
    {
        if at > 0 {
            out(&rest[..at]);
        }
        how.byte(rest[at], out);
        rest = &rest[at + 1..];
    }
    if !rest.is_empty() {
        out(rest);
    }
}

/// Puts a backslash before each quote that has none; pairs of backslash and character stay.
pub fn quotes(text: &[u8], out: &mut impl FnMut(&[u8])) {
    let mut rest = text;
    while let [byte, more @ ..] = rest {
        match (byte, more) {
            (b'\\', [next, behind @ ..]) => {
                out(&[b'\\', *next]);
                rest = behind;
                continue;
            }
            (b'"', _) => out(b"\\\""),
            _ => out(&[*byte]),
        }
        rest = more;
    }
}

/// How a URL is decoded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decode {
    /// `%2f` makes the URL one of nothing here (404).
    pub forbid_slashes: bool,
    /// `%2f` stays as it is.
    pub keep_slashes: bool,
    /// What need not have been encoded stays encoded.
    pub keep_unreserved: bool,
}

/// What is wrong with an encoded URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecodable {
    /// A percent sign without two digits: the request is malformed.
    Malformed,
    /// A zero byte or a forbidden slash: there can be no such thing.
    Impossible,
}

/// Decodes in place; answers the new length, and what is wrong.
pub fn decode(url: &mut [u8], how: Decode) -> (usize, Option<Undecodable>) {
    let (mut read, mut write) = (0, 0);
    let (mut malformed, mut impossible) = (false, false);
    while let Some(&byte) = url.get(read) {
        let decoded = match (byte, url.get(read + 1), url.get(read + 2)) {
            (b'%', Some(&high), Some(&low)) => digit(high).zip(digit(low)),
            _ => None,
        };
        let Some((high, low)) = decoded else {
            malformed |= byte == b'%';
            url[write] = byte;
            (read, write) = (read + 1, write + 1);
            continue;
        };
        let value = high << 4 | low;
        let refused = value == 0 || (value == b'/' && how.forbid_slashes);
        impossible |= refused;
        let stays = !refused
            && ((value == b'/' && how.keep_slashes)
                || (how.keep_unreserved && is_unreserved(value)));
        if stays {
            url.copy_within(read..read + 3, write);
            write += 3;
        } else {
            url[write] = value;
            write += 1;
        }
        read += 3;
    }
    let wrong = if malformed {
        Some(Undecodable::Malformed)
    } else {
        impossible.then_some(Undecodable::Impossible)
    };
    (write, wrong)
}

/// The value of a hexadecimal digit.
pub fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|value| value as u8)
}

/// RFC 3986 section 2.3.
pub fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str, how: impl Escape) -> String {
        let mut all = Vec::new();
        escape(text.as_bytes(), how, &mut |bytes| {
            all.extend_from_slice(bytes)
        });
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn each_place_has_its_escapes() {
        assert_eq!(escaped("/a b/c&d?é", Url::Path), "/a%20b/c&d%3f%c3%a9");
        assert_eq!(escaped("a/b", Url::Segment), "a%2fb");
        assert_eq!(escaped("a b&c~", Url::Form), "a+b%26c%7e");
        assert_eq!(
            escaped("<\"&'>", Html { ascii: false }),
            "&lt;&quot;&amp;'&gt;"
        );
        assert_eq!(escaped("é", Html { ascii: true }), "&#195;&#169;");
        assert_eq!(escaped("a\"\\\n\x01", LogItem), "a\\\"\\\\\\n\\x01");
        assert_eq!(escaped("rm *;", Shell), "rm \\*\\;");
    }

    #[test]
    fn quotes_get_one_backslash() {
        let mut all = Vec::new();
        quotes(br#"a"b\"c\\d\"#, &mut |bytes| all.extend_from_slice(bytes));
        assert_eq!(all, br#"a\"b\"c\\d\"#);
    }

    fn decoded(url: &str, how: Decode) -> (String, Option<Undecodable>) {
        let mut bytes = url.as_bytes().to_vec();
        let (length, wrong) = decode(&mut bytes, how);
        bytes.truncate(length);
        (String::from_utf8_lossy(&bytes).into_owned(), wrong)
    }

    #[test]
    fn urls_are_decoded_and_judged() {
        let plain = Decode::default();
        assert_eq!(decoded("/a%20b%2Fc", plain), ("/a b/c".into(), None));
        assert_eq!(decoded("%zz", plain).1, Some(Undecodable::Malformed));
        assert_eq!(
            decoded("%2", plain),
            ("%2".into(), Some(Undecodable::Malformed))
        );
        assert_eq!(decoded("a%00", plain).1, Some(Undecodable::Impossible));
        let forbid = Decode {
            forbid_slashes: true,
            ..plain
        };
        assert_eq!(decoded("a%2fb", forbid).1, Some(Undecodable::Impossible));
        let keep = Decode {
            keep_slashes: true,
            ..plain
        };
        assert_eq!(decoded("a%2fb%41", keep), ("a%2fbA".into(), None));
    }
}
