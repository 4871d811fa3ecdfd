//! What was asked and what became of the streams, for tests to look at.

use crate::outage::{Every, Outage};
use crate::prompt_cache::PromptCache;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The most requests and look-ups that are remembered.
const MOST: usize = 1000;

/// The simulator's memory.
#[derive(Debug, Default)]
pub(crate) struct State {
    requests: Mutex<VecDeque<Value>>,
    lookups: Mutex<VecDeque<Value>>,
    count: AtomicU64,
    open: AtomicU64,
    finished: AtomicU64,
    abandoned: AtomicU64,
    /// What goes wrong by itself.
    pub(crate) outage: Outage,
    pub(crate) prompts: PromptCache,
}

impl State {
    pub(crate) fn new(faults: &[Every]) -> Self {
        Self { outage: Outage::new(faults), ..Self::default() }
    }

    pub(crate) fn remember(&self, request: Value) {
        push(&self.requests, request);
    }

    pub(crate) fn requests(&self) -> Value {
        all(&self.requests)
    }

    pub(crate) fn forget(&self) {
        for list in [&self.requests, &self.lookups] {
            list.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// Notes that the control plane was asked for a profile.
    pub(crate) fn looked_up(&self, identifier: &str) {
        push(&self.lookups, json!(identifier));
    }

    pub(crate) fn lookups(&self) -> Value {
        all(&self.lookups)
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

fn push(list: &Mutex<VecDeque<Value>>, value: Value) {
    let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
    if list.len() == MOST {
        list.pop_front();
    }
    list.push_back(value);
}

fn all(list: &Mutex<VecDeque<Value>>) -> Value {
    Value::Array(list.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect())
}
