//! What holds for a request, read from its directory's and server's configuration: options,
//! document root, limits, protocol; and the records themselves.

use std::ffi::{c_char, c_int, c_void};

use httpd_sys::{self as sys, ap_conf_vector_t, request_rec};

use crate::modules::core::{self, defines, dir_config, request_config, server_config};

exports! {
    ap_allow_options, ap_allow_overrides, ap_document_root, ap_set_document_root,
    ap_context_document_root, ap_context_prefix, ap_set_context_info, ap_get_read_buf_size,
    ap_get_limit_req_body, ap_get_limit_xml_body, ap_is_recursion_limit_exceeded,
    ap_exists_config_define, ap_core_translate, ap_get_core_module_config,
    ap_set_core_module_config, ap_get_server_protocol, ap_set_server_protocol,
    ap_register_config_hooks, ap_resolve_env,
}

/// The longest body unless `LimitRequestBody` says otherwise.
const DEFAULT_BODY: sys::apr_off_t = 1 << 30;
/// The longest XML body unless `LimitXMLRequestBody` says otherwise.
const DEFAULT_XML_BODY: usize = 1_000_000;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_allow_options(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe { c_int::from((*dir_config((*r).per_dir_config)).opts) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_allow_overrides(r: *mut request_rec) -> c_int {
    // SAFETY: as above.
    unsafe { (*dir_config((*r).per_dir_config)).override_ as c_int }
}

/// The document root: the request's own, if a module of mass hosting has set one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_document_root(r: *mut request_rec) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        let own = (*request_config(r)).document_root;
        if own.is_null() {
            (*server_config((*r).server)).ap_document_root
        } else {
            own
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_document_root(r: *mut request_rec, root: *const c_char) {
    // SAFETY: as above.
    unsafe { (*request_config(r)).document_root = root }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_context_document_root(r: *mut request_rec) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        let own = (*request_config(r)).context_document_root;
        if own.is_null() {
            ap_document_root(r)
        } else {
            own
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_context_prefix(r: *mut request_rec) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        let own = (*request_config(r)).context_prefix;
        if own.is_null() { c"".as_ptr() } else { own }
    }
}

/// Says which prefix of the URI stands for which directory; NULL leaves one as it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_context_info(
    r: *mut request_rec,
    prefix: *const c_char,
    root: *const c_char,
) {
    // SAFETY: as above.
    unsafe {
        let conf = request_config(r);
        if !prefix.is_null() {
            (*conf).context_prefix = prefix;
        }
        if !root.is_null() {
            (*conf).context_document_root = root;
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_read_buf_size(r: *const request_rec) -> sys::apr_size_t {
    // SAFETY: as above.
    match unsafe { (*dir_config((*r).per_dir_config)).read_buf_size } {
        0 => sys::AP_IOBUFSIZE as usize,
        size => size,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_limit_req_body(r: *const request_rec) -> sys::apr_off_t {
    // SAFETY: as above.
    match unsafe { (*dir_config((*r).per_dir_config)).limit_req_body } {
        unset if unset < 0 => DEFAULT_BODY,
        limit => limit,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_limit_xml_body(r: *const request_rec) -> sys::apr_size_t {
    // SAFETY: as above.
    match unsafe { (*dir_config((*r).per_dir_config)).limit_xml_body } {
        unset if unset < 0 => DEFAULT_XML_BODY,
        0 => core::MAX_XML_BODY as usize,
        limit => limit as usize,
    }
}

/// Whether internal redirects or sub-requests are nested too deep; notes that in the log.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_is_recursion_limit_exceeded(r: *const request_rec) -> c_int {
    // SAFETY: as above; the requests it stems from outlive it.
    unsafe {
        let conf = server_config((*r).server);
        let or_default = |limit: c_int, default: u32| match limit {
            0 => default as c_int,
            limit => limit,
        };
        let redirects = or_default(
            (*conf).redirect_limit,
            sys::AP_DEFAULT_MAX_INTERNAL_REDIRECTS,
        );
        let depth = or_default((*conf).subreq_limit, sys::AP_DEFAULT_MAX_SUBREQ_DEPTH);
        let (mut redirected, mut nested) = (0, 0);
        let mut top = r;
        loop {
            if !(*top).prev.is_null() {
                redirected += 1;
                if redirected >= redirects {
                    core::log_request(
                        r,
                        sys::APLOG_ERR,
                        0,
                        format_args!(
                            "AH00124: Request exceeded the limit of {redirects} internal \
                             redirects due to probable configuration error. Use \
                             'LimitInternalRecursion' to increase the limit if necessary. Use \
                             'LogLevel debug' to get a backtrace."
                        ),
                    );
                    log_origins(r);
                    return 1;
                }
                top = (*top).prev;
            } else if !(*top).main.is_null() {
                nested += 1;
                if nested >= depth {
                    core::log_request(
                        r,
                        sys::APLOG_ERR,
                        0,
                        format_args!(
                            "AH00125: Request exceeded the limit of {depth} subrequest nesting \
                             levels due to probable configuration error. Use \
                             'LimitInternalRecursion' to increase the limit if necessary. Use \
                             'LogLevel debug' to get a backtrace."
                        ),
                    );
                    log_origins(r);
                    return 1;
                }
                top = (*top).main;
            } else {
                return 0;
            }
        }
    }
}

/// Notes the requests that led to this one.
///
/// # Safety
/// `r` is a live request.
unsafe fn log_origins(r: *const request_rec) {
    // SAFETY: the caller's promise.
    unsafe {
        let uri = |r: *const request_rec| match module_sdk::raw::text((*r).uri) {
            Some(uri) if !uri.is_empty() => uri.to_string_lossy(),
            _ => "(unknown)".into(),
        };
        let say = |code: &str, how: &str, from: *const request_rec| {
            let from = uri(from);
            core::log_request(
                r,
                sys::APLOG_DEBUG,
                0,
                format_args!("{code}: {how} from r->uri = {from}"),
            );
        };
        let mut top = r;
        loop {
            if !(*top).prev.is_null() {
                top = (*top).prev;
                say("AH00122", "redirected", top);
            } else if !(*top).main.is_null() {
                top = (*top).main;
                say("AH00123", "subrequested", top);
            } else {
                return;
            }
        }
    }
}

/// Whether `-D` or `Define` has defined a name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_exists_config_define(name: *const c_char) -> c_int {
    // SAFETY: the header asks for a name; the defines only change while the configuration is read.
    unsafe { c_int::from(defines::exists(std::ffi::CStr::from_ptr(name))) }
}

/// A word of the configuration with `${NAME}` replaced by what is defined, or by the environment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_resolve_env(
    pool: *mut sys::apr_pool_t,
    word: *const c_char,
) -> *const c_char {
    // SAFETY: the header asks for a live pool and a string.
    unsafe {
        let text = std::ffi::CStr::from_ptr(word);
        match defines::resolve(text.to_bytes(), |name| defines::lookup(name)) {
            Some(resolved) => module_sdk::raw::Pool::from_ptr(pool)
                .copy(resolved)
                .as_ptr(),
            None => word,
        }
    }
}

/// Maps the URI to a file below the document root: the last of the `translate_name` hooks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_core_translate(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe { core::hooks::translate(r) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_core_module_config(vector: *const ap_conf_vector_t) -> *mut c_void {
    // SAFETY: the header asks for a vector; the core's place is the first one.
    unsafe { *vector.cast::<*mut c_void>() }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_core_module_config(
    vector: *mut ap_conf_vector_t,
    value: *mut c_void,
) {
    // SAFETY: as above.
    unsafe { *vector.cast::<*mut c_void>() = value }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_server_protocol(s: *mut sys::server_rec) -> *const c_char {
    // SAFETY: the header asks for a live server.
    unsafe { (*server_config(s)).protocol }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_server_protocol(s: *mut sys::server_rec, protocol: *const c_char) {
    // SAFETY: as above; the string lives as long as the server.
    unsafe { (*server_config(s)).protocol = protocol }
}

/// Registers the hooks that find configuration in directories.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_register_config_hooks(_pool: *mut sys::apr_pool_t) {
    let last = sys::APR_HOOK_REALLY_LAST as c_int;
    // SAFETY: the functions have their hooks' types.
    unsafe {
        let none = std::ptr::null();
        sys::ap_hook_dirwalk_stat(Some(core::hooks::dirwalk_stat), none, none, last);
        sys::ap_hook_open_htaccess(Some(sys::ap_open_htaccess), none, none, last);
    }
}
