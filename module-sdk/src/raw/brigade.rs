//! `apr_bucket_brigade` and its buckets: what C does with the `APR_BRIGADE_*` and `APR_BUCKET_*`
//! macros.
//!
//! A brigade is a ring: the brigade's own list head counts as a bucket (the sentinel) that stands
//! before the first and behind the last one.

use std::{marker::PhantomData, mem::offset_of, ptr::NonNull, slice};

use httpd_sys as sys;

/// Not implemented for this type (apr_errno.h).
const APR_ENOTIMPL: sys::apr_status_t = 70023;

/// A brigade.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Brigade<'b>(NonNull<sys::apr_bucket_brigade>, PhantomData<&'b ()>);

/// A bucket: in a brigade, or taken out of one.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Bucket<'b>(NonNull<sys::apr_bucket>, PhantomData<&'b ()>);

impl<'b> Brigade<'b> {
    /// Wraps a brigade.
    ///
    /// # Safety
    /// `brigade` is live for `'b` and used by one thread at a time.
    pub unsafe fn from_ptr(brigade: *mut sys::apr_bucket_brigade) -> Self {
        debug_assert!(!brigade.is_null());
        // SAFETY: the caller's promise.
        Self(unsafe { NonNull::new_unchecked(brigade) }, PhantomData)
    }

    /// The C pointer.
    pub fn as_ptr(self) -> *mut sys::apr_bucket_brigade {
        self.0.as_ptr()
    }

    /// The allocator its buckets are made with.
    pub fn allocator(self) -> *mut sys::apr_bucket_alloc_t {
        // SAFETY: the brigade is live.
        unsafe { (*self.as_ptr()).bucket_alloc }
    }

    /// The list head seen as a bucket; never to be read, only compared and linked to.
    pub fn sentinel(self) -> *mut sys::apr_bucket {
        let link = offset_of!(sys::apr_bucket, link);
        // SAFETY: only an address is computed, as APR_RING_SENTINEL does; `link` is at offset 0, so
        // it stays within the brigade.
        unsafe { (&raw mut (*self.as_ptr()).list).byte_sub(link).cast() }
    }

    /// Whether it holds no bucket.
    pub fn is_empty(self) -> bool {
        self.first().is_none()
    }

    /// The first bucket.
    pub fn first(self) -> Option<Bucket<'b>> {
        // SAFETY: the ring of a live brigade is whole.
        let first = unsafe { (*self.as_ptr()).list.next };
        self.unless_sentinel(first)
    }

    /// The last bucket.
    pub fn last(self) -> Option<Bucket<'b>> {
        // SAFETY: the ring of a live brigade is whole.
        let last = unsafe { (*self.as_ptr()).list.prev };
        self.unless_sentinel(last)
    }

    /// The bucket behind `bucket`, which is in this brigade.
    pub fn next(self, bucket: Bucket<'b>) -> Option<Bucket<'b>> {
        self.unless_sentinel(bucket.next_ptr())
    }

    /// The bucket before `bucket`, which is in this brigade.
    pub fn previous(self, bucket: Bucket<'b>) -> Option<Bucket<'b>> {
        self.unless_sentinel(bucket.previous_ptr())
    }

    fn unless_sentinel(self, bucket: *mut sys::apr_bucket) -> Option<Bucket<'b>> {
        // SAFETY: what is in the ring and not the sentinel is a live bucket.
        (bucket != self.sentinel()).then(|| unsafe { Bucket::from_ptr(bucket) })
    }

    /// The buckets from the first to the last. The one handed out last may be removed or deleted.
    pub fn iter(self) -> impl Iterator<Item = Bucket<'b>> {
        let mut next = self.first();
        std::iter::from_fn(move || {
            let bucket = next?;
            next = self.next(bucket);
            Some(bucket)
        })
    }

    /// Adds a bucket that is in no brigade at the end.
    pub fn push(self, bucket: Bucket<'b>) {
        // SAFETY: the ring is whole; the bucket is in none.
        unsafe {
            let sentinel = self.sentinel();
            let last = (*self.as_ptr()).list.prev;
            (*bucket.as_ptr()).link.next = sentinel;
            (*bucket.as_ptr()).link.prev = last;
            (*self.as_ptr()).list.prev = bucket.as_ptr();
            if last == sentinel {
                (*self.as_ptr()).list.next = bucket.as_ptr();
            } else {
                (*last).link.next = bucket.as_ptr();
            }
        }
    }

    /// Adds a bucket that is in no brigade at the front.
    pub fn push_front(self, bucket: Bucket<'b>) {
        match self.first() {
            Some(first) => first.insert_before(bucket),
            None => self.push(bucket),
        }
    }

    /// Moves all buckets of `other` to the end; `other` is empty then.
    pub fn append(self, other: Self) {
        while let Some(bucket) = other.first() {
            bucket.remove();
            self.push(bucket);
        }
    }

    /// Moves all buckets of `other` to the front, in their order; `other` is empty then.
    pub fn prepend(self, other: Self) {
        while let Some(bucket) = other.last() {
            bucket.remove();
            self.push_front(bucket);
        }
    }

    /// Deletes all buckets.
    pub fn clear(self) {
        while let Some(bucket) = self.first() {
            bucket.delete();
        }
    }
}

impl<'b> Bucket<'b> {
    /// Wraps a bucket.
    ///
    /// # Safety
    /// `bucket` is live for `'b` (until it is deleted) and used by one thread at a time.
    pub unsafe fn from_ptr(bucket: *mut sys::apr_bucket) -> Self {
        debug_assert!(!bucket.is_null());
        // SAFETY: the caller's promise.
        Self(unsafe { NonNull::new_unchecked(bucket) }, PhantomData)
    }

    /// The C pointer.
    pub fn as_ptr(self) -> *mut sys::apr_bucket {
        self.0.as_ptr()
    }

    /// The bucket behind it, or the sentinel.
    pub fn next_ptr(self) -> *mut sys::apr_bucket {
        // SAFETY: the bucket is live.
        unsafe { (*self.as_ptr()).link.next }
    }

    /// The bucket before it, or the sentinel.
    pub fn previous_ptr(self) -> *mut sys::apr_bucket {
        // SAFETY: the bucket is live.
        unsafe { (*self.as_ptr()).link.prev }
    }

    /// Puts `bucket`, which is in no brigade, before this one.
    pub fn insert_before(self, bucket: Self) {
        // SAFETY: the ring is whole; links of the sentinel lie where those of a bucket do.
        unsafe {
            let before = (*self.as_ptr()).link.prev;
            (*bucket.as_ptr()).link.prev = before;
            (*bucket.as_ptr()).link.next = self.as_ptr();
            (*before).link.next = bucket.as_ptr();
            (*self.as_ptr()).link.prev = bucket.as_ptr();
        }
    }

    /// Puts `bucket`, which is in no brigade, behind this one.
    pub fn insert_after(self, bucket: Self) {
        // SAFETY: as above.
        unsafe {
            let after = (*self.as_ptr()).link.next;
            (*bucket.as_ptr()).link.next = after;
            (*bucket.as_ptr()).link.prev = self.as_ptr();
            (*after).link.prev = bucket.as_ptr();
            (*self.as_ptr()).link.next = bucket.as_ptr();
        }
    }

    /// Takes it out of its brigade.
    pub fn remove(self) {
        // SAFETY: as above.
        unsafe {
            let (before, after) = ((*self.as_ptr()).link.prev, (*self.as_ptr()).link.next);
            (*before).link.next = after;
            (*after).link.prev = before;
        }
    }

    /// Takes it out of its brigade and destroys it. It must not be used any more.
    pub fn delete(self) {
        self.remove();
        self.destroy();
    }

    /// Destroys it; it is in no brigade. It must not be used any more.
    pub fn destroy(self) {
        // SAFETY: every bucket has a type with `destroy` and a `free` for itself.
        unsafe {
            let bucket = self.as_ptr();
            if let Some(destroy) = (*(*bucket).type_).destroy {
                destroy((*bucket).data);
            }
            if let Some(free) = (*bucket).free {
                free(bucket.cast());
            }
        }
    }

    /// Its type's record; compare with `apr_bucket_type_*`.
    pub fn kind(self) -> *const sys::apr_bucket_type_t {
        // SAFETY: the bucket is live.
        unsafe { (*self.as_ptr()).type_ }
    }

    /// Whether it stands for no data: EOS, FLUSH, EOR and the like.
    pub fn is_metadata(self) -> bool {
        // SAFETY: types are static.
        unsafe { (*self.kind()).is_metadata == sys::APR_BUCKET_METADATA }
    }

    /// Whether this is the end of the stream.
    pub fn is_eos(self) -> bool {
        self.kind() == &raw const sys::apr_bucket_type_eos
    }

    /// Whether this asks to send what came before.
    pub fn is_flush(self) -> bool {
        self.kind() == &raw const sys::apr_bucket_type_flush
    }

    /// Whether this is a range of a file.
    pub fn is_file(self) -> bool {
        self.kind() == &raw const sys::apr_bucket_type_file
    }

    /// How many bytes it holds; `None` when that shows only on reading (pipes, sockets).
    pub fn len(self) -> Option<usize> {
        // SAFETY: the bucket is live.
        let length = unsafe { (*self.as_ptr()).length };
        (length != usize::MAX).then_some(length)
    }

    /// Whether it is known to hold no bytes.
    pub fn is_empty(self) -> bool {
        self.len() == Some(0)
    }

    /// Its bytes. A bucket without known length becomes one that holds what was read, followed by
    /// the rest.
    ///
    /// # Errors
    /// The status of APR: EAGAIN when `block` is `APR_NONBLOCK_READ` and nothing is there yet.
    pub fn read(self, block: sys::apr_read_type_e) -> Result<&'b [u8], sys::apr_status_t> {
        let (mut data, mut length) = (std::ptr::null(), 0);
        // SAFETY: data buckets have `read`; the bytes live until the bucket is deleted.
        unsafe {
            let Some(read) = (*self.kind()).read else {
                return Ok(&[]);
            };
            match read(self.as_ptr(), &mut data, &mut length, block) {
                0 if length == 0 => Ok(&[]),
                0 => Ok(slice::from_raw_parts(data.cast(), length)),
                status => Err(status),
            }
        }
    }

    /// Cuts it in two; this one keeps the first `at` bytes.
    ///
    /// # Errors
    /// The status of APR: a type without split, or `at` beyond the end.
    pub fn split(self, at: usize) -> Result<(), sys::apr_status_t> {
        // SAFETY: the bucket is live.
        let status = unsafe {
            match (*self.kind()).split {
                Some(split) => split(self.as_ptr(), at),
                None => APR_ENOTIMPL,
            }
        };
        if status == 0 { Ok(()) } else { Err(status) }
    }

    /// Makes its data live as long as `pool`.
    ///
    /// # Errors
    /// The status of APR; `APR_ENOTIMPL` for types that cannot.
    pub fn set_aside(self, pool: super::Pool<'_>) -> Result<(), sys::apr_status_t> {
        // SAFETY: the bucket and the pool are live.
        let status = unsafe {
            match (*self.kind()).setaside {
                Some(setaside) => setaside(self.as_ptr(), pool.as_ptr()),
                None => APR_ENOTIMPL,
            }
        };
        if status == 0 { Ok(()) } else { Err(status) }
    }
}
