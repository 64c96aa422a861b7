//! The error log: how a line looks (`line`) and where it goes (`error_log`).

pub mod access;
pub mod error_log;
pub mod line;
