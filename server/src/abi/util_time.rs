//! Exports of `util_time.h`.

exports! {}
