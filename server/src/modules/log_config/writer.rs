//! Who writes the lines: the usual writer (a file or a program), the buffering one of
//! `BufferedLogs`, or one that a module has set in their place.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    ptr::{null, null_mut},
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use httpd_sys::{
    self as sys, ap_log_writer, ap_log_writer_init, apr_file_t, apr_pool_t, apr_status_t,
    request_rec, server_rec,
};

use super::{index, logs::Target};
use crate::abi::http_log::{lossy, report};

const OK: apr_status_t = sys::APR_SUCCESS as apr_status_t;
/// Lines of a buffered log wait up to this size, which a pipe takes in one piece.
const BUFFER: usize = libc::PIPE_BUF;

/// The functions that open a log and write a line.
#[derive(Clone, Copy)]
struct Writer {
    open: ap_log_writer_init,
    write: ap_log_writer,
}

const USUAL: Writer = Writer {
    open: Some(open_usual),
    write: Some(write_usual),
};

static WRITER: RwLock<Writer> = RwLock::new(USUAL);
/// Whether a line may go to its descriptor without asking the writer's function.
static IS_USUAL: AtomicBool = AtomicBool::new(true);

fn change(change: impl FnOnce(&mut Writer)) {
    let mut writer = WRITER.write().unwrap_or_else(PoisonError::into_inner);
    change(&mut writer);
    let usual = write_usual as *const () as usize;
    let is_usual = writer
        .write
        .is_some_and(|write| write as *const () as usize == usual);
    IS_USUAL.store(is_usual, Ordering::Relaxed);
}

fn current() -> Writer {
    *WRITER.read().unwrap_or_else(PoisonError::into_inner)
}

/// Whether lines go to their descriptors.
pub fn is_usual() -> bool {
    IS_USUAL.load(Ordering::Relaxed)
}

/// The function that writes a line, when it is not the usual one.
pub fn function() -> ap_log_writer {
    current().write
}

/// Back to the usual writer: a new reading of the configuration begins.
pub fn reset() {
    change(|writer| *writer = USUAL);
    BUFFERED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clear();
}

/// `BufferedLogs`. Once on, they stay on, as in Apache.
pub fn set_buffered(on: bool) {
    if on {
        change(|writer| {
            *writer = Writer {
                open: Some(open_buffered),
                write: Some(write_buffered),
            };
        });
    }
}

/// The optional function `ap_log_set_writer_init`.
pub unsafe extern "C" fn set_open(function: ap_log_writer_init) -> ap_log_writer_init {
    let before = current().open;
    change(|writer| writer.open = function);
    before
}

/// The optional function `ap_log_set_writer`.
pub unsafe extern "C" fn set_write(function: ap_log_writer) -> ap_log_writer {
    let before = current().write;
    change(|writer| writer.write = function);
    before
}

/// Opens a log; `None` after telling what is wrong.
///
/// # Safety
/// The pool and the server are live.
pub unsafe fn open(pool: *mut apr_pool_t, s: *mut server_rec, name: &CStr) -> Option<Target> {
    let function = current().open?;
    // SAFETY: the caller's promise, and the contract of mod_log_config.h.
    let handle = unsafe { function(pool, s, name.as_ptr()) };
    if handle.is_null() {
        return None;
    }
    let usual = open_usual as *const () as usize;
    let mut descriptor = -1;
    let has_descriptor = function as *const () as usize == usual
        // SAFETY: the usual handle is a file of APR.
        && unsafe { sys::apr_os_file_get(&raw mut descriptor, handle.cast()) } == OK;
    Some(Target {
        handle,
        descriptor: has_descriptor.then_some(descriptor),
        is_file: !name.to_bytes().starts_with(b"|"),
    })
}

/// Opens a file or starts a program.
unsafe extern "C" fn open_usual(
    pool: *mut apr_pool_t,
    s: *mut server_rec,
    name: *const c_char,
) -> *mut c_void {
    // SAFETY: mod_log_config.h asks for a live pool and server and a string.
    unsafe {
        let text = CStr::from_ptr(name);
        if let Some(program) = text.to_bytes().strip_prefix(b"|") {
            // A part of a C string has no NUL in it.
            let program = CString::new(program).unwrap_or_default();
            let log = sys::ap_open_piped_log(pool, program.as_ptr());
            if log.is_null() {
                return null_mut();
            }
            return sys::ap_piped_log_write_fd(log).cast();
        }
        let path = sys::ap_server_root_relative(pool, name);
        if path.is_null() {
            report(
                index(),
                sys::APLOG_ERR,
                sys::APR_EBADPATH as apr_status_t,
                s,
                format_args!(
                    "AH00648: invalid transfer log path {}.",
                    text.to_string_lossy()
                ),
            );
            return null_mut();
        }
        let flags = sys::APR_FOPEN_WRITE
            | sys::APR_FOPEN_APPEND
            | sys::APR_FOPEN_CREATE
            | sys::APR_FOPEN_LARGEFILE;
        let default_permissions = 0x0fff;
        let mut file = null_mut();
        let status =
            sys::apr_file_open(&raw mut file, path, flags as i32, default_permissions, pool);
        if status != OK {
            let path = lossy(path);
            report(
                index(),
                sys::APLOG_ERR,
                status,
                s,
                format_args!("AH00649: could not open transfer log file {path}."),
            );
            return null_mut();
        }
        file.cast()
    }
}

/// Puts the portions of a line together in `out`.
///
/// # Safety
/// There are `count` portions with their lengths.
unsafe fn join(portions: *mut *const c_char, lengths: *mut c_int, count: c_int, out: &mut Vec<u8>) {
    for at in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: the caller's promise.
        let portion = unsafe {
            let length = usize::try_from(*lengths.add(at)).unwrap_or(0);
            std::slice::from_raw_parts((*portions.add(at)).cast::<u8>(), length)
        };
        out.extend_from_slice(portion);
    }
}

/// Writes a line at once.
unsafe extern "C" fn write_usual(
    _r: *mut request_rec,
    handle: *mut c_void,
    portions: *mut *const c_char,
    lengths: *mut c_int,
    count: c_int,
    length: sys::apr_size_t,
) -> apr_status_t {
    let mut line = Vec::with_capacity(length);
    // SAFETY: the contract of mod_log_config.h; the handle is what `open_usual` answered.
    unsafe {
        join(portions, lengths, count, &mut line);
        write_to(handle.cast(), &line)
    }
}

/// # Safety
/// The file is open.
unsafe fn write_to(file: *mut apr_file_t, bytes: &[u8]) -> apr_status_t {
    // SAFETY: the caller's promise; the bytes live for the call.
    unsafe {
        let length = bytes.len() as sys::apr_size_t;
        sys::apr_file_write_full(file, bytes.as_ptr().cast(), length, null_mut())
    }
}

/// A log whose lines wait until there are many, or the process ends.
struct Buffered {
    file: *mut apr_file_t,
    lines: Mutex<Vec<u8>>,
}

struct BufferedPlace(*const Buffered);

// SAFETY: only stored and read; what it points to is shared by threads through its mutex.
unsafe impl Send for BufferedPlace {}

static BUFFERED: Mutex<Vec<BufferedPlace>> = Mutex::new(Vec::new());

unsafe extern "C" fn open_buffered(
    pool: *mut apr_pool_t,
    s: *mut server_rec,
    name: *const c_char,
) -> *mut c_void {
    // SAFETY: as for `open_usual`.
    let file = unsafe { open_usual(pool, s, name) }.cast::<apr_file_t>();
    if file.is_null() {
        return null_mut();
    }
    // It is leaked: a child may write its lines after the pool of the configuration is gone.
    let log = Box::into_raw(Box::new(Buffered {
        file,
        lines: Mutex::new(Vec::with_capacity(BUFFER)),
    }));
    let mut logs = BUFFERED.lock().unwrap_or_else(PoisonError::into_inner);
    logs.push(BufferedPlace(log));
    log.cast()
}

unsafe extern "C" fn write_buffered(
    _r: *mut request_rec,
    handle: *mut c_void,
    portions: *mut *const c_char,
    lengths: *mut c_int,
    count: c_int,
    length: sys::apr_size_t,
) -> apr_status_t {
    // SAFETY: the handle is what `open_buffered` answered; the portions are as mod_log_config.h
    // says.
    unsafe {
        let log = &*handle.cast::<Buffered>();
        let mut lines = log.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut status = OK;
        if lines.len() + length > BUFFER && !lines.is_empty() {
            status = write_to(log.file, &lines);
            lines.clear();
        }
        join(portions, lengths, count, &mut lines);
        if lines.len() >= BUFFER {
            status = write_to(log.file, &lines);
            lines.clear();
        }
        status
    }
}

/// Writes what waits in buffered logs: the cleanup of a child's pool.
pub unsafe extern "C" fn flush_buffered(_: *mut c_void) -> apr_status_t {
    let logs = BUFFERED.lock().unwrap_or_else(PoisonError::into_inner);
    for BufferedPlace(log) in logs.iter() {
        // SAFETY: leaked by `open_buffered`; its file is open as long as the configuration.
        let log = unsafe { &**log };
        let mut lines = log.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if !lines.is_empty() {
            // SAFETY: as above. The process ends: there is nobody to tell.
            unsafe { write_to(log.file, &lines) };
            lines.clear();
        }
    }
    OK
}

/// Lets a child write what waits when it ends.
///
/// # Safety
/// The pool is the child's.
pub unsafe fn flush_at_end(pool: *mut apr_pool_t) {
    // SAFETY: the caller's promise.
    unsafe {
        let nothing = Some(sys::apr_pool_cleanup_null as _);
        sys::apr_pool_cleanup_register(pool, null(), Some(flush_buffered), nothing);
    }
}
