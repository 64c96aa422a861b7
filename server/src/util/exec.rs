//! Running a program for the first line it prints, as directives of the form `exec:` want.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    os::unix::{ffi::OsStrExt, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
};

/// The first line without its end, cut at `longest` bytes; `None` when the program cannot be
/// started. It runs in its own directory and without an environment.
pub fn first_line(program: &[u8], arguments: &[&[u8]], longest: usize) -> Option<Vec<u8>> {
    let path = Path::new(OsStr::from_bytes(program));
    let mut command = Command::new(path);
    if let Some((name, rest)) = arguments.split_first() {
        command.arg0(OsStr::from_bytes(name));
        command.args(rest.iter().map(|argument| OsStr::from_bytes(argument)));
    }
    if let Some(directory) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        command.current_dir(directory);
    }
    let mut child = command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut line = Vec::new();
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output).take(longest as u64);
        // What was read before an error counts, as an end of the output does.
        let _ = output.read_until(b'\n', &mut line);
    }
    // The server may have reaped its children meanwhile: there is nothing left to wait for.
    let _ = child.wait();
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_what_counts() {
        let run = |script: &str, longest| {
            first_line(b"/bin/sh", &[b"sh", b"-c", script.as_bytes()], longest)
        };
        assert_eq!(run("echo one; echo two", 100).unwrap(), b"one");
        assert_eq!(run("printf abcdef", 4).unwrap(), b"abcd");
        assert_eq!(run("exit 3", 100).unwrap(), b"");
        assert_eq!(first_line(b"/none", &[], 100), None);
    }
}
