//! A restart: the new configuration is checked in a scratch process; if it is good, the control
//! process executes itself anew with the listening sockets it has, under the same pid. New binary,
//! new modules, new configuration, no dropped connection.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use super::{pidfile, sockets::INHERITED};
use crate::cli;

/// Tells the executed control process which generation it begins.
const GENERATION: &str = "HTTPD_RS_GENERATION";

/// Names the children of earlier generations that were still there.
const CHILDREN: &str = "HTTPD_RS_OLD_CHILDREN";

/// Set when the earlier children are to end without finishing their requests.
const AT_ONCE: &str = "HTTPD_RS_RESTART_AT_ONCE";

/// The process that the other variables are meant for: its number stays when it executes itself.
/// Programs that the server starts inherit all of them, and may start a server of their own.
const PROCESS: &str = "HTTPD_RS_PROCESS";

/// What this process left for itself when it executed itself.
pub fn handed(name: &str) -> Option<String> {
    let process: u32 = std::env::var(PROCESS).ok()?.parse().ok()?;
    if process != std::process::id() {
        return None;
    }
    std::env::var(name).ok()
}

/// Checks the configuration on disk, as `-t` does.
///
/// # Errors
/// What the check printed.
pub fn check_configuration() -> Result<(), String> {
    let arguments = cli::original_arguments();
    let output = Command::new(&arguments.executable)
        .args(&arguments.arguments)
        .arg("-t")
        .current_dir(&arguments.directory)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run {:?}: {error}", arguments.executable))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// Executes the server anew. Only returns when that fails.
pub fn execute(listeners: &str, generation: i32, children: &[i32], graceful: bool) -> io::Error {
    let arguments = cli::original_arguments();
    let children: Vec<String> = children.iter().map(i32::to_string).collect();
    let mut command = Command::new(&arguments.executable);
    command
        .args(&arguments.arguments)
        .current_dir(&arguments.directory)
        .env(PROCESS, std::process::id().to_string())
        .env(INHERITED, listeners)
        .env(GENERATION, generation.to_string())
        .env(CHILDREN, children.join(","));
    if let Some((name, value)) = pidfile::keep_over_exec() {
        command.env(name, value);
    }
    if graceful {
        command.env_remove(AT_ONCE);
    } else {
        command.env(AT_ONCE, "1");
    }
    // Until the new image remembers them, they would end it; what is ignored stays so over exec.
    for signal in super::control::REQUESTS {
        super::signals::ignore(signal);
    }
    command.exec()
}

/// How the children of earlier generations are told that their successors are there.
pub fn signal_for_old_children() -> i32 {
    if handed(AT_ONCE).is_some() {
        libc::SIGTERM
    } else {
        libc::SIGUSR1
    }
}

/// Whether this process was executed for a restart that loses no connection.
pub fn is_graceful() -> bool {
    inherited_generation().is_some() && handed(AT_ONCE).is_none()
}

/// The generation this process was executed for; `None` when it was started afresh.
pub fn inherited_generation() -> Option<i32> {
    handed(GENERATION)?.parse().ok()
}

/// The children of earlier generations.
pub fn inherited_children() -> Vec<i32> {
    let list = handed(CHILDREN).unwrap_or_default();
    list.split(',').filter_map(|pid| pid.parse().ok()).collect()
}
