//! Crashes: named, contained in a child, and counted by module.
//!
//! `trail` is where every thread notes what it runs: the module, its hook, handler or filter, and the
//! request. `handler` is the signal handler that tells the log what died and lets the process die; it
//! stands on `machine` (stacks, unwinder, shared objects), `text` (lines without an allocation) and
//! `shared` (what it leaves to the control process). `limit` is ModuleCrashLimit, with `policy` for
//! what becomes of the calls of a module that is disabled. `panics` turns a panic of the server's own
//! code into an error of one request. See docs/decisions/0030 and 0031.

mod handler;
pub mod limit;
mod machine;
pub mod panics;
pub mod policy;
mod shared;
mod text;
pub mod trail;

pub use handler::{begin, begin_child, count_connections};
pub use machine::{give_thread_a_stack, is_armed, path_of};
