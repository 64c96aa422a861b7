//! Exports of `httpd.h`, by subject.

pub(super) mod memory;
pub(super) mod misc;
pub(super) mod processes;
pub(super) mod random;
pub(super) mod strings;
pub(super) mod threads;
pub(super) mod words;
