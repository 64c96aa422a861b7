//! One hook point: its array of registrations and how it is filled and read.
//!
//! The array holds `ap_LINK_*_t` records, which all have one layout, lives in
//! `apr_hook_global_pool` and is forgotten when that pool is cleared between two readings of the
//! configuration (APR-util then sets the pointer to NULL, as `apr_hook_sort_register` arranges).

use std::{
    cell::UnsafeCell,
    ffi::{c_char, c_int},
    mem::size_of,
    ptr::null_mut,
};

use httpd_sys as sys;

/// What `ap_hook_get_*` arrays hold; the layout of every `ap_LINK_*_t`.
#[repr(C)]
pub(super) struct Link<F> {
    pub(super) function: F,
    pub(super) module: *const c_char,
    predecessors: *const *const c_char,
    successors: *const *const c_char,
    pub(super) order: c_int,
}

/// The registrations of one hook point.
pub(super) struct Hook {
    links: UnsafeCell<*mut sys::apr_array_header_t>,
}

// SAFETY: hooks are registered while the server is single-threaded (reading its configuration);
// afterwards the array is only read.
unsafe impl Sync for Hook {}

impl Hook {
    pub(super) const fn new() -> Self {
        Self {
            links: UnsafeCell::new(null_mut()),
        }
    }

    /// The array as modules see it; NULL when nothing is registered.
    pub(super) fn array(&self) -> *mut sys::apr_array_header_t {
        // SAFETY: see `Sync`: no writer while the server runs.
        unsafe { *self.links.get() }
    }

    /// Adds a function.
    ///
    /// # Safety
    /// The process is still single-threaded, and the strings live as long as
    /// `apr_hook_global_pool`. `F` is an `Option` of a function pointer.
    pub(super) unsafe fn register<F>(
        &self,
        name: &'static std::ffi::CStr,
        function: F,
        predecessors: *const *const c_char,
        successors: *const *const c_char,
        order: c_int,
    ) {
        // SAFETY: the array is made and filled by APR with room for a `Link`, single-threaded.
        unsafe {
            let slot = self.links.get();
            if (*slot).is_null() {
                *slot = sys::apr_array_make(
                    sys::apr_hook_global_pool,
                    1,
                    size_of::<Link<F>>() as c_int,
                );
                sys::apr_hook_sort_register(name.as_ptr(), slot);
            }
            let link = sys::apr_array_push(*slot).cast::<Link<F>>();
            link.write(Link {
                function,
                module: sys::apr_hook_debug_current,
                predecessors,
                successors,
                order,
            });
            if sys::apr_hook_debug_enabled != 0 {
                sys::apr_hook_debug_show(name.as_ptr(), predecessors, successors);
            }
        }
    }

    /// The registered functions in their order.
    ///
    /// # Safety
    /// `F` is the type of function registered here.
    pub(super) unsafe fn links<F>(&self) -> &[Link<F>] {
        let array = self.array();
        if array.is_null() {
            return &[];
        }
        // SAFETY: `register` filled the array with `nelts` records of this type; it does not
        // change while hooks run.
        unsafe { std::slice::from_raw_parts((*array).elts.cast(), (*array).nelts as usize) }
    }
}

/// Makes `ap_hook_x`, `ap_run_x` and `ap_hook_get_x` of each row, and the table of exports.
macro_rules! hooks {
    ($($kind:ident $hook:ident $run:ident $get:ident $type:ident
       ($($arg:ident: $argtype:ty),*) $(-> $ret:ty = $declined:expr)?;)*) => {
        $(
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $hook(
                function: $type,
                predecessors: *const *const c_char,
                successors: *const *const c_char,
                order: c_int,
            ) {
                // SAFETY: modules register hooks from register_hooks only, when the server is
                // single-threaded, with strings of their own image.
                unsafe {
                    points::$hook.register(
                        registry::point_name(concat!(stringify!($hook), "\0")),
                        function, predecessors, successors, order,
                    );
                }
            }

            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $get() -> *mut apr_array_header_t {
                points::$hook.array()
            }

            registry::hooks!(@run $kind $hook $run $type ($($arg: $argtype),*)
                $(-> $ret = $declined)?);
        )*

        /// One registry for each hook point, under the name of its `ap_hook_*` function.
        mod points {
            #![allow(non_upper_case_globals)]
            $( pub(super) static $hook: super::Hook = super::Hook::new(); )*
        }

        /// All hook points with the names of their `ap_hook_*` functions.
        fn points() -> Vec<(&'static str, &'static Hook)> {
            vec![$((stringify!($hook), &points::$hook)),*]
        }

        pub(crate) static EXPORTS: &[crate::abi::Export] =
            &[$(crate::abi::Export::new([$hook, ::httpd_sys::$hook][0] as *const ()),
                crate::abi::Export::new([$run, ::httpd_sys::$run][0] as *const ()),
                crate::abi::Export::new([$get, ::httpd_sys::$get][0] as *const ())),*];
    };

    (@run void $hook:ident $run:ident $type:ident ($($arg:ident: $argtype:ty),*)) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $run($($arg: $argtype),*) {
            // Most hooks have no function at all, and cost nothing.
            if points::$hook.array().is_null() {
                return;
            }
            registry::hooks!(@step step _on disabled links $hook $type ($($arg),*));
            // SAFETY: the functions were registered with this type; the caller's arguments are
            // what the hook's contract asks for.
            // One that panics is the last of its own; the others are called all the same.
            while panics::catch(|| unsafe {
                for link in links.by_ref() {
                    if let Some(function) = link.function {
                        if disabled
                            && policy::instead_of_hook(&step, link.module) != Instead::Call
                        {
                            continue;
                        }
                        step.calls(link.module);
                        execution::call(link.module.addr(), stringify!($hook), || {
                            registry::hooks!(@call function ($($arg: $argtype),*));
                        });
                    }
                }
            }).is_err() {}
        }
    };

    (@run all $hook:ident $run:ident $type:ident ($($arg:ident: $argtype:ty),*)) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $run($($arg: $argtype),*) -> c_int {
            if points::$hook.array().is_null() {
                return OK as c_int;
            }
            registry::hooks!(@step step _on disabled links $hook $type ($($arg),*));
            // SAFETY: as above.
            let answer = panics::catch(|| unsafe {
                for link in links.by_ref() {
                    if let Some(function) = link.function {
                        if disabled {
                            match policy::instead_of_hook(&step, link.module) {
                                Instead::Call => {}
                                Instead::PassOver => continue,
                                Instead::Answer(status) => return status,
                            }
                        }
                        step.calls(link.module);
                        let answer = execution::call(link.module.addr(), stringify!($hook), || {
                            registry::hooks!(@call function ($($arg: $argtype),*) -> c_int)
                        });
                        if answer != OK as c_int && answer != DECLINED {
                            policy::answered(&step, answer);
                            return answer;
                        }
                    }
                }
                OK as c_int
            });
            answer.unwrap_or_else(|_| {
                Answer::after_panic(HTTP_INTERNAL_SERVER_ERROR as c_int, &step)
            })
        }
    };

    (@run first $hook:ident $run:ident $type:ident ($($arg:ident: $argtype:ty),*)
        -> $ret:ty = $declined:expr) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $run($($arg: $argtype),*) -> $ret {
            if points::$hook.array().is_null() {
                return $declined;
            }
            registry::hooks!(@step step _on disabled links $hook $type ($($arg),*));
            // SAFETY: as above.
            let answer = panics::catch(|| unsafe {
                for link in links.by_ref() {
                    if let Some(function) = link.function {
                        if disabled {
                            match policy::instead_of_hook(&step, link.module) {
                                Instead::Call => {}
                                Instead::PassOver => continue,
                                Instead::Answer(status) => {
                                    return Answer::of_status(status, $declined);
                                }
                            }
                        }
                        step.calls(link.module);
                        let answer = execution::call(link.module.addr(), stringify!($hook), || {
                            registry::hooks!(@call function ($($arg: $argtype),*) -> $ret)
                        });
                        if answer != $declined {
                            execution::answered(link.module.addr(), stringify!($hook));
                            policy::answered(&step, Answer::status(answer));
                            if step.place.phase == Phase::Handler {
                                policy::handled(&step);
                            }
                            return answer;
                        }
                    }
                }
                $declined
            });
            answer.unwrap_or_else(|_| Answer::after_panic($declined, &step))
        }
    };

    // Notes where this thread is while the functions of a hook are called.
    (@step $step:ident $on:ident $disabled:ident $links:ident $hook:ident $type:ident
        ($($arg:ident),*)) => {
        static PLACE: Place = Place::hook(stringify!($hook));
        #[allow(unused_imports, reason = "for arguments that are neither request nor connection")]
        use $crate::crash::trail::IsSomething as _;
        let $step = Step::new(
            &PLACE,
            Subject::None$(.or((&trail::Argument($arg)).subject()))*,
        );
        let $on = $step.enter();
        let $disabled = policy::any_disabled();
        // SAFETY: this is the type of the functions registered here.
        let mut $links = unsafe { points::$hook.links::<$type>() }.iter();
    };

    // Calls a function that may unwind.
    (@call $function:ident ($($arg:ident: $argtype:ty),*) $(-> $ret:ty)?) => {
        std::mem::transmute::<
            unsafe extern "C" fn($($argtype),*) $(-> $ret)?,
            unsafe extern "C-unwind" fn($($argtype),*) $(-> $ret)?,
        >($function)($($arg),*)
    };
}

pub(super) use hooks;

/// The name of a hook point without its `ap_hook_`, as `apr_hook_debug_show` prints it.
pub(super) fn point_name(text: &'static str) -> &'static std::ffi::CStr {
    let bytes = text.strip_prefix("ap_hook_").unwrap_or(text).as_bytes();
    std::ffi::CStr::from_bytes_until_nul(bytes).unwrap_or(c"hook")
}

#[cfg(test)]
mod tests {
    use std::{
        ptr::null,
        sync::{Mutex, Once},
    };

    use super::*;
    use crate::hooks::*;

    /// Registration is single-threaded in the server; the tests take turns.
    static TURN: Mutex<()> = Mutex::new(());
    static APR: Once = Once::new();

    fn with_empty_hooks(test: impl FnOnce()) {
        let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // SAFETY: APR is initialised once, and the lock keeps other tests away from the hooks.
        unsafe {
            APR.call_once(|| assert_eq!(sys::apr_initialize(), 0));
            let mut pool = null_mut();
            let made = sys::apr_pool_create_ex(&mut pool, null_mut(), None, null_mut());
            assert_eq!(made, 0);
            sys::apr_hook_global_pool = pool;
            test();
            sys::apr_hook_deregister_all();
            sys::apr_pool_destroy(pool);
        }
    }

    unsafe extern "C" fn declines(_: *mut sys::request_rec) -> c_int {
        sys::DECLINED
    }

    unsafe extern "C" fn answers_404(_: *mut sys::request_rec) -> c_int {
        404
    }

    unsafe extern "C" fn answers_500(_: *mut sys::request_rec) -> c_int {
        500
    }

    unsafe extern "C" fn is_ok(_: *mut sys::request_rec) -> c_int {
        sys::OK as c_int
    }

    #[test]
    fn an_empty_hook_answers_its_default() {
        // SAFETY: no function is registered, so none sees the NULL request.
        with_empty_hooks(|| unsafe {
            assert_eq!(ap_run_handler(null_mut()), sys::DECLINED);
            assert_eq!(ap_run_fixups(null_mut()), sys::OK as c_int);
            assert!(ap_hook_get_handler().is_null());
        });
    }

    #[test]
    fn first_stops_at_the_first_answer_in_order() {
        // SAFETY: the functions do not look at the request.
        with_empty_hooks(|| unsafe {
            ap_hook_handler(
                Some(answers_500),
                null(),
                null(),
                sys::APR_HOOK_LAST as c_int,
            );
            ap_hook_handler(
                Some(answers_404),
                null(),
                null(),
                sys::APR_HOOK_MIDDLE as c_int,
            );
            ap_hook_handler(Some(declines), null(), null(), sys::APR_HOOK_REALLY_FIRST);
            sys::apr_hook_sort_all();
            assert_eq!(ap_run_handler(null_mut()), 404);
        });
    }

    #[test]
    fn all_goes_on_after_ok_and_stops_at_an_error() {
        // SAFETY: as above.
        with_empty_hooks(|| unsafe {
            ap_hook_fixups(Some(is_ok), null(), null(), sys::APR_HOOK_FIRST as c_int);
            ap_hook_fixups(
                Some(declines),
                null(),
                null(),
                sys::APR_HOOK_MIDDLE as c_int,
            );
            ap_hook_fixups(
                Some(answers_404),
                null(),
                null(),
                sys::APR_HOOK_LAST as c_int,
            );
            sys::apr_hook_sort_all();
            assert_eq!(ap_run_fixups(null_mut()), 404);
        });
    }

    unsafe extern "C-unwind" fn panics_at_times(r: *mut sys::request_rec) -> c_int {
        assert!(r.is_null(), "a panic of a test");
        sys::DECLINED
    }

    unsafe extern "C-unwind" fn panics_always(_: *mut sys::request_rec) {
        panic!("a panic of a test");
    }

    static CALLED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

    unsafe extern "C" fn is_called(_: *mut sys::request_rec) {
        CALLED.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    #[test]
    fn a_panic_is_an_error_of_the_request() {
        use crate::crash::panics::caught1;
        // SAFETY: zero is a value of each field; the functions do not look at the request.
        with_empty_hooks(|| unsafe {
            let (mut r, mut c): (sys::request_rec, sys::conn_rec) =
                (std::mem::zeroed(), std::mem::zeroed());
            r.connection = &raw mut c;
            ap_hook_handler(caught1(panics_at_times), null(), null(), 10);
            ap_hook_fixups(caught1(panics_at_times), null(), null(), 10);
            ap_hook_insert_filter(caught1(panics_always), null(), null(), 10);
            ap_hook_insert_filter(Some(is_called), null(), null(), 20);
            sys::apr_hook_sort_all();
            assert_eq!(ap_run_handler(null_mut()), sys::DECLINED);
            assert_eq!(ap_run_handler(&raw mut r), 500);
            assert_eq!(ap_run_fixups(&raw mut r), 500);
            ap_run_insert_filter(&raw mut r);
            assert!(CALLED.load(std::sync::atomic::Ordering::Relaxed));
            assert_eq!(c.aborted, 0);
            r.sent_bodyct = 1;
            assert_eq!(ap_run_handler(&raw mut r), sys::DONE);
            assert_eq!(c.aborted, 1);
        });
    }

    /// `cargo test --release -p httpd-rs --lib what_a_call_costs -- --ignored --nocapture`
    #[test]
    #[ignore = "measures, and says nothing in a debug build"]
    fn what_a_call_costs() {
        // SAFETY: the functions do not look at the request.
        with_empty_hooks(|| unsafe {
            for functions in [1_u32, 50] {
                let have = || ap_hook_get_fixups().as_ref().map_or(0, |array| array.nelts);
                while have() < functions as c_int {
                    ap_hook_fixups(Some(declines), null(), null(), 10);
                }
                const RUNS: u32 = 200_000;
                let best = (0..7)
                    .map(|_| {
                        let begun = std::time::Instant::now();
                        for _ in 0..RUNS {
                            std::hint::black_box(ap_run_fixups(std::hint::black_box(null_mut())));
                        }
                        begun.elapsed() / RUNS
                    })
                    .min();
                println!("{functions} functions: {best:?} a run");
            }
        });
    }

    #[test]
    fn predecessors_overrule_the_order_of_registration() {
        // SAFETY: as above; the lists of names are static and end with NULL.
        with_empty_hooks(|| unsafe {
            sys::apr_hook_debug_current = c"mod_late.c".as_ptr();
            let after = [c"mod_early.c".as_ptr(), null()];
            ap_hook_handler(Some(answers_500), after.as_ptr(), null(), 10);
            sys::apr_hook_debug_current = c"mod_early.c".as_ptr();
            ap_hook_handler(Some(answers_404), null(), null(), 10);
            sys::apr_hook_sort_all();
            assert_eq!(ap_run_handler(null_mut()), 404);
        });
    }
}
