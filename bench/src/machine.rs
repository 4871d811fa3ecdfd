//! The machine: its cores and who runs on which, its limits, its name in the results.

use crate::say;
use serde::Serialize;
use std::fs;

/// What the results say of the machine.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// Cores that this process may use.
    pub(crate) cores: usize,
    /// The processor's name.
    pub(crate) processor: String,
}

impl Machine {
    /// Looks.
    pub(crate) fn here() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self { cores, processor: processor(&text).unwrap_or("unknown").to_owned() }
    }
}

fn processor(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim())
}

/// Two cores: one for what is measured, one for everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cores {
    /// For what is measured.
    pub(crate) measured: usize,
    /// For the load generator and the upstream.
    pub(crate) load: usize,
}

impl Cores {
    /// Chooses two, and moves this process to the second; none when there is one core only, which is said.
    pub(crate) fn take() -> Option<Self> {
        let Some(cores) = affinity::allowed().as_deref().and_then(Self::choose) else {
            say::loudly("Nothing is pinned: this needs Linux and two cores. Do not compare these figures.");
            return None;
        };
        affinity::pin(cores.load);
        Some(cores)
    }

    fn choose(allowed: &[usize]) -> Option<Self> {
        match allowed {
            [measured, load, ..] => Some(Self { measured: *measured, load: *load }),
            _ => None,
        }
    }

    /// Runs something, the start of a process for one, on the core of what is measured.
    pub(crate) fn on_measured<T>(self, action: impl FnOnce() -> T) -> T {
        affinity::pin(self.measured);
        let result = action();
        affinity::pin(self.load);
        result
    }
}

#[cfg(target_os = "linux")]
mod affinity {
    //! The scheduler's masks.

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    pub(super) fn allowed() -> Option<Vec<usize>> {
        let set = sched_getaffinity(None).ok()?;
        Some((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect())
    }

    pub(super) fn pin(core: usize) {
        let mut set = CpuSet::new();
        set.set(core);
        if let Err(error) = sched_setaffinity(None, &set) {
            crate::say::loudly(&format!("Core {core} cannot be chosen: {error}"));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod affinity {
    //! Other systems have no masks that could be set.

    pub(super) fn allowed() -> Option<Vec<usize>> {
        None
    }

    pub(super) fn pin(_: usize) {}
}

/// Raises the number of files that this process and those it starts may open; returns what it is now.
pub(crate) fn raise_open_files(wanted: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let maximum = now.maximum.unwrap_or(u64::MAX);
    if now.current.unwrap_or(u64::MAX) >= wanted {
        return wanted;
    }
    // Only root may raise the upper limit; everybody may go up to it.
    for maximum in [maximum.max(wanted), maximum] {
        let limit = Rlimit { current: Some(wanted.min(maximum)), maximum: Some(maximum) };
        if setrlimit(Resource::Nofile, limit).is_ok() {
            return wanted.min(maximum);
        }
    }
    now.current.unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_has_a_name() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: Fast One\nflags\t: x\n"), Some("Fast One"));
        assert_eq!(processor("nothing"), None);
        assert!(Machine::here().cores > 0);
    }

    #[test]
    fn two_cores_are_chosen_or_none() {
        assert_eq!(Cores::choose(&[3, 5, 6]), Some(Cores { measured: 3, load: 5 }));
        assert_eq!(Cores::choose(&[3]), None);
    }

    #[test]
    fn the_limit_of_files_is_never_lowered() {
        let first = raise_open_files(64);
        assert!(first >= 64);
        assert!(raise_open_files(32) >= 32);
    }
}
