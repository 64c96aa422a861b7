//! httpd-rs: a web server core that hosts Apache 2.4 modules.
//!
//! The rooms, outermost first; arrows run one way:
//! `cli -> mpm -> conn -> request -> hooks/filters -> config -> modules`. `abi` holds what C modules
//! link to, one file per header of `include/`; it calls inward.

pub mod abi;
pub mod cli;
pub mod config;
pub mod conn;
pub mod filters;
pub mod hooks;
pub mod log;
pub mod modules;
pub mod mpm;
pub mod request;
