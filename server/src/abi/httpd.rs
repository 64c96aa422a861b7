//! Exports of `httpd.h`, by subject.

pub(super) mod escapes;
pub(super) mod lists;
pub(super) mod memory;
pub(super) mod misc;
pub(super) mod paths;
pub(super) mod processes;
pub(super) mod random;
pub(super) mod strings;
pub(super) mod threads;
pub(super) mod words;
