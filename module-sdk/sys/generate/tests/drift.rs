//! The committed bindings are what bindgen makes of `include/` today.

#[test]
fn bindings_are_up_to_date() {
    let fresh = httpd_sys_generate::generate(&httpd_sys_generate::include_dir())
        .expect("bindgen reads the headers");
    let committed = include_str!("../../src/bindings.rs");
    assert!(
        fresh == committed,
        "module-sdk/sys/src/bindings.rs is out of date: run `cargo run -p httpd-sys-generate`"
    );
}
