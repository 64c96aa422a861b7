//! `server_rec`: the main server or a virtual host.

use std::{ffi::CStr, marker::PhantomData, ptr::NonNull};

use httpd_sys as sys;

use super::text;

/// A server: the main one or a virtual host.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Server<'s>(NonNull<sys::server_rec>, PhantomData<&'s ()>);

impl<'s> Server<'s> {
    /// Wraps a server.
    ///
    /// # Safety
    /// `s` is live for `'s`.
    pub unsafe fn from_ptr(s: *mut sys::server_rec) -> Self {
        debug_assert!(!s.is_null());
        // SAFETY: the caller's promise.
        Self(unsafe { NonNull::new_unchecked(s) }, PhantomData)
    }

    /// The C pointer.
    pub fn as_ptr(self) -> *mut sys::server_rec {
        self.0.as_ptr()
    }

    /// ServerName.
    pub fn hostname(self) -> Option<&'s CStr> {
        // SAFETY: a string of the configuration.
        unsafe { text((*self.as_ptr()).server_hostname) }
    }

    /// ServerAdmin.
    pub fn admin(self) -> Option<&'s CStr> {
        // SAFETY: a string of the configuration.
        unsafe { text((*self.as_ptr()).server_admin) }
    }

    /// Whether this is a virtual host.
    pub fn is_virtual(self) -> bool {
        // SAFETY: the server is live.
        unsafe { (*self.as_ptr()).is_virtual != 0 }
    }

    /// This server and those behind it in the list: from the main server, all.
    pub fn iter(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |server| {
            // SAFETY: the list is ended by NULL; its members live as long as the first.
            unsafe {
                let next = (*server.as_ptr()).next;
                (!next.is_null()).then(|| Self::from_ptr(next))
            }
        })
    }
}
