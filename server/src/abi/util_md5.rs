//! Exports of `util_md5.h`.

exports! {}
