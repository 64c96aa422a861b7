//! `apr_table_t`: header fields, notes, environment variables. Keys compare without case.

use std::{
    ffi::{CStr, c_char},
    marker::PhantomData,
    ptr::NonNull,
};

use httpd_sys as sys;

/// A table of strings. Several entries may have one key.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Table<'p>(NonNull<sys::apr_table_t>, PhantomData<&'p ()>);

impl<'p> Table<'p> {
    /// Wraps a table.
    ///
    /// # Safety
    /// `table` is live for `'p` and used by one thread at a time.
    pub unsafe fn from_ptr(table: *mut sys::apr_table_t) -> Self {
        debug_assert!(!table.is_null());
        // SAFETY: the caller's promise.
        Self(unsafe { NonNull::new_unchecked(table) }, PhantomData)
    }

    /// The C pointer.
    pub fn as_ptr(self) -> *mut sys::apr_table_t {
        self.0.as_ptr()
    }

    /// The first value of `key`.
    pub fn get(self, key: &CStr) -> Option<&'p CStr> {
        // SAFETY: the table is live; its values end with NUL and live as long as it.
        unsafe { super::text(sys::apr_table_get(self.as_ptr(), key.as_ptr())) }
    }

    /// The first value of `key` as text; `None` too when it is no UTF-8.
    pub fn str(self, key: &CStr) -> Option<&'p str> {
        self.get(key)?.to_str().ok()
    }

    /// Whether there is an entry of this key.
    pub fn contains(self, key: &CStr) -> bool {
        self.get(key).is_some()
    }

    /// Sets `key` to a copy of `value`, in place of all its entries.
    pub fn set(self, key: &CStr, value: &CStr) {
        // SAFETY: the table is live and copies both.
        unsafe { sys::apr_table_set(self.as_ptr(), key.as_ptr(), value.as_ptr()) }
    }

    /// Sets `key` to `value`, both used as they are (static, or of a pool that lives as long).
    pub fn set_static(self, key: &'static CStr, value: &'p CStr) {
        // SAFETY: both live as long as the table.
        unsafe { sys::apr_table_setn(self.as_ptr(), key.as_ptr(), value.as_ptr()) }
    }

    /// Adds an entry; those of the same key stay. Copies both strings.
    pub fn add(self, key: &CStr, value: &CStr) {
        // SAFETY: the table is live and copies both.
        unsafe { sys::apr_table_add(self.as_ptr(), key.as_ptr(), value.as_ptr()) }
    }

    /// Appends to the value of `key` behind a comma, or sets it.
    pub fn merge(self, key: &CStr, value: &CStr) {
        // SAFETY: the table is live and copies both.
        unsafe { sys::apr_table_merge(self.as_ptr(), key.as_ptr(), value.as_ptr()) }
    }

    /// Removes all entries of `key`.
    pub fn unset(self, key: &CStr) {
        // SAFETY: the table is live.
        unsafe { sys::apr_table_unset(self.as_ptr(), key.as_ptr()) }
    }

    /// Removes all entries.
    pub fn clear(self) {
        // SAFETY: the table is live.
        unsafe { sys::apr_table_clear(self.as_ptr()) }
    }

    /// The entries in their order, as they are now.
    pub fn iter(self) -> impl Iterator<Item = (&'p CStr, &'p CStr)> {
        // SAFETY: the table is live; its array holds `nelts` entries, whose strings live as long.
        let entries = unsafe {
            let array = &*sys::apr_table_elts(self.as_ptr());
            if array.nelts == 0 {
                &[][..]
            } else {
                std::slice::from_raw_parts(
                    array.elts.cast::<sys::apr_table_entry_t>(),
                    array.nelts as usize,
                )
            }
        };
        let string = |text: *const c_char| {
            // SAFETY: as above.
            unsafe { super::text(text) }.unwrap_or(c"")
        };
        entries
            .iter()
            .filter(|entry| !entry.key.is_null())
            .map(move |entry| (string(entry.key), string(entry.val)))
    }
}
