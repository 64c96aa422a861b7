//! The machine and its load, programs, and forms: part of `httpd.h`.

use std::{
    ffi::{CStr, c_char, c_int},
    mem::size_of,
    ptr::null_mut,
};

use httpd_sys::{self as sys, ap_form_pair_t, apr_pool_t, request_rec};
use module_sdk::raw::{Array, Brigade, Pool, text};

use crate::util::{
    exec,
    form::{Field, Form, TooLarge},
};

exports! {
    ap_get_loadavg, ap_get_sload, ap_get_local_host, ap_get_exec_line, ap_request_has_body,
    ap_parse_form_data, ap_check_mpm,
}

/// The system's load; zero where it is unknown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_loadavg(ld: *mut sys::ap_loadavg_t) {
    let mut loads = [0f64; 3];
    // SAFETY: room for three numbers, and the header asks for a record to be filled.
    unsafe {
        if libc::getloadavg(loads.as_mut_ptr(), 3) < 0 {
            loads = [0.0; 3];
        }
        ld.write(sys::ap_loadavg_t {
            loadavg: loads[0] as f32,
            loadavg5: loads[1] as f32,
            loadavg15: loads[2] as f32,
        });
    }
}

/// How busy the server is, in percent (-1: unknown), and what it has served.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_sload(ld: *mut sys::ap_sload_t) {
    let ask = |code: u32| {
        let mut answer = 0;
        // SAFETY: a place for the answer.
        match unsafe { sys::ap_mpm_query(code as c_int, &raw mut answer) } {
            0 => answer,
            _ => 0,
        }
    };
    let generation = ask(sys::AP_MPMQ_GENERATION);
    let threads = ask(sys::AP_MPMQ_HARD_LIMIT_THREADS);
    let (mut ready, mut busy) = (0u64, 0u64);
    // SAFETY: the header asks for a record to be filled; the scoreboard has records for every place
    // below the limits, and the functions check them.
    unsafe {
        let extended = *(&raw const sys::ap_extended_status) != 0;
        ld.write(sys::ap_sload_t {
            idle: -1,
            busy: -1,
            bytes_served: 0,
            access_count: 0,
        });
        if (*(&raw const sys::ap_scoreboard_image)).is_null() {
            return;
        }
        for child in 0..ask(sys::AP_MPMQ_HARD_LIMIT_DAEMONS) {
            let process = sys::ap_get_scoreboard_process(child);
            if process.is_null() || (*process).quiescing != 0 || (*process).pid == 0 {
                continue;
            }
            for thread in 0..threads {
                let worker = sys::ap_get_scoreboard_worker_from_indexes(child, thread);
                if worker.is_null() {
                    continue;
                }
                let status = u32::from((*worker).status);
                match status {
                    sys::SERVER_READY if (*process).generation == generation => ready += 1,
                    sys::SERVER_DEAD | sys::SERVER_STARTING | sys::SERVER_IDLE_KILL => {}
                    _ => busy += 1,
                }
                let idle = status == sys::SERVER_READY || status == sys::SERVER_DEAD;
                if extended && ((*worker).access_count != 0 || !idle) {
                    (*ld).access_count += (*worker).access_count;
                    (*ld).bytes_served += (*worker).bytes_served;
                }
            }
        }
        let percent = |share: u64| (share * 100).checked_div(ready + busy);
        if let (Some(idle), Some(busy)) = (percent(ready), percent(busy)) {
            // Percentages fit.
            ((*ld).idle, (*ld).busy) = (idle as c_int, busy as c_int);
        }
    }
}

/// The name of this machine for ServerName, as well as it can be found; a guess is logged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_local_host(p: *mut apr_pool_t) -> *mut c_char {
    // SAFETY: the header asks for a live pool; APR writes strings of that pool.
    unsafe {
        let name = match own_name(p) {
            Ok(name) => name,
            Err((message, name)) => {
                if let Some(message) = message {
                    log(sys::APLOG_STARTUP | sys::APLOG_WARNING, &message);
                }
                let message = format!(
                    "AH00558: {}: Could not reliably determine the server's fully qualified domain \
                     name, using {}. Set the 'ServerName' directive globally to suppress this \
                     message",
                    program(),
                    CStr::from_ptr(name).to_string_lossy()
                );
                log(sys::APLOG_STARTUP | sys::APLOG_ALERT, &message);
                name
            }
        };
        sys::apr_pstrdup(p, name)
    }
}

/// The name with its domain; or what is wrong, and the best that is known.
///
/// # Safety
/// The pool is live.
unsafe fn own_name(p: *mut apr_pool_t) -> Result<*const c_char, (Option<String>, *const c_char)> {
    const LAST: *const c_char = c"127.0.0.1".as_ptr();
    let mut host = [0 as c_char; sys::APRMAXHOSTLEN as usize + 1];
    // SAFETY: the caller's promise; buffers have the sizes told.
    unsafe {
        let host_length = host.len() as c_int - 1;
        if sys::apr_gethostname(host.as_mut_ptr(), host_length, p) != 0 {
            let message = format!(
                "AH00556: {}: apr_gethostname() failed to determine ServerName",
                program()
            );
            return Err((Some(message), LAST));
        }
        let host = sys::apr_pstrdup(p, host.as_ptr());
        let mut address = null_mut();
        let family = sys::APR_UNSPEC as c_int;
        if sys::apr_sockaddr_info_get(&raw mut address, host, family, 0, 0, p) != 0 {
            let message = format!(
                "AH00557: {}: apr_sockaddr_info_get() failed for {}",
                program(),
                CStr::from_ptr(host).to_string_lossy()
            );
            return Err((Some(message), LAST));
        }
        let has_domain = |name: *const c_char| CStr::from_ptr(name).to_bytes().contains(&b'.');
        let mut name = null_mut();
        if sys::apr_getnameinfo(&raw mut name, address, 0) == 0
            && !name.is_null()
            && has_domain(name)
        {
            return Ok(name);
        }
        if has_domain(host) {
            return Ok(host);
        }
        let mut ip = null_mut();
        match sys::apr_sockaddr_ip_get(&raw mut ip, address) {
            0 => Err((None, ip)),
            _ => Err((None, LAST)),
        }
    }
}

/// What the server was called as.
fn program() -> String {
    // SAFETY: set once at the start; NULL or a string.
    unsafe { text(*(&raw const sys::ap_server_argv0)) }
        .unwrap_or(c"httpd")
        .to_string_lossy()
        .into_owned()
}

/// Logs about the server as a whole.
fn log(level: u32, message: &str) {
    let Ok(message) = std::ffi::CString::new(message) else {
        return;
    };
    // SAFETY: strings; the format takes one.
    unsafe {
        sys::ap_log_error_(
            c"server/src/abi/httpd/processes.rs".as_ptr(),
            line!() as c_int,
            sys::AP_CORE_MODULE_INDEX as c_int,
            level as c_int,
            0,
            std::ptr::null(),
            c"%s".as_ptr(),
            message.as_ptr(),
        );
    }
}

/// The first line that a program prints; NULL if it cannot be run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_exec_line(
    p: *mut apr_pool_t,
    cmd: *const c_char,
    argv: *const *const c_char,
) -> *mut c_char {
    const LONGEST: usize = sys::HUGE_STRING_LEN as usize - 1;
    // SAFETY: the header asks for a live pool, a path, and a list of strings that ends with NULL.
    unsafe {
        let mut arguments = Vec::new();
        while let Some(argument) = text(*argv.add(arguments.len())) {
            arguments.push(argument.to_bytes());
        }
        match exec::first_line(CStr::from_ptr(cmd).to_bytes(), &arguments, LONGEST) {
            Some(line) => Pool::from_ptr(p).copy(line).as_ptr().cast_mut(),
            None => null_mut(),
        }
    }
}

/// Whether a request has a body, or the kept one of a request before it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_request_has_body(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe {
        if (*r).header_only != 0 {
            return 0;
        }
        if !(*r).kept_body.is_null() {
            return 1;
        }
        let headers = (*r).headers_in;
        if !sys::apr_table_get(headers, c"Transfer-Encoding".as_ptr()).is_null() {
            return 1;
        }
        let length = sys::apr_table_get(headers, c"Content-Length".as_ptr());
        let mut bytes = 0;
        let known = !length.is_null() && sys::ap_parse_strict_length(&raw mut bytes, length) != 0;
        c_int::from(known && bytes > 0)
    }
}

/// Reads a form that was submitted as the request's body.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_parse_form_data(
    r: *mut request_rec,
    f: *mut sys::ap_filter_t,
    ptr: *mut *mut sys::apr_array_header_t,
    num: usize,
    size: usize,
) -> c_int {
    const FORM: &CStr = c"application/x-www-form-urlencoded";
    const OK: c_int = sys::OK as c_int;
    /// How much is asked for at once.
    const CHUNK: i64 = sys::HUGE_STRING_LEN as i64;
    let limit = |number: usize| (number != usize::MAX).then_some(number);
    // SAFETY: the header asks for a live request, NULL or one of its input filters, and a place for
    // the answer; brigades and buckets are the request's.
    unsafe {
        let pool = Pool::from_ptr((*r).pool);
        let size_of_pair = size_of::<ap_form_pair_t>() as c_int;
        ptr.write(sys::apr_array_make(pool.as_ptr(), 4, size_of_pair));
        let kind = text(sys::apr_table_get(
            (*r).headers_in,
            c"Content-Type".as_ptr(),
        ));
        let is_form = kind.is_some_and(|kind| {
            let kind = kind.to_bytes().get(..FORM.count_bytes());
            kind.is_some_and(|kind| kind.eq_ignore_ascii_case(FORM.to_bytes()))
        });
        if !is_form {
            return sys::ap_discard_request_body(r);
        }
        let filter = if f.is_null() { (*r).input_filters } else { f };
        let allocator = (*(*r).connection).bucket_alloc;
        let pairs = Array::<ap_form_pair_t>::from_ptr(*ptr);
        let mut take = |(name, value): Field| {
            let brigade = sys::apr_brigade_create(pool.as_ptr(), allocator);
            let bytes = value.as_ptr().cast();
            sys::apr_brigade_write(brigade, None, null_mut(), bytes, value.len());
            pairs.push(ap_form_pair_t {
                name: pool.copy(name).as_ptr(),
                value: brigade,
            });
        };
        let refusal = |TooLarge| sys::HTTP_REQUEST_ENTITY_TOO_LARGE as c_int;
        let mut form = Form::new(limit(num), limit(size));
        let brigade = sys::apr_brigade_create(pool.as_ptr(), allocator);
        let body = Brigade::from_ptr(brigade);
        loop {
            let mode = sys::AP_MODE_READBYTES;
            let status = sys::ap_get_brigade(filter, brigade, mode, sys::APR_BLOCK_READ, CHUNK);
            if status != 0 {
                return sys::ap_map_http_request_error(status, sys::HTTP_BAD_REQUEST as c_int);
            }
            while let Some(bucket) = body.first() {
                if bucket.is_eos() {
                    body.clear();
                    return form.finish(take).map_or_else(refusal, |()| OK);
                }
                if !bucket.is_metadata() {
                    let Ok(bytes) = bucket.read(sys::APR_BLOCK_READ) else {
                        return sys::HTTP_BAD_REQUEST as c_int;
                    };
                    if let Err(fault) = form.feed(bytes, &mut take) {
                        return refusal(fault);
                    }
                }
                bucket.delete();
            }
        }
    }
}

/// What is wrong with the MPMs; NULL: there is just one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_check_mpm() -> *const c_char {
    // SAFETY: one thread registers hooks, and none at this time; the list is APR's array or NULL.
    unsafe {
        let hooks = sys::ap_hook_get_mpm_query();
        let count = if hooks.is_null() { 0 } else { (*hooks).nelts };
        match count {
            0 => c"No MPM loaded.".as_ptr(),
            1 => std::ptr::null(),
            _ => c"More than one MPM loaded.".as_ptr(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::http_config::testing::with_pool;

    #[test]
    fn a_body_is_known_by_its_fields() {
        // SAFETY: a request of zeros with the fields that are asked for.
        with_pool(|pool| unsafe {
            let has_body = |name: Option<&CStr>, value: &CStr| {
                let mut r = std::mem::zeroed::<request_rec>();
                let headers = Pool::from_ptr(pool).table(2);
                if let Some(name) = name {
                    headers.set(name, value);
                }
                r.headers_in = headers.as_ptr();
                ap_request_has_body(&raw mut r)
            };
            assert_eq!(has_body(None, c""), 0);
            assert_eq!(has_body(Some(c"Content-Length"), c"0"), 0);
            assert_eq!(has_body(Some(c"Content-Length"), c"-1"), 0);
            assert_eq!(has_body(Some(c"Content-Length"), c"5"), 1);
            assert_eq!(has_body(Some(c"Transfer-Encoding"), c"chunked"), 1);
        });
    }

    #[test]
    fn a_program_is_run_for_its_first_line() {
        // SAFETY: a list of strings that ends with NULL.
        with_pool(|pool| unsafe {
            let arguments = [c"echo".as_ptr(), c"hello".as_ptr(), std::ptr::null()];
            let line = ap_get_exec_line(pool, c"/bin/echo".as_ptr(), arguments.as_ptr());
            assert_eq!(CStr::from_ptr(line), c"hello");
            let line = ap_get_exec_line(pool, c"/none".as_ptr(), arguments.as_ptr());
            assert!(line.is_null());
        });
    }
}
