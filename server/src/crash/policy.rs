//! What becomes of the calls of a module that ModuleCrashLimit has disabled: its handlers and access
//! checks answer 503, its other hooks are passed over, its filters are passed over where that only
//! changes the form of an answer. Where passing over might let through what the module would have kept
//! back, the request is refused; docs/decisions/0031 has the reasons.

use std::{
    ffi::{CStr, c_char, c_int},
    sync::atomic::Ordering,
};

use httpd_sys as sys;

use super::{
    limit, shared,
    trail::{Phase, Place, Step, Subject, filters},
};

const UNAVAILABLE: c_int = sys::HTTP_SERVICE_UNAVAILABLE as c_int;

/// What to do in place of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// Call: the module is not disabled.
    Call,
    /// Go on with the next one.
    PassOver,
    /// Answer this.
    Answer(c_int),
}

/// Whether any module is disabled.
#[inline]
pub fn any_disabled() -> bool {
    shared::shared().disabled_count.load(Ordering::Relaxed) != 0
}

/// Whether this module is.
pub fn is_disabled(module: *const c_char) -> bool {
    let shared = shared::shared();
    let count = shared.disabled_count.load(Ordering::Acquire) as usize;
    !module.is_null()
        && shared.disabled[..count.min(shared::DISABLED)]
            .iter()
            .any(|name| name.load(Ordering::Relaxed).cast_const() == module)
}

/// What to do in place of a hook's function; only asked when a module is disabled.
///
/// # Safety
/// The step's subject is live, the name of the module is one.
#[cold]
pub unsafe fn instead_of_hook(step: &Step, module: *const c_char) -> Instead {
    let place = step.place;
    if !is_disabled(module) {
        // SAFETY: the caller's promise.
        let late = unsafe {
            place.phase == Phase::Handler
                && step.passed_over.get()
                && module_sdk::raw::text(module) == Some(c"core.c")
                && !may_be_sent_as_it_is(step.subject)
        };
        return if late {
            Instead::Answer(UNAVAILABLE)
        } else {
            Instead::Call
        };
    }
    step.passed_over.set(true);
    match place.phase {
        Phase::Guard => Instead::Answer(UNAVAILABLE),
        Phase::ForceAuthn => Instead::Answer(sys::OK as c_int),
        // SAFETY: the caller's promise.
        Phase::Handler if unsafe { is_its_handler(step.subject, module) } => {
            Instead::Answer(UNAVAILABLE)
        }
        Phase::Request if has_refused(place, module) => Instead::Answer(UNAVAILABLE),
        // What it would do to the bytes of a connection, as mod_ssl does, must not be left out.
        Phase::PreConnection if filters_connections(module) => Instead::Answer(UNAVAILABLE),
        _ => Instead::PassOver,
    }
}

/// What to do in place of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsteadOfFilter {
    /// Call it.
    Call,
    /// Go on with the next one.
    PassOver,
    /// Answer 503.
    Refuse,
    /// Give the connection up.
    Abort,
}

/// What to do in place of a filter; only asked when a module is disabled.
#[cold]
pub fn instead_of_filter(step: &Step, kind: sys::ap_filter_type) -> InsteadOfFilter {
    if !is_disabled(step.module()) {
        return InsteadOfFilter::Call;
    }
    if kind < sys::AP_FTYPE_CONTENT_SET {
        // Scripts, includes: what passes is not what clients may see.
        InsteadOfFilter::Refuse
    } else if kind < sys::AP_FTYPE_PROTOCOL {
        InsteadOfFilter::PassOver
    } else {
        InsteadOfFilter::Abort
    }
}

/// A handler has answered: it is remembered whose the name is.
///
/// # Safety
/// The step's subject is live.
#[inline]
pub unsafe fn handled(step: &Step) {
    if limit::is_learning()
        && let Subject::Request(r) = step.subject
    {
        // SAFETY: the caller's promise: the handler's name outlives the request.
        let name = unsafe { module_sdk::raw::text((*r).handler) };
        if let Some(name) = name {
            let key = key(step.origin.get().cast(), name.to_bytes());
            shared::shared().note_served(key);
        }
    }
}

/// A function has answered neither OK nor DECLINED: a module that refuses is remembered.
#[inline]
pub fn answered(step: &Step, answer: c_int) {
    if limit::is_learning() && step.place.phase == Phase::Request && (400..600).contains(&answer) {
        note_refusal(step.place, step.origin.get().cast());
    }
}

#[cold]
fn note_refusal(place: &'static Place, module: *const c_char) {
    let place = std::ptr::from_ref(place).cast_mut();
    for refusal in &shared::shared().refusals {
        let free = refusal.place.compare_exchange(
            std::ptr::null_mut(),
            place,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        match free {
            Ok(_) => {
                refusal.module.store(module.cast_mut(), Ordering::Relaxed);
                return;
            }
            Err(there) if there == place => {
                if refusal.module.load(Ordering::Relaxed).cast_const() == module {
                    return;
                }
            }
            Err(_) => {}
        }
    }
}

/// Whether a module has refused a request at this place.
fn has_refused(place: &'static Place, module: *const c_char) -> bool {
    shared::shared().refusals.iter().any(|refusal| {
        std::ptr::eq(refusal.place.load(Ordering::Relaxed), place)
            && refusal.module.load(Ordering::Relaxed).cast_const() == module
    })
}

/// Whether a module has filters that see the bytes of a connection.
fn filters_connections(module: *const c_char) -> bool {
    filters::of_module(module).any(|record| {
        // SAFETY: records that are known are registered.
        unsafe { (*record).ftype >= sys::AP_FTYPE_CONNECTION }
    })
}

/// A handler's name under a module; never 0.
pub(super) fn key(module: *const c_char, name: &[u8]) -> u64 {
    let seed = 0xcbf2_9ce4_8422_2325_u64 ^ module.addr() as u64;
    let hash = name.iter().fold(seed, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash | 1
}

/// Whether the module is known to answer requests for this handler.
///
/// # Safety
/// The subject is live.
unsafe fn is_its_handler(subject: Subject, module: *const c_char) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        name_of(subject).is_some_and(|name| shared::shared().serves(key(module, name.to_bytes())))
    }
}

/// # Safety
/// The subject is live.
unsafe fn name_of<'a>(subject: Subject) -> Option<&'a CStr> {
    match subject {
        // SAFETY: the caller's promise.
        Subject::Request(r) => unsafe { module_sdk::raw::text((*r).handler) },
        _ => None,
    }
}

/// Whether the file of a request may be sent as it is, though a disabled module might have been the one
/// to answer: there is no handler, or the name is a media type of files.
///
/// # Safety
/// The subject is live.
unsafe fn may_be_sent_as_it_is(subject: Subject) -> bool {
    // SAFETY: the caller's promise.
    let Some(name) = (unsafe { name_of(subject) }) else {
        return true;
    };
    is_of_files(name.to_bytes())
}

/// Whether the name of a handler is a media type that stands for files, not for scripts. Types that
/// begin with `x-` are what scripts are given (`application/x-httpd-php`).
fn is_of_files(name: &[u8]) -> bool {
    const FILES: [&[u8]; 7] = [
        b"text",
        b"image",
        b"audio",
        b"video",
        b"font",
        b"model",
        b"application",
    ];
    // A directory is not sent.
    if name == b"default-handler" || name == b"httpd/unix-directory" {
        return true;
    }
    let mut parts = name.splitn(2, |&byte| byte == b'/');
    let (Some(first), Some(second)) = (parts.next(), parts.next()) else {
        return false;
    };
    FILES.contains(&first)
        && (matches!(first, b"image" | b"audio" | b"video" | b"font")
            || !second.starts_with(b"x-")
            || HARMLESS.contains(&second))
}

/// Types of files that begin with `x-` all the same.
const HARMLESS: [&[u8]; 8] = [
    b"x-javascript",
    b"x-tar",
    b"x-gzip",
    b"x-bzip2",
    b"x-7z-compressed",
    b"x-font-ttf",
    b"x-debian-package",
    b"x-shockwave-flash",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_from_scripts() {
        for file in [
            "default-handler",
            "httpd/unix-directory",
            "text/html",
            "image/x-icon",
            "application/json",
            "application/x-tar",
        ] {
            assert!(is_of_files(file.as_bytes()), "{file}");
        }
        for script in [
            "cgi-script",
            "application/x-httpd-php",
            "text/x-server-parsed-html",
            "",
        ] {
            assert!(!is_of_files(script.as_bytes()), "{script}");
        }
    }

    #[test]
    fn nothing_is_disabled_at_first() {
        static FIXUPS: Place = Place::hook("ap_hook_fixups");
        let step = Step::new(&FIXUPS, Subject::None);
        assert!(!any_disabled() && !is_disabled(c"mod_x.c".as_ptr()));
        // SAFETY: there is no subject.
        let instead = unsafe { instead_of_hook(&step, c"mod_x.c".as_ptr()) };
        assert_eq!(instead, Instead::Call);
        assert!(!has_refused(&FIXUPS, c"mod_x.c".as_ptr()));
        note_refusal(&FIXUPS, c"mod_x.c".as_ptr());
        note_refusal(&FIXUPS, c"mod_x.c".as_ptr());
        assert!(has_refused(&FIXUPS, c"mod_x.c".as_ptr()));
        assert!(!has_refused(&FIXUPS, c"mod_y.c".as_ptr()));
    }
}
