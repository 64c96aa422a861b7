//! What the `httpd.h` functions do to strings, as functions on bytes: escaping, paths, lists of
//! header fields, patterns. `abi/httpd` hands them what C passes.

#![forbid(unsafe_code)]

pub mod escape;
pub mod list;
pub mod path;
pub mod pattern;
