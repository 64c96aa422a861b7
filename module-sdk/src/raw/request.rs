//! `request_rec`: a request from its first line to the log.

use std::{
    ffi::{CStr, c_char},
    marker::PhantomData,
    ptr::NonNull,
};

use httpd_sys as sys;

use super::{Connection, Pool, Server, Table, text};

/// A request. C modules write its fields directly, so nothing of it is cached here.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Request<'r>(NonNull<sys::request_rec>, PhantomData<&'r ()>);

/// Getters of a string field; with a setter that copies into the request's pool.
macro_rules! strings {
    ($($(#[$doc:meta])* $get:ident $set:ident;)*) => {$(
        $(#[$doc])*
        pub fn $get(self) -> Option<&'r CStr> {
            // SAFETY: the field is NULL or a string of the request's pool.
            unsafe { text((*self.as_ptr()).$get) }
        }

        /// Sets that field to a copy of `value`.
        pub fn $set(self, value: &[u8]) {
            let copy = self.pool().copy(value).as_ptr();
            // SAFETY: the request is live; the copy lives as long as it.
            unsafe { (*self.as_ptr()).$get = copy as *mut c_char }
        }
    )*};
}

/// Getters of a table field, which every request has.
macro_rules! tables {
    ($($(#[$doc:meta])* $get:ident;)*) => {$(
        $(#[$doc])*
        pub fn $get(self) -> Table<'r> {
            // SAFETY: made with the request, lives as long as it.
            unsafe { Table::from_ptr((*self.as_ptr()).$get) }
        }
    )*};
}

impl<'r> Request<'r> {
    /// Wraps a request.
    ///
    /// # Safety
    /// `r` is live for `'r`, with its pool, connection, server and tables, and used by one thread.
    pub unsafe fn from_ptr(r: *mut sys::request_rec) -> Self {
        debug_assert!(!r.is_null());
        // SAFETY: the caller's promise.
        Self(unsafe { NonNull::new_unchecked(r) }, PhantomData)
    }

    /// The C pointer.
    pub fn as_ptr(self) -> *mut sys::request_rec {
        self.0.as_ptr()
    }

    /// The request's pool.
    pub fn pool(self) -> Pool<'r> {
        // SAFETY: lives as long as the request.
        unsafe { Pool::from_ptr((*self.as_ptr()).pool) }
    }

    /// The connection it came on.
    pub fn connection(self) -> Connection<'r> {
        // SAFETY: outlives the request.
        unsafe { Connection::from_ptr((*self.as_ptr()).connection) }
    }

    /// The virtual host it is for.
    pub fn server(self) -> Server<'r> {
        // SAFETY: outlives the request.
        unsafe { Server::from_ptr((*self.as_ptr()).server) }
    }

    /// The request of the client when this is a sub-request.
    pub fn main(self) -> Option<Self> {
        // SAFETY: NULL or a request that outlives this one.
        unsafe {
            let main = (*self.as_ptr()).main;
            (!main.is_null()).then(|| Self::from_ptr(main))
        }
    }

    /// The request that was redirected to this one.
    pub fn prev(self) -> Option<Self> {
        // SAFETY: NULL or a request that outlives this one.
        unsafe {
            let prev = (*self.as_ptr()).prev;
            (!prev.is_null()).then(|| Self::from_ptr(prev))
        }
    }

    /// The status of the response, 200 unless set.
    pub fn status(self) -> i32 {
        // SAFETY: the request is live.
        unsafe { (*self.as_ptr()).status }
    }

    /// Sets the status of the response.
    pub fn set_status(self, status: i32) {
        // SAFETY: the request is live.
        unsafe { (*self.as_ptr()).status = status }
    }

    /// `M_GET`, `M_POST`, ... of httpd.h.
    pub fn method_number(self) -> i32 {
        // SAFETY: the request is live.
        unsafe { (*self.as_ptr()).method_number }
    }

    /// Whether only the head of the response is wanted.
    pub fn header_only(self) -> bool {
        // SAFETY: the request is live.
        unsafe { (*self.as_ptr()).header_only != 0 }
    }

    strings! {
        /// The first line as the client sent it.
        the_request set_the_request;
        /// `GET`, `HEAD`, `POST`, ...
        method set_method;
        /// `HTTP/1.1` as sent.
        protocol set_protocol;
        /// The host of the URI or the Host field.
        hostname set_hostname;
        /// The URI as it came, before decoding.
        unparsed_uri set_unparsed_uri;
        /// The path of the URI, decoded.
        uri set_uri;
        /// The file the URI stands for.
        filename set_filename;
        /// What of the URI lies beyond the file.
        path_info set_path_info;
        /// The query.
        args set_args;
        /// The handler to be called.
        handler set_handler;
        /// Content-Type of the response.
        content_type set_content_type_field;
        /// The authenticated user.
        user set_user;
        /// The client's address, as a proxy in front may have told it.
        useragent_ip set_useragent_ip;
    }

    tables! {
        /// The request's header fields.
        headers_in;
        /// The response's header fields, left out of error responses.
        headers_out;
        /// The response's header fields, sent with errors and kept over internal redirects.
        err_headers_out;
        /// Environment variables for CGI and SSI.
        subprocess_env;
        /// Notes of one module for another.
        notes;
    }
}
