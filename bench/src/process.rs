//! Processes that are started for a measurement, and ended with all their children.

use crate::clock;
use crate::machine::Cores;
use crate::procfs::Tree;
use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a process may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// A process; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: String,
}

/// A command without the caller's own AWS settings.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("AWS_") || text.starts_with("AQUIFER_") {
            command.env_remove(&name);
        }
    }
    command
}

impl Process {
    /// Starts on the core of what is measured; what it says goes into a file.
    pub(crate) fn measured(name: &str, mut command: Command, log: &Path, cores: Option<Cores>) -> anyhow::Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let start = || command.spawn();
        let child = match cores {
            Some(cores) => cores.on_measured(start),
            None => command.spawn(),
        };
        let child = child.with_context(|| format!("cannot start {name} ({})", command.get_program().display()))?;
        Ok(Self { child, name: name.to_owned() })
    }

    /// Wraps a child that was started otherwise.
    pub(crate) fn of(name: &str, child: Child) -> Self {
        Self { child, name: name.to_owned() }
    }

    /// It and its descendants.
    pub(crate) fn tree(&self) -> anyhow::Result<Tree> {
        Tree::of(self.child.id()).with_context(|| format!("{} is gone", self.name))
    }

    /// Waits until something is so; an error when the process ends before or it takes too long.
    pub(crate) fn wait_until(&mut self, limit: Duration, mut so: impl FnMut() -> bool) -> anyhow::Result<()> {
        let began = clock::now();
        while !so() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended before it was ready ({status})", self.name);
            }
            if began.elapsed() > limit {
                bail!("{} was not ready within {limit:?}", self.name);
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Asks it to end, waits, and ends what is left of it.
    fn end(&mut self) {
        // Children are looked for first: of a parent that has ended they are no children any more.
        let all: Vec<u32> = Tree::of(self.child.id()).map(|tree| tree.pids().collect()).unwrap_or_default();
        signal(self.child.id(), Signal::TERM);
        let began = clock::now();
        while began.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(LOOK);
        }
        let ended = matches!(self.child.try_wait(), Ok(Some(_)));
        for pid in all.into_iter().filter(|pid| *pid != self.child.id() || !ended) {
            signal(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(script: &str) -> Process {
        let mut command = command("/bin/sh");
        command.args(["-c", script]);
        Process::measured("shell", command, Path::new("/dev/null"), None).unwrap()
    }

    #[test]
    fn children_end_with_their_parent() {
        let shell = started("sleep 1000 & wait");
        let pid = shell.child.id();
        let child = loop {
            let pids: Vec<u32> = shell.tree().unwrap().pids().filter(|it| *it != pid).collect();
            if let [child] = pids.as_slice() {
                break *child;
            }
            std::thread::sleep(LOOK);
        };
        drop(shell);
        assert!(Tree::of(pid).is_err());
        // Whoever inherits it may take a moment to bury it.
        assert!((0..250).any(|_| {
            std::thread::sleep(LOOK);
            Tree::of(child).is_err()
        }));
    }

    #[test]
    fn a_process_that_ends_is_not_ready() {
        let error = started("exit 3").wait_until(PATIENCE, || false).unwrap_err();
        assert!(error.to_string().contains("ended"), "{error}");
        let error = started("sleep 1000").wait_until(Duration::from_millis(50), || false).unwrap_err();
        assert!(error.to_string().contains("not ready"), "{error}");
    }
}
