//! CPU time and memory of a process and all its descendants, as `/proc` tells them.

use anyhow::Context;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The numbers of `/proc/PID/stat` that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// User and system time of the process, in ticks.
    own: u64,
    /// The same of its children that it has waited for.
    children: u64,
}

/// Reads a line of `/proc/PID/stat`; the program's name in it may hold anything.
fn stat(line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // The first field after the name is the third of the line (proc(5)).
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(4)?).ok()?,
        own: number(14)? + number(15)?,
        children: number(16)? + number(17)?,
    })
}

/// Nanoseconds on a processor, from a line of `/proc/PID/task/TID/schedstat`.
fn schedstat(line: &str) -> Option<u64> {
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Kibibytes that are in memory, from `/proc/PID/status`.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// A process and its descendants at one moment.
#[derive(Debug)]
pub(crate) struct Tree {
    processes: BTreeMap<u32, Stat>,
}

impl Tree {
    /// Reads who descends from `root`.
    pub(crate) fn of(root: u32) -> anyhow::Result<Self> {
        let mut all = BTreeMap::new();
        for entry in fs::read_dir("/proc").context("there is no /proc: this benchmark needs Linux")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // A process that ends meanwhile is none of ours, or its time goes to its parent.
            let line = fs::read_to_string(entry.path().join("stat")).ok();
            if let Some(stat) = line.as_deref().and_then(stat) {
                all.insert(pid, stat);
            }
        }
        anyhow::ensure!(all.contains_key(&root), "process {root} has ended");
        Ok(Self { processes: descendants(&all, root) })
    }

    /// The numbers of its processes, `root` first or not.
    pub(crate) fn pids(&self) -> impl Iterator<Item = u32> + '_ {
        self.processes.keys().copied()
    }

    /// Seconds of user and system time since they began.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let tick = 1.0 / rustix::param::clock_ticks_per_second() as f64;
        // The scheduler's own count is finer but leaves out threads that have ended: the larger one is right.
        let process = |(pid, stat): (&u32, &Stat)| {
            let scheduled = scheduled(*pid) as f64 / 1e9;
            (stat.own as f64 * tick).max(scheduled) + stat.children as f64 * tick
        };
        self.processes.iter().map(process).sum()
    }

    /// Kibibytes of memory. Pages that several of them share count for each.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = |pid: u32| fs::read_to_string(format!("/proc/{pid}/status")).ok();
        self.pids().filter_map(|pid| resident(&status(pid)?)).sum()
    }
}

fn descendants(all: &BTreeMap<u32, Stat>, root: u32) -> BTreeMap<u32, Stat> {
    let mut found = BTreeMap::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        if let Some(stat) = all.get(&pid)
            && found.insert(pid, *stat).is_none()
        {
            open.extend(all.iter().filter(|(_, child)| child.parent == pid).map(|(child, _)| *child));
        }
    }
    found
}

fn scheduled(pid: u32) -> u64 {
    let read = |path: &Path| fs::read_to_string(path.join("schedstat")).ok();
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    tasks.into_iter().flatten().flatten().filter_map(|task| schedstat(&read(&task.path())?)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "42 (a) b (c) S 7 42 42 0 -1 4194304 100 0 0 0 123 45 6 7 20 0 3 0 100 1000 50";

    #[test]
    fn a_name_may_hold_spaces_and_brackets() {
        assert_eq!(stat(LINE), Some(Stat { parent: 7, own: 168, children: 13 }));
        assert_eq!(stat("42 (short) S 7"), None);
        assert_eq!(stat(""), None);
    }

    #[test]
    fn times_and_memory_are_read() {
        assert_eq!(schedstat("123456789 55 7\n"), Some(123_456_789));
        assert_eq!(schedstat(""), None);
        assert_eq!(resident("Name:\tx\nVmRSS:\t   2048 kB\nThreads:\t1\n"), Some(2048));
        assert_eq!(resident("Name:\tx\n"), None);
    }

    #[test]
    fn a_tree_holds_children_of_children_and_nobody_else() {
        let process = |parent| Stat { parent, own: 0, children: 0 };
        let all = BTreeMap::from([(1, process(0)), (2, process(1)), (3, process(2)), (4, process(1)), (5, process(9))]);
        assert_eq!(descendants(&all, 2).into_keys().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(descendants(&all, 1).into_keys().collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn this_process_has_memory_and_time() {
        let tree = Tree::of(std::process::id()).unwrap();
        assert!(tree.resident_kib() > 100);
        assert!(tree.cpu_seconds() >= 0.0);
        assert!(Tree::of(u32::MAX).is_err());
    }
}
