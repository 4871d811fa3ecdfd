//! Usual times to the first byte of backends, and the hedge delay for one that says nothing while
//! another one could be asked.

use std::time::Duration;

/// The number of the latest answers that are remembered of a model.
const REMEMBERED: usize = 64;
/// With fewer nothing is known of it.
const LEAST: usize = 8;
/// The most models of one backend that are tracked apart.
const MOST_MODELS: usize = 64;

/// Between which limits a first-byte timeout is learned.
struct Bounds {
    /// The least, however quick a backend is.
    floor: Duration,
    /// The most, unless a backend usually takes half as long; also for one of which nothing is known.
    ceiling: Duration,
}

/// The first content of a stream. Models that think long begin to say so.
const STREAM: Bounds = Bounds { floor: Duration::from_secs(10), ceiling: Duration::from_secs(60) };
/// A whole answer, which comes at once when it is thought and written.
const WHOLE: Bounds = Bounds { floor: Duration::from_secs(30), ceiling: Duration::from_secs(180) };

/// The usual times to the first byte of the models of one backend. The oldest model makes room for a new one.
#[derive(Debug, Default)]
pub(crate) struct Paces(Vec<Pace>);

/// The latest times to the first byte of one model, in streams or in whole answers.
#[derive(Debug)]
struct Pace {
    model: String,
    stream: bool,
    /// The latest answers, in milliseconds; the next one stands at `at`.
    took: Vec<u32>,
    at: usize,
    /// The 95th percentile of them.
    usual: u32,
}

impl Paces {
    /// Notes that an answer of a model began after so long.
    pub(crate) fn note(&mut self, model: &str, stream: bool, took: Duration) {
        let found = self.0.iter().position(|pace| pace.stream == stream && pace.model == model);
        if found.is_none() {
            if self.0.len() >= 2 * MOST_MODELS {
                self.0.remove(0);
            }
            self.0.push(Pace { model: model.to_owned(), stream, took: Vec::new(), at: 0, usual: 0 });
        }
        let at = found.unwrap_or_else(|| self.0.len().saturating_sub(1));
        if let Some(pace) = self.0.get_mut(at) {
            pace.note(u32::try_from(took.as_millis()).unwrap_or(u32::MAX));
        }
    }

    /// The 95th percentile of the times to the first byte of a model; `None`: nothing is known of it.
    pub(crate) fn usual(&self, model: &str, stream: bool) -> Option<Duration> {
        let pace = self.0.iter().find(|pace| pace.stream == stream && pace.model == model)?;
        (pace.took.len() >= LEAST).then(|| Duration::from_millis(pace.usual.into()))
    }

    /// The hedge delay of a model, after which another backend may be asked too; `None`: nothing is known of it.
    pub(crate) fn limit(&self, model: &str, stream: bool) -> Option<Duration> {
        self.usual(model, stream).map(|usual| limit(usual, stream))
    }
}

impl Pace {
    fn note(&mut self, took: u32) {
        match self.took.get_mut(self.at) {
            Some(oldest) => *oldest = took,
            None => self.took.push(took),
        }
        self.at = (self.at + 1) % REMEMBERED;
        let mut sorted = self.took.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * 95).div_ceil(100).saturating_sub(1);
        self.usual = sorted.get(at).copied().unwrap_or_default();
    }
}

/// The hedge delay of a backend of which nothing is known.
pub(crate) fn unknown(stream: bool) -> Duration {
    bounds(stream).ceiling
}

/// Three times what is usual, within bounds; at least twice what is usual.
fn limit(usual: Duration, stream: bool) -> Duration {
    let Bounds { floor, ceiling } = bounds(stream);
    usual.saturating_mul(3).clamp(floor, ceiling).max(usual.saturating_mul(2))
}

fn bounds(stream: bool) -> Bounds {
    if stream { STREAM } else { WHOLE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(stream: bool, seconds: impl IntoIterator<Item = u64>) -> Option<u64> {
        let mut paces = Paces::default();
        seconds.into_iter().for_each(|seconds| paces.note("m", stream, Duration::from_secs(seconds)));
        assert_eq!(paces.limit("m", !stream), None);
        assert_eq!(paces.limit("other", stream), None);
        paces.limit("m", stream).map(|limit| limit.as_secs())
    }

    #[test]
    fn what_is_usual_decides_within_bounds() {
        assert_eq!(learned(true, [1; 7]), None, "too few to say");
        assert_eq!(learned(true, [1; 8]), Some(10));
        assert_eq!(learned(true, [7; 8]), Some(21));
        assert_eq!(learned(true, [25; 8]), Some(60));
        assert_eq!(learned(true, [300; 8]), Some(600), "a model that thinks long before it says anything");
        assert_eq!(learned(false, [1; 8]), Some(30));
        assert_eq!(learned(false, [50; 8]), Some(150));
        assert_eq!(learned(false, [900; 8]), Some(1800));
        assert_eq!((unknown(true).as_secs(), unknown(false).as_secs()), (60, 180));
    }

    #[test]
    fn the_slow_ones_count_and_the_old_ones_do_not() {
        let some_slow = (0..64).map(|at| if at % 10 == 0 { 15 } else { 1 });
        assert_eq!(learned(true, some_slow.clone()), Some(45));
        assert_eq!(learned(true, some_slow.chain([1; 64])), Some(10));
    }

    #[test]
    fn models_that_nobody_has_heard_of_take_bounded_room() {
        let mut paces = Paces::default();
        (0..1000).for_each(|at| paces.note(&at.to_string(), true, Duration::MAX));
        assert_eq!(paces.0.len(), 2 * MOST_MODELS);
        assert!(paces.limit("0", true).is_none());
    }
}
