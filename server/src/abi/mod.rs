//! What C modules link to: `extern "C"` functions and data, one file per header of `include/`.
#![allow(
    clippy::missing_safety_doc,
    non_upper_case_globals,
    non_camel_case_types,
    non_snake_case,
    reason = "C names; the header of the same name in include/ states each contract"
)]

/// The address of an exported function, kept so that the linker keeps the function.
pub struct Export(#[allow(dead_code, reason = "only the address matters")] *const ());

impl Export {
    pub(crate) const fn new(address: *const ()) -> Self {
        Self(address)
    }
}

// SAFETY: the pointer is the address of a function and is never dereferenced.
unsafe impl Sync for Export {}

mod hooks;

/// References every exported function, so that the linker takes all of them into the executable.
pub fn keep_exports() {
    std::hint::black_box(hooks::EXPORTS);
}
