//! Where things are: PREFIX is the directory above the one that holds this program, as it is for
//! the server (`PREFIX/bin`, or `target/PROFILE` in the source tree, whose headers are then used).
//! Every other room asks here.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// Debian's modules, which httpd-rs loads as they are.
pub const DEBIAN_MODULES: &str = "/usr/lib/apache2/modules";

/// The paths of one installation.
#[derive(Clone, Debug)]
pub struct Layout {
    /// ServerRoot: what relative paths in the configuration start from.
    pub prefix: PathBuf,
    /// This program's directory, and the server's.
    pub bin: PathBuf,
    /// The headers of the module ABI.
    pub include: PathBuf,
}

impl Layout {
    /// That of the running program.
    ///
    /// # Errors
    /// When the system does not tell which program this is.
    pub fn find() -> Result<Self> {
        let program = std::env::current_exe().context("this program's own path")?;
        let bin = program.parent().unwrap_or(Path::new("/")).to_owned();
        let mut layout = Self::around(&bin, |file| file.is_file());
        if let Some(include) = std::env::var_os("APXS_RS_INCLUDE") {
            layout.include = include.into();
        }
        Ok(layout)
    }

    fn around(bin: &Path, is_file: impl Fn(&Path) -> bool) -> Self {
        let above = |bin: &Path| bin.parent().unwrap_or(bin).to_owned();
        // TREE/target/PROFILE, and the directory below for what cargo starts from deps/.
        let built = [bin.to_owned(), above(bin)]
            .into_iter()
            .find_map(|profile| {
                let include = profile.ancestors().nth(2)?.join("include");
                let target = profile.parent()?.ends_with("target");
                (target && is_file(&include.join("httpd.h"))).then_some((profile, include))
            });
        let (bin, include) = built.unwrap_or((bin.to_owned(), above(bin).join("include")));
        Self {
            prefix: above(&bin),
            bin,
            include,
        }
    }

    /// Fails when there are no headers to compile against.
    ///
    /// # Errors
    /// See above.
    pub fn need_headers(&self) -> Result<()> {
        if !self.include.join("httpd.h").is_file() {
            bail!(
                "no httpd.h in {}: APXS_RS_INCLUDE names another directory",
                self.include.display()
            );
        }
        Ok(())
    }

    /// The server whose symbols modules use.
    pub fn server(&self) -> PathBuf {
        self.bin.join("httpd-rs")
    }
}

/// Where APR's headers are, and with which flags it wants to be compiled against.
#[derive(Clone, Debug)]
pub struct Apr {
    /// `apr-1-config`; `None` where only the headers are.
    program: Option<PathBuf>,
    /// `apu-1-config`.
    util: Option<PathBuf>,
}

impl Apr {
    /// What this system has.
    pub fn find() -> Self {
        Self {
            program: in_path("apr-1-config"),
            util: in_path("apu-1-config"),
        }
    }

    /// `apr-1-config`, for build scripts.
    pub fn program(&self) -> PathBuf {
        self.program
            .clone()
            .unwrap_or("/usr/bin/apr-1-config".into())
    }

    /// `apu-1-config`, for build scripts.
    pub fn util_program(&self) -> PathBuf {
        self.util.clone().unwrap_or("/usr/bin/apu-1-config".into())
    }

    /// What `apr-1-config` answers, or a default that holds on Debian.
    pub fn ask(&self, questions: &[&str], default: &str) -> String {
        answer(self.program.as_deref(), questions).unwrap_or_else(|| default.to_owned())
    }

    /// What `apu-1-config` answers.
    pub fn ask_util(&self, questions: &[&str], default: &str) -> String {
        answer(self.util.as_deref(), questions).unwrap_or_else(|| default.to_owned())
    }
}

/// A program of that name in `PATH`.
pub fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

fn answer(program: Option<&Path>, questions: &[&str]) -> Option<String> {
    let output = Command::new(program?).args(questions).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_and_a_source_tree_are_told_apart() {
        let in_tree = |file: &Path| file == Path::new("/src/include/httpd.h");
        for (bin, prefix, beside, include) in [
            (
                "/opt/web/bin",
                "/opt/web",
                "/opt/web/bin",
                "/opt/web/include",
            ),
            (
                "/src/target/debug",
                "/src/target",
                "/src/target/debug",
                "/src/include",
            ),
            (
                "/src/target/debug/deps",
                "/src/target",
                "/src/target/debug",
                "/src/include",
            ),
            (
                "/elsewhere/tools",
                "/elsewhere",
                "/elsewhere/tools",
                "/elsewhere/include",
            ),
        ] {
            let layout = Layout::around(Path::new(bin), in_tree);
            assert_eq!(layout.prefix, Path::new(prefix), "{bin}");
            assert_eq!(layout.bin, Path::new(beside), "{bin}");
            assert_eq!(layout.include, Path::new(include), "{bin}");
        }
    }
}
