//! Exports of `http_connection.h`.

exports! {}
