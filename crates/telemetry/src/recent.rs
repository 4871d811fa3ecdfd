//! The newest exchanges, for whoever looks at a running gateway: a ring of records, and time series of what they say.
//!
//! A record is put in without a lock, and whoever reads takes none either. The memory is bounded: [`RING`] records, of which
//! each holds at most about [`HEAVY`] bytes of text, and the buckets of two time series.

use crate::clock;
use crate::time_series::{TimeSeries, Totals};
use aquifer_gateway::config::Observe;
use aquifer_gateway::record::Record;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// The number of records that are kept.
pub const RING: usize = 2000;
/// A record with more text than this is kept with shorter texts, in bytes.
const HEAVY: usize = 16 << 10;
/// The number of warnings, and the letters of each text, that are kept of a heavy record.
const FEW: usize = 20;
const SHORT: usize = 256;

/// A window of the time series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// 15 minutes, in steps of a second.
    Quarter,
    /// 24 hours, in steps of a minute.
    Day,
}

/// A record in the ring.
#[derive(Debug)]
pub struct Seen {
    /// Its number since the process began, from 0.
    pub number: u64,
    /// When its request's head came, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// What became of it.
    pub record: Arc<Record>,
}

/// The newest records and the time series of all.
pub struct Recent {
    slots: Box<[ArcSwapOption<Seen>]>,
    /// The number of records that were put in.
    taken: AtomicU64,
    seconds: TimeSeries,
    minutes: TimeSeries,
}

impl Window {
    /// The length of a step, in seconds.
    #[must_use]
    pub fn step_seconds(self) -> u64 {
        match self {
            Self::Quarter => 1,
            Self::Day => 60,
        }
    }

    fn steps(self) -> u64 {
        match self {
            Self::Quarter => 900,
            Self::Day => 1440,
        }
    }
}

impl Default for Recent {
    fn default() -> Self {
        // A few buckets more than are told: the next ones are cleared ahead of time.
        let steps = |window: Window| usize::try_from(window.steps()).unwrap_or_default() + 8;
        let recent = Self {
            slots: std::iter::repeat_with(ArcSwapOption::empty).take(RING).collect(),
            taken: AtomicU64::new(0),
            seconds: TimeSeries::new(steps(Window::Quarter), 1),
            minutes: TimeSeries::new(steps(Window::Day), 60),
        };
        recent.prepare();
        recent
    }
}

/// The wall clock in milliseconds since 1970.
fn now_ms() -> u64 {
    clock::wall().duration_since(UNIX_EPOCH).map_or(0, milliseconds)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Recent {
    /// Counts an exchange that ended, and puts its record into the ring where its policy lets it be observed.
    pub(crate) fn take(&self, record: &Arc<Record>) {
        let now = now_ms();
        self.seconds.count(record, now / 1000);
        self.minutes.count(record, now / 1000);
        if record.observe == Observe::Nothing {
            return;
        }
        let number = self.taken.fetch_add(1, Ordering::AcqRel);
        let at_unix_ms = now.saturating_sub(milliseconds(record.duration));
        let seen = Seen { number, at_unix_ms, record: bounded(record) };
        if let Some(slot) = self.slot(number) {
            slot.store(Some(Arc::new(seen)));
        }
    }

    fn slot(&self, number: u64) -> Option<&ArcSwapOption<Seen>> {
        let at = number.checked_rem(self.slots.len() as u64)?;
        self.slots.get(usize::try_from(at).ok()?)
    }

    /// Clears the next buckets of the time series ahead of time. To be called once a second.
    pub fn prepare(&self) {
        let second = now_ms() / 1000;
        self.seconds.prepare(second);
        self.minutes.prepare(second);
    }

    /// The number of exchanges so far: a cursor for [`since`](Self::since).
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.taken.load(Ordering::Acquire)
    }

    /// The records from this number on, as far as they are kept, the oldest first.
    #[must_use]
    pub fn since(&self, number: u64, most: usize) -> Vec<Arc<Seen>> {
        let (newest, mut found) = (self.newest(), Vec::new());
        for number in number.max(newest.saturating_sub(self.slots.len() as u64))..newest {
            let seen = self.slot(number).and_then(ArcSwapOption::load_full);
            match seen {
                Some(seen) if seen.number == number => found.push(seen),
                // A newer one has taken its place.
                Some(seen) if seen.number > number => {}
                // It is being put in: it and those behind it are told next time.
                Some(_) | None => break,
            }
            if found.len() >= most {
                break;
            }
        }
        found
    }

    /// All records, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = Arc<Seen>> {
        let newest = self.newest();
        let oldest = newest.saturating_sub(self.slots.len() as u64);
        (oldest..newest).rev().filter_map(|number| {
            let seen = self.slot(number)?.load_full()?;
            (seen.number == number).then_some(seen)
        })
    }

    /// The record of the exchange with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Arc<Seen>> {
        self.newest_first().find(|seen| seen.record.id == id)
    }

    /// The exchanges of the last minute, in numbers.
    #[must_use]
    pub fn last_minute(&self) -> Totals {
        self.seconds.sum(60, now_ms() / 1000)
    }

    /// The time series of a window, the oldest step first.
    #[must_use]
    pub fn series(&self, window: Window) -> Vec<Totals> {
        let second = now_ms() / 1000;
        match window {
            Window::Quarter => self.seconds.newest(window.steps(), second),
            Window::Day => self.minutes.newest(window.steps(), second),
        }
    }
}

/// The record, or a shorter one where it holds much text.
fn bounded(record: &Arc<Record>) -> Arc<Record> {
    let warnings: usize = record.warnings.iter().map(String::len).sum();
    let fault = record.fault_message.as_ref().map_or(0, String::len);
    if warnings + fault + record.model.len() + record.model_id.len() <= HEAVY {
        return Arc::clone(record);
    }
    let mut short = Record::clone(record);
    short.warnings.truncate(FEW);
    short.warnings.iter_mut().for_each(cut);
    short.fault_message.iter_mut().for_each(cut);
    cut(&mut short.model);
    cut(&mut short.model_id);
    Arc::new(short)
}

fn cut(text: &mut String) {
    let end = text.char_indices().nth(SHORT).map(|at| at.0);
    if let Some(end) = end {
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: usize) -> Arc<Record> {
        Arc::new(Record { id: number.to_string(), ..Record::default() })
    }

    #[test]
    fn the_newest_are_kept_and_told_in_either_order() {
        let recent = Recent::default();
        (0..RING + 10).for_each(|number| recent.take(&record(number)));
        assert_eq!(recent.newest(), RING as u64 + 10);
        let ids: Vec<String> = recent.newest_first().take(3).map(|seen| seen.record.id.clone()).collect();
        assert_eq!(ids, ["2009", "2008", "2007"]);
        assert_eq!(recent.newest_first().count(), RING);
        assert!(recent.find("9").is_none() && recent.find("10").is_some_and(|seen| seen.number == 10));
        let numbers: Vec<u64> = recent.since(2005, 3).iter().map(|seen| seen.number).collect();
        assert_eq!(numbers, [2005, 2006, 2007]);
        assert_eq!(recent.since(0, usize::MAX).len(), RING, "what is gone is passed over");
        assert!(recent.since(2010, 3).is_empty());
        assert_eq!(recent.last_minute().answered, RING as u64 + 10);
        assert_eq!(recent.series(Window::Quarter).len(), 900);
        assert_eq!(recent.series(Window::Day).iter().map(Totals::requests).sum::<u64>(), RING as u64 + 10);
    }

    #[test]
    fn what_may_not_be_observed_is_counted_alone() {
        let recent = Recent::default();
        recent.take(&Arc::new(Record { observe: Observe::Nothing, ..Record::default() }));
        assert_eq!((recent.newest(), recent.last_minute().answered), (0, 1));
    }

    #[test]
    fn many_threads_put_in_while_others_read() {
        let recent = Recent::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..RING).for_each(|number| recent.take(&record(number))));
            }
            for _ in 0..100 {
                let seen = recent.since(0, usize::MAX);
                assert!(seen.is_sorted_by_key(|seen| seen.number));
            }
        });
        assert_eq!(recent.newest_first().count(), RING);
    }

    #[test]
    fn a_record_with_much_text_is_kept_short() {
        let recent = Recent::default();
        let warnings = vec!["é".repeat(1000); 100];
        recent.take(&Arc::new(Record { id: "a".to_owned(), warnings, ..Record::default() }));
        let kept = recent.find("a").unwrap();
        assert_eq!(kept.record.warnings.len(), FEW);
        assert!(kept.record.warnings.iter().all(|warning| warning.chars().count() == SHORT + 1));
    }
}
