//! Stock module binaries behave here as under Apache: the same requests, the same answers. One file
//! for each family of modules.
//!
//! `HOST_UNDER_TEST=apache` compares Apache with itself, which shows that the cases hold still.

mod access;
mod access_compat;
mod access_elsewhere;
mod access_htaccess;
mod auth_digest;
mod auth_form;
mod authentication;
mod authnz_fcgi;
mod authorization;
mod content;
mod core_content;
mod core_language;
mod core_logs;
mod core_processes;
mod core_requests;
mod credential_stores;
mod expressions;
mod hosts;
mod http2;
mod http2_frames;
mod inheritance;
mod ldap;
mod mapping;
mod merging;
mod overrides;
mod protocol;
mod sessions;
mod tls;
mod tls_clients;
mod tls_connections;
