//! The queue of spans: encoded as they come, gathered into batches, bounded in number and bytes. It never blocks.

use super::conventions::SpanConventions;
use super::sampling::AlwaysSampled;
use super::span;
use aquifer_gateway::record::Record;
use prometheus_client::metrics::counter::Counter;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A batch is full at this length, whatever the number of its spans: gRPC servers take 4 MiB.
const FULL_BATCH: usize = 1 << 20;
/// The most bytes of all batches.
const MOST_BYTES: usize = 16 << 20;

/// The settings of a queue of spans.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpanQueueSettings {
    /// The most spans that wait (`OTEL_BSP_MAX_QUEUE_SIZE`).
    pub most: usize,
    /// The spans of one batch (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`).
    pub batch: usize,
    /// The exchanges that are exported although they are not sampled.
    pub always: AlwaysSampled,
    /// The names of attributes.
    pub names: SpanConventions,
}

/// Spans that wait to be exported.
pub struct SpanQueue {
    settings: SpanQueueSettings,
    waiting: Mutex<Waiting>,
    dropped: Counter,
}

/// Spans of one export, encoded as fields of `ScopeSpans`.
#[derive(Default)]
pub struct SpanBatch {
    pub(super) bytes: Vec<u8>,
    /// The number of them.
    pub spans: usize,
}

#[derive(Default)]
struct Waiting {
    full: VecDeque<SpanBatch>,
    filling: SpanBatch,
    spans: usize,
    bytes: usize,
    waker: Option<Waker>,
}

thread_local! {
    /// The spans of one exchange, while they are encoded.
    static ENCODED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl SpanQueue {
    /// An empty queue, which counts here what it drops.
    pub(crate) fn new(settings: SpanQueueSettings, dropped: Counter) -> Self {
        Self { settings, waiting: Mutex::default(), dropped }
    }

    /// Encodes the spans of an exchange that is sampled, or whose record says that it is to be exported anyway.
    pub(crate) fn take(&self, record: &Record) {
        let Some(trace) = &record.trace else { return };
        if !trace.context.is_sampled && !self.settings.always.has(record) {
            return;
        }
        ENCODED.with_borrow_mut(|bytes| {
            bytes.clear();
            let spans = span::encode(bytes, record, trace, &self.settings.names);
            self.push(bytes, spans);
        });
    }

    fn push(&self, bytes: &[u8], spans: usize) {
        let mut waiting = self.waiting();
        if waiting.spans + spans > self.settings.most || waiting.bytes + bytes.len() > MOST_BYTES {
            drop(waiting);
            return self.dropped(spans);
        }
        waiting.spans += spans;
        waiting.bytes += bytes.len();
        waiting.filling.spans += spans;
        waiting.filling.bytes.extend_from_slice(bytes);
        if waiting.filling.spans >= self.settings.batch || waiting.filling.bytes.len() >= FULL_BATCH {
            let batch = std::mem::take(&mut waiting.filling);
            waiting.full.push_back(batch);
            if let Some(waker) = waiting.waker.take() {
                waker.wake();
            }
        }
    }

    /// Waits until a batch is full.
    pub fn poll_full(&self, cx: &Context<'_>) -> Poll<()> {
        let mut waiting = self.waiting();
        if waiting.full.is_empty() {
            waiting.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Takes the oldest batch, full or not; `None`: no span waits.
    pub fn batch(&self) -> Option<SpanBatch> {
        let mut waiting = self.waiting();
        let batch = waiting.full.pop_front().unwrap_or_else(|| std::mem::take(&mut waiting.filling));
        waiting.spans = waiting.spans.saturating_sub(batch.spans);
        waiting.bytes = waiting.bytes.saturating_sub(batch.bytes.len());
        (batch.spans > 0).then_some(batch)
    }

    /// Counts spans that are dropped.
    pub fn dropped(&self, spans: usize) {
        self.dropped.inc_by(spans as u64);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
