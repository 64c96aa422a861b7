//! Small logic of the utility headers, as functions on bytes and numbers: times as text, intervals,
//! forms, substitutions in Perl's notation. `abi` hands them what C passes.

#![forbid(unsafe_code)]

pub mod clock;
pub mod exec;
pub mod form;
pub mod hash;
pub mod interval;
pub mod perl;
