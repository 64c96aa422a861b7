//! Panics of the server's own code in a hook or a filter: an error of one request, told in the log with
//! module, hook and request.
//!
//! `caught*` give a function that may unwind the type that hooks are registered with; `hooks!` and the
//! filters' callers catch what comes out. Code that C calls by another way cannot unwind: a panic there
//! ends the process, and the report of that crash follows the line made here.

use std::{
    any::Any,
    cell::Cell,
    ffi::c_int,
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
};

use httpd_sys as sys;

use super::trail::{self, Phase, Step, Subject};

thread_local! {
    /// Within the hook of panics: one that panics itself is told in the plain way.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Tells panics to the error log in place of standard error.
pub fn begin() {
    let plain = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if TELLING.replace(true) {
            plain(info);
        } else {
            tell(info);
        }
        TELLING.set(false);
    }));
}

fn tell(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message");
    let at = info.location().map_or_else(
        || "an unknown place".into(),
        |at| format!("{}:{}", at.file(), at.line()),
    );
    let (who, subject) = trail::describe().unwrap_or(("the server itself".into(), Subject::None));
    let text = format!("panic in {who}: {message} ({at})");
    // SAFETY: the subject of a step that is linked is live; its strings end with NUL.
    unsafe {
        match subject {
            Subject::Request(r) => {
                let [method, uri] = [(*r).method, (*r).uri].map(|text| {
                    let text = module_sdk::raw::text(text).unwrap_or_default();
                    text.to_string_lossy().into_owned()
                });
                crate::modules::core::log_request(
                    r,
                    sys::APLOG_CRIT,
                    0,
                    format_args!("{text}, request \"{method} {uri}\""),
                );
            }
            _ => crate::modules::core::log_server(sys::ap_server_conf, sys::APLOG_CRIT, 0, &text),
        }
    }
}

/// What a hook answers in place of a function that panicked.
pub trait Answer: Copy {
    /// The answer; `declined` is what the hook answers when nobody else does.
    fn after_panic(declined: Self, step: &Step) -> Self;

    /// The answer that says this status, if it can.
    fn of_status(_status: c_int, declined: Self) -> Self {
        declined
    }

    /// The status that the answer says; 0 when it says none.
    fn status(self) -> c_int {
        0
    }
}

impl Answer for c_int {
    fn after_panic(declined: Self, step: &Step) -> Self {
        let Subject::Request(r) = step.subject else {
            return declined;
        };
        // SAFETY: the subject of a step that is linked is live.
        unsafe {
            if step.place.phase == Phase::Handler && (*r).sent_bodyct != 0 {
                // The head is out, and says that all is well: only an early end says otherwise.
                (*(*r).connection).aborted = 1;
                return sys::DONE;
            }
        }
        sys::HTTP_INTERNAL_SERVER_ERROR as Self
    }

    fn of_status(status: c_int, _: Self) -> Self {
        status
    }

    fn status(self) -> c_int {
        self
    }
}

impl Answer for sys::apr_port_t {
    fn after_panic(declined: Self, _: &Step) -> Self {
        declined
    }
}

impl<T> Answer for *const T {
    fn after_panic(declined: Self, _: &Step) -> Self {
        declined
    }
}

impl<T> Answer for *mut T {
    fn after_panic(declined: Self, _: &Step) -> Self {
        declined
    }
}

/// Runs something that may panic; the panic has been told when this returns.
///
/// # Errors
/// What was thrown.
#[inline]
pub fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(run))
}

/// Makes the functions by which a function that may unwind is registered as a hook: for each number of
/// arguments one.
macro_rules! registered {
    ($($name:ident ($($argument:ident),*);)*) => {$(
        /// A function that may panic, as a hook: whoever calls hooks and filters lets it unwind.
        pub const fn $name<$($argument,)* R>(
            function: unsafe extern "C-unwind" fn($($argument),*) -> R,
        ) -> Option<unsafe extern "C" fn($($argument),*) -> R> {
            // SAFETY: the two types of functions are called in the same way; callers that do not
            // expect unwinding are those that would end the process anyway.
            Some(unsafe { std::mem::transmute::<
                unsafe extern "C-unwind" fn($($argument),*) -> R,
                unsafe extern "C" fn($($argument),*) -> R,
            >(function) })
        }
    )*};
}

registered! {
    caught0();
    caught1(A);
    caught2(A, B);
    caught3(A, B, C);
    caught4(A, B, C, D);
    caught5(A, B, C, D, E);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::trail::Place;

    static HANDLER: Place = Place::hook("ap_hook_handler");
    static OTHER: Place = Place::hook("ap_hook_monitor");

    #[test]
    fn a_panic_is_an_error_of_its_request() {
        let step = Step::new(&OTHER, Subject::None);
        assert_eq!(c_int::after_panic(sys::DECLINED, &step), sys::DECLINED);
        // SAFETY: zero is a value of each field.
        let mut r: sys::request_rec = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut c: sys::conn_rec = unsafe { std::mem::zeroed() };
        r.connection = &raw mut c;
        let step = Step::new(&HANDLER, Subject::Request(&raw mut r));
        assert_eq!(c_int::after_panic(sys::DECLINED, &step), 500);
        assert!(catch(|| panic!("of a test")).is_err());
    }
}
