//! Lines of access logs that wait for the end of a turn of the event loop.
//!
//! A reactor thread answers many requests a turn; their lines are gathered for each file and
//! written together when the thread is about to wait (`flush_thread_logs`, which the event loop
//! calls). Threads of which nobody promises that (`set_deferred_logs`) write each line at once.

use std::{
    cell::{Cell, RefCell},
    io,
    os::fd::RawFd,
};

/// Lines of one file never take more than this, so that memory is bounded and a write stays short.
const MOST: usize = 32 * 1024;

/// The lines of one file that wait.
struct Waiting {
    file: RawFd,
    lines: Vec<u8>,
}

/// The files with their lines. Dropping it writes what waits: a thread that ends loses nothing.
struct Files(RefCell<Vec<Waiting>>);

impl Drop for Files {
    fn drop(&mut self) {
        for waiting in self.0.get_mut() {
            // There is nobody left to tell.
            let _ = write_whole(waiting.file, &waiting.lines);
        }
    }
}

thread_local! {
    static DEFERRED: Cell<bool> = const { Cell::new(false) };
    static ANY: Cell<bool> = const { Cell::new(false) };
    static FILES: Files = const { Files(RefCell::new(Vec::new())) };
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Says whether the thread that calls promises to call [`flush_thread_logs`] before it waits. Until
/// it does, its lines are written at once.
pub fn set_deferred_logs(on: bool) {
    DEFERRED.set(on);
    if !on {
        flush_thread_logs();
    }
}

/// Writes the lines of this thread that wait; costs next to nothing when there are none.
pub fn flush_thread_logs() {
    if !ANY.replace(false) {
        return;
    }
    // A thread that is ending has written its lines already.
    let _ = FILES.try_with(|files| {
        for waiting in files.0.borrow_mut().iter_mut() {
            if !waiting.lines.is_empty() {
                // The lines are lost with their file, as a line written at once would be; the
                // connections of this thread must go on.
                let _ = write_whole(waiting.file, &waiting.lines);
                waiting.lines.clear();
            }
        }
    });
}

/// Appends the line that `build` writes to `file`, now or at the end of the turn. `build` may log
/// and wait itself.
///
/// # Errors
/// When the line, or those before it, could not be written.
pub fn append<E: From<io::Error>>(
    file: RawFd,
    build: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    if !DEFERRED.get() {
        return append_at_once(file, build);
    }
    // The buffer is taken out meanwhile, because building a line may wait (for the name of a host)
    // and so come back here.
    let mut lines = take(file);
    let start = lines.len();
    let built = build(&mut lines);
    if built.is_err() {
        lines.truncate(start);
    }
    let mut written = Ok(());
    if lines.len() >= MOST {
        written = write_whole(file, &lines);
        lines.clear();
    }
    put_back(file, lines);
    built.and(written.map_err(E::from))
}

/// Writes the line that `build` writes now, whichever thread this is: a program that takes lines
/// sees each when it happens.
///
/// # Errors
/// When the line could not be written.
pub fn append_at_once<E: From<io::Error>>(
    file: RawFd,
    build: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    with_scratch(|line| {
        build(line)?;
        write_whole(file, line).map_err(E::from)
    })
}

/// Runs `work` with an empty buffer that this thread keeps.
pub fn with_scratch<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut buffer = SCRATCH.take();
    buffer.clear();
    let answer = work(&mut buffer);
    if buffer.capacity() <= MOST {
        SCRATCH.set(buffer);
    }
    answer
}

fn take(file: RawFd) -> Vec<u8> {
    FILES.with(|files| {
        let mut files = files.0.borrow_mut();
        match files.iter_mut().find(|waiting| waiting.file == file) {
            Some(waiting) => std::mem::take(&mut waiting.lines),
            None => {
                files.push(Waiting {
                    file,
                    lines: Vec::new(),
                });
                Vec::with_capacity(4096)
            }
        }
    })
}

fn put_back(file: RawFd, mut lines: Vec<u8>) {
    ANY.set(true);
    FILES.with(|files| {
        let mut files = files.0.borrow_mut();
        if let Some(waiting) = files.iter_mut().find(|waiting| waiting.file == file) {
            // What came meanwhile came first.
            if !waiting.lines.is_empty() {
                waiting.lines.append(&mut lines);
            } else {
                waiting.lines = lines;
            }
        }
    });
}

/// Writes all of it, in one call unless the system takes less.
fn write_whole(file: RawFd, lines: &[u8]) -> io::Result<()> {
    let mut rest = lines;
    while !rest.is_empty() {
        // SAFETY: reads `rest` only.
        match unsafe { libc::write(file, rest.as_ptr().cast(), rest.len()) } {
            -1 => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => rest = &rest[written.unsigned_abs().min(rest.len())..],
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Seek, SeekFrom},
        os::fd::AsRawFd,
    };

    use super::*;

    fn file(name: &str) -> std::fs::File {
        let path = std::env::temp_dir().join(format!("httpd-rs-{name}-{}", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(&path);
        // The descriptor is enough.
        std::fs::remove_file(path).unwrap();
        file.unwrap()
    }

    fn content(file: &mut std::fs::File) -> String {
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    }

    fn line(file: &std::fs::File, text: &str) {
        append::<io::Error>(file.as_raw_fd(), |out| {
            out.extend_from_slice(text.as_bytes());
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn lines_wait_on_threads_that_promise_to_flush() {
        let mut file = file("deferred");
        line(&file, "at once\n");
        assert_eq!(content(&mut file), "at once\n");
        set_deferred_logs(true);
        line(&file, "one\n");
        line(&file, "two\n");
        assert_eq!(content(&mut file), "at once\n");
        flush_thread_logs();
        assert_eq!(content(&mut file), "at once\none\ntwo\n");
        line(&file, "three\n");
        set_deferred_logs(false);
        assert!(content(&mut file).ends_with("three\n"));
    }

    #[test]
    fn a_full_buffer_and_the_end_of_a_thread_write_what_waits() {
        let mut file = file("full");
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                set_deferred_logs(true);
                line(&file, &"x".repeat(MOST));
                line(&file, "left");
            });
            // Joining waits for the thread's last deeds; the end of the scope would not.
            thread.join().unwrap();
        });
        assert_eq!(content(&mut file).len(), MOST + 4);
    }

    #[test]
    fn a_line_that_logs_while_it_is_built_comes_second() {
        let mut file = file("nested");
        set_deferred_logs(true);
        append::<io::Error>(file.as_raw_fd(), |out| {
            line(&file, "inner\n");
            flush_thread_logs();
            out.extend_from_slice(b"outer\n");
            Ok(())
        })
        .unwrap();
        flush_thread_logs();
        assert_eq!(content(&mut file), "inner\nouter\n");
    }

    #[test]
    fn a_line_that_fails_leaves_nothing() {
        let mut file = file("failed");
        set_deferred_logs(true);
        let result = append(file.as_raw_fd(), |out| {
            out.extend_from_slice(b"half");
            Err(io::Error::other("no"))
        });
        assert!(result.is_err());
        flush_thread_logs();
        assert_eq!(content(&mut file), "");
    }
}
