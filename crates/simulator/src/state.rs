//! What was asked and what became of the streams, for tests to look at.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most requests that are remembered.
const MOST: usize = 1000;

/// The simulator's memory.
#[derive(Debug, Default)]
pub(crate) struct State {
    requests: Mutex<VecDeque<Value>>,
    count: AtomicU64,
    open: AtomicU64,
    finished: AtomicU64,
    abandoned: AtomicU64,
}

impl State {
    pub(crate) fn remember(&self, request: Value) {
        let mut requests = self.requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if requests.len() == MOST {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub(crate) fn requests(&self) -> Value {
        let requests = self.requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Value::Array(requests.iter().cloned().collect())
    }

    pub(crate) fn forget(&self) {
        self.requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
    }

    pub(crate) fn streams(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({ "open": read(&self.open), "finished": read(&self.finished), "abandoned": read(&self.abandoned) })
    }

    /// An id for a request, in the form that AWS gives them.
    pub(crate) fn request_id(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("00000000-0000-4000-8000-{count:012x}")
    }

    pub(crate) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self, finished: bool) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        let counter = if finished { &self.finished } else { &self.abandoned };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
