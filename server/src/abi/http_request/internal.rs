//! The phases of a request before its handler: what its URI means, which file that is, which
//! configuration holds, who may have it, and what type it has. Every request, sub-request and
//! redirect passes here.

use std::ffi::{CStr, c_int};

use httpd_sys as sys;

use super::{
    super::http_vhost::warm,
    merge,
    support::{CORE, core_dir, core_server, log_request},
};

exports! { ap_process_request_internal, ap_is_initial_req, ap_update_mtime }

const OK: c_int = sys::OK as c_int;
const ERROR: c_int = sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
const BAD_REQUEST: c_int = sys::HTTP_BAD_REQUEST as c_int;
const NOT_FOUND: c_int = sys::HTTP_NOT_FOUND as c_int;

/// The phases end with something else than OK: the answer to the request.
struct Stop(c_int);

/// Goes on after OK.
fn go_on(answer: c_int) -> Result<(), Stop> {
    if answer == OK {
        Ok(())
    } else {
        Err(Stop(answer))
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_process_request_internal(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    match unsafe { phases(r) } {
        Ok(()) => OK,
        Err(Stop(answer)) => answer,
    }
}

/// # Safety
/// `r` is live.
unsafe fn phases(r: *mut sys::request_rec) -> Result<(), Stop> {
    // SAFETY: the caller's promise.
    unsafe {
        // A sub-request for a file comes with its name; its URI need not lead there.
        let for_file = !(*r).main.is_null() && !(*r).filename.is_null();
        decode_uri(r, for_file)?;
        if !for_file {
            walk_location_and_if(r)?;
            settle(sys::ap_run_translate_name(r), c"translate", r)?;
        }
        (*r).per_dir_config = (*(*r).server).lookup_defaults;
        go_on(sys::ap_run_map_to_storage(r))?;
        walk_location_and_if(r)?;
        if warm::is_learning() && merge::lasting(r) == merge::Lasting::Configuration {
            warm::learn((*r).per_dir_config);
        }
        go_on(sys::ap_run_post_perdir_config(r))?;
        if (*r).main.is_null() {
            go_on(sys::ap_run_header_parser(r))?;
        }
        check_access(r)?;
        settle(sys::ap_run_type_checker(r), c"find types", r)?;
        let answer = sys::ap_run_fixups(r);
        if answer != OK {
            let format: &CStr = c"fixups hook gave %d: %s";
            log_request!(CORE, APLOG_TRACE3, 0, r, format, answer, (*r).uri);
        }
        go_on(answer)
    }
}

/// Makes the path of the URI canonical and decodes it, unless a module wants it as it came.
///
/// # Safety
/// `r` is live.
unsafe fn decode_uri(r: *mut sys::request_rec, for_file: bool) -> Result<(), Stop> {
    // SAFETY: the caller's promise; the path is changed in place, it only gets shorter.
    unsafe {
        let path = (*r).parsed_uri.path;
        let mut rules = sys::AP_NORMALIZE_NOT_ABOVE_ROOT;
        if (*core_server((*r).server)).merge_slashes != sys::AP_CORE_CONFIG_OFF {
            rules |= sys::AP_NORMALIZE_MERGE_SLASHES;
        }
        if for_file {
            rules |= sys::AP_NORMALIZE_ALLOW_RELATIVE;
        }
        if !path.is_null()
            && sys::ap_normalize_path(path, rules | sys::AP_NORMALIZE_DECODE_UNRESERVED) == 0
        {
            let format: &CStr = c"AH10244: invalid URI path (%s)";
            log_request!(CORE, APLOG_ERR, 0, r, format, (*r).unparsed_uri);
            return Err(Stop(BAD_REQUEST));
        }
        let mut translated = false;
        if !for_file {
            let before = (*r).per_dir_config;
            walk_location_and_if(r)?;
            match sys::ap_run_pre_translate_name(r) {
                sys::DONE => translated = true,
                answer if (400..600).contains(&answer) => return Err(Stop(answer)),
                _ => {}
            }
            (*r).per_dir_config = before;
        }
        if translated || path.is_null() {
            return Ok(());
        }
        let core = core_dir((*r).per_dir_config);
        let allows_slashes = (*core).allow_encoded_slashes() != 0;
        let decodes_slashes = (*core).decode_encoded_slashes() != 0;
        // What need not be encoded was decoded above; a second time would be once too often.
        let mut rules_of_decoding = sys::AP_UNESCAPE_URL_KEEP_UNRESERVED;
        if !allows_slashes {
            rules_of_decoding |= sys::AP_UNESCAPE_URL_FORBID_SLASHES;
        } else if !decodes_slashes {
            rules_of_decoding |= sys::AP_UNESCAPE_URL_KEEP_SLASHES;
        }
        let answer = sys::ap_unescape_url_ex(path, rules_of_decoding);
        if answer == NOT_FOUND && !allows_slashes {
            let format: &CStr =
                c"AH00026: found %%2f (encoded '/') in URI path (%s), returning 404";
            log_request!(CORE, APLOG_INFO, 0, r, format, (*r).unparsed_uri);
        }
        go_on(answer)?;
        if allows_slashes && decodes_slashes {
            // New slashes may have made new segments to be resolved.
            sys::ap_normalize_path(path, rules);
        }
        Ok(())
    }
}

/// The sections that go by the URI, and the log levels they bring.
///
/// # Safety
/// `r` is live.
unsafe fn walk_location_and_if(r: *mut sys::request_rec) -> Result<(), Stop> {
    // SAFETY: the caller's promise.
    unsafe {
        go_on(sys::ap_location_walk(r))?;
        go_on(sys::ap_if_walk(r))?;
        let levels = (*core_dir((*r).per_dir_config)).log;
        if !levels.is_null() {
            (*r).log = levels;
        }
    }
    Ok(())
}

/// Goes on after OK; a phase that nobody took is an error of the configuration.
///
/// # Safety
/// `r` is live.
unsafe fn settle(
    answer: c_int,
    phase: &'static CStr,
    r: *const sys::request_rec,
) -> Result<(), Stop> {
    if answer == OK {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe {
        if answer == sys::DECLINED {
            let format: &CStr = c"AH00025: configuration error:  couldn't %s: %s";
            log_request!(CORE, APLOG_CRIT, 0, r, format, phase.as_ptr(), (*r).uri);
            return Err(Stop(ERROR));
        }
        let format: &CStr = c"auth phase '%s' gave status %d: %s";
        log_request!(
            CORE,
            APLOG_TRACE3,
            0,
            r,
            format,
            phase.as_ptr(),
            answer,
            (*r).uri
        );
    }
    Err(Stop(answer))
}

/// Who may have this: by host, by user, by both or either as `Satisfy` says. A request that came
/// from another one with the very same configuration was checked with it.
///
/// # Safety
/// `r` is live.
unsafe fn check_access(r: *mut sys::request_rec) -> Result<(), Stop> {
    // SAFETY: the caller's promise.
    unsafe {
        for from in [(*r).prev, (*r).main] {
            if !from.is_null() && (*from).per_dir_config == (*r).per_dir_config {
                (*r).user = (*from).user;
                (*r).ap_auth_type = (*from).ap_auth_type;
                return Ok(());
            }
        }
        // A name that was taken from the header before now has not been checked.
        let unchecked = sys::AP_GET_BASIC_AUTH_PW_NOTE.as_ptr().cast();
        if !(*r).user.is_null() && !sys::apr_table_get((*r).notes, unchecked).is_null() {
            (*r).user = std::ptr::null_mut();
        }
        let any = match sys::ap_satisfies(r) as u32 {
            sys::SATISFY_ALL | sys::SATISFY_NOSPEC => false,
            sys::SATISFY_ANY => true,
            _ => return Ok(()),
        };
        let by_host = sys::ap_run_access_checker(r);
        if any {
            if by_host == OK {
                let format: &CStr = c"request authorized without authentication by access_checker \
                    hook and 'Satisfy any': %s";
                log_request!(CORE, APLOG_TRACE3, 0, r, format, (*r).uri);
                return Ok(());
            }
        } else {
            settle(by_host, c"check access (with Satisfy All)", r)?;
        }
        let answer = sys::ap_run_access_checker_ex(r);
        if answer == sys::DECLINED || (answer == OK && sys::ap_run_force_authn(r) == OK) {
            return check_user(r, any);
        }
        if answer == OK {
            let format: &CStr =
                c"request authorized without authentication by access_checker_ex hook: %s";
            log_request!(CORE, APLOG_TRACE3, 0, r, format, (*r).uri);
        }
        settle(answer, c"check access", r)
    }
}

/// Who the user is, and whether that user may have this.
///
/// # Safety
/// `r` is live.
unsafe fn check_user(r: *mut sys::request_rec, any: bool) -> Result<(), Stop> {
    // SAFETY: the caller's promise.
    unsafe {
        settle(sys::ap_run_check_user_id(r), c"check user", r)?;
        if (*r).user.is_null() {
            // Those who check the user's rights count on a name.
            let number = if any { c"AH00028" } else { c"AH00027" };
            let format: &CStr = c"%s: No authentication done but request not allowed without \
                authentication for %s. Authentication not configured?";
            log_request!(CORE, APLOG_ERR, 0, r, format, number.as_ptr(), (*r).uri);
            return settle(ERROR, c"check user", r);
        }
        settle(sys::ap_run_auth_checker(r), c"check authorization", r)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_is_initial_req(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe { c_int::from((*r).main.is_null() && (*r).prev.is_null()) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_update_mtime(r: *mut sys::request_rec, depends_on: sys::apr_time_t) {
    // SAFETY: the header asks for a live request.
    unsafe { (*r).mtime = (*r).mtime.max(depends_on) }
}
