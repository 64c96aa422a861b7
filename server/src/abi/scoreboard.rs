//! Exports of `scoreboard.h`.

exports! {}
