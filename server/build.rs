//! Exports the module ABI from the executable and compiles the C shim.

fn main() {
    println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic");
}
