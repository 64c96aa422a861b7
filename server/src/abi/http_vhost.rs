//! Exports of `http_vhost.h`: which virtual host a connection and its requests belong to.

pub(super) mod addresses;
mod dump;
pub(super) mod headers;
pub(super) mod table;
pub(super) mod warm;
