//! The host a request is for, as text: what may stand in a Host field or a URI, and its canonical
//! form (lower case, no final dot). Called when a request is given to its virtual host.

/// Why a host is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum BadHost {
    /// It cannot be one.
    Malformed,
    /// It could be one, but not by the letter of the RFCs; the position of what is wrong.
    Strictly(usize),
}

/// Whether the text is digits only: a port for those who parse addresses, a host here.
pub fn is_number(host: &[u8]) -> bool {
    host.iter().all(u8::is_ascii_digit)
}

/// Makes a name or an IPv4 address canonical in place.
///
/// # Errors
/// When it holds what could leave a directory named after it, or an empty label.
pub fn canonical_name(host: &mut Vec<u8>) -> Result<(), BadHost> {
    let has_empty_label = host.windows(2).any(|pair| pair == b"..");
    if has_empty_label || host.iter().any(|&byte| matches!(byte, b'/' | b'\\')) {
        return Err(BadHost::Malformed);
    }
    host.make_ascii_lowercase();
    if host.last() == Some(&b'.') {
        host.pop();
    }
    Ok(())
}

/// Makes an IPv6 address, without its brackets, canonical in place.
///
/// # Errors
/// When it is none.
pub fn canonical_v6(host: &mut [u8]) -> Result<(), BadHost> {
    let mut double_colons = 0;
    for (at, &byte) in host.iter().enumerate() {
        let next = host.get(at + 1);
        let fits = match byte {
            b':' if next == Some(&b':') => {
                double_colons += 1;
                double_colons == 1
            }
            b':' => next != Some(&b'.'),
            b'.' => !matches!(next, Some(b':' | b'.')),
            _ => byte.is_ascii_hexdigit(),
        };
        if !fits {
            return Err(BadHost::Malformed);
        }
    }
    host.make_ascii_lowercase();
    Ok(())
}

/// Checks a canonical name by the RFCs: letters, digits, hyphens, underscores and dots; what looks
/// like an IPv4 address is a proper one; a top-level domain begins with a letter.
///
/// # Errors
/// When it fails; with the place.
pub fn strict_name(host: &[u8]) -> Result<(), BadHost> {
    let odd = |byte: &u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if let Some(at) = host.iter().position(odd) {
        return Err(BadHost::Strictly(at));
    }
    let end = host.len();
    let mut labels = host.split(|&byte| byte == b'.');
    if host
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.')
    {
        let zero_led = |label: &[u8]| label.len() > 1 && label[0] == b'0';
        if labels.clone().count() != 4 || host[0] == b'.' || labels.any(zero_led) {
            return Err(BadHost::Strictly(end));
        }
    } else if let Some(dot) = host.iter().rposition(|&byte| byte == b'.')
        && host
            .get(dot + 1)
            .is_some_and(|first| !first.is_ascii_alphabetic())
    {
        return Err(BadHost::Strictly(dot));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        let mut host = text.as_bytes().to_vec();
        canonical_name(&mut host).ok()?;
        String::from_utf8(host).ok()
    }

    #[test]
    fn a_name_becomes_lower_case_without_final_dot() {
        assert_eq!(name("WWW.Example.COM."), Some("www.example.com".into()));
        assert_eq!(name("a..b"), None);
        assert_eq!(name("a/../b"), None);
        assert_eq!(name("a\\b"), None);
    }

    #[test]
    fn a_v6_address_has_one_double_colon() {
        let v6 = |text: &str| canonical_v6(&mut text.as_bytes().to_vec()).is_ok();
        assert!(v6("::1"));
        assert!(v6("fe80::AB:1"));
        assert!(v6("::ffff:129.144.52.38"));
        assert!(!v6("1::2::3"));
        assert!(!v6("::g"));
        assert!(!v6("::1..2"));
    }

    #[test]
    fn strictness_follows_the_rfcs() {
        assert_eq!(strict_name(b"a-b.example_x.com"), Ok(()));
        assert_eq!(strict_name(b"10.0.0.1"), Ok(()));
        assert_eq!(strict_name(b"localhost"), Ok(()));
        assert!(strict_name(b"10.0.1").is_err());
        assert!(strict_name(b"010.0.0.1").is_err());
        assert!(strict_name(b"10.00.0.1").is_err());
        assert_eq!(strict_name(b"a,b"), Err(BadHost::Strictly(1)));
        assert_eq!(strict_name(b"a.1b"), Err(BadHost::Strictly(1)));
        assert!(is_number(b"8080"));
    }
}
