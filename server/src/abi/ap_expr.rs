//! Exports of `ap_expr.h`.

exports! {}
