//! Exports of `hooks.h`.

exports! {}
