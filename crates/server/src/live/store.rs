//! The memory of observed texts: so much for all of them, the oldest goes first, and each is gone a while behind its end.

use super::open::OpenExchange;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The memory of all texts together.
const MOST: usize = 32 << 20;

/// The texts that are kept.
pub(super) struct TextStore {
    most: usize,
    retention: Duration,
    used: AtomicUsize,
    kept: Mutex<VecDeque<Kept>>,
    /// Wakes whoever drops texts whose time is over.
    pub(super) ended: Arc<Notify>,
}

/// A text that is kept.
struct Kept {
    of: Arc<OpenExchange>,
    /// When it is dropped; `None` while its exchange is under way.
    until: Option<Instant>,
}

impl TextStore {
    /// An empty store that keeps texts so long behind the end of their exchanges.
    pub(super) fn new(retention: Duration) -> Self {
        Self::of_size(MOST, retention)
    }

    fn of_size(most: usize, retention: Duration) -> Self {
        Self { most, retention, used: AtomicUsize::new(0), kept: Mutex::default(), ended: Arc::default() }
    }

    /// Keeps the text of an exchange from now on.
    pub(super) fn keep(&self, of: &Arc<OpenExchange>) {
        self.kept().push_back(Kept { of: Arc::clone(of), until: None });
        self.count(of);
    }

    /// Counts the memory of a text that has changed, and makes room for it.
    pub(super) fn count(&self, of: &OpenExchange) {
        self.recount(of);
        while self.used.load(Ordering::Relaxed) > self.most {
            let Some(oldest) = self.kept().pop_front() else { return };
            self.close(&oldest.of);
        }
    }

    fn recount(&self, of: &OpenExchange) {
        let text = of.text();
        let room = if text.is_closed() { 0 } else { text.room() };
        let before = of.counted.swap(room, Ordering::Relaxed);
        self.used.fetch_add(room, Ordering::Relaxed);
        self.used.fetch_sub(before, Ordering::Relaxed);
    }

    fn close(&self, of: &OpenExchange) {
        of.text().close();
        self.recount(of);
    }

    /// The exchange ended: its text goes when its time is over.
    pub(super) fn end(&self, of: &Arc<OpenExchange>, now: Instant) {
        let mut kept = self.kept();
        let Some(at) = kept.iter().rposition(|kept| Arc::ptr_eq(&kept.of, of)) else { return };
        if self.retention.is_zero() {
            kept.remove(at);
            drop(kept);
            return self.close(of);
        }
        if let Some(found) = kept.get_mut(at) {
            found.until = now.checked_add(self.retention);
        }
        drop(kept);
        self.ended.notify_one();
    }

    /// Drops the texts whose time is over; when the next one's is.
    pub(super) fn expire(&self, now: Instant) -> Option<Instant> {
        let mut gone = Vec::new();
        let mut kept = self.kept();
        kept.retain(|kept| {
            let over = kept.until.is_some_and(|until| until <= now);
            if over {
                gone.push(Arc::clone(&kept.of));
            }
            !over
        });
        let next = kept.iter().filter_map(|kept| kept.until).min();
        drop(kept);
        gone.iter().for_each(|of| self.close(of));
        next
    }

    /// The exchange of this id whose text is kept.
    pub(super) fn find(&self, id: &str) -> Option<Arc<OpenExchange>> {
        self.kept().iter().rev().find(|kept| kept.of.id == id).map(|kept| Arc::clone(&kept.of))
    }

    /// The memory that is used.
    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::open::tests::open;
    use crate::process::clock;
    use aquifer_gateway::config::Observe;
    use aquifer_gateway::translate::answer_text::{TextKind, TextPiece};

    fn say(store: &TextStore, of: &OpenExchange, text: &str) {
        let piece = TextPiece { kind: TextKind::Content, block: 0, text: text.into() };
        of.text().push(Observe::Everything, &piece);
        store.count(of);
    }

    #[test]
    fn a_text_is_gone_a_while_behind_the_end() {
        let (store, now) = (TextStore::new(Duration::from_secs(60)), clock::now());
        let (one, other) = (open("one"), open("other"));
        for of in [&one, &other] {
            store.keep(of);
            say(&store, of, "secret");
        }
        assert_eq!(store.expire(now + Duration::from_secs(999)), None, "an exchange under way keeps its text");
        store.end(&one, now);
        assert_eq!(store.expire(now), Some(now + Duration::from_secs(60)));
        assert!(store.find("one").is_some());
        assert_eq!(store.expire(now + Duration::from_secs(60)), None);
        assert!(store.find("one").is_none() && one.text().is_closed(), "who still looks at it sees nothing either");
        assert!(store.find("other").is_some_and(|other| !other.text().is_closed()));
        assert_eq!(store.used(), other.text().room());
    }

    #[test]
    fn nothing_is_kept_behind_the_end_where_the_operator_wants_that() {
        let store = TextStore::new(Duration::ZERO);
        let one = open("one");
        store.keep(&one);
        say(&store, &one, "secret");
        store.end(&one, clock::now());
        assert!(store.find("one").is_none() && one.text().is_closed() && store.used() == 0);
    }

    #[test]
    fn the_oldest_text_makes_room_for_a_new_one() {
        let store = TextStore::of_size(100 << 10, Duration::from_secs(60));
        let all: Vec<_> = (0..9).map(|number| open(&number.to_string())).collect();
        for of in &all {
            store.keep(of);
            say(&store, of, &"x".repeat(30 << 10));
            assert!(store.used() <= 100 << 10, "{}", store.used());
        }
        let closed: Vec<bool> = all.iter().map(|of| of.text().is_closed()).collect();
        assert!(closed[..6].iter().all(|closed| *closed) && !closed[8], "{closed:?}");
        say(&store, &all[0], "late");
        store.end(&all[0], clock::now());
        assert!(all[0].text().is_closed() && store.find("0").is_none());
    }
}
