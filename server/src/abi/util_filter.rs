//! Exports of `util_filter.h`.

exports! {}
