//! The methods every server knows and their numbers (`M_GET` and the like of httpd.h), and the
//! names modules add.

/// The number of a name that stands for no method (`M_INVALID`).
pub const INVALID: i32 = 26;
/// The first number beyond those that fit into a method mask.
pub const END: i32 = 64;

/// By number; HEAD has the number of GET.
const NAMES: [&str; 26] = [
    "GET",
    "PUT",
    "POST",
    "DELETE",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "VERSION-CONTROL",
    "CHECKOUT",
    "UNCHECKOUT",
    "CHECKIN",
    "UPDATE",
    "LABEL",
    "REPORT",
    "MKWORKSPACE",
    "MKACTIVITY",
    "BASELINE-CONTROL",
    "MERGE",
];

/// The number of a method every server knows.
pub fn number(name: &[u8]) -> Option<i32> {
    match name {
        b"GET" | b"HEAD" => Some(0),
        b"POST" => Some(2),
        _ => (1..)
            .zip(&NAMES[1..])
            .find(|(_, known)| known.as_bytes() == name)
            .map(|(number, _)| number),
    }
}

/// The name of a method every server knows.
pub fn name(number: i32) -> Option<&'static str> {
    NAMES.get(usize::try_from(number).ok()?).copied()
}

/// Methods registered by modules, in the order of their numbers.
#[derive(Default, Debug)]
pub struct Registered(Vec<Box<[u8]>>);

impl Registered {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The number of `name`, which gets the next free one if it is new; `None` when no number is
    /// left.
    pub fn register(&mut self, name: &[u8]) -> Option<i32> {
        if let Some(known) = self.number(name) {
            return Some(known);
        }
        let next = INVALID + 1 + self.0.len() as i32;
        if next >= END {
            return None;
        }
        self.0.push(name.into());
        Some(next)
    }

    /// The number of a method, built in or registered.
    pub fn number(&self, name: &[u8]) -> Option<i32> {
        number(name).or_else(|| {
            (INVALID + 1..)
                .zip(&self.0)
                .find(|(_, known)| ***known == *name)
                .map(|(number, _)| number)
        })
    }

    /// The name of a method that a module registered.
    pub fn name(&self, number: i32) -> Option<&[u8]> {
        let place = usize::try_from(number - INVALID - 1).ok()?;
        self.0.get(place).map(AsRef::as_ref)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_methods_have_fixed_numbers() {
        assert_eq!(number(b"HEAD"), Some(0));
        assert_eq!(number(b"MERGE"), Some(25));
        assert_eq!(number(b"get"), None);
        assert_eq!(name(24), Some("BASELINE-CONTROL"));
        assert_eq!(name(26), None);
    }

    #[test]
    fn modules_add_methods_until_the_mask_is_full() {
        let mut registered = Registered::new();
        assert_eq!(registered.register(b"BREW"), Some(27));
        assert_eq!(registered.register(b"PUT"), Some(1));
        assert_eq!(registered.register(b"BREW"), Some(27));
        assert_eq!(registered.name(27), Some(&b"BREW"[..]));
        for at in 28..64 {
            assert_eq!(registered.register(format!("M{at}").as_bytes()), Some(at));
        }
        assert_eq!(registered.register(b"ONE-TOO-MANY"), None);
    }
}
