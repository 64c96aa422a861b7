//! Exports of `http_core.h`, by subject. The settings they read are made in `modules/core/`.

pub(crate) mod connection;
pub(crate) mod errors;
pub(crate) mod filters;
pub(crate) mod hosts;
pub(crate) mod names;
pub(crate) mod notes;
pub(crate) mod optional;
pub(crate) mod sections;
pub(crate) mod settings;
