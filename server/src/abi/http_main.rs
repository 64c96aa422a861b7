//! Data of `http_main.h`, and the server's way through its states: two readings of the
//! configuration in one process, as modules expect, and then the MPM.

use std::{
    ffi::{CStr, CString, OsString, c_char, c_int},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
    ptr::{null, null_mut},
};

use httpd_sys as sys;
use module_sdk::raw::Pool;

use super::{http_log, mpm_common};
use crate::{
    cli::{self, Action, Arguments, Signal, paths},
    mpm::{
        self, control, helpers,
        pidfile::{self, Refusal, State},
        rehearsal,
    },
};

exports! { ap_state_query }

/// The name by which the program was started, without its directory.
#[unsafe(no_mangle)]
pub static mut ap_server_argv0: *const c_char = null();

/// ServerRoot.
#[unsafe(no_mangle)]
pub static mut ap_server_root: *const c_char = null();

/// DefaultRuntimeDir; NULL when it was not given.
#[unsafe(no_mangle)]
pub static mut ap_runtime_dir: *const c_char = null();

/// The main server.
#[unsafe(no_mangle)]
pub static mut ap_server_conf: *mut sys::server_rec = null_mut();

/// The pool that lives as long as the process.
#[unsafe(no_mangle)]
pub static mut ap_pglobal: *mut sys::apr_pool_t = null_mut();

/// `AP_SQ_MS_*`.
#[unsafe(no_mangle)]
pub static mut ap_main_state: c_int = sys::AP_SQ_MS_INITIAL_STARTUP as c_int;

/// `AP_SQ_RM_*`.
#[unsafe(no_mangle)]
pub static mut ap_run_mode: c_int = sys::AP_SQ_RM_UNKNOWN as c_int;

/// How often the configuration has been read.
#[unsafe(no_mangle)]
pub static mut ap_config_generation: c_int = 0;

/// `-C`.
#[unsafe(no_mangle)]
pub static mut ap_server_pre_read_config: *mut sys::apr_array_header_t = null_mut();

/// `-c`.
#[unsafe(no_mangle)]
pub static mut ap_server_post_read_config: *mut sys::apr_array_header_t = null_mut();

/// `-D` and Define.
#[unsafe(no_mangle)]
pub static mut ap_server_config_defines: *mut sys::apr_array_header_t = null_mut();

/// 0 with `-T`.
#[unsafe(no_mangle)]
pub static mut ap_document_root_check: c_int = 1;

/// What the server is doing: `AP_SQ_MAIN_STATE`, `AP_SQ_RUN_MODE` or `AP_SQ_CONFIG_GEN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_state_query(code: c_int) -> c_int {
    // SAFETY: plain numbers, written while the process has one thread.
    unsafe {
        match code as u32 {
            sys::AP_SQ_MAIN_STATE => ap_main_state,
            sys::AP_SQ_RUN_MODE => ap_run_mode,
            sys::AP_SQ_CONFIG_GEN => ap_config_generation,
            _ => sys::AP_SQ_NOT_SUPPORTED,
        }
    }
}

/// The server while it reads its configuration.
struct Startup {
    process: *mut sys::process_rec,
    pconf: *mut sys::apr_pool_t,
    plog: *mut sys::apr_pool_t,
    file: *const c_char,
    root: *const c_char,
}

/// Why the server does not go on; the message has been printed.
struct Failed;

/// Runs the server, or checks its configuration; answers the exit code.
pub fn run(program: &str, words: &[OsString], arguments: &Arguments) -> i32 {
    if arguments.action == Action::Serve {
        control::begin_to_listen_to_signals();
        // Rust's runtime ignores it, and programs that the configuration starts would inherit that. The
        // control process ignores it when it begins to work.
        crate::mpm::signals::reset(libc::SIGPIPE);
    }
    crate::crash::begin();
    crate::crash::panics::begin();
    // SAFETY: called once, by main, when the process has one thread; everything made here lives
    // until the process ends.
    let code = unsafe {
        let startup = match start(program, words, arguments) {
            Ok(startup) => startup,
            Err(Failed) => return control::go_on_without_configuration().unwrap_or(1),
        };
        startup.pass_through_states(arguments)
    };
    // SAFETY: nothing of the server runs any more; cleanups end what modules started.
    unsafe {
        ap_main_state = sys::AP_SQ_MS_EXITING as c_int;
        sys::apr_pool_destroy(ap_pglobal);
    }
    http_log::open::close_program();
    helpers::settle();
    helpers::remove_sockets();
    match code {
        Ok(code) => {
            pidfile::give_up();
            code
        }
        Err(Failed) => control::go_on_without_configuration().unwrap_or_else(|| {
            pidfile::give_up();
            1
        }),
    }
}

/// Makes the process's records, and applies the arguments.
///
/// # Safety
/// Called once, with one thread.
unsafe fn start(
    program: &str,
    words: &[OsString],
    arguments: &Arguments,
) -> Result<Startup, Failed> {
    // SAFETY: the caller's promise; the pools live until the process ends.
    unsafe {
        if sys::apr_initialize() != 0 {
            eprintln!("{program}: apr_initialize failed");
            return Err(Failed);
        }
        let (mut global, mut pconf, mut plog) =
            (null_mut::<sys::apr_pool_t>(), null_mut(), null_mut());
        for (pool, parent, tag) in [
            (&raw mut global, None, c"process"),
            (&raw mut pconf, Some(&raw const global), c"pconf"),
            (&raw mut plog, Some(&raw const global), c"plog"),
        ] {
            let parent = parent.map_or(null_mut(), |parent| parent.read());
            sys::apr_pool_create_ex(pool, parent, None, null_mut());
            sys::apr_pool_tag(*pool, tag.as_ptr());
        }
        ap_pglobal = global;
        let room = Pool::from_ptr(global);
        let name = room.copy(program).as_ptr();
        ap_server_argv0 = name;
        let argv = room.array::<*const c_char>(words.len() as i32 + 1);
        for word in words {
            argv.push(room.copy(word.as_bytes()).as_ptr());
        }
        argv.push(null());
        let process: *mut sys::process_rec = room.zeroed();
        (*process).pool = global;
        (*process).pconf = pconf;
        (*process).argc = words.len() as c_int;
        (*process).argv = (*argv.as_ptr()).elts.cast();
        (*process).short_name = name;

        let strings = |values: &[Vec<u8>]| {
            let array = room.array::<*const c_char>(values.len() as i32 + 1);
            for value in values {
                array.push(room.copy(value).as_ptr());
            }
            array.as_ptr()
        };
        ap_server_pre_read_config = strings(&arguments.before);
        ap_server_post_read_config = strings(&arguments.after);
        ap_server_config_defines = strings(&arguments.defines);
        ap_document_root_check = c_int::from(!arguments.skip_root_check);
        ap_run_mode = match arguments.action {
            Action::Check if arguments.dumps() => sys::AP_SQ_RM_CONFIG_DUMP,
            Action::Check => sys::AP_SQ_RM_CONFIG_TEST,
            _ => sys::AP_SQ_RM_NORMAL,
        } as c_int;
        if let Some(level) = &arguments.error_level {
            let level = room.copy(level);
            let refusal =
                sys::ap_parse_log_level(level.as_ptr(), &raw mut sys::ap_default_loglevel);
            if !refusal.is_null() {
                eprintln!("{program}: {}", CStr::from_ptr(refusal).to_string_lossy());
                return Err(Failed);
            }
        }
        if let Some(file) = &arguments.error_file {
            let file = room.copy(file);
            sys::ap_replace_stderr_log(global, file.as_ptr());
        }
        let root = match &arguments.root {
            Some(root) => absolute(root),
            None => paths::default_root().into_os_string().into_vec(),
        };
        let file = arguments
            .file
            .as_deref()
            .unwrap_or(paths::CONFIG_FILE.as_bytes());
        let refusal = sys::ap_setup_prelinked_modules(process);
        if !refusal.is_null() {
            eprintln!("{program}: {}", CStr::from_ptr(refusal).to_string_lossy());
            return Err(Failed);
        }
        sys::ap_run_rewrite_args(process);
        Ok(Startup {
            process,
            pconf,
            plog,
            file: room.copy(file).as_ptr(),
            root: room.copy(root).as_ptr(),
        })
    }
}

/// A path from the root of the file system.
fn absolute(path: &[u8]) -> Vec<u8> {
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.into_os_string().into_vec()
}

impl Startup {
    /// Reads the configuration, once to check it and once to serve with it, and serves.
    ///
    /// # Safety
    /// The process has one thread.
    unsafe fn pass_through_states(&self, arguments: &Arguments) -> Result<i32, Failed> {
        // SAFETY: the caller's promise; modules are called in the order they expect.
        unsafe {
            if matches!(arguments.action, Action::Modules | Action::Settings) {
                return self.show_build(arguments);
            }
            ap_main_state = sys::AP_SQ_MS_CREATE_PRE_CONFIG as c_int;
            let ptemp = self.read_configuration()?;
            if matches!(arguments.action, Action::Directives) {
                sys::ap_show_directives();
                return Ok(0);
            }
            if ap_run_mode != sys::AP_SQ_RM_NORMAL as c_int {
                sys::ap_run_test_config(self.pconf, ap_server_conf);
                if ap_run_mode == sys::AP_SQ_RM_CONFIG_TEST as c_int {
                    eprintln!("Syntax OK");
                }
                return Ok(0);
            }
            if let Some(signal) = arguments.signal
                && !rehearsal::is_on()
                && let Some(code) = self.signal(signal)
            {
                return Ok(code);
            }
            self.open_logs(ptemp)?;
            sys::apr_pool_destroy(ptemp);
            // Readings are counted from the first start on.
            ap_config_generation = mpm::generation();
            loop {
                ap_main_state = sys::AP_SQ_MS_DESTROY_CONFIG as c_int;
                sys::apr_hook_deregister_all();
                sys::apr_pool_clear(self.pconf);
                helpers::settle();
                sys::ap_clear_auth_internal();
                ap_main_state = sys::AP_SQ_MS_CREATE_CONFIG as c_int;
                ap_config_generation += 1;
                let mut module = (&raw const sys::ap_prelinked_modules).cast::<*mut sys::module>();
                while !(*module).is_null() {
                    sys::ap_register_hooks(*module, self.pconf);
                    module = module.add(1);
                }
                let ptemp = self.read_configuration()?;
                self.open_logs(ptemp)?;
                sys::apr_pool_destroy(ptemp);
                sys::ap_run_optional_fn_retrieve();
                if rehearsal::is_on() {
                    return Ok(0);
                }
                ap_main_state = sys::AP_SQ_MS_RUN_MPM as c_int;
                match sys::ap_run_mpm(self.pconf, self.plog, ap_server_conf) {
                    rc if rc == sys::OK as c_int => {}
                    rc if rc == sys::DONE => return Ok(0),
                    _ => {
                        self.complain("AH02818: MPM run failed, exiting");
                        return Err(Failed);
                    }
                }
            }
        }
    }

    /// `-l` and `-V`. The configuration may choose the MPM, and is read for that; without one there is
    /// the default.
    unsafe fn show_build(&self, arguments: &Arguments) -> Result<i32, Failed> {
        // SAFETY: the process has one thread; the pools are live.
        unsafe {
            ap_server_root = self.root;
            let file = sys::ap_server_root_relative(self.pconf, self.file);
            let given = module_sdk::raw::text(file).is_some_and(|file| {
                Path::new(std::ffi::OsStr::from_bytes(file.to_bytes())).exists()
            });
            if arguments.mpm.is_none() && (given || arguments.file.is_some()) {
                ap_main_state = sys::AP_SQ_MS_CREATE_PRE_CONFIG as c_int;
                // A pool of its own: directives tell .htaccess files by there being just one.
                let mut ptemp = null_mut();
                sys::apr_pool_create_ex(&raw mut ptemp, self.pconf, None, null_mut());
                self.read_tree(ptemp)?;
            }
            if arguments.action == Action::Modules {
                sys::ap_show_modules();
            } else {
                print!("{}", cli::version::settings());
            }
        }
        Ok(0)
    }

    /// Reads the files, and no more.
    unsafe fn read_tree(&self, ptemp: *mut sys::apr_pool_t) -> Result<(), Failed> {
        // SAFETY: the process has one thread; the pools are live.
        unsafe {
            ap_server_root = self.root;
            ap_runtime_dir = null();
            ap_server_conf =
                sys::ap_read_config(self.process, ptemp, self.file, &raw mut sys::ap_conftree);
            if ap_server_conf.is_null() {
                return Err(Failed);
            }
        }
        Ok(())
    }

    /// One reading, with the hooks that belong to it; answers the pool for what it needs meanwhile.
    unsafe fn read_configuration(&self) -> Result<*mut sys::apr_pool_t, Failed> {
        // SAFETY: the process has one thread; the pools are live.
        unsafe {
            let mut ptemp = null_mut();
            sys::apr_pool_create_ex(&raw mut ptemp, self.pconf, None, null_mut());
            sys::apr_pool_tag(ptemp, c"ptemp".as_ptr());
            self.read_tree(ptemp)?;
            sys::apr_hook_sort_all();
            if sys::ap_run_pre_config(self.pconf, self.plog, ptemp) != sys::OK as c_int {
                self.complain("AH00013: Pre-configuration failed");
                return Err(Failed);
            }
            if sys::ap_process_config_tree(ap_server_conf, sys::ap_conftree, self.pconf, ptemp)
                != sys::OK as c_int
            {
                return Err(Failed);
            }
            sys::ap_fixup_virtual_hosts(self.pconf, ap_server_conf);
            sys::ap_fini_vhost_config(self.pconf, ap_server_conf);
            sys::apr_hook_sort_all();
            if sys::ap_run_check_config(self.pconf, self.plog, ptemp, ap_server_conf)
                != sys::OK as c_int
            {
                self.complain("AH00014: Configuration check failed");
                return Err(Failed);
            }
            Ok(ptemp)
        }
    }

    /// Opens the logs and lets modules finish their configuration.
    unsafe fn open_logs(&self, ptemp: *mut sys::apr_pool_t) -> Result<(), Failed> {
        // SAFETY: as above.
        unsafe {
            sys::apr_pool_clear(self.plog);
            if sys::ap_run_open_logs(self.pconf, self.plog, ptemp, ap_server_conf)
                != sys::OK as c_int
            {
                self.complain("AH00015: Unable to open logs");
                return Err(Failed);
            }
            if sys::ap_run_post_config(self.pconf, self.plog, ptemp, ap_server_conf)
                != sys::OK as c_int
            {
                self.complain("AH00016: Configuration Failed");
                return Err(Failed);
            }
        }
        Ok(())
    }

    /// Carries `-k` out; `None` when the server is to be started.
    unsafe fn signal(&self, signal: Signal) -> Option<i32> {
        let file = mpm_common::pid_file(self.pconf)?;
        // A process that has executed itself to restart was given this very order when it started.
        if pidfile::own_pid(&file).is_some() {
            return None;
        }
        let state = match signal {
            Signal::Start => match pidfile::claim(&file) {
                Ok(()) => return None,
                Err(Refusal::Running(pid)) => State::Running(pid),
                Err(why) => {
                    eprintln!("{why} (pid file {})", file.display());
                    return Some(1);
                }
            },
            _ => pidfile::settled_state(&file),
        };
        let stop = matches!(signal, Signal::Stop | Signal::GracefulStop);
        let pid = match (signal, state) {
            (Signal::Start, State::Running(pid)) => {
                println!("httpd (pid {pid}) already running");
                return Some(0);
            }
            (_, State::Running(pid)) => pid,
            (_, State::Unknown(why)) => {
                println!("httpd (unreadable pid file) cannot be asked: {why}");
                return Some(1);
            }
            (_, State::Starting) => {
                println!("{}", Refusal::Starting);
                return Some(1);
            }
            // As Apache: whoever asks for a restart wants a running server.
            _ if !stop => {
                println!("httpd not running, trying to start");
                return None;
            }
            (_, State::Stale(Some(pid))) => {
                println!("httpd (pid {pid}?) not running");
                return Some(0);
            }
            (_, State::Stale(None)) => {
                println!("httpd (corrupt pid file) not running");
                return Some(0);
            }
            (_, State::Absent) => {
                println!("httpd (no pid file) not running");
                return Some(0);
            }
        };
        let number = match signal {
            Signal::Stop => libc::SIGTERM,
            Signal::GracefulStop => libc::SIGWINCH,
            Signal::Graceful => libc::SIGUSR1,
            _ => libc::SIGHUP,
        };
        if matches!(signal, Signal::Graceful | Signal::Restart)
            && let Err(why) = rehearsal::check(pid.unsigned_abs())
        {
            eprintln!("{why}");
            eprintln!(
                "httpd (pid {pid}) not signalled: it could not be started with what is on disk"
            );
            return Some(1);
        }
        // SAFETY: a plain system call on the process that holds the pid file.
        if unsafe { libc::kill(pid, number) } != 0 {
            let error = std::io::Error::last_os_error();
            self.complain(&format!(
                "AH00057: sending signal to server (pid {pid}): {error}"
            ));
            return Some(1);
        }
        Some(0)
    }

    /// Says on the terminal and in the log why the server does not start.
    fn complain(&self, message: &str) {
        let Ok(text) = CString::new(message) else {
            return;
        };
        // SAFETY: the format takes one string, which lives for the call.
        unsafe {
            sys::ap_log_error_(
                c"http_main.rs".as_ptr(),
                0,
                sys::APLOG_NO_MODULE,
                (sys::APLOG_STARTUP | sys::APLOG_ERR) as c_int,
                0,
                null(),
                c"%s".as_ptr(),
                text.as_ptr(),
            );
        }
    }
}

/// What `-v` and `-V` tell of the server and of the libraries it runs with.
pub struct Versions {
    /// `Apache/2.4.71 (httpd-rs)`.
    pub server: String,
    /// When it was built.
    pub built: String,
    /// APR's version.
    pub apr: String,
    /// APR-util's version.
    pub apr_util: String,
    /// The version of PCRE2 that is loaded, and of the one it was compiled with.
    pub pcre: [String; 2],
}

/// Asks server and libraries for their versions.
pub fn versions() -> Versions {
    unsafe extern "C" {
        /// apu_version.h, which the core's headers do not include.
        fn apu_version_string() -> *const c_char;
    }
    let owned = |text: *const c_char| {
        // SAFETY: constant strings.
        let text = unsafe { module_sdk::raw::text(text) };
        text.unwrap_or_default().to_string_lossy().into_owned()
    };
    // SAFETY: the functions only answer constant strings.
    unsafe {
        Versions {
            server: owned(sys::ap_get_server_description()),
            built: owned(sys::ap_get_server_built()),
            apr: owned(sys::apr_version_string()),
            apr_util: owned(apu_version_string()),
            pcre: [sys::AP_REG_PCRE_LOADED, sys::AP_REG_PCRE_COMPILED]
                .map(|which| owned(sys::ap_pcre_version_string(which as c_int))),
        }
    }
}
