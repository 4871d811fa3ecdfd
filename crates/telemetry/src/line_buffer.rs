//! The buffer of the log's lines: bounded, written in batches to standard error by one thread, never waited for.
//!
//! ```text
//!  Stage:  Idle ── push (wakes the thread) ──► Gathering ── 10 ms or 64 KiB ──► Writing ── all written ──► Idle
//!  push while more than 1 MiB waits ──► dropped and counted
//! ```
//!
//! It is not `tracing-appender` because that wakes its thread and writes for each line, and does not count what it drops.

use std::io::{ErrorKind, Write};
use std::mem::{swap, take};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest time that a line waits for others.
const GATHER: Duration = Duration::from_millis(10);
/// The size of a batch that is written without waiting for more.
const LARGE: usize = 64 << 10;
/// The largest size of the buffer: lines beyond it are dropped.
const MOST: usize = 1 << 20;
/// The backoff after a failed write: the first pause, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// The buffer of lines that wait to be written.
pub(crate) struct LineBuffer {
    state: Mutex<State>,
    work: Condvar,
    done: Condvar,
}

struct State {
    waiting: Vec<u8>,
    /// Bytes that the thread has taken and not yet written.
    taken: usize,
    stage: Stage,
    /// A flush waits until everything is written.
    hurry: bool,
    dropped: u64,
    untold: u64,
}

/// The state of the writing thread. It is woken only where that changes something: waking costs a system call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    Gathering,
    Writing,
}

impl LineBuffer {
    /// An empty buffer.
    pub(crate) const fn new() -> Self {
        let state = State { waiting: Vec::new(), taken: 0, stage: Stage::Writing, hurry: false, dropped: 0, untold: 0 };
        Self { state: Mutex::new(state), work: Condvar::new(), done: Condvar::new() }
    }

    /// Appends a line with its newline; drops and counts it when the buffer is full.
    pub(crate) fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        let before = state.waiting.len();
        if before.saturating_add(state.taken).saturating_add(line.len()) > MOST {
            state.dropped = state.dropped.saturating_add(1);
            state.untold = state.untold.saturating_add(1);
            return;
        }
        state.waiting.extend_from_slice(line);
        let wake = match state.stage {
            Stage::Idle => true,
            Stage::Gathering => before < LARGE && state.waiting.len() >= LARGE,
            Stage::Writing => false,
        };
        if state.stage == Stage::Idle {
            state.stage = Stage::Gathering;
        }
        drop(state);
        if wake {
            self.work.notify_one();
        }
    }

    /// The number of lines that were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Waits at most this long until everything is written; returns whether it is.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        let mut state = self.lock();
        if state.is_empty() {
            return true;
        }
        state.hurry = true;
        self.work.notify_one();
        let ended = self.done.wait_timeout_while(state, limit, |state| state.hurry);
        ended.unwrap_or_else(PoisonError::into_inner).0.is_empty()
    }

    /// The loop of the writing thread; `tell` logs the number of dropped lines as a line of its own.
    pub(crate) fn write_to(&self, mut out: impl Write, tell: impl Fn(u64)) {
        let mut batch = Vec::new();
        loop {
            self.gather(&mut batch);
            let (mut pause, longest) = PAUSES;
            while write(&mut out, &mut batch).is_err() {
                self.rest(batch.len(), pause);
                pause = pause.saturating_mul(2).min(longest);
            }
            if batch.capacity() > 4 * LARGE {
                batch = Vec::new();
            }
            match self.untold() {
                0 => {}
                lines => tell(lines),
            }
            self.written();
        }
    }

    /// Waits for lines, then a moment for more of them, and takes the batch.
    fn gather(&self, batch: &mut Vec<u8>) {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            state.stage = Stage::Idle;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.stage = Stage::Gathering;
        let gathered = self.work.wait_timeout_while(state, GATHER, |state| state.waiting.len() < LARGE && !state.hurry);
        let mut state = gathered.unwrap_or_else(PoisonError::into_inner).0;
        swap(batch, &mut state.waiting);
        state.taken = batch.len();
        state.stage = Stage::Writing;
    }

    /// Pauses after a failed write, until the backoff is over or a flush asks for another try.
    fn rest(&self, left: usize, pause: Duration) {
        let mut state = self.lock();
        state.taken = left;
        state.hurry = false;
        self.done.notify_all();
        drop(self.work.wait_timeout_while(state, pause, |state| !state.hurry));
    }

    /// The number of dropped lines to report now; 0 while the buffer has little room for the line that reports them.
    fn untold(&self) -> u64 {
        let mut state = self.lock();
        state.taken = 0;
        if state.waiting.len() > MOST / 2 { 0 } else { take(&mut state.untold) }
    }

    fn written(&self) {
        let mut state = self.lock();
        if state.is_empty() {
            state.hurry = false;
            self.done.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.taken == 0
    }
}

/// Writes the batch, and keeps what was not written.
fn write(out: &mut impl Write, batch: &mut Vec<u8>) -> std::io::Result<()> {
    let mut written = 0;
    let result = loop {
        match batch.get(written..) {
            None | Some([]) => break Ok(()),
            Some(rest) => match out.write(rest) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(more) => written = written.saturating_add(more),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            },
        }
    };
    batch.drain(..written.min(batch.len()));
    result
}

#[cfg(test)]
mod tests;
