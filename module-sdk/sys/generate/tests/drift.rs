//! The committed bindings are what bindgen makes of the headers today.
//!
//! Until `include/` is written they come from Debian's apache2-dev, which `make test` installs.

use std::path::Path;

#[test]
fn bindings_are_up_to_date() {
    let headers = Path::new(httpd_sys_generate::APACHE_INCLUDE);
    assert!(
        headers.is_dir(),
        "apache2-dev is missing: `make test` installs it"
    );
    let fresh = httpd_sys_generate::generate(headers).expect("bindgen reads the headers");
    let committed = include_str!("../../src/bindings.rs");
    assert!(
        fresh == committed,
        "module-sdk/sys/src/bindings.rs is out of date: run `cargo run -p httpd-sys-generate`"
    );
}
