//! Exports of `http_vhost.h`.

exports! {}
