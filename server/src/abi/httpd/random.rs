//! Random numbers for modules: part of `httpd.h` and `mod_core.h`. The kernel's generator is asked
//! each time, so there is nothing to seed, and nothing that children would share after a fork.

use std::ffi::{c_uint, c_void};

use httpd_sys as sys;

exports! { ap_random_insecure_bytes, ap_random_pick, ap_init_rng, ap_random_parent_after_fork }

/// Fills a buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_random_insecure_bytes(buffer: *mut c_void, size: sys::apr_size_t) {
    let mut filled = 0;
    while filled < size {
        // SAFETY: the header asks for a buffer of this size.
        let got = unsafe { libc::getrandom(buffer.byte_add(filled), size - filled, 0) };
        // The call fails only when a signal comes before the kernel's generator is ready.
        filled += usize::try_from(got).unwrap_or(0);
    }
}

/// A number from `min` to `max`, each as likely as the others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_random_pick(min: u32, max: u32) -> u32 {
    let mut next = || {
        let mut word: c_uint = 0;
        // SAFETY: a buffer of the size that is told.
        unsafe { ap_random_insecure_bytes((&raw mut word).cast(), size_of::<c_uint>()) };
        word
    };
    pick(min, max, &mut next)
}

/// Takes words from `next` until one is below the largest multiple of the range: what is left over
/// would make small numbers likelier.
fn pick(min: u32, max: u32, next: &mut impl FnMut() -> u32) -> u32 {
    if max <= min {
        return min;
    }
    let range = u64::from(max - min) + 1;
    let fair = (1u64 << 32) / range * range;
    loop {
        let word = u64::from(next());
        if word < fair {
            // Below the range, so it fits.
            return min + (word % range) as u32;
        }
    }
}

/// Readies the generator at the start of the process: the kernel's is ready.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_init_rng(_p: *mut sys::apr_pool_t) {}

/// Makes the parent go on differently from its new child: there is no common state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_random_parent_after_fork() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pick_is_fair_and_within_its_bounds() {
        let mut words = [u32::MAX, 7].into_iter();
        assert_eq!(pick(10, 15, &mut || words.next().unwrap()), 11);
        assert_eq!(pick(0, u32::MAX, &mut || 42), 42);
        assert_eq!(pick(5, 5, &mut || unreachable!()), 5);
        // SAFETY: takes numbers only.
        let picked = unsafe { ap_random_pick(3, 4) };
        assert!((3..=4).contains(&picked));
    }

    #[test]
    fn a_buffer_is_filled_to_its_end() {
        let mut buffer = [0u8; 64];
        // SAFETY: the buffer has this size.
        unsafe { ap_random_insecure_bytes(buffer.as_mut_ptr().cast(), buffer.len()) };
        assert!(buffer[48..].iter().any(|&byte| byte != 0));
    }
}
