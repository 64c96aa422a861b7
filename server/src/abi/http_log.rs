//! Exports of `http_log.h`.

exports! {}
