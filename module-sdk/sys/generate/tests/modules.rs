//! Apache's own modules compile against `include/`, and to the same machine code as against Debian's
//! headers: no macro, inline function or layout means anything else.
//!
//! The sources come from `scripts/fetch-apache-source.sh`, which keeps them in `.cache/`.

mod support;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use support::Side;

/// Inline functions whose bodies are ours: code that contains one is not the same.
const OWN_INLINE: &str = "ap_rputs";

#[test]
fn the_stock_modules_compile_to_the_same_code() {
    let sources = module_sources(&fetch());
    let objects = tempdir();
    let queue = Mutex::new(sources.iter());
    let (compiled, failures) = (Mutex::new(0), Mutex::new(Vec::new()));

    std::thread::scope(|scope| {
        for worker in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let object = objects.join(format!("{worker}.o"));
            let (queue, compiled, failures) = (&queue, &compiled, &failures);
            scope.spawn(move || {
                loop {
                    let next = queue.lock().expect("no worker panics").next();
                    let Some(source) = next else { return };
                    // Some need libraries that are not installed, or another system.
                    let Ok(expected) = compile(&Side::debian(), source, &object) else {
                        continue;
                    };
                    *compiled.lock().expect("no worker panics") += 1;
                    let problem = match compile(&Side::ours(), source, &object) {
                        Err(errors) => errors,
                        Ok(code) if code != expected && !has_own_inline(source) => {
                            "other machine code".to_owned()
                        }
                        Ok(_) => continue,
                    };
                    let mut failures = failures.lock().expect("no worker panics");
                    failures.push(format!("{}: {problem}", source.display()));
                }
            });
        }
    });

    std::fs::remove_dir_all(&objects).expect("the objects can be removed");
    let failures = failures.into_inner().expect("no worker panics");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let compiled = compiled.into_inner().expect("no worker panics");
    assert!(compiled >= 115, "only {compiled} modules compiled at all");
}

/// Where Apache's source is; fetches it the first time.
fn fetch() -> PathBuf {
    let script = httpd_sys_generate::include_dir().join("../scripts/fetch-apache-source.sh");
    let done = Command::new(script).output().expect("the script runs");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    PathBuf::from(String::from_utf8_lossy(&done.stdout).trim())
}

/// Every `mod_*.c` below `modules/`.
fn module_sources(apache: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![apache.join("modules")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).expect("the source can be read") {
            let path = entry.expect("the source can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                directories.push(path);
            } else if name.starts_with("mod_") && name.ends_with(".c") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The object file of a module, as apxs would compile it.
fn compile(side: &Side, source: &Path, object: &Path) -> Result<Vec<u8>, String> {
    let done = Command::new("cc")
        .args(["-c", "-w", "-o"])
        .arg(object)
        .args(httpd_sys_generate::DEFINES)
        .arg(format!("-I{}", side.include.display()))
        .arg(format!("-I{}", httpd_sys_generate::APR_INCLUDE))
        .arg(source)
        .output()
        .expect("there is a C compiler");
    if done.status.success() {
        Ok(std::fs::read(object).expect("the compiler wrote the object"))
    } else {
        Err(String::from_utf8_lossy(&done.stderr).into_owned())
    }
}

fn has_own_inline(source: &Path) -> bool {
    let text = std::fs::read(source).expect("the source can be read");
    String::from_utf8_lossy(&text).contains(OWN_INLINE)
}

/// A directory of this process.
fn tempdir() -> PathBuf {
    let path = std::env::temp_dir().join(format!("httpd-rs-modules-{}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a temporary directory can be made");
    path
}
