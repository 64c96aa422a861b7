//! Sub-requests: what another URI or file would be for this server, and its response within the one
//! of the main request.

use std::{
    ffi::{c_char, c_int},
    ptr::null_mut,
};

use httpd_sys as sys;
use module_sdk::raw::Brigade;

use super::{
    redirect::subrequest_filter,
    support::{bytes, concat, copy, is_blank, sub_pool, zeroed},
    symlink,
};
use crate::request::{
    options::{Options, Symlinks, symlinks},
    paths,
};

exports! {
    ap_sub_req_lookup_uri, ap_sub_req_method_uri, ap_sub_req_lookup_file, ap_sub_req_lookup_dirent,
    ap_run_sub_req, ap_destroy_sub_req, ap_sub_req_output_filter,
}

const OK: c_int = sys::OK as c_int;
const ERROR: c_int = sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
const MIN: i32 = sys::APR_FINFO_MIN as i32;
const LINK: i32 = sys::APR_FINFO_LINK as i32;
const MERGE_ARGS: c_int = sys::AP_SUBREQ_MERGE_ARGS as c_int;

/// A request below `r`, with no URI yet. Without `next_filter` it is only looked up, or will take
/// the place of `r`.
///
/// # Safety
/// `r` is live; `next_filter` is NULL or a filter of it.
unsafe fn make(
    r: *const sys::request_rec,
    next_filter: *mut sys::ap_filter_t,
) -> *mut sys::request_rec {
    // SAFETY: the caller's promise; the sub-request's pool is a child of that of `r`.
    unsafe {
        let pool = sub_pool((*r).pool, c"subrequest");
        let new = zeroed::<sys::request_rec>(pool);
        (*new).pool = pool;
        (*new).hostname = (*r).hostname;
        (*new).request_time = (*r).request_time;
        (*new).connection = (*r).connection;
        (*new).server = (*r).server;
        (*new).log = (*r).log;
        (*new).request_config = sys::ap_create_request_config(pool);
        (*new).per_dir_config = (*(*r).server).lookup_defaults;
        (*new).htaccess = (*r).htaccess;
        (*new).allowed_methods = sys::ap_make_method_list(pool, 2);
        sys::ap_copy_method_list((*new).allowed_methods, (*r).allowed_methods);
        (*new).proto_input_filters = (*r).proto_input_filters;
        (*new).proto_output_filters = (*r).proto_output_filters;
        if next_filter.is_null() {
            (*new).input_filters = (*r).proto_input_filters;
            (*new).output_filters = (*r).proto_output_filters;
        } else {
            (*new).input_filters = (*r).input_filters;
            (*new).output_filters = next_filter;
            if subrequest_filter(next_filter, (*r).proto_output_filters).is_none() {
                sys::ap_add_output_filter_handle(
                    sys::ap_subreq_core_filter_handle,
                    null_mut(),
                    new,
                    (*new).connection,
                );
            }
        }
        (*new).useragent_addr = (*r).useragent_addr;
        (*new).useragent_ip = (*r).useragent_ip;
        sys::ap_set_sub_req_protocol(new, r);
        // Modules look for the main request, which the line above has set.
        sys::ap_run_create_request(new);
        (*new).used_path_info = sys::AP_REQ_DEFAULT_PATH_INFO as c_int;
        (*new).kept_body = (*r).kept_body;
        new
    }
}

/// Runs the phases, unless there are sub-requests of sub-requests without end.
///
/// # Safety
/// Both are live.
unsafe fn look_up(new: *mut sys::request_rec, r: *const sys::request_rec) -> *mut sys::request_rec {
    // SAFETY: the caller's promise.
    unsafe {
        let answer = if sys::ap_is_recursion_limit_exceeded(r) != 0 {
            ERROR
        } else {
            sys::ap_process_request_internal(new)
        };
        if answer != OK {
            (*new).status = answer;
        }
        new
    }
}

/// The path escaped for a URI.
///
/// # Safety
/// The pool is live.
unsafe fn escaped(pool: *mut sys::apr_pool_t, path: &[u8]) -> *mut c_char {
    // SAFETY: the caller's promise. The last argument: a part of a path, which gets no "./" before
    // it to keep a colon from looking like the end of a scheme.
    unsafe { sys::ap_os_escape_path(pool, copy(pool, path), 1) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_sub_req_method_uri(
    method: *const c_char,
    uri: *const c_char,
    r: *const sys::request_rec,
    next_filter: *mut sys::ap_filter_t,
) -> *mut sys::request_rec {
    // SAFETY: the header asks for a live request and strings.
    unsafe {
        let new = make(r, next_filter);
        (*new).method = method;
        (*new).method_number = sys::ap_method_number_of(method);
        if bytes(uri).starts_with(b"/") {
            sys::ap_parse_uri(new, uri);
        } else {
            let directory = escaped((*new).pool, paths::parent(bytes((*r).uri)));
            let whole = paths::join(bytes(directory), bytes(uri));
            sys::ap_parse_uri(new, copy((*new).pool, &whole));
        }
        if sys::ap_is_recursion_limit_exceeded(r) != 0 {
            (*new).status = ERROR;
            return new;
        }
        // A quick handler answers at once, which is of use only where there is to be a response.
        if !next_filter.is_null() && sys::ap_run_quick_handler(new, 1) == OK {
            return new;
        }
        look_up(new, r)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_sub_req_lookup_uri(
    uri: *const c_char,
    r: *const sys::request_rec,
    next_filter: *mut sys::ap_filter_t,
) -> *mut sys::request_rec {
    // SAFETY: as above.
    unsafe { ap_sub_req_method_uri(c"GET".as_ptr(), uri, r, next_filter) }
}

/// Looks up the file of a sub-request; links stay links where they are not followed anyway.
///
/// # Safety
/// `new` is live and has a file name.
unsafe fn stat_file(new: *mut sys::request_rec) {
    // SAFETY: the caller's promise.
    unsafe {
        let options = sys::ap_allow_options(new) as Options;
        let follows = symlinks(options) == Symlinks::Followed;
        let wanted = if follows { MIN } else { MIN | LINK };
        let status = sys::apr_stat(&raw mut (*new).finfo, (*new).filename, wanted, (*new).pool);
        if status != 0 && status != sys::APR_INCOMPLETE as sys::apr_status_t {
            (*new).finfo.filetype = sys::APR_NOFILE;
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_sub_req_lookup_dirent(
    entry: *const sys::apr_finfo_t,
    r: *const sys::request_rec,
    subtype: c_int,
    next_filter: *mut sys::ap_filter_t,
) -> *mut sys::request_rec {
    // SAFETY: the header asks for a live request that has a file, and a named entry of the
    // directory of that file.
    unsafe {
        let new = make(r, next_filter);
        let pool = (*new).pool;
        let name = bytes((*entry).name);

        let file = paths::join(paths::parent(bytes((*r).filename)), name);
        (*new).filename = copy(pool, &file);
        if (*r).canonical_filename == (*r).filename {
            (*new).canonical_filename = (*new).filename;
        }
        if (*entry).valid & MIN == MIN {
            (*new).finfo = *entry;
        } else {
            stat_file(new);
        }
        if (*new).finfo.filetype == sys::APR_LNK {
            let options = sys::ap_allow_options(new) as Options;
            let answer = symlink::follow((*new).filename, &mut (*new).finfo, options, pool);
            if answer != OK {
                (*new).status = answer;
                return new;
            }
        }

        // The URI of the directory is that of the request less its path info, which may be wanted
        // behind the entry's.
        let uri = bytes((*r).uri);
        let path_info = bytes((*r).path_info);
        let script = if path_info.is_empty() {
            uri
        } else {
            &uri[..paths::path_info_start(uri, path_info)]
        };
        let mut whole = paths::join(paths::parent(script), name);
        let merges = subtype == MERGE_ARGS;
        if merges && !path_info.is_empty() {
            whole = paths::join(&whole, &path_info[1..]);
            (*new).path_info = copy(pool, path_info);
        }
        let mut uri = bytes(escaped(pool, &whole)).to_vec();
        if (*new).finfo.filetype == sys::APR_DIR {
            let slashed = concat(pool, &[bytes((*new).filename), b"/"]);
            if (*new).canonical_filename == (*new).filename {
                (*new).canonical_filename = slashed;
            }
            (*new).filename = slashed;
            if is_blank((*new).path_info) {
                uri.push(b'/');
            }
        }
        if merges && !is_blank((*r).args) {
            uri.push(b'?');
            uri.extend_from_slice(bytes((*r).args));
        }
        sys::ap_parse_uri(new, copy(pool, &uri));
        look_up(new, r)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_sub_req_lookup_file(
    file: *const c_char,
    r: *const sys::request_rec,
    next_filter: *mut sys::ap_filter_t,
) -> *mut sys::request_rec {
    // SAFETY: the header asks for a live request that has a file, and a string.
    unsafe {
        let new = make(r, next_filter);
        let pool = (*new).pool;
        let directory = paths::parent(bytes((*r).filename));
        let merged = sys::apr_filepath_merge(
            &raw mut (*new).filename,
            copy(pool, directory),
            file,
            sys::APR_FILEPATH_TRUENAME as i32,
            pool,
        );
        if merged != 0 {
            (*new).status = sys::HTTP_FORBIDDEN as c_int;
            return new;
        }
        if (*r).canonical_filename == (*r).filename {
            (*new).canonical_filename = (*new).filename;
        }
        // A file of the same directory has a URI in the same directory; others have none we know.
        let name = bytes((*new).filename)
            .strip_prefix(directory)
            .filter(|name| !name.is_empty() && !name.contains(&b'/'));
        if name.is_some() {
            stat_file(new);
        }
        match name {
            Some(name) if !is_blank((*r).uri) => {
                let uri = paths::join(paths::parent(bytes((*r).uri)), name);
                (*new).uri = copy(pool, &uri);
                sys::ap_parse_uri(new, (*new).uri);
            }
            _ => {
                sys::ap_parse_uri(new, file);
                (*new).uri = copy(pool, b"");
            }
        }
        look_up(new, r)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_run_sub_req(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the header asks for a sub-request.
    unsafe {
        let is_file = !(*r).filename.is_null() && (*r).finfo.filetype != sys::APR_NOFILE;
        let mut answer = sys::DECLINED;
        if !is_file {
            answer = sys::ap_run_quick_handler(r, 0);
        }
        if answer == sys::DECLINED {
            answer = match sys::ap_invoke_handler(r) {
                sys::DONE => OK,
                other => other,
            };
        }
        sys::ap_finalize_sub_req_protocol(r);
        answer
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_destroy_sub_req(r: *mut sys::request_rec) {
    // SAFETY: the header asks for a sub-request, which nobody uses any more.
    unsafe { sys::apr_pool_destroy((*r).pool) }
}

/// The last filter of a sub-request: its end is not that of the response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_sub_req_output_filter(
    f: *mut sys::ap_filter_t,
    bb: *mut sys::apr_bucket_brigade,
) -> sys::apr_status_t {
    // SAFETY: filters are called with themselves and a brigade.
    unsafe {
        let brigade = Brigade::from_ptr(bb);
        if let Some(last) = brigade.last()
            && last.is_eos()
        {
            last.delete();
        }
        if brigade.is_empty() {
            return 0;
        }
        sys::ap_pass_brigade((*f).next, bb)
    }
}
