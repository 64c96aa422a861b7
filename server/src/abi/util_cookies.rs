//! Exports of `util_cookies.h`.

exports! {}
