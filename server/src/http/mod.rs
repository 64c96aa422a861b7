//! HTTP/1 as text and decisions: request heads, header fields, statuses, methods, ranges,
//! conditions, entity tags, chunks, and what error pages say.
//!
//! Nothing here sees a pool or a C structure; `abi/http_protocol/` is the glue between this room and
//! `request_rec`.

#![forbid(unsafe_code)]

pub mod charset;
pub mod chunk;
pub mod conditions;
pub mod error_page;
pub mod etag;
pub mod fields;
pub mod head;
pub mod method;
pub mod range;
pub mod request_line;
pub mod status;
