//! Exports of `unixd.h` and `mod_unixd.h`: the user the server runs as, mutexes and limits for that
//! user, accepting. The directives are `modules/unixd`'s. What the MPM keeps over restarts and its
//! signals are the MPM's.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, apr_status_t};

use crate::modules::{core::command::Cmd, unixd};

exports! {
    ap_unixd_setup_child, ap_unixd_set_rlimit, ap_unixd_set_proc_mutex_perms,
    ap_unixd_set_global_mutex_perms, ap_unixd_accept,
}

/// `User`, `Group`, `ChrootDir` and `Suexec`.
#[unsafe(no_mangle)]
pub static mut ap_unixd_config: sys::unixd_config_rec = sys::unixd_config_rec {
    user_name: null(),
    group_name: null(),
    user_id: 0,
    group_id: 0,
    suexec_enabled: 0,
    chroot_dir: null(),
    suexec_disabled_reason: null(),
};

/// Makes this process, a child, run as the configured user; not 0 when it cannot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_unixd_setup_child() -> c_int {
    // SAFETY: called in a child before it has threads.
    unsafe { unixd::become_user(null()) }
}

/// Reads the arguments of an `RLimit*` directive into a record that replaces `*place`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_unixd_set_rlimit(
    parms: *mut sys::cmd_parms,
    place: *mut *mut sys::rlimit,
    soft: *const c_char,
    hard: *const c_char,
    kind: c_int,
) {
    // SAFETY: the header asks for a live command, a place, a string, and a string or NULL.
    unsafe {
        let cmd = Cmd::new(parms, null_mut::<c_void>());
        let complain = |level, text: String| cmd.log(level, text);
        let name = cmd.name();
        let mut now: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(kind as libc::__rlimit_resource_t, &mut now) != 0 {
            *place = null_mut();
            complain(
                sys::APLOG_CRIT,
                format!("AH02172: {name}: getrlimit failed"),
            );
            return;
        }
        let soft = module_sdk::raw::text(soft).unwrap_or(c"");
        if soft.is_empty() {
            complain(
                sys::APLOG_ERR,
                format!("AH02173: Invalid parameters for {name}"),
            );
            return;
        }
        let hard = module_sdk::raw::text(hard);
        let limits = Limits {
            soft: now.rlim_cur,
            hard: now.rlim_max,
        };
        let (limits, refused) = limits.changed(
            &soft.to_string_lossy(),
            hard.map(CStr::to_string_lossy).as_deref(),
            libc::geteuid() == 0,
        );
        if refused {
            complain(
                sys::APLOG_ERR,
                format!("AH02174: Must be uid 0 to raise maximum {name}"),
            );
        }
        let kept: *mut sys::rlimit = cmd.pool().zeroed();
        (*kept).rlim_cur = limits.soft;
        (*kept).rlim_max = limits.hard;
        *place = kept;
    }
}

/// A soft and a hard limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    soft: u64,
    hard: u64,
}

impl Limits {
    /// What the arguments make of these limits, and whether a hard limit could not be raised.
    fn changed(self, soft: &str, hard: Option<&str>, root: bool) -> (Self, bool) {
        let number = |text: &str| {
            if text.eq_ignore_ascii_case("max") {
                self.hard
            } else {
                let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().unwrap_or(0)
            }
        };
        let soft = number(soft);
        let hard = hard.map_or(0, number);
        let mut limits = self;
        if soft != 0 || !root {
            limits.soft = soft;
        }
        let refused = !root && hard > self.hard;
        if hard != 0 && !refused {
            limits.hard = hard;
        }
        (limits, refused)
    }
}

/// Lets the configured user lock a mutex that root has made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_unixd_set_proc_mutex_perms(
    mutex: *mut sys::apr_proc_mutex_t,
) -> apr_status_t {
    // SAFETY: the header asks for a live mutex.
    unsafe {
        share(|perms, user, group| sys::apr_proc_mutex_perms_set(mutex.cast(), perms, user, group))
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_unixd_set_global_mutex_perms(
    mutex: *mut sys::apr_global_mutex_t,
) -> apr_status_t {
    // SAFETY: as above.
    unsafe {
        share(|perms, user, group| {
            sys::apr_global_mutex_perms_set(mutex.cast(), perms, user, group)
        })
    }
}

/// Sets permissions if this process can, and the mechanism has any.
fn share(set: impl FnOnce(i32, sys::uid_t, sys::gid_t) -> apr_status_t) -> apr_status_t {
    const APR_ENOTIMPL: apr_status_t = 70023;
    // SAFETY: plain numbers, written while the configuration is read.
    let (user, group) = unsafe {
        if libc::geteuid() != 0 {
            return 0;
        }
        (ap_unixd_config.user_id, ap_unixd_config.group_id)
    };
    match set(
        (sys::APR_FPROT_UREAD | sys::APR_FPROT_UWRITE) as i32,
        user,
        group,
    ) {
        APR_ENOTIMPL => 0,
        status => status,
    }
}

/// Accepts a connection from a listener. Errors of one client are passed on; after any other the
/// child must not go on (`APR_EGENERAL`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_unixd_accept(
    accepted: *mut *mut c_void,
    listener: *mut sys::ap_listen_rec,
    pool: *mut sys::apr_pool_t,
) -> apr_status_t {
    const APR_EGENERAL: apr_status_t = 20014;
    // SAFETY: the header asks for a place, a live listener and a live pool.
    unsafe {
        *accepted = null_mut();
        let mut socket = null_mut();
        let status = sys::apr_socket_accept(&mut socket, (*listener).sd, pool);
        if status == 0 {
            *accepted = socket.cast();
            return 0;
        }
        if is_harmless(status) {
            return status;
        }
        let (level, text) = if (*listener).active == 0 {
            (
                sys::APLOG_DEBUG,
                "AH02178: apr_socket_accept failed for inactive listener",
            )
        } else if status == libc::ENETDOWN {
            (sys::APLOG_EMERG, "AH02177: apr_socket_accept: giving up.")
        } else {
            (
                sys::APLOG_ERR,
                "AH02179: apr_socket_accept: (client socket)",
            )
        };
        crate::modules::core::log_server(sys::ap_server_conf, level, status, text);
        if (*listener).active == 0 {
            status
        } else {
            APR_EGENERAL
        }
    }
}

/// An error that concerns the one client only, or nobody.
fn is_harmless(status: apr_status_t) -> bool {
    [
        libc::EINTR,
        libc::EAGAIN,
        libc::ECONNABORTED,
        libc::ECONNRESET,
        libc::ETIMEDOUT,
        libc::EHOSTUNREACH,
        libc::ENETUNREACH,
        libc::EPROTO,
    ]
    .contains(&status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_change_within_what_the_user_may() {
        let now = Limits {
            soft: 10,
            hard: 100,
        };
        assert_eq!(
            now.changed("50", None, false),
            (
                Limits {
                    soft: 50,
                    hard: 100
                },
                false
            )
        );
        assert_eq!(
            now.changed("max", Some("80"), false),
            (
                Limits {
                    soft: 100,
                    hard: 80
                },
                false
            )
        );
        assert_eq!(
            now.changed("5", Some("200"), false),
            (Limits { soft: 5, hard: 100 }, true)
        );
        assert_eq!(
            now.changed("5", Some("200"), true),
            (Limits { soft: 5, hard: 200 }, false)
        );
        assert_eq!(now.changed("x", None, true), (now, false));
    }
}
