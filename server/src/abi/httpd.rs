//! Exports of `httpd.h`, by subject.

pub(super) mod words;
