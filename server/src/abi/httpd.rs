//! Exports of `httpd.h`.

exports! {}
