//! Exports of `util_script.h`: what CGI and its relatives share.

pub(super) mod environment;
pub(super) mod headers;
pub(super) mod query;
