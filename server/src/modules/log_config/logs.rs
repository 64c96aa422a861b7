//! The logs of a server and where they come from: CustomLog, GlobalLog, TransferLog, LogFormat.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    os::fd::RawFd,
    ptr::{null, null_mut},
    rc::Rc,
};

use httpd_sys::{self as sys, cmd_parms};
use module_sdk::raw::{self, Pool};

use super::{
    fields::{self, What},
    format::{self, Piece},
    index, writer,
};

/// A format, read.
pub type Format = Vec<Piece<What>>;

/// The format of a server that sets none.
const COMMON: &CStr = c"%h %l %u %t \"%r\" %>s %b";

/// The logs of a server.
pub struct ServerLogs {
    /// Names of formats, the last of a name counting.
    named: Vec<(CString, CString)>,
    /// The format of logs that name none: as written, which may be another format's name.
    default_text: Option<CString>,
    default_format: Option<Rc<Format>>,
    logs: Vec<Log>,
    /// Those of the main server, for a virtual one; NULL for the main server itself.
    main: *const Self,
}

/// When a request is logged.
pub enum Condition {
    /// Always.
    Always,
    /// When a variable of the environment is set, or is not.
    Environment { name: CString, set: bool },
    /// When an expression holds.
    Expression(*const sys::ap_expr_info_t),
}

/// Where lines go, once the log is open.
#[derive(Clone, Copy)]
pub struct Target {
    /// What the writer's function takes.
    pub handle: *mut c_void,
    /// The descriptor, when the writer is the usual one.
    pub descriptor: Option<RawFd>,
    /// Whether that is a file, whose lines may wait for the end of the turn.
    pub is_file: bool,
}

/// One log.
pub struct Log {
    /// The file, or `|` and a program.
    pub name: CString,
    text: Option<CString>,
    format: Option<Rc<Format>>,
    /// When a request is logged.
    pub condition: Condition,
    /// Whether virtual servers with logs of their own write to it as well.
    global: bool,
    /// Where the directive stands.
    place: (CString, c_int),
    /// `None` until the log is open.
    pub target: Option<Target>,
}

impl Log {
    /// The format, given the one that holds for logs without.
    pub fn format<'a>(&'a self, default: &'a Format) -> &'a Format {
        self.format.as_deref().unwrap_or(default)
    }
}

impl ServerLogs {
    const EMPTY: Self = Self {
        named: Vec::new(),
        default_text: None,
        default_format: None,
        logs: Vec::new(),
        main: null(),
    };

    /// The logs of a live server.
    ///
    /// # Safety
    /// The server is live, and its logs are not changed meanwhile.
    pub unsafe fn of<'a>(s: *const sys::server_rec) -> Option<&'a Self> {
        // SAFETY: the caller's promise.
        unsafe { Self::place(s).as_ref() }
    }

    /// # Safety
    /// The server is live, and nobody else uses its logs meanwhile.
    unsafe fn of_mut<'a>(s: *const sys::server_rec) -> Option<&'a mut Self> {
        // SAFETY: the caller's promise.
        unsafe { Self::place(s).as_mut() }
    }

    /// # Safety
    /// The server is live.
    unsafe fn place(s: *const sys::server_rec) -> *mut Self {
        let module = &raw const super::log_config_module;
        // SAFETY: the caller's promise; our place in its vector is what `create` made.
        unsafe { sys::ap_get_module_config((*s).module_config, module).cast() }
    }

    /// The format of logs that name none. `open` sees to it that there is one.
    pub fn default_format(&self) -> Option<&Format> {
        self.default_format.as_deref()
    }

    /// The logs that a request of this server is written to: its own, and the global ones of the
    /// main server; without own ones, those of the main server.
    pub fn all(&self) -> impl Iterator<Item = &Log> {
        // SAFETY: the main server's logs live as long as those of virtual ones.
        let of_main = unsafe { self.main.as_ref() }.map_or(&[][..], |main| &main.logs);
        let alone = self.logs.is_empty();
        let inherited = of_main.iter().filter(move |log| alone || log.global);
        self.logs.iter().chain(inherited)
    }

    /// The text of a named format.
    fn named(&self, name: &CStr) -> Option<&CStr> {
        // SAFETY: as above.
        let main = unsafe { self.main.as_ref() };
        let of = |logs: &'_ Self| logs.named.iter().rposition(|(known, _)| **known == *name);
        match (of(self), main) {
            (Some(at), _) => Some(&self.named[at].1),
            (None, Some(main)) => of(main).map(|at| &*main.named[at].1),
            (None, None) => None,
        }
    }
}

/// Reads a format.
fn read(text: &CStr) -> Result<Format, String> {
    format::parse(text.to_bytes(), fields::lookup)
}

/// A new server's logs: none.
pub unsafe extern "C" fn create(
    pool: *mut sys::apr_pool_t,
    _server: *mut sys::server_rec,
) -> *mut c_void {
    let logs = Box::into_raw(Box::new(ServerLogs::EMPTY)).cast::<c_void>();
    // SAFETY: the pool is live; the cleanup takes the box back.
    unsafe {
        let nothing = Some(sys::apr_pool_cleanup_null as _);
        sys::apr_pool_cleanup_register(pool, logs, Some(drop_logs), nothing);
    }
    logs
}

unsafe extern "C" fn drop_logs(logs: *mut c_void) -> sys::apr_status_t {
    // SAFETY: made by `create`, and the pool runs a cleanup once.
    drop(unsafe { Box::from_raw(logs.cast::<ServerLogs>()) });
    0
}

/// Lets a virtual server know the main server's logs and formats.
pub unsafe extern "C" fn merge(
    _pool: *mut sys::apr_pool_t,
    main: *mut c_void,
    own: *mut c_void,
) -> *mut c_void {
    // SAFETY: both were made by `create`.
    unsafe {
        let (main, own) = (main.cast::<ServerLogs>(), own.cast::<ServerLogs>());
        (*own).main = main;
        if (*own).default_format.is_none() {
            (*own).default_text.clone_from(&(*main).default_text);
            (*own).default_format.clone_from(&(*main).default_format);
        }
    }
    own
}

/// `LogFormat format [name]`.
pub unsafe extern "C" fn log_format(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    text: *const c_char,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and strings, single-threaded.
    unsafe {
        let (Some(text), Some(logs)) = (raw::text(text), ServerLogs::of_mut((*cmd).server)) else {
            return null();
        };
        match (read(text), raw::text(name)) {
            (Err(message), _) => Pool::from_ptr((*cmd).pool).text(message).as_ptr(),
            (Ok(_), Some(name)) => {
                logs.named.push((name.into(), text.into()));
                null()
            }
            (Ok(format), None) => {
                logs.default_text = Some(text.into());
                logs.default_format = Some(Rc::new(format));
                null()
            }
        }
    }
}

/// `CustomLog file format [env=name|expr=expression]`.
pub unsafe extern "C" fn custom_log(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    name: *const c_char,
    format: *const c_char,
    condition: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and strings.
    unsafe { add(cmd, name, format, condition, false) }
}

/// `GlobalLog file format [env=name|expr=expression]`.
pub unsafe extern "C" fn global_log(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    name: *const c_char,
    format: *const c_char,
    condition: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and strings.
    unsafe {
        let refusal = sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY);
        if !refusal.is_null() {
            return refusal;
        }
        add(cmd, name, format, condition, true)
    }
}

/// `TransferLog file`.
pub unsafe extern "C" fn transfer_log(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and a string.
    unsafe { add(cmd, name, null(), null(), false) }
}

/// Adds a log; answers what is wrong, or NULL.
///
/// # Safety
/// Called by the engine, with strings or NULL.
unsafe fn add(
    cmd: *mut cmd_parms,
    name: *const c_char,
    text: *const c_char,
    condition: *const c_char,
    global: bool,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        let condition = match raw::text(condition)
            .map_or(Ok(Condition::Always), |clause| read_condition(cmd, clause))
        {
            Ok(condition) => condition,
            Err(message) => return message,
        };
        let (Some(name), Some(logs)) = (raw::text(name), ServerLogs::of_mut((*cmd).server)) else {
            return null();
        };
        let text = raw::text(text);
        let format = match text.map(read).transpose() {
            Ok(format) => format.map(Rc::new),
            Err(message) => return Pool::from_ptr((*cmd).pool).text(message).as_ptr(),
        };
        let place = (*cmd).directive.as_ref().map_or((c"", 0), |directive| {
            let file = raw::text(directive.filename).unwrap_or(c"");
            (file, directive.line_num)
        });
        logs.logs.push(Log {
            name: name.into(),
            text: text.map(CString::from),
            format,
            condition,
            global,
            place: (place.0.into(), place.1),
            target: None,
        });
        null()
    }
}

/// Reads `env=name`, `env=!name` or `expr=expression`.
///
/// # Safety
/// Called by the engine.
unsafe fn read_condition(cmd: *mut cmd_parms, clause: &CStr) -> Result<Condition, *const c_char> {
    let text = clause.to_bytes();
    let after = |word: &[u8]| {
        let begins = text.get(..word.len())?.eq_ignore_ascii_case(word);
        begins.then(|| &text[word.len()..])
    };
    if let Some(name) = after(b"env=") {
        let (name, set) = match name.strip_prefix(b"!") {
            Some(name) => (name, false),
            None => (name, true),
        };
        if name.is_empty() {
            return Err(c"missing environment variable name".as_ptr());
        }
        // A part of a C string has no NUL in it.
        let name = CString::new(name).unwrap_or_default();
        return Ok(Condition::Environment { name, set });
    }
    if let Some(expression) = after(b"expr=") {
        if expression.is_empty() {
            return Err(c"missing condition".as_ptr());
        }
        let mut message = null();
        // SAFETY: the caller's promise; what follows the word is a string, too.
        let parsed = unsafe {
            let text = expression.as_ptr().cast();
            let flags = sys::AP_EXPR_FLAG_DONT_VARY;
            sys::ap_expr_parse_cmd_mi(cmd, text, flags, &raw mut message, None, index())
        };
        if !message.is_null() {
            return Err(message);
        }
        return Ok(Condition::Expression(parsed));
    }
    Err(c"error in condition clause".as_ptr())
}

/// Opens the logs of a server; answers whether that worked.
///
/// # Safety
/// The server and the pool are live, and no request is served yet.
pub unsafe fn open(s: *mut sys::server_rec, pool: *mut sys::apr_pool_t) -> bool {
    // SAFETY: the caller's promise.
    let Some(logs) = (unsafe { ServerLogs::of_mut(s) }) else {
        return true;
    };
    let by_name = |logs: &ServerLogs, text: &Option<CString>| {
        let text = logs.named(text.as_deref()?)?;
        // It was read without error when it got its name.
        read(text).ok().map(Rc::new)
    };
    if let Some(format) = by_name(logs, &logs.default_text) {
        logs.default_format = Some(format);
    }
    if logs.default_format.is_none() {
        logs.default_format = read(COMMON).ok().map(Rc::new);
    }
    for at in 0..logs.logs.len() {
        if let Some(format) = by_name(logs, &logs.logs[at].text) {
            logs.logs[at].format = Some(format);
        }
        let log = &mut logs.logs[at];
        if log.target.is_none() {
            // SAFETY: the caller's promise.
            log.target = unsafe { writer::open(pool, s, &log.name) };
            if log.target.is_none() {
                return false;
            }
        }
    }
    true
}

/// Tells which log of a server lies in a directory that does not exist; answers whether none does.
///
/// # Safety
/// The server and the pool are live.
pub unsafe fn check_directories(s: *mut sys::server_rec, pool: *mut sys::apr_pool_t) -> bool {
    // SAFETY: the caller's promise.
    let Some(logs) = (unsafe { ServerLogs::of(s) }) else {
        return true;
    };
    let mut good = true;
    for log in logs
        .logs
        .iter()
        .filter(|log| !log.name.to_bytes().starts_with(b"|"))
    {
        // SAFETY: the caller's promise; APR fills what it answers with.
        unsafe {
            let path = sys::ap_server_root_relative(pool, log.name.as_ptr());
            let Some(path) = raw::text(path).map(CStr::to_bytes) else {
                continue;
            };
            let end = path
                .iter()
                .rposition(|&byte| byte == b'/')
                .map_or(0, |at| at + 1);
            let directory = Pool::from_ptr(pool).copy(&path[..end]);
            let mut found = std::mem::zeroed::<sys::apr_finfo_t>();
            let wanted = sys::APR_FINFO_TYPE as i32;
            let mut status = sys::apr_stat(&raw mut found, directory.as_ptr(), wanted, pool);
            if status == 0 && found.filetype != sys::APR_DIR {
                status = sys::APR_ENOTDIR as sys::apr_status_t;
            }
            if status != 0 {
                good = false;
                crate::abi::http_log::report(
                    index(),
                    sys::APLOG_STARTUP | sys::APLOG_EMERG,
                    status,
                    null(),
                    format_args!(
                        "AH02297: Cannot access directory '{}' for log file '{}' defined at {}:{}",
                        directory.to_string_lossy(),
                        log.name.to_string_lossy(),
                        log.place.0.to_string_lossy(),
                        log.place.1
                    ),
                );
            }
        }
    }
    good
}

/// `BufferedLogs On|Off`.
pub unsafe extern "C" fn buffered_logs(
    _cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    on: c_int,
) -> *const c_char {
    writer::set_buffered(on != 0);
    null_mut()
}
