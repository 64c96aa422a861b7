//! A client's request from the quick handlers to its end: what the protocol calls for each request
//! it has read, and what asynchronous modules call when a suspended one is ready.

use std::{
    ffi::{CStr, c_int},
    ptr::null_mut,
};

use httpd_sys as sys;
use module_sdk::raw::{Brigade, Bucket};

use super::{
    super::http_config::retained::{self, Invoked},
    die,
    support::http_place,
};
use crate::{
    conn::suspended,
    crash::trail::{Kind, Place, Step, Subject},
};

exports! {
    ap_process_request, ap_process_async_request, ap_process_request_after_handler,
}

const OK: c_int = sys::OK as c_int;
/// What a crash outside all hooks belongs to.
static PROCESSING: Place = Place::call(Kind::Server, "the processing of a request");
/// How many empty lines may stand between two requests of a connection.
const BLANK_LINES: u32 = 10;
/// ap_time_process_request: the request begins, or has ended.
const START: c_int = sys::START_PREQUEST as c_int;
const STOP: c_int = sys::STOP_PREQUEST as c_int;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_process_async_request(r: *mut sys::request_rec) {
    // SAFETY: the header asks for a live request of a live connection.
    unsafe {
        let step = Step::new(&PROCESSING, Subject::Request(r));
        let _on = step.enter();
        begin(r);
        let mutex = (*r).invoke_mtx;
        sys::apr_thread_mutex_lock(mutex);
        let answer = serve(r);
        settle(r, answer);
    }
}

/// What comes before all phases.
///
/// # Safety
/// `r` is a live request of a live connection.
pub(in crate::abi) unsafe fn begin(r: *mut sys::request_rec) {
    // SAFETY: the caller's promise. The mutex keeps threads of asynchronous modules from a request
    // whose handler still runs.
    unsafe {
        note_time((*r).connection, START);
        sys::apr_thread_mutex_create(
            &raw mut (*r).invoke_mtx,
            sys::APR_THREAD_MUTEX_DEFAULT,
            (*r).pool,
        );
    }
}

/// What became of a request.
pub(in crate::abi) enum Outcome {
    /// It has been answered.
    Answered,
    /// A module will go on with it, and may have done so already.
    Suspended,
    /// Its handler is known to block, and waits for a place to do so.
    Left(retained::Left),
}

/// Runs all phases and the handler, or, given where it was left, the handler alone.
///
/// # Safety
/// `r` is live, and `begin` was called for it.
pub(in crate::abi) unsafe fn go_on(
    r: *mut sys::request_rec,
    left: Option<retained::Left>,
) -> Outcome {
    let step = Step::new(&PROCESSING, Subject::Request(r));
    let _on = step.enter();
    // SAFETY: the caller's promise. The mutex is locked and unlocked on this thread.
    unsafe {
        let mutex = (*r).invoke_mtx;
        sys::apr_thread_mutex_lock(mutex);
        let invoked = match left {
            Some(left) => Invoked::Answer(retained::invoke_left(r, left)),
            None => match until_handler(r) {
                Reached::Answer(answer) => Invoked::Answer(answer),
                Reached::Handler => retained::invoke(r, true),
            },
        };
        match invoked {
            Invoked::Answer(answer) => settle(r, answer),
            Invoked::Left(left) => {
                sys::apr_thread_mutex_unlock(mutex);
                Outcome::Left(left)
            }
        }
    }
}

/// What follows the handler: the request is suspended, or its response ends. The mutex of the request
/// is let go.
///
/// # Safety
/// `r` is live, and its mutex is locked by this thread.
unsafe fn settle(r: *mut sys::request_rec, answer: c_int) -> Outcome {
    // SAFETY: the caller's promise.
    unsafe {
        let c = (*r).connection;
        let mutex = (*r).invoke_mtx;
        if answer == sys::SUSPENDED {
            note_time(c, STOP);
            if !(*c).cs.is_null() {
                (*(*c).cs).state = sys::CONN_STATE_SUSPENDED;
                sys::ap_run_suspend_connection(c, r);
                // The scoreboard's place of this thread is for its next request.
                (*c).sbh = null_mut();
                suspended::suspend(c.addr());
            }
            // From here on the connection may be another thread's.
            sys::apr_thread_mutex_unlock(mutex);
            return Outcome::Suspended;
        }
        sys::apr_thread_mutex_unlock(mutex);
        die::answer(answer, r, sys::HTTP_OK as c_int);
        sys::ap_process_request_after_handler(r);
    }
    Outcome::Answered
}

/// How far the phases of a request have come.
enum Reached {
    /// They have an answer.
    Answer(c_int),
    /// The handler is next.
    Handler,
}

/// The quick handlers, or all phases up to the handler.
///
/// # Safety
/// `r` is live.
unsafe fn until_handler(r: *mut sys::request_rec) -> Reached {
    // SAFETY: the caller's promise.
    unsafe {
        match sys::ap_run_quick_handler(r, 0) {
            sys::DECLINED => match sys::ap_process_request_internal(r) {
                OK => Reached::Handler,
                answer => Reached::Answer(answer),
            },
            answer => Reached::Answer(answer),
        }
    }
}

/// The quick handlers, or all phases and the handler.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn serve(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        match until_handler(r) {
            Reached::Answer(answer) => answer,
            Reached::Handler => sys::ap_invoke_handler(r),
        }
    }
}

/// All phases and the handler.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn serve_slowly(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        match sys::ap_process_request_internal(r) {
            OK => sys::ap_invoke_handler(r),
            answer => answer,
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_process_request_after_handler(r: *mut sys::request_rec) {
    // SAFETY: the header asks for a live request of a live connection. The EOR bucket owns the
    // request: once it is passed on or deleted, `r` may be gone.
    unsafe {
        let c = (*r).connection;
        let brigade = brigade_of(c);
        let end = sys::ap_bucket_eor_create((*c).bucket_alloc, r);
        Brigade::from_ptr(brigade).push(Bucket::from_ptr(end));
        sys::ap_pass_brigade((*c).output_filters, brigade);
        sys::apr_brigade_cleanup(brigade.cast());
        // Blank lines that some clients send behind a body are no request to wait for.
        let pending = sys::ap_check_pipeline(c, brigade, BLANK_LINES);
        (*c).data_in_input_filters = c_int::from(pending == 0);
        sys::apr_brigade_cleanup(brigade.cast());
        if !(*c).cs.is_null() {
            (*(*c).cs).state = if (*c).aborted != 0 {
                sys::CONN_STATE_LINGER
            } else {
                sys::CONN_STATE_WRITE_COMPLETION
            };
        }
        note_time(c, STOP);
        suspended::resume(c.addr());
    }
}

/// An empty brigade of the connection: the same one for each of its requests, lest its pool grow.
///
/// # Safety
/// `c` is live.
pub(in crate::abi) unsafe fn brigade_of(c: *mut sys::conn_rec) -> *mut sys::apr_bucket_brigade {
    const KEY: &CStr = c"ap_process_request_brigade";
    // SAFETY: the caller's promise; under this key there is nothing else.
    unsafe {
        let mut kept = std::ptr::null_mut();
        sys::apr_pool_userdata_get(&mut kept, KEY.as_ptr(), (*c).pool);
        if kept.is_null() {
            let new = sys::apr_brigade_create((*c).pool, (*c).bucket_alloc);
            sys::apr_pool_userdata_setn(new.cast(), KEY.as_ptr(), None, (*c).pool);
            return new;
        }
        sys::apr_brigade_cleanup(kept);
        let brigade = kept.cast::<sys::apr_bucket_brigade>();
        // A connection that waits gives its allocator up and gets another (`Session::rest`).
        (*brigade).bucket_alloc = (*c).bucket_alloc;
        brigade
    }
}

/// Tells the scoreboard, where it wants to know, that a request begins or has ended.
///
/// # Safety
/// `c` is live.
unsafe fn note_time(c: *mut sys::conn_rec, what: c_int) {
    // SAFETY: the caller's promise.
    unsafe {
        if sys::ap_extended_status != 0 {
            sys::ap_time_process_request((*c).sbh.cast(), what);
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_process_request(r: *mut sys::request_rec) {
    // SAFETY: as above; the connection outlives the request.
    unsafe {
        let c = (*r).connection;
        ap_process_async_request(r);
        if (*c).data_in_input_filters == 0 {
            let brigade = brigade_of(c);
            let flush = sys::apr_bucket_flush_create((*c).bucket_alloc);
            Brigade::from_ptr(brigade).push(Bucket::from_ptr(flush));
            let status = sys::ap_pass_brigade((*c).output_filters, brigade);
            if status == sys::APR_TIMEUP as sys::apr_status_t {
                let format: &CStr = c"AH01581: flushing data to the client";
                sys::ap_log_cerror_(
                    concat!(file!(), "\0").as_ptr().cast(),
                    line!() as c_int,
                    http_place(),
                    sys::APLOG_INFO as c_int,
                    status,
                    c,
                    format.as_ptr(),
                );
            }
            sys::apr_brigade_cleanup(brigade.cast());
        }
        note_time(c, STOP);
    }
}
