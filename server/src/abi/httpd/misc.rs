//! Times, numbers, digests and searches: the rest of `httpd.h`, `util_time.h` and `util_md5.h`.

use std::{
    cell::Cell,
    ffi::{CStr, c_char, c_int, c_uchar, c_void},
    ptr::null_mut,
};

use httpd_sys as sys;
use module_sdk::raw::{Array, Pool};

use super::escapes::bytes;
use crate::abi::apr;

exports! {
    ap_recent_rfc822_date, ap_recent_ctime, ap_recent_ctime_ex, ap_explode_recent_gmt,
    ap_explode_recent_localtime, ap_ht_time, ap_md5, ap_md5_binary, ap_md5contextTo64, ap_md5digest,
    ap_pbase64decode, ap_pbase64encode, ap_append_pid, ap_parse_strict_length,
    ap_timeout_parameter_parse, ap_array_str_contains, ap_array_str_index, ap_ind, ap_rind,
    ap_get_loadavg, ap_get_sload, ap_bin2hex, ap_construct_server, ap_request_has_body,
    ap_memeq_timingsafe, ap_streq_timingsafe, ap_strneq_timingsafe, ap_malloc, ap_calloc,
    ap_realloc, ap_abort_on_oom, ap_get_exec_line, ap_strchr, ap_strchr_c, ap_strrchr, ap_strrchr_c,
    ap_strstr, ap_strstr_c, ap_str2_alnum, ap_pstr2_alnum, ap_escape_errorlog_item,
}

const APR_EGENERAL: sys::apr_status_t = 20014;

type Text = [c_char; sys::APR_RFC822_DATE_LEN as usize];

thread_local! {
    /// The second that was written last, and its text.
    static LAST: Cell<(i64, Text)> = const { Cell::new((i64::MIN, [0; sys::APR_RFC822_DATE_LEN as usize])) };
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`. Most calls are for the second that was asked for last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_recent_rfc822_date(
    date_str: *mut c_char,
    t: sys::apr_time_t,
) -> sys::apr_status_t {
    let second = t.div_euclid(1_000_000);
    let (last, mut text) = LAST.get();
    // SAFETY: the header asks for room for APR_RFC822_DATE_LEN bytes, which is what APR writes.
    unsafe {
        if last != second {
            let status = sys::apr_rfc822_date(text.as_mut_ptr(), t);
            if status != 0 {
                return status;
            }
            LAST.set((second, text));
        }
        std::ptr::copy_nonoverlapping(text.as_ptr(), date_str, text.len());
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_recent_ctime(
    date_str: *mut c_char,
    t: sys::apr_time_t,
) -> sys::apr_status_t {
    // SAFETY: the header asks for room for APR_CTIME_LEN bytes.
    unsafe { sys::apr_ctime(date_str, t) }
}

/// `option` may ask for microseconds (`AP_CTIME_OPTION_USEC`) or the compact form (`..._COMPACT`);
/// `len` tells the room and gets the length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_recent_ctime_ex(
    date_str: *mut c_char,
    t: sys::apr_time_t,
    option: c_int,
    len: *mut c_int,
) -> sys::apr_status_t {
    let has = |flag: u32| option as u32 & flag != 0;
    // SAFETY: the header asks for `*len` bytes of room; APR fills the record.
    unsafe {
        let mut time: sys::apr_time_exp_t = std::mem::zeroed();
        let status = sys::apr_time_exp_lt(&raw mut time, t);
        if status != 0 {
            return status;
        }
        let fraction = if has(sys::AP_CTIME_OPTION_USEC) {
            format!(".{:06}", time.tm_usec)
        } else {
            String::new()
        };
        let format = if has(sys::AP_CTIME_OPTION_COMPACT) {
            format!("%Y-%m-%d %H:%M:%S{fraction}")
        } else {
            format!("%a %b %d %H:%M:%S{fraction} %Y")
        };
        let Ok(format) = std::ffi::CString::new(format) else {
            return APR_EGENERAL;
        };
        let mut written = 0;
        let room = usize::try_from(*len).unwrap_or(0);
        let status = sys::apr_strftime(
            date_str,
            &raw mut written,
            room,
            format.as_ptr(),
            &raw mut time,
        );
        if status != 0 || written == 0 {
            return sys::APR_ENOMEM as sys::apr_status_t;
        }
        *len = written as c_int + 1;
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_explode_recent_gmt(
    tm: *mut sys::apr_time_exp_t,
    t: sys::apr_time_t,
) -> sys::apr_status_t {
    // SAFETY: the header asks for a record.
    unsafe { sys::apr_time_exp_gmt(tm, t) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_explode_recent_localtime(
    tm: *mut sys::apr_time_exp_t,
    t: sys::apr_time_t,
) -> sys::apr_status_t {
    // SAFETY: the header asks for a record.
    unsafe { sys::apr_time_exp_lt(tm, t) }
}

/// A time after a format of strftime; with `gmt`, `%Z` is `GMT` and `%z` `+0000`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ht_time(
    p: *mut sys::apr_pool_t,
    t: sys::apr_time_t,
    fmt: *const c_char,
    gmt: c_int,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a string; APR writes as much as it is told.
    unsafe {
        let mut time: sys::apr_time_exp_t = std::mem::zeroed();
        let mut format = bytes(fmt).to_vec();
        if gmt != 0 {
            sys::apr_time_exp_gmt(&raw mut time, t);
            let mut replaced = Vec::with_capacity(format.len() + 8);
            let mut rest = &format[..];
            while let Some((&byte, more)) = rest.split_first() {
                match (byte, more) {
                    (b'%', [b'Z', behind @ ..]) => {
                        replaced.extend_from_slice(b"GMT");
                        rest = behind;
                    }
                    (b'%', [b'z', behind @ ..]) => {
                        replaced.extend_from_slice(b"+0000");
                        rest = behind;
                    }
                    (b'%', [other, behind @ ..]) => {
                        replaced.extend_from_slice(&[b'%', *other]);
                        rest = behind;
                    }
                    _ => {
                        replaced.push(byte);
                        rest = more;
                    }
                }
            }
            format = replaced;
        } else {
            sys::apr_time_exp_lt(&raw mut time, t);
        }
        let format = Pool::from_ptr(p).copy(format);
        let mut text = [0 as c_char; 8192];
        let mut length = 0;
        sys::apr_strftime(
            text.as_mut_ptr(),
            &raw mut length,
            text.len(),
            format.as_ptr(),
            &raw mut time,
        );
        sys::apr_pstrmemdup(p, text.as_ptr(), length)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_md5(a: *mut sys::apr_pool_t, string: *const c_uchar) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a string.
    unsafe { ap_md5_binary(a, string, libc::strlen(string.cast()) as c_int) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_md5_binary(
    a: *mut sys::apr_pool_t,
    buf: *const c_uchar,
    len: c_int,
) -> *mut c_char {
    let mut digest = [0u8; sys::APR_MD5_DIGESTSIZE as usize];
    // SAFETY: the header asks for a live pool and `len` bytes; the room holds the digits.
    unsafe {
        sys::apr_md5(
            digest.as_mut_ptr(),
            buf.cast(),
            usize::try_from(len).unwrap_or(0),
        );
        let text = sys::apr_palloc(a, 2 * digest.len() + 1).cast::<c_char>();
        ap_bin2hex(digest.as_ptr().cast(), digest.len(), text);
        text
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_md5contextTo64(
    p: *mut sys::apr_pool_t,
    context: *mut sys::apr_md5_ctx_t,
) -> *mut c_char {
    let mut digest = [0u8; sys::APR_MD5_DIGESTSIZE as usize];
    // SAFETY: the header asks for a live pool and context; the room is what APR says it needs.
    unsafe {
        sys::apr_md5_final(digest.as_mut_ptr(), context);
        let length = digest.len() as c_int;
        let text = sys::apr_palloc(p, apr::apr_base64_encode_len(length) as usize).cast();
        apr::apr_base64_encode_binary(text, digest.as_ptr(), length);
        text
    }
}

/// The digest of a file from its beginning, in base 64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_md5digest(
    p: *mut sys::apr_pool_t,
    infile: *mut sys::apr_file_t,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and an open file; APR fills what it is given.
    unsafe {
        let mut context: sys::apr_md5_ctx_t = std::mem::zeroed();
        sys::apr_md5_init(&raw mut context);
        let mut buffer = [0u8; 4096];
        loop {
            let mut length = buffer.len();
            let status = sys::apr_file_read(infile, buffer.as_mut_ptr().cast(), &raw mut length);
            if status != 0 {
                break;
            }
            sys::apr_md5_update(&raw mut context, buffer.as_ptr().cast(), length);
        }
        let mut start = 0;
        sys::apr_file_seek(infile, sys::APR_SET as c_int, &raw mut start);
        ap_md5contextTo64(p, &raw mut context)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pbase64decode(
    p: *mut sys::apr_pool_t,
    bufcoded: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a string; the room is what APR says it needs.
    unsafe {
        let room = apr::apr_base64_decode_len(bufcoded) as usize;
        let text = sys::apr_palloc(p, room + 1).cast::<c_char>();
        let length = apr::apr_base64_decode(text, bufcoded);
        text.add(length as usize).write(0);
        text
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pbase64encode(
    p: *mut sys::apr_pool_t,
    string: *mut c_char,
) -> *mut c_char {
    // SAFETY: as above.
    unsafe {
        let length = libc::strlen(string) as c_int;
        let text = sys::apr_palloc(p, apr::apr_base64_encode_len(length) as usize + 1);
        let text = text.cast::<c_char>();
        let length = apr::apr_base64_encode(text, string, length);
        text.add(length as usize).write(0);
        text
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_append_pid(
    p: *mut sys::apr_pool_t,
    string: *const c_char,
    delim: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and strings.
    unsafe {
        let mut text = bytes(string).to_vec();
        text.extend_from_slice(bytes(delim));
        text.extend_from_slice(std::process::id().to_string().as_bytes());
        Pool::from_ptr(p).copy(text).as_ptr().cast_mut()
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_parse_strict_length(
    len: *mut sys::apr_off_t,
    str: *const c_char,
) -> c_int {
    // SAFETY: the header asks for a string and a place for the number.
    unsafe {
        let digits = bytes(str);
        let number = digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| std::str::from_utf8(digits).ok()?.parse::<i64>().ok())
            .flatten();
        match number {
            Some(number) => {
                len.write(number);
                1
            }
            None => 0,
        }
    }
}

/// `30`, `500ms`, `2mi`, `1h`; a bare number is of the default unit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_timeout_parameter_parse(
    timeout_parameter: *const c_char,
    timeout: *mut sys::apr_interval_time_t,
    default_time_unit: *const c_char,
) -> sys::apr_status_t {
    // SAFETY: the header asks for strings and a place for the answer.
    unsafe {
        let text = bytes(timeout_parameter);
        let digits = text
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(text.len());
        let number = std::str::from_utf8(&text[..digits])
            .ok()
            .and_then(|digits| digits.parse::<i64>().ok());
        let Some(number) = number else {
            return APR_EGENERAL;
        };
        let unit = match &text[digits..] {
            [] => bytes(default_time_unit),
            unit => unit,
        };
        let microseconds = match unit.to_ascii_lowercase().as_slice() {
            [b's', ..] => 1_000_000,
            [b'h', ..] => 3_600_000_000,
            [b'm', b's', ..] => 1_000,
            [b'm', b'i', ..] => 60_000_000,
            [b'u', b's', ..] => 1,
            _ => return APR_EGENERAL,
        };
        match number.checked_mul(microseconds) {
            Some(interval) => {
                timeout.write(interval);
                0
            }
            None => APR_EGENERAL,
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_array_str_index(
    array: *const sys::apr_array_header_t,
    s: *const c_char,
    start: c_int,
) -> c_int {
    let Ok(start) = usize::try_from(start) else {
        return -1;
    };
    // SAFETY: the header asks for an array of strings and a string.
    unsafe {
        let list = Array::<*const c_char>::from_ptr(array.cast_mut());
        let wanted = bytes(s);
        let found = (start..list.len())
            .find(|&index| list.get(index).is_some_and(|text| bytes(text) == wanted));
        found.map_or(-1, |index| index as c_int)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_array_str_contains(
    array: *const sys::apr_array_header_t,
    s: *const c_char,
) -> c_int {
    // SAFETY: passed on as it came.
    c_int::from(unsafe { ap_array_str_index(array, s, 0) } >= 0)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ind(str: *const c_char, c: c_char) -> c_int {
    // SAFETY: the header asks for a string.
    let found = unsafe { bytes(str) }
        .iter()
        .position(|&byte| byte == c as u8);
    found.map_or(-1, |index| index as c_int)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_rind(str: *const c_char, c: c_char) -> c_int {
    // SAFETY: the header asks for a string.
    let found = unsafe { bytes(str) }
        .iter()
        .rposition(|&byte| byte == c as u8);
    found.map_or(-1, |index| index as c_int)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_loadavg(ld: *mut sys::ap_loadavg_t) {
    let mut averages = [0.0f64; 3];
    // SAFETY: the header asks for a record; three numbers are written at most.
    unsafe {
        libc::getloadavg(averages.as_mut_ptr(), 3);
        ld.write(sys::ap_loadavg_t {
            loadavg: averages[0] as f32,
            loadavg5: averages[1] as f32,
            loadavg15: averages[2] as f32,
        });
    }
}

/// How busy the server is: shares of threads in percent, and what has been served.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_sload(ld: *mut sys::ap_sload_t) {
    let (mut ready, mut busy, mut served, mut accesses) = (0u64, 0u64, 0, 0);
    let (mut children, mut threads) = (0, 0);
    // SAFETY: the header asks for a record; the scoreboard answers NULL for what there is not.
    unsafe {
        sys::ap_mpm_query(sys::AP_MPMQ_HARD_LIMIT_DAEMONS as c_int, &raw mut children);
        sys::ap_mpm_query(sys::AP_MPMQ_HARD_LIMIT_THREADS as c_int, &raw mut threads);
        for child in 0..children {
            let process = sys::ap_get_scoreboard_process(child);
            if process.is_null() || (*process).pid == 0 {
                continue;
            }
            for thread in 0..threads {
                let worker = sys::ap_get_scoreboard_worker_from_indexes(child, thread);
                if worker.is_null() {
                    continue;
                }
                match u32::from((*worker).status) {
                    sys::SERVER_READY => ready += 1,
                    sys::SERVER_DEAD | sys::SERVER_STARTING => {}
                    _ => busy += 1,
                }
                accesses += (*worker).access_count;
                served += (*worker).bytes_served;
            }
        }
        let all = (ready + busy).max(1);
        ld.write(sys::ap_sload_t {
            idle: (ready * 100 / all) as c_int,
            busy: (busy * 100 / all) as c_int,
            bytes_served: served as sys::apr_off_t,
            access_count: accesses,
        });
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_bin2hex(src: *const c_void, srclen: usize, dest: *mut c_char) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // SAFETY: the header asks for `srclen` bytes, and room for twice as many and a NUL.
    unsafe {
        let bytes = std::slice::from_raw_parts(src.cast::<u8>(), srclen);
        for (index, byte) in bytes.iter().enumerate() {
            let [high, low] = [byte >> 4, byte & 15].map(|half| DIGITS[usize::from(half)]);
            dest.add(2 * index).write(high as c_char);
            dest.add(2 * index + 1).write(low as c_char);
        }
        dest.add(2 * srclen).write(0);
    }
}

/// `host`, or `host:port` when the port is not the usual one of the request's scheme.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_construct_server(
    p: *mut sys::apr_pool_t,
    hostname: *const c_char,
    port: sys::apr_port_t,
    r: *const sys::request_rec,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and request, and a string.
    unsafe {
        if sys::ap_run_default_port(r) == port {
            return sys::apr_pstrdup(p, hostname);
        }
        let host = CStr::from_ptr(hostname).to_string_lossy();
        Pool::from_ptr(p).text_ptr(format_args!("{host}:{port}"))
    }
}

/// Whether a request says that it has a body.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_request_has_body(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe {
        let fields = (*r).headers_in;
        let length = sys::apr_table_get(fields, c"Content-Length".as_ptr());
        let mut bytes = 0;
        c_int::from(
            (*r).header_only == 0
                && ((*r).kept_body != null_mut()
                    || !sys::apr_table_get(fields, c"Transfer-Encoding".as_ptr()).is_null()
                    || (!length.is_null()
                        && ap_parse_strict_length(&raw mut bytes, length) != 0
                        && bytes > 0)),
        )
    }
}

/// Whether `n` bytes are equal, in a time that does not tell where they differ.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_memeq_timingsafe(
    buf1: *const c_void,
    buf2: *const c_void,
    n: usize,
) -> c_int {
    // SAFETY: the header asks for `n` bytes each; volatile reads keep the comparison whole.
    let difference = (0..n).fold(0, |all, index| unsafe {
        let one = buf1.cast::<u8>().add(index).read_volatile();
        let other = buf2.cast::<u8>().add(index).read_volatile();
        all | (one ^ other)
    });
    c_int::from(difference == 0)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_streq_timingsafe(str1: *const c_char, str2: *const c_char) -> c_int {
    // SAFETY: the header asks for strings; as many bytes of both are read as the shorter has.
    unsafe {
        let (one, other) = (bytes(str1), bytes(str2));
        let common = one.len().min(other.len());
        let same = ap_memeq_timingsafe(str1.cast(), str2.cast(), common);
        same & c_int::from(one.len() == other.len())
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strneq_timingsafe(
    str1: *const c_char,
    str2: *const c_char,
    n: usize,
) -> c_int {
    // SAFETY: the header asks for strings; what lies behind a NUL is not read.
    unsafe {
        let (one, other) = (libc::strnlen(str1, n), libc::strnlen(str2, n));
        let same = ap_memeq_timingsafe(str1.cast(), str2.cast(), one.min(other));
        same & c_int::from(one == other)
    }
}

/// There is no memory left: ends the process, as nothing can be said or undone without any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_abort_on_oom() -> ! {
    let message = b"[crit] Memory allocation failed, aborting process.\n";
    // SAFETY: writes a constant, and ends the process.
    unsafe {
        libc::write(libc::STDERR_FILENO, message.as_ptr().cast(), message.len());
        libc::abort()
    }
}

/// Memory of the C library that was asked for; the process ends when there is none.
unsafe fn or_abort(memory: *mut c_void, size: usize) -> *mut c_void {
    if memory.is_null() && size > 0 {
        // SAFETY: ends the process.
        unsafe { ap_abort_on_oom() }
    }
    memory
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_malloc(size: usize) -> *mut c_void {
    // SAFETY: any size may be asked for.
    unsafe { or_abort(libc::malloc(size), size) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_calloc(nelem: usize, size: usize) -> *mut c_void {
    // SAFETY: any size may be asked for.
    unsafe { or_abort(libc::calloc(nelem, size), nelem.saturating_mul(size)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_realloc(ptr: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the header asks for memory of the C library, or NULL.
    unsafe { or_abort(libc::realloc(ptr, size), size) }
}

/// The first line that a program prints; NULL when it cannot be run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_exec_line(
    p: *mut sys::apr_pool_t,
    cmd: *const c_char,
    argv: *const *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool, a string and a list of strings ended by NULL.
    unsafe {
        let mut command =
            std::process::Command::new(CStr::from_ptr(cmd).to_string_lossy().into_owned());
        let mut argument = argv.add(1);
        while !(*argv).is_null() && !(*argument).is_null() {
            command.arg(CStr::from_ptr(*argument).to_string_lossy().into_owned());
            argument = argument.add(1);
        }
        let Ok(output) = command.stdin(std::process::Stdio::null()).output() else {
            return null_mut();
        };
        let line = output.stdout.split(|&byte| byte == b'\n').next();
        Pool::from_ptr(p)
            .copy(line.unwrap_or_default().trim_ascii_end())
            .as_ptr()
            .cast_mut()
    }
}

/// The C library's searches as functions, which modules built for debugging ask for.
macro_rules! searches {
    ($($name:ident $name_c:ident $function:path, $second:ty;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(s: *mut c_char, second: $second) -> *mut c_char {
            // SAFETY: the header asks for what the C library asks for.
            unsafe { $function(s, second) }
        }

        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name_c(s: *const c_char, second: $second) -> *const c_char {
            // SAFETY: as above.
            unsafe { $function(s, second) }
        }
    )*};
}

searches! {
    ap_strchr ap_strchr_c libc::strchr, c_int;
    ap_strrchr ap_strrchr_c libc::strrchr, c_int;
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strstr(s: *mut c_char, c: *const c_char) -> *mut c_char {
    // SAFETY: the header asks for strings.
    unsafe { libc::strstr(s, c) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strstr_c(s: *const c_char, c: *const c_char) -> *const c_char {
    // SAFETY: the header asks for strings.
    unsafe { libc::strstr(s, c) }
}

/// Copies; what is no letter or digit becomes an underscore.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_str2_alnum(src: *const c_char, dest: *mut c_char) -> sys::apr_status_t {
    // SAFETY: the header asks for a string, and room for it.
    unsafe {
        let text = bytes(src);
        for (index, byte) in text.iter().enumerate() {
            let kept = if byte.is_ascii_alphanumeric() {
                *byte
            } else {
                b'_'
            };
            dest.add(index).write(kept as c_char);
        }
        dest.add(text.len()).write(0);
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pstr2_alnum(
    p: *mut sys::apr_pool_t,
    src: *const c_char,
    dest: *mut *const c_char,
) -> sys::apr_status_t {
    // SAFETY: the header asks for a live pool, a string and a place for the answer.
    unsafe {
        let room = sys::apr_palloc(p, libc::strlen(src) + 1).cast();
        ap_str2_alnum(src, room);
        dest.write(room);
    }
    0
}

/// Escapes for the error log into `buflen` bytes; answers how many the text would need.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_escape_errorlog_item(
    dest: *mut c_char,
    source: *const c_char,
    buflen: usize,
) -> usize {
    if source.is_null() || buflen == 0 {
        return 0;
    }
    // SAFETY: the header asks for a string, and `buflen` bytes of room.
    unsafe {
        let mut text = Vec::new();
        crate::log::escape::for_error_log(bytes(source), &mut text);
        let count = text.len().min(buflen - 1);
        std::ptr::copy_nonoverlapping(text.as_ptr().cast(), dest, count);
        dest.add(count).write(0);
        count
    }
}
