//! Whether httpd-rs could load a shared object: every symbol it needs is somewhere (the server, its
//! libraries, the object's own, another module), and its module structure is of this ABI. A symbol of
//! the server's or APR's name space that nobody has is a fault, another is worth a warning. Reads ELF
//! files; nothing is loaded. `compile` asks before the object gets its name.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use object::{
    Endianness, Object, ObjectSegment, ObjectSymbol,
    elf::{DT_NEEDED, DT_RPATH, DT_RUNPATH, FileHeader64},
    read::elf::{Dyn, ElfFile64},
};

use crate::query::MAGIC;

/// `MODULE_MAGIC_COOKIE`: "AP24".
const COOKIE: u64 = 0x4150_3234;
/// `struct module_struct`: the sizes it has had since 2.0, and where cookie and number are in it.
const STRUCTURE_SIZES: [u64; 2] = [104, 112];
const COOKIE_AT: usize = 40;

/// Where symbols may come from.
#[derive(Debug, Default)]
pub struct Host {
    /// The server's program.
    pub server: PathBuf,
    /// Directories of modules, which may use each other's symbols.
    pub modules: Vec<PathBuf>,
    /// Directories of libraries that the linker was told.
    pub libraries: Vec<PathBuf>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Why the object cannot be loaded.
    pub faults: Vec<String>,
    /// What its author should know.
    pub remarks: Vec<String>,
}

/// A module structure of an object.
#[derive(Debug, PartialEq, Eq)]
pub struct Structure {
    /// The symbol: `x_module`.
    pub symbol: String,
    version: u32,
    cookie: u64,
}

/// Checks an object; `shown` is its name in messages.
///
/// # Errors
/// When it cannot be read.
pub fn check(object: &Path, shown: &str, host: &Host) -> Result<Report> {
    let file = Library::read(object)?;
    let mut report = Report::default();
    check_structures(&file, shown, &mut report);
    check_symbols(&file, shown, host, &mut report);
    Ok(report)
}

/// The module structures of an object that fit this server.
///
/// # Errors
/// When it is no ELF file, or cannot be read.
pub fn modules(object: &Path) -> Result<Vec<String>> {
    let structures = Library::read(object)?.structures.into_iter();
    let good = structures.filter(|it| it.cookie == COOKIE && it.version == MAGIC);
    Ok(good.map(|it| it.symbol).collect())
}

fn check_structures(file: &Library, shown: &str, report: &mut Report) {
    for Structure {
        symbol,
        version,
        cookie,
    } in &file.structures
    {
        if *cookie != COOKIE {
            report.faults.push(format!(
                "{shown}: {symbol} has the cookie {cookie:#x}{}, httpd-rs needs {COOKIE:#x} \
                 (AP24): it is not a module for Apache 2.4",
                text_of(*cookie)
            ));
        } else if *version != MAGIC {
            report.faults.push(format!(
                "{shown}: {symbol} has the module magic number {version}, httpd-rs needs {MAGIC}"
            ));
        }
    }
    if file.structures.is_empty() {
        report.remarks.push(format!(
            "{shown}: warning: no module structure (a symbol NAME_module): LoadModule finds nothing"
        ));
    }
}

/// The cookie's letters, when it has any.
fn text_of(cookie: u64) -> String {
    let bytes: Vec<u8> = cookie
        .to_be_bytes()
        .into_iter()
        .skip_while(|&byte| byte == 0)
        .collect();
    match String::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            format!(" ({text})")
        }
        _ => String::new(),
    }
}

fn check_symbols(file: &Library, shown: &str, host: &Host, report: &mut Report) {
    let mut missing: BTreeSet<&str> = file.needed_symbols.iter().map(String::as_str).collect();
    let mut search = Search::new(host);
    let Ok(server) = Library::read(&host.server) else {
        report.remarks.push(format!(
            "{shown}: warning: no {}: the symbols it needs were not checked",
            host.server.display()
        ));
        return;
    };
    let mut waiting: Vec<String> = Vec::new();
    for library in [&server, file] {
        search.directories.extend(library.paths.iter().cloned());
        missing.retain(|symbol| !library.defined.contains(*symbol));
        waiting.extend(library.libraries.iter().cloned());
    }
    // What the module interface promises, whatever the server happens to be linked with.
    waiting.extend(["libapr-1.so.0", "libaprutil-1.so.0", "libc.so.6"].map(str::to_owned));

    let mut seen = HashSet::new();
    let mut unknown = Vec::new();
    while let Some(name) = waiting.pop() {
        if missing.is_empty() || !seen.insert(name.clone()) {
            continue;
        }
        match search.find(&name) {
            Some(library) => {
                missing.retain(|symbol| !library.defined.contains(*symbol));
                waiting.extend(library.libraries);
            }
            None => unknown.push(name),
        }
    }
    let mut built_before = HashSet::new();
    if !missing.is_empty() {
        built_before = from_other_modules(&mut missing, shown, host, report);
    }
    for library in unknown {
        report
            .remarks
            .push(format!("{shown}: warning: {library} was not found"));
    }
    for symbol in missing {
        let fault = format!(
            "{shown}: undefined symbol {symbol}: neither httpd-rs nor a library the module is \
             linked with has it"
        );
        // Only the server and APR have such names, so nobody will ever have this one. Others may come
        // from what is loaded before the module, and build scripts made for Apache count on that.
        let of_the_host = ["ap_", "apr_", "apu_"]
            .iter()
            .any(|prefix| symbol.starts_with(prefix));
        if of_the_host && !built_before.contains(symbol) {
            report.faults.push(fault);
        } else {
            report
                .remarks
                .push(format!("{fault}; warning: it has to be loaded before"));
        }
    }
}

/// Modules may use symbols of modules that are loaded before them. Answers which of the missing an
/// earlier build of the module itself has: one of its other sources has it.
fn from_other_modules(
    missing: &mut BTreeSet<&str>,
    shown: &str,
    host: &Host,
    report: &mut Report,
) -> HashSet<String> {
    let mut built_before = HashSet::new();
    for directory in &host.modules {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "so"));
        files.sort();
        for file in files {
            let Ok(module) = Library::read(&file) else {
                continue;
            };
            // An earlier build of the module itself does not make this one whole.
            if file.file_name().is_some_and(|name| name == shown) {
                built_before.extend(module.defined);
                continue;
            }
            let had = missing.len();
            missing.retain(|symbol| !module.defined.contains(*symbol));
            if missing.len() < had {
                report.remarks.push(format!(
                    "{shown}: uses symbols of {}, which must be loaded before it",
                    file.display()
                ));
            }
            if missing.is_empty() {
                return built_before;
            }
        }
    }
    built_before
}

/// What matters of an ELF file.
#[derive(Debug, Default)]
struct Library {
    defined: HashSet<String>,
    /// Undefined and not weak.
    needed_symbols: Vec<String>,
    /// `DT_NEEDED`.
    libraries: Vec<String>,
    /// `DT_RPATH` and `DT_RUNPATH`.
    paths: Vec<PathBuf>,
    structures: Vec<Structure>,
}

impl Library {
    fn read(path: &Path) -> Result<Self> {
        let data = fs::read(path).with_context(|| path.display().to_string())?;
        Self::parse(&data, path).with_context(|| path.display().to_string())
    }

    fn parse(data: &[u8], path: &Path) -> Result<Self> {
        let elf = ElfFile64::<Endianness>::parse(data)?;
        let mut library = Self::default();
        for symbol in elf.dynamic_symbols() {
            let name = symbol.name()?;
            if !symbol.is_undefined() {
                library.defined.insert(name.to_owned());
                library.structures.extend(structure(&elf, &symbol, name));
            } else if !symbol.is_weak() && !name.is_empty() {
                library.needed_symbols.push(name.to_owned());
            }
        }
        library.read_dynamic(&elf, data, path)?;
        Ok(library)
    }

    fn read_dynamic(
        &mut self,
        elf: &ElfFile64<'_, Endianness>,
        data: &[u8],
        path: &Path,
    ) -> Result<()> {
        let endian = elf.endian();
        let sections = elf.elf_section_table();
        let Some((entries, strings)) = sections.dynamic(endian, data)? else {
            return Ok(());
        };
        let strings = sections.strings(endian, data, strings)?;
        for entry in entries {
            let text =
                |entry: &<FileHeader64<Endianness> as object::read::elf::FileHeader>::Dyn| {
                    let bytes = entry.string(endian, strings)?;
                    anyhow::Ok(String::from_utf8_lossy(bytes).into_owned())
                };
            match entry.tag32(endian) {
                Some(DT_NEEDED) => self.libraries.push(text(entry)?),
                Some(DT_RPATH | DT_RUNPATH) => {
                    let origin = path
                        .parent()
                        .unwrap_or(Path::new("."))
                        .display()
                        .to_string();
                    let list = text(entry)?.replace("${ORIGIN}", "$ORIGIN");
                    let list = list.replace("$ORIGIN", &origin);
                    self.paths.extend(list.split(':').map(PathBuf::from));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The module structure that a symbol names, if it does.
fn structure<'data>(
    elf: &ElfFile64<'data, Endianness>,
    symbol: &impl ObjectSymbol<'data>,
    name: &str,
) -> Option<Structure> {
    if !name.ends_with("_module") || !STRUCTURE_SIZES.contains(&symbol.size()) {
        return None;
    }
    let data = elf
        .segments()
        .find_map(|segment| segment.data_range(symbol.address(), symbol.size()).ok()?)?;
    let little = elf.is_little_endian();
    let version: [u8; 4] = data.get(..4)?.try_into().ok()?;
    let cookie: [u8; 8] = data.get(COOKIE_AT..COOKIE_AT + 8)?.try_into().ok()?;
    Some(Structure {
        symbol: name.to_owned(),
        version: if little {
            u32::from_le_bytes(version)
        } else {
            u32::from_be_bytes(version)
        },
        cookie: if little {
            u64::from_le_bytes(cookie)
        } else {
            u64::from_be_bytes(cookie)
        },
    })
}

/// Finds libraries where the dynamic linker does.
struct Search {
    directories: Vec<PathBuf>,
}

impl Search {
    fn new(host: &Host) -> Self {
        let mut directories = host.libraries.clone();
        if let Some(path) = std::env::var_os("LD_LIBRARY_PATH") {
            directories.extend(std::env::split_paths(&path));
        }
        configured(Path::new("/etc/ld.so.conf"), &mut directories);
        directories.extend(["/lib", "/usr/lib", "/lib64", "/usr/lib64"].map(PathBuf::from));
        Self { directories }
    }

    fn find(&self, name: &str) -> Option<Library> {
        let files = self
            .directories
            .iter()
            .map(|directory| directory.join(name));
        // A file for another architecture, or a linker script, is passed over.
        files
            .filter(|file| file.is_file())
            .find_map(|file| Library::read(&file).ok())
    }
}

/// The directories of `ld.so.conf` and of what it includes (`DIRECTORY/*.conf`).
fn configured(file: &Path, directories: &mut Vec<PathBuf>) {
    for line in fs::read_to_string(file).unwrap_or_default().lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(pattern) = line.strip_prefix("include") else {
            if line.starts_with('/') {
                directories.push(line.into());
            }
            continue;
        };
        let folder = Path::new(pattern.trim()).parent().unwrap_or(Path::new("/"));
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        files.retain(|file| {
            file.extension()
                .is_some_and(|extension| extension == "conf")
        });
        files.sort();
        for included in files {
            configured(&included, directories);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_shown_as_the_letters_they_are() {
        assert_eq!(text_of(0x4150_3232), " (AP22)");
        assert_eq!(text_of(0x41_0001), "");
        assert_eq!(text_of(0), "");
    }
}
