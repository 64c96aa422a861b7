//! Exports of `ap_hooks.h`'s users: every hook point is declared in `crate::hooks`.

pub(super) use crate::hooks::EXPORTS;
