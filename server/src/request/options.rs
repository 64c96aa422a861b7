//! Options and overrides as a directory walk adds them up on its way down: what `Options` and
//! `AllowOverride` of each section say, before the sections are merged.

use httpd_sys as sys;

/// The bits of `Options`.
pub type Options = sys::allow_options_t;

/// `Options` so far: what holds, and which bits were last switched on and off by `+` and `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// The options that hold.
    pub on: Options,
    /// Those added by `+`.
    pub added: Options,
    /// Those taken away by `-`.
    pub removed: Options,
}

impl Switches {
    /// These options, then those of a section inside.
    pub fn then(self, inner: Self) -> Self {
        if inner.on & sys::OPT_UNSET as Options == 0 {
            return inner;
        }
        let added = (self.added & !inner.removed) | inner.added;
        let removed = (self.removed & !inner.added) | inner.removed;
        Self {
            on: (self.on & !removed) | added,
            added,
            removed,
        }
    }
}

/// What a symbolic link on the way to a file needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symlinks {
    /// It is not followed.
    Forbidden,
    /// It is followed when it and its target belong to the same user.
    IfOwnerMatches,
    /// It is followed.
    Followed,
}

/// What these options say of symbolic links; the stricter one wins.
pub fn symlinks(on: Options) -> Symlinks {
    if on & sys::OPT_SYM_OWNER as Options != 0 {
        Symlinks::IfOwnerMatches
    } else if on & sys::OPT_SYM_LINKS as Options != 0 {
        Symlinks::Followed
    } else {
        Symlinks::Forbidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEXES: Options = sys::OPT_INDEXES as Options;
    const LINKS: Options = sys::OPT_SYM_LINKS as Options;
    const OWNER: Options = sys::OPT_SYM_OWNER as Options;
    const UNSET: Options = sys::OPT_UNSET as Options;

    #[test]
    fn relative_options_add_to_what_holds() {
        let outer = Switches {
            on: LINKS,
            added: 0,
            removed: 0,
        };
        let inner = Switches {
            on: UNSET,
            added: INDEXES,
            removed: LINKS,
        };
        assert_eq!(outer.then(inner).on, INDEXES);
        let absolute = Switches {
            on: LINKS,
            added: 0,
            removed: 0,
        };
        assert_eq!(outer.then(inner).then(absolute).on, LINKS);
    }

    #[test]
    fn the_stricter_rule_for_links_wins() {
        assert_eq!(symlinks(LINKS), Symlinks::Followed);
        assert_eq!(symlinks(LINKS | OWNER), Symlinks::IfOwnerMatches);
        assert_eq!(symlinks(INDEXES), Symlinks::Forbidden);
    }
}
