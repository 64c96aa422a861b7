//! Exports of `mod_core.h`.

exports! {}
