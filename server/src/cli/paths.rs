//! Where the server finds its files: relative to the program, so that an installation works
//! wherever it is put.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

/// The configuration file, relative to ServerRoot.
pub const CONFIG_FILE: &str = "conf/httpd.conf";

/// ServerRoot unless `-d` or the configuration says otherwise: the directory above that of the
/// program (`PREFIX/bin/httpd-rs`).
pub fn default_root() -> PathBuf {
    root_of(&super::original_arguments().executable)
}

fn root_of(executable: &Path) -> PathBuf {
    let bin = executable.parent().unwrap_or(Path::new("/"));
    bin.parent().unwrap_or(bin).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_above_the_programs_directory() {
        assert_eq!(
            root_of(Path::new("/opt/h/bin/httpd-rs")),
            Path::new("/opt/h")
        );
    }
}
