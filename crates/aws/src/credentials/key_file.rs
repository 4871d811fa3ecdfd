//! An API key in a file that is rotated: read again every few seconds.

use crate::clock;
use aquifer_gateway::secret::Secret;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// The age at which the key is read again in the background.
const FRESH: Duration = Duration::from_secs(5);
/// The timeout of the first read.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest file.
const LONGEST: u64 = 64 << 10;

/// The file with the key that was read last.
#[derive(Clone)]
pub(super) struct KeyFile(Arc<Inner>);

struct Inner {
    path: PathBuf,
    kept: Mutex<Option<Kept>>,
    /// One reads at a time, so that a path that blocks holds one thread.
    reading: Arc<tokio::sync::Mutex<()>>,
}

struct Kept {
    key: Arc<Secret>,
    at: Instant,
}

impl KeyFile {
    /// The key of this file; nothing is read before the first call.
    pub(super) fn new(path: &str) -> Self {
        Self(Arc::new(Inner { path: PathBuf::from(path), kept: Mutex::default(), reading: Arc::default() }))
    }

    /// The key, no older than a few seconds unless the file cannot be read any more.
    ///
    /// # Errors
    /// There has not been any yet.
    pub(super) async fn key(&self) -> Result<Arc<Secret>, String> {
        let kept = self.kept().as_ref().map(|kept| (Arc::clone(&kept.key), kept.at));
        match kept {
            Some((key, at)) if clock::now().saturating_duration_since(at) < FRESH => Ok(key),
            Some((key, _)) => {
                self.read_behind();
                Ok(key)
            }
            None => self.first().await,
        }
    }

    async fn first(&self) -> Result<Arc<Secret>, String> {
        let told = |why: &str| format!("the key's file {}: {why}", self.0.path.display());
        let late = |_| told("it was not read in time");
        let reading = timeout(PATIENCE, Arc::clone(&self.0.reading).lock_owned()).await.map_err(late)?;
        if let Some(kept) = self.kept().as_ref() {
            return Ok(Arc::clone(&kept.key));
        }
        let file = self.clone();
        // In a task of its own: a cancelled call must not cancel the read for others.
        let read = tokio::spawn(async move {
            let read = file.read().await;
            drop(reading);
            read
        });
        let read = timeout(PATIENCE, read).await.map_err(late)?;
        read.unwrap_or_else(|error| Err(error.to_string())).map_err(|why| told(&why))
    }

    /// Reads while calls go on; does nothing while another one reads.
    fn read_behind(&self) {
        let Ok(reading) = Arc::clone(&self.0.reading).try_lock_owned() else { return };
        let file = self.clone();
        tokio::spawn(async move {
            if let Err(why) = file.read().await {
                tracing::warn!(error = why, path = %file.0.path.display(), "a key's file was not read; the old key is used");
                // Failed reads are not repeated with each call.
                if let Some(kept) = file.kept().as_mut() {
                    kept.at = clock::now();
                }
            }
            drop(reading);
        });
    }

    async fn read(&self) -> Result<Arc<Secret>, String> {
        let key = Arc::new(read(&self.0.path).await?);
        *self.kept() = Some(Kept { key: Arc::clone(&key), at: clock::now() });
        Ok(key)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a key, without the white space around it.
async fn read(path: &Path) -> Result<Secret, String> {
    let said = |error: std::io::Error| error.kind().to_string();
    let about = tokio::fs::metadata(path).await.map_err(said)?;
    if !about.is_file() || about.len() > LONGEST {
        // A pipe would block, and a device has no end.
        return Err("it is no file of a key's size".to_owned());
    }
    let text = Secret::new(tokio::fs::read_to_string(path).await.map_err(said)?);
    match text.expose().trim() {
        "" => Err("it is empty".to_owned()),
        key => Ok(Secret::new(key.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(file: &KeyFile) {
        if let Some(kept) = file.kept().as_mut() {
            kept.at -= FRESH;
        }
    }

    async fn becomes(file: &KeyFile, expected: &str) {
        let turned = async {
            while file.key().await.unwrap().expose() != expected {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(30), turned).await.unwrap();
    }

    #[tokio::test]
    async fn what_has_no_end_is_not_read() {
        for path in ["/dev/zero", "/"] {
            assert!(KeyFile::new(path).key().await.is_err(), "{path}");
        }
    }

    #[tokio::test]
    async fn the_key_is_the_one_that_stands_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let file = KeyFile::new(path.to_str().unwrap());
        let why = file.key().await.unwrap_err();
        assert!(why.contains("key") && why.contains("not found"), "{why}");
        std::fs::write(&path, " first\n").unwrap();
        assert_eq!(file.key().await.unwrap().expose(), "first");
        std::fs::write(&path, "second").unwrap();
        assert_eq!(file.key().await.unwrap().expose(), "first", "it was read just now");
        age(&file);
        becomes(&file, "second").await;
        for broken in ["", "\n"] {
            std::fs::write(&path, broken).unwrap();
            age(&file);
            assert_eq!(file.key().await.unwrap().expose(), "second", "an old key is better than none");
        }
        std::fs::write(&path, "third").unwrap();
        let turned = async {
            while file.key().await.unwrap().expose() != "third" {
                age(&file);
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(30), turned).await.unwrap();
    }
}
