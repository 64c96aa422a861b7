//! `unixd_module`: the user and group the children run as, chroot, suEXEC. Its hooks announce that
//! privileges are given up, and give them up in each child.

use std::{
    ffi::{CStr, c_int},
    os::unix::fs::{MetadataExt, PermissionsExt},
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, RSRC_CONF, apr_pool_t, server_rec};

use super::core::{
    COOKIE,
    command::{Cmd, Commands, END, Outcome, command, shown},
    defines,
};
use crate::abi::unixd::ap_unixd_config;

/// The program that runs scripts as other users, as the headers' builds name it.
pub(crate) const SUEXEC: &CStr = c"/usr/lib/apache2/suexec";

/// The module.
#[unsafe(no_mangle)]
pub static mut unixd_module: sys::module = sys::module {
    version: sys::MODULE_MAGIC_NUMBER_MAJOR as c_int,
    minor_version: sys::MODULE_MAGIC_NUMBER_MINOR as c_int,
    module_index: -1,
    name: c"mod_unixd.c".as_ptr(),
    dynamic_load_handle: null_mut(),
    next: null_mut(),
    magic: COOKIE,
    rewrite_args: None,
    create_dir_config: None,
    merge_dir_config: None,
    create_server_config: None,
    merge_server_config: None,
    cmds: COMMANDS.0.as_ptr(),
    register_hooks: Some(register_hooks),
    flags: 0,
};

static COMMANDS: Commands<5> = Commands([
    command!(c"User", one TAKE1 user, RSRC_CONF, c"The user that requests are served as: a name or #number"),
    command!(c"Group", one TAKE1 group, RSRC_CONF, c"The group that requests are served as: a name or #number"),
    command!(c"ChrootDir", one TAKE1 chroot_dir, RSRC_CONF, c"The directory that becomes the root of the children"),
    command!(c"Suexec", flag FLAG suexec, RSRC_CONF, data 0, c"Whether scripts run as their owners, through suexec"),
    END,
]);

/// `User name|#number`
fn user(cmd: Cmd<'_>, name: &CStr) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    // SAFETY: the configuration is read single-threaded.
    unsafe {
        ap_unixd_config.user_name = cmd.keep(name.to_bytes());
        ap_unixd_config.user_id = sys::ap_uname2id(name.as_ptr());
        if ap_unixd_config.user_id == 0 {
            return Err(
                "requests are not served as root: a local user could read any file \
                        through a race; name another user in the User directive"
                    .into(),
            );
        }
    }
    Ok(())
}

/// `Group name|#number`
fn group(cmd: Cmd<'_>, name: &CStr) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    // SAFETY: as above.
    unsafe {
        ap_unixd_config.group_name = cmd.keep(name.to_bytes());
        ap_unixd_config.group_id = sys::ap_gname2id(name.as_ptr());
    }
    Ok(())
}

/// `ChrootDir directory`
fn chroot_dir(cmd: Cmd<'_>, path: &CStr) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    // SAFETY: as above.
    unsafe {
        if sys::ap_is_directory(cmd.pool().as_ptr(), path.as_ptr()) == 0 {
            return Err("ChrootDir must be a valid directory".into());
        }
        ap_unixd_config.chroot_dir = cmd.keep(path.to_bytes());
    }
    Ok(())
}

/// `Suexec on|off`
fn suexec(cmd: Cmd<'_>, on: bool) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    // SAFETY: as above; the reason is a string.
    unsafe {
        if on && ap_unixd_config.suexec_enabled == 0 {
            let reason = module_sdk::raw::text(ap_unixd_config.suexec_disabled_reason);
            return Err(format!("suEXEC isn't supported: {}", shown(reason.unwrap_or(c""))).into());
        }
        if !on {
            ap_unixd_config.suexec_disabled_reason = c"Suexec directive is Off".as_ptr();
        }
        ap_unixd_config.suexec_enabled = c_int::from(on);
    }
    Ok(())
}

unsafe extern "C" fn register_hooks(_pool: *mut apr_pool_t) {
    const FIRST: c_int = sys::APR_HOOK_FIRST as c_int;
    const MIDDLE: c_int = sys::APR_HOOK_MIDDLE as c_int;
    // SAFETY: the engine registers hooks single-threaded; the functions have their hooks' types.
    unsafe {
        sys::ap_hook_pre_config(Some(pre_config), null(), null(), FIRST);
        sys::ap_hook_test_config(Some(test_config), null(), null(), FIRST);
        sys::ap_hook_drop_privileges(Some(drop_privileges), null(), null(), MIDDLE);
    }
}

/// Before the configuration is read: nobody is named yet, and suEXEC is there or not.
unsafe extern "C" fn pre_config(
    _pconf: *mut apr_pool_t,
    _plog: *mut apr_pool_t,
    _ptemp: *mut apr_pool_t,
) -> c_int {
    // SAFETY: the process is single-threaded; the names are static.
    unsafe {
        ap_unixd_config.user_name = sys::DEFAULT_USER.as_ptr().cast();
        ap_unixd_config.user_id = u32::MAX;
        ap_unixd_config.group_name = sys::DEFAULT_GROUP.as_ptr().cast();
        ap_unixd_config.group_id = u32::MAX;
        ap_unixd_config.chroot_dir = null();
        match suexec_problem() {
            None => {
                ap_unixd_config.suexec_enabled = 1;
                ap_unixd_config.suexec_disabled_reason = c"".as_ptr();
            }
            Some(problem) => {
                ap_unixd_config.suexec_enabled = 0;
                ap_unixd_config.suexec_disabled_reason = problem.as_ptr();
            }
        }
        sys::ap_sys_privileges_handlers(1);
    }
    sys::OK as c_int
}

/// Why suEXEC cannot be used: the program must be root's, set-uid, and ours to run.
fn suexec_problem() -> Option<&'static CStr> {
    let Ok(found) = std::fs::metadata(SUEXEC.to_str().unwrap_or("")) else {
        return Some(c"Missing suexec binary /usr/lib/apache2/suexec");
    };
    let set_uid = found.permissions().mode() & libc::S_ISUID != 0;
    // SAFETY: the path is a string.
    let usable = unsafe { libc::access(SUEXEC.as_ptr(), libc::R_OK | libc::X_OK) } == 0;
    (!set_uid || found.uid() != 0 || !usable)
        .then_some(c"Invalid owner or file mode for /usr/lib/apache2/suexec")
}

/// `-t -D DUMP_RUN_CFG`
unsafe extern "C" fn test_config(pool: *mut apr_pool_t, _s: *mut server_rec) {
    // SAFETY: the hook's caller passes a live pool; the settings are strings or NULL.
    unsafe {
        if !defines::exists(c"DUMP_RUN_CFG") {
            return;
        }
        let mut out = null_mut();
        if sys::apr_file_open_stdout(&mut out, pool) != 0 {
            return;
        }
        let config = ap_unixd_config;
        let text = |name| shown(module_sdk::raw::text(name).unwrap_or(c"")).into_owned();
        let mut dump = format!(
            "User: name=\"{}\" id={}\nGroup: name=\"{}\" id={}\n",
            text(config.user_name),
            config.user_id,
            text(config.group_name),
            config.group_id,
        );
        if !config.chroot_dir.is_null() {
            let useless = if libc::geteuid() == 0 {
                ""
            } else {
                " (not used: not started as root)"
            };
            dump += &format!("ChrootDir: \"{}\"{useless}\n", text(config.chroot_dir));
        }
        let dump = module_sdk::raw::Pool::from_ptr(pool).copy(dump);
        sys::apr_file_puts(dump.as_ptr(), out);
    }
}

/// In each child, before it has threads.
unsafe extern "C" fn drop_privileges(_pool: *mut apr_pool_t, s: *mut server_rec) -> c_int {
    // SAFETY: the hook's caller promises that.
    unsafe { become_user(s) }
}

/// Makes this process run as the configured user, within the configured root; not 0 when it cannot.
/// Does nothing in a process that is not root's.
///
/// # Safety
/// Single-threaded; `server` is live or NULL.
pub(crate) unsafe fn become_user(server: *const server_rec) -> c_int {
    // SAFETY: the caller's promise; the settings are strings or NULL.
    unsafe {
        let config = ap_unixd_config;
        let fail = |text: String| {
            let error = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
            log(server, sys::APLOG_ALERT, error, &text);
            if error == 0 { -1 } else { error }
        };
        let root = libc::geteuid() == 0;
        if root {
            let name = match login_name(&config) {
                Ok(name) => name,
                Err(text) => {
                    log(server, sys::APLOG_ALERT, 0, &text);
                    return -1;
                }
            };
            // First the group: some systems forget the supplementary ones when it is set.
            if libc::setgid(config.group_id) != 0 {
                return fail(format!(
                    "AH02156: setgid: unable to set group id to Group {}",
                    config.group_id
                ));
            }
            if libc::initgroups(name.as_ptr(), config.group_id) != 0 {
                return fail(format!(
                    "AH02157: initgroups: unable to set groups for User {} and Group {}",
                    shown(&name),
                    config.group_id
                ));
            }
        }
        if let Some(dir) = module_sdk::raw::text(config.chroot_dir) {
            if !root {
                log(
                    server,
                    sys::APLOG_ALERT,
                    libc::EPERM,
                    "AH02158: Cannot chroot when not started as root",
                );
                return libc::EPERM;
            }
            if libc::chdir(dir.as_ptr()) != 0 {
                return fail(format!("AH02159: Can't chdir to {}", shown(dir)));
            }
            if libc::chroot(dir.as_ptr()) != 0 {
                return fail(format!("AH02160: Can't chroot to {}", shown(dir)));
            }
            if libc::chdir(c"/".as_ptr()) != 0 {
                return fail(String::from("AH02161: Can't chdir to new root"));
            }
        }
        if root && libc::setuid(config.user_id) != 0 {
            return fail(format!(
                "AH02162: setuid: unable to change to uid: {}",
                config.user_id
            ));
        }
        // Changing users has taken the right to leave a memory image.
        if sys::ap_coredumpdir_configured != 0 && libc::prctl(libc::PR_SET_DUMPABLE, 1) != 0 {
            return fail(String::from(
                "AH02163: set dumpable failed - this child will not coredump after software \
                 errors",
            ));
        }
        sys::OK as c_int
    }
}

/// The login name behind `User`, which groups belong to.
///
/// # Safety
/// The names are strings.
unsafe fn login_name(config: &sys::unixd_config_rec) -> Result<std::ffi::CString, String> {
    // SAFETY: the caller's promise; the record belongs to the C library until the next call.
    unsafe {
        let name = module_sdk::raw::text(config.user_name).unwrap_or(c"");
        if !name.to_bytes().starts_with(b"#") {
            return Ok(name.to_owned());
        }
        let entry = libc::getpwuid(config.user_id);
        if entry.is_null() {
            return Err(format!(
                "AH02155: getpwuid: couldn't determine user name from uid {}, you probably need \
                 to modify the User directive",
                config.user_id
            ));
        }
        Ok(CStr::from_ptr((*entry).pw_name).to_owned())
    }
}

/// Says something in the server's error log under this module's name.
///
/// # Safety
/// `server` is live or NULL.
unsafe fn log(server: *const server_rec, level: u32, status: c_int, text: &str) {
    let text = std::ffi::CString::new(text.replace('\0', " ")).unwrap_or_default();
    // SAFETY: the caller's promise; the format takes one string.
    unsafe {
        sys::ap_log_error_(
            c"mod_unixd".as_ptr(),
            0,
            unixd_module.module_index,
            level as c_int,
            status,
            if server.is_null() {
                sys::ap_server_conf
            } else {
                server
            },
            c"%s".as_ptr(),
            text.as_ptr(),
        );
    }
}
