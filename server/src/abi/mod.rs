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

// SAFETY: the pointer is the address of a function and is never dereferenced.
unsafe impl Sync for Export {}

/// Lists the functions a file exports: proves at compile time that each has the very type that
/// bindgen read from `include/`, and keeps it in the executable for modules to find.
macro_rules! exports {
    ($($name:ident),* $(,)?) => {
        const _: () = { $( let _ = [self::$name, ::httpd_sys::$name]; )* };
        pub(super) static EXPORTS: &[$crate::abi::Export] =
            &[$( $crate::abi::Export(self::$name as *const ()) ),*];
    };
}

pub mod ap_expr;
pub mod ap_listen;
pub mod ap_mpm;
pub mod ap_provider;
pub mod ap_regex;
pub mod hooks;
pub mod http_config;
pub mod http_connection;
pub mod http_core;
pub mod http_log;
pub mod http_main;
pub mod http_protocol;
pub mod http_request;
pub mod http_ssl;
pub mod http_vhost;
pub mod httpd;
pub mod mod_core;
pub mod mod_unixd;
pub mod mpm_common;
pub mod response;
pub mod scoreboard;
pub mod unixd;
pub mod util_cfgtree;
pub mod util_cookies;
pub mod util_fcgi;
pub mod util_filter;
pub mod util_md5;
pub mod util_mutex;
pub mod util_script;
pub mod util_time;
pub mod util_varbuf;
pub mod util_xml;

/// References every exported function, so that the linker takes all of them into the executable.
pub fn keep_exports() {
    for table in [
        ap_expr::EXPORTS, ap_listen::EXPORTS, ap_mpm::EXPORTS, ap_provider::EXPORTS,
        ap_regex::EXPORTS, hooks::EXPORTS, http_config::EXPORTS, http_connection::EXPORTS,
        http_core::EXPORTS, http_log::EXPORTS, http_main::EXPORTS, http_protocol::EXPORTS,
        http_request::EXPORTS, http_ssl::EXPORTS, http_vhost::EXPORTS, httpd::EXPORTS,
        mod_core::EXPORTS, mod_unixd::EXPORTS, mpm_common::EXPORTS, response::EXPORTS,
        scoreboard::EXPORTS, unixd::EXPORTS, util_cfgtree::EXPORTS, util_cookies::EXPORTS,
        util_fcgi::EXPORTS, util_filter::EXPORTS, util_md5::EXPORTS, util_mutex::EXPORTS,
        util_script::EXPORTS, util_time::EXPORTS, util_varbuf::EXPORTS, util_xml::EXPORTS,
    ] {
        std::hint::black_box(table);
    }
}
