//! What a walk over configuration sections found, kept with the request so that sub-requests,
//! redirects and the next walk of the same kind need not merge the same sections again.
//!
//! Two requests with the same sections thus share one merged vector, and by its address the access
//! checks know that nothing has changed (`internal.rs`).

use std::{
    ffi::{c_char, c_int},
    ptr::null_mut,
};

use httpd_sys as sys;

use super::{
    access,
    merge::{self, Lasting, Vector},
    support::{elements, zeroed},
};

/// A section that matched, and it and all before it merged.
#[derive(Clone, Copy)]
#[repr(C)]
struct Walked {
    matched: *mut sys::ap_conf_vector_t,
    merged: Vector,
}

/// The record of one walk. Lives in the request's pool; `prev` are the walks of the same kind before
/// it in the same request.
#[repr(C)]
struct Record {
    /// What was looked up (a directory, URI or name); NULL at first.
    subject: *const c_char,
    /// The sections that were tried, by the address of their list.
    tested: *const *mut sys::ap_conf_vector_t,
    /// The vector the sections were merged onto, and what came out.
    onto: *mut sys::ap_conf_vector_t,
    result: *mut sys::ap_conf_vector_t,
    walked: *mut sys::apr_array_header_t,
    prev: *mut Record,
    /// How many walks there were before.
    count: c_int,
}

/// A walk under way: its record, and how far it agrees with the one the record was copied from.
pub(super) struct Walk {
    r: *mut sys::request_rec,
    record: *mut Record,
    /// How many of the old matches have been met again; all so far.
    at: usize,
    /// Whether the matches are still those of the old walk.
    same: bool,
    merged: Option<Vector>,
}

/// What the note of this kind holds.
///
/// # Safety
/// `r` is NULL or a live request.
unsafe fn note(r: *mut sys::request_rec, kind: u32) -> Option<*mut *mut Record> {
    if r.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let note = unsafe { sys::ap_get_request_note(r, kind as usize) };
    (!note.is_null()).then_some(note.cast())
}

impl Walk {
    /// Begins a walk of this kind (`AP_NOTE_*_WALK`), from what an equal walk of the request that
    /// this one came from, or the one before of the same request, has left.
    ///
    /// # Safety
    /// `r` is live, and the core has made its notes.
    pub(super) unsafe fn begin(r: *mut sys::request_rec, kind: u32) -> Option<Self> {
        // SAFETY: the caller's promise; records live as long as the requests that own them.
        unsafe {
            let place = note(r, kind)?;
            let prev = *place;
            let count = if prev.is_null() { 0 } else { (*prev).count + 1 };
            let inherited = [(*r).prev, (*r).main]
                .into_iter()
                .filter_map(|from| note(from, kind))
                .map(|note| *note)
                .find(|record| !record.is_null());
            let mut model = prev;
            if let Some(mut old) = inherited {
                while !old.is_null() && (*old).count > count {
                    old = (*old).prev;
                }
                if !old.is_null() && (*old).count == count {
                    model = old;
                }
            }
            let record = zeroed::<Record>((*r).pool);
            if model.is_null() {
                (*record).walked = sys::apr_array_make((*r).pool, 4, size_of::<Walked>() as c_int);
            } else {
                record.copy_from_nonoverlapping(model, 1);
                (*record).walked = sys::apr_array_copy((*r).pool, (*model).walked);
                (*record).prev = prev;
                (*record).count = count;
            }
            *place = record;
            Some(Self {
                r,
                record,
                at: 0,
                same: !(*record).subject.is_null(),
                merged: None,
            })
        }
    }

    /// Whether an equal walk has looked up the same among the same sections.
    ///
    /// # Safety
    /// `subject` ends with NUL.
    pub(super) unsafe fn knows(
        &self,
        subject: &[u8],
        sections: *const *mut sys::ap_conf_vector_t,
    ) -> bool {
        // SAFETY: the record is live.
        unsafe {
            !(*self.record).subject.is_null()
                && (*self.record).tested == sections
                && super::support::bytes((*self.record).subject) == subject
        }
    }

    /// The request's vector is one that this walk began or ended with before: then it is, or
    /// becomes, the result, and all is done.
    pub(super) fn is_familiar(&self) -> bool {
        // SAFETY: record and request are live.
        unsafe {
            let current = (*self.r).per_dir_config;
            if current == (*self.record).result {
                return true;
            }
            if current == (*self.record).onto {
                (*self.r).per_dir_config = (*self.record).result;
                return true;
            }
            false
        }
    }

    /// Whether the request's vector is what this walk ended with before.
    pub(super) fn is_done(&self) -> bool {
        // SAFETY: record and request are live.
        unsafe { (*self.r).per_dir_config == (*self.record).result }
    }

    /// Takes the sections which the known walk found.
    pub(super) fn take_known(&mut self) {
        self.merged = self.old().last().map(|walked| walked.merged);
    }

    /// Begins to look for sections anew; those that match again keep their merged vectors.
    /// The result as a whole is only shared when access checks go by configuration.
    pub(super) fn look(&mut self) {
        self.same &= access::is_per_configuration();
    }

    fn old(&self) -> &[Walked] {
        // SAFETY: the array belongs to the record and holds this type.
        unsafe { elements((*self.record).walked) }
    }

    /// A section that matches, and how long it lasts.
    ///
    /// # Safety
    /// `section` is a per-directory vector that lives as long as the request.
    pub(super) unsafe fn add(&mut self, section: *mut sys::ap_conf_vector_t, lasting: Lasting) {
        if let Some(old) = self.old().get(self.at).copied() {
            if old.matched == section {
                self.merged = Some(old.merged);
                self.at += 1;
                return;
            }
            self.truncate();
        }
        self.same = false;
        let section_vector = Vector {
            config: section,
            lasting,
        };
        // SAFETY: the caller's promise; the array is this record's own copy.
        unsafe {
            let merged = match self.merged {
                Some(before) => merge::merge(self.r, before, section_vector),
                None => section_vector,
            };
            self.merged = Some(merged);
            sys::apr_array_push((*self.record).walked)
                .cast::<Walked>()
                .write(Walked {
                    matched: section,
                    merged,
                });
        }
        self.at += 1;
    }

    /// Forgets the old matches from here on.
    fn truncate(&mut self) {
        if self.at < self.old().len() {
            self.same = false;
            // SAFETY: the array is this record's own copy.
            unsafe { (*(*self.record).walked).nelts = self.at as c_int }
        }
    }

    /// No more sections: the old walk may have found some.
    pub(super) fn looked(&mut self) {
        self.truncate();
    }

    /// Ends the walk: what was found is merged onto the request's vector, unless that is known.
    ///
    /// # Safety
    /// `subject` lives as long as the request; `sections` is the list that was tried.
    pub(super) unsafe fn finish(
        self,
        subject: *const c_char,
        sections: *const *mut sys::ap_conf_vector_t,
    ) {
        // SAFETY: record and request are live; the merged vectors live as long as the request.
        unsafe {
            let (r, record) = (self.r, self.record);
            (*record).subject = subject;
            if self.same && (*r).per_dir_config == (*record).onto {
                (*r).per_dir_config = (*record).result;
                return;
            }
            (*record).tested = sections;
            (*record).onto = (*r).per_dir_config;
            if let Some(merged) = self.merged {
                (*r).per_dir_config = merge::onto_request(r, merged);
            }
            (*record).result = (*r).per_dir_config;
        }
    }
}

/// The sections of a list, and its address as `knows` and `finish` want it.
///
/// # Safety
/// `array` is NULL or an array of sections which does not change for `'a`.
pub(super) unsafe fn sections<'a>(
    array: *const sys::apr_array_header_t,
) -> &'a [*mut sys::ap_conf_vector_t] {
    // SAFETY: the caller's promise.
    unsafe { elements(array) }
}

/// A record without a subject (`<If>` has none) still tells that there was a walk.
pub(super) const NO_SUBJECT: *const c_char = c"".as_ptr();

/// A list that is not there.
pub(super) const NO_SECTIONS: *const *mut sys::ap_conf_vector_t = null_mut();
