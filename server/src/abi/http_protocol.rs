//! Exports of `http_protocol.h`, of `mod_core.h`'s filters and of the end-of-request bucket, by
//! subject. The logic that needs no pointers is in `crate::http`.
//!
//! In the order of a request's life: `create`, `read` (with `request_line`, `input_lines`,
//! `fields`, `check`), `body` and `client_block` for its body; `conditions`, `etag`, `content` for
//! its response's fields; `write` for handlers; `byterange`, `length`, `header` (with `keepalive`)
//! and `chunk` on the way out; `finish`, `error_response`, `trace`; `auth` and `protocols`.

pub(super) mod auth;
pub(super) mod body;
pub(super) mod buckets;
pub(super) mod byterange;
pub(super) mod check;
pub(super) mod chunk;
pub(super) mod client_block;
pub(super) mod conditions;
pub(super) mod content;
pub(super) mod create;
pub(super) mod error_response;
pub(super) mod etag;
pub(super) mod fields;
pub(super) mod finish;
pub(super) mod header;
pub(super) mod input_lines;
pub(super) mod keepalive;
pub(super) mod length;
pub(super) mod methods;
pub(super) mod protocols;
pub(super) mod read;
pub(super) mod request_line;
mod status_codes;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
pub(super) mod trace;
pub(super) mod write;

pub use read::{Missing, begin, read_from_head, read_through_filters};

/// Where `http_module` puts the record of OLD_WRITE.
pub(crate) fn write_filter_slot() -> *mut *mut httpd_sys::ap_filter_rec_t {
    &raw mut write::ap_old_write_func
}
