//! Internal redirects: another request of this server answers in place of one.

use std::ffi::{c_char, c_int};

use httpd_sys as sys;

use super::{
    process::{serve, serve_slowly},
    support::{bytes, concat, elements, zeroed},
};

exports! { ap_internal_redirect, ap_internal_redirect_handler, ap_internal_fast_redirect }

const ERROR: c_int = sys::HTTP_INTERNAL_SERVER_ERROR as c_int;

/// What the core says about content types it trusts (AP_REQUEST_TRUSTED_CT).
const TRUSTED_TYPE: sys::ap_request_bnotes_t = sys::AP_REQUEST_TRUSTED_CT as _;

/// Makes the filters of a chain which work for `from` work for `to`.
///
/// # Safety
/// The chain ends with NULL.
pub(super) unsafe fn adopt_filters(
    mut filter: *mut sys::ap_filter_t,
    from: *mut sys::request_rec,
    to: *mut sys::request_rec,
) {
    // SAFETY: the caller's promise.
    unsafe {
        while !filter.is_null() {
            if (*filter).r == from {
                (*filter).r = to;
            }
            filter = (*filter).next;
        }
    }
}

/// The filter of this chain that ends sub-requests, unless the filters of the protocol come first.
///
/// # Safety
/// The chain ends with NULL.
pub(super) unsafe fn subrequest_filter(
    mut filter: *mut sys::ap_filter_t,
    protocol: *mut sys::ap_filter_t,
) -> Option<*mut sys::ap_filter_t> {
    // SAFETY: the caller's promise.
    unsafe {
        while !filter.is_null() && filter != protocol {
            if (*filter).frec == sys::ap_subreq_core_filter_handle {
                return Some(filter);
            }
            filter = (*filter).next;
        }
    }
    None
}

/// The environment of a request that was redirected: each name behind `REDIRECT_`.
///
/// # Safety
/// Pool and table are live.
unsafe fn renamed_environment(
    pool: *mut sys::apr_pool_t,
    old: *const sys::apr_table_t,
) -> *mut sys::apr_table_t {
    // SAFETY: the caller's promise; the values live as long as the pool.
    unsafe {
        let entries: &[sys::apr_table_entry_t] = elements(sys::apr_table_elts(old));
        let new = sys::apr_table_make(pool, entries.len() as c_int);
        for entry in entries {
            if !entry.key.is_null() {
                let name = concat(pool, &[b"REDIRECT_", bytes(entry.key)]);
                sys::apr_table_setn(new, name, entry.val);
            }
        }
        new
    }
}

/// The request that is to answer in place of `r`; `None` when it has been answered, for there were
/// too many redirects, or a module was against it.
///
/// # Safety
/// `r` is live; `uri` ends with NUL.
unsafe fn redirected(
    uri: *const c_char,
    r: *mut sys::request_rec,
) -> Option<*mut sys::request_rec> {
    // SAFETY: the caller's promise; the new request lives as long as the old one.
    unsafe {
        if sys::ap_is_recursion_limit_exceeded(r) != 0 {
            sys::ap_die(ERROR, r);
            return None;
        }
        let pool = (*r).pool;
        let new = zeroed::<sys::request_rec>(pool);
        (*new).pool = pool;
        (*new).connection = (*r).connection;
        (*new).server = (*r).server;
        (*new).method = (*r).method;
        (*new).method_number = (*r).method_number;
        (*new).allowed_methods = sys::ap_make_method_list(pool, 2);
        sys::ap_parse_uri(new, uri);
        (*new).parsed_uri.port_str = (*r).parsed_uri.port_str;
        (*new).parsed_uri.port = (*r).parsed_uri.port;
        (*new).request_config = sys::ap_create_request_config(pool);
        (*new).per_dir_config = (*(*r).server).lookup_defaults;
        // Modules that make their part of the request look where it comes from.
        (*new).prev = r;
        (*r).next = new;
        (*new).useragent_addr = (*r).useragent_addr;
        (*new).useragent_ip = (*r).useragent_ip;
        sys::ap_run_create_request(new);

        (*new).the_request = (*r).the_request;
        (*new).allowed = (*r).allowed;
        (*new).status = (*r).status;
        (*new).assbackwards = (*r).assbackwards;
        (*new).header_only = (*r).header_only;
        (*new).protocol = (*r).protocol;
        (*new).proto_num = (*r).proto_num;
        (*new).hostname = (*r).hostname;
        (*new).request_time = (*r).request_time;
        (*new).main = (*r).main;
        inherit_tables(new, r);
        (*new).htaccess = (*r).htaccess;
        (*new).no_cache = (*r).no_cache;
        (*new).expecting_100 = (*r).expecting_100;
        (*new).no_local_copy = (*r).no_local_copy;
        (*new).read_length = (*r).read_length;
        (*new).vlist_validator = (*r).vlist_validator;
        (*new).used_path_info = sys::AP_REQ_DEFAULT_PATH_INFO as c_int;
        (*new).invoke_mtx = (*r).invoke_mtx;
        inherit_filters(new, r);

        let answer = sys::ap_run_post_read_request(new);
        if answer != sys::OK as c_int && answer != sys::DECLINED {
            sys::ap_die(answer, new);
            return None;
        }
        Some(new)
    }
}

/// Header fields, environment and notes of the new request.
///
/// # Safety
/// Both are live and share a pool.
unsafe fn inherit_tables(new: *mut sys::request_rec, r: *mut sys::request_rec) {
    // SAFETY: the caller's promise.
    unsafe {
        let pool = (*r).pool;
        (*new).headers_in = (*r).headers_in;
        (*new).trailers_in = (*r).trailers_in;
        (*new).headers_out = sys::apr_table_make(pool, 12);
        let keep = |name: *const c_char| {
            let value = sys::apr_table_get((*r).headers_out, name);
            if !value.is_null() {
                sys::apr_table_setn((*new).headers_out, name, value);
            }
        };
        if (300..400).contains(&(*new).status) {
            keep(c"Location".as_ptr());
        }
        if !sys::apr_table_get((*r).notes, c"redirect-keeps-vary".as_ptr()).is_null() {
            keep(c"Vary".as_ptr());
        }
        (*new).err_headers_out = (*r).err_headers_out;
        (*new).trailers_out = sys::apr_table_make(pool, 5);
        (*new).subprocess_env = renamed_environment(pool, (*r).subprocess_env);
        sys::apr_table_setn(
            (*new).subprocess_env,
            c"REDIRECT_STATUS".as_ptr(),
            sys::apr_itoa(pool, (*r).status),
        );
        (*new).notes = sys::apr_table_make(pool, 5);
    }
}

/// The filters of the new request: the protocol's, and what a sub-request shares with its main one.
///
/// # Safety
/// Both are live.
unsafe fn inherit_filters(new: *mut sys::request_rec, r: *mut sys::request_rec) {
    // SAFETY: the caller's promise; a filter is read before it may be removed.
    unsafe {
        (*new).proto_output_filters = (*r).proto_output_filters;
        (*new).proto_input_filters = (*r).proto_input_filters;
        (*new).input_filters = (*new).proto_input_filters;
        if (*new).main.is_null() {
            (*new).output_filters = (*new).proto_output_filters;
        } else {
            (*new).output_filters = (*r).output_filters;
            let mut filter = (*new).output_filters;
            while !filter.is_null() && filter != (*new).proto_output_filters {
                let next = (*filter).next;
                if (*filter).r == r && (*filter).frec != sys::ap_subreq_core_filter_handle {
                    (*filter).r = new;
                    sys::ap_remove_output_filter(filter);
                }
                filter = next;
            }
        }
        adopt_filters((*new).input_filters, r, new);
        adopt_filters((*new).output_filters, r, new);
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_internal_redirect(uri: *const c_char, r: *mut sys::request_rec) {
    // SAFETY: the header asks for a live request and a URI.
    unsafe {
        if let Some(new) = redirected(uri, r) {
            let answer = serve(new);
            sys::ap_die(answer, new);
        }
    }
}

/// As `ap_internal_redirect`, with the content type of the old request: what a handler was chosen
/// by stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_internal_redirect_handler(
    uri: *const c_char,
    r: *mut sys::request_rec,
) {
    // SAFETY: as above.
    unsafe {
        let Some(new) = redirected(uri, r) else {
            return;
        };
        if !(*r).handler.is_null() {
            let trusted = c_int::from((*r).bnotes & TRUSTED_TYPE != 0);
            sys::ap_set_content_type_ex(new, (*r).content_type, trusted);
        }
        let answer = serve_slowly(new);
        sys::ap_die(answer, new);
    }
}

/// Makes `r` the request that was looked up as its sub-request `rr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_internal_fast_redirect(
    rr: *mut sys::request_rec,
    r: *mut sys::request_rec,
) {
    // SAFETY: the header asks for live requests; the pool of `rr` is a child of that of `r` and is
    // left to it.
    unsafe {
        let pool = (*r).pool;
        (*r).proxyreq = (*rr).proxyreq;
        (*r).no_cache = c_int::from((*r).no_cache != 0 && (*rr).no_cache != 0);
        (*r).no_local_copy = c_int::from((*r).no_local_copy != 0 && (*rr).no_local_copy != 0);
        (*r).mtime = (*rr).mtime;
        (*r).uri = (*rr).uri;
        (*r).filename = (*rr).filename;
        (*r).canonical_filename = (*rr).canonical_filename;
        (*r).path_info = (*rr).path_info;
        (*r).args = (*rr).args;
        (*r).finfo = (*rr).finfo;
        (*r).handler = (*rr).handler;
        let trusted = c_int::from((*rr).bnotes & TRUSTED_TYPE != 0);
        sys::ap_set_content_type_ex(r, (*rr).content_type, trusted);
        (*r).content_encoding = (*rr).content_encoding;
        (*r).content_languages = (*rr).content_languages;
        (*r).per_dir_config = (*rr).per_dir_config;
        (*r).notes = sys::apr_table_overlay(pool, (*rr).notes, (*r).notes);
        (*r).headers_out = sys::apr_table_overlay(pool, (*rr).headers_out, (*r).headers_out);
        (*r).err_headers_out =
            sys::apr_table_overlay(pool, (*rr).err_headers_out, (*r).err_headers_out);
        (*r).trailers_out = sys::apr_table_overlay(pool, (*rr).trailers_out, (*r).trailers_out);
        (*r).subprocess_env =
            sys::apr_table_overlay(pool, (*rr).subprocess_env, (*r).subprocess_env);
        (*r).output_filters = (*rr).output_filters;
        (*r).input_filters = (*rr).input_filters;
        adopt_filters((*r).input_filters, rr, r);
        adopt_filters((*r).output_filters, rr, r);
        match subrequest_filter((*r).output_filters, (*r).proto_output_filters) {
            None if !(*r).main.is_null() => {
                sys::ap_add_output_filter_handle(
                    sys::ap_subreq_core_filter_handle,
                    std::ptr::null_mut(),
                    r,
                    (*r).connection,
                );
            }
            Some(filter) if (*r).main.is_null() => sys::ap_remove_output_filter(filter),
            _ => {}
        }
    }
}
