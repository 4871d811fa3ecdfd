//! Gauges of the process's state, read when metrics are asked for.

use super::families::{Labels, register};
use crate::clock;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use std::time::UNIX_EPOCH;

/// A gauge of seconds.
type Seconds = Gauge<f64, AtomicU64>;

/// What a host knows of its state when metrics are asked for.
#[derive(Clone, Debug, Default)]
pub struct HostState {
    /// The runtimes' tasks that have not ended.
    pub tasks: usize,
    /// The backends of the configuration in force.
    pub backends: Vec<BackendState>,
}

/// The state of one backend.
#[derive(Clone, Debug, Default)]
pub struct BackendState {
    /// `namespace/name`.
    pub name: String,
    /// It is left alone after failures.
    pub is_ejected: bool,
    /// Its calls that were sent and whose answer is not read to its end.
    pub open_calls: usize,
    /// When the AWS credentials in use expire, in seconds since 1970.
    pub credentials_expiry: Option<u64>,
}

/// The gauges of a process.
#[derive(Default)]
pub(super) struct StateGauges {
    tasks: Gauge,
    ejected: Family<Labels, Gauge>,
    open_calls: Family<Labels, Gauge>,
    credentials: Family<Labels, Gauge>,
    reload_successful: Gauge,
    reload_time: Seconds,
    config_warnings: Gauge,
    process: ProcessGauges,
}

/// What the system knows of the process.
#[derive(Default)]
struct ProcessGauges {
    cpu: Counter<f64, AtomicU64>,
    start: Seconds,
    resident: Gauge,
    virtual_memory: Gauge,
    open_fds: Gauge,
    max_fds: Gauge,
    threads: Gauge,
}

impl StateGauges {
    pub(super) fn register(&self, registry: &mut Registry) {
        register(registry, "aquifer_tasks", self.tasks.clone());
        register(registry, "aquifer_backend_ejected", self.ejected.clone());
        register(registry, "aquifer_backend_open_calls", self.open_calls.clone());
        register(registry, "aquifer_credentials_expiry_timestamp_seconds", self.credentials.clone());
        register(registry, "aquifer_config_last_reload_successful", self.reload_successful.clone());
        register(registry, "aquifer_config_last_reload_timestamp_seconds", self.reload_time.clone());
        register(registry, "aquifer_config_warnings", self.config_warnings.clone());
        let process = &self.process;
        register(registry, "process_cpu_seconds_total", process.cpu.clone());
        register(registry, "process_start_time_seconds", process.start.clone());
        register(registry, "process_resident_memory_bytes", process.resident.clone());
        register(registry, "process_virtual_memory_bytes", process.virtual_memory.clone());
        register(registry, "process_open_fds", process.open_fds.clone());
        register(registry, "process_max_fds", process.max_fds.clone());
        register(registry, "process_threads", process.threads.clone());
    }

    /// A configuration was taken over, with so many problems.
    pub(super) fn adopted(&self, problems: usize) {
        self.reload_successful.set(1);
        self.reload_time.set(clock::wall().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        self.config_warnings.set(whole(problems));
    }

    /// A configuration was refused.
    pub(super) fn refused(&self) {
        self.reload_successful.set(0);
    }

    /// Sets every gauge to what is so now.
    pub(super) fn set(&self, state: &HostState) {
        self.tasks.set(whole(state.tasks));
        // A backend that is gone is not told any more.
        for family in [&self.ejected, &self.open_calls, &self.credentials] {
            family.clear();
        }
        for BackendState { name, is_ejected, open_calls, credentials_expiry } in &state.backends {
            let labels = Labels::one("backend", name);
            self.ejected.get_or_create(&labels).set(i64::from(*is_ejected));
            self.open_calls.get_or_create(&labels).set(whole(*open_calls));
            if let Some(expiry) = credentials_expiry {
                self.credentials.get_or_create(&labels).set(i64::try_from(*expiry).unwrap_or(i64::MAX));
            }
        }
        self.process.set();
    }
}

impl ProcessGauges {
    /// Sets them by what Linux tells in `/proc`; elsewhere they stay zero.
    fn set(&self) {
        let read = |name: &str| std::fs::read_to_string(["/proc/self/", name].concat()).unwrap_or_default();
        let text = read("stat");
        // The name of the program, in brackets, may hold anything.
        let fields: Vec<u64> = text.rsplit(')').next().unwrap_or_default().split_whitespace().map(number).collect();
        let [user, system, threads, start, bytes, pages] =
            [11, 12, 17, 19, 20, 21].map(|at: usize| fields.get(at).copied().unwrap_or(0));
        self.cpu.inner().store(seconds(user + system).to_bits(), std::sync::atomic::Ordering::Relaxed);
        self.threads.set(signed(threads));
        self.virtual_memory.set(signed(bytes));
        self.resident.set(signed(pages.saturating_mul(PAGE)));
        let boot = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let boot = boot.lines().find_map(|line| line.strip_prefix("btime ")).map_or(0, number);
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
        self.start.set(boot as f64 + seconds(start));
        let limits = read("limits");
        let most = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
        self.max_fds.set(signed(most.map_or(0, number)));
        self.open_fds.set(whole(std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)));
    }
}

/// The size of a page: on all systems that are supported.
const PAGE: u64 = 4096;
/// The ticks of a second in `/proc`, of every Linux.
const TICKS: f64 = 100.0;

#[expect(clippy::cast_precision_loss, reason = "ticks are far below 2^52")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / TICKS
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
