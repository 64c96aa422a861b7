//! What the black-box tests are made of: a server in a directory of its own (`host`), a client that
//! sees every byte (`client`), a site to serve (`site`) and the comparison of two servers'
//! answers (`differential`).

pub mod client;
pub mod differential;
pub mod host;
pub mod modules;
pub mod site;
pub mod source;
