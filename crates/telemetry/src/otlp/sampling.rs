//! Which exchanges are traced: a share of them by their trace's id, and always those that something is to be learnt of.

use aquifer_gateway::record::{Outcome, Record};
use std::time::Duration;

/// The sampler of traces (`OTEL_TRACES_SAMPLER`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceSampler {
    /// What is done with a trace that begins here, or with every one.
    pub root: RootSampler,
    /// A caller's decision counts before it.
    pub parent_based: bool,
}

/// The sampler of traces that begin here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RootSampler {
    /// Every trace.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// This share of them, from 0 to 1.
    Ratio(f64),
}

/// The exchanges that are exported whatever the sampler says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlwaysSampled {
    /// Those that failed, but for what a client's mistake made fail without a call.
    pub failed: bool,
    /// Those that took longer than this.
    pub slow: Option<Duration>,
    /// Those in which a second call was made because the first was slow.
    pub hedged: bool,
    /// Those in which a call was made once more, otherwise, after a refusal.
    pub amended: bool,
    /// Those whose dropped reasoning was not remembered.
    pub missed: bool,
}

impl AlwaysSampled {
    /// None of them.
    pub const NONE: Self = Self { failed: false, slow: None, hedged: false, amended: false, missed: false };

    /// Whether an exchange is one of them.
    #[must_use]
    pub fn has(&self, record: &Record) -> bool {
        let failed =
            record.outcome == Outcome::Failed && (!(400..500).contains(&record.status) || !record.attempts.is_empty());
        self.failed && failed
            || self.slow.is_some_and(|slow| record.duration > slow)
            || self.hedged && record.hedges.all() > 0
            || self.amended && record.amended > 0
            || self.missed && record.turns.missed > 0
    }
}

impl TraceSampler {
    /// Whether a trace is sampled: by its id, and by the decision of its caller, if there is one.
    #[must_use]
    pub fn samples(&self, trace_id: u128, parent: Option<bool>) -> bool {
        match (parent.filter(|_| self.parent_based), self.root) {
            (Some(sampled), _) => sampled,
            (None, RootSampler::AlwaysOn) => true,
            (None, RootSampler::AlwaysOff) => false,
            (None, RootSampler::Ratio(share)) => is_within(trace_id, share),
        }
    }
}

/// Whether a trace's id, which is random in its lower 56 bits, is within a share of all.
fn is_within(trace_id: u128, share: f64) -> bool {
    const ALL: f64 = 72_057_594_037_927_936.0; // 2^56
    let drawn = u64::try_from(trace_id & ((1 << 56) - 1)).unwrap_or_default();
    // What the number loses in its last digits is no share that could be meant.
    share >= 1.0 || (drawn as f64) < share * ALL
}

#[cfg(test)]
mod tests {
    use super::*;
    use aquifer_gateway::record::{AttemptRecord, Hedges, Turns};

    #[test]
    fn a_share_of_ids_is_sampled_unless_a_parent_decided() {
        let sampler = |root, parent_based| TraceSampler { root, parent_based };
        let quarter = sampler(RootSampler::Ratio(0.25), true);
        let ids = (0..4096_u128).map(|number| number << 44);
        assert_eq!(ids.filter(|id| quarter.samples(*id, None)).count(), 1024);
        for id in [0, u128::MAX] {
            assert!(quarter.samples(id, Some(true)) && !quarter.samples(id, Some(false)));
            assert!(sampler(RootSampler::Ratio(1.0), false).samples(id, Some(false)));
            assert!(!sampler(RootSampler::Ratio(0.0), false).samples(id, Some(true)));
            assert!(sampler(RootSampler::AlwaysOn, true).samples(id, None));
            assert!(sampler(RootSampler::AlwaysOn, false).samples(id, Some(false)));
            assert!(!sampler(RootSampler::AlwaysOff, false).samples(id, Some(true)));
        }
    }

    #[test]
    fn what_something_is_learnt_of_is_always_sampled() {
        let all = AlwaysSampled {
            failed: true,
            slow: Some(Duration::from_secs(3)),
            hedged: true,
            amended: true,
            missed: true,
        };
        let record = Record { status: 200, duration: Duration::from_secs(3), ..Record::default() };
        assert!(!all.has(&record));
        let called = vec![AttemptRecord::default()];
        for interesting in [
            Record { outcome: Outcome::Failed, status: 503, ..record.clone() },
            Record { outcome: Outcome::Failed, ..record.clone() },
            Record { outcome: Outcome::Failed, status: 400, attempts: called, ..record.clone() },
            Record { duration: Duration::from_secs(4), ..record.clone() },
            Record { hedges: Hedges { lost: 1, ..Hedges::default() }, ..record.clone() },
            Record { amended: 1, ..record.clone() },
            Record { turns: Turns { missed: 1, ..Turns::default() }, ..record.clone() },
        ] {
            assert!(all.has(&interesting) && !AlwaysSampled::NONE.has(&interesting), "{interesting:?}");
        }
        assert!(!all.has(&Record { outcome: Outcome::Failed, status: 401, ..record.clone() }));
        assert!(!all.has(&Record { outcome: Outcome::Abandoned, status: 499, ..record }));
    }
}
