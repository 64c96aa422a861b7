//! Exports of `http_request.h`, by subject.

pub(super) mod access;
pub(super) mod die;
pub(super) mod directory_walk;
pub(super) mod internal;
pub(in crate::abi) mod merge;
pub(super) mod pipeline;
pub(super) mod process;
pub(super) mod redirect;
pub(super) mod section_walks;
pub(super) mod subrequest;
pub(in crate::abi) mod support;
mod symlink;
mod walk_cache;
