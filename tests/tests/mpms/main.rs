//! Process models: how the number of children follows the load, what the scoreboard shows of threads
//! that own connections, what programs inherit, how children leave. Each test of `every` runs under all
//! three MPMs, and so do families of differential tests that have to do with connections.
//!
//! The whole suite runs under another MPM with `MPM_UNDER_TEST=worker` or `prefork` (docs/testing.md).
#![expect(
    clippy::duplicate_mod,
    reason = "the same tests run under several process models"
)]

mod event;
mod every;
mod prefork;
mod worker;
