//! A directory of documents with fixed times, so that two servers answer alike.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::Result;

/// Documents, removed when this is dropped.
pub struct Site {
    directory: tempfile::TempDir,
}

impl Site {
    /// An empty site that everybody may read.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn new() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("httpd-site-").tempdir()?;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        Ok(Self { directory })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Adds a file; directories above it are made.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path().join(name);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above)?;
        }
        fs::write(&path, content)?;
        let file = fs::File::options().write(true).open(&path)?;
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))?;
        Ok(path)
    }

    /// Adds a program.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn program(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.file(name, content)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }
}
