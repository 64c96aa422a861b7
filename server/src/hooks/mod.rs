//! The hook points of the core.
