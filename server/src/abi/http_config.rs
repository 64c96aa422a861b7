//! Exports of `http_config.h`.

exports! {}
