//! The threads that serve clients: each has a runtime of its own, and a connection stays with one of them.
//!
//! A call is made over connections of the same thread where there are any, so that a delta wakes no other core. Compared
//! with one runtime whose threads take work from one another, a small request costs a tenth less.

use anyhow::Context as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

/// A thread's timer is never set for later than this. What is set for a later time than the timer is, as nearly every
/// limit of a call, need not set it: that takes a system call, and the timer was set for the connections' longer limits.
const TICK: Duration = Duration::from_secs(5);

/// For what still runs when the threads end.
const END: Duration = Duration::from_secs(2);

/// All threads.
pub(crate) struct Workers {
    all: Vec<Worker>,
    end: watch::Sender<bool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Worker {
    runtime: Handle,
    connections: Arc<AtomicUsize>,
}

/// Counts a connection of a thread until it is dropped.
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Workers {
    /// Starts so many.
    ///
    /// # Errors
    /// The system gives no thread, or a runtime does not start.
    pub(crate) fn start(threads: usize) -> anyhow::Result<Self> {
        let (end, ended) = watch::channel(false);
        let (mut all, mut running) = (Vec::new(), Vec::new());
        for number in 0..threads.max(1) {
            let (worker, thread) = Worker::start(number, ended.clone())?;
            all.push(worker);
            running.push(thread);
        }
        Ok(Self { all, end, threads: Mutex::new(running) })
    }

    /// Has the thread with the fewest connections serve one more, which counts as long as it holds what it is given. (Were
    /// it wrapped in a future that counts, a task would have room for it twice.)
    pub(crate) fn serve<F: Future<Output = ()> + Send + 'static>(&self, connection: impl FnOnce(Counted) -> F) {
        let Some(least) = self.all.iter().min_by_key(|worker| worker.connections.load(Ordering::Relaxed)) else {
            return;
        };
        least.connections.fetch_add(1, Ordering::Relaxed);
        least.runtime.spawn(connection(Counted(Arc::clone(&least.connections))));
    }

    /// Ends them with all that they still serve, and waits for that. Not to be called by one of them.
    pub(crate) fn end(&self) {
        self.end.send_replace(true);
        for thread in self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // One that panicked has told so already.
            drop(thread.join());
        }
    }

    /// Tasks that have not ended.
    pub(crate) fn tasks(&self) -> usize {
        self.all.iter().map(|worker| worker.runtime.metrics().num_alive_tasks()).sum()
    }
}

impl Worker {
    fn start(number: usize, mut ended: watch::Receiver<bool>) -> anyhow::Result<(Self, JoinHandle<()>)> {
        let runtime = Builder::new_current_thread().enable_all().build().context("a runtime did not start")?;
        let handle = runtime.handle().clone();
        let serve = move || {
            runtime
                .block_on(async { while tokio::time::timeout(TICK, ended.wait_for(|ended| *ended)).await.is_err() {} });
            // Streams that are still in flight end here, and are recorded.
            runtime.shutdown_timeout(END);
        };
        let thread = std::thread::Builder::new().name(format!("worker-{number}")).spawn(serve);
        let thread = thread.context("the system gives no thread")?;
        Ok((Self { runtime: handle, connections: Arc::default() }, thread))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::sync::mpsc::channel;

    #[test]
    fn connections_are_shared_out_evenly_and_places_become_free() {
        let workers = Workers::start(3).unwrap();
        let (told, heard) = channel();
        let (go_on, stop) = watch::channel(false);
        for _ in 0..9 {
            let (told, mut stop) = (told.clone(), stop.clone());
            workers.serve(|counted| async move {
                told.send(std::thread::current().name().map(str::to_owned)).unwrap();
                drop(stop.wait_for(|stop| *stop).await);
                drop(counted);
            });
        }
        let mut by_thread = HashMap::new();
        for _ in 0..9 {
            *by_thread.entry(heard.recv().unwrap()).or_insert(0) += 1;
        }
        assert_eq!(by_thread.len(), 3);
        assert!(by_thread.values().all(|count| *count == 3), "{by_thread:?}");
        assert!(workers.tasks() >= 9);
        go_on.send_replace(true);
        while workers.tasks() > 0 {
            std::thread::yield_now();
        }
        assert!(workers.all.iter().all(|worker| worker.connections.load(Ordering::Relaxed) == 0));
    }

    #[test]
    fn what_is_in_flight_ends_with_them() {
        struct Told(std::sync::mpsc::Sender<()>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.send(()).unwrap();
            }
        }
        let (told, heard) = channel();
        let workers = Workers::start(1).unwrap();
        let told = Told(told);
        workers.serve(|counted| async move {
            let _in_flight = (told, counted);
            std::future::pending::<()>().await;
        });
        workers.end();
        heard.try_recv().unwrap();
    }
}
