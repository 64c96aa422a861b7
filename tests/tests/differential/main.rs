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
mod background;
mod cache;
mod cache_origin;
mod cache_stores;
mod cgi;
mod content;
mod credential_stores;
mod dav;
mod dav_clients;
mod dav_configuration;
mod dav_locks;
mod dav_properties;
mod hosts;
mod ldap;
mod mapping;
mod protocol;
mod sessions;
