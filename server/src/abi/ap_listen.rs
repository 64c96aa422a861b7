//! Exports of `ap_listen.h`.

exports! {}
