//! Exports of `ap_regex.h`.

exports! {}
