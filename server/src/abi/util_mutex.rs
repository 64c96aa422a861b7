//! Exports of `util_mutex.h`: mutexes between the server's processes, made the way the `Mutex`
//! directive says. Which way that is, `modules/core/mutexes.rs` decides.

use std::{
    ffi::{CStr, c_char, c_void},
    ptr::null_mut,
    sync::{Mutex, PoisonError},
};

use httpd_sys::{self as sys, apr_pool_t, apr_status_t, server_rec};
use module_sdk::raw::Pool;

use crate::modules::core::{
    command::{Cmd, Outcome, finish, given, shown},
    log_server,
    mutexes::{Choice, DEFAULT, MECHANISMS, Mutexes, needs_file, parse},
};

exports! {
    ap_mutex_init, ap_mutex_register, ap_parse_mutex, ap_set_mutex, ap_proc_mutex_create,
    ap_global_mutex_create, ap_dump_mutexes,
}

/// "No mutex" as the answer to parsing `none`.
const APR_ENOLOCK: apr_status_t = 20009;
const APR_BADARG: apr_status_t = 70013;
const APR_ENOTIMPL: apr_status_t = 70023;

/// The kinds known in this configuration; `None` before the first one.
static MUTEXES: Mutex<Option<Mutexes>> = Mutex::new(None);

fn with<R>(work: impl FnOnce(&mut Mutexes) -> R) -> R {
    let mut known = MUTEXES.lock().unwrap_or_else(PoisonError::into_inner);
    work(known.get_or_insert_with(|| Mutexes::new(Vec::new())))
}

/// Starts a configuration: no kinds, no directives.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_mutex_init(_p: *mut apr_pool_t) {
    *MUTEXES.lock().unwrap_or_else(PoisonError::into_inner) = Some(Mutexes::new(Vec::new()));
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_mutex_register(
    _pconf: *mut apr_pool_t,
    kind: *const c_char,
    default_dir: *const c_char,
    default_mech: sys::apr_lockmech_e,
    options: i32,
) -> apr_status_t {
    let options = options as u32;
    if options & !(sys::AP_MUTEX_ALLOW_NONE | sys::AP_MUTEX_DEFAULT_NONE) != 0 {
        return libc::EINVAL;
    }
    // SAFETY: the header asks for a name, and a directory or NULL.
    let (kind, dir) = unsafe { (given(kind), module_sdk::raw::text(default_dir)) };
    let none_allowed = options & sys::AP_MUTEX_ALLOW_NONE != 0;
    let preferred = Choice {
        mechanism: (options & sys::AP_MUTEX_DEFAULT_NONE == 0).then_some(default_mech),
        dir: dir.map(|dir| dir.to_bytes().to_vec()),
        omit_pid: false,
    };
    with(|mutexes| mutexes.register(&shown(kind), preferred, none_allowed));
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_parse_mutex(
    arg: *const c_char,
    pool: *mut apr_pool_t,
    mechanism: *mut sys::apr_lockmech_e,
    file: *mut *const c_char,
) -> apr_status_t {
    // SAFETY: the header asks for a string, a live pool and places for the answers.
    unsafe {
        let argument = shown(given(arg));
        let Some((found, dir)) = parse(&argument) else {
            return APR_ENOTIMPL;
        };
        *file = std::ptr::null();
        let Some(found) = found else {
            return APR_ENOLOCK;
        };
        *mechanism = found;
        if let Some(dir) = dir {
            let dir = Pool::from_ptr(pool).copy(dir);
            *file = sys::ap_server_root_relative(pool, dir.as_ptr());
            if (*file).is_null() {
                return APR_BADARG;
            }
        }
        0
    }
}

/// `Mutex mechanism [kind ...] [OmitPID]`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_mutex(
    parms: *mut sys::cmd_parms,
    conf: *mut c_void,
    line: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes what a command function asks for.
    unsafe {
        let cmd = Cmd::new(parms, conf);
        finish(cmd, set_mutex(cmd, given(line)))
    }
}

fn set_mutex(cmd: Cmd<'_>, line: &CStr) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    let mut rest = cmd.pool().copy(line.to_bytes());
    let argument = cmd.word(&mut rest);
    if argument.is_empty() {
        return Err(format!("Mutex requires at least a mechanism argument ({MECHANISMS})").into());
    }
    let (mut mechanism, mut dir) = (sys::APR_LOCK_DEFAULT, std::ptr::null());
    // SAFETY: the pools are live, the argument is a string.
    let status = unsafe {
        let pool = cmd.pool().as_ptr();
        let status = ap_parse_mutex(argument.as_ptr(), pool, &mut mechanism, &mut dir);
        let missing = !dir.is_null() && sys::ap_is_directory(cmd.temp_pool().as_ptr(), dir) == 0;
        if missing { APR_BADARG } else { status }
    };
    match status {
        APR_ENOTIMPL => {
            return Err(
                format!("Invalid Mutex argument {} ({MECHANISMS})", shown(argument)).into(),
            );
        }
        APR_BADARG => {
            return Err(format!("Invalid Mutex directory in argument {}", shown(argument)).into());
        }
        _ => {}
    }
    let mut kinds = Vec::new();
    let mut omit_pid = false;
    while !rest.is_empty() {
        let word = shown(cmd.word(&mut rest)).into_owned();
        if word.eq_ignore_ascii_case("OmitPID") {
            omit_pid = true;
        } else {
            kinds.push(word);
        }
    }
    if kinds.is_empty() {
        kinds.push(DEFAULT.to_owned());
    }
    let choice = Choice {
        mechanism: (status != APR_ENOLOCK).then_some(mechanism),
        // SAFETY: NULL or a string of the configuration's pool.
        dir: unsafe { module_sdk::raw::text(dir) }.map(|dir| dir.to_bytes().to_vec()),
        omit_pid,
    };
    with(|mutexes| {
        kinds
            .iter()
            .try_for_each(|kind| mutexes.configure(kind, &choice))
    })?;
    Ok(())
}

/// What a new mutex is made of.
struct Plan {
    mechanism: u32,
    /// NULL when the mechanism needs none.
    file: *const c_char,
}

/// Decides how a mutex is made. `Ok(None)`: it is not made at all.
///
/// # Safety
/// The strings are strings or NULL, pool and server are live.
unsafe fn plan(
    kind: *const c_char,
    instance: *const c_char,
    server: *const server_rec,
    pool: *mut apr_pool_t,
    options: i32,
) -> Result<Option<Plan>, apr_status_t> {
    // SAFETY: the caller's promise.
    unsafe {
        let kind = shown(given(kind));
        let complain = |text: String| {
            log_server(server, sys::APLOG_STARTUP | sys::APLOG_ERR, 0, &text);
        };
        if options != 0 {
            complain(format!(
                "AH00021: Invalid options were specified when creating the {kind} mutex"
            ));
            return Err(libc::EINVAL);
        }
        let Some(choice) = with(|mutexes| mutexes.choice(&kind)) else {
            complain(format!(
                "AH00022: Can't create mutex of unknown type {kind}"
            ));
            return Err(libc::EINVAL);
        };
        let Some(mechanism) = choice.mechanism else {
            return Ok(None);
        };
        let mut file = std::ptr::null();
        if needs_file(mechanism) {
            let mut name = choice.dir.unwrap_or_default();
            if !name.is_empty() {
                name.push(b'/');
            }
            name.extend_from_slice(kind.as_bytes());
            if let Some(instance) = module_sdk::raw::text(instance) {
                name.push(b'-');
                name.extend_from_slice(instance.to_bytes());
            }
            if !choice.omit_pid {
                name.extend_from_slice(format!(".{}", libc::getpid()).as_bytes());
            }
            let name = Pool::from_ptr(pool).copy(name);
            file = sys::ap_runtime_dir_relative(pool, name.as_ptr());
        }
        Ok(Some(Plan { mechanism, file }))
    }
}

/// Notes why a mutex could not be made or shared.
///
/// # Safety
/// As `plan`.
unsafe fn log_failure(
    server: *const server_rec,
    status: apr_status_t,
    kind: *const c_char,
    made: bool,
    file: *const c_char,
) {
    // SAFETY: the caller's promise.
    let (kind, file) = unsafe { (shown(given(kind)), module_sdk::raw::text(file)) };
    let text = if made {
        format!(
            "AH00024: Couldn't set permissions on the {kind} mutex; check User and Group directives"
        )
    } else {
        let file = file.map_or_else(String::new, |file| format!("(file {})", shown(file)));
        format!("AH00023: Couldn't create the {kind} mutex {file}")
    };
    log_server(server, sys::APLOG_STARTUP | sys::APLOG_ERR, status, &text);
}

/// Makes the two functions that create a mutex; they differ in the kind of mutex only.
macro_rules! create {
    ($name:ident, $mutex:ty, $create:path, $set_perms:path, $destroy:path) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            mutex: *mut *mut $mutex,
            name: *mut *const c_char,
            kind: *const c_char,
            instance: *const c_char,
            server: *mut server_rec,
            pool: *mut apr_pool_t,
            options: i32,
        ) -> apr_status_t {
            // SAFETY: the header asks for places for the answers, strings, a live server and pool.
            unsafe {
                *mutex = null_mut();
                if !name.is_null() {
                    *name = std::ptr::null();
                }
                let plan = match plan(kind, instance, server, pool, options) {
                    Ok(Some(plan)) => plan,
                    Ok(None) => return 0,
                    Err(status) => return status,
                };
                let status = $create(mutex, plan.file, plan.mechanism, pool);
                if status != 0 {
                    log_failure(server, status, kind, false, plan.file);
                    return status;
                }
                let status = $set_perms(*mutex);
                if status != 0 {
                    log_failure(server, status, kind, true, plan.file);
                    $destroy(*mutex);
                    *mutex = null_mut();
                    return status;
                }
                if !name.is_null() {
                    *name = plan.file;
                }
                0
            }
        }
    };
}

create!(
    ap_proc_mutex_create,
    sys::apr_proc_mutex_t,
    sys::apr_proc_mutex_create,
    sys::ap_unixd_set_proc_mutex_perms,
    sys::apr_proc_mutex_destroy
);
create!(
    ap_global_mutex_create,
    sys::apr_global_mutex_t,
    sys::apr_global_mutex_create,
    sys::ap_unixd_set_global_mutex_perms,
    sys::apr_global_mutex_destroy
);

/// Prints the kinds of mutexes for `-D DUMP_RUN_CFG`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_dump_mutexes(
    p: *mut apr_pool_t,
    _s: *mut server_rec,
    out: *mut sys::apr_file_t,
) {
    // SAFETY: the header asks for a live pool and an open file.
    unsafe {
        let pool = Pool::from_ptr(p);
        let lines = with(|mutexes| {
            mutexes.dump(|dir| {
                let path = sys::ap_runtime_dir_relative(p, pool.copy(dir).as_ptr());
                module_sdk::raw::text(path)
                    .map(shown)
                    .unwrap_or_default()
                    .into_owned()
            })
        });
        for line in lines {
            sys::apr_file_puts(pool.copy(line).as_ptr(), out);
        }
    }
}
