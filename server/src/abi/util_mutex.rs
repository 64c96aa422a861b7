//! Exports of `util_mutex.h`.

exports! {}
