//! Exports of `scoreboard.h`: what children and their threads are doing, in memory that they share
//! with the control process. `memory` makes it, `access` finds records in it, `connections`
//! counts what waits, `status` writes what a
//! thread does, `directives` are those of the core. mod_status reads it.

pub mod access;
pub mod connections;
pub mod directives;
pub mod memory;
pub mod status;

/// Every exported function.
pub(in crate::abi) static EXPORTS: &[&[crate::abi::Export]] = &[
    access::EXPORTS,
    directives::EXPORTS,
    memory::EXPORTS,
    status::EXPORTS,
];
