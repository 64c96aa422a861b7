//! Safe types over the module ABI, shared by the server and by modules written in Rust.
//!
//! `raw` is the one room in which C pointers are wrapped; everything else is built on it.

pub mod raw;
