//! What the black-box tests are made of: a server in a directory of its own (`host`), a client that
//! sees every byte (`client`), a site to serve (`site`) and the comparison of two servers'
//! answers (`differential`). What they show of each module goes into docs/compatibility.md
//! (`compatibility`). Exchanges of more than one request are compared by `scripted`; servers behind
//! a proxy are in `backend`.
//! answers (`differential`), also where requests depend on answers (`conversation`). What they show of each module goes into docs/compatibility.md
//! (`compatibility`).

pub mod backend;
pub mod client;
pub mod compatibility;
pub mod conversation;
pub mod daemon;
pub mod differential;
pub mod host;
pub mod modules;
pub mod refusal;
pub mod scripted;
pub mod site;
pub mod source;
