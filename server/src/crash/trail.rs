//! Where each thread is: a chain of steps, one for each hook, filter or other call of a module that is
//! under way, the innermost first.
//!
//! A step lies on the stack of whoever calls the module and is only linked here, so a call of a module
//! costs a few stores to the stack and two to a thread-local. The signal handler walks the chain with
//! checked reads; nobody else but `module` and `describe` looks at it.

use std::{
    cell::Cell,
    ffi::{CStr, c_char, c_void},
    ptr::null,
};

use httpd_sys::{ap_filter_rec_t, conn_rec, request_rec};

/// What kind of call a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A hook; `origin` is the name of the module.
    Hook,
    /// A filter; `origin` is its record.
    InputFilter,
    /// The same for output.
    OutputFilter,
    /// Anything else that belongs to a module (`register_hooks`, a timed callback); `origin` is the
    /// name of the module.
    Call,
    /// The function of a directive; `origin` is the name of the module.
    Directive,
    /// The server's own processing of a request; there is no module.
    Server,
}

/// What phases have a meaning beyond their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// The handler.
    Handler,
    /// A phase that decides who may see what, or what a URL stands for.
    Guard,
    /// `force_authn`, which asks for more authentication.
    ForceAuthn,
    /// A connection begins.
    PreConnection,
    /// The other phases of a request whose answer may be a refusal.
    Request,
    /// All others.
    Other,
}

/// A place in the code: one for each hook, and for each other kind of call.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// What is called there.
    pub kind: Kind,
    /// What its answer means.
    pub phase: Phase,
    /// The hook's name, `ap_hook_` and all, or words for other calls.
    pub name: &'static str,
}

impl Place {
    /// A hook, from the name of its `ap_hook_*` function.
    pub const fn hook(name: &'static str) -> Self {
        Self {
            kind: Kind::Hook,
            phase: phase_of(name.as_bytes()),
            name,
        }
    }

    /// Another kind of call.
    pub const fn call(kind: Kind, name: &'static str) -> Self {
        Self {
            kind,
            phase: Phase::Other,
            name,
        }
    }

    /// The name without its prefix.
    pub fn short_name(&self) -> &'static str {
        self.name.strip_prefix("ap_hook_").unwrap_or(self.name)
    }
}

const fn is(name: &[u8], other: &str) -> bool {
    let other = other.as_bytes();
    if name.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < name.len() {
        if name[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

const fn is_one_of(name: &[u8], list: &[&str]) -> bool {
    let mut at = 0;
    while at < list.len() {
        if is(name, list[at]) {
            return true;
        }
        at += 1;
    }
    false
}

const fn phase_of(name: &[u8]) -> Phase {
    if is(name, "ap_hook_handler") {
        Phase::Handler
    } else if is(name, "ap_hook_force_authn") {
        Phase::ForceAuthn
    } else if is(name, "ap_hook_pre_connection") {
        Phase::PreConnection
    } else if is_one_of(
        name,
        &[
            "ap_hook_pre_translate_name",
            "ap_hook_translate_name",
            "ap_hook_map_to_storage",
            "ap_hook_access_checker",
            "ap_hook_access_checker_ex",
            "ap_hook_check_user_id",
            "ap_hook_auth_checker",
            "ap_hook_post_perdir_config",
        ],
    ) {
        Phase::Guard
    } else if is_one_of(
        name,
        &[
            "ap_hook_post_read_request",
            "ap_hook_header_parser",
            "ap_hook_type_checker",
            "ap_hook_fixups",
            "ap_hook_quick_handler",
            "ap_hook_create_request",
        ],
    ) {
        Phase::Request
    } else {
        Phase::Other
    }
}

/// What a call is about. The layout is fixed for the signal handler: a number and a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Subject {
    /// Neither of the two.
    None,
    /// A request.
    Request(*mut request_rec),
    /// A connection.
    Connection(*mut conn_rec),
}

impl Subject {
    /// This, or the other when this says less.
    #[inline]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Request(_), _) | (_, Self::None) => self,
            (_, Self::Request(_)) | (Self::None, _) => other,
            _ => self,
        }
    }

    /// The request, or else the connection, of a filter.
    #[inline]
    pub fn of_filter(r: *mut request_rec, c: *mut conn_rec) -> Self {
        if r.is_null() {
            Self::Connection(c)
        } else {
            Self::Request(r)
        }
    }
}

/// Finds out whether an argument of a hook is a request or a connection: methods of this very type
/// are found before those of a reference to any. Used by `hooks!`.
#[derive(Clone, Copy, Debug)]
pub struct Argument<T>(pub T);

/// Any argument.
pub trait IsSomething {
    /// Nothing to name.
    #[inline]
    fn subject(&self) -> Subject {
        Subject::None
    }
}

impl<T> IsSomething for &Argument<T> {}

impl Argument<*mut request_rec> {
    /// The request.
    #[inline]
    pub fn subject(&self) -> Subject {
        Subject::Request(self.0)
    }
}

impl Argument<*const request_rec> {
    /// The request.
    #[inline]
    pub fn subject(&self) -> Subject {
        Subject::Request(self.0.cast_mut())
    }
}

impl Argument<*mut conn_rec> {
    /// The connection.
    #[inline]
    pub fn subject(&self) -> Subject {
        Subject::Connection(self.0)
    }
}

impl Argument<*const conn_rec> {
    /// The connection.
    #[inline]
    pub fn subject(&self) -> Subject {
        Subject::Connection(self.0.cast_mut())
    }
}

/// A call under way. `Copied` is the same as the signal handler reads it.
#[derive(Debug)]
#[repr(C)]
pub struct Step {
    /// The one within which this is made.
    pub outer: Cell<*const Step>,
    /// What is called.
    pub place: &'static Place,
    /// Whose it is: see `Kind`.
    pub origin: Cell<*const c_void>,
    /// What it is about.
    pub subject: Subject,
    /// A function of a disabled module has been passed over.
    pub passed_over: Cell<bool>,
}

/// A step as bytes that may be anything.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Copied {
    pub(super) outer: *const Step,
    /// Trusted when it lies within the program.
    pub(super) place: *const Place,
    pub(super) origin: *const c_void,
    /// 1: a request, 2: a connection.
    pub(super) subject_kind: usize,
    pub(super) subject: *const c_void,
}

const _: () = {
    assert!(std::mem::offset_of!(Step, place) == std::mem::offset_of!(Copied, place));
    assert!(std::mem::offset_of!(Step, origin) == std::mem::offset_of!(Copied, origin));
    assert!(std::mem::offset_of!(Step, subject) == std::mem::offset_of!(Copied, subject_kind));
    assert!(size_of::<Subject>() == 2 * size_of::<usize>());
};

thread_local! {
    /// The innermost step of this thread.
    static INNERMOST: Cell<*const Step> = const { Cell::new(null()) };
}

/// A step that is linked while this lives.
#[derive(Debug)]
pub struct On<'a>(&'a Step);

impl Step {
    /// A step that is not linked yet.
    #[inline]
    pub fn new(place: &'static Place, subject: Subject) -> Self {
        Self {
            outer: Cell::new(null()),
            place,
            origin: Cell::new(null()),
            subject,
            passed_over: Cell::new(false),
        }
    }

    /// A step of a module, or of a filter.
    #[inline]
    pub fn of<T>(place: &'static Place, origin: *const T, subject: Subject) -> Self {
        let step = Self::new(place, subject);
        step.origin.set(origin.cast());
        step
    }

    /// Links it.
    #[inline]
    pub fn enter(&self) -> On<'_> {
        self.outer.set(INNERMOST.replace(self));
        On(self)
    }

    /// Says whose function is called next.
    #[inline]
    pub fn calls(&self, module: *const c_char) {
        self.origin.set(module.cast());
    }

    /// The name of the module; NULL when there is none, or it is not known.
    pub fn module(&self) -> *const c_char {
        let origin = self.origin.get();
        match self.place.kind {
            Kind::Hook | Kind::Call | Kind::Directive => origin.cast(),
            Kind::InputFilter | Kind::OutputFilter => filters::module_of(origin.cast()),
            Kind::Server => null(),
        }
    }
}

impl Drop for On<'_> {
    #[inline]
    fn drop(&mut self) {
        INNERMOST.set(self.0.outer.get());
    }
}

/// The innermost step of this thread, for the signal handler.
pub(super) fn innermost() -> *const Step {
    INNERMOST.get()
}

/// The name of the module whose code this thread runs; NULL: the server's own, or not known.
pub fn module() -> *const c_char {
    let step = INNERMOST.get();
    // SAFETY: a linked step is alive: `On` borrows it.
    unsafe { step.as_ref() }.map_or(null(), Step::module)
}

/// What this thread does, in words: `mod_x.c in its hook fixups`.
pub(super) fn describe() -> Option<(String, Subject)> {
    let mut step = INNERMOST.get();
    let mut told = None;
    let mut subject = Subject::None;
    // SAFETY: linked steps are alive, and so are the names of modules that are loaded.
    unsafe {
        while let Some(here) = step.as_ref() {
            if told.is_none() {
                let module = module_sdk::raw::text(here.module());
                told = module.map(|module| {
                    let module = CStr::to_string_lossy(module);
                    format!("{module} in {}", here.place.words())
                });
            }
            subject = subject.or(here.subject);
            step = here.outer.get();
        }
    }
    told.map(|told| (told, subject))
}

impl Place {
    /// What is called, in words.
    pub fn words(&self) -> String {
        match self.kind {
            Kind::Hook if self.phase == Phase::Handler => "its handler".into(),
            Kind::Hook => format!("its hook {}", self.short_name()),
            Kind::InputFilter => "an input filter".into(),
            Kind::OutputFilter => "an output filter".into(),
            Kind::Call | Kind::Directive | Kind::Server => self.name.into(),
        }
    }
}

/// Which module registered which filter: records of filters have no room for it.
pub mod filters {
    use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

    use super::{ap_filter_rec_t, c_char, null};

    /// More filters than this are nobody's.
    const ROOM: usize = 512;

    struct Known {
        record: AtomicPtr<ap_filter_rec_t>,
        module: AtomicPtr<c_char>,
    }

    static KNOWN: [Known; ROOM] = [const {
        Known {
            record: AtomicPtr::new(std::ptr::null_mut()),
            module: AtomicPtr::new(std::ptr::null_mut()),
        }
    }; ROOM];
    static COUNT: AtomicUsize = AtomicUsize::new(0);

    fn known() -> &'static [Known] {
        &KNOWN[..COUNT.load(Ordering::Acquire).min(ROOM)]
    }

    /// Notes that `module` registers a filter. Called while the server has one thread.
    pub fn register(record: *mut ap_filter_rec_t, module: *const c_char) {
        let count = COUNT.load(Ordering::Relaxed);
        let at = known()
            .iter()
            .position(|known| known.record.load(Ordering::Relaxed) == record)
            .unwrap_or(count);
        let Some(place) = KNOWN.get(at) else {
            return;
        };
        place.record.store(record, Ordering::Relaxed);
        place.module.store(module.cast_mut(), Ordering::Relaxed);
        COUNT.store(count.max(at + 1), Ordering::Release);
    }

    /// All records go.
    pub fn forget() {
        COUNT.store(0, Ordering::Release);
    }

    /// Who registered a filter; NULL when that is not known.
    pub fn module_of(record: *const ap_filter_rec_t) -> *const c_char {
        known()
            .iter()
            .find(|known| known.record.load(Ordering::Relaxed).cast_const() == record)
            .map_or(null(), |known| known.module.load(Ordering::Relaxed))
    }

    /// The records of the filters of a module.
    pub fn of_module(module: *const c_char) -> impl Iterator<Item = *mut ap_filter_rec_t> {
        known()
            .iter()
            .filter(move |known| known.module.load(Ordering::Relaxed).cast_const() == module)
            .map(|known| known.record.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static OUTER: Place = Place::hook("ap_hook_handler");
    static INNER: Place = Place::call(Kind::OutputFilter, "an output filter");

    #[test]
    fn steps_are_linked_while_they_last() {
        let before = innermost();
        let request = std::ptr::dangling_mut::<request_rec>();
        let outer = Step::new(&OUTER, Subject::Request(request));
        let _on = outer.enter();
        outer.calls(c"mod_outer.c".as_ptr());
        assert_eq!(module(), c"mod_outer.c".as_ptr());
        {
            let record = std::ptr::dangling_mut::<ap_filter_rec_t>();
            filters::register(record, c"mod_inner.c".as_ptr());
            let inner = Step::of(&INNER, record, Subject::None);
            let _on = inner.enter();
            let (told, subject) = describe().unwrap();
            assert_eq!(told, "mod_inner.c in an output filter");
            assert_eq!(subject, Subject::Request(request));
            filters::forget();
            assert!(inner.module().is_null());
        }
        assert_eq!(describe().unwrap().0, "mod_outer.c in its handler");
        drop(_on);
        assert_eq!(innermost(), before);
    }

    #[test]
    #[allow(
        clippy::needless_borrow,
        reason = "as `hooks!` asks, for arguments of any type"
    )]
    fn arguments_are_told_apart() {
        let request = std::ptr::dangling_mut::<request_rec>();
        let connection = std::ptr::dangling::<conn_rec>();
        let subject = Subject::None
            .or((&Argument(7)).subject())
            .or((&Argument(connection)).subject())
            .or((&Argument(request)).subject());
        assert_eq!(subject, Subject::Request(request));
        assert_eq!(
            Subject::None.or((&Argument(connection)).subject()),
            Subject::Connection(connection.cast_mut())
        );
    }

    #[test]
    fn phases_are_known_by_name() {
        let phase = |name| Place::hook(name).phase;
        assert_eq!(phase("ap_hook_handler"), Phase::Handler);
        assert_eq!(phase("ap_hook_auth_checker"), Phase::Guard);
        assert_eq!(phase("ap_hook_fixups"), Phase::Request);
        assert_eq!(phase("ap_hook_log_transaction"), Phase::Other);
    }
}
