//! Programs that take the lines of a log on their standard input.
//!
//! A program of an access log is started again when it ends; the control process notices, through
//! APR's other children. The children of the server only have the writing end of the pipe.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
    sync::{Mutex, PoisonError},
};

use httpd_sys::{self as sys, apr_cmdtype_e, apr_file_t, apr_pool_t, apr_proc_t, apr_status_t};
use module_sdk::raw::Pool;

use super::{lossy, report};
use crate::mpm::helpers::{self, EndsBy};

exports! {
    ap_open_piped_log, ap_open_piped_log_ex, ap_close_piped_log, ap_piped_log_read_fd,
    ap_piped_log_write_fd,
}

const OK: apr_status_t = sys::APR_SUCCESS as apr_status_t;

/// What `piped_log *` points to. C only sees the pointer.
struct PipedLog {
    pool: *mut apr_pool_t,
    reader: *mut apr_file_t,
    writer: *mut apr_file_t,
    /// NULL once the log is being closed.
    program: *const c_char,
    process: *mut apr_proc_t,
    kind: apr_cmdtype_e,
}

/// The reading ends of pipes, which children of the server close.
static READERS: Mutex<Vec<Reader>> = Mutex::new(Vec::new());

struct Reader(*mut apr_file_t);

// SAFETY: only stored; used by the control process and, after the fork, by the child alone.
unsafe impl Send for Reader {}

/// How a program is started, by the letters before its name: `|` or none: by itself; `$`: by a
/// shell.
pub(super) fn kind_of_program(name: &[u8]) -> (apr_cmdtype_e, &[u8]) {
    let name = name.strip_prefix(b"|").unwrap_or(name);
    match name.strip_prefix(b"$") {
        Some(name) => (sys::APR_SHELLCMD_ENV, name),
        None => (sys::APR_PROGRAM_ENV, name),
    }
}

/// Closes the reading ends; called in a child.
pub(super) fn close_reading_ends() {
    let mut readers = READERS.lock().unwrap_or_else(PoisonError::into_inner);
    for Reader(file) in readers.drain(..) {
        // SAFETY: open, as its log was not closed: that takes it from the list.
        unsafe { sys::apr_file_close(file) };
    }
}

/// Starts a program for an error log, which is not started again; answers the pipe to it.
///
/// # Safety
/// The pool is live; the program lives as long as it is.
pub(super) unsafe fn start_simple(
    pool: *mut apr_pool_t,
    program: &CStr,
    kind: apr_cmdtype_e,
    without_stderr: bool,
) -> Result<*mut apr_file_t, apr_status_t> {
    // SAFETY: the caller's promise; APR fills the attributes it has made.
    unsafe {
        let mut attributes = null_mut();
        check(sys::apr_procattr_create(&raw mut attributes, pool))?;
        let (full, none) = (sys::APR_FULL_BLOCK as i32, sys::APR_NO_PIPE as i32);
        check(sys::apr_procattr_cmdtype_set(attributes, kind))?;
        check(sys::apr_procattr_io_set(attributes, full, none, none))?;
        check(in_server_root(attributes))?;
        check(sys::apr_procattr_error_check_set(attributes, 1))?;
        check(sys::apr_procattr_child_errfn_set(
            attributes,
            Some(tell_why),
        ))?;
        let mut errors = null_mut();
        let status = if without_stderr {
            let (write, default) = (sys::APR_FOPEN_WRITE as i32, 0x0fff);
            sys::apr_file_open(&raw mut errors, c"/dev/null".as_ptr(), write, default, pool)
        } else {
            sys::apr_file_open_stderr(&raw mut errors, pool)
        };
        check(status)?;
        // Its standard output stays the server's own: what it prints is no line of the log.
        check(sys::apr_procattr_child_err_set(
            attributes,
            errors,
            null_mut(),
        ))?;
        let process = run(pool, program.as_ptr(), attributes)?;
        helpers::note((*process).pid, EndsBy::EndOfInput);
        let nothing = Some(sys::apr_pool_cleanup_null as _);
        sys::apr_pool_cleanup_register(pool, process.cast(), Some(close_simple), nothing);
        close_on_exec((*process).in_);
        Ok((*process).in_)
    }
}

/// The pool's cleanup: the program gets no more, and ends when it has dealt with what it has got.
unsafe extern "C" fn close_simple(process: *mut c_void) -> apr_status_t {
    let process = process.cast::<apr_proc_t>();
    // SAFETY: made by `start_simple`, and the pool still holds it; a file that is closed already is
    // refused.
    unsafe {
        sys::apr_file_close((*process).in_);
        if !helpers::are_spared() {
            helpers::input_ended((*process).pid);
        }
    }
    OK
}

/// Lets a program run in the server's root, as soon as there is one.
///
/// # Safety
/// The attributes are live.
unsafe fn in_server_root(attributes: *mut sys::apr_procattr_t) -> apr_status_t {
    // SAFETY: the caller's promise; the root is a string or NULL.
    unsafe {
        if sys::ap_server_root.is_null() {
            return OK;
        }
        sys::apr_procattr_dir_set(attributes, sys::ap_server_root)
    }
}

/// Keeps an end of a pipe out of programs, and out of this one when it executes itself to restart:
/// a program only ends when nobody can write to it any more.
///
/// # Safety
/// The file is open.
unsafe fn close_on_exec(file: *mut apr_file_t) {
    let mut descriptor = -1;
    // SAFETY: the caller's promise; the flag concerns that descriptor alone.
    unsafe {
        if sys::apr_os_file_get(&raw mut descriptor, file) == OK {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

/// Splits a command line and starts it.
///
/// # Safety
/// The pool is live, `command` a string, and the attributes were made by APR.
unsafe fn run(
    pool: *mut apr_pool_t,
    command: *const c_char,
    attributes: *mut sys::apr_procattr_t,
) -> Result<*mut apr_proc_t, apr_status_t> {
    // SAFETY: the caller's promise; the first word exists where splitting succeeded.
    unsafe {
        let mut words = null_mut();
        check(sys::apr_tokenize_to_argv(command, &raw mut words, pool))?;
        if (*words).is_null() {
            return Err(sys::APR_EBADPATH as apr_status_t);
        }
        let process = Pool::from_ptr(pool).zeroed::<apr_proc_t>();
        let arguments = words.cast::<*const c_char>();
        check(sys::apr_proc_create(
            process,
            *words,
            arguments,
            null(),
            attributes,
            pool,
        ))?;
        Ok(process)
    }
}

fn check(status: apr_status_t) -> Result<(), apr_status_t> {
    if status == OK { Ok(()) } else { Err(status) }
}

/// Tells, in the process that should have become the program, why it has not.
unsafe extern "C" fn tell_why(
    _pool: *mut apr_pool_t,
    status: apr_status_t,
    description: *const c_char,
) {
    // SAFETY: APR passes a string.
    unsafe {
        let description = lossy(description);
        report(
            sys::APLOG_NO_MODULE,
            sys::APLOG_ERR,
            status,
            null(),
            format_args!("AH00088: {description}"),
        );
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_open_piped_log(
    pool: *mut apr_pool_t,
    program: *const c_char,
) -> *mut sys::piped_log {
    // SAFETY: the header asks for a live pool and a string; what is left of it after the letters
    // is a string, too.
    unsafe {
        let (kind, rest) = kind_of_program(CStr::from_ptr(program).to_bytes());
        ap_open_piped_log_ex(pool, rest.as_ptr().cast(), kind)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_open_piped_log_ex(
    pool: *mut apr_pool_t,
    program: *const c_char,
    kind: apr_cmdtype_e,
) -> *mut sys::piped_log {
    // SAFETY: the header asks for a live pool and a string.
    unsafe {
        let log = Pool::from_ptr(pool).zeroed::<PipedLog>();
        log.write(PipedLog {
            pool,
            reader: null_mut(),
            writer: null_mut(),
            program: sys::apr_pstrdup(pool, program),
            process: null_mut(),
            kind,
        });
        let (reader, writer) = (&raw mut (*log).reader, &raw mut (*log).writer);
        let blocking = sys::APR_FULL_BLOCK as i32;
        if sys::apr_file_pipe_create_ex(reader, writer, blocking, pool) != OK {
            return null_mut();
        }
        close_on_exec((*log).reader);
        close_on_exec((*log).writer);
        sys::apr_pool_cleanup_register(pool, log.cast(), Some(close), Some(close_for_exec));
        if spawn(log).is_err() {
            sys::apr_pool_cleanup_run(pool, log.cast(), Some(close));
            return null_mut();
        }
        let mut readers = READERS.lock().unwrap_or_else(PoisonError::into_inner);
        readers.push(Reader((*log).reader));
        log.cast()
    }
}

/// Starts the program of a log, or starts it again. Like that of an error log it runs in the server's
/// root.
///
/// # Safety
/// `log` is live and its pipe open.
unsafe fn spawn(log: *mut PipedLog) -> Result<(), apr_status_t> {
    // SAFETY: the caller's promise.
    let result = unsafe {
        let PipedLog {
            pool,
            reader,
            writer,
            program,
            kind,
            ..
        } = *log;
        (|| {
            let mut attributes = null_mut();
            check(sys::apr_procattr_create(&raw mut attributes, pool))?;
            check(sys::apr_procattr_cmdtype_set(attributes, kind))?;
            check(sys::apr_procattr_child_in_set(attributes, reader, writer))?;
            check(sys::apr_procattr_child_errfn_set(
                attributes,
                Some(tell_why),
            ))?;
            check(in_server_root(attributes))?;
            check(sys::apr_procattr_error_check_set(attributes, 1))?;
            let process = run(pool, program, attributes)?;
            (*log).process = process;
            // A copy of the writing end, which nobody uses.
            if !(*process).in_.is_null() {
                sys::apr_file_close((*process).in_);
            }
            // The pipe keeps both ends here for the next program; APR closed the child's.
            sys::apr_proc_other_child_register(process, Some(maintain), log.cast(), writer, pool);
            helpers::note((*process).pid, EndsBy::EndOfInput);
            Ok(())
        })()
    };
    if let Err(status) = result {
        // SAFETY: the caller's promise.
        unsafe {
            let program = lossy((*log).program);
            report(
                sys::APLOG_NO_MODULE,
                sys::APLOG_STARTUP | sys::APLOG_ERR,
                status,
                null(),
                format_args!("AH00104: unable to start piped log program '{program}'"),
            );
        }
    }
    result
}

/// Called by APR in the control process when something happens to the program.
unsafe extern "C" fn maintain(reason: c_int, log: *mut c_void, status: c_int) {
    let log = log.cast::<PipedLog>();
    // SAFETY: the log lives as long as it is registered.
    unsafe {
        match reason as u32 {
            sys::APR_OC_REASON_DEATH | sys::APR_OC_REASON_LOST => {
                (*log).process = null_mut();
                sys::apr_proc_other_child_unregister(log.cast());
                let closed = (*log).program.is_null();
                if closed || is_stopping() {
                    return;
                }
                let program = lossy((*log).program).into_owned();
                report(
                    sys::APLOG_NO_MODULE,
                    sys::APLOG_ERR,
                    0,
                    sys::ap_server_conf,
                    format_args!(
                        "AH00106: piped log program '{program}' failed unexpectedly ({})",
                        ending(status)
                    ),
                );
                if let Err(status) = spawn(log) {
                    report(
                        sys::APLOG_NO_MODULE,
                        sys::APLOG_ERR,
                        status,
                        sys::ap_server_conf,
                        format_args!(
                            "AH00107: piped_log_maintenance: unable to respawn '{program}'"
                        ),
                    );
                }
            }
            sys::APR_OC_REASON_UNWRITABLE | sys::APR_OC_REASON_RESTART => end_program(log),
            _ => {}
        }
    }
}

/// How a program ended, from what wait says.
fn ending(status: c_int) -> String {
    if libc::WIFSIGNALED(status) {
        format!("by signal {}", libc::WTERMSIG(status))
    } else {
        format!("with code {}", libc::WEXITSTATUS(status))
    }
}

fn is_stopping() -> bool {
    let mut state = 0;
    // SAFETY: the answer has a place.
    let status = unsafe { sys::ap_mpm_query(sys::AP_MPMQ_MPM_STATE as c_int, &raw mut state) };
    status == OK && state == sys::AP_MPMQ_STOPPING as c_int
}

/// Asks the program to end, where there is one.
///
/// # Safety
/// `log` is live.
unsafe fn end_program(log: *mut PipedLog) {
    // SAFETY: the caller's promise.
    unsafe {
        if !(*log).program.is_null() && !(*log).process.is_null() {
            sys::apr_proc_kill((*log).process, libc::SIGTERM);
        }
    }
}

/// The pool's cleanup: the program gets no more lines, ends, and is not started again. Over a restart it
/// goes on as long as there are children that write to it.
unsafe extern "C" fn close(log: *mut c_void) -> apr_status_t {
    let log = log.cast::<PipedLog>();
    // SAFETY: registered with the log, which the pool still holds.
    unsafe {
        (*log).program = null();
        forget_reader((*log).reader);
        close_for_exec(log.cast());
        let process = std::mem::replace(&mut (*log).process, null_mut());
        if !process.is_null() && !helpers::are_spared() {
            helpers::input_ended((*process).pid);
        }
    }
    OK
}

/// The same in a process that is about to become another program.
unsafe extern "C" fn close_for_exec(log: *mut c_void) -> apr_status_t {
    let log = log.cast::<PipedLog>();
    // SAFETY: as above; APR does not mind a file that is closed already.
    unsafe {
        sys::apr_file_close((*log).reader);
        sys::apr_file_close((*log).writer);
    }
    OK
}

fn forget_reader(file: *mut apr_file_t) {
    let mut readers = READERS.lock().unwrap_or_else(PoisonError::into_inner);
    readers.retain(|reader| reader.0 != file);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_close_piped_log(log: *mut sys::piped_log) {
    // SAFETY: the header asks for a log that `ap_open_piped_log` made.
    unsafe {
        let pool = (*log.cast::<PipedLog>()).pool;
        sys::apr_pool_cleanup_run(pool, log.cast(), Some(close));
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_piped_log_read_fd(log: *mut sys::piped_log) -> *mut apr_file_t {
    // SAFETY: as above.
    unsafe { (*log.cast::<PipedLog>()).reader }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_piped_log_write_fd(log: *mut sys::piped_log) -> *mut apr_file_t {
    // SAFETY: as above.
    unsafe { (*log.cast::<PipedLog>()).writer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_before_a_program_say_how_to_start_it() {
        assert_eq!(
            kind_of_program(b"/bin/cat"),
            (sys::APR_PROGRAM_ENV, &b"/bin/cat"[..])
        );
        assert_eq!(
            kind_of_program(b"|cat"),
            (sys::APR_PROGRAM_ENV, &b"cat"[..])
        );
        assert_eq!(
            kind_of_program(b"$cat >x"),
            (sys::APR_SHELLCMD_ENV, &b"cat >x"[..])
        );
    }

    /// A pool, a file's path, and a command that writes its input there.
    fn cat_to(name: &str) -> (*mut apr_pool_t, std::path::PathBuf, std::ffi::CString) {
        let path = std::env::temp_dir().join(format!("httpd-rs-{name}-{}", std::process::id()));
        let command = std::ffi::CString::new(format!("cat > {}", path.display())).unwrap();
        let mut pool = null_mut();
        // SAFETY: APR is initialised; the pool is the test's own.
        unsafe {
            assert_eq!(sys::apr_initialize(), OK);
            let status = sys::apr_pool_create_ex(&raw mut pool, null_mut(), None, null_mut());
            assert_eq!(status, OK);
        }
        (pool, path, command)
    }

    /// What the program has written, once it has.
    fn written(path: &std::path::Path) -> Vec<u8> {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            match std::fs::read(path) {
                Ok(written) if !written.is_empty() => {
                    std::fs::remove_file(path).unwrap();
                    return written;
                }
                _ if std::time::Instant::now() > deadline => return Vec::new(),
                _ => std::thread::yield_now(),
            }
        }
    }

    #[test]
    fn a_program_gets_the_lines() {
        let (pool, path, command) = cat_to("simple");
        // SAFETY: the pool is live, the line a string.
        unsafe {
            let pipe = start_simple(pool, &command, sys::APR_SHELLCMD_ENV, true).unwrap();
            assert_eq!(sys::apr_file_puts(c"a line\n".as_ptr(), pipe), OK);
            // The pool ends the program, so the line is waited for.
            assert_eq!(written(&path), b"a line\n");
            sys::apr_pool_destroy(pool);
        }
    }

    #[test]
    fn a_program_that_died_is_started_again() {
        let (pool, path, command) = cat_to("again");
        // SAFETY: as above; the log lives until it is closed.
        unsafe {
            let log = ap_open_piped_log_ex(pool, command.as_ptr(), sys::APR_SHELLCMD_ENV);
            assert!(!log.is_null());
            let first = (*(*log.cast::<PipedLog>()).process).pid;
            libc::kill(first, libc::SIGKILL);
            let mut status = 0;
            assert_eq!(libc::waitpid(first, &raw mut status, 0), first);
            assert_eq!(spawn(log.cast()), Ok(()));
            assert_ne!((*(*log.cast::<PipedLog>()).process).pid, first);
            let pipe = ap_piped_log_write_fd(log);
            assert_eq!(sys::apr_file_puts(c"a line\n".as_ptr(), pipe), OK);
            assert_eq!(written(&path), b"a line\n");
            ap_close_piped_log(log);
            assert!(READERS.lock().unwrap().is_empty());
            sys::apr_pool_destroy(pool);
        }
    }
}
