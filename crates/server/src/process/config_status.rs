//! The outcome of the last attempts to load the configuration, for its operator.

use crate::process::clock;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// When the configuration in force was loaded, and why a newer one was refused.
#[derive(Default)]
pub(crate) struct ConfigStatus {
    loaded: AtomicU64,
    error: ArcSwapOption<String>,
}

impl ConfigStatus {
    /// A configuration is in force from now on.
    pub(crate) fn loaded(&self) {
        self.loaded.store(clock::unix_ms(), Ordering::Relaxed);
        self.error.store(None);
    }

    /// A newer configuration was refused.
    pub(crate) fn refused(&self, why: String) {
        self.error.store(Some(Arc::new(why)));
    }

    /// When the configuration in force was loaded, in milliseconds since 1970.
    pub(crate) fn loaded_unix_ms(&self) -> u64 {
        self.loaded.load(Ordering::Relaxed)
    }

    /// Why a newer configuration than the one in force was refused.
    pub(crate) fn last_error(&self) -> Option<Arc<String>> {
        self.error.load_full()
    }
}
