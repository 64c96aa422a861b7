//! Exports of `httpd.h`, by subject.

pub(super) mod random;
pub(super) mod strings;
pub(super) mod words;
