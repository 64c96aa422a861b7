//! `head` of `server/src/fuzz.rs` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| httpd_rs::fuzz::head(bytes));
