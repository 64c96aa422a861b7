//! The names of the virtual hosts that share an address: which of them a host is for.
//!
//! Apache goes through the hosts in the order of the configuration and takes the first whose
//! ServerName or one of whose ServerAliases fits. The answer here is the same, but plain names are
//! found by hash, and only patterns of hosts before that find are tried.

use crate::util::hash::Map;

/// Names of the hosts of one address; hosts are told by their place in the configuration.
#[derive(Default)]
pub struct Names {
    exact: Map<Box<[u8]>, usize>,
    /// Patterns (`*.example.com`) in the order of their hosts.
    patterns: Vec<(usize, Box<[u8]>)>,
    /// What stands in `<VirtualHost ...>`: fits when no name does.
    addresses: Map<Box<[u8]>, usize>,
}

impl Names {
    /// Adds a ServerName or a ServerAlias without wildcard. Hosts are added in order.
    pub fn add(&mut self, host: usize, name: &[u8]) {
        self.exact
            .entry(name.to_ascii_lowercase().into())
            .or_insert(host);
    }

    /// Adds a ServerAlias with wildcards.
    pub fn add_pattern(&mut self, host: usize, pattern: &[u8]) {
        self.patterns
            .push((host, pattern.to_ascii_lowercase().into()));
    }

    /// Adds the text of an address of `<VirtualHost>`.
    pub fn add_address(&mut self, host: usize, address: &[u8]) {
        self.addresses
            .entry(address.to_ascii_lowercase().into())
            .or_insert(host);
    }

    /// The first host that has this name.
    pub fn find(&self, name: &[u8]) -> Option<usize> {
        let mut room = [0; 256];
        let grown;
        let name = match room.get_mut(..name.len()) {
            Some(small) => {
                small.copy_from_slice(name);
                small.make_ascii_lowercase();
                &*small
            }
            None => {
                grown = name.to_ascii_lowercase();
                &grown
            }
        };
        let exact = self.exact.get(name).copied();
        self.patterns
            .iter()
            .take_while(|(host, _)| exact.is_none_or(|exact| *host < exact))
            .find(|(_, pattern)| matches(name, pattern))
            .map(|(host, _)| *host)
            .or(exact)
            .or_else(|| self.addresses.get(name).copied())
    }
}

/// Whether a host fits a ServerAlias with wildcards, in whatever case they are.
pub fn fits(name: &[u8], pattern: &[u8]) -> bool {
    matches(&name.to_ascii_lowercase(), &pattern.to_ascii_lowercase())
}

/// Whether `text` fits a pattern of `*` (anything) and `?` (one byte), as `ap_strcmp_match` has it.
fn matches(text: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut pattern_at) = (0, 0);
    // Where the last star stood, and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(pattern_at) {
            Some(b'*') => {
                star = Some((pattern_at, at));
                pattern_at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[at] => {
                at += 1;
                pattern_at += 1;
            }
            _ => match &mut star {
                Some((star_at, taken)) => {
                    *taken += 1;
                    at = *taken;
                    pattern_at = *star_at + 1;
                }
                None => return false,
            },
        }
    }
    pattern[pattern_at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_host_in_order_wins_by_name_or_pattern() {
        let mut names = Names::default();
        names.add(0, b"Default.example");
        names.add(1, b"one.example");
        names.add_pattern(1, b"*.One.example");
        names.add(2, b"a.one.example");
        names.add(2, b"two.example");
        names.add_pattern(3, b"*.two.example");
        names.add(3, b"one.example");
        names.add_address(4, b"127.0.0.1");
        assert_eq!(names.find(b"default.EXAMPLE"), Some(0));
        assert_eq!(names.find(b"one.example"), Some(1));
        // The pattern of an earlier host goes before the name of a later one.
        assert_eq!(names.find(b"a.one.example"), Some(1));
        assert_eq!(names.find(b"two.example"), Some(2));
        assert_eq!(names.find(b"b.two.example"), Some(3));
        assert_eq!(names.find(b"127.0.0.1"), Some(4));
        assert_eq!(names.find(b"nobody.example"), None);
        let long = vec![b'x'; 300];
        assert_eq!(names.find(&long), None);
    }

    #[test]
    fn patterns_have_stars_and_question_marks() {
        assert!(matches(b"a.b.example", b"*.example"));
        assert!(matches(b"abc", b"a?c"));
        assert!(matches(b"abab", b"*ab"));
        assert!(matches(b"", b"*"));
        assert!(!matches(b"", b"?"));
        assert!(!matches(b"example", b"*.example"));
    }
}
