//! Exports of `util_cfgtree.h`.

exports! {}
