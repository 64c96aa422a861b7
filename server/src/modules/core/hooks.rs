//! The core's hooks on a request, and the registration of all hooks of the core.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null,
};

use httpd_sys::{self as sys, request_rec};

use super::{dir_config, handler, log_request, server_config, startup, upgrade};
use crate::abi::http_core::notes;
use crate::crash::panics::caught1;

const OK: c_int = sys::OK as c_int;

/// Registers the core's filters and hooks.
pub(super) unsafe extern "C" fn register(pool: *mut sys::apr_pool_t) {
    const FIRST: c_int = sys::APR_HOOK_FIRST as c_int;
    const MIDDLE: c_int = sys::APR_HOOK_MIDDLE as c_int;
    const REALLY_FIRST: c_int = sys::APR_HOOK_REALLY_FIRST;
    const REALLY_LAST: c_int = sys::APR_HOOK_REALLY_LAST as c_int;
    // SAFETY: the engine registers hooks single-threaded; all functions have their hook's type.
    unsafe {
        sys::ap_register_log_hooks(pool);
        sys::ap_register_config_hooks(pool);
        sys::ap_expr_init(pool);
        super::execution::register_hooks();

        sys::ap_hook_pre_config(Some(startup::pre_config), null(), null(), REALLY_FIRST);
        sys::ap_hook_post_config(Some(startup::post_config), null(), null(), REALLY_FIRST);
        sys::ap_hook_check_config(Some(startup::check_config), null(), null(), FIRST);
        sys::ap_hook_test_config(Some(startup::test_config), null(), null(), FIRST);
        sys::ap_hook_open_logs(Some(sys::ap_open_logs), null(), null(), REALLY_FIRST);
        sys::ap_hook_child_init(Some(startup::child_init), null(), null(), REALLY_FIRST);
        sys::ap_hook_child_init(Some(sys::ap_logs_child_init), null(), null(), MIDDLE);
        sys::ap_hook_pre_mpm(Some(sys::ap_create_scoreboard), null(), null(), MIDDLE);
        sys::ap_hook_optional_fn_retrieve(
            Some(startup::retrieve_optional_functions),
            null(),
            null(),
            MIDDLE,
        );

        sys::ap_hook_create_request(caught1(notes::create_request), null(), null(), MIDDLE);
        sys::ap_hook_translate_name(Some(sys::ap_core_translate), null(), null(), REALLY_LAST);
        sys::ap_hook_map_to_storage(
            caught1(upgrade::map_to_storage),
            null(),
            null(),
            REALLY_FIRST,
        );
        sys::ap_hook_map_to_storage(caught1(map_to_storage), null(), null(), REALLY_LAST);
        sys::ap_hook_type_checker(caught1(accept), null(), null(), REALLY_LAST);
        sys::ap_hook_fixups(
            caught1(force_type_and_handler),
            null(),
            null(),
            REALLY_FIRST,
        );
        sys::ap_hook_insert_filter(caught1(insert_filters), null(), null(), MIDDLE);
        sys::ap_hook_handler(caught1(upgrade::handler), null(), null(), REALLY_FIRST);
        sys::ap_hook_handler(caught1(handler::serve_file), null(), null(), REALLY_LAST);
        sys::ap_hook_get_pollfd_from_conn(
            Some(crate::abi::http_core::connection::core_pollfd),
            null(),
            null(),
            REALLY_LAST,
        );
        // A proxy's requests of its own are given the same record.
        let create = std::mem::transmute::<notes::CreateProxyRequest, unsafe extern "C" fn()>(
            notes::create_proxy_request,
        );
        sys::apr_optional_hook_add(
            c"proxy_create_req".as_ptr(),
            Some(create),
            null(),
            null(),
            MIDDLE,
        );
        crate::abi::http_core::filters::register();
    }
}

/// Finds the file below the document root that a URI stands for.
///
/// # Safety
/// `r` is a live request.
pub(crate) unsafe fn translate(r: *mut request_rec) -> c_int {
    // SAFETY: the caller's promise; strings of the request and its server end with NUL.
    unsafe {
        if (*r).proxyreq != 0 {
            return sys::HTTP_FORBIDDEN as c_int;
        }
        let uri = module_sdk::raw::text((*r).uri).unwrap_or(c"");
        let the_request = module_sdk::raw::text((*r).the_request).unwrap_or(c"");
        if !uri.to_bytes().starts_with(b"/") && uri != c"*" {
            log_request(
                r,
                sys::APLOG_ERR,
                0,
                format_args!(
                    "AH00126: Invalid URI in request '{}' '{}'",
                    uri.to_string_lossy(),
                    the_request.to_string_lossy()
                ),
            );
            return sys::HTTP_BAD_REQUEST as c_int;
        }
        let server_path = module_sdk::raw::text((*(*r).server).path);
        let at = below_document_root(uri.to_bytes(), server_path.map(CStr::to_bytes));
        let relative = uri.as_ptr().add(at);
        let status = sys::apr_filepath_merge(
            &raw mut (*r).filename,
            (*server_config((*r).server)).ap_document_root,
            relative,
            (sys::APR_FILEPATH_TRUENAME | sys::APR_FILEPATH_SECUREROOT) as i32,
            (*r).pool,
        );
        if status != 0 {
            log_request(
                r,
                sys::APLOG_ERR,
                status,
                format_args!(
                    "AH00127: Cannot map {} to file",
                    the_request.to_string_lossy()
                ),
            );
            return sys::HTTP_FORBIDDEN as c_int;
        }
        (*r).canonical_filename = (*r).filename;
    }
    OK
}

/// Where in the URI the path below the document root begins: behind `ServerPath`, if the URI is
/// below it, and behind all slashes.
fn below_document_root(uri: &[u8], server_path: Option<&[u8]>) -> usize {
    let mut at = 0;
    if let Some(prefix) = server_path.filter(|prefix| !prefix.is_empty())
        && let Some(rest) = uri.strip_prefix(prefix)
        && (prefix.ends_with(b"/") || rest.is_empty() || rest.starts_with(b"/"))
    {
        at = prefix.len();
    }
    at + uri[at..].iter().take_while(|&&byte| byte == b'/').count()
}

/// Looks at the directories above the file and at the file itself.
unsafe extern "C-unwind" fn map_to_storage(r: *mut request_rec) -> c_int {
    // SAFETY: the hook's caller passes a live request.
    unsafe {
        match sys::ap_directory_walk(r) {
            OK => sys::ap_file_walk(r),
            refused => refused,
        }
    }
}

/// Ends a hook that any module may answer.
unsafe extern "C-unwind" fn accept(_: *mut request_rec) -> c_int {
    OK
}

/// `ForceType`, `SetHandler` and `AcceptPathInfo` win over what modules found out.
unsafe extern "C-unwind" fn force_type_and_handler(r: *mut request_rec) -> c_int {
    // SAFETY: the hook's caller passes a live request.
    unsafe {
        let conf = dir_config((*r).per_dir_config);
        if let Some(kind) = module_sdk::raw::text((*conf).mime_type)
            && kind != c"none"
        {
            sys::ap_set_content_type(r, kind.as_ptr());
        }
        if (*conf).expr_handler.is_null() {
            if let Some(handler) = module_sdk::raw::text((*conf).handler)
                && handler != c"none"
            {
                (*r).handler = handler.as_ptr();
            }
        } else {
            let mut error = null();
            let handler = sys::ap_expr_str_exec(r, (*conf).expr_handler, &mut error);
            if let Some(error) = module_sdk::raw::text(error) {
                log_request(
                    r,
                    sys::APLOG_ERR,
                    0,
                    format_args!(
                        "AH03154: Can't evaluate handler expression: {}",
                        error.to_string_lossy()
                    ),
                );
                return sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
            }
            if let Some(handler) = module_sdk::raw::text(handler)
                && handler != c"none"
            {
                (*r).handler = lower_case((*r).pool, handler);
            }
        }
        // A module that has decided on path info keeps its decision.
        if (*r).used_path_info == sys::AP_REQ_DEFAULT_PATH_INFO as c_int
            && (*conf).accept_path_info != super::config::unset::PATH_INFO
        {
            (*r).used_path_info = (*conf).accept_path_info;
        }
    }
    OK
}

/// A handler's name in lower case; the path of a Unix socket in one stays as it is.
///
/// # Safety
/// `pool` is live, and the name lives as long as it.
unsafe fn lower_case(pool: *mut sys::apr_pool_t, name: &CStr) -> *const c_char {
    let bytes = name.to_bytes();
    if bytes.starts_with(b"proxy:unix:") || !bytes.iter().any(u8::is_ascii_uppercase) {
        return name.as_ptr();
    }
    // SAFETY: the caller's promise; the copy is ours to write.
    unsafe {
        let copy = sys::apr_pstrdup(pool, name.as_ptr());
        sys::ap_str_tolower(copy);
        copy
    }
}

/// `SetOutputFilter` and `SetInputFilter`.
unsafe extern "C-unwind" fn insert_filters(r: *mut request_rec) {
    // SAFETY: the hook's caller passes a live request; `ap_getword` moves along the list.
    unsafe {
        let conf = dir_config((*r).per_dir_config);
        let none: *mut c_void = std::ptr::null_mut();
        for (mut list, output) in [
            ((*conf).output_filters, true),
            ((*conf).input_filters, false),
        ] {
            while !list.is_null() && *list != 0 {
                let name = sys::ap_getword((*r).pool, &mut list, b';' as c_char);
                if output {
                    sys::ap_add_output_filter(name, none, r, (*r).connection);
                } else {
                    sys::ap_add_input_filter(name, none, r, (*r).connection);
                }
            }
        }
    }
}

/// Looks at a file while the directories are walked, unless a module does.
pub(crate) unsafe extern "C" fn dirwalk_stat(
    finfo: *mut sys::apr_finfo_t,
    r: *mut request_rec,
    wanted: i32,
) -> sys::apr_status_t {
    // SAFETY: the hook's caller passes a live request and a place for the answer.
    unsafe { sys::apr_stat(finfo, (*r).filename, wanted, (*r).pool) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_server_is_taken_off() {
        let rest = |uri: &'static [u8], prefix| &uri[below_document_root(uri, prefix)..];
        assert_eq!(rest(b"/a/b", None), b"a/b");
        assert_eq!(rest(b"///a", None), b"a");
        assert_eq!(rest(b"/", None), b"");
        assert_eq!(rest(b"*", None), b"*");
        assert_eq!(rest(b"/old/a", Some(b"/old")), b"a");
        assert_eq!(rest(b"/old/a", Some(b"/old/")), b"a");
        assert_eq!(rest(b"/old", Some(b"/old")), b"");
        assert_eq!(rest(b"/older/a", Some(b"/old")), b"older/a");
    }
}
