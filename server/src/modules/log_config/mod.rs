//! `log_config_module`: access logs, as mod_log_config has them.
//!
//! `format` reads a `LogFormat`, `fields` knows what each letter tells of a request (`time` and
//! `cookie` help it), `logs` keeps the logs of a server and its directives, `writer` knows who
//! writes the lines. Lines to files wait on reactor threads for the end of the turn
//! (`crate::log::access`).

mod cookie;
mod fields;
mod format;
mod logs;
#[cfg(test)]
mod tests;
mod time;
mod writer;

use std::{
    ffi::{c_char, c_int},
    io,
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, apr_pool_t, apr_status_t, request_rec, server_rec};

use super::table::{self, Commands};
use crate::crash::panics::caught1;
use crate::{abi::http_log::report_for, log::access};
use fields::End;
pub use fields::{Handler, register};
use format::Piece;
use logs::{Condition, Format, Log, ServerLogs, Target};

/// The module.
#[unsafe(no_mangle)]
pub static mut log_config_module: sys::module = sys::module {
    create_server_config: Some(logs::create),
    merge_server_config: Some(logs::merge),
    cmds: COMMANDS.as_ptr(),
    register_hooks: Some(register_hooks),
    ..table::module(c"mod_log_config.c")
};

static COMMANDS: Commands<6> = Commands([
    table::take23(
        c"CustomLog",
        logs::custom_log,
        sys::RSRC_CONF,
        c"a file name, a custom log format string or format name, and an optional \"env=\" or \"expr=\" clause (see docs)",
    ),
    table::take23(
        c"GlobalLog",
        logs::global_log,
        sys::RSRC_CONF,
        c"Same as CustomLog, but forces virtualhosts to inherit the log",
    ),
    table::take1(
        c"TransferLog",
        logs::transfer_log,
        sys::RSRC_CONF,
        c"the filename of the access log",
    ),
    table::take12(
        c"LogFormat",
        logs::log_format,
        sys::RSRC_CONF,
        c"a log format string (see docs) and an optional format name",
    ),
    table::flag(
        c"BufferedLogs",
        logs::buffered_logs,
        sys::RSRC_CONF,
        c"Enable Buffered Logging (experimental)",
    ),
    table::END,
]);

/// The module's index, for log lines.
fn index() -> c_int {
    // SAFETY: a plain number, set when the module is registered.
    unsafe { log_config_module.module_index }
}

unsafe extern "C" fn register_hooks(_pool: *mut apr_pool_t) {
    fields::forget_those_of_modules();
    let (first, middle) = (sys::APR_HOOK_REALLY_FIRST, sys::APR_HOOK_MIDDLE as c_int);
    // SAFETY: called while hooks are registered; the optional functions have the types that
    // mod_log_config.h gives their names.
    unsafe {
        sys::ap_hook_pre_config(Some(pre_config), null(), null(), first);
        sys::ap_hook_check_config(Some(check_config), null(), null(), middle);
        sys::ap_hook_child_init(Some(child_init), null(), null(), middle);
        sys::ap_hook_open_logs(Some(open_logs), null(), null(), middle);
        sys::ap_hook_log_transaction(caught1(log_transaction), null(), null(), middle);
        table::offer(c"ap_register_log_handler", fields::register as *const ());
        table::offer(c"ap_log_set_writer_init", writer::set_open as *const ());
        table::offer(c"ap_log_set_writer", writer::set_write as *const ());
    }
}

unsafe extern "C" fn pre_config(
    _pconf: *mut apr_pool_t,
    _plog: *mut apr_pool_t,
    _ptemp: *mut apr_pool_t,
) -> c_int {
    writer::reset();
    sys::OK as c_int
}

/// Runs `work` for each server; answers whether it was good for all.
///
/// # Safety
/// `server` is the first of the live servers.
unsafe fn for_each(mut server: *mut server_rec, work: impl Fn(*mut server_rec) -> bool) -> bool {
    let mut good = true;
    while !server.is_null() {
        good &= work(server);
        // SAFETY: the caller's promise.
        server = unsafe { (*server).next };
    }
    good
}

unsafe extern "C" fn check_config(
    _pconf: *mut apr_pool_t,
    _plog: *mut apr_pool_t,
    ptemp: *mut apr_pool_t,
    server: *mut server_rec,
) -> c_int {
    // SAFETY: the hook passes live pools and the first of the servers.
    let good = unsafe { for_each(server, |server| logs::check_directories(server, ptemp)) };
    if good {
        sys::OK as c_int
    } else {
        sys::HTTP_INTERNAL_SERVER_ERROR as c_int
    }
}

unsafe extern "C" fn open_logs(
    _pconf: *mut apr_pool_t,
    plog: *mut apr_pool_t,
    _ptemp: *mut apr_pool_t,
    server: *mut server_rec,
) -> c_int {
    // SAFETY: as above.
    let mut server = server;
    while !server.is_null() {
        // SAFETY: as above.
        unsafe {
            if !logs::open(server, plog) {
                return sys::DONE;
            }
            server = (*server).next;
        }
    }
    sys::OK as c_int
}

unsafe extern "C" fn child_init(pool: *mut apr_pool_t, _server: *mut server_rec) {
    // SAFETY: the hook passes the child's pool.
    unsafe { writer::flush_at_end(pool) };
}

unsafe extern "C-unwind" fn log_transaction(r: *mut request_rec) -> c_int {
    // SAFETY: the hook passes a live request; the server's logs do not change while it serves.
    unsafe {
        let Some(logs) = ServerLogs::of((*r).server) else {
            return sys::OK as c_int;
        };
        let Some(default) = logs.default_format() else {
            return sys::OK as c_int;
        };
        let transaction = Transaction::of(r);
        for log in logs.all() {
            if let Some(target) = log.target
                && transaction.is_wanted(&log.condition)
            {
                transaction.write(log, target, log.format(default));
            }
        }
    }
    sys::OK as c_int
}

/// A request that is over, with those it was redirected from and to.
struct Transaction {
    /// The one the hook was called for.
    request: *mut request_rec,
    /// The one that came in.
    first: *mut request_rec,
    /// The one that answered.
    last: *mut request_rec,
    end: End,
}

impl Transaction {
    /// # Safety
    /// The request is live, as are those it is linked to, as long as the answer is used.
    unsafe fn of(request: *mut request_rec) -> Self {
        let (mut first, mut last) = (request, request);
        // SAFETY: the caller's promise.
        unsafe {
            while !(*first).prev.is_null() {
                first = (*first).prev;
            }
            while !(*last).next.is_null() {
                last = (*last).next;
            }
        }
        Self {
            request,
            first,
            last,
            end: End::default(),
        }
    }

    fn is_wanted(&self, condition: &Condition) -> bool {
        let r = self.request;
        match condition {
            Condition::Always => true,
            Condition::Environment { name, set } => {
                // SAFETY: see `of`; a request has an environment.
                let value = unsafe { sys::apr_table_get((*r).subprocess_env, name.as_ptr()) };
                value.is_null() != *set
            }
            Condition::Expression(expression) => {
                let mut message = null();
                // SAFETY: see `of`; the expression was read with the configuration.
                let answer = unsafe { sys::ap_expr_exec(r, *expression, &raw mut message) };
                if answer < 0 {
                    // SAFETY: the message is a string or NULL.
                    let message = unsafe { crate::abi::http_log::lossy(message) };
                    self.tell(
                        sys::APLOG_ERR,
                        0,
                        format_args!("AH00644: Error evaluating log condition: {message}"),
                    );
                }
                answer > 0
            }
        }
    }

    fn write(&self, log: &Log, target: Target, format: &Format) {
        let status = match target.descriptor {
            Some(descriptor) if writer::is_usual() => {
                let build = |line: &mut Vec<u8>| -> io::Result<()> {
                    for piece in format {
                        self.append(piece, line);
                    }
                    Ok(())
                };
                let written = if target.is_file {
                    access::append(descriptor, build)
                } else {
                    access::append_at_once(descriptor, build)
                };
                written.map_or_else(|error| error.raw_os_error().unwrap_or(-1), |()| 0)
            }
            _ => self.write_by_module(target, format),
        };
        if status != 0 {
            let name = log.name.to_string_lossy();
            self.tell(
                sys::APLOG_WARNING,
                status,
                format_args!("AH00646: Error writing to {name}"),
            );
        }
    }

    /// Appends a piece of a line.
    fn append(&self, piece: &Piece<fields::What>, line: &mut Vec<u8>) {
        match piece {
            Piece::Text(text) => line.extend_from_slice(text),
            // SAFETY: see `of`.
            Piece::Field(field) => unsafe {
                if field.is_told_for((*self.last).status) {
                    let of = if field.of_original {
                        self.first
                    } else {
                        self.last
                    };
                    field.what.write(of, &self.end, line);
                } else {
                    line.push(b'-');
                }
            },
        }
    }

    /// Hands the pieces to the writer's function, in memory of the request.
    fn write_by_module(&self, target: Target, format: &Format) -> apr_status_t {
        let Some(function) = writer::function() else {
            self.tell(
                sys::APLOG_ERR,
                0,
                format_args!("AH00645: log writer isn't correctly setup"),
            );
            return 0;
        };
        access::with_scratch(|line| {
            let mut lengths: Vec<c_int> = Vec::with_capacity(format.len());
            for piece in format {
                let start = line.len();
                self.append(piece, line);
                lengths.push((line.len() - start) as c_int);
                // A writer may take the portions for strings.
                line.push(0);
            }
            let total = line.len() - format.len();
            // SAFETY: see `of`; each portion starts behind the NUL of the one before.
            unsafe {
                let pool = (*self.request).pool;
                let size = line.len() as sys::apr_size_t;
                let copy = sys::apr_pmemdup(pool, line.as_ptr().cast(), size).cast::<c_char>();
                let mut portions: Vec<*const c_char> = Vec::with_capacity(format.len());
                let mut at = 0;
                for length in &lengths {
                    portions.push(copy.add(at));
                    at += *length as usize + 1;
                }
                function(
                    self.last,
                    target.handle,
                    portions.as_mut_ptr(),
                    lengths.as_mut_ptr(),
                    portions.len() as c_int,
                    total as sys::apr_size_t,
                )
            }
        })
    }

    /// Writes to the error log.
    fn tell(&self, level: u32, status: apr_status_t, message: std::fmt::Arguments<'_>) {
        // SAFETY: see `of`.
        unsafe { report_for(index(), level, status, null_mut(), self.request, message) };
    }
}
