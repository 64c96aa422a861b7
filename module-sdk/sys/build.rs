//! Links the real APR libraries: pools, tables, buckets and sockets are theirs.

fn main() {
    println!("cargo:rustc-link-lib=dylib=aprutil-1");
    println!("cargo:rustc-link-lib=dylib=apr-1");
}
