//! Exports of `ap_mpm.h`.

exports! {}
