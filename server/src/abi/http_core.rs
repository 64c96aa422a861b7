//! Exports of `http_core.h`.

exports! {}
