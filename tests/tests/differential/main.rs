//! Stock module binaries behave here as under Apache: the same requests, the same answers. One file
//! for each family of modules.
//!
//! `HOST_UNDER_TEST=apache` compares Apache with itself, which shows that the cases hold still.

mod access;
mod compression;
mod content;
mod fields;
mod filters;
mod hosts;
mod images;
mod includes;
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
mod typing;
mod virtual_hosting;
