//! Starting, stopping, asking: the pid file (`pid_file`), addresses that cannot be had (`addresses`),
//! systemd (`systemd`), `apachectl-rs` (`apachectl`), and what the children may do (`privileges`).

mod addresses;
mod apachectl;
mod pid_file;
mod privileges;
mod systemd;
