//! One exchange, as those who watch it see it while it is under way and for a while behind its end.

use super::text::ObservedText;
use crate::process::clock;
use aquifer_gateway::config::Observe;
use aquifer_gateway::exchange::{Exchange, Phase};
use aquifer_gateway::record::{Outcome, Record};
use aquifer_gateway::translate::answer_text::TextKind;
use aquifer_gateway::translate::dialect::Dialect;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// An exchange under way. What changes with every byte is in atomics that only its own driver writes.
pub(super) struct OpenExchange {
    pub(super) id: String,
    pub(super) dialect: Dialect,
    pub(super) begun: Instant,
    pub(super) begun_unix_ms: u64,
    /// It is listed before its policy is known: no policy forbids that.
    listed_early: bool,
    facts: Mutex<Facts>,
    phase: AtomicU8,
    /// Milliseconds since it began.
    phase_since: AtomicU64,
    /// Nanoseconds since it began; nought before the first byte.
    last_byte: AtomicU64,
    bytes: AtomicU64,
    reasoning_chars: AtomicU64,
    content_chars: AtomicU64,
    /// Its text, from the moment at which it is kept.
    text: OnceLock<Box<Mutex<ObservedText>>>,
    /// The memory of its text that is counted.
    pub(super) counted: AtomicUsize,
    outcome: OnceLock<Outcome>,
}

/// What is known of an exchange, and changes with its calls.
#[derive(Clone, Default)]
pub(super) struct Facts {
    pub(super) model: String,
    pub(super) caller: Option<Arc<str>>,
    pub(super) route: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) stream: bool,
    pub(super) attempts: usize,
    pub(super) backend: Option<String>,
    pub(super) model_id: Option<String>,
    /// What the policies of its calls say; `None` before the first one.
    pub(super) observe: Option<Observe>,
    pub(super) policy: Option<Arc<str>>,
}

impl Facts {
    /// What the record of an exchange says before any call.
    fn of(record: &Record) -> Self {
        Self {
            model: record.model.clone(),
            caller: record.caller.clone(),
            route: record.route.clone(),
            rule: record.rule.clone(),
            stream: record.stream,
            ..Self::default()
        }
    }

    /// Takes in what the record says of its calls.
    fn call(&mut self, record: &Record) {
        let last = record.attempts.last();
        self.attempts = record.attempts.len();
        self.backend = last.map(|call| call.backend.clone());
        self.model_id = last.map(|call| call.model_id.clone());
        self.observe = last.map(|_| record.observe);
        self.policy.clone_from(&record.observe_by);
    }
}

impl OpenExchange {
    /// An exchange whose request was read.
    pub(super) fn new(exchange: &Exchange, listed_early: bool) -> Self {
        let (begun, now) = (exchange.begun(), clock::now());
        let since = now.saturating_duration_since(begun);
        Self {
            id: exchange.id().to_owned(),
            dialect: exchange.record().dialect,
            begun,
            begun_unix_ms: unix_ms(clock::wall()).saturating_sub(millis(since)),
            listed_early,
            facts: Mutex::new(Facts::of(exchange.record())),
            phase: AtomicU8::new(Phase::Queued as u8),
            phase_since: AtomicU64::new(millis(since)),
            last_byte: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            reasoning_chars: AtomicU64::new(0),
            content_chars: AtomicU64::new(0),
            text: OnceLock::new(),
            counted: AtomicUsize::new(0),
            outcome: OnceLock::new(),
        }
    }

    /// Takes in what the record says once another call was made; gives what may be observed now.
    pub(super) fn called(&self, record: &Record) -> Observe {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).call(record);
        record.observe
    }

    /// Counts bytes that the client is told.
    #[inline]
    pub(super) fn told(&self, bytes: usize, heard_at: Option<Instant>) {
        // Nobody else writes these, so that no bus is locked.
        self.bytes.store(self.bytes.load(Ordering::Relaxed) + bytes as u64, Ordering::Relaxed);
        if let Some(at) = heard_at {
            let since = at.saturating_duration_since(self.begun);
            // Of the ways to put a time into a word this is the cheapest one.
            let nanoseconds = since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos());
            self.last_byte.store(nanoseconds, Ordering::Relaxed);
        }
    }

    /// Notes the phase, if it is another one.
    #[inline]
    pub(super) fn set_phase(&self, phase: Phase) {
        if self.phase.load(Ordering::Relaxed) != phase as u8 {
            self.begin_phase(phase);
        }
    }

    #[cold]
    fn begin_phase(&self, phase: Phase) {
        self.phase_since.store(millis(clock::now().saturating_duration_since(self.begun)), Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Counts the letters of a piece.
    pub(super) fn count(&self, kind: TextKind, text: &str) {
        let count = match kind {
            TextKind::Reasoning => &self.reasoning_chars,
            TextKind::Content => &self.content_chars,
            TextKind::CallId | TextKind::CallName | TextKind::CallArguments | TextKind::Error => return,
        };
        count.fetch_add(text.chars().count() as u64, Ordering::Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        let now = self.phase.load(Ordering::Relaxed);
        Phase::ALL.into_iter().find(|phase| *phase as u8 == now).unwrap_or_default()
    }

    pub(super) fn phase_since_unix_ms(&self) -> u64 {
        self.begun_unix_ms + self.phase_since.load(Ordering::Relaxed)
    }

    /// When the last byte of an answer came; `None`: none did.
    pub(super) fn last_byte_unix_ms(&self) -> Option<u64> {
        let last = self.last_byte.load(Ordering::Relaxed);
        (last > 0).then(|| self.begun_unix_ms + last / 1_000_000)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The letters of reasoning and of content so far, where they are read.
    pub(super) fn letters(&self) -> Option<[u64; 2]> {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        self.is_observed().then(|| [count(&self.reasoning_chars), count(&self.content_chars)])
    }

    pub(super) fn facts(&self) -> Facts {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it may be listed.
    pub(super) fn is_listed(&self) -> bool {
        match self.facts.lock().unwrap_or_else(PoisonError::into_inner).observe {
            Some(observe) => observe > Observe::Nothing,
            None => self.listed_early,
        }
    }

    /// Its text, as far as it is kept.
    pub(super) fn text(&self) -> MutexGuard<'_, ObservedText> {
        self.text.get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its text was kept.
    pub(super) fn is_observed(&self) -> bool {
        self.text.get().is_some()
    }

    /// It ended.
    pub(super) fn end(&self, outcome: Outcome) {
        let _ = self.outcome.set(outcome);
    }

    /// How it ended.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.outcome.get().copied()
    }
}

/// Whole milliseconds.
pub(super) fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds since the epoch.
pub(super) fn unix_ms(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, millis)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An exchange of this id, of which nothing else is known.
    pub(in crate::live) fn open(id: &str) -> Arc<OpenExchange> {
        let (config, health) = (Arc::default(), Arc::new(aquifer_gateway::health::BackendHealth::new(0, clock::now())));
        let exchange = Exchange::nothing(config, health, clock::now());
        Arc::new(OpenExchange { id: id.to_owned(), ..OpenExchange::new(&exchange, true) })
    }
}
