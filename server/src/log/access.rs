//! Placeholder of the part that owns access logs.
pub fn flush_thread_logs() {}
pub fn set_deferred_logs(_on: bool) {}
