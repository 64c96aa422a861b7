//! What the three process models have in common and what differs by them: the questions that modules
//! ask, what status pages show, how a model is chosen, and that their directives act.
//!
//! Each file is run under each model: the module's name says which (`httpd_tests::mpm`).
#![expect(
    clippy::duplicate_mod,
    reason = "the same tests run under each process model, which the module's name chooses"
)]

mod choosing;

#[path = "."]
mod event {
    mod acting;
    mod answers;
    mod sockets;
    mod starting;
}

#[path = "."]
mod worker {
    mod acting;
    mod answers;
    mod sockets;
    mod starting;
}

#[path = "."]
mod prefork {
    mod acting;
    mod answers;
    mod sockets;
    mod starting;
}
