//! Exports of `http_main.h`.

exports! {}
