//! Files looked up for requests: each once a turn of the event loop (`conn/turn`).

use std::{
    cell::RefCell,
    ffi::{CStr, CString},
};

use httpd_sys::{self as sys, apr_finfo_t, apr_pool_t, apr_status_t};

use crate::{
    conn::turn::{self, Turn},
    request::files::Identity,
    util::hash::Map,
};

/// Not more files are remembered than that.
const MOST: usize = 4096;

/// What was found, and when.
struct Found {
    turn: Turn,
    status: apr_status_t,
    info: apr_finfo_t,
}

thread_local! {
    static FOUND: RefCell<Map<CString, Found>> = RefCell::default();
}

/// What `apr_stat` with `APR_FINFO_MIN` says of a file, links followed.
///
/// # Safety
/// `info` is a place for the answer, `pool` is live; `path` lives as long as what is made of `info`.
pub(in crate::abi) unsafe fn stat(
    info: *mut apr_finfo_t,
    path: &CStr,
    pool: *mut apr_pool_t,
) -> apr_status_t {
    let Some(now) = turn::current() else {
        // SAFETY: the caller's promise.
        return unsafe { sys::apr_stat(info, path.as_ptr(), sys::APR_FINFO_MIN as i32, pool) };
    };
    FOUND.with_borrow_mut(|files| {
        if let Some(known) = files.get_mut(path) {
            if known.turn != now {
                *known = look(path, pool, now);
            }
            // SAFETY: as above.
            return unsafe { known.give(info, path, pool) };
        }
        if files.len() >= MOST {
            files.clear();
        }
        let found = look(path, pool, now);
        // SAFETY: as above.
        let status = unsafe { found.give(info, path, pool) };
        files.insert(path.to_owned(), found);
        status
    })
}

/// What tells the state of a file that was looked up from others.
pub(crate) fn identity(info: &apr_finfo_t) -> Identity {
    Identity {
        device: info.device,
        inode: info.inode,
        size: info.size.unsigned_abs(),
        modified: info.mtime,
        changed: info.ctime,
    }
}

fn look(path: &CStr, pool: *mut apr_pool_t, turn: Turn) -> Found {
    // SAFETY: the record consists of numbers and pointers, which may be NULL; the pool is only noted
    // in it.
    unsafe {
        let mut info: apr_finfo_t = std::mem::zeroed();
        let status = sys::apr_stat(&mut info, path.as_ptr(), sys::APR_FINFO_MIN as i32, pool);
        Found { turn, status, info }
    }
}

impl Found {
    /// Answers as `apr_stat` does, which writes nothing when it fails.
    ///
    /// # Safety
    /// As `stat`.
    unsafe fn give(
        &self,
        info: *mut apr_finfo_t,
        path: &CStr,
        pool: *mut apr_pool_t,
    ) -> apr_status_t {
        if self.info.valid != 0 {
            // SAFETY: the caller's promise. What pointed into another request is replaced.
            unsafe {
                let name = (*info).name;
                *info = self.info;
                (*info).pool = pool;
                (*info).fname = path.as_ptr();
                (*info).name = name;
            }
        }
        self.status
    }
}
