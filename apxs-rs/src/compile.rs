//! `-c`: compiles each source to position-independent code, links a shared object, has it checked,
//! and leaves the files where build scripts look for libtool's: `mod_x.la` and `.libs/mod_x.so`,
//! beside each source its `.lo` and `.slo`, and the object in `.libs/`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    arguments::{Arguments, split_words},
    layout::{Apr, Layout},
    libtool, link_check,
    query::Variables,
};

/// What turns into code, and with which compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    C,
    Cpp,
}

/// Compiles and links; answers the `.la` file.
///
/// # Errors
/// A command that fails, or a module that could not be loaded.
pub fn compile(
    arguments: &Arguments,
    layout: &Layout,
    apr: &Apr,
    variables: &Variables,
) -> Result<PathBuf> {
    layout.need_headers()?;
    let tools = Tools {
        arguments,
        layout,
        apr,
        variables,
    };
    let mut inputs = Vec::new();
    let mut driver = Language::C;
    for operand in &arguments.operands {
        let file = Path::new(operand);
        match language(file) {
            Some(language) => {
                let object = tools.compile(file, language)?.display().to_string();
                if inputs.contains(&object) {
                    bail!("{operand}: another source is compiled to {object} too");
                }
                inputs.push(object);
                if language == Language::Cpp {
                    driver = language;
                }
            }
            None => inputs.extend(libtool::link_input(file)?),
        }
    }
    tools.link(&inputs, driver, &result(arguments))
}

fn language(file: &Path) -> Option<Language> {
    match file.extension()?.to_str()? {
        "c" => Some(Language::C),
        "cpp" | "cc" | "cxx" | "c++" | "C" => Some(Language::Cpp),
        _ => None,
    }
}

/// The `.la` file: as `-o` says, or named after the first source, or else the first file.
fn result(arguments: &Arguments) -> PathBuf {
    let operands = || arguments.operands.iter().map(Path::new);
    let named = match &arguments.output {
        Some(output) => Some(Path::new(output)),
        None => operands().find(|file| language(file).is_some()),
    };
    let first = named.or_else(|| operands().next());
    first
        .unwrap_or(Path::new("mod_unknown"))
        .with_extension("la")
}

struct Tools<'a> {
    arguments: &'a Arguments,
    layout: &'a Layout,
    apr: &'a Apr,
    variables: &'a Variables,
}

impl Tools<'_> {
    /// Compiles one source; answers the object.
    fn compile(&self, source: &Path, language: Language) -> Result<PathBuf> {
        let stem = source.file_stem().context("a source has a name")?;
        let directory = libtool::hidden(source)?;
        let object = directory.join(stem).with_extension("o");
        let (compiler, flags, extra) = match language {
            Language::C => ("CC", "CFLAGS", "EXTRA_CFLAGS"),
            Language::Cpp => ("CXX", "CXXFLAGS", "EXTRA_CXXFLAGS"),
        };
        let mut words = Vec::new();
        for name in [
            compiler,
            flags,
            "CPPFLAGS",
            "NOTEST_CPPFLAGS",
            "EXTRA_CPPFLAGS",
            extra,
        ] {
            words.extend(split_words(&self.variables.get(name)));
        }
        words.push("-pthread".into());
        words.push(format!("-I{}", self.variables.get("INCLUDEDIR")));
        let apr = self.apr.ask(
            &["--cflags", "--cppflags", "--includes"],
            "-I/usr/include/apr-1.0",
        );
        let util = self.apr.ask_util(&["--includes"], "");
        for word in split_words(&format!("{apr} {util}")) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words.extend(self.arguments.compiler.iter().cloned());
        words.extend(["-fPIC", "-DPIC", "-c"].map(str::to_owned));
        words.push(source.display().to_string());
        words.extend(["-o".to_owned(), object.display().to_string()]);
        run(&words)?;
        libtool::write_object(source, &object)?;
        Ok(object)
    }

    /// Links to a new file beside the result and renames it once it is known to be good: a server
    /// may have the old one mapped.
    fn link(&self, inputs: &[String], driver: Language, archive: &Path) -> Result<PathBuf> {
        let stem = archive.file_stem().context("the result has a name")?;
        let stem = stem.to_string_lossy();
        let object = libtool::hidden(archive)?.join(format!("{stem}.so"));
        let fresh = object.with_extension("so.new");
        let compiler = match driver {
            Language::C => "CC",
            Language::Cpp => "CXX",
        };
        let mut words = split_words(&self.variables.get(compiler));
        words.extend(["-shared", "-fPIC", "-DPIC", "-pthread"].map(str::to_owned));
        // Some flags, like -fsanitize and -m32, concern both steps.
        let both = |flag: &&String| {
            ["-f", "-m", "-O", "-g"]
                .iter()
                .any(|it| flag.starts_with(it))
        };
        words.extend(self.arguments.compiler.iter().filter(both).cloned());
        words.extend(inputs.iter().cloned());
        words.extend(self.arguments.linker.iter().cloned());
        for name in [
            "LDFLAGS",
            "NOTEST_LDFLAGS",
            "EXTRA_LDFLAGS",
            "SH_LDFLAGS",
            "SH_LIBS",
        ] {
            words.extend(split_words(&self.variables.get(name)));
        }
        words.extend(split_words(&self.apr.ask(&["--ldflags"], "")));
        if self.arguments.link_apr {
            let util = self
                .apr
                .ask_util(&["--ldflags", "--link-ld", "--libs"], "-laprutil-1");
            let apr = self
                .apr
                .ask(&["--ldflags", "--link-ld", "--libs"], "-lapr-1");
            words.extend(split_words(&format!("-Wl,--no-as-needed {util} {apr}")));
        }
        words.push(format!("-Wl,-soname,{stem}.so"));
        words.extend(["-o".to_owned(), fresh.display().to_string()]);

        let checked = run(&words).and_then(|()| self.check(&fresh, &stem));
        if let Err(error) = checked {
            // No result of an earlier run may pass for one of this.
            for file in [&fresh, &object, archive] {
                let _absent_or_not = fs::remove_file(file);
            }
            return Err(error);
        }
        fs::rename(&fresh, &object).with_context(|| object.display().to_string())?;
        let libraries: Vec<_> = self.arguments.linker.iter().map(String::as_str).collect();
        libtool::write_archive(archive, &libraries, &self.variables.get("LIBEXECDIR"))?;
        Ok(archive.to_owned())
    }

    fn check(&self, object: &Path, stem: &str) -> Result<()> {
        let shown = format!("{stem}.so");
        let given = self.arguments.linker.iter();
        let host = link_check::Host {
            server: self.layout.server(),
            modules: vec![
                self.variables.get("LIBEXECDIR").into(),
                crate::layout::DEBIAN_MODULES.into(),
            ],
            libraries: given
                .filter_map(|word| Some(word.strip_prefix("-L")?.into()))
                .collect(),
        };
        let report = link_check::check(object, &shown, &host)?;
        for remark in &report.remarks {
            eprintln!("{remark}");
        }
        if !report.faults.is_empty() {
            bail!("{}", report.faults.join("\n"));
        }
        Ok(())
    }
}

/// Shows a command and runs it; what it prints is shown as well.
fn run(words: &[String]) -> Result<()> {
    eprintln!("{}", words.join(" "));
    let (program, rest) = words.split_first().context("an empty command")?;
    let status = Command::new(program).args(rest).status();
    let status = status.with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("Command failed with rc={}", status.code().unwrap_or(-1));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_named_as_apxs_names_it() {
        for (output, operands, expected) in [
            (None, &["mod_a.c", "b.c"][..], "mod_a.la"),
            (None, &["b.o", "src/mod_a.cpp"], "src/mod_a.la"),
            (None, &["b.o", "c.o"], "b.la"),
            (Some("mod_x.so"), &["a.c"], "mod_x.la"),
            (Some("out/mod_x.la"), &["a.c"], "out/mod_x.la"),
        ] {
            let arguments = Arguments {
                output: output.map(str::to_owned),
                operands: operands.iter().map(|&file| file.to_owned()).collect(),
                ..Arguments::default()
            };
            assert_eq!(result(&arguments), Path::new(expected));
        }
    }
}
