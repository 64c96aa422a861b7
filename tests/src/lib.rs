//! What the black-box tests are made of: a server in a directory of its own (`host`), a client that
//! sees every byte (`client`), a site to serve (`site`), servers behind a proxy (`backend`) and the
//! comparison of two servers' answers (`differential`), also where requests depend on answers
//! (`conversation`, `exchanges`), by its command line (`asked`), or of what programs and several connections observe (`scripted`,
//! with `certificates` for TLS and `http2` for frames). What they show of each module goes into
//! docs/compatibility.md (`compatibility`).

pub mod asked;
pub mod backend;
pub mod certificates;
pub mod client;
pub mod compatibility;
pub mod conversation;
pub mod daemon;
pub mod dav;
pub mod differential;
pub mod directives;
pub mod exchanges;
pub mod host;
pub mod http2;
pub mod logs;
pub mod modules;
pub mod moments;
pub mod mpm;
pub mod origin;
pub mod others;
pub mod refusal;
pub mod scripted;
pub mod site;
pub mod source;
pub mod streams;
