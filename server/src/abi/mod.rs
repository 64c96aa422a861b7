//! What C modules link to: `extern "C"` functions and data, one file per header of `include/`.
#![allow(
    clippy::missing_safety_doc,
    clippy::deref_addrof,
    non_upper_case_globals,
    non_camel_case_types,
    non_snake_case,
    reason = "C names and C's global variables; the header of the same name in include/ states each contract"
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

/// Lists the functions a file exports: proves at compile time that each has the very type that
/// bindgen read from its header, and keeps it in the executable for modules to find.
macro_rules! exports {
    ($($name:ident),* $(,)?) => {
        pub(in crate::abi) static EXPORTS: &[$crate::abi::Export] =
            &[$($crate::abi::Export::new([$name, ::httpd_sys::$name][0] as *const ())),*];
    };
}

mod ap_provider;
mod hooks;
pub mod http_config;
mod http_request;
mod http_ssl;
mod http_vhost;
mod httpd;
mod util_script;

/// References every exported function, so that the linker takes all of them into the executable.
pub fn keep_exports() {
    for table in [
        ap_provider::EXPORTS,
        hooks::EXPORTS,
        http_config::levels::EXPORTS,
        http_config::registry::EXPORTS,
        http_config::vectors::EXPORTS,
        http_request::access::EXPORTS,
        http_request::die::EXPORTS,
        http_request::directory_walk::EXPORTS,
        http_request::internal::EXPORTS,
        http_request::pipeline::EXPORTS,
        http_request::process::EXPORTS,
        http_request::redirect::EXPORTS,
        http_request::section_walks::EXPORTS,
        http_request::subrequest::EXPORTS,
        http_ssl::EXPORTS,
        http_vhost::addresses::EXPORTS,
        http_vhost::headers::EXPORTS,
        http_vhost::table::EXPORTS,
        httpd::strings::EXPORTS,
        httpd::words::EXPORTS,
        util_script::environment::EXPORTS,
        util_script::headers::EXPORTS,
        util_script::query::EXPORTS,
    ] {
        std::hint::black_box(table);
    }
}
