//! Modules that block, requests that wait without a thread, and what the server makes of both.

mod bursts;
mod classification;
mod suspended;
