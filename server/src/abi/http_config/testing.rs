//! What the tests of this folder share: a pool, and turns for tests that touch the list of modules.

use std::{
    ptr::null_mut,
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

use httpd_sys as sys;

static APR: Once = Once::new();
static TURN: Mutex<()> = Mutex::new(());

/// Runs `test` with a pool of its own.
pub fn with_pool(test: impl FnOnce(*mut sys::apr_pool_t)) {
    // SAFETY: APR is initialised once; nothing outlives the pool.
    unsafe {
        APR.call_once(|| assert_eq!(sys::apr_initialize(), 0));
        let mut pool = null_mut();
        assert_eq!(
            sys::apr_pool_create_ex(&mut pool, null_mut(), None, null_mut()),
            0
        );
        test(pool);
        sys::apr_pool_destroy(pool);
    }
}

/// The turn of a test that adds modules: in the server that is single-threaded.
pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
