//! Exports of `util_xml.h`.

exports! {}
