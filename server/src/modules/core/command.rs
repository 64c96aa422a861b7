//! What a directive's function sees: the command being run, its configuration, and how to refuse.
//!
//! `command!` makes a row of a `command_rec` table together with the `extern "C"` glue around a
//! safe Rust function. The core's and mod_unixd's tables are made of it.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    fmt::Display,
    ptr::null,
};

use httpd_sys::{self as sys, cmd_parms, core_dir_config, core_server_config};
use module_sdk::raw::Pool;

/// How a directive ends.
pub(crate) type Outcome = Result<(), Refusal>;

/// Why a directive is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Text of our own.
    Text(String),
    /// Text that another function made in the configuration's pool.
    Pooled(*const c_char),
}

impl From<String> for Refusal {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Refusal {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A command while it runs.
#[derive(Clone, Copy)]
pub(crate) struct Cmd<'a> {
    parms: &'a CmdParms,
    conf: *mut c_void,
}

/// `cmd_parms` behind a shared reference; its fields are only touched through the raw pointer.
#[repr(transparent)]
struct CmdParms(std::cell::UnsafeCell<cmd_parms>);

impl<'a> Cmd<'a> {
    /// Wraps what a command function is called with.
    ///
    /// # Safety
    /// `parms` is live for `'a` with its pools, server and directive; `conf` is the core's
    /// per-directory configuration, or what the kind of directive says.
    pub(crate) unsafe fn new(parms: *mut cmd_parms, conf: *mut c_void) -> Self {
        debug_assert!(!parms.is_null());
        // SAFETY: the caller's promise; UnsafeCell lets others write the fields.
        let parms = unsafe { &*parms.cast::<CmdParms>() };
        Self { parms, conf }
    }

    /// The C pointer.
    pub(crate) fn as_ptr(self) -> *mut cmd_parms {
        self.parms.0.get()
    }

    /// What the directive was called with beside its arguments.
    pub(crate) fn conf_ptr(self) -> *mut c_void {
        self.conf
    }

    /// The configuration's pool: what the directive makes lives there.
    pub(crate) fn pool(self) -> Pool<'a> {
        // SAFETY: live with the command.
        unsafe { Pool::from_ptr((*self.as_ptr()).pool) }
    }

    /// A pool for what only lasts while the configuration is read.
    pub(crate) fn temp_pool(self) -> Pool<'a> {
        // SAFETY: live with the command.
        unsafe { Pool::from_ptr((*self.as_ptr()).temp_pool) }
    }

    /// The core's configuration of the directory or section the directive stands in.
    pub(crate) fn dir(self) -> &'a mut core_dir_config {
        // SAFETY: the engine passes the core's commands the core's record; one thread reads the
        // configuration, and no function keeps the reference over a call of another.
        unsafe { &mut *self.conf.cast() }
    }

    /// The server the directive stands in.
    pub(crate) fn server(self) -> &'a mut sys::server_rec {
        // SAFETY: as above.
        unsafe { &mut *(*self.as_ptr()).server }
    }

    /// The core's configuration of that server.
    pub(crate) fn core_server(self) -> &'a mut core_server_config {
        let vector = self.server().module_config;
        // SAFETY: every server has the core's record.
        unsafe { &mut *sys::ap_get_core_module_config(vector).cast() }
    }

    /// The row of the table.
    pub(crate) fn row(self) -> &'a sys::command_rec {
        // SAFETY: tables are static.
        unsafe { &*(*self.as_ptr()).cmd }
    }

    /// The directive's name as the table spells it.
    pub(crate) fn name(self) -> &'a str {
        // SAFETY: names in tables are static and ASCII.
        unsafe { CStr::from_ptr(self.row().name).to_str().unwrap_or("") }
    }

    /// The number that the row carries as its data.
    pub(crate) fn data(self) -> usize {
        self.row().cmd_data as usize
    }

    /// File and line of the directive.
    pub(crate) fn place(self) -> (String, i32) {
        // SAFETY: the directive is a node of the tree, with the name of its file or NULL.
        unsafe {
            let directive = (*self.as_ptr()).directive;
            if directive.is_null() {
                return (String::from("command line"), 0);
            }
            let file = module_sdk::raw::text((*directive).filename).unwrap_or(c"-");
            (file.to_string_lossy().into_owned(), (*directive).line_num)
        }
    }

    /// Refuses the directive in these contexts (`NOT_IN_*`, `GLOBAL_ONLY`).
    pub(crate) fn not_in(self, contexts: u32) -> Outcome {
        // SAFETY: the command is live.
        answer(unsafe { sys::ap_check_cmd_context(self.as_ptr(), contexts) })
    }

    /// Whether the directive stands in one of these contexts.
    pub(crate) fn is_in(self, contexts: u32) -> bool {
        self.not_in(contexts).is_err()
    }

    /// A copy of `text` that lives as long as the configuration.
    pub(crate) fn keep(self, text: impl AsRef<[u8]>) -> *mut c_char {
        self.pool().copy(text).as_ptr().cast_mut()
    }

    /// Compiles an expression: `flags` are `AP_EXPR_FLAG_*`.
    pub(crate) fn expression(
        self,
        text: &CStr,
        flags: u32,
    ) -> Result<*mut sys::ap_expr_info_t, String> {
        let mut error = null();
        // SAFETY: the command is live; the compiled expression lives in its pool.
        unsafe {
            let compiled = sys::ap_expr_parse_cmd_mi(
                self.as_ptr(),
                text.as_ptr(),
                flags,
                &mut error,
                None,
                super::module_index(),
            );
            match module_sdk::raw::text(error) {
                Some(error) => Err(error.to_string_lossy().into_owned()),
                None => Ok(compiled),
            }
        }
    }

    /// The next word of a line, with its quotes taken off.
    pub(crate) fn word(self, rest: &mut &'a CStr) -> &'a CStr {
        let mut at = rest.as_ptr();
        // SAFETY: the pool is live; the function moves `at` within the line.
        unsafe {
            let word = sys::ap_getword_conf(self.pool().as_ptr(), &mut at);
            *rest = CStr::from_ptr(at);
            CStr::from_ptr(word)
        }
    }

    /// Says something about the directive in the log.
    pub(crate) fn log(self, level: u32, message: impl Display) {
        super::log_server(self.server(), level, 0, &message.to_string());
    }
}

/// Turns the answer of an `ap_*` function (NULL or an error text) into an outcome.
pub(crate) fn answer(text: *const c_char) -> Outcome {
    if text.is_null() {
        Ok(())
    } else {
        Err(Refusal::Pooled(text))
    }
}

/// Turns an outcome into what the engine expects.
pub(crate) fn finish(cmd: Cmd<'_>, outcome: Outcome) -> *const c_char {
    match outcome {
        Ok(()) => null(),
        Err(Refusal::Pooled(text)) => text,
        Err(Refusal::Text(text)) => cmd.keep(text),
    }
}

/// A text argument; NULL (an optional one left out) becomes `None`.
///
/// # Safety
/// `argument` is NULL or a string that lives as long as the command.
pub(crate) unsafe fn optional<'a>(argument: *const c_char) -> Option<&'a CStr> {
    // SAFETY: the caller's promise.
    unsafe { module_sdk::raw::text(argument) }
}

/// A text argument that is always there.
///
/// # Safety
/// As `optional`.
pub(crate) unsafe fn given<'a>(argument: *const c_char) -> &'a CStr {
    // SAFETY: the caller's promise.
    unsafe { optional(argument) }.unwrap_or(c"")
}

/// A text for messages.
pub(crate) fn shown(text: &CStr) -> std::borrow::Cow<'_, str> {
    text.to_string_lossy()
}

/// The arguments of a TAKE_ARGV directive.
///
/// # Safety
/// `argv` holds `argc` strings that live as long as the command.
pub(crate) unsafe fn arguments<'a>(argc: c_int, argv: *const *mut c_char) -> Vec<&'a CStr> {
    // SAFETY: the caller's promise.
    (0..usize::try_from(argc).unwrap_or(0))
        .map(|at| unsafe { given(*argv.add(at)) })
        .collect()
}

/// A table of commands; its rows hold pointers to static data only.
#[repr(transparent)]
pub(crate) struct Commands<const N: usize>(pub(crate) [sys::command_rec; N]);

// SAFETY: names, help texts and functions are static, and nothing writes the rows.
unsafe impl<const N: usize> Sync for Commands<N> {}

/// Makes one row of a table. The word before the function tells what it takes; `data` is a small
/// number that `Cmd::data` gives back.
macro_rules! command {
    ($name:literal, $form:ident $how:ident $function:path, $contexts:expr, $help:literal) => {
        command!($name, $form $how $function, $contexts, data 0, $help)
    };
    ($name:literal, one $how:ident $function:path, $contexts:expr, data $data:expr, $help:literal) => {{
        unsafe extern "C" fn glue(
            parms: *mut ::httpd_sys::cmd_parms,
            conf: *mut ::std::ffi::c_void,
            argument: *const ::std::ffi::c_char,
        ) -> *const ::std::ffi::c_char {
            // SAFETY: the engine passes a live command and the argument the row asks for.
            unsafe {
                let cmd = $crate::modules::core::command::Cmd::new(parms, conf);
                let argument = $crate::modules::core::command::given(argument);
                $crate::modules::core::command::finish(cmd, $function(cmd, argument))
            }
        }
        command!(@row $name, take1 glue, $how, $contexts, $data, $help)
    }};
    ($name:literal, two $how:ident $function:path, $contexts:expr, data $data:expr, $help:literal) => {{
        unsafe extern "C" fn glue(
            parms: *mut ::httpd_sys::cmd_parms,
            conf: *mut ::std::ffi::c_void,
            first: *const ::std::ffi::c_char,
            second: *const ::std::ffi::c_char,
        ) -> *const ::std::ffi::c_char {
            // SAFETY: as above; the second argument may be left out.
            unsafe {
                let cmd = $crate::modules::core::command::Cmd::new(parms, conf);
                let first = $crate::modules::core::command::given(first);
                let second = $crate::modules::core::command::optional(second);
                $crate::modules::core::command::finish(cmd, $function(cmd, first, second))
            }
        }
        command!(@row $name, take2 glue, $how, $contexts, $data, $help)
    }};
    ($name:literal, flag $how:ident $function:path, $contexts:expr, data $data:expr, $help:literal) => {{
        unsafe extern "C" fn glue(
            parms: *mut ::httpd_sys::cmd_parms,
            conf: *mut ::std::ffi::c_void,
            on: ::std::ffi::c_int,
        ) -> *const ::std::ffi::c_char {
            // SAFETY: the engine passes a live command.
            unsafe {
                let cmd = $crate::modules::core::command::Cmd::new(parms, conf);
                $crate::modules::core::command::finish(cmd, $function(cmd, on != 0))
            }
        }
        command!(@row $name, flag glue, $how, $contexts, $data, $help)
    }};
    ($name:literal, list $how:ident $function:path, $contexts:expr, data $data:expr, $help:literal) => {{
        unsafe extern "C" fn glue(
            parms: *mut ::httpd_sys::cmd_parms,
            conf: *mut ::std::ffi::c_void,
            argc: ::std::ffi::c_int,
            argv: *const *mut ::std::ffi::c_char,
        ) -> *const ::std::ffi::c_char {
            // SAFETY: the engine passes a live command and `argc` arguments.
            unsafe {
                let cmd = $crate::modules::core::command::Cmd::new(parms, conf);
                let arguments = $crate::modules::core::command::arguments(argc, argv);
                $crate::modules::core::command::finish(cmd, $function(cmd, &arguments))
            }
        }
        command!(@row $name, take_argv glue, $how, $contexts, $data, $help)
    }};
    // A function that is written for C already, by whichever part owns it.
    ($name:literal, c $how:ident $function:path, $contexts:expr, data $data:expr, $help:literal) => {
        command!(@row $name, take1 $function, $how, $contexts, $data, $help)
    };
    ($name:literal, c_two $how:ident $function:path, $contexts:expr, data $data:expr, $help:literal) => {
        command!(@row $name, take2 $function, $how, $contexts, $data, $help)
    };
    ($name:literal, c_flag $how:ident $function:path, $contexts:expr, data $data:expr, $help:literal) => {
        command!(@row $name, flag $function, $how, $contexts, $data, $help)
    };
    (@row $name:literal, $field:ident $function:path, $how:ident, $contexts:expr, $data:expr, $help:literal) => {
        ::httpd_sys::command_rec {
            name: $name.as_ptr(),
            func: ::httpd_sys::cmd_func { $field: Some($function) },
            cmd_data: ::std::ptr::without_provenance_mut($data),
            req_override: ($contexts) as ::std::ffi::c_int,
            args_how: ::httpd_sys::$how,
            errmsg: $help.as_ptr(),
        }
    };
}
pub(crate) use command;

/// The row that ends a table.
pub(crate) const END: sys::command_rec = sys::command_rec {
    name: null(),
    func: sys::cmd_func { no_args: None },
    cmd_data: std::ptr::null_mut(),
    req_override: 0,
    args_how: sys::RAW_ARGS,
    errmsg: null(),
};
