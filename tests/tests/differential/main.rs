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
mod compression;
mod content;
mod credential_stores;
mod fields;
mod filters;
mod hosts;
mod images;
mod includes;
mod ldap;
mod listing;
mod logging;
mod lua;
mod mapping;
mod markup;
mod observing;
mod protocol;
mod refusals;
mod rewrite_rules;
mod rewriting;
mod sessions;
mod typing;
mod virtual_hosting;
