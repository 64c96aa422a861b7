//! Wrappers of the structures that C modules and the server share.
//!
//! A wrapper is a copyable view, as large as a pointer. Whoever makes one (`from_ptr`, unsafe)
//! promises that the object lives for its lifetime, is laid out as `include/` says and is used by
//! one thread at a time; after that its methods are safe. Text is bytes ended by NUL (`CStr`):
//! neither HTTP nor file names promise UTF-8. What a method allocates lives as long as the pool.

mod brigade;
mod connection;
mod pool;
mod request;
mod server;
mod table;

pub use brigade::{Brigade, Bucket};
pub use connection::Connection;
pub use pool::{Array, Pool};
pub use request::Request;
pub use server::Server;
pub use table::Table;

use std::ffi::{CStr, c_char};

/// The string behind a pointer of a C structure; `None` for NULL.
///
/// # Safety
/// `text` is NULL or ends with NUL and lives unchanged for `'a`.
pub unsafe fn text<'a>(text: *const c_char) -> Option<&'a CStr> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { CStr::from_ptr(text) })
}
