//! What a thread tells of itself: its state, and with ExtendedStatus its request, client and counts.
//!
//! Called several times a request. Without ExtendedStatus a change of state is one store.

use std::{
    cell::Cell,
    ffi::{CStr, c_char, c_int},
    ptr::{null, null_mut},
    sync::atomic::{AtomicPtr, Ordering},
};

use httpd_sys::{
    self as sys, ap_sb_handle_t, apr_off_t, apr_time_t, conn_rec, request_rec, server_rec,
    worker_score,
};
use module_sdk::raw;

use super::{
    access::{handle, process, worker},
    memory::{ap_scoreboard_image, limits},
};
use crate::log::clock;

exports! {
    ap_increment_counts, ap_set_conn_count, ap_update_child_status,
    ap_update_child_status_from_indexes, ap_update_child_status_from_conn,
    ap_update_child_status_from_server, ap_update_child_status_descr, ap_time_process_request,
    ap_set_time_process_request, ap_update_global_status,
}

/// `ExtendedStatus`; mod_status turns it on.
#[unsafe(no_mangle)]
pub static mut ap_extended_status: c_int = 0;

/// `SeeRequestTail`: show the end of a long request line instead of its beginning.
#[unsafe(no_mangle)]
pub static mut ap_mod_status_reqtail: c_int = 0;

/// mod_logio's counter of the bytes of a connection's last request.
static LAST_BYTES: AtomicPtr<()> = AtomicPtr::new(null_mut());

/// Looks for mod_logio's counter.
pub(super) fn find_byte_counter() {
    let function = crate::modules::table::retrieve(c"ap_logio_get_last_bytes");
    let address = function.map_or(null_mut(), |function| function as *mut ());
    LAST_BYTES.store(address, Ordering::Relaxed);
}

fn is_extended() -> bool {
    // SAFETY: a plain number, written while the configuration is read.
    unsafe { ap_extended_status != 0 }
}

/// Counts a request that is over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_increment_counts(sbh: *mut ap_sb_handle_t, r: *mut request_rec) {
    // SAFETY: scoreboard.h asks for a live handle or NULL and a live request; a record is written
    // by its thread alone.
    unsafe {
        let Some(worker) = handle(sbh).and_then(|handle| worker(handle.child, handle.thread))
        else {
            return;
        };
        let bytes = bytes_of(r);
        let worker = &mut *worker;
        note_processor_time(worker, (*r).request_time);
        worker.access_count += 1;
        worker.my_access_count += 1;
        worker.conn_count = worker.conn_count.wrapping_add(1);
        worker.bytes_served += bytes;
        worker.my_bytes_served += bytes;
        worker.conn_bytes += bytes;
    }
}

/// How many bytes a request has taken: with mod_logio those received and sent, else those sent.
///
/// # Safety
/// The request is live.
unsafe fn bytes_of(r: *mut request_rec) -> apr_off_t {
    let counter = LAST_BYTES.load(Ordering::Relaxed);
    // SAFETY: the caller's promise; the counter was registered with this type.
    unsafe {
        if !counter.is_null() {
            type Counter = unsafe extern "C" fn(*mut conn_rec) -> apr_off_t;
            return std::mem::transmute::<*mut (), Counter>(counter)((*r).connection);
        }
        if (*r).header_only != 0 {
            0
        } else {
            (*r).bytes_sent
        }
    }
}

/// Notes how much time of the processor this process has taken: once a second, because asking for
/// it costs more than all else here.
fn note_processor_time(worker: &mut worker_score, now: apr_time_t) {
    thread_local! {
        static LAST: Cell<apr_time_t> = const { Cell::new(0) };
    }
    if now.wrapping_sub(LAST.get()) < clock::SECOND {
        return;
    }
    LAST.set(now);
    // SAFETY: fills the record of this thread.
    unsafe { libc::times((&raw mut worker.times).cast()) };
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_conn_count(
    sbh: *mut ap_sb_handle_t,
    _r: *mut request_rec,
    count: u16,
) {
    // SAFETY: as above.
    unsafe {
        if let Some(worker) = handle(sbh).and_then(|handle| worker(handle.child, handle.thread)) {
            (*worker).conn_count = count;
        }
    }
}

/// What the thread does is for this client, server and request.
#[derive(Clone, Copy)]
struct Subject {
    connection: *mut conn_rec,
    server: *mut server_rec,
    request: *mut request_rec,
    description: *const c_char,
}

impl Subject {
    const NONE: Self = Self {
        connection: null_mut(),
        server: null_mut(),
        request: null_mut(),
        description: null(),
    };

    /// # Safety
    /// The request is NULL or live.
    unsafe fn of_request(request: *mut request_rec) -> Self {
        // SAFETY: the caller's promise; a request has a connection and a server.
        match unsafe { request.as_ref() } {
            Some(r) => Self {
                connection: r.connection,
                server: r.server,
                request,
                description: null(),
            },
            None => Self::NONE,
        }
    }
}

/// Notes what a thread does; answers what it did before, -1 when there is no such thread.
///
/// # Safety
/// The pointers are NULL or live.
unsafe fn update(child: c_int, thread: c_int, status: c_int, subject: Subject) -> c_int {
    let Some(worker) = worker(child, thread) else {
        return -1;
    };
    // SAFETY: a record is written by its thread alone, or by the control process when the thread
    // is no more.
    unsafe {
        let before = c_int::from((*worker).status);
        if status == sys::SERVER_READY as c_int && crate::mpm::child::is_stopping() {
            // A child that leaves takes nothing more.
            (*worker).status = sys::SERVER_GRACEFUL as u8;
        } else if status >= 0 {
            (*worker).status = status as u8;
        }
        if status == sys::SERVER_READY as c_int && before == sys::SERVER_STARTING as c_int {
            begin_generation(worker, child, thread);
        }
        if is_extended() {
            describe(&mut *worker, status, subject);
        }
        before
    }
}

/// A thread is ready for its first time: its child belongs to the generation that runs now.
///
/// # Safety
/// The record is live.
#[cold]
unsafe fn begin_generation(worker: *mut worker_score, child: c_int, thread: c_int) {
    let mut generation = 0;
    // SAFETY: the caller's promise; the answer has a place.
    unsafe {
        (*worker).thread_num = child * limits().1 + thread;
        sys::ap_mpm_query(sys::AP_MPMQ_GENERATION as c_int, &raw mut generation);
        if let Some(process) = process(child) {
            (*process).generation = generation;
        }
    }
}

/// Notes what mod_status shows with ExtendedStatus.
///
/// # Safety
/// The pointers of the subject are NULL or live.
unsafe fn describe(worker: &mut worker_score, status: c_int, subject: Subject) {
    let Subject {
        connection,
        server,
        request,
        description,
    } = subject;
    // SAFETY: the caller's promise; a request and a connection have what is asked of them.
    unsafe {
        let dead = status == sys::SERVER_DEAD as c_int;
        if dead || status == sys::SERVER_READY as c_int {
            if dead {
                worker.my_access_count = 0;
                worker.my_bytes_served = 0;
                worker.times = std::mem::zeroed();
            }
            worker.conn_count = 0;
            worker.conn_bytes = 0;
            worker.last_used = clock::now();
        }

        if let Some(text) = raw::text(description) {
            set(&mut worker.request, text);
        } else if !request.is_null() {
            note_request(worker, request);
        } else if !connection.is_null() {
            worker.request[0] = 0;
        }

        let no_lookup = sys::REMOTE_NOLOOKUP as c_int;
        let client = if !request.is_null() && !(*request).useragent_ip.is_null() {
            let name = sys::ap_get_useragent_host(request, no_lookup, null_mut());
            raw::text(name).or_else(|| raw::text((*request).useragent_ip))
        } else if !connection.is_null() {
            let defaults = (*(*connection).base_server).lookup_defaults;
            let name = sys::ap_get_remote_host(connection, defaults.cast(), no_lookup, null_mut());
            raw::text(name)
        } else {
            None
        };
        if let Some(client) = client {
            set(&mut worker.client, client);
            set(&mut worker.client64, client);
        }

        if connection.is_null() {
            return;
        }
        if server.is_null() {
            worker.vhost[0] = 0;
        } else {
            let name = raw::text((*server).server_hostname).unwrap_or_default();
            let port = (*connection)
                .local_addr
                .as_ref()
                .map_or(0, |address| address.port);
            let mut text = name.to_bytes().to_vec();
            text.extend_from_slice(format!(":{port}").as_bytes());
            set_bytes(&mut worker.vhost, &text);
        }
        if let Some(protocol) = raw::text(sys::ap_get_protocol(connection)) {
            set(&mut worker.protocol, protocol);
        }
    }
}

/// Notes the request line, without a password in it.
///
/// # Safety
/// The request is live.
unsafe fn note_request(worker: &mut worker_score, r: *mut request_rec) {
    // SAFETY: the caller's promise; the text is the pool's.
    unsafe {
        let Some(line) = raw::text((*r).the_request) else {
            set(&mut worker.request, c"NULL");
            return;
        };
        let (room, tail) = (worker.request.len(), ap_mod_status_reqtail != 0);
        if (*r).parsed_uri.password.is_null() {
            set_bytes(&mut worker.request, part(line.to_bytes(), room, tail));
            return;
        }
        let bytes = |text: *const c_char| raw::text(text).map_or(&[][..], CStr::to_bytes);
        let uri = sys::apr_uri_unparse((*r).pool, &raw const (*r).parsed_uri, 0);
        let mut words = vec![bytes((*r).method), bytes(uri)];
        if (*r).assbackwards == 0 {
            words.push(bytes((*r).protocol));
        }
        let line = words.join(&b' ');
        set_bytes(&mut worker.request, part(&line, room, tail));
    }
}

/// The part of a text that fits with its NUL: its end or, otherwise, all of it to be cut.
fn part(text: &[u8], room: usize, tail: bool) -> &[u8] {
    let too_long = (text.len() + 1).saturating_sub(room);
    if tail { &text[too_long..] } else { text }
}

fn set(place: &mut [c_char], text: &CStr) {
    set_bytes(place, text.to_bytes());
}

/// Copies what fits with a NUL.
fn set_bytes(place: &mut [c_char], text: &[u8]) {
    let Some(most) = place.len().checked_sub(1) else {
        return;
    };
    let length = text.len().min(most);
    for (to, from) in place.iter_mut().zip(&text[..length]) {
        *to = *from as c_char;
    }
    place[length] = 0;
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_update_child_status_from_indexes(
    child: c_int,
    thread: c_int,
    status: c_int,
    r: *mut request_rec,
) -> c_int {
    // SAFETY: scoreboard.h asks for a live request or NULL.
    unsafe { update(child, thread, status, Subject::of_request(r)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_update_child_status(
    sbh: *mut ap_sb_handle_t,
    status: c_int,
    r: *mut request_rec,
) -> c_int {
    // SAFETY: as above, and a live handle or NULL.
    unsafe { update_by(sbh, status, Subject::of_request(r)) }
}

/// # Safety
/// The pointers are NULL or live.
unsafe fn update_by(sbh: *mut ap_sb_handle_t, status: c_int, subject: Subject) -> c_int {
    // SAFETY: the caller's promise.
    match unsafe { handle(sbh) } {
        // SAFETY: the caller's promise.
        Some(handle) => unsafe { update(handle.child, handle.thread, status, subject) },
        None => -1,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_update_child_status_from_conn(
    sbh: *mut ap_sb_handle_t,
    status: c_int,
    connection: *mut conn_rec,
) -> c_int {
    let subject = Subject {
        connection,
        ..Subject::NONE
    };
    // SAFETY: scoreboard.h asks for live objects or NULL.
    unsafe { update_by(sbh, status, subject) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_update_child_status_from_server(
    sbh: *mut ap_sb_handle_t,
    status: c_int,
    connection: *mut conn_rec,
    server: *mut server_rec,
) -> c_int {
    let subject = Subject {
        connection,
        server,
        ..Subject::NONE
    };
    // SAFETY: as above.
    unsafe { update_by(sbh, status, subject) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_update_child_status_descr(
    sbh: *mut ap_sb_handle_t,
    status: c_int,
    description: *const c_char,
) -> c_int {
    let subject = Subject {
        description,
        ..Subject::NONE
    };
    // SAFETY: as above.
    unsafe { update_by(sbh, status, subject) }
}

/// Notes when a request begins and ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_time_process_request(sbh: *mut ap_sb_handle_t, status: c_int) {
    // SAFETY: scoreboard.h asks for a live handle or NULL.
    unsafe {
        let Some(worker) = handle(sbh).and_then(|handle| worker(handle.child, handle.thread))
        else {
            return;
        };
        let worker = &mut *worker;
        let now = clock::now();
        worker.last_used = now;
        if status == sys::START_PREQUEST as c_int {
            worker.start_time = now;
        } else if status == sys::STOP_PREQUEST as c_int {
            worker.stop_time = now;
            if is_extended() {
                worker.duration += now - worker.start_time;
            }
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_time_process_request(
    sbh: *mut ap_sb_handle_t,
    start: apr_time_t,
    stop: apr_time_t,
) {
    // SAFETY: as above.
    unsafe {
        let Some(worker) = handle(sbh).and_then(|handle| worker(handle.child, handle.thread))
        else {
            return;
        };
        let worker = &mut *worker;
        worker.start_time = start;
        worker.stop_time = stop;
        worker.last_used = stop;
        if is_extended() {
            worker.duration += stop - start;
        }
    }
}

/// Notes how much time of the processor the control process and its dead children have taken.
#[unsafe(no_mangle)]
pub extern "C" fn ap_update_global_status() -> c_int {
    // SAFETY: called by the control process, which alone writes the global record.
    unsafe {
        if let Some(image) = ap_scoreboard_image.as_ref()
            && is_extended()
        {
            libc::times((&raw mut (*image.global).times).cast());
        }
    }
    sys::APR_SUCCESS as c_int
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::scoreboard::{
        access::{
            ap_create_sb_handle, ap_get_scoreboard_worker, ap_get_scoreboard_worker_from_indexes,
        },
        memory,
    };

    #[test]
    fn a_status_is_noted_in_the_record_of_its_thread() {
        memory::for_test(2, 3);
        // SAFETY: APR is initialised; the pool is the test's own; no request, no connection.
        unsafe {
            assert_eq!(sys::apr_initialize(), 0);
            let mut pool = null_mut();
            assert_eq!(
                sys::apr_pool_create_ex(&raw mut pool, null_mut(), None, null_mut()),
                0
            );
            let mut sbh = null_mut();
            ap_create_sb_handle(&raw mut sbh, pool, 1, 2);
            let busy = sys::SERVER_BUSY_READ as c_int;
            assert_eq!(ap_update_child_status(sbh, busy, null_mut()), 0);
            assert_eq!(ap_update_child_status(sbh, -1, null_mut()), busy);
            let worker = ap_get_scoreboard_worker(sbh);
            assert_eq!(worker, ap_get_scoreboard_worker_from_indexes(1, 2));
            assert_eq!(c_int::from((*worker).status), busy);
            assert!(ap_get_scoreboard_worker_from_indexes(2, 0).is_null());
            assert!(ap_get_scoreboard_worker_from_indexes(0, 3).is_null());
            assert_eq!(ap_update_child_status(null_mut(), busy, null_mut()), -1);
            ap_set_time_process_request(sbh, 5, 9);
            assert_eq!(((*worker).start_time, (*worker).last_used), (5, 9));
            sys::apr_pool_destroy(pool);
        }
    }

    #[test]
    fn texts_are_cut_to_their_place() {
        let mut place = [1 as c_char; 4];
        set(&mut place, c"abcdef");
        assert_eq!(place.map(|c| c as u8), *b"abc\0");
        assert_eq!(part(b"abcdef", 4, true), b"def");
        assert_eq!(part(b"ab", 4, true), b"ab");
        assert_eq!(part(b"abcdef", 4, false), b"abcdef");
    }
}
