//! The name by which the server introduces itself: `Server` header, signature of error pages,
//! `SERVER_SOFTWARE`.
//!
//! Product and version are Apache's, because modules and scripts ask for them to learn what the
//! server can do; what stands in the parentheses tells who really answers.

use std::{
    ffi::{CStr, c_char, c_void},
    ptr::null_mut,
    sync::atomic::{AtomicU8, Ordering},
};

use httpd_sys as sys;
use module_sdk::raw::Pool;

/// What `ServerTokens` lets be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tokens {
    /// Everything, also what modules add.
    Full,
    /// Product, version and platform.
    System,
    /// Product and version.
    Minimal,
    /// Product and the first two numbers.
    Minor,
    /// Product and the first number.
    Major,
    /// The product alone.
    Product,
}

/// Product and version without the platform; what the headers call the base version.
pub(crate) const BASE: &CStr = c"Apache/2.4.71";
/// The same with the platform.
const WITH_PLATFORM: &CStr = c"Apache/2.4.71 (httpd-rs)";

impl Tokens {
    fn text(self) -> &'static CStr {
        match self {
            Self::Full | Self::System => WITH_PLATFORM,
            Self::Minimal => BASE,
            Self::Minor => c"Apache/2.4",
            Self::Major => c"Apache/2",
            Self::Product => c"Apache",
        }
    }

    fn from_number(number: u8) -> Self {
        [
            Self::Full,
            Self::System,
            Self::Minimal,
            Self::Minor,
            Self::Major,
            Self::Product,
        ]
        .into_iter()
        .find(|&tokens| tokens as u8 == number)
        .unwrap_or(Self::Full)
    }
}

static TOKENS: AtomicU8 = AtomicU8::new(Tokens::Full as u8);

/// The texts as they have grown; strings of the configuration's pool. NULL: not made yet.
static mut BANNER: *const c_char = null_mut();
static mut DESCRIPTION: *const c_char = null_mut();
/// Modules may no longer add to the banner.
static mut LOCKED: bool = false;

/// What `ServerTokens` says.
pub(crate) fn set_tokens(tokens: Tokens) {
    TOKENS.store(tokens as u8, Ordering::Relaxed);
}

/// Begins both texts, after the configuration is read.
///
/// # Safety
/// Single-threaded; `pool` is the configuration's.
pub(crate) unsafe fn begin(pool: *mut sys::apr_pool_t) {
    let tokens = Tokens::from_number(TOKENS.load(Ordering::Relaxed));
    // SAFETY: the caller's promise.
    unsafe {
        add(pool, tokens.text());
        LOCKED = tokens != Tokens::Full;
        DESCRIPTION = WITH_PLATFORM.as_ptr();
    }
}

/// Adds a module's name and version.
///
/// # Safety
/// As `begin`.
pub(crate) unsafe fn add(pool: *mut sys::apr_pool_t, component: &CStr) {
    // SAFETY: the caller's promise; both texts end with NUL and are forgotten with the pool.
    unsafe {
        let place = Pool::from_ptr(pool);
        let grown = |text: *const c_char| match module_sdk::raw::text(text) {
            None => place.copy(component.to_bytes()).as_ptr(),
            Some(text) => place
                .copy([text.to_bytes(), b" ", component.to_bytes()].concat())
                .as_ptr(),
        };
        if BANNER.is_null() {
            sys::apr_pool_cleanup_register(
                pool,
                null_mut(),
                Some(forget),
                Some(sys::apr_pool_cleanup_null),
            );
        }
        if !LOCKED {
            BANNER = grown(BANNER);
        }
        DESCRIPTION = grown(DESCRIPTION);
    }
}

/// The configuration's pool goes, and the texts with it.
unsafe extern "C" fn forget(_: *mut c_void) -> sys::apr_status_t {
    // SAFETY: run by the pool in the single-threaded process.
    unsafe {
        BANNER = null_mut();
        DESCRIPTION = null_mut();
        LOCKED = false;
    }
    set_tokens(Tokens::Full);
    0
}

/// What the client sees.
pub(crate) fn banner() -> *const c_char {
    // SAFETY: written only while the configuration is read.
    let banner = unsafe { BANNER };
    if banner.is_null() {
        BASE.as_ptr()
    } else {
        banner
    }
}

/// What the administrator sees: all of it, whatever `ServerTokens` says.
pub(crate) fn description() -> *const c_char {
    // SAFETY: as above.
    let description = unsafe { DESCRIPTION };
    if description.is_null() {
        WITH_PLATFORM.as_ptr()
    } else {
        description
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_grows_until_it_is_locked() {
        // SAFETY: the only test that touches the banner; a pool of its own.
        unsafe {
            assert_eq!(sys::apr_initialize(), 0);
            let seen = || CStr::from_ptr(banner());
            let mut pool = null_mut();
            assert_eq!(
                sys::apr_pool_create_ex(&mut pool, null_mut(), None, null_mut()),
                0
            );
            assert_eq!(seen(), BASE);
            begin(pool);
            add(pool, c"X/1");
            assert_eq!(seen(), c"Apache/2.4.71 (httpd-rs) X/1");
            sys::apr_pool_clear(pool);

            set_tokens(Tokens::Product);
            begin(pool);
            add(pool, c"X/1");
            assert_eq!(seen(), c"Apache");
            assert_eq!(
                CStr::from_ptr(description()),
                c"Apache/2.4.71 (httpd-rs) X/1"
            );
            sys::apr_pool_destroy(pool);
            assert_eq!(seen(), BASE);
        }
    }

    #[test]
    fn the_version_is_the_headers_own() {
        let version = format!(
            "{}/{}.{}.{}",
            CStr::from_bytes_with_nul(sys::AP_SERVER_BASEPRODUCT)
                .unwrap()
                .to_str()
                .unwrap(),
            sys::AP_SERVER_MAJORVERSION_NUMBER,
            sys::AP_SERVER_MINORVERSION_NUMBER,
            sys::AP_SERVER_PATCHLEVEL_NUMBER,
        );
        assert_eq!(BASE.to_str().unwrap(), version);
    }
}
