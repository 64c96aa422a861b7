//! Exports of `util_varbuf.h`.

exports! {}
