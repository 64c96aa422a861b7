//! Exports of `unixd.h`.

exports! {}
