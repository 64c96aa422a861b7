//! `%{name}C`: the value of a cookie in a request's Cookie header.

#![forbid(unsafe_code)]

/// The value of the cookie `name`; names are compared without regard to case, and blanks around
/// names and values do not count.
pub fn value<'a>(header: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    header.split(|&byte| byte == b';').find_map(|cookie| {
        let equals = cookie.iter().position(|&byte| byte == b'=')?;
        let (found, value) = (&cookie[..equals], &cookie[equals + 1..]);
        let named = found.trim_ascii().eq_ignore_ascii_case(name);
        (named && !value.is_empty()).then(|| value.trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_name() {
        let header = b"a=1; B = two ;c==3; d=";
        assert_eq!(value(header, b"a"), Some(&b"1"[..]));
        assert_eq!(value(header, b"b"), Some(&b"two"[..]));
        assert_eq!(value(header, b"c"), Some(&b"=3"[..]));
        assert_eq!(value(header, b"d"), None);
        assert_eq!(value(header, b"e"), None);
    }
}
