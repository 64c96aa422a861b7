//! Exports of `http_ssl.h`.

exports! {}
