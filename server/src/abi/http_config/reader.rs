//! Reading configuration files: `ap_configfile_t`, its lines and characters.
//!
//! Modules use these functions too, for password files and the like, and may read from sources of
//! their own (`ap_pcfg_open_custom`); the configuration's reader is `tree`, through `next_line`.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    mem::{MaybeUninit, size_of},
    ptr::null_mut,
};

use httpd_sys::{self as sys, ap_configfile_t, apr_pool_t, apr_status_t};

use super::pool_text;
use crate::config::line::{self, End};

exports! {
    ap_pcfg_openfile, ap_pcfg_open_custom, ap_pcfg_strerror, ap_cfg_closefile, ap_cfg_getline,
    ap_cfg_getc,
}

pub(super) const EOF: apr_status_t = sys::APR_EOF as apr_status_t;
const NO_SPACE: apr_status_t = sys::APR_ENOSPC as apr_status_t;
const BAD_FILE: apr_status_t = sys::APR_EBADF as apr_status_t;

/// How much is asked of a source at once.
const CHUNK: usize = 8192;

unsafe extern "C" fn file_getc(ch: *mut c_char, file: *mut c_void) -> apr_status_t {
    // SAFETY: `file` is what `ap_pcfg_openfile` opened.
    unsafe { sys::apr_file_getc(ch, file.cast()) }
}

unsafe extern "C" fn file_gets(
    buffer: *mut c_void,
    size: usize,
    file: *mut c_void,
) -> apr_status_t {
    // SAFETY: as above; the buffer has `size` bytes.
    unsafe {
        sys::apr_file_gets(
            buffer.cast(),
            c_int::try_from(size).unwrap_or(c_int::MAX),
            file.cast(),
        )
    }
}

unsafe extern "C" fn file_close(file: *mut c_void) -> apr_status_t {
    // SAFETY: as above.
    unsafe { sys::apr_file_close(file.cast()) }
}

/// Opens a file for reading line by line. Only regular files and `/dev/null` are configuration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pcfg_openfile(
    ret_cfg: *mut *mut ap_configfile_t,
    p: *mut apr_pool_t,
    name: *const c_char,
) -> apr_status_t {
    // SAFETY: the header asks for a place for the answer, a live pool and a name or NULL.
    unsafe {
        if name.is_null() {
            super::log(
                p,
                sys::APLOG_ERR,
                0,
                "AH00552: Internal error: pcfg_openfile() called with NULL filename",
            );
            return BAD_FILE;
        }
        let mut file = null_mut();
        let flags = (sys::APR_FOPEN_READ | sys::APR_FOPEN_BUFFERED) as i32;
        let status = sys::apr_file_open(&mut file, name, flags, sys::APR_OS_DEFAULT as i32, p);
        if status != 0 {
            return status;
        }
        let mut info = MaybeUninit::<sys::apr_finfo_t>::zeroed();
        let wanted = sys::APR_FINFO_TYPE as i32;
        let status = sys::apr_file_info_get(info.as_mut_ptr(), wanted, file);
        if status != 0 {
            sys::apr_file_close(file);
            return status;
        }
        if info.assume_init_ref().filetype != sys::APR_REG && CStr::from_ptr(name) != c"/dev/null" {
            let text = format!(
                "AH00554: Access to file {} denied by server: not a regular file",
                CStr::from_ptr(name).to_string_lossy()
            );
            super::log(p, sys::APLOG_ERR, 0, &text);
            sys::apr_file_close(file);
            return BAD_FILE;
        }
        *ret_cfg = ap_pcfg_open_custom(
            p,
            name,
            file.cast(),
            Some(file_getc),
            Some(file_gets),
            Some(file_close),
        );
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pcfg_open_custom(
    p: *mut apr_pool_t,
    descr: *const c_char,
    param: *mut c_void,
    getc_func: Option<unsafe extern "C" fn(*mut c_char, *mut c_void) -> apr_status_t>,
    gets_func: Option<unsafe extern "C" fn(*mut c_void, usize, *mut c_void) -> apr_status_t>,
    close_func: Option<unsafe extern "C" fn(*mut c_void) -> apr_status_t>,
) -> *mut ap_configfile_t {
    // SAFETY: the header asks for a live pool; the memory is as large as the record.
    unsafe {
        let cfg = sys::apr_palloc(p, size_of::<ap_configfile_t>()).cast::<ap_configfile_t>();
        cfg.write(ap_configfile_t {
            getch: getc_func,
            getstr: gets_func,
            close: close_func,
            param,
            name: sys::apr_pstrdup(p, descr),
            line_number: 0,
        });
        cfg
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_cfg_closefile(cfp: *mut ap_configfile_t) -> c_int {
    // SAFETY: the header asks for an open configuration file.
    unsafe { (*cfp).close.map_or(0, |close| close((*cfp).param)) }
}

/// What went wrong in reading, for people; NULL when nothing did.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pcfg_strerror(
    p: *mut apr_pool_t,
    cfp: *mut ap_configfile_t,
    rc: apr_status_t,
) -> *const c_char {
    if rc == 0 {
        return std::ptr::null();
    }
    // SAFETY: the header asks for a live pool and an open configuration file.
    unsafe {
        let why = match rc {
            NO_SPACE => "Line too long".to_owned(),
            _ => super::status_text(rc),
        };
        let name = CStr::from_ptr((*cfp).name).to_string_lossy();
        let number = (*cfp).line_number;
        pool_text(p, format!("Error reading {name} at line {number}: {why}"))
    }
}

/// Reads a character and counts lines.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_cfg_getc(ch: *mut c_char, cfp: *mut ap_configfile_t) -> apr_status_t {
    // SAFETY: the header asks for an open configuration file and a place for the character.
    unsafe {
        let Some(getch) = (*cfp).getch else {
            return sys::APR_ENOTIMPL as apr_status_t;
        };
        let status = getch(ch, (*cfp).param);
        if status == 0 && *ch as u8 == b'\n' {
            (*cfp).line_number += 1;
        }
        status
    }
}

/// Reads a line into `buf`, without the white space around it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_cfg_getline(
    buf: *mut c_char,
    bufsize: usize,
    cfp: *mut ap_configfile_t,
) -> apr_status_t {
    if bufsize == 0 {
        return NO_SPACE;
    }
    let mut text = Vec::new();
    // SAFETY: the header asks for an open configuration file and a buffer of `bufsize` bytes; what
    // is copied leaves room for the NUL.
    unsafe {
        let status = next_line(&mut *cfp, &mut text, bufsize - 1);
        let kept = line::trim(&text);
        let kept = &kept[..kept.len().min(bufsize - 1)];
        buf.cast::<u8>()
            .copy_from_nonoverlapping(kept.as_ptr(), kept.len());
        buf.add(kept.len()).write(0);
        status
    }
}

/// Reads a line with those that continue it into `text`; `APR_ENOSPC` when it has more than `max`
/// bytes, `APR_EOF` at the end.
///
/// # Safety
/// The functions of `cfp` keep the contracts of the header.
pub(in crate::abi) unsafe fn next_line(
    cfp: &mut ap_configfile_t,
    text: &mut Vec<u8>,
    max: usize,
) -> apr_status_t {
    text.clear();
    let mut any = false;
    loop {
        cfp.line_number += 1;
        // SAFETY: the caller's promise.
        let status = unsafe {
            match (cfp.getstr, cfp.getch) {
                (Some(getstr), _) => chunks(getstr, cfp.param, text, max),
                (None, Some(getch)) => characters(getch, cfp.param, text, max),
                (None, None) => EOF,
            }
        };
        match status {
            0 => {}
            // A last line may lack its end, or continue into nothing.
            EOF if any => return 0,
            status => return status,
        }
        any = true;
        match line::finish(text) {
            End::Continues => {}
            End::Whole | End::Open => return 0,
        }
    }
}

type GetString = unsafe extern "C" fn(*mut c_void, usize, *mut c_void) -> apr_status_t;
type GetChar = unsafe extern "C" fn(*mut c_char, *mut c_void) -> apr_status_t;

/// Appends the source's next line, its end included.
///
/// # Safety
/// `getstr` writes a NUL-terminated string of at most the size it is given.
unsafe fn chunks(
    getstr: GetString,
    param: *mut c_void,
    text: &mut Vec<u8>,
    max: usize,
) -> apr_status_t {
    let start = text.len();
    let mut chunk = MaybeUninit::<[u8; CHUNK]>::uninit();
    loop {
        // SAFETY: the caller's promise; after success the chunk holds a string.
        let part = unsafe {
            chunk.as_mut_ptr().cast::<u8>().write(0);
            match getstr(chunk.as_mut_ptr().cast(), CHUNK, param) {
                0 => CStr::from_ptr(chunk.as_ptr().cast()).to_bytes(),
                EOF if text.len() > start => return 0,
                status => return status,
            }
        };
        text.extend_from_slice(part);
        // The line end does not count.
        if text.len() > max.saturating_add(1) {
            return NO_SPACE;
        }
        if part.len() < CHUNK - 1 || part.ends_with(b"\n") {
            return 0;
        }
    }
}

/// The same, character by character.
///
/// # Safety
/// `getch` writes one character.
unsafe fn characters(
    getch: GetChar,
    param: *mut c_void,
    text: &mut Vec<u8>,
    max: usize,
) -> apr_status_t {
    let start = text.len();
    loop {
        let mut ch: c_char = 0;
        // SAFETY: the caller's promise.
        match unsafe { getch(&mut ch, param) } {
            0 => {}
            EOF if text.len() > start => return 0,
            status => return status,
        }
        if ch as u8 == b'\n' {
            text.push(b'\n');
            return 0;
        }
        if text.len() >= max {
            return NO_SPACE;
        }
        text.push(ch as u8);
    }
}

/// The bytes up to the first NUL, as the C functions that get them see them.
pub(super) fn c_string(bytes: &[u8]) -> CString {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    CString::new(&bytes[..end]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::http_config::testing::with_pool;

    unsafe extern "C" fn getch(ch: *mut c_char, param: *mut c_void) -> apr_status_t {
        // SAFETY: the tests pass a slice that outlives its reading.
        unsafe {
            let rest = &mut *param.cast::<&[u8]>();
            let Some((&first, others)) = rest.split_first() else {
                return EOF;
            };
            *rest = others;
            ch.write(first as c_char);
            0
        }
    }

    unsafe extern "C" fn getstr(buf: *mut c_void, size: usize, param: *mut c_void) -> apr_status_t {
        // SAFETY: as above; the buffer has `size` bytes.
        unsafe {
            let rest = &mut *param.cast::<&[u8]>();
            if rest.is_empty() {
                return EOF;
            }
            let end = rest
                .iter()
                .position(|&b| b == b'\n')
                .map_or(rest.len(), |n| n + 1);
            let (now, later) = rest.split_at(end.min(size - 1));
            buf.cast::<u8>()
                .copy_from_nonoverlapping(now.as_ptr(), now.len());
            buf.cast::<u8>().add(now.len()).write(0);
            *rest = later;
            0
        }
    }

    fn read(text: &[u8], by_string: bool, size: usize) -> Vec<(Result<String, i32>, u32)> {
        let mut lines = Vec::new();
        // SAFETY: the pool and the text outlive the reading.
        with_pool(|pool| unsafe {
            let mut rest = text;
            let cfg = ap_pcfg_open_custom(
                pool,
                c"text".as_ptr(),
                (&raw mut rest).cast(),
                Some(getch),
                by_string.then_some(getstr as GetString),
                None,
            );
            let mut buffer = vec![0 as c_char; size];
            loop {
                let status = ap_cfg_getline(buffer.as_mut_ptr(), size, cfg);
                if status == EOF {
                    break;
                }
                let line = CStr::from_ptr(buffer.as_ptr())
                    .to_string_lossy()
                    .into_owned();
                let line = if status == 0 { Ok(line) } else { Err(status) };
                lines.push((line, (*cfg).line_number));
                if status != 0 {
                    break;
                }
            }
        });
        lines
    }

    #[test]
    fn lines_are_joined_trimmed_and_counted() {
        for by_string in [true, false] {
            let lines = read(b"  a b  \n\nc \\\r\n  d\n# x\\", by_string, 100);
            let texts: Vec<_> = lines
                .iter()
                .map(|(text, number)| (text.as_deref().unwrap_or("?"), *number))
                .collect();
            assert_eq!(
                texts,
                [("a b", 1), ("", 2), ("c   d", 4), ("# x\\", 5)],
                "by string: {by_string}"
            );
        }
    }

    #[test]
    fn a_line_that_does_not_fit_is_an_error() {
        for by_string in [true, false] {
            assert_eq!(read(b"0123456789\n", by_string, 11).len(), 1);
            let lines = read(b"0123456789\n", by_string, 10);
            assert_eq!(lines[0].0, Err(NO_SPACE), "by string: {by_string}");
            let long = vec![b'x'; 3 * CHUNK];
            let lines = read(&long, by_string, 4 * CHUNK);
            assert_eq!(lines[0].0.as_ref().map(String::len), Ok(3 * CHUNK));
        }
    }

    #[test]
    fn continued_lines_count_as_one_in_length() {
        let text = b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\\n".repeat(100);
        assert_eq!(read(&text, true, 1000)[0].0, Err(NO_SPACE));
    }

    #[test]
    fn what_is_no_regular_file_is_refused() {
        // SAFETY: the pool lives as long as the file.
        with_pool(|pool| unsafe {
            let mut cfg = null_mut();
            assert_eq!(
                ap_pcfg_openfile(&mut cfg, pool, c"/none".as_ptr()),
                libc::ENOENT
            );
            assert_eq!(ap_pcfg_openfile(&mut cfg, pool, c"/dev/null".as_ptr()), 0);
            let mut buffer = [0 as c_char; 10];
            assert_eq!(ap_cfg_getline(buffer.as_mut_ptr(), 10, cfg), EOF);
            assert_eq!(ap_cfg_closefile(cfg), 0);
            let error = CStr::from_ptr(ap_pcfg_strerror(pool, cfg, NO_SPACE));
            assert_eq!(error, c"Error reading /dev/null at line 1: Line too long");
        });
    }
}
