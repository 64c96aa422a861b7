//! Modules that crash: what the log says, what goes on all the same, and what becomes of a module that
//! crashes too often. These tests are about httpd-rs alone.

mod containment;
mod hooks;
mod limits;
mod reports;
mod world;
