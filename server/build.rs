//! Exports the module ABI from the executable and compiles the C shim: the few functions which take
//! C variable arguments, and which stable Rust can therefore not define.

use std::path::PathBuf;

fn main() {
    println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic");

    let shim = PathBuf::from("src/shim");
    println!("cargo:rerun-if-changed={}", shim.display());
    println!("cargo:rerun-if-changed=../include");
    let mut sources: Vec<PathBuf> = std::fs::read_dir(&shim)
        .expect("the package has src/shim")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    sources.sort();
    if sources.is_empty() {
        return;
    }
    cc::Build::new()
        .files(&sources)
        .include("../include")
        .include("/usr/include/apr-1.0")
        .define("LINUX", None)
        .define("_REENTRANT", None)
        .define("_GNU_SOURCE", None)
        .std("gnu11")
        .warnings(true)
        // Every function of the shim is there for modules to call, whether or not Rust does.
        .link_lib_modifier("+whole-archive")
        .compile("httpd_shim");
}
