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
mod credential_stores;
mod hosts;
mod ldap;
mod mapping;
mod protocol;
mod proxy;
mod proxy_ajp;
mod proxy_balancer;
mod proxy_failures;
mod proxy_fcgi;
mod proxy_forward;
mod proxy_others;
mod proxy_tunnel;
mod sessions;
