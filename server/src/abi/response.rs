//! Exports of `response.h`.

exports! {}
