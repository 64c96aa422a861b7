//! Exports of `util_fcgi.h`.

exports! {}
