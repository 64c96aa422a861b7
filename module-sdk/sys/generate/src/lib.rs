//! Turns C headers of the module ABI into Rust bindings with bindgen.
//!
//! Used by the command `httpd-sys-generate`, which writes `module-sdk/sys/src/bindings.rs` from
//! `include/`, and by the tests, which regenerate that file and compare `include/` with Debian's.

use std::path::{Path, PathBuf};

/// Where Debian's libapr1-dev and libaprutil1-dev put their headers.
pub const APR_INCLUDE: &str = "/usr/include/apr-1.0";

/// Where Debian's apache2-dev puts its headers, to compare ours with.
pub const APACHE_INCLUDE: &str = "/usr/include/apache2";

/// What apxs defines when it compiles a module.
pub const DEFINES: [&str; 3] = ["-DLINUX", "-D_REENTRANT", "-D_GNU_SOURCE"];

/// Our headers of the module ABI.
#[must_use]
pub fn include_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(3)
        .unwrap_or(Path::new("."))
        .join("include")
}

/// The core's public headers, in an order in which each may be included. What a stock module adds
/// beside them (mod_dav.h, mod_proxy.h, ...) belongs to that module.
pub const HEADERS: &[&str] = &[
    "httpd.h",
    "ap_config.h",
    "ap_release.h",
    "ap_mmn.h",
    "ap_hooks.h",
    "ap_mpm.h",
    "ap_listen.h",
    "ap_expr.h",
    "ap_provider.h",
    "ap_regex.h",
    "ap_slotmem.h",
    "ap_socache.h",
    "http_config.h",
    "http_connection.h",
    "http_core.h",
    "http_log.h",
    "http_main.h",
    "http_protocol.h",
    "http_request.h",
    "http_ssl.h",
    "http_vhost.h",
    "mod_auth.h",
    "mod_core.h",
    "mod_log_config.h",
    "mod_so.h",
    "mod_unixd.h",
    "mpm_common.h",
    "os.h",
    "scoreboard.h",
    "unixd.h",
    "util_cfgtree.h",
    "util_charset.h",
    "util_cookies.h",
    "util_ebcdic.h",
    "util_fcgi.h",
    "util_filter.h",
    "util_md5.h",
    "util_mutex.h",
    "util_script.h",
    "util_time.h",
    "util_varbuf.h",
    "util_xml.h",
];

/// Bindings for the core's headers in `include`, as the text of a Rust module.
///
/// # Errors
/// When libclang reports an error in a header, or one is missing.
pub fn generate(include: &Path) -> Result<String, String> {
    builder(include, HEADERS)
        .generate()
        .map(|bindings| bindings.to_string())
        .map_err(|e| format!("bindgen: {e}"))
}

/// bindgen as it is set up for the headers in `include`, which must be named in an order in which they
/// may be included.
#[must_use]
pub fn builder(include: &Path, headers: &[impl AsRef<str>]) -> bindgen::Builder {
    let all: String = headers
        .iter()
        .map(|name| format!("#include \"{}\"\n", name.as_ref()))
        .collect();
    bindgen::Builder::default()
        .header_contents("all.h", &all)
        .clang_arg(format!("-I{}", include.display()))
        .clang_arg(format!("-I{APR_INCLUDE}"))
        .clang_args(DEFINES)
        .allowlist_file(format!("{}/.*", include.display()))
        .allowlist_file(format!("{APR_INCLUDE}/.*"))
        .generate_comments(false)
        .layout_tests(false)
        .derive_default(false)
        .prepend_enum_name(false)
        .rust_target(
            bindgen::RustTarget::stable(85, 0).unwrap_or_else(|e| panic!("a known release: {e}")),
        )
        .rust_edition(bindgen::RustEdition::Edition2024)
}
