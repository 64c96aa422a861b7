//! Exports of `mod_unixd.h`.

exports! {}
