//! Exports of `http_request.h`.

exports! {}
