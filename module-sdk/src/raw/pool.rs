//! `apr_pool_t` and the arrays made in it.

use std::{
    ffi::{CStr, c_char},
    fmt::Display,
    marker::PhantomData,
    mem::{align_of, size_of},
    ptr::NonNull,
};

use httpd_sys as sys;

use super::Table;

/// A pool: what is allocated in it lives until it is cleared or destroyed.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Pool<'p>(NonNull<sys::apr_pool_t>, PhantomData<&'p ()>);

impl<'p> Pool<'p> {
    /// Wraps a pool.
    ///
    /// # Safety
    /// `pool` is live for `'p` and used by one thread at a time.
    pub unsafe fn from_ptr(pool: *mut sys::apr_pool_t) -> Self {
        debug_assert!(!pool.is_null());
        // SAFETY: the caller's promise.
        Self(unsafe { NonNull::new_unchecked(pool) }, PhantomData)
    }

    /// The C pointer.
    pub fn as_ptr(self) -> *mut sys::apr_pool_t {
        self.0.as_ptr()
    }

    /// A copy of `bytes`, ended by NUL. A NUL within cuts the string where C would.
    pub fn copy(self, bytes: impl AsRef<[u8]>) -> &'p CStr {
        let bytes = bytes.as_ref();
        // SAFETY: the pool is live; the copy is ended by NUL.
        unsafe {
            CStr::from_ptr(sys::apr_pstrmemdup(
                self.as_ptr(),
                bytes.as_ptr().cast(),
                bytes.len(),
            ))
        }
    }

    /// What `value` displays as, in the pool.
    pub fn text(self, value: impl Display) -> &'p CStr {
        self.copy(value.to_string())
    }

    /// What `value` displays as, for a C structure.
    pub fn text_ptr(self, value: impl Display) -> *mut c_char {
        self.text(value).as_ptr().cast_mut()
    }

    /// Room for a `T`, all zero bytes.
    pub fn zeroed<T>(self) -> *mut T {
        const { assert!(align_of::<T>() <= 8, "APR aligns to eight bytes") };
        // SAFETY: the pool is live; the memory is as large as asked for.
        unsafe {
            let room = sys::apr_palloc(self.as_ptr(), size_of::<T>()).cast::<T>();
            room.write_bytes(0, 1);
            room
        }
    }

    /// An empty table with room for `size` entries before it grows.
    pub fn table(self, size: i32) -> Table<'p> {
        // SAFETY: the pool is live for 'p, and so is a table in it.
        unsafe { Table::from_ptr(sys::apr_table_make(self.as_ptr(), size)) }
    }

    /// An empty array of `T` with room for `size` elements before it grows.
    pub fn array<T: Copy>(self, size: i32) -> Array<'p, T> {
        // SAFETY: the pool is live for 'p, and so is an array in it; its elements have T's size.
        unsafe {
            let size_of_element = size_of::<T>() as i32;
            Array::from_ptr(sys::apr_array_make(self.as_ptr(), size, size_of_element))
        }
    }
}

/// `apr_array_header_t` with elements of one type.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Array<'p, T>(NonNull<sys::apr_array_header_t>, PhantomData<(&'p (), T)>);

impl<'p, T: Copy> Array<'p, T> {
    /// Wraps an array.
    ///
    /// # Safety
    /// `array` is live for `'p`, its elements are of type `T`, one thread at a time uses it.
    pub unsafe fn from_ptr(array: *mut sys::apr_array_header_t) -> Self {
        debug_assert!(!array.is_null());
        // SAFETY: the caller's promise.
        Self(unsafe { NonNull::new_unchecked(array) }, PhantomData)
    }

    /// The C pointer.
    pub fn as_ptr(self) -> *mut sys::apr_array_header_t {
        self.0.as_ptr()
    }

    /// How many elements there are.
    pub fn len(self) -> usize {
        // SAFETY: the array is live.
        unsafe { (*self.as_ptr()).nelts as usize }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The element at `index`.
    pub fn get(self, index: usize) -> Option<T> {
        if index >= self.len() {
            return None;
        }
        // SAFETY: within the array, whose elements are T.
        unsafe { Some(*(*self.as_ptr()).elts.cast::<T>().add(index)) }
    }

    /// Copies of the elements; those pushed meanwhile are seen too.
    pub fn iter(self) -> impl Iterator<Item = T> {
        let mut next = 0;
        std::iter::from_fn(move || {
            next += 1;
            self.get(next - 1)
        })
    }

    /// Adds an element at the end.
    pub fn push(self, element: T) {
        // SAFETY: APR makes room for one element of T's size.
        unsafe {
            sys::apr_array_push(self.as_ptr())
                .cast::<T>()
                .write(element)
        }
    }
}
