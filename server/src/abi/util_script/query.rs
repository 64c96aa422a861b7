//! The query of a request as a table.

use httpd_sys as sys;

use super::super::http_request::support::{bytes, copy};

exports! { ap_args_to_table }

/// Cuts the query at `&`. A word without `=` has the value "1"; of several with one name, the last
/// is kept. Undecodable words are as they came.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_args_to_table(
    r: *mut sys::request_rec,
    table: *mut *mut sys::apr_table_t,
) {
    // SAFETY: the header asks for a live request and a place for the table.
    unsafe {
        let pool = (*r).pool;
        *table = sys::apr_table_make(pool, 10);
        for word in bytes((*r).args).split(|&byte| byte == b'&') {
            if word.is_empty() {
                continue;
            }
            let decoded = |text: &[u8]| {
                let text = copy(pool, text);
                // A plus stays one: this is for what modules put into URLs, not for forms.
                sys::ap_unescape_url(text);
                text
            };
            let mut parts = word.splitn(2, |&byte| byte == b'=');
            let name = decoded(parts.next().unwrap_or_default());
            let value = match parts.next() {
                Some(value) => decoded(value),
                None => copy(pool, b"1"),
            };
            sys::apr_table_setn(*table, name, value);
        }
    }
}
