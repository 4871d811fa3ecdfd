//! Offloads the translation of large requests to threads of their own, so that neither workers nor shutdown wait for it.

use crate::host::Host;
use aquifer_gateway::translate::Fault;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// The future of a permit to translate off the workers; there are as many permits as cores.
pub(crate) type WaitForThread = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, Fault>> + Send>>;

/// Waits for a permit, for as long as a request body may take to arrive.
pub(crate) fn permit(host: &Host) -> WaitForThread {
    let full = || Fault::Overloaded("as many large requests as may be are read; try again".to_owned());
    let (translations, patience) = (Arc::clone(&host.translations), host.limits.body_timeout);
    Box::pin(async move {
        let turn = tokio::time::timeout(patience, translations.acquire_owned()).await;
        turn.map_err(|_| full())?.map_err(|_| full())
    })
}

/// Runs work on a thread of its own.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name("translation".to_owned()).spawn(work).map(drop)
}
