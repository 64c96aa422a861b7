//! The words of `Options`, `AllowOverride`, `FileETag` and the like, as the bits they stand for.
//! Text in, bits out; called by the directives of the same names.

#![forbid(unsafe_code)]

use httpd_sys as sys;

/// Options of a directory, as `core_dir_config` keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// What holds, with `OPT_UNSET` as long as nothing absolute was said.
    pub(crate) set: u8,
    /// What was added with `+`.
    pub(crate) add: u8,
    /// What was removed with `-`.
    pub(crate) remove: u8,
}

const INDEXES: u8 = sys::OPT_INDEXES as u8;
const INCLUDES: u8 = sys::OPT_INCLUDES as u8;
const EXEC_IN_INCLUDES: u8 = sys::OPT_INC_WITH_EXEC as u8;
const SYM_LINKS: u8 = sys::OPT_SYM_LINKS as u8;
const SYM_OWNER: u8 = sys::OPT_SYM_OWNER as u8;
const EXEC_CGI: u8 = sys::OPT_EXECCGI as u8;
const MULTI: u8 = sys::OPT_MULTI as u8;
const UNSET: u8 = sys::OPT_UNSET as u8;
/// What `All` stands for.
pub(crate) const ALL: u8 = sys::OPT_ALL as u8;

/// The bits of one option; `None` and `All` are not among them.
fn option_bits(word: &str) -> Option<u8> {
    const WORDS: [(&str, u8); 8] = [
        ("Indexes", INDEXES),
        ("Includes", INCLUDES | EXEC_IN_INCLUDES),
        ("IncludesNOEXEC", INCLUDES),
        ("FollowSymLinks", SYM_LINKS),
        ("SymLinksIfOwnerMatch", SYM_OWNER),
        ("ExecCGI", EXEC_CGI),
        ("MultiViews", MULTI),
        ("RunScripts", MULTI | EXEC_CGI),
    ];
    find(&WORDS, word)
}

fn find<T: Copy>(words: &[(&str, T)], word: &str) -> Option<T> {
    words
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map(|&(_, value)| value)
}

impl Options {
    /// Applies the words of one `Options` directive; `allowed` are those the context permits.
    pub(crate) fn apply<'w>(
        &mut self,
        words: impl IntoIterator<Item = &'w str>,
        allowed: u8,
    ) -> Result<(), String> {
        const MIXED: &str = "Either all Options must start with + or -, or no Option may.";
        let (mut first, mut relative, mut absolute_word) = (true, false, false);
        for word in words {
            let (sign, name) = match word.as_bytes().first() {
                Some(b'+') => (Some(true), &word[1..]),
                Some(b'-') => (Some(false), &word[1..]),
                _ => (None, word),
            };
            if sign.is_some() {
                if !relative && !first && !absolute_word {
                    return Err(MIXED.into());
                }
                relative = true;
            } else if first {
                self.set = 0;
            } else if relative {
                return Err(MIXED.into());
            }

            let bits = match name {
                _ if name.eq_ignore_ascii_case("None") => {
                    absolute_word = true;
                    Self::check_alone(
                        "None",
                        "'Options None' must be the first Option given.",
                        first,
                        relative,
                    )?;
                    0
                }
                _ if name.eq_ignore_ascii_case("All") => {
                    absolute_word = true;
                    Self::check_alone(
                        "All",
                        "'Options All' must be the first option given.",
                        first,
                        relative,
                    )?;
                    ALL
                }
                _ => option_bits(name).ok_or_else(|| format!("Illegal option {name}"))?,
            };
            if bits & !allowed != 0 {
                return Err(format!("Option {name} not allowed here"));
            }
            match sign {
                Some(true) => {
                    self.add |= bits;
                    self.remove &= !bits;
                    self.set |= bits;
                }
                Some(false) => {
                    self.remove |= bits;
                    self.add &= !bits;
                    self.set &= !bits;
                }
                None => self.set |= bits,
            }
            first = false;
        }
        Ok(())
    }

    /// `None` and `All` stand first and without a sign.
    fn check_alone(name: &str, not_first: &str, first: bool, relative: bool) -> Result<(), String> {
        if !first {
            Err(not_first.into())
        } else if relative {
            Err(format!(
                "You may not use 'Options +{name}' or 'Options -{name}'."
            ))
        } else {
            Ok(())
        }
    }

    /// What holds in a directory whose own options are `inner`, inside one with these.
    pub(crate) fn merge(self, inner: Self) -> Self {
        if inner.set & UNSET == 0 {
            return inner;
        }
        let add = (self.add & !inner.remove) | inner.add;
        let remove = (self.remove & !inner.add) | inner.remove;
        let mut set = (self.set & !remove) | add;
        // Naming Includes without exec takes exec away that the outer directory gave.
        let both = INCLUDES | EXEC_IN_INCLUDES;
        if self.set & both == both && inner.set & both == INCLUDES {
            set &= !EXEC_IN_INCLUDES;
        }
        Self { set, add, remove }
    }
}

/// The options which `AllowOverride Options=...` permits in `.htaccess`.
pub(crate) fn allowed_options(list: &str) -> Result<u8, String> {
    let mut allowed = 0;
    for (at, word) in list.split(',').filter(|word| !word.is_empty()).enumerate() {
        allowed |= if word.eq_ignore_ascii_case("None") {
            if at != 0 {
                return Err("'None' must be the first override option given.".into());
            }
            0
        } else if word.eq_ignore_ascii_case("All") {
            ALL | SYM_OWNER | MULTI
        } else if word.eq_ignore_ascii_case("IncludesNOEXEC") {
            INCLUDES
        } else {
            option_bits(word).ok_or_else(|| format!("Illegal option {word}"))?
        };
    }
    Ok(allowed)
}

/// What `.htaccess` may override.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overrides {
    /// `OR_*` and `NONFATAL_*`.
    pub(crate) classes: u32,
    /// Options which `Options` may name there; `None`: as before.
    pub(crate) options: Option<u8>,
}

/// The classes that the words of `AllowOverride` name.
pub(crate) fn overrides<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Overrides, String> {
    let mut found = Overrides {
        classes: sys::OR_NONE,
        options: None,
    };
    for word in words {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        if name.eq_ignore_ascii_case("Options") {
            found.classes |= sys::OR_OPTIONS;
            found.options = Some(match value {
                Some(list) => allowed_options(list)?,
                None => ALL,
            });
            continue;
        }
        if name.eq_ignore_ascii_case("Nonfatal") {
            const VALUES: [(&str, u32); 3] = [
                ("Override", sys::NONFATAL_OVERRIDE),
                ("Unknown", sys::NONFATAL_UNKNOWN),
                ("All", sys::NONFATAL_ALL),
            ];
            found.classes |= value
                .and_then(|value| find(&VALUES, value))
                .ok_or_else(|| format!("=Override, =Unknown or =All expected after {name}"))?;
            continue;
        }
        const CLASSES: [(&str, u32); 6] = [
            ("Limit", sys::OR_LIMIT),
            ("FileInfo", sys::OR_FILEINFO),
            ("AuthConfig", sys::OR_AUTHCFG),
            ("Indexes", sys::OR_INDEXES),
            ("None", sys::OR_NONE),
            ("All", sys::OR_ALL),
        ];
        match find(&CLASSES, name) {
            Some(sys::OR_NONE) => found.classes = sys::OR_NONE,
            Some(sys::OR_ALL) => found.classes = sys::OR_ALL,
            Some(class) => found.classes |= class,
            None => return Err(format!("Illegal override option {word}")),
        }
    }
    Ok(found)
}

/// What goes into an ETag, as `core_dir_config` keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ETag {
    /// `ETAG_*`, 0 as long as nothing absolute was said.
    pub(crate) bits: u64,
    /// What was added with `+`.
    pub(crate) add: u64,
    /// What was removed with `-`.
    pub(crate) remove: u64,
}

impl ETag {
    /// Applies the words of one `FileETag` directive.
    pub(crate) fn apply<'w>(
        &mut self,
        words: impl IntoIterator<Item = &'w str>,
    ) -> Result<(), String> {
        const NONE: u64 = sys::ETAG_NONE as u64;
        let mut first_plain = true;
        for word in words {
            let (sign, name) = match word.as_bytes().first() {
                Some(b'+') => (Some(true), &word[1..]),
                Some(b'-') => (Some(false), &word[1..]),
                _ => (None, word),
            };
            // The first plain word forgets what an earlier directive said.
            if sign.is_none() && std::mem::take(&mut first_plain) {
                *self = Self {
                    bits: 0,
                    add: 0,
                    remove: 0,
                };
            }
            let whole = |bits: u64| match sign {
                Some(_) => Err(format!(
                    "FileETag keyword '{name}' cannot be used with '+' or '-'"
                )),
                None => Ok(Self {
                    bits,
                    add: 0,
                    remove: 0,
                }),
            };
            if name.eq_ignore_ascii_case("None") {
                *self = whole(NONE)?;
                continue;
            }
            if name.eq_ignore_ascii_case("All") {
                *self = whole(sys::ETAG_ALL as u64)?;
                continue;
            }
            const WORDS: [(&str, u64); 4] = [
                ("MTime", sys::ETAG_MTIME as u64),
                ("Size", sys::ETAG_SIZE as u64),
                ("INode", sys::ETAG_INODE as u64),
                ("Digest", sys::ETAG_DIGEST as u64),
            ];
            let bit = find(&WORDS, name)
                .ok_or_else(|| format!("Unknown keyword '{name}' for FileETag directive"))?;
            match sign {
                Some(true) => {
                    self.add |= bit;
                    self.remove &= !bit;
                }
                Some(false) => {
                    self.remove |= bit;
                    self.add &= !bit;
                }
                // A plain word makes the setting absolute.
                None => {
                    self.bits = (self.bits & !NONE) | bit;
                    self.add = 0;
                    self.remove = 0;
                }
            }
        }
        Ok(())
    }

    /// What holds in a directory whose own setting is `inner`, inside one with this.
    pub(crate) fn merge(self, inner: Self) -> Self {
        const NONE: u64 = sys::ETAG_NONE as u64;
        let mut merged = if inner.bits == sys::ETAG_UNSET as u64 {
            let add = (self.add & !inner.remove) | inner.add;
            let remove = (self.remove & !inner.add) | inner.remove;
            Self {
                bits: (self.bits & !remove) | add,
                add,
                remove,
            }
        } else {
            inner
        };
        if merged.bits != NONE {
            merged.bits &= !NONE;
        }
        merged
    }
}

/// The value of a word among several, in any case.
pub(crate) fn choice<T: Copy>(word: &str, choices: &[(&str, T)]) -> Option<T> {
    find(choices, word)
}

/// Whether a path holds wildcards of `apr_fnmatch`: `*`, `?` or a closed `[...]`, not behind a
/// backslash.
pub(crate) fn is_pattern(path: &[u8]) -> bool {
    let mut open = false;
    let mut bytes = path.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'*' | b'?' => return true,
            b'\\' if bytes.next().is_none() => return false,
            b'[' => open = true,
            b']' if open => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Options = Options {
        set: UNSET,
        add: 0,
        remove: 0,
    };
    const ANY: u8 = 0xff;

    fn options(words: &str) -> Result<Options, String> {
        let mut options = NOTHING;
        options.apply(words.split_whitespace(), ANY)?;
        Ok(options)
    }

    #[test]
    fn plain_options_replace_and_signed_ones_change() {
        assert_eq!(
            options("Indexes FollowSymLinks").unwrap().set,
            INDEXES | SYM_LINKS
        );
        let changed = options("+Indexes -ExecCGI").unwrap();
        assert_eq!((changed.add, changed.remove), (INDEXES, EXEC_CGI));
        assert_eq!(changed.set, UNSET | INDEXES);
        assert_eq!(options("none").unwrap().set, 0);
        assert_eq!(options("All").unwrap().set, ALL);
        assert_eq!(options("All -Indexes").unwrap().set, ALL & !INDEXES);
    }

    #[test]
    fn options_are_refused_where_they_contradict_themselves() {
        for (words, why) in [
            ("Indexes +ExecCGI", "Either all"),
            ("+ExecCGI Indexes", "Either all"),
            ("+All", "You may not use 'Options +All'"),
            ("-None", "You may not use 'Options +None'"),
            ("Indexes None", "'Options None' must be the first"),
            ("Indexes All", "'Options All' must be the first"),
            ("Foo", "Illegal option Foo"),
        ] {
            let refusal = options(words).unwrap_err();
            assert!(refusal.starts_with(why), "{words}: {refusal}");
        }
        let mut options = NOTHING;
        let refusal = options.apply(["MultiViews"], ALL).unwrap_err();
        assert_eq!(refusal, "Option MultiViews not allowed here");
    }

    #[test]
    fn inner_options_win() {
        let outer = options("Indexes Includes").unwrap();
        assert_eq!(outer.merge(options("ExecCGI").unwrap()).set, EXEC_CGI);
        let both = outer.merge(options("+ExecCGI -Indexes").unwrap());
        assert_eq!(both.set, INCLUDES | EXEC_IN_INCLUDES | EXEC_CGI);
        let without_exec = outer.merge(options("+IncludesNOEXEC").unwrap());
        assert_eq!(without_exec.set, INDEXES | INCLUDES);
        assert_eq!(
            outer.merge(NOTHING),
            Options {
                add: 0,
                remove: 0,
                ..outer
            }
        );
        // A later relative change of the opposite kind wins over an earlier one.
        let twice = options("+Indexes")
            .unwrap()
            .merge(options("-Indexes").unwrap());
        assert_eq!((twice.add, twice.remove), (0, INDEXES));
    }

    #[test]
    fn classes_of_overrides_have_names() {
        let found = overrides(["FileInfo", "Options=Indexes,MultiViews"]).unwrap();
        assert_eq!(found.classes, sys::OR_FILEINFO | sys::OR_OPTIONS);
        assert_eq!(found.options, Some(INDEXES | MULTI));
        assert_eq!(overrides(["Options"]).unwrap().options, Some(ALL));
        assert_eq!(overrides(["All"]).unwrap().classes, sys::OR_ALL);
        assert_eq!(
            overrides(["FileInfo", "None"]).unwrap().classes,
            sys::OR_NONE
        );
        let nonfatal = overrides(["None", "Nonfatal=Unknown"]).unwrap();
        assert_eq!(nonfatal.classes, sys::NONFATAL_UNKNOWN);
        assert!(overrides(["Nonfatal=x"]).is_err());
        assert!(overrides(["Foo"]).unwrap_err().contains("Foo"));
    }

    #[test]
    fn etags_are_made_of_words() {
        const UNSAID: ETag = ETag {
            bits: 0,
            add: 0,
            remove: 0,
        };
        let mut etag = UNSAID;
        etag.apply(["MTime", "Size"]).unwrap();
        assert_eq!(etag.bits, sys::ETAG_BACKWARD as u64);
        let mut inner = UNSAID;
        inner.apply(["+INode", "-Size"]).unwrap();
        let merged = etag.merge(inner);
        assert_eq!(merged.bits, (sys::ETAG_MTIME | sys::ETAG_INODE) as u64);
        let mut none = UNSAID;
        none.apply(["None"]).unwrap();
        assert_eq!(etag.merge(none).bits, sys::ETAG_NONE as u64);
        assert!(UNSAID.clone().apply(["-None"]).is_err());
        assert!(UNSAID.clone().apply(["Foo"]).is_err());
    }

    #[test]
    fn wildcards_are_seen() {
        assert!(is_pattern(b"/home/*/public_html"));
        assert!(is_pattern(b"a?c"));
        assert!(is_pattern(b"[ab]"));
        assert!(!is_pattern(b"[ab"));
        assert!(!is_pattern(b"ab]"));
        assert!(!is_pattern(b"a\\*b"));
        assert!(!is_pattern(b"/srv/www"));
    }
}
