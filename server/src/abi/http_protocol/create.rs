//! A new request on a connection, before anything of it has been read.

use std::ptr::null_mut;

use httpd_sys::{self as sys, conn_rec, request_rec};

use crate::abi::memory;

exports! { ap_create_request }

/// A request with empty tables, in a pool of its own under the connection's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_create_request(c: *mut conn_rec) -> *mut request_rec {
    // SAFETY: the header asks for a live connection; all that is written is allocated here.
    unsafe {
        let mut pool = null_mut();
        sys::apr_pool_create_ex(&mut pool, (*c).pool, None, memory::for_requests());
        sys::apr_pool_tag(pool, c"request".as_ptr());
        let r = sys::apr_palloc(pool, size_of::<request_rec>()).cast::<request_rec>();
        r.write_bytes(0, 1);
        (*r).pool = pool;
        (*r).connection = c;
        (*r).server = (*c).base_server;
        (*r).allowed_methods = sys::ap_make_method_list(pool, 2);
        (*r).headers_in = sys::apr_table_make(pool, 25);
        (*r).trailers_in = sys::apr_table_make(pool, 5);
        (*r).subprocess_env = sys::apr_table_make(pool, 25);
        (*r).headers_out = sys::apr_table_make(pool, 12);
        (*r).err_headers_out = sys::apr_table_make(pool, 5);
        (*r).trailers_out = sys::apr_table_make(pool, 5);
        (*r).notes = sys::apr_table_make(pool, 5);
        (*r).request_config = sys::ap_create_request_config(pool);
        // The hook adds the filters of HTTP in front of the connection's.
        (*r).proto_output_filters = (*c).output_filters;
        (*r).output_filters = (*c).output_filters;
        (*r).proto_input_filters = (*c).input_filters;
        (*r).input_filters = (*c).input_filters;
        sys::ap_run_create_request(r);
        (*r).per_dir_config = (*(*r).server).lookup_defaults;
        (*r).read_body = sys::REQUEST_NO_BODY as i32;
        (*r).status = sys::HTTP_OK as i32;
        (*r).used_path_info = sys::AP_REQ_DEFAULT_PATH_INFO as i32;
        (*r).useragent_addr = (*c).client_addr;
        (*r).useragent_ip = (*c).client_ip;
        r
    }
}
