//! The command line: apxs's flags, in apxs's order of things. Letters may be bundled, an argument
//! may follow its letter directly or as the next word. Unlike apxs, options may also stand behind
//! the files; what is no option there (`-pthread`) goes to the linker, as apxs has it. `main` calls.

use anyhow::{Result, bail};

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `-c`: compile and link.
    pub compile: bool,
    /// `-i`: install.
    pub install: bool,
    /// `-e`: edit the configuration without installing.
    pub edit: bool,
    /// `-a`: add a LoadModule line.
    pub activate: bool,
    /// `-A`: the same, commented out.
    pub prepare: bool,
    /// `-g`: write a new module's sources.
    pub generate: bool,
    /// `-q`: answer questions.
    pub query: bool,
    /// `-p`: link the module to APR.
    pub link_apr: bool,
    /// `-v`: the version; with `-q`, columns.
    pub verbose: bool,
    /// `-h`.
    pub help: bool,
    /// `-n`.
    pub name: Option<String>,
    /// `-o`.
    pub output: Option<String>,
    /// `-S`, name and value.
    pub settings: Vec<(String, String)>,
    /// `-D`, `-I` and `-Wc,`: what the compiler gets, in order.
    pub compiler: Vec<String>,
    /// `-L`, `-l` and `-Wl,`: what the linker gets, in order.
    pub linker: Vec<String>,
    /// Files, or the names that `-q` asks for.
    pub operands: Vec<String>,
}

/// Reads the words behind the program's name.
///
/// # Errors
/// An unknown option, one without its argument, or nothing to do.
pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Arguments> {
    let mut parsed = Arguments::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            parsed.operands.push(word);
            continue;
        };
        match letters {
            "-" => parsed.operands.extend(words.by_ref()),
            "-help" => parsed.help = true,
            "-version" => parsed.verbose = true,
            _ if !parsed.operands.is_empty() && !ours(letters) => parsed.linker.push(word),
            _ => option(&mut parsed, letters, &mut words)?,
        }
    }
    parsed.check()?;
    Ok(parsed)
}

/// Whether a word behind the files is an option of apxs rather than one of the linker.
fn ours(letters: &str) -> bool {
    letters.starts_with(['D', 'I', 'L', 'l', 'S', 'n', 'o'])
        || letters.starts_with("Wc,")
        || letters.starts_with("Wl,")
        || letters.chars().all(|letter| "qgceiaApvh".contains(letter))
}

/// One word of options, without its dash.
fn option(
    parsed: &mut Arguments,
    letters: &str,
    words: &mut impl Iterator<Item = String>,
) -> Result<()> {
    for (place, letter) in letters.char_indices() {
        let flag = match letter {
            'c' => &mut parsed.compile,
            'i' => &mut parsed.install,
            'e' => &mut parsed.edit,
            'a' => &mut parsed.activate,
            'A' => &mut parsed.prepare,
            'g' => &mut parsed.generate,
            'q' => &mut parsed.query,
            'p' => &mut parsed.link_apr,
            'v' => &mut parsed.verbose,
            'h' => &mut parsed.help,
            'n' | 'o' | 'S' | 'D' | 'I' | 'L' | 'l' | 'W' => {
                let rest = &letters[place + 1..];
                let value = if rest.is_empty() {
                    words.next()
                } else {
                    Some(rest.to_owned())
                };
                let Some(value) = value else {
                    bail!("Incomplete option: {letter} (needs an argument)");
                };
                return with_value(parsed, letter, value);
            }
            other => bail!("Unknown option: {other}"),
        };
        *flag = true;
    }
    Ok(())
}

/// An option that has an argument.
fn with_value(parsed: &mut Arguments, letter: char, value: String) -> Result<()> {
    match letter {
        'n' => parsed.name = Some(value),
        'o' => parsed.output = Some(value),
        'S' => match value.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                parsed.settings.push((name.to_owned(), value.to_owned()));
            }
            _ => bail!("malformatted -S option: {value} is not <var>=<val>"),
        },
        'D' | 'I' => parsed
            .compiler
            .extend(split_words(&format!("-{letter}{value}"))),
        'L' | 'l' => parsed
            .linker
            .extend(split_words(&format!("-{letter}{value}"))),
        // Only W is left: its argument says for whom the rest is.
        _ => {
            let value = value.trim_start();
            if let Some(flags) = value.strip_prefix("c,") {
                parsed.compiler.extend(split_words(flags));
            } else if let Some(flags) = value.strip_prefix("l,") {
                parsed.linker.extend(linker_words(flags));
            } else {
                bail!("-W is followed by c,<flags> or by l,<flags>, not by {value}");
            }
        }
    }
    Ok(())
}

impl Arguments {
    fn check(&self) -> Result<()> {
        let acts = self.compile || self.install || self.edit;
        if self.help || self.query || (self.verbose && !acts && !self.generate) {
            return Ok(());
        }
        if self.generate {
            if self.name.is_none() {
                bail!("-g needs the name of the module: -n <modname>");
            }
        } else if !acts {
            bail!("one of -g, -q, -c, -i and -e is needed");
        } else if self.operands.is_empty() {
            bail!("no files");
        }
        Ok(())
    }
}

/// Splits flags as the shell that apxs handed its commands to: build scripts quote for that.
pub fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, white) if white.is_whitespace() => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (Some(open), close) if open == close => quote = None,
            (None | Some('"'), '\\') => {
                let next = characters.peek().copied();
                let escapes = match (quote, next) {
                    (_, None) => false,
                    (None, Some(_)) => true,
                    (Some(_), Some(next)) => "\"\\$`".contains(next),
                };
                let kept = if escapes { characters.next() } else { None };
                word.get_or_insert_default().push(kept.unwrap_or('\\'));
            }
            (_, character) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// The words of `-Wl,`. They were meant for libtool: what is the linker's is handed through the
/// compiler, what only libtool knows is dropped.
fn linker_words(flags: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut words = split_words(flags).into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-module" | "-avoid-version" | "-no-undefined" | "-shared" => {}
            "-version-info" | "-release" | "-export-symbols-regex" => drop(words.next()),
            "-rpath" | "-R" => out.extend(words.next().map(|path| format!("-Wl,-rpath,{path}"))),
            "-z" => out.extend(words.next().map(|word| format!("-Wl,-z,{word}"))),
            "-export-dynamic" => out.push("-rdynamic".into()),
            text if text.starts_with("-R") => out.push(format!("-Wl,-rpath,{}", &text[2..])),
            text if for_the_linker(text) => out.push(format!("-Wl,{text}")),
            _ => out.push(word),
        }
    }
    out
}

/// Whether a compiler would not understand this word, and the linker would.
fn for_the_linker(word: &str) -> bool {
    let compilers = [
        "-Wl,",
        "-Wc,",
        "-Wa,",
        "-L",
        "-l",
        "-f",
        "-X",
        "--sysroot",
        "--param",
    ];
    word.starts_with('-')
        && !compilers.iter().any(|start| word.starts_with(start))
        && (word.contains(',') || word.starts_with("--") || word.starts_with("-Bsymbolic"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn letters_are_bundled_and_may_stand_behind_files() {
        let arguments = parsed("-cia -DX=1 -D Y -I/inc -Wc,-O2 mod_x.c -lz -pthread -n x").unwrap();
        assert!(arguments.compile && arguments.install && arguments.activate);
        assert_eq!(arguments.compiler, ["-DX=1", "-DY", "-I/inc", "-O2"]);
        assert_eq!(arguments.linker, ["-lz", "-pthread"]);
        assert_eq!(arguments.operands, ["mod_x.c"]);
        assert_eq!(arguments.name.as_deref(), Some("x"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "",
            "-c",
            "-g",
            "-x a.c",
            "-c a.c -o",
            "-S X -q",
            "-c -W,x a.c",
            "a.c",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(split_words(r"-O2  -g"), ["-O2", "-g"]);
        assert_eq!(
            split_words(r#"-DV=\"1.0\" -DW='a b' "" "\$x\y""#),
            ["-DV=\"1.0\"", "-DW=a b", "", "$x\\y"]
        );
    }

    #[test]
    fn linker_flags_reach_the_linker_in_every_spelling() {
        assert_eq!(linker_words("-rpath,/x"), ["-Wl,-rpath,/x"]);
        assert_eq!(linker_words("-Wl,-rpath,/x -lz"), ["-Wl,-rpath,/x", "-lz"]);
        assert_eq!(
            linker_words("-rpath /x -module -R/y"),
            ["-Wl,-rpath,/x", "-Wl,-rpath,/y"]
        );
        assert_eq!(
            linker_words("--as-needed -z,now"),
            ["-Wl,--as-needed", "-Wl,-z,now"]
        );
    }
}
