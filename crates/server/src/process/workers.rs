//! Worker threads: each has a single-threaded runtime, and a connection stays on its worker (thread per core).
//!
//! A call is made over connections of the same thread where there are any, so that a delta wakes no other core. Compared
//! with one runtime whose threads take work from one another, a small request costs a tenth less.

use crate::process::clock;
use anyhow::Context as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

/// Each worker wakes up at least this often. A timeout that is later than the next wake-up, as nearly all of a call's are,
/// then needs no system call to set the thread's timer; the wake-ups are also its heartbeat.
const TICK: Duration = Duration::from_secs(5);

/// A worker without a heartbeat for this long is stuck.
const STUCK: Duration = Duration::from_secs(10);

/// An HTTP/2 stream moves to another worker when that has this many connections and streams fewer.
const FEWER: usize = 2;

/// The limit of time for tasks that still run at shutdown.
const END: Duration = Duration::from_secs(2);

/// All workers.
pub(crate) struct Workers {
    all: Vec<Worker>,
    end: watch::Sender<bool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Worker {
    runtime: Handle,
    /// Connections and further streams.
    serves: Arc<AtomicUsize>,
    pulse: Arc<Heartbeat>,
}

/// The last heartbeat of a worker, for the liveness check.
struct Heartbeat {
    since: Instant,
    /// In milliseconds.
    last: AtomicU64,
}

/// Counts a connection or stream towards its worker's load until it is dropped.
pub(crate) struct LoadGuard {
    serves: Arc<AtomicUsize>,
    /// The number of the thread.
    pub(crate) worker: usize,
}

impl Workers {
    /// Starts this many workers.
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

    /// Spawns a connection on the least loaded worker. It counts as load for as long as it holds its guard, which is handed
    /// in because a wrapping future would hold the connection's state twice.
    pub(crate) fn serve<F: Future<Output = ()> + Send + 'static>(&self, connection: impl FnOnce(LoadGuard) -> F) {
        let loads = self.all.iter().enumerate().map(|(at, worker)| (worker.load(), at));
        if let Some((_, least)) = loads.min() {
            self.serve_at(least, connection);
        }
    }

    /// Spawns an HTTP/2 stream on the worker of its connection, or on the least loaded one.
    pub(crate) fn serve_stream<F: Future<Output = ()> + Send + 'static>(
        &self,
        home: usize,
        stream: impl FnOnce(LoadGuard) -> F,
    ) {
        let least = self.all.iter().enumerate().map(|(at, worker)| (worker.load(), at)).min();
        let load = self.all.get(home).map_or(0, Worker::load);
        let at = least.filter(|(least, _)| least + FEWER <= load).map_or(home, |(_, at)| at);
        self.serve_at(at, stream);
    }

    fn serve_at<F: Future<Output = ()> + Send + 'static>(&self, worker: usize, what: impl FnOnce(LoadGuard) -> F) {
        let Some(Worker { runtime, serves, .. }) = self.all.get(worker) else { return };
        serves.fetch_add(1, Ordering::Relaxed);
        runtime.spawn(what(LoadGuard { serves: Arc::clone(serves), worker }));
    }

    /// The names of the workers without a recent heartbeat.
    pub(crate) fn stuck(&self, now: Instant) -> Vec<String> {
        let stuck = self.all.iter().enumerate().filter(|(_, worker)| worker.pulse.silence(now) > STUCK);
        stuck.map(|(number, _)| name(number)).collect()
    }

    /// Shuts all workers down, with the tasks that they still run, and joins them. Must not be called on a worker.
    pub(crate) fn end(&self) {
        self.end.send_replace(true);
        for thread in self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // The panic hook has logged a worker that panicked.
            drop(thread.join());
        }
    }

    /// The number of tasks that have not ended.
    pub(crate) fn tasks(&self) -> usize {
        self.all.iter().map(|worker| worker.runtime.metrics().num_alive_tasks()).sum()
    }
}

impl Worker {
    fn start(number: usize, mut ended: watch::Receiver<bool>) -> anyhow::Result<(Self, JoinHandle<()>)> {
        let runtime = Builder::new_current_thread().enable_all().build().context("a runtime did not start")?;
        let handle = runtime.handle().clone();
        let pulse = Arc::new(Heartbeat { since: clock::now(), last: AtomicU64::new(0) });
        let beats = Arc::clone(&pulse);
        let serve = move || {
            runtime.block_on(async {
                while tokio::time::timeout(TICK, ended.wait_for(|ended| *ended)).await.is_err() {
                    beats.beat(clock::now());
                }
            });
            // Streams that are still in flight end here, and are recorded.
            runtime.shutdown_timeout(END);
        };
        let thread = std::thread::Builder::new().name(name(number)).spawn(serve);
        let thread = thread.context("the system gives no thread")?;
        Ok((Self { runtime: handle, serves: Arc::default(), pulse }, thread))
    }

    fn load(&self) -> usize {
        self.serves.load(Ordering::Relaxed)
    }
}

fn name(worker: usize) -> String {
    format!("worker-{worker}")
}

impl Heartbeat {
    fn beat(&self, now: Instant) {
        let since = now.saturating_duration_since(self.since);
        self.last.store(u64::try_from(since.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn silence(&self, now: Instant) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        now.saturating_duration_since(self.since).saturating_sub(last)
    }
}

impl Drop for LoadGuard {
    fn drop(&mut self) {
        self.serves.fetch_sub(1, Ordering::Relaxed);
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
        assert!(workers.all.iter().all(|worker| worker.load() == 0));
    }

    #[test]
    fn streams_of_one_connection_are_served_by_all() {
        let workers = Workers::start(2).unwrap();
        let (told, heard) = channel();
        let (go_on, stop) = watch::channel(false);
        for at in 0..10 {
            let (told, mut stop) = (told.clone(), stop.clone());
            let serve = |counted: LoadGuard| async move {
                told.send(counted.worker).unwrap();
                drop(stop.wait_for(|stop| *stop).await);
                drop(counted);
            };
            if at == 0 { workers.serve(serve) } else { workers.serve_stream(0, serve) }
        }
        let by: Vec<usize> = heard.iter().take(10).collect();
        assert_eq!(by.iter().filter(|worker| **worker == 1).count(), 4, "{by:?}");
        go_on.send_replace(true);
    }

    #[test]
    fn a_thread_that_does_not_come_to_its_timer_is_stuck() {
        let workers = Workers::start(2).unwrap();
        let now = clock::now();
        assert!(workers.stuck(now).is_empty());
        workers.all[0].pulse.beat(now + Duration::from_secs(60));
        assert_eq!(workers.stuck(now + Duration::from_secs(65)), ["worker-1"]);
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
