//! Exports of `util_filter.h`: which filters there are (`registry`), the chains they stand in
//! (`chain`), and how brigades go through them (`pass`). What takes C variable arguments is in
//! `shim/util_filter.c`.

pub(super) mod chain;
pub(super) mod pass;
pub(super) mod registry;
