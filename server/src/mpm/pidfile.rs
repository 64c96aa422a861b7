//! Whether a server runs with a pid file: what the file says is believed only when that process is
//! alive and is this server.

#![forbid(unsafe_code)]

use std::{fs, path::Path};

/// The process that a pid file names, when it runs.
pub fn running(file: &Path) -> Option<i32> {
    let text = fs::read_to_string(file).ok()?;
    let pid: i32 = text.trim().parse().ok().filter(|&pid| pid > 1)?;
    // A number that another program has got since is no server.
    let ours = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let name = ours.file_name()?.to_string_lossy().into_owned();
    let own = std::env::current_exe().ok()?;
    let own = own.file_name()?.to_string_lossy().into_owned();
    // The link of a replaced program ends in " (deleted)".
    name.starts_with(&own).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_living_server_counts() {
        let directory = std::env::temp_dir().join(format!("pidfile-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let file = directory.join("pid");
        assert_eq!(running(&file), None);
        for (text, pid) in [
            (String::new(), None),
            ("nonsense".into(), None),
            ("1".into(), None),
            (
                std::process::id().to_string(),
                Some(std::process::id() as i32),
            ),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(running(&file), pid);
        }
        fs::remove_dir_all(&directory).unwrap();
    }
}
