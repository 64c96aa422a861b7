//! `-v` and `-V`. Scripts look for `Apache/2.4` and for the `-D` lines, so both have Apache's form.

#![forbid(unsafe_code)]

use super::paths;
use crate::{
    abi::http_main::{Versions, versions},
    mpm::kind,
};

/// The text of `-v`.
pub fn version() -> String {
    let Versions { server, built, .. } = versions();
    format!("Server version: {server}\nServer built:   {built}\n")
}

/// The text of `-V`.
pub fn settings() -> String {
    let Versions {
        apr,
        apr_util: util,
        pcre: [loaded, compiled],
        ..
    } = versions();
    let mpm = kind::current();
    format!(
        "{version}Server's Module Magic Number: {major}:{minor}\n\
         Server loaded:  APR {apr}, APR-UTIL {util}, PCRE {loaded}\n\
         Compiled using: APR {apr}, APR-UTIL {util}, PCRE {compiled}\n\
         Architecture:   {bits}-bit\n\
         Server MPM:     {mpm}\n\
         \x20 threaded:     {threaded}\n\
         \x20   forked:     yes (variable process count)\n\
         Server compiled with....\n\
         \x20-D APR_HAS_SENDFILE\n\
         \x20-D APR_HAS_MMAP\n\
         \x20-D APR_HAVE_IPV6 (IPv4-mapped addresses enabled)\n\
         \x20-D APR_USE_PROC_PTHREAD_SERIALIZE\n\
         \x20-D APR_USE_PTHREAD_SERIALIZE\n\
         \x20-D SINGLE_LISTEN_UNSERIALIZED_ACCEPT\n\
         \x20-D APR_HAS_OTHER_CHILD\n\
         \x20-D AP_HAVE_RELIABLE_PIPED_LOGS\n\
         \x20-D DYNAMIC_MODULE_LIMIT={limit}\n\
         \x20-D HTTPD_ROOT=\"{root}\"\n\
         \x20-D DEFAULT_PIDLOG=\"logs/httpd.pid\"\n\
         \x20-D DEFAULT_SCOREBOARD=\"logs/apache_runtime_status\"\n\
         \x20-D DEFAULT_ERRORLOG=\"logs/error_log\"\n\
         \x20-D AP_TYPES_CONFIG_FILE=\"conf/mime.types\"\n\
         \x20-D SERVER_CONFIG_FILE=\"{file}\"\n",
        mpm = mpm.name(),
        threaded = if mpm.is_threaded() {
            "yes (fixed thread count)"
        } else {
            "no"
        },
        version = version(),
        major = httpd_sys::MODULE_MAGIC_NUMBER_MAJOR,
        minor = httpd_sys::MODULE_MAGIC_NUMBER_MINOR,
        bits = usize::BITS,
        limit = crate::modules::MAX_MODULES,
        root = paths::default_root().display(),
        file = paths::CONFIG_FILE,
    )
}
