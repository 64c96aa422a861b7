//! The modules that are part of the server, in the order in which Debian links them.
//!
//! `ap_setup_prelinked_modules` adds them to the list; `-l` and `-M` print them.

use std::{
    ffi::{CStr, c_char},
    ptr::null_mut,
};

use httpd_sys::{self as sys, ap_module_symbol_t, module};

use crate::mpm::kind::Kind;

/// Names the static modules once, for all tables that list them.
macro_rules! static_modules {
    ($($place:path as $name:literal),* $(,)?) => {
        /// How many there are.
        const COUNT: usize = [$($name),*].len();

        #[allow(non_upper_case_globals, reason = "a name of the ABI")]
        #[unsafe(no_mangle)]
        pub static mut ap_prelinked_modules: [*mut module; COUNT + 1] =
            [$(&raw mut $place,)* null_mut()];

        #[allow(non_upper_case_globals, reason = "a name of the ABI")]
        #[unsafe(no_mangle)]
        pub static mut ap_preloaded_modules: [*mut module; COUNT + 1] =
            [$(&raw mut $place,)* null_mut()];

        #[allow(non_upper_case_globals, reason = "a name of the ABI")]
        #[unsafe(no_mangle)]
        pub static mut ap_prelinked_module_symbols: [ap_module_symbol_t; COUNT + 1] = [
            $(ap_module_symbol_t { name: $name.as_ptr(), modp: &raw mut $place },)*
            ap_module_symbol_t { name: std::ptr::null(), modp: null_mut() },
        ];
    };
}

/// The structures that other rooms define.
mod linked {
    use super::module;

    unsafe extern "C" {
        pub(super) static mut watchdog_module: module;
        pub(super) static mut http_module: module;
        pub(super) static mut log_config_module: module;
        pub(super) static mut logio_module: module;
        pub(super) static mut version_module: module;
        pub(super) static mut unixd_module: module;
    }
}

static_modules! {
    sys::core_module as c"core_module",
    super::so::so_module as c"so_module",
    linked::watchdog_module as c"watchdog_module",
    linked::http_module as c"http_module",
    linked::log_config_module as c"log_config_module",
    linked::logio_module as c"logio_module",
    linked::version_module as c"version_module",
    linked::unixd_module as c"unixd_module",
    super::mpm::mpm_event_module as c"mpm_event_module",
}

/// Puts an MPM's module into the place, the last, that the default one has at first.
pub fn set_mpm(kind: Kind) {
    let (module, symbol) = super::mpm::module_of(kind);
    // SAFETY: the process has one thread while it reads its command line and its configuration.
    unsafe {
        ap_prelinked_modules[COUNT - 1] = module;
        ap_preloaded_modules[COUNT - 1] = module;
        ap_prelinked_module_symbols[COUNT - 1] = ap_module_symbol_t {
            name: symbol.as_ptr(),
            modp: module,
        };
    }
}

/// The static modules.
pub fn all() -> impl Iterator<Item = *mut module> {
    symbols().map(|symbol| symbol.modp)
}

/// The static modules with the names of their structures.
pub fn symbols() -> impl Iterator<Item = &'static ap_module_symbol_t> {
    let table = (&raw const ap_prelinked_module_symbols).cast::<ap_module_symbol_t>();
    // SAFETY: the table has this many entries, and changes only while one thread reads the command
    // line or the configuration.
    unsafe { std::slice::from_raw_parts(table, COUNT) }
        .iter()
        .filter(|symbol| !symbol.name.is_null() && !symbol.modp.is_null())
}

/// The name of a static module's structure.
pub fn symbol_of(m: *mut module) -> Option<*const c_char> {
    symbols()
        .find(|symbol| symbol.modp == m)
        .map(|symbol| symbol.name)
}

/// Whether a static module has this name.
pub fn is_static(name: &CStr) -> bool {
    // SAFETY: the names are constants.
    symbols().any(|symbol| unsafe { CStr::from_ptr(symbol.name) } == name)
}
