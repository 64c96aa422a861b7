//! What is written to logs: the lines of the error log (`line`, `format`), the escapes both logs
//! share (`escape`), the time of a line (`clock`) and the lines of access logs that wait for the
//! end of a turn of the event loop (`access`).
//!
//! Where a line of the error log goes stands in `abi/http_log`; what an access log's line says, in
//! `modules/log_config`.

pub mod access;
pub mod clock;
pub mod dump;
pub mod escape;
pub mod format;
pub mod line;
