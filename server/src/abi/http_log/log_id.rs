//! Log ids: short texts by which lines of the error log and of access logs find each other.

use std::{
    ffi::{c_char, c_int},
    ptr::null,
};

use httpd_sys::{self as sys, conn_rec, request_rec};

use crate::{abi::apr, log::clock};

/// The last function of the hook `generate_log_id`: an id of time, process and thread.
pub unsafe extern "C" fn generate(
    c: *const conn_rec,
    r: *const request_rec,
    id: *mut *const c_char,
) -> c_int {
    // SAFETY: the hook passes a live connection, a live request or NULL, and a place; base64 of
    // eight bytes takes twelve and a NUL.
    unsafe {
        let (pool, time) = match r.as_ref() {
            Some(r) if r.request_time != 0 => (r.pool, r.request_time),
            Some(r) => (r.pool, clock::now()),
            None => ((*c).pool, clock::now()),
        };
        let number = number(time as u64, std::process::id(), (*c).current_thread.addr());
        let bytes = number.to_ne_bytes();
        let text = sys::apr_palloc(pool, 13).cast::<c_char>();
        apr::apr_base64_encode(text, bytes.as_ptr().cast(), bytes.len() as c_int);
        // Eight bytes always end with a `=` that says nothing.
        text.add(11).write(0);
        *id = text;
    }
    sys::OK as c_int
}

/// Mixes what tells requests apart: the process in the high bits of the time, the thread above.
fn number(time: u64, pid: u32, thread: usize) -> u64 {
    let pid = u64::from(pid);
    time ^ (pid << 40) ^ (pid >> 24) ^ ((thread as u64) << 32)
}

/// Registers it behind those of modules.
pub(super) fn register() {
    let last = sys::APR_HOOK_REALLY_LAST as c_int;
    // SAFETY: called while hooks are registered.
    unsafe { sys::ap_hook_generate_log_id(Some(generate), null(), null(), last) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_by_time_process_and_thread() {
        let id = number(1_795_512_081_158_835, 15_642, 0);
        assert_ne!(id, number(1_795_512_081_158_836, 15_642, 0));
        assert_ne!(id, number(1_795_512_081_158_835, 15_643, 0));
        assert_ne!(id, number(1_795_512_081_158_835, 15_642, 0x7fed_27ff_f6c0));
    }
}
