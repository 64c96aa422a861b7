//! httpd-rs: a web server core that hosts Apache 2.4 modules.
//!
//! The rooms: `cli` (arguments in, exit code out), `mpm` (processes), `conn` (a connection's life),
//! `request` (what a request passes through), `http` (the protocol as text), `hooks` (every hook point
//! of the core), `config` (the language of httpd.conf), `expr` (its expressions), `modules` (the
//! registry, and the modules that are part of the server), `log`; `text`, `regex` and `util` are what
//! the functions of httpd.h do to bytes. `abi` is what C modules link to, one file or folder a header
//! of `include/`; it calls inward.

pub mod abi;
pub mod cli;
pub mod config;
pub mod conn;
pub mod crash;
pub(crate) mod expr;
#[doc(hidden)]
pub mod fuzz;
pub mod hooks;
pub mod http;
pub mod log;
pub mod modules;
pub mod mpm;
pub mod regex;
pub mod request;
pub mod text;
pub mod util;
