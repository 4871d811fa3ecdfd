//! The keys that seal reasoning into `encrypted_content`: of a file, read at the start and whenever it changes, or generated.

use crate::process::config_files::read_bounded;
use anyhow::{Context as _, bail};
use aquifer_gateway::seal_keys::parse;
use aquifer_gateway::translate::dialect::openai_responses::seal_keys::{KEY_BYTES, SealKeys};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// The timeout of one read of the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads the file with the seal keys.
///
/// # Errors
/// The file cannot be read, or a line of it is wrong. No message quotes a key.
pub(crate) fn read(path: &Path) -> anyhow::Result<SealKeys> {
    let text = read_bounded(path).with_context(|| format!("cannot read the seal keys {}", path.display()))?;
    let text = Zeroizing::new(text);
    match parse(&text) {
        Ok(keys) => Ok(keys),
        Err(bad) => {
            let lines: Vec<String> = bad.iter().map(|bad| format!("{}:{bad}", path.display())).collect();
            bail!("the seal keys are wrong:\n{}", lines.join("\n"))
        }
    }
}

/// A key for this process alone.
///
/// # Errors
/// The system gives no randomness.
pub(crate) fn generated() -> anyhow::Result<SealKeys> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(key.as_mut())?;
    Ok(SealKeys::new(*key, []))
}

/// The file with the seal keys, looked at again and again.
#[derive(Default)]
pub(crate) struct SealKeysFile {
    path: Option<PathBuf>,
    /// What the last look read.
    seen: Option<Result<SealKeys, String>>,
}

impl SealKeysFile {
    /// The file of the command line, if it names one.
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        Self { path, seen: None }
    }

    /// Looks at the file, and gives its keys where they are whole, which is to be the same at two looks; wrong ones are told
    /// in the log.
    pub(crate) async fn look(&mut self) -> Option<SealKeys> {
        let path = self.path.clone()?;
        let reading = tokio::task::spawn_blocking(move || read(&path).map_err(|error| format!("{error:#}")));
        let Ok(Ok(read)) = tokio::time::timeout(PATIENCE, reading).await else { return None };
        let settled = self.seen.as_ref() == Some(&read);
        if let Err(error) = &read
            && !settled
        {
            tracing::error!("{error}; the old seal keys stay");
        }
        let seen = self.seen.insert(read);
        if settled { seen.as_ref().ok().cloned() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::write;

    #[test]
    fn a_file_of_keys_is_read_and_its_mistakes_are_named_without_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seal-keys");
        write(&file, "01".repeat(32)).unwrap();
        assert_eq!(read(&file).unwrap(), SealKeys::new([1; 32], []));
        write(&file, "hunter2\n").unwrap();
        let told = format!("{:#}", read(&file).unwrap_err());
        assert!(told.contains("seal-keys:1: expected 32 random bytes") && !told.contains("hunter2"), "{told}");
        assert!(read(&folder.path().join("missing")).is_err());
        assert_ne!(generated().unwrap(), generated().unwrap());
    }
}
