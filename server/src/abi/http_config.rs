//! Exports of `http_config.h`, by subject.

pub(super) mod levels;
pub(super) mod registry;
pub mod vectors;
