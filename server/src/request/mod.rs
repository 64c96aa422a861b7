//! A request's life, the part that needs no pointers: paths and URIs, options of directories, host
//! names and virtual hosts, header lines of scripts. `abi/http_request`, `abi/http_vhost` and
//! `abi/util_script` call it with bytes of the server's structures.

#![forbid(unsafe_code)]

pub mod files;
pub mod host;
pub mod names;
pub mod options;
pub mod paths;
pub mod script;
