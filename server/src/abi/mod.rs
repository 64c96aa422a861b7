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

#[macro_use]
mod notice;

mod ap_expr;
mod ap_listen;
mod ap_mpm;
mod ap_provider;
mod ap_regex;
pub mod apr;
mod hooks;
pub mod http_config;
pub mod http_connection;
pub(crate) mod http_core;
pub mod http_log;
pub mod http_main;
pub mod http_protocol;
mod http_request;
mod http_ssl;
mod http_vhost;
mod httpd;
mod memory;
pub(crate) mod mod_core;
pub mod mpm_common;
pub mod network_filters;
mod poll;
pub(crate) mod privileges;
mod pthread;
pub mod scoreboard;
pub mod session;
pub(crate) mod stat;
mod subprocess;
pub mod threads;
pub(crate) mod unixd;
mod util_cfgtree;
mod util_cookies;
mod util_fcgi;
mod util_filter;
mod util_md5;
mod util_mutex;
mod util_script;
mod util_time;
mod util_varbuf;
mod util_xml;

/// References every exported function, so that the linker takes all of them into the executable.
pub fn keep_exports() {
    for table in [
        ap_listen::EXPORTS,
        ap_listen::directives::EXPORTS,
        ap_listen::open::EXPORTS,
        ap_expr::EXPORTS,
        ap_expr::LOOKUP_EXPORTS,
        ap_mpm::EXPORTS,
        ap_provider::EXPORTS,
        ap_regex::EXPORTS,
        ap_regex::rxplus::EXPORTS,
        http_connection::EXPORTS,
        http_main::EXPORTS,
        mpm_common::EXPORTS,
        hooks::EXPORTS,
        http_config::hosts::EXPORTS,
        http_config::htaccess::EXPORTS,
        http_config::levels::EXPORTS,
        http_config::listing::EXPORTS,
        http_config::paths::EXPORTS,
        http_config::read::EXPORTS,
        http_config::reader::EXPORTS,
        http_config::registry::EXPORTS,
        http_config::retained::EXPORTS,
        http_config::slots::EXPORTS,
        http_config::tree::EXPORTS,
        http_config::vectors::EXPORTS,
        http_config::walk::EXPORTS,
        http_connection::EXPORTS,
        http_core::connection::EXPORTS,
        http_core::errors::EXPORTS,
        http_core::hosts::EXPORTS,
        http_core::names::EXPORTS,
        http_core::notes::EXPORTS,
        http_core::optional::EXPORTS,
        http_core::sections::EXPORTS,
        http_core::settings::EXPORTS,
        http_protocol::auth::EXPORTS,
        http_protocol::body::EXPORTS,
        http_protocol::buckets::EXPORTS,
        http_protocol::byterange::EXPORTS,
        http_protocol::check::EXPORTS,
        http_protocol::chunk::EXPORTS,
        http_protocol::client_block::EXPORTS,
        http_protocol::conditions::EXPORTS,
        http_protocol::content::EXPORTS,
        http_protocol::create::EXPORTS,
        http_protocol::error_response::EXPORTS,
        http_protocol::etag::EXPORTS,
        http_protocol::fields::EXPORTS,
        http_protocol::finish::EXPORTS,
        http_protocol::header::EXPORTS,
        http_protocol::input_lines::EXPORTS,
        http_protocol::keepalive::EXPORTS,
        http_protocol::length::EXPORTS,
        http_protocol::methods::EXPORTS,
        http_protocol::protocols::EXPORTS,
        http_protocol::read::EXPORTS,
        http_protocol::request_line::EXPORTS,
        http_protocol::trace::EXPORTS,
        http_protocol::write::EXPORTS,
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
        httpd::memory::EXPORTS,
        httpd::misc::EXPORTS,
        httpd::processes::EXPORTS,
        httpd::random::EXPORTS,
        httpd::escapes::EXPORTS,
        httpd::lists::EXPORTS,
        httpd::paths::EXPORTS,
        httpd::strings::EXPORTS,
        httpd::threads::EXPORTS,
        httpd::words::EXPORTS,
        mpm_common::EXPORTS,
        poll::EXPORTS,
        subprocess::EXPORTS,
        privileges::EXPORTS,
        pthread::EXPORTS,
        unixd::EXPORTS,
        util_cookies::EXPORTS,
        util_fcgi::EXPORTS,
        util_cfgtree::EXPORTS,
        util_filter::chain::EXPORTS,
        util_filter::pass::EXPORTS,
        util_filter::registry::EXPORTS,
        util_md5::EXPORTS,
        util_mutex::EXPORTS,
        util_script::environment::EXPORTS,
        util_script::headers::EXPORTS,
        util_script::query::EXPORTS,
        util_xml::EXPORTS,
        util_time::EXPORTS,
        util_varbuf::EXPORTS,
    ] {
        std::hint::black_box(table);
    }
    std::hint::black_box(http_log::EXPORTS);
    std::hint::black_box(scoreboard::EXPORTS);
}
