//! Restarts and stops as people and programs see them: nothing that was under way is lost, what
//! changed is picked up, what cannot work is refused, and nothing is left behind.
//!
//! `HOST_UNDER_TEST=apache` runs what holds for Apache, too.

mod changes;
mod helpers;
mod load;
mod refusals;
mod signals;
mod under_way;
mod world;
