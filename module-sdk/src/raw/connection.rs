//! `conn_rec`: a connection of a client.

use std::{ffi::CStr, marker::PhantomData, ptr::NonNull};

use httpd_sys as sys;

use super::{Pool, Server, Table, text};

/// A connection.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Connection<'c>(NonNull<sys::conn_rec>, PhantomData<&'c ()>);

impl<'c> Connection<'c> {
    /// Wraps a connection.
    ///
    /// # Safety
    /// `c` is live for `'c`, with its pool and server, and used by one thread at a time.
    pub unsafe fn from_ptr(c: *mut sys::conn_rec) -> Self {
        debug_assert!(!c.is_null());
        // SAFETY: the caller's promise.
        Self(unsafe { NonNull::new_unchecked(c) }, PhantomData)
    }

    /// The C pointer.
    pub fn as_ptr(self) -> *mut sys::conn_rec {
        self.0.as_ptr()
    }

    /// The connection's pool.
    pub fn pool(self) -> Pool<'c> {
        // SAFETY: lives as long as the connection.
        unsafe { Pool::from_ptr((*self.as_ptr()).pool) }
    }

    /// The server it came to, before a virtual host is known by name.
    pub fn base_server(self) -> Server<'c> {
        // SAFETY: outlives the connection.
        unsafe { Server::from_ptr((*self.as_ptr()).base_server) }
    }

    /// The client's address as text.
    pub fn client_ip(self) -> Option<&'c CStr> {
        // SAFETY: a string of the connection's pool.
        unsafe { text((*self.as_ptr()).client_ip) }
    }

    /// Notes of one module for another, for the connection's life.
    pub fn notes(self) -> Table<'c> {
        // SAFETY: made with the connection.
        unsafe { Table::from_ptr((*self.as_ptr()).notes) }
    }

    /// Whether the client has gone: nothing more can be sent.
    pub fn aborted(self) -> bool {
        // SAFETY: the connection is live.
        unsafe { (*self.as_ptr()).aborted != 0 }
    }
}
