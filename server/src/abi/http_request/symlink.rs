//! Whether a symbolic link on the way to a file may be followed.

use std::ffi::{c_char, c_int};

use httpd_sys as sys;

use crate::request::options::{Options, Symlinks, symlinks};

const FORBIDDEN: c_int = sys::HTTP_FORBIDDEN as c_int;
const NAME: i32 = sys::APR_FINFO_NAME as i32;
const LINK: i32 = sys::APR_FINFO_LINK as i32;
const OWNER: i32 = sys::APR_FINFO_OWNER as i32;

/// Puts what `path` leads to in the place of the link's own `info`, when the options allow to
/// follow it; else answers 403.
///
/// # Safety
/// `info` is what is known of the link `path`; `pool` is live.
pub(super) unsafe fn follow(
    path: *const c_char,
    info: &mut sys::apr_finfo_t,
    options: Options,
    pool: *mut sys::apr_pool_t,
) -> c_int {
    let rule = symlinks(options);
    if rule == Symlinks::Forbidden {
        return FORBIDDEN;
    }
    let name = (info.valid & NAME != 0).then_some(info.name);
    // SAFETY: the caller's promise; APR fills the records.
    unsafe {
        if rule == Symlinks::IfOwnerMatches
            && info.valid & OWNER == 0
            && sys::apr_stat(info, path, info.valid | LINK | OWNER, pool) != 0
        {
            return FORBIDDEN;
        }
        let mut target: sys::apr_finfo_t = std::mem::zeroed();
        if sys::apr_stat(&mut target, path, info.valid & !(NAME | LINK), pool) != 0 {
            return FORBIDDEN;
        }
        if rule == Symlinks::IfOwnerMatches && target.user != info.user {
            return FORBIDDEN;
        }
        *info = target;
    }
    if let Some(name) = name {
        info.name = name;
        info.valid |= NAME;
    }
    sys::OK as c_int
}
