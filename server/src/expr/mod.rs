//! Apache's expression language: `<If>`, `Require expr`, `Header ... "expr=..."` and others.
//!
//! Text becomes tokens (`lexer`), tokens become a tree (`parser`, `tree`), and a request walks the
//! tree (`evaluate`). What names mean and what values are is the host's matter: it implements
//! `Names` for parsing and `Context` for evaluating. `abi/ap_expr.rs` is the host.
#![forbid(unsafe_code)]

mod evaluate;
mod lexer;
mod parser;
mod tree;

#[cfg(test)]
mod tests;

pub(crate) use evaluate::{Context, condition, word};
pub(crate) use parser::{Names, parse_condition, parse_text};
pub(crate) use tree::{Condition, Language, Word};
