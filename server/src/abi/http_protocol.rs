//! Exports of `http_protocol.h`.

exports! {}
