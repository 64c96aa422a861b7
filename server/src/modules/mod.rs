//! The registry of modules: numbering them and what is asked about them.
//!
//! The list of modules itself is Apache's (`ap_top_module`, `ap_loaded_modules`), in
//! `abi/http_config/registry.rs`; here stands what Rust adds to it.

pub mod core;
pub mod http;
pub mod log_config;
pub mod logio;
pub mod mpm;
pub mod so;
pub mod static_modules;
pub mod table;
pub mod unixd;
pub mod version;
pub mod watchdog;

use std::{
    ffi::{CStr, CString, c_char, c_int},
    ptr::null,
    sync::{PoisonError, RwLock},
};

/// How many modules one server can hold; `module_index` is always below it.
pub const MAX_MODULES: usize = 320;

/// The names of the modules as logs show them (`core`, `imagemap`), by index. They are leaked: one
/// small allocation for each module and reading of the configuration.
static SHORT_NAMES: RwLock<[Option<&'static CStr>; MAX_MODULES]> = RwLock::new([None; MAX_MODULES]);

/// The name of the module with this index as logs show it; `None` when there is no such module.
pub fn short_name(index: c_int) -> Option<&'static str> {
    short_name_text(index)?.to_str().ok()
}

/// The same as a C string that lives for ever; NULL when there is no such module.
pub fn short_name_c(index: c_int) -> *const c_char {
    short_name_text(index).map_or(null(), CStr::as_ptr)
}

fn short_name_text(index: c_int) -> Option<&'static CStr> {
    let names = SHORT_NAMES.read().unwrap_or_else(PoisonError::into_inner);
    names.get(usize::try_from(index).ok()?).copied().flatten()
}

/// Names the module with this index after its symbol (`imagemap_module`); `None` forgets it.
pub fn set_short_name(index: c_int, symbol: Option<&str>) {
    let name = symbol
        .and_then(|symbol| CString::new(short_name_of(symbol)).ok())
        .map(|name| &*Box::leak(name.into_boxed_c_str()));
    let mut names = SHORT_NAMES.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(place) = usize::try_from(index)
        .ok()
        .and_then(|index| names.get_mut(index))
    {
        *place = name;
    }
}

/// `imagemap` of `imagemap_module` or of `mod_imagemap.c`.
fn short_name_of(symbol: &str) -> &str {
    symbol
        .strip_suffix("_module")
        .or_else(|| symbol.strip_prefix("mod_")?.strip_suffix(".c"))
        .unwrap_or(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_called_by_its_short_name() {
        assert_eq!(short_name_of("imagemap_module"), "imagemap");
        assert_eq!(short_name_of("mod_rewrite.c"), "rewrite");
        assert_eq!(short_name_of("event.c"), "event.c");
        set_short_name(7, Some("core_module"));
        assert_eq!(short_name(7), Some("core"));
        set_short_name(7, None);
        assert_eq!(short_name(7), None);
        assert_eq!(short_name(-1), None);
    }
}
