//! The configuration's text: how a line is read as a directive, what an error says beside Apache's
//! own words.
//!
//! Nothing here touches C structures: `abi/http_config` turns lines into the directive tree that
//! modules walk (`ap_directive_t`) and calls their commands.

#![forbid(unsafe_code)]

pub mod explain;
pub mod line;
mod stock;
