//! httpd-rs: a web server core that hosts Apache 2.4 modules.
//!
//! Rooms so far: `cli` (the command line), `hooks` (every hook point of the core) and `abi` (what C
//! modules link to, one file per header; it calls inward). `docs/status.md` says what comes next.

pub mod abi;
pub mod cli;
pub mod config;
pub mod conn;
pub(crate) mod expr;
pub mod hooks;
pub mod http;
pub mod log;
pub mod modules;
pub mod mpm;
pub mod regex;
pub mod request;
pub mod text;
pub mod util;
