//! Nothing is lost: whatever clients, backends and modules do, descriptors, pools, places in the
//! scoreboard, memory, processes and log lines are all accounted for, as under Apache.
//!
//! `HOST_UNDER_TEST=apache` compares Apache with itself, which shows that the cases hold still.

mod cuts;
mod endings;
mod fuzz;
mod hooks;
mod limits;
mod slow;
mod world;
