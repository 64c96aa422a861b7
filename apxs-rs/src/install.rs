//! `-i`, `-e`, `-a` and `-A`: puts shared objects into the modules' directory and LoadModule lines
//! into the configuration. Files are written beside their place and renamed into it: a running
//! server keeps the file that it has mapped, and a reader never sees half of one.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{arguments::Arguments, libtool, link_check, query::Variables};

/// What extensions shared objects have.
const EXTENSIONS: [&str; 5] = ["la", "so", "sl", "dll", "dylib"];

/// Installs each file, or only edits the configuration for it (`-e`).
///
/// # Errors
/// A file that is no shared object, a module without a name, or a directory that refuses.
pub fn install(arguments: &Arguments, variables: &Variables, files: &[PathBuf]) -> Result<()> {
    let modules = PathBuf::from(variables.get("LIBEXECDIR"));
    let mut lines = Vec::new();
    for file in files {
        let extension = file.extension().and_then(|extension| extension.to_str());
        if extension.is_some_and(|extension| !EXTENSIONS.contains(&extension)) {
            bail!("file {} is not a shared object", file.display());
        }
        let stem = file.file_stem().context("a module has a name")?;
        let target = modules.join(format!("{}.so", stem.to_string_lossy()));
        if arguments.install {
            let object = libtool::shared_object(file)?;
            let bytes = fs::read(&object).with_context(|| object.display().to_string())?;
            fs::create_dir_all(&modules).with_context(|| modules.display().to_string())?;
            replace(&target, &bytes, 0o644)?;
            eprintln!("installed {}", target.display());
        }
        if arguments.activate || arguments.prepare {
            let name = match &arguments.name {
                Some(name) => name.clone(),
                None => module_name(file, &target)?,
            };
            let path = target
                .strip_prefix(variables.get("PREFIX"))
                .unwrap_or(&target);
            lines.push((name, path.display().to_string()));
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    let configuration = Path::new(&variables.get("SYSCONFDIR")).join("httpd.conf");
    let Ok(configuration) = configuration.canonicalize() else {
        bail!("Config file {} not found", configuration.display());
    };
    // Bytes that are no UTF-8 may stand in comments and paths, and must stay.
    let old = fs::read(&configuration).with_context(|| configuration.display().to_string())?;
    let mut text = old.clone();
    for (name, path) in &lines {
        text = with_module(&text, name, path, arguments.activate);
        let doing = if arguments.activate {
            "activating"
        } else {
            "preparing"
        };
        eprintln!("[{doing} module `{name}' in {}]", configuration.display());
    }
    if text != old {
        let mode = fs::metadata(&configuration)?.permissions().mode();
        let backup = configuration.with_extension("conf.bak");
        replace(&backup, &old, mode)?;
        replace(&configuration, &text, mode)?;
    }
    Ok(())
}

/// The module's name without `_module`: from its structure, or else from the file's name.
fn module_name(file: &Path, target: &Path) -> Result<String> {
    let object = libtool::shared_object(file)
        .ok()
        .filter(|object| object.is_file());
    let symbols = link_check::modules(object.as_deref().unwrap_or(target)).unwrap_or_default();
    let stem = file
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let from_file = stem.strip_prefix("mod_");
    let named = |symbol: &String| symbol.strip_suffix("_module").map(str::to_owned);
    let names: Vec<String> = symbols.iter().filter_map(named).collect();
    let same = names.iter().find(|name| Some(name.as_str()) == from_file);
    match (same, names.as_slice(), from_file) {
        (Some(name), ..) => Ok(name.clone()),
        (None, [only], _) => Ok(only.clone()),
        (None, [], Some(name)) => Ok(name.to_owned()),
        _ => bail!(
            "cannot tell the name of the module of {}: give it with -n",
            file.display()
        ),
    }
}

/// Writes a file beside its place and renames it there.
pub fn replace(target: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut name = target.file_name().context("a file has a name")?.to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let fresh = target.with_file_name(name);
    let written = fs::write(&fresh, bytes)
        .and_then(|()| fs::set_permissions(&fresh, fs::Permissions::from_mode(mode & 0o7777)))
        .and_then(|()| fs::rename(&fresh, target));
    if written.is_err() {
        let _absent_or_not = fs::remove_file(&fresh);
    }
    written.with_context(|| format!("cannot write {}", target.display()))
}

/// A configuration with a LoadModule line for a module: the one it has (commented out or not) is
/// changed; a new one goes behind the last, or else behind ServerRoot, which it depends on.
fn with_module(text: &[u8], name: &str, path: &str, active: bool) -> Vec<u8> {
    let path = if path.contains(char::is_whitespace) {
        format!("\"{path}\"")
    } else {
        path.into()
    };
    let comment = if active { "" } else { "#" };
    let line = format!(
        "{comment}LoadModule {:<18} {path}\n",
        format!("{name}_module")
    );
    let mut lines: Vec<Vec<u8>> = text
        .split_inclusive(|&byte| byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let place = Place::find(&lines, name);
    match place {
        Place::Own(index) => lines[index] = indented(&lines[index], &line),
        Place::Behind(index) => {
            if !lines[index].ends_with(b"\n") {
                lines[index].push(b'\n');
            }
            lines.insert(index + 1, line.into_bytes());
        }
        Place::First => lines.insert(0, line.into_bytes()),
    }
    lines.concat()
}

fn indented(old: &[u8], line: &str) -> Vec<u8> {
    let mut new: Vec<u8> = old
        .iter()
        .copied()
        .take_while(|byte| b" \t".contains(byte))
        .collect();
    new.extend(line.as_bytes());
    new
}

/// Where a LoadModule line goes.
enum Place {
    /// In place of this line.
    Own(usize),
    Behind(usize),
    First,
}

impl Place {
    fn find(lines: &[Vec<u8>], name: &str) -> Self {
        let symbol = format!("{name}_module");
        let mut depth = 0_usize;
        let (mut own, mut own_comment, mut last, mut root) = (None, None, None, None);
        for (index, line) in lines.iter().enumerate() {
            let line = String::from_utf8_lossy(line);
            let line = line.trim();
            let live = !line.starts_with('#');
            let mut words = line.trim_start_matches('#').split_whitespace();
            let first = words.next().unwrap_or_default().to_ascii_lowercase();
            if live && first.starts_with("</") {
                depth = depth.saturating_sub(1);
                // A new line must not depend on the condition around its neighbour.
                if depth == 0 && last.is_some_and(|(_, inside)| inside) {
                    last = Some((index, false));
                }
            } else if live && first.starts_with('<') {
                depth += 1;
            } else if first == "loadmodule" {
                let same = words.next() == Some(&symbol);
                match (same, live) {
                    (true, true) => own = own.or(Some(index)),
                    (true, false) => own_comment = own_comment.or(Some(index)),
                    _ => {}
                }
                if live || last.is_none() {
                    last = Some((index, depth > 0));
                }
            } else if live && first == "serverroot" && depth == 0 {
                root = Some(index);
            }
        }
        match (own.or(own_comment), last, root) {
            (Some(index), ..) => Self::Own(index),
            (None, Some((index, _)), _) | (None, None, Some(index)) => Self::Behind(index),
            (None, None, None) => Self::First,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, active: bool) -> String {
        String::from_utf8(with_module(
            text.as_bytes(),
            "x",
            "modules/mod_x.so",
            active,
        ))
        .unwrap()
    }

    const LINE: &str = "LoadModule x_module           modules/mod_x.so\n";

    #[test]
    fn a_line_goes_behind_the_last_of_its_kind() {
        let text = "ServerRoot /\nLoadModule a_module a.so\nListen 80\n";
        let expected = format!("ServerRoot /\nLoadModule a_module a.so\n{LINE}Listen 80\n");
        assert_eq!(edited(text, true), expected);
        assert_eq!(
            edited(&expected, true),
            expected,
            "a second time changes nothing"
        );
    }

    #[test]
    fn a_condition_around_the_last_one_does_not_bind_the_new_one() {
        let text = "<IfDefine A>\n  LoadModule a_module a.so\n</IfDefine>\nListen 80";
        assert_eq!(
            edited(text, true),
            format!("<IfDefine A>\n  LoadModule a_module a.so\n</IfDefine>\n{LINE}Listen 80")
        );
    }

    #[test]
    fn its_own_line_is_changed_in_place() {
        assert_eq!(edited("#LoadModule x_module old.so\n", true), LINE);
        assert_eq!(
            edited("  LoadModule x_module old.so\n", false),
            format!("  #{LINE}")
        );
    }

    #[test]
    fn without_any_it_follows_what_it_depends_on() {
        assert_eq!(
            edited("# c\nServerRoot /", true),
            format!("# c\nServerRoot /\n{LINE}")
        );
        assert_eq!(edited("", false), format!("#{LINE}"));
    }
}
