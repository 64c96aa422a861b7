//! `.htaccess` files: finding, reading and executing them for a request.
//!
//! A file that has not changed is not read again (`kept`): one `stat` tells. That holds as long as
//! nothing but the core opens these files; a module on the `open_htaccess` hook may answer
//! differently each time.

use std::{
    ffi::{CStr, CString, c_char, c_int},
    mem::size_of,
    ptr::{null, null_mut},
    time::SystemTime,
};

use httpd_sys::{
    self as sys, ap_conf_vector_t, ap_configfile_t, ap_directive_t, apr_pool_t, apr_status_t,
    apr_table_t, cmd_parms, request_rec,
};

use super::{kept, lossy, pool_text, reader, retained, tree, vectors, walk};
use crate::{abi::stat, request::files::Identity};

exports! { ap_parse_htaccess, ap_open_htaccess }

const NONE: apr_status_t = sys::APR_ENOENT as apr_status_t;
const NO_DIRECTORY: apr_status_t = sys::APR_ENOTDIR as apr_status_t;

/// The core's way to open an `.htaccess` file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_open_htaccess(
    r: *mut request_rec,
    dir_name: *const c_char,
    access_name: *const c_char,
    conffile: *mut *mut ap_configfile_t,
    full_name: *mut *const c_char,
) -> apr_status_t {
    // SAFETY: the hook asks for a live request, names and places for the answers.
    unsafe {
        let path = full_path((*r).pool, dir_name, access_name);
        *full_name = path;
        reader::ap_pcfg_openfile(conffile, (*r).pool, path)
    }
}

/// The name of a file in a directory.
///
/// # Safety
/// `pool` is live, the names are NUL-terminated.
unsafe fn full_path(
    pool: *mut apr_pool_t,
    dir: *const c_char,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        let (dir, name) = (
            CStr::from_ptr(dir).to_bytes(),
            CStr::from_ptr(name).to_bytes(),
        );
        let between: &[u8] = if dir.is_empty() || dir.ends_with(b"/") {
            b""
        } else {
            b"/"
        };
        pool_text(pool, [dir, between, name].concat())
    }
}

/// Reads and executes the first file of `access_names` in the directory `d`. `*result` becomes the
/// vector of its settings, or stays when there is no file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_parse_htaccess(
    result: *mut *mut ap_conf_vector_t,
    r: *mut request_rec,
    override_: c_int,
    override_opts: c_int,
    override_list: *mut apr_table_t,
    d: *const c_char,
    mut access_names: *const c_char,
) -> c_int {
    // SAFETY: the header asks for a live request, names and a place for the answer.
    unsafe {
        let mut earlier = (*r).htaccess;
        while let Some(known) = earlier.as_ref() {
            if known.override_ == override_ && CStr::from_ptr(known.dir) == CStr::from_ptr(d) {
                *result = known.htaccess;
                return sys::OK as c_int;
            }
            earlier = known.next;
        }

        let mut parms: cmd_parms = std::mem::zeroed();
        parms.limited = -1;
        parms.override_ = override_;
        parms.override_opts = override_opts;
        parms.override_list = override_list;
        parms.pool = (*r).pool;
        parms.temp_pool = (*r).pool;
        parms.server = (*r).server;
        parms.path = sys::apr_pstrdup((*r).pool, d);

        let mut vector = null_mut();
        let only_core = core_alone_opens();
        while *access_names != 0 {
            let name = sys::ap_getword_conf((*r).pool, &mut access_names);
            match file(r, &mut parms, d, name, only_core) {
                Ok(None) => {}
                Ok(Some(found)) => {
                    vector = found;
                    *result = found;
                    break;
                }
                Err(status) => return status,
            }
        }

        let known = sys::apr_palloc((*r).pool, size_of::<sys::htaccess_result>())
            .cast::<sys::htaccess_result>();
        known.write(sys::htaccess_result {
            dir: parms.path,
            override_,
            override_opts,
            override_list: if override_list.is_null() {
                null_mut()
            } else {
                sys::apr_table_copy((*r).pool, override_list)
            },
            htaccess: vector,
            next: (*r).htaccess,
        });
        (*r).htaccess = known;
    }
    sys::OK as c_int
}

/// Whether no module but the core opens `.htaccess` files.
///
/// # Safety
/// Hooks are not registered meanwhile.
unsafe fn core_alone_opens() -> bool {
    // SAFETY: the array holds the registrations of this hook.
    unsafe {
        let array = sys::ap_hook_get_open_htaccess();
        if array.is_null() || (*array).nelts == 0 {
            return true;
        }
        let links = std::slice::from_raw_parts(
            (*array).elts.cast::<sys::ap_LINK_open_htaccess_t>(),
            (*array).nelts as usize,
        );
        let ours = ap_open_htaccess as *const ();
        links.iter().all(|link| {
            link.pFunc
                .is_some_and(|function| function as *const () == ours)
        })
    }
}

/// Reads and executes one file: its vector, `None` when there is no such file, or the status that
/// ends the request.
///
/// # Safety
/// As `ap_parse_htaccess`.
unsafe fn file(
    r: *mut request_rec,
    parms: &mut cmd_parms,
    d: *const c_char,
    name: *const c_char,
    only_core: bool,
) -> Result<Option<*mut ap_conf_vector_t>, c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let pool = (*r).pool;
        let mut identity = None;
        let mut store = None;
        let mut path = null();
        let mut opened = null_mut();
        let status = if only_core {
            path = full_path(pool, d, name);
            match identify(CStr::from_ptr(path), pool) {
                Ok(now) => identity = Some(now),
                // The way below says what else is wrong.
                Err(NONE | NO_DIRECTORY) => return Ok(None),
                Err(_) => {}
            }
            store = kept::of_request(r);
            if let (Some(identity), Some(store)) = (&identity, store)
                && let Some(vector) = store.get(&key(path, parms), identity)
            {
                return Ok(Some(vector));
            }
            reader::ap_pcfg_openfile(&mut opened, pool, path)
        } else {
            sys::ap_run_open_htaccess(r, d, name, &mut opened, &mut path)
        };
        match status {
            0 => {}
            NONE | NO_DIRECTORY => return Ok(None),
            status => return Err(unreadable(r, status, path, d)),
        }

        parms.config_file = opened;
        let mut first: *mut ap_directive_t = null_mut();
        let (error, seen) = tree::watch(|| tree::ap_build_config(parms, pool, pool, &mut first));
        let answer = if error.is_null() {
            // What ran at once asked whether it was allowed, and may have been.
            let asked = seen.executed
                && (!parms.override_list.is_null()
                    || parms.override_ & sys::NONFATAL_ALL as c_int != 0);
            match (identity, store) {
                (Some(identity), Some(store))
                    if !seen.volatile && !asked && identity.is_settled(SystemTime::now()) =>
                {
                    store
                        .put(key(path, parms), identity, |pool| {
                            let path = sys::apr_pstrdup(pool, path);
                            parms.path = sys::apr_pstrdup(pool, parms.path);
                            parms.pool = pool;
                            let tree = copy_tree(pool, first, null_mut(), path);
                            execute(r, parms, path, tree)
                        })
                        .map(Some)
                }
                _ => execute(r, parms, path, first).map(Some),
            }
        } else {
            Err(wrong(r, parms, path, error))
        };
        reader::ap_cfg_closefile(opened);
        answer
    }
}

/// Runs the directives of a file into a new vector, in the pool of `parms`.
///
/// # Safety
/// As `ap_parse_htaccess`; the tree lives as long as the pool.
unsafe fn execute(
    r: *mut request_rec,
    parms: &mut cmd_parms,
    path: *const c_char,
    first: *mut ap_directive_t,
) -> Result<*mut ap_conf_vector_t, c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let vector = vectors::ap_create_per_dir_config(parms.pool);
        let error = walk::ap_walk_config(first, parms, vector);
        if error.is_null() {
            Ok(vector)
        } else {
            Err(wrong(r, parms, path, error))
        }
    }
}

/// Logs an error in a file; the request's status.
///
/// # Safety
/// As `ap_parse_htaccess`.
unsafe fn wrong(
    r: *mut request_rec,
    parms: &cmd_parms,
    path: *const c_char,
    error: *const c_char,
) -> c_int {
    // SAFETY: the caller's promise; the directive is of the tree just read.
    unsafe {
        let mut text = format!("{}: {}", lossy(path), lossy(error));
        if let Some(directive) = parms.err_directive.as_ref() {
            text += &format!(
                " (line {}: {} {})",
                directive.line_num,
                lossy(directive.directive),
                lossy(directive.args)
            );
        }
        retained::log_request(r, sys::APLOG_ALERT, &text);
    }
    sys::HTTP_INTERNAL_SERVER_ERROR as c_int
}

/// Logs that a file cannot be opened, and forbids the request to be safe.
///
/// # Safety
/// As `ap_parse_htaccess`.
unsafe fn unreadable(
    r: *mut request_rec,
    status: apr_status_t,
    path: *const c_char,
    d: *const c_char,
) -> c_int {
    // SAFETY: the caller's promise; the format takes one string.
    unsafe {
        let text = format!(
            "AH00529: {} pcfg_openfile: unable to check htaccess file, ensure it is readable and \
             that '{}' is executable",
            lossy(path),
            lossy(d)
        );
        let text = CString::new(text).unwrap_or_default();
        sys::ap_log_rerror_(
            c"config.c".as_ptr(),
            0,
            super::CORE,
            sys::APLOG_CRIT as c_int,
            status,
            r,
            c"%s".as_ptr(),
            text.as_ptr(),
        );
        sys::apr_table_setn(
            (*r).notes,
            c"error-notes".as_ptr(),
            c"Server unable to read htaccess file, denying access to be safe".as_ptr(),
        );
    }
    sys::HTTP_FORBIDDEN as c_int
}

/// What the reading of a file depends on.
///
/// # Safety
/// `path` is NUL-terminated.
unsafe fn key(path: *const c_char, parms: &cmd_parms) -> kept::Key {
    kept::Key {
        // SAFETY: the caller's promise.
        path: unsafe { CStr::from_ptr(path) }.to_bytes().to_vec(),
        server: parms.server.addr(),
        overrides: parms.override_,
        options: parms.override_opts,
        list: parms.override_list.addr(),
    }
}

/// What tells the present state of a file from others, or the error of looking it up.
///
/// # Safety
/// `pool` is live.
unsafe fn identify(path: &CStr, pool: *mut apr_pool_t) -> Result<Identity, apr_status_t> {
    // SAFETY: the caller's promise; the record consists of numbers and pointers.
    let (status, info) = unsafe {
        let mut info: sys::apr_finfo_t = std::mem::zeroed();
        (stat::stat(&mut info, path, pool), info)
    };
    if status != 0 {
        return Err(status);
    }
    Ok(stat::identity(&info))
}

/// A copy of a tree in another pool: its first node. Nodes that are gone through again find their
/// `data` unset, as after reading.
///
/// # Safety
/// `first` is NULL or the first node of a live tree, `parent` its parent's copy; `path` lives as long
/// as the pool.
unsafe fn copy_tree(
    pool: *mut apr_pool_t,
    first: *const ap_directive_t,
    parent: *mut ap_directive_t,
    path: *const c_char,
) -> *mut ap_directive_t {
    let mut head = null_mut();
    let mut place: *mut *mut ap_directive_t = &raw mut head;
    let mut node = first;
    // SAFETY: the caller's promise; `place` is the head or the last copy's `next`.
    unsafe {
        while let Some(from) = node.as_ref() {
            let copy = sys::apr_palloc(pool, size_of::<ap_directive_t>()).cast::<ap_directive_t>();
            copy.write(ap_directive_t {
                directive: sys::apr_pstrdup(pool, from.directive),
                args: sys::apr_pstrdup(pool, from.args),
                next: null_mut(),
                first_child: null_mut(),
                parent,
                data: null_mut(),
                filename: path,
                line_num: from.line_num,
                last: null_mut(),
            });
            (*copy).first_child = copy_tree(pool, from.first_child, copy, path);
            *place = copy;
            place = &raw mut (*copy).next;
            node = from.next;
        }
    }
    head
}
