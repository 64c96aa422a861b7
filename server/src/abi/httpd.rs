//! Exports of `httpd.h`, by subject.

pub(super) mod escapes;
pub(super) mod lists;
pub(super) mod misc;
pub(super) mod paths;
pub(super) mod random;
pub(super) mod strings;
pub(super) mod words;
