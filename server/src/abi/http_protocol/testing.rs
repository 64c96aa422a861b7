//! A request with connection, server and configuration, for the tests of this folder and of the
//! filter chains. What is put into its connection's input comes out of a filter; what is sent ends
//! up in `sent`.

use std::{
    ffi::c_int,
    ptr::null_mut,
    sync::{Mutex, Once, PoisonError},
};

use httpd_sys::{self as sys, conn_rec, request_rec, server_rec};
use module_sdk::raw::{Brigade, Bucket, Pool};

static TURN: Mutex<()> = Mutex::new(());
static APR: Once = Once::new();

fn start_apr() {
    // SAFETY: done once, before anything else of APR.
    APR.call_once(|| unsafe { assert_eq!(sys::apr_initialize(), 0) });
}

fn new_pool() -> *mut sys::apr_pool_t {
    start_apr();
    let mut pool = null_mut();
    // SAFETY: APR is initialised.
    unsafe {
        assert_eq!(
            sys::apr_pool_create_ex(&mut pool, null_mut(), None, null_mut()),
            0
        );
    }
    pool
}

/// Runs a test that registers filters, with a pool for them that goes afterwards.
pub(in crate::abi) fn with_registry(test: impl FnOnce()) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let pool = new_pool();
    // SAFETY: the lock keeps other tests of filters away.
    unsafe {
        sys::apr_hook_global_pool = pool;
        test();
        sys::apr_pool_destroy(pool);
    }
}

/// See the file.
pub(in crate::abi) struct TestRequest {
    pub(in crate::abi) r: *mut request_rec,
    pub(in crate::abi) c: *mut conn_rec,
    pool: *mut sys::apr_pool_t,
}

impl TestRequest {
    pub(in crate::abi) fn new() -> Self {
        let raw = new_pool();
        // SAFETY: all is allocated in the pool; pointers that stay NULL are not followed by what
        // is tested.
        unsafe {
            let pool = Pool::from_ptr(raw);
            let s = pool.zeroed::<server_rec>();
            let c = pool.zeroed::<conn_rec>();
            let vector = || sys::ap_create_request_config(raw);
            let first = |vector: *mut sys::ap_conf_vector_t, value: *mut std::ffi::c_void| {
                vector.cast::<*mut std::ffi::c_void>().write(value);
                vector
            };
            let core = pool.zeroed::<sys::core_server_config>();
            (*core).protocols = sys::apr_array_make(raw, 1, 8);
            (*s).module_config = first(vector(), core.cast());
            let dir = pool.zeroed::<sys::core_dir_config>();
            (*dir).max_ranges = sys::AP_MAXRANGES_UNSET;
            (*dir).max_overlaps = sys::AP_MAXRANGES_UNSET;
            (*dir).max_reversals = sys::AP_MAXRANGES_UNSET;
            (*s).lookup_defaults = first(vector(), dir.cast());
            (*s).limit_req_line = 8190;
            (*s).limit_req_fieldsize = 8190;
            (*s).limit_req_fields = 100;
            (*s).keep_alive = 1;
            (*s).keep_alive_max = 100;
            (*s).keep_alive_timeout = 5_000_000;
            (*s).log.level = -1;
            (*c).pool = raw;
            (*c).base_server = s;
            (*c).bucket_alloc = sys::apr_bucket_alloc_create(raw);
            (*c).notes = sys::apr_table_make(raw, 5);
            (*c).conn_config = vector();
            let r = sys::ap_create_request(c);
            let request_core = pool.zeroed::<sys::core_request_config>();
            first((*r).request_config, request_core.cast());
            (*r).request_time = sys::apr_time_now();
            (*r).protocol = pool.text_ptr("HTTP/1.1");
            (*r).proto_num = super::status_codes::version(1, 1);
            (*r).method = c"GET".as_ptr();
            (*r).method_number = sys::M_GET as c_int;
            Self { r, c, pool: raw }
        }
    }

    /// Sets a field of the request.
    pub(in crate::abi) fn header(&self, name: &std::ffi::CStr, value: &std::ffi::CStr) {
        // SAFETY: a live table.
        unsafe { sys::apr_table_set((*self.r).headers_in, name.as_ptr(), value.as_ptr()) }
    }

    /// A filter of the connection whose input is these bytes, in front of none.
    pub(in crate::abi) fn set_input(&self, input: &'static [u8]) -> *mut sys::ap_filter_t {
        // SAFETY: live objects; the input is static.
        unsafe {
            let record = sys::ap_register_input_filter(
                c"TEST_INPUT".as_ptr(),
                Some(give_input),
                None,
                sys::AP_FTYPE_NETWORK,
            );
            let bb = sys::apr_brigade_create(self.pool, (*self.c).bucket_alloc);
            if !input.is_empty() {
                let bytes = sys::apr_bucket_immortal_create(
                    input.as_ptr().cast(),
                    input.len(),
                    (*self.c).bucket_alloc,
                );
                Brigade::from_ptr(bb).push(Bucket::from_ptr(bytes));
            }
            let f = sys::ap_add_input_filter_handle(record, bb.cast(), null_mut(), self.c);
            (*self.r).input_filters = (*self.c).input_filters;
            (*self.r).proto_input_filters = (*self.c).input_filters;
            f
        }
    }

    /// A filter at the connection's end that collects what is sent.
    pub(in crate::abi) fn collect_output(&self) -> Box<Vec<u8>> {
        let mut sent = Box::new(Vec::new());
        // SAFETY: the vector lives until the caller drops it, after the test's last write.
        unsafe {
            let record = sys::ap_register_output_filter(
                c"TEST_OUTPUT".as_ptr(),
                Some(take_output),
                None,
                sys::AP_FTYPE_NETWORK,
            );
            let ctx: *mut Vec<u8> = &mut *sent;
            sys::ap_add_output_filter_handle(record, ctx.cast(), null_mut(), self.c);
            (*self.r).output_filters = (*self.c).output_filters;
            (*self.r).proto_output_filters = (*self.c).output_filters;
        }
        sent
    }
}

impl Drop for TestRequest {
    fn drop(&mut self) {
        // SAFETY: the test is over.
        unsafe { sys::apr_pool_destroy(self.pool) }
    }
}

unsafe extern "C" fn give_input(
    f: *mut sys::ap_filter_t,
    b: *mut sys::apr_bucket_brigade,
    mode: sys::ap_input_mode_t,
    _: sys::apr_read_type_e,
    readbytes: sys::apr_off_t,
) -> sys::apr_status_t {
    // SAFETY: called by the code under test with itself; the context is a brigade.
    unsafe {
        let rest = (*f).ctx.cast::<sys::apr_bucket_brigade>();
        let (from, to) = (Brigade::from_ptr(rest), Brigade::from_ptr(b));
        if from.is_empty() {
            return sys::APR_EOF as sys::apr_status_t;
        }
        if mode == sys::AP_MODE_GETLINE {
            return sys::apr_brigade_split_line(b, rest, sys::APR_BLOCK_READ, 8192);
        }
        let mut after = null_mut();
        sys::apr_brigade_partition(rest, readbytes, &mut after);
        while let Some(bucket) = from.first().filter(|bucket| bucket.as_ptr() != after) {
            if mode == sys::AP_MODE_SPECULATIVE {
                let mut copy = null_mut();
                let copy_one = (*bucket.kind()).copy.expect("data can be copied");
                assert_eq!(copy_one(bucket.as_ptr(), &mut copy), 0);
                to.push(Bucket::from_ptr(copy));
                break;
            }
            bucket.remove();
            to.push(bucket);
        }
        0
    }
}

unsafe extern "C" fn take_output(
    f: *mut sys::ap_filter_t,
    b: *mut sys::apr_bucket_brigade,
) -> sys::apr_status_t {
    // SAFETY: called by the code under test with itself; the context is a vector.
    unsafe {
        let sent = &mut *(*f).ctx.cast::<Vec<u8>>();
        for bucket in Brigade::from_ptr(b).iter() {
            if !bucket.is_metadata() {
                sent.extend_from_slice(bucket.read(sys::APR_BLOCK_READ).expect("readable"));
            }
        }
        sys::apr_brigade_cleanup(b.cast());
        0
    }
}
