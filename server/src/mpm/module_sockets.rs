//! Sockets in the file system that modules have made for this process and generation, and take away
//! when their pool is cleared: mod_wsgi's, on which its daemons listen. Over a restart the daemons stay
//! until the children that use them are gone (`mpm::helpers`), so the names have to stay, too.
//!
//! A second name for the socket is made before the pools are cleared; while they are, a thread makes the
//! first one anew as soon as it is missing. A child that looks for it in that moment finds none.
#![forbid(unsafe_code)]

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// Flags of a socket that listens, as the system shows them (`__SO_ACCEPTCON`).
const LISTENS: &str = "00010000";

/// Sockets with their second names.
pub struct Aside(Vec<(PathBuf, PathBuf)>);

/// Gives second names to the sockets whose names have this process and generation in them.
pub fn set_aside(process: u32, generation: i32) -> Aside {
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let mark = format!(".{process}.{generation}.");
    let mut aside = Vec::new();
    for name in named(&table, &mark) {
        let mut second = name.as_os_str().to_owned();
        second.push(".kept");
        let second = PathBuf::from(second);
        // One that an earlier try has left.
        let _ = fs::remove_file(&second);
        if fs::hard_link(&name, &second).is_ok() {
            aside.push((name, second));
        }
    }
    Aside(aside)
}

/// The listening sockets of a table of the system whose file names have the mark.
fn named(table: &str, mark: &str) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let flags = fields.nth(3)?;
            // Type, state, inode; what follows them is the name, with blanks if it has some.
            let inode = fields.nth(2)?;
            let name = line.split_once(&format!(" {inode} "))?.1;
            let path = Path::new(name);
            let file = path.file_name().and_then(OsStr::to_str)?;
            (flags == LISTENS && path.is_absolute() && file.contains(mark)).then(|| path.to_owned())
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

impl Aside {
    /// Does the work in which modules take the names away; answers the names that they have taken, and
    /// that are there again.
    pub fn hold_during(self, work: impl FnOnce()) -> Vec<String> {
        if self.0.is_empty() {
            work();
            return Vec::new();
        }
        let done = AtomicBool::new(false);
        let mut back = vec![false; self.0.len()];
        std::thread::scope(|scope| {
            scope.spawn(|| {
                loop {
                    let last = done.load(Ordering::Acquire);
                    for ((name, second), back) in self.0.iter().zip(&mut back) {
                        // It fails as long as the name is there.
                        *back |= fs::hard_link(second, name).is_ok();
                    }
                    if last {
                        break;
                    }
                    std::thread::yield_now();
                }
            });
            work();
            done.store(true, Ordering::Release);
        });
        let mut names = Vec::new();
        for ((name, second), back) in self.0.iter().zip(back) {
            // There is nobody to tell.
            let _ = fs::remove_file(second);
            names.extend(name.to_str().filter(|_| back).map(str::to_owned));
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn only_listening_sockets_with_the_mark_are_named() {
        let table = "Num       RefCount Protocol Flags    Type St Inode Path\n\
            0: 00000002 00000000 00010000 0001 01 123 /run/wsgi.7.1.1.sock\n\
            0: 00000002 00000000 00010000 0001 01 124 /run/a b/wsgi.7.1.2.sock\n\
            0: 00000003 00000000 00000000 0001 03 125 /run/wsgi.7.1.1.sock\n\
            0: 00000002 00000000 00010000 0001 01 126 @/wsgi.7.1.1.sock\n\
            0: 00000002 00000000 00010000 0001 01 127 /run/wsgi.7.2.1.sock\n\
            0: 00000002 00000000 00010000 0001 01 128\n";
        let found = named(table, ".7.1.");
        let expected = ["/run/a b/wsgi.7.1.2.sock", "/run/wsgi.7.1.1.sock"];
        assert_eq!(found, expected.map(PathBuf::from));
    }

    #[test]
    fn a_socket_keeps_its_name_when_a_module_takes_it_away() {
        let process = std::process::id();
        let directory = std::env::temp_dir().join(format!("module-sockets-{process}"));
        fs::create_dir(&directory).unwrap();
        let name = |number| directory.join(format!("wsgi.{process}.3.{number}.sock"));
        let _listeners = [1, 2].map(|number| UnixListener::bind(name(number)).unwrap());
        let aside = set_aside(process, 3);
        let back = aside.hold_during(|| fs::remove_file(name(1)).unwrap());
        assert_eq!(back, [name(1).to_str().unwrap()]);
        UnixStream::connect(name(1)).unwrap();
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
        fs::remove_dir_all(&directory).unwrap();
    }
}
