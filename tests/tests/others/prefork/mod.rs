//! Modules that are made for a process a connection, under prefork: Debian's mod_php, which refuses
//! threads, and the other languages, which have a thread of their own there.

#[path = "../languages.rs"]
mod languages;
mod php;
mod php_processes;
