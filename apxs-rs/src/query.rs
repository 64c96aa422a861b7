//! The variables of `-q`: every name that stock apxs answers, with this installation's values.
//! Build scripts read them, compilation uses them, `-S` changes them, and `make install` writes
//! `build/config_vars.mk` from them.

use anyhow::{Result, bail};

use crate::layout::{Apr, Layout, in_path};

/// The version that modules see, and the module magic number.
pub const HTTPD_VERSION: &str = "2.4.71";
/// See `HTTPD_VERSION`.
pub const MAGIC: u32 = 20_120_211;

/// Names that apxs answers although no table has them.
const ALIASES: [(&str, &str); 1] = [("TARGET", "progname")];
/// Names from Apache 1.3's days: known, and always empty.
const EMPTY: [&str; 4] = ["CFLAGS_SHLIB", "LD_SHLIB", "LDFLAGS_SHLIB", "LIBS_SHLIB"];

/// Directories below PREFIX, as (name, value in terms of other variables).
const DIRECTORIES: [(&str, &str); 19] = [
    ("exec_prefix", "${prefix}"),
    ("bindir", "${exec_prefix}/bin"),
    ("sbindir", "${exec_prefix}/bin"),
    ("libdir", "${exec_prefix}/lib"),
    ("libexecdir", "${exec_prefix}/modules"),
    ("mandir", "${prefix}/man"),
    ("sysconfdir", "${prefix}/conf"),
    ("datadir", "${prefix}"),
    ("installbuilddir", "${datadir}/build"),
    ("errordir", "${datadir}/error"),
    ("iconsdir", "${datadir}/icons"),
    ("htdocsdir", "${datadir}/htdocs"),
    ("manualdir", "${datadir}/manual"),
    ("cgidir", "${datadir}/cgi-bin"),
    ("includedir", "${prefix}/include"),
    ("localstatedir", "${prefix}"),
    ("runtimedir", "${localstatedir}/logs"),
    ("logfiledir", "${localstatedir}/logs"),
    ("proxycachedir", "${localstatedir}/proxy"),
];

/// Names that other builds of Apache fill and this one has nothing for.
const NOTHING: &str = "AP_BUILD_SRCLIB_DIRS AP_CLEAN_SRCLIB_DIRS DEFS ENABLED_DSO_MODULES \
    EXTRA_CFLAGS EXTRA_CXXFLAGS EXTRA_LDFLAGS EXTRA_LIBS GIT INCLUDES INSTALL_PROG_FLAGS \
    INSTALL_SUEXEC INTERNAL_CPPFLAGS LIBS LT_LDFLAGS MK_IMPLIB NONPORTABLE_SUPPORT NOTEST_CFLAGS \
    NOTEST_CPPFLAGS NOTEST_CXXFLAGS NOTEST_LDFLAGS NOTEST_LIBS PCRE_LIBS RSYNC SH_LDFLAGS SH_LIBS \
    ab_CFLAGS ab_LIBS other_targets CPPFLAGS";

/// Names and values, in the order in which they are printed. Values may refer to others.
#[derive(Clone, Debug)]
pub struct Variables(Vec<(String, String)>);

impl Variables {
    /// Those of this installation.
    pub fn of(layout: &Layout, apr: &Apr) -> Self {
        let mut all = Self(Vec::new());
        all.put("prefix", layout.prefix.display().to_string());
        for (name, value) in DIRECTORIES {
            all.put(name, value);
        }
        // In the source tree, headers and programs are not below PREFIX.
        if layout.include != layout.prefix.join("include") {
            all.put("includedir", layout.include.display().to_string());
        }
        if layout.bin != layout.prefix.join("bin") {
            all.put("bindir", layout.bin.display().to_string());
            all.put("sbindir", layout.bin.display().to_string());
        }
        for (name, _) in DIRECTORIES {
            let expanded = all.expanded(name).unwrap_or_default();
            all.put(&format!("exp_{name}"), expanded);
        }
        all.tools(apr);
        for name in NOTHING.split_whitespace() {
            all.put(name, "");
        }
        all
    }

    fn tools(&mut self, apr: &Apr) {
        let first = |names: &[&str]| {
            let found = names.iter().find(|name| in_path(name).is_some());
            (*found.unwrap_or(&names[0])).to_owned()
        };
        let parent = |path: std::path::PathBuf| match path.parent() {
            Some(directory) => directory.display().to_string(),
            None => "/usr/bin".into(),
        };
        let includes = apr.ask(&["--includedir"], "/usr/include/apr-1.0");
        let c = first(&["cc", "gcc", "clang"]);
        let flags = "-g -O2 -fstack-protector-strong -Wformat -Wformat-security";
        let libtool = apr.ask(&["--apr-libtool"], "/usr/share/apr-1.0/build/libtool");
        for (name, value) in [
            ("CC", c.clone()),
            ("CPP", format!("{c} -E")),
            ("CXX", first(&["c++", "g++", "clang++"])),
            ("CFLAGS", flags.into()),
            ("CXXFLAGS", flags.into()),
            (
                "EXTRA_CPPFLAGS",
                "-DLINUX -D_REENTRANT -D_GNU_SOURCE".into(),
            ),
            (
                "EXTRA_INCLUDES",
                format!("-I$(includedir) -I. -I{includes}"),
            ),
            ("LDFLAGS", "-Wl,--as-needed -Wl,-z,relro -Wl,-z,now".into()),
            ("PICFLAGS", "-fPIC".into()),
            ("PILDFLAGS", "-pie".into()),
            ("LTFLAGS", "--silent".into()),
            ("LTCFLAGS", "-prefer-non-pic -static".into()),
            ("SHLTCFLAGS", "-prefer-pic".into()),
            ("LIBTOOL", format!("{libtool} --silent")),
            ("SH_LIBTOOL", "$(LIBTOOL)".into()),
            ("MKDEP", "$(CC) -MM".into()),
            ("MKINSTALLDIRS", "mkdir -p".into()),
            ("INSTALL", "install -c".into()),
            ("INSTALL_DSO", "yes".into()),
            ("LOAD_ALL_MODULES", "no".into()),
            ("SHELL", "/bin/sh".into()),
            ("AWK", "awk".into()),
            ("EGREP", "grep -E".into()),
            ("DTRACE", "true".into()),
            ("MATH_LIBS", "-lm".into()),
            ("CRYPT_LIBS", "-lcrypt".into()),
            ("SHLIBPATH_VAR", "LD_LIBRARY_PATH".into()),
            ("OS", "unix".into()),
            ("progname", "httpd-rs".into()),
            ("HTTPD_VERSION", HTTPD_VERSION.into()),
            ("HTTPD_MMN", MAGIC.to_string()),
            ("APR_CONFIG", apr.program().display().to_string()),
            ("APR_BINDIR", parent(apr.program())),
            ("APR_VERSION", apr.ask(&["--version"], "1.7.2")),
            ("APU_CONFIG", apr.util_program().display().to_string()),
            ("APU_BINDIR", parent(apr.util_program())),
            ("APU_VERSION", apr.ask_util(&["--version"], "1.6.3")),
            ("APU_INCLUDEDIR", apr.ask_util(&["--includedir"], &includes)),
            ("APR_INCLUDEDIR", includes),
        ] {
            self.put(name, value);
        }
    }

    fn put(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// The table's own name for one that a user may have written in capitals.
    fn name(&self, asked: &str) -> Option<&str> {
        let alias = ALIASES.iter().find(|(alias, _)| *alias == asked);
        let asked = alias.map_or(asked, |(_, name)| name);
        let lower = asked.to_lowercase();
        let find = |wanted: &str| self.0.iter().find(|(name, _)| name == wanted);
        let (name, _) = find(asked).or_else(|| find(&lower))?;
        Some(name)
    }

    /// What `-S` does.
    ///
    /// # Errors
    /// When there is no such variable.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let Some(known) = self.name(name).map(str::to_owned) else {
            if EMPTY.contains(&name) {
                self.put(name, value);
                return Ok(());
            }
            bail!("no config variable {name}");
        };
        self.put(&known, value);
        for (directory, _) in DIRECTORIES {
            let expanded = self.expanded(directory).unwrap_or_default();
            self.put(&format!("exp_{directory}"), expanded);
        }
        Ok(())
    }

    /// A value with what it refers to filled in; `None` when there is no such name.
    pub fn expanded(&self, name: &str) -> Option<String> {
        if self.name(name).is_none() && EMPTY.contains(&name) {
            return Some(String::new());
        }
        let name = self.name(name)?;
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(self.fill(value, 0))
    }

    /// The value of a variable that the program itself uses.
    pub fn get(&self, name: &str) -> String {
        self.expanded(name).unwrap_or_default()
    }

    fn fill(&self, value: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = value;
        while let Some(start) = rest.find('$') {
            out.push_str(&rest[..start]);
            rest = &rest[start..];
            let close = match rest.as_bytes().get(1) {
                Some(b'{') => '}',
                Some(b'(') => ')',
                _ => {
                    out.push('$');
                    rest = &rest[1..];
                    continue;
                }
            };
            let Some(end) = rest.find(close) else { break };
            let referred = self.0.iter().find(|(name, _)| *name == rest[2..end]);
            // Depth bounds what a `-S` that refers to itself can do.
            if let Some((_, value)) = referred.filter(|_| depth < 8) {
                out.push_str(&self.fill(value, depth + 1));
            }
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        out
    }

    /// What `-q` prints for names: their values, with `;;` between them.
    ///
    /// # Errors
    /// When one is unknown.
    pub fn answer(&self, names: &[String]) -> Result<String> {
        let mut values = Vec::new();
        for name in names {
            match self.expanded(name) {
                Some(value) => values.push(value),
                None => bail!("Invalid query string `{name}'"),
            }
        }
        Ok(values.join(";;"))
    }

    /// What `-q` prints without names: `NAME=value`, or in columns, sorted.
    pub fn all(&self, columns: bool) -> String {
        if !columns {
            let lines = self
                .0
                .iter()
                .map(|(name, value)| format!("{name}={value}\n"));
            return lines.collect();
        }
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort_by_key(|(name, _)| name.to_uppercase());
        let lines = sorted.iter();
        lines
            .map(|(name, value)| format!("{name:width$} = {value}\n"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let layout = Layout {
            prefix: "/opt/web".into(),
            bin: "/opt/web/bin".into(),
            include: "/opt/web/include".into(),
        };
        Variables::of(&layout, &Apr::find())
    }

    #[test]
    fn names_are_found_in_capitals_and_values_filled_in() {
        let variables = variables();
        for (name, value) in [
            ("LIBEXECDIR", "/opt/web/modules"),
            ("exp_sysconfdir", "/opt/web/conf"),
            ("TARGET", "httpd-rs"),
            ("SBINDIR", "/opt/web/bin"),
            ("LD_SHLIB", ""),
        ] {
            assert_eq!(variables.expanded(name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(variables.expanded("NO_SUCH"), None);
        assert!(
            variables
                .all(false)
                .contains("\nlibexecdir=${exec_prefix}/modules\n")
        );
    }

    #[test]
    fn a_setting_changes_what_depends_on_it() {
        let mut variables = variables();
        variables.set("PREFIX", "/new").unwrap();
        assert_eq!(variables.get("LIBEXECDIR"), "/new/modules");
        assert_eq!(variables.get("exp_libexecdir"), "/new/modules");
        variables.set("CFLAGS", "$(CFLAGS) -O3").unwrap();
        assert!(variables.get("CFLAGS").ends_with(" -O3"));
        assert!(variables.set("NO_SUCH", "").is_err());
    }
}
