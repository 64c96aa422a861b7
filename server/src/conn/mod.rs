//! A connection's life, from accept to lingering close.
//!
//! `network` is the socket with what was received ahead and what waits to be sent; the core's
//! network filters (`abi/network_filters.rs`) are its face towards modules. `wait` is how a thread
//! waits for a socket without holding up others. `head` tells when a request head is complete.
//! `life` is the task of a connection: it waits without a thread and runs requests on the thread
//! that received them; `turn` is what such a thread does between two waits. `offload` has the places
//! for calls that hold a thread of their own, and `watchdog` sees to it that one which does so
//! unexpectedly keeps nobody waiting. `suspended` holds the
//! tasks whose request a module will go on with later. `linger` closes so that the client gets the
//! last bytes.

pub mod budget;
pub mod head;
pub mod life;
pub mod linger;
pub mod network;
pub mod offload;
pub mod suspended;
pub mod turn;
pub mod wait;
pub mod watchdog;
