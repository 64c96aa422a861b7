//! The variables of a script: those every script gets, those of CGI, and the list of them that a
//! process is started with.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::null_mut,
};

use httpd_sys as sys;

use super::super::http_request::support::{
    CORE, bytes, copy, core_dir, elements, is_blank, log_request,
};
use crate::request::{paths, script};

exports! { ap_create_environment, ap_add_common_vars, ap_add_cgi_vars, ap_find_path_info }

unsafe extern "C" {
    /// apr_env.h: the value of a variable of this process.
    fn apr_env_get(
        value: *mut *mut c_char,
        name: *const c_char,
        pool: *mut sys::apr_pool_t,
    ) -> sys::apr_status_t;
}

/// Where programs are looked for when the server was started without a PATH.
const DEFAULT_PATH: &CStr = c"/bin:/usr/bin:/usr/ucb:/usr/bsd:/usr/local/bin";

/// A variable of this process.
///
/// # Safety
/// `pool` is live.
unsafe fn process_variable(pool: *mut sys::apr_pool_t, name: &CStr) -> Option<*const c_char> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut value = null_mut();
        let found = apr_env_get(&mut value, name.as_ptr(), pool) == 0 && !value.is_null();
        found.then_some(value.cast_const())
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_create_environment(
    pool: *mut sys::apr_pool_t,
    table: *mut sys::apr_table_t,
) -> *mut *mut c_char {
    // SAFETY: the header asks for a live pool and table; the list has room for every entry, TZ and
    // the final NULL.
    unsafe {
        let entries: &[sys::apr_table_entry_t] = elements(sys::apr_table_elts(table));
        let list = sys::apr_palloc(pool, (entries.len() + 2) * size_of::<*mut c_char>())
            .cast::<*mut c_char>();
        let mut length = 0;
        let mut add = |name: &[u8], value: &[u8]| {
            list.add(length)
                .write(copy(pool, &script::assignment(name, value)));
            length += 1;
        };
        if sys::apr_table_get(table, c"TZ".as_ptr()).is_null()
            && let Some(zone) = process_variable(pool, c"TZ")
        {
            add(b"TZ", bytes(zone));
        }
        for entry in entries {
            if !entry.key.is_null() {
                add(bytes(entry.key), bytes(entry.val));
            }
        }
        list.add(length).write(null_mut());
        list
    }
}

/// The table to which variables are added.
#[derive(Clone, Copy)]
struct Variables(*mut sys::apr_table_t);

impl Variables {
    /// # Safety
    /// `value` is NULL or ends with NUL; name and value live as long as the table.
    unsafe fn add(self, name: &CStr, value: *const c_char) {
        // SAFETY: the caller's promise.
        unsafe { self.add_named(name.as_ptr(), value) }
    }

    /// As `add`, with a name that is not a constant. A variable without value is left out.
    ///
    /// # Safety
    /// As `add`.
    unsafe fn add_named(self, name: *const c_char, value: *const c_char) {
        if !value.is_null() {
            // SAFETY: the caller's promise; the table is live.
            unsafe { sys::apr_table_addn(self.0, name, value) }
        }
    }

    /// # Safety
    /// As `add`.
    unsafe fn set(self, name: &CStr, value: *const c_char) {
        // SAFETY: the caller's promise; the table is live.
        unsafe { sys::apr_table_setn(self.0, name.as_ptr(), value) }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_common_vars(r: *mut sys::request_rec) {
    // SAFETY: the header asks for a live request; all strings are of it, its connection, its server
    // or its pool.
    unsafe {
        let pool = (*r).pool;
        // What is there already is replaced by what is added.
        let target = (*r).subprocess_env;
        let is_first = sys::apr_is_empty_table(target) != 0;
        let table = if is_first {
            target
        } else {
            sys::apr_table_make(pool, 50)
        };
        let variables = Variables(table);

        add_fields(r, variables);
        add_inherited(r, variables, c"PATH", Some(DEFAULT_PATH));
        add_inherited(r, variables, c"LD_LIBRARY_PATH", None);
        add_server(r, variables);
        add_client(r, variables);
        if !(*r).prev.is_null() {
            add_redirect(r, variables);
        }
        if !is_first {
            sys::apr_table_overlap(target, table, sys::APR_OVERLAP_TABLES_SET);
        }
    }
}

/// A variable that `SetEnv` may have set, or else the server's own, or the default.
///
/// # Safety
/// `r` is live.
unsafe fn add_inherited(
    r: *mut sys::request_rec,
    variables: Variables,
    name: &'static CStr,
    default: Option<&CStr>,
) {
    // SAFETY: the caller's promise; the value is copied into the request's pool.
    unsafe {
        let set = sys::apr_table_get((*r).subprocess_env, name.as_ptr());
        let value = (!set.is_null())
            .then_some(set)
            .or_else(|| process_variable((*r).pool, name))
            .or(default.map(CStr::as_ptr));
        if let Some(value) = value {
            variables.add(name, copy((*r).pool, bytes(value)));
        }
    }
}

/// The header fields of the request. Passwords are kept from scripts unless `CGIPassAuth` is on, and
/// `Proxy` would become the variable that tells programs of their proxy.
///
/// # Safety
/// `r` is live.
unsafe fn add_fields(r: *mut sys::request_rec, variables: Variables) {
    // SAFETY: the caller's promise.
    unsafe {
        let passes_auth =
            (*core_dir((*r).per_dir_config)).cgi_pass_auth() == sys::AP_CGI_PASS_AUTH_ON;
        let fields: &[sys::apr_table_entry_t] = elements(sys::apr_table_elts((*r).headers_in));
        for field in fields {
            if field.key.is_null() {
                continue;
            }
            let name = bytes(field.key);
            let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
            if is(b"Content-Type") {
                variables.add(c"CONTENT_TYPE", field.val);
            } else if is(b"Content-Length") {
                variables.add(c"CONTENT_LENGTH", field.val);
            } else if is(b"Proxy")
                || (!passes_auth && (is(b"Authorization") || is(b"Proxy-Authorization")))
            {
                continue;
            } else if let Some(variable) = script::field_variable(name) {
                variables.add_named(copy((*r).pool, &variable), field.val);
            } else {
                let format: &CStr = c"Not exporting header with invalid name as envvar: %s";
                log_request!(CORE, APLOG_TRACE1, 0, r, format, field.key);
            }
        }
    }
}

/// What the script should know of the server, of the client's address and of itself, in Apache's order.
///
/// # Safety
/// `r` is live.
unsafe fn add_server(r: *mut sys::request_rec, variables: Variables) {
    // SAFETY: the caller's promise.
    unsafe {
        let pool = (*r).pool;
        variables.add(c"SERVER_SIGNATURE", sys::ap_psignature(c"".as_ptr(), r));
        variables.add(c"SERVER_SOFTWARE", sys::ap_get_server_banner());
        let name = sys::ap_get_server_name_for_url(r);
        variables.add(c"SERVER_NAME", sys::ap_escape_html2(pool, name, 0));
        variables.add(c"SERVER_ADDR", (*(*r).connection).local_ip);
        let port = c_int::from(sys::ap_get_server_port(r));
        variables.add(c"SERVER_PORT", sys::apr_itoa(pool, port));
        let host = sys::ap_get_useragent_host(r, sys::REMOTE_HOST as c_int, null_mut());
        variables.add(c"REMOTE_HOST", host);
        variables.add(c"REMOTE_ADDR", (*r).useragent_ip);
        variables.add(c"DOCUMENT_ROOT", sys::ap_document_root(r));
        variables.add(c"REQUEST_SCHEME", sys::ap_run_http_scheme(r));
        variables.add(c"CONTEXT_PREFIX", sys::ap_context_prefix(r));
        variables.add(c"CONTEXT_DOCUMENT_ROOT", sys::ap_context_document_root(r));
        variables.add(c"SERVER_ADMIN", (*(*r).server).server_admin);
        // The name that mod_proxy_fcgi passes on may hold the query.
        let file = bytes((*r).filename);
        let query = file.iter().position(|&byte| byte == b'?');
        let file = match query {
            Some(at) if !sys::apr_table_get((*r).notes, c"proxy-noquery".as_ptr()).is_null() => {
                copy(pool, &file[..at])
            }
            _ => (*r).filename,
        };
        variables.add(c"SCRIPT_FILENAME", file);
    }
}

/// Who asks, beyond the address.
///
/// # Safety
/// `r` is live.
unsafe fn add_client(r: *mut sys::request_rec, variables: Variables) {
    // SAFETY: the caller's promise.
    unsafe {
        let port = c_int::from((*(*r).useragent_addr).port);
        variables.add(c"REMOTE_PORT", sys::apr_itoa((*r).pool, port));
        if !(*r).user.is_null() {
            variables.add(c"REMOTE_USER", (*r).user);
        } else {
            let mut back = (*r).prev;
            while !back.is_null() && (*back).user.is_null() {
                back = (*back).prev;
            }
            if !back.is_null() {
                variables.add(c"REDIRECT_REMOTE_USER", (*back).user);
            }
        }
        variables.add(c"AUTH_TYPE", (*r).ap_auth_type);
        let identity = sys::ap_get_remote_logname(r);
        if !identity.is_null() {
            variables.add(c"REMOTE_IDENT", copy((*r).pool, bytes(identity)));
        }
    }
}

/// What was asked for when this request is a redirect, as for error documents.
///
/// # Safety
/// `r` is live and was redirected.
unsafe fn add_redirect(r: *mut sys::request_rec, variables: Variables) {
    // SAFETY: the caller's promise; the redirected request lives longer.
    unsafe {
        let prev = (*r).prev;
        let whole =
            (*core_dir((*r).per_dir_config)).qualify_redirect_url() == sys::AP_CORE_CONFIG_ON;
        let url = if whole {
            let uri = &raw mut (*prev).parsed_uri;
            if (*uri).scheme.is_null() {
                (*uri).scheme = sys::ap_run_http_scheme(prev).cast_mut();
            }
            if (*uri).port == 0 {
                (*uri).port = sys::ap_get_server_port(prev);
                (*uri).port_str = sys::apr_itoa((*r).pool, c_int::from((*uri).port));
            }
            if (*uri).hostname.is_null() {
                (*uri).hostname = sys::ap_get_server_name_for_url(prev).cast_mut();
            }
            sys::apr_uri_unparse((*r).pool, uri, 0)
        } else {
            (*prev).uri
        };
        variables.add(c"REDIRECT_URL", url);
        variables.add(c"REDIRECT_QUERY_STRING", (*prev).args);
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_cgi_vars(r: *mut sys::request_rec) {
    // SAFETY: the header asks for a live request.
    unsafe {
        let pool = (*r).pool;
        let variables = Variables((*r).subprocess_env);
        variables.set(c"GATEWAY_INTERFACE", c"CGI/1.1".as_ptr());
        variables.set(c"SERVER_PROTOCOL", (*r).protocol);
        variables.set(c"REQUEST_METHOD", (*r).method);
        let query = if (*r).args.is_null() {
            c"".as_ptr()
        } else {
            (*r).args
        };
        variables.set(c"QUERY_STRING", query);
        let uri = if wants_current_uri(r) {
            (*r).uri
        } else {
            copy(pool, paths::request_target(bytes((*r).the_request)))
        };
        variables.set(c"REQUEST_URI", uri);

        let path_info = (*r).path_info;
        // Scripts of SSI have the path info of the page, not of their own URI.
        let is_included = bytes((*r).protocol) == b"INCLUDED";
        let script = if is_included || is_blank(path_info) {
            (*r).uri
        } else {
            let uri = bytes((*r).uri);
            copy(pool, &uri[..paths::path_info_start(uri, bytes(path_info))])
        };
        variables.set(c"SCRIPT_NAME", script);
        if is_blank(path_info) {
            return;
        }
        variables.set(c"PATH_INFO", path_info);
        let uri = sys::ap_os_escape_path(pool, path_info, 1);
        let file = sys::ap_sub_req_lookup_uri(uri, r, null_mut());
        if !(*file).filename.is_null() {
            let parts = [bytes((*file).filename), bytes((*file).path_info)];
            variables.set(c"PATH_TRANSLATED", copy(pool, &parts.concat()));
        }
        sys::ap_destroy_sub_req(file);
    }
}

/// Whether `CGIVar REQUEST_URI current-uri` holds.
///
/// # Safety
/// `r` is live.
unsafe fn wants_current_uri(r: *const sys::request_rec) -> bool {
    /// The length of a key that ends with NUL (APR_HASH_KEY_STRING).
    const TEXT_KEY: sys::apr_ssize_t = -1;
    // SAFETY: the caller's promise; the table holds strings.
    unsafe {
        let rules = (*core_dir((*r).per_dir_config)).cgi_var_rules;
        if rules.is_null() {
            return false;
        }
        let rule = sys::apr_hash_get(rules, c"REQUEST_URI".as_ptr().cast(), TEXT_KEY);
        bytes(rule.cast()) == b"current-uri"
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_find_path_info(uri: *const c_char, path_info: *const c_char) -> c_int {
    // SAFETY: the header asks for strings. No URI is longer than an int counts.
    unsafe { paths::path_info_start(bytes(uri), bytes(path_info)) as c_int }
}
