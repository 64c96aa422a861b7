//! Exports of `util_script.h`.

exports! {}
