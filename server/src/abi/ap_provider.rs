//! Exports of `ap_provider.h`.

exports! {}
