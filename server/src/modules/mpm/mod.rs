//! `mpm_event_module`, `mpm_worker_module` and `mpm_prefork_module`: the directives and hooks by which
//! configuration and modules see the MPM. One of them is in the list of modules at a time; what it
//! does stands in `mpm`.

mod directives;

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null,
    sync::OnceLock,
    time::Duration,
};

use httpd_sys as sys;

use crate::{
    abi::{http_connection, mpm_common},
    conn::{
        offload::{self, Stretch},
        wait::blocking,
    },
    crash::trail::{self, Kind as Call, Place, Step, Subject},
    hooks::{kinds::Key, timing},
    modules::{static_modules, table},
    mpm::{
        self, buckets, control,
        kind::{self, Answer, Kind},
        numbers::Event,
        settings,
    },
};

/// Defines the structures of the three modules.
macro_rules! modules {
    ($($(#[$doc:meta])* $symbol:ident $name:literal $commands:ident;)*) => {$(
        $(#[$doc])*
        #[unsafe(no_mangle)]
        pub static mut $symbol: sys::module = sys::module {
            cmds: directives::$commands.as_ptr(),
            register_hooks: Some(register_hooks),
            ..table::module($name)
        };
    )*};
}

modules! {
    /// The event MPM.
    mpm_event_module c"event.c" EVENT;
    /// The worker MPM.
    mpm_worker_module c"worker.c" WORKER;
    /// The prefork MPM.
    mpm_prefork_module c"prefork.c" PREFORK;
}

/// The module of an MPM and the name of its structure.
pub fn module_of(kind: Kind) -> (*mut sys::module, &'static CStr) {
    match kind {
        Kind::Event => (&raw mut mpm_event_module, c"mpm_event_module"),
        Kind::Worker => (&raw mut mpm_worker_module, c"mpm_worker_module"),
        Kind::Prefork => (&raw mut mpm_prefork_module, c"mpm_prefork_module"),
    }
}

/// The MPM whose module has a structure of this name.
pub fn kind_of(symbol: &CStr) -> Option<Kind> {
    Kind::ALL
        .into_iter()
        .find(|&kind| module_of(kind).1 == symbol)
}

/// The index of the module in force, for log lines.
pub fn index() -> c_int {
    // SAFETY: a plain number, written while the configuration is read.
    unsafe { (*module_of(kind::current()).0).module_index }
}

/// The configuration asks for an MPM: its module takes the place of the one before.
///
/// # Errors
/// Why the list of modules cannot be changed.
///
/// # Safety
/// The configuration is being read, with the process's one thread, and lives in `pool`.
pub unsafe fn ask(kind: Kind, pool: *mut sys::apr_pool_t) -> Result<Answer, String> {
    let before = kind::current();
    let answer = kind::ask(kind);
    if answer == Answer::Changed {
        static_modules::set_mpm(kind);
        let (module, symbol) = module_of(kind);
        // SAFETY: the caller's promise; both structures are static.
        unsafe {
            sys::ap_remove_loaded_module(module_of(before).0);
            let refusal = sys::ap_add_loaded_module(module, pool, symbol.as_ptr());
            if !refusal.is_null() {
                return Err(CStr::from_ptr(refusal).to_string_lossy().into_owned());
            }
        }
    }
    Ok(answer)
}

/// The runtime of a child, for timed callbacks; empty in the control process.
static RUNTIME: OnceLock<tokio::runtime::Handle> = OnceLock::new();

/// Lets timed callbacks be registered from now on.
pub fn set_runtime(handle: tokio::runtime::Handle) {
    // A child has one runtime; a second call changes nothing.
    let _ = RUNTIME.set(handle);
}

unsafe extern "C" fn register_hooks(_pool: *mut sys::apr_pool_t) {
    // SAFETY: the array is APR's, or NULL; the process has one thread. The hooks are the same for all
    // MPMs: those of one whose place this one has taken while the configuration is read stay.
    unsafe {
        let registered = sys::ap_hook_get_mpm();
        if !registered.is_null() && (*registered).nelts > 0 {
            return;
        }
    }
    let middle = sys::APR_HOOK_MIDDLE as c_int;
    // Before modules that ask how many threads there are, and before logs move away from the
    // terminal that started the server.
    let core: [*const c_char; 2] = [c"core.c".as_ptr(), null()];
    let first = sys::APR_HOOK_REALLY_FIRST;
    // SAFETY: called while hooks are registered; the list of names is copied by the sorting, which
    // happens later, so it is leaked: a few bytes a reading of the configuration.
    unsafe {
        let before = Box::leak(Box::new(core)).as_ptr();
        sys::ap_hook_open_logs(Some(open_logs), null(), before, first);
        sys::ap_hook_pre_config(Some(pre_config), null(), null(), first);
        sys::ap_hook_check_config(Some(check_config), null(), null(), middle);
        sys::ap_hook_mpm(Some(run), null(), null(), middle);
        sys::ap_hook_mpm_query(Some(query), null(), null(), middle);
        sys::ap_hook_mpm_get_name(Some(name), null(), null(), middle);
        sys::ap_hook_mpm_register_timed_callback(Some(call_later), null(), null(), middle);
        http_connection::register_core_hooks();
    }
}

/// How the server was asked to run, by `-D` and `-X`.
fn defined(name: &CStr) -> bool {
    // SAFETY: a string; the list of definitions is complete.
    unsafe { sys::ap_exists_config_define(name.as_ptr()) != 0 }
}

unsafe extern "C" fn pre_config(
    pconf: *mut sys::apr_pool_t,
    _plog: *mut sys::apr_pool_t,
    _ptemp: *mut sys::apr_pool_t,
) -> c_int {
    mpm::inherit_generation();
    let mut state = 0;
    let mut mode = 0;
    // SAFETY: `state` takes the answer.
    unsafe {
        state = sys::ap_state_query(sys::AP_SQ_MAIN_STATE as c_int).max(state);
        mode = sys::ap_state_query(sys::AP_SQ_RUN_MODE as c_int).max(mode);
    }
    let second_pass = state == sys::AP_SQ_MS_CREATE_CONFIG as c_int;
    let serves = mode == sys::AP_SQ_RM_NORMAL as c_int;
    let stays = [c"DEBUG", c"ONE_PROCESS", c"NO_DETACH", c"FOREGROUND"]
        .into_iter()
        .any(defined);
    // A process that executed itself for a restart has left the terminal already.
    if second_pass && serves && !stays && mpm::generation() == 0 && !mpm::rehearsal::is_on() {
        // SAFETY: the process has one thread.
        let status = unsafe { sys::apr_proc_detach(sys::APR_PROC_DETACH_DAEMONIZE as c_int) };
        if status != 0 {
            let number = Event::NoDetach.number();
            control::log(
                sys::APLOG_CRIT,
                &format!("{number}: apr_proc_detach failed"),
            );
            return sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
        }
        // It is another process now.
        mpm::helpers::account_for();
    }
    mpm_common::reset();
    settings::reset();
    if kind::current() != Kind::Event {
        // The system wakes one process for a connection, so that no mutex is needed; but
        // configurations may name it.
        let kind = c"mpm-accept".as_ptr();
        // SAFETY: the process has one thread, and the configuration is being read.
        unsafe { sys::ap_mutex_register(pconf, kind, null(), sys::APR_LOCK_DEFAULT, 0) };
    }
    // SAFETY: called while the configuration is read.
    unsafe { sys::ap_listen_pre_config() };
    sys::OK as c_int
}

unsafe extern "C" fn check_config(
    _pconf: *mut sys::apr_pool_t,
    _plog: *mut sys::apr_pool_t,
    _ptemp: *mut sys::apr_pool_t,
    _server: *mut sys::server_rec,
) -> c_int {
    let mut warnings = Vec::new();
    settings::change(|settings| warnings = settings.check(kind::current()));
    // The first reading tells whoever starts the server, the second the log.
    // SAFETY: only a number is asked for.
    let state = unsafe { sys::ap_state_query(sys::AP_SQ_MAIN_STATE as c_int) };
    for warning in warnings {
        if state == sys::AP_SQ_MS_CREATE_PRE_CONFIG as c_int {
            let level = sys::APLOG_WARNING | sys::APLOG_STARTUP;
            control::log(level, &warning.at_start());
        } else {
            control::log(sys::APLOG_WARNING, &warning.in_log());
        }
    }
    sys::OK as c_int
}

unsafe extern "C" fn open_logs(
    pconf: *mut sys::apr_pool_t,
    _plog: *mut sys::apr_pool_t,
    _ptemp: *mut sys::apr_pool_t,
    server: *mut sys::server_rec,
) -> c_int {
    mpm::set_configuration_pool(pconf);
    control::begin_to_stop_in_order();
    if !mpm_common::claim_pid_file(pconf) {
        return sys::DONE;
    }
    // SAFETY: the main server is live.
    if unsafe { sys::ap_setup_listeners(server) } < 1 {
        control::log(
            sys::APLOG_ALERT | sys::APLOG_STARTUP,
            "no listening sockets available, shutting down",
        );
        return sys::DONE;
    }
    // SAFETY: only a number is asked for.
    let state = unsafe { sys::ap_state_query(sys::AP_SQ_MAIN_STATE as c_int) };
    let first_reading = state == sys::AP_SQ_MS_CREATE_PRE_CONFIG as c_int;
    let alone = defined(c"ONE_PROCESS") || defined(c"DEBUG");
    let just_one = first_reading || alone || mpm::rehearsal::is_on();
    // SAFETY: as above.
    if unsafe { buckets::open(pconf, server, just_one) }.is_err() {
        control::log(
            sys::APLOG_CRIT | sys::APLOG_STARTUP,
            "could not open the listening sockets that ListenCoresBucketsRatio asks for",
        );
        return sys::DONE;
    }
    if !first_reading {
        mpm::activation::warn_of_unused();
    }
    sys::OK as c_int
}

/// The control process's work, until the server stops.
unsafe extern "C" fn run(
    pconf: *mut sys::apr_pool_t,
    _plog: *mut sys::apr_pool_t,
    server: *mut sys::server_rec,
) -> c_int {
    mpm::set_configuration_pool(pconf);
    settings::change(|settings| settings.fit(kind::current(), buckets::count()));
    // SAFETY: pconf and the main server are live; the control process has one thread.
    unsafe {
        // The number is written last: who reads it finds a server that nothing keeps from serving.
        if sys::ap_run_pre_mpm((*(*server).process).pool, sys::SB_SHARED) != sys::OK as c_int {
            return sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
        }
        sys::ap_log_pid(pconf, sys::ap_pid_fname);
    }
    mpm::announce::begin(mpm_common::pid_file(pconf));
    if defined(c"ONE_PROCESS") || defined(c"DEBUG") {
        control::run_in_foreground();
    } else {
        control::run();
    }
    // SAFETY: as above.
    unsafe { sys::ap_remove_pid(pconf, sys::ap_pid_fname) };
    sys::DONE
}

unsafe extern "C" fn name() -> *const c_char {
    match kind::current() {
        Kind::Event => c"event".as_ptr(),
        Kind::Worker => c"worker".as_ptr(),
        Kind::Prefork => c"prefork".as_ptr(),
    }
}

unsafe extern "C" fn query(
    code: c_int,
    result: *mut c_int,
    status: *mut sys::apr_status_t,
) -> c_int {
    const APR_ENOTIMPL: sys::apr_status_t = 70023;
    let settings = settings::settings();
    let kind = kind::current();
    let (threaded, event) = (kind.is_threaded(), kind == Kind::Event);
    // Spare children and spare threads: an MPM knows one of the two.
    let spare = |value: i32, of_threads: bool| if threaded == of_threads { value } else { 0 };
    let answer = match code as u32 {
        sys::AP_MPMQ_MAX_DAEMON_USED if threaded => control::slots_used(),
        // Prefork says how many there may be, as Apache's does.
        sys::AP_MPMQ_MAX_DAEMON_USED => settings.most_children(),
        sys::AP_MPMQ_MAX_DAEMONS => settings.most_children(),
        sys::AP_MPMQ_IS_THREADED if threaded => sys::AP_MPMQ_STATIC as c_int,
        sys::AP_MPMQ_IS_THREADED => sys::AP_MPMQ_NOT_SUPPORTED as c_int,
        sys::AP_MPMQ_IS_FORKED => sys::AP_MPMQ_DYNAMIC as c_int,
        sys::AP_MPMQ_IS_ASYNC if event => 1,
        sys::AP_MPMQ_HARD_LIMIT_DAEMONS => settings.server_limit,
        sys::AP_MPMQ_HARD_LIMIT_THREADS => settings.thread_limit,
        sys::AP_MPMQ_MAX_THREADS => settings.requests_per_child(kind),
        sys::AP_MPMQ_MIN_SPARE_DAEMONS => spare(settings.min_spare, false),
        sys::AP_MPMQ_MAX_SPARE_DAEMONS => spare(settings.max_spare, false),
        sys::AP_MPMQ_MIN_SPARE_THREADS => spare(settings.min_spare, true),
        sys::AP_MPMQ_MAX_SPARE_THREADS => spare(settings.max_spare, true),
        // SAFETY: a plain number that a directive has set.
        sys::AP_MPMQ_MAX_REQUESTS_DAEMON => unsafe { sys::ap_max_requests_per_child },
        sys::AP_MPMQ_MPM_STATE => mpm::state() as c_int,
        sys::AP_MPMQ_GENERATION => mpm::generation(),
        sys::AP_MPMQ_CAN_WAITIO if event => 1,
        _ => {
            // SAFETY: the caller passes a place for the status.
            unsafe { status.write(APR_ENOTIMPL) };
            return sys::OK as c_int;
        }
    };
    // SAFETY: the caller passes places for both.
    unsafe {
        result.write(answer);
        status.write(0);
    }
    sys::OK as c_int
}

/// Calls a module back when `interval` has passed; on a thread that may block if that is needed.
unsafe extern "C" fn call_later(
    interval: sys::apr_time_t,
    callback: sys::ap_mpm_callback_fn_t,
    baton: *mut c_void,
) -> sys::apr_status_t {
    const APR_EGENERAL: sys::apr_status_t = 20014;
    const APR_ENOTIMPL: sys::apr_status_t = 70023;
    if kind::current() != Kind::Event {
        return APR_ENOTIMPL;
    }
    let (Some(callback), Some(runtime)) = (callback, RUNTIME.get()) else {
        return APR_EGENERAL;
    };
    let baton = baton.expose_provenance();
    let module = trail::module().expose_provenance();
    let delay = Duration::from_micros(u64::try_from(interval).unwrap_or(0));
    runtime.spawn(async move {
        tokio::time::sleep(delay).await;
        let key = Key::callback(callback as *const () as usize);
        let call = || {
            static PLACE: Place = Place::call(Call::Call, "a timed callback");
            let name = std::ptr::with_exposed_provenance::<c_char>(module);
            let step = Step::of(&PLACE, name, Subject::None);
            let _on = step.enter();
            // SAFETY: the module registered this function with this baton, for any thread.
            unsafe { callback(std::ptr::with_exposed_provenance_mut(baton)) };
        };
        // Nearly all are short, and ten thousand requests may wait for theirs.
        if !key.is_slow() {
            return timing::hooks_measured(key, call);
        }
        let place = if key.is_long() {
            offload::take().await
        } else {
            None
        };
        let _stretch = Stretch::begin(place);
        timing::hooks_measured(key, || {
            key.note_moved();
            blocking(call)
        });
    });
    0
}
