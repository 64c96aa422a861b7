//! Certificates for the tests of TLS, made by `openssl` in a directory: an authority of our own,
//! and what it signs. None is secret or lives longer than its test.

use std::{path::Path, process::Command};

use anyhow::{Result, ensure};

use crate::host::{printed, run};

/// Makes `ca.pem` and `ca.key`; every other certificate in the directory is signed by it.
///
/// # Errors
/// When openssl refuses.
pub fn authority(directory: &Path) -> Result<()> {
    openssl(
        directory,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout ca.key \
         -out ca.pem -subj /O=httpd-tests/CN=Authority",
    )
}

/// Makes `<name>.pem` and `<name>.key` for a subject (`/CN=a.example`), with more extensions
/// (`subjectAltName=DNS:a.example`), signed by `signer` (`ca`).
///
/// # Errors
/// When openssl refuses.
pub fn certificate(
    directory: &Path,
    name: &str,
    subject: &str,
    extensions: &str,
    signer: &str,
) -> Result<()> {
    openssl(
        directory,
        &format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key \
             -out {name}.csr -subj {subject}"
        ),
    )?;
    std::fs::write(
        directory.join(format!("{name}.ext")),
        extensions.replace(';', "\n"),
    )?;
    // Serial numbers are shown by servers, so they are chosen here.
    let serial: u32 = name.bytes().map(u32::from).sum();
    openssl(
        directory,
        &format!(
            "x509 -req -in {name}.csr -CA {signer}.pem -CAkey {signer}.key -set_serial {serial} \
             -days 30 -extfile {name}.ext -out {name}.pem"
        ),
    )
}

/// Runs openssl in a directory.
///
/// # Errors
/// When it fails: what it printed.
pub fn openssl(directory: &Path, arguments: &str) -> Result<()> {
    let mut command = Command::new("openssl");
    let output = run(command
        .current_dir(directory)
        .args(arguments.split_whitespace()))?;
    ensure!(
        output.status.success(),
        "openssl {arguments}: {}",
        printed(&output)
    );
    Ok(())
}
