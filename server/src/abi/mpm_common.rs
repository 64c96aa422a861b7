//! Exports of `mpm_common.h`.

exports! {}
