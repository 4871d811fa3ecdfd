//! The rows of the table: which figure of which work, and what it must be and is to become.

use crate::peers::{DIRECT, NGINX};
use crate::results::Results;
use crate::stats::{median, range};

/// What a figure is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    /// So many times nginx's.
    Times(f64),
    /// This number, in the figure's own unit.
    Most(f64),
    /// None at all.
    None,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// The work.
    pub(crate) work: &'static str,
    /// The figure's name in the results.
    pub(crate) figure: &'static str,
    /// What it is called in the table.
    pub(crate) label: &'static str,
    /// Beyond this it is a defect.
    pub(crate) must: Bound,
    /// Below this it is as good as was set out for.
    pub(crate) goal: Bound,
    /// What the upstream itself takes is no part of it.
    pub(crate) added: bool,
}

const fn row(work: &'static str, figure: &'static str, label: &'static str, bounds: (Bound, Bound)) -> Row {
    Row { work, figure, label, must: bounds.0, goal: bounds.1, added: false }
}

const fn added(work: &'static str, figure: &'static str, label: &'static str) -> Row {
    Row { added: true, ..row(work, figure, label, FREE) }
}

const fn times(must: f64, goal: f64) -> (Bound, Bound) {
    (Bound::Times(must), Bound::Times(goal))
}

const FREE: (Bound, Bound) = (Bound::None, Bound::None);
const REQUESTS: &str = "cpu_s_per_1000_requests";
const DELTAS: &str = "cpu_s_per_million_deltas";
const CPU_REQUESTS: &str = "CPU s per 1,000 requests";
const CPU_DELTAS: &str = "CPU s per million deltas";

/// All of them, in the order of the works.
pub(crate) const ROWS: &[Row] = &[
    row("small", REQUESTS, CPU_REQUESTS, times(2.0, 1.3)),
    row("small", "requests_per_s", "requests per second", FREE),
    row("stream", DELTAS, CPU_DELTAS, times(1.2, 1.0)),
    row("stream", "requests_per_s", "streams per second", FREE),
    row("flood", DELTAS, CPU_DELTAS, FREE),
    row("flood", "requests_per_s", "streams per second", FREE),
    row("burst", DELTAS, CPU_DELTAS, times(2.0, 1.2)),
    row("slow", DELTAS, CPU_DELTAS, times(1.1, 1.0)),
    row("slow", "requests_per_s", "streams per second", FREE),
    row("text-1mb", REQUESTS, CPU_REQUESTS, times(2.5, 1.5)),
    row("text-20mb", REQUESTS, CPU_REQUESTS, FREE),
    row("image-1mb", REQUESTS, CPU_REQUESTS, FREE),
    row("image-20mb", REQUESTS, CPU_REQUESTS, FREE),
    row("history", REQUESTS, CPU_REQUESTS, times(4.0, 2.0)),
    row("small-prose", REQUESTS, CPU_REQUESTS, times(2.0, 1.3)),
    row("text-prose", REQUESTS, CPU_REQUESTS, times(2.2, 1.5)),
    row("history-prose", REQUESTS, CPU_REQUESTS, times(4.0, 2.0)),
    row("agent", REQUESTS, CPU_REQUESTS, times(1.8, 1.2)),
    row("messages", DELTAS, CPU_DELTAS, times(1.2, 1.0)),
    row("messages-burst", DELTAS, CPU_DELTAS, times(2.0, 1.2)),
    row("claude-code", REQUESTS, CPU_REQUESTS, times(3.0, 2.0)),
    added("one", "end_p50_us", "added latency p50, µs"),
    added("one", "end_p99_us", "added latency p99, µs"),
    added("first", "first_byte_p50_us", "added to first byte p50, µs"),
    added("first", "first_byte_p99_us", "added to first byte p99, µs"),
    Row {
        must: Bound::Times(1.2),
        goal: Bound::Times(1.0),
        ..added("first", "first_reasoning_p50_us", "added to first reasoning p50, µs")
    },
    added("first", "first_reasoning_p99_us", "added to first reasoning p99, µs"),
    added("first", "first_content_p50_us", "added to first text p50, µs"),
    added("first", "first_content_p99_us", "added to first text p99, µs"),
    row("gaps", "gap_p50_us", "gap between texts p50, µs", FREE),
    row("gaps", "gap_p99_us", "gap between texts p99, µs", FREE),
    row("gaps", "gap_p999_us", "gap between texts p99.9, µs", FREE),
    row("idle", "memory_start_kib", "memory at start, KiB", FREE),
    row("idle", "memory_0_kib", "memory after a few streams, KiB", FREE),
    row("idle", "stream_1000_kib", "memory per stream of 1,000, KiB", FREE),
    row("idle", "stream_5000_kib", "memory per stream of 5,000, KiB", (Bound::Most(24.0), Bound::Times(1.0))),
    row("idle", "stream_9500_kib", "memory per stream of 9,500, KiB", FREE),
    row("idle", "stream_10000_kib", "memory per stream of 10,000, KiB", FREE),
    row("idle", "left_open", "upstream streams open after 5 s", (Bound::Most(0.0), Bound::Most(0.0))),
];

/// What a row says of one target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    /// The median of the rounds.
    pub(crate) value: f64,
    /// How many times nginx's of the same round: the median, the smallest, the largest.
    pub(crate) ratio: Option<(f64, f64, f64)>,
}

impl Row {
    /// What it says of a target; none when that was not measured.
    pub(crate) fn cell(&self, results: &Results, target: &str) -> Option<Cell> {
        let values = self.values(results, target);
        let nginx = self.values(results, NGINX);
        let pairs = values.iter().zip(&nginx).filter(|(_, nginx)| **nginx > 0.0);
        let ratios: Vec<f64> = pairs.map(|(value, nginx)| value / nginx).collect();
        let ratio = median(&ratios).zip(range(&ratios)).map(|(middle, (low, high))| (middle, low, high));
        Some(Cell { value: median(&values)?, ratio })
    }

    fn values(&self, results: &Results, target: &str) -> Vec<f64> {
        let mut values = results.values(self.work, target, self.figure);
        if self.added {
            let direct = results.values(self.work, DIRECT, self.figure);
            values.iter_mut().zip(direct).for_each(|(value, direct)| *value -= direct);
        }
        values
    }
}

impl Bound {
    /// Whether a cell keeps within it; none when there is nothing to say.
    pub(crate) fn holds(self, cell: &Cell) -> Option<bool> {
        match self {
            Self::Times(most) => cell.ratio.map(|(ratio, ..)| ratio <= most),
            Self::Most(most) => Some(cell.value <= most),
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::example;
    use crate::work::Work;

    fn of(work: &str) -> &'static Row {
        ROWS.iter().find(|row| row.work == work && row.must != Bound::None).unwrap()
    }

    #[test]
    fn ratios_are_those_of_a_round() {
        let cell = of("small").cell(&example(), "aquifer").unwrap();
        assert_eq!(cell, Cell { value: 4.5, ratio: Some((3.0, 3.0, 3.0)) });
        assert_eq!(of("small").must.holds(&cell), Some(false));
        assert!(of("small").cell(&example(), "direct").is_none());
    }

    #[test]
    fn what_the_upstream_takes_is_taken_off() {
        let cell = of("first").cell(&example(), "aquifer").unwrap();
        assert_eq!(cell, Cell { value: 60.0, ratio: Some((2.0, 2.0, 2.0)) });
        let nginx = of("first").cell(&example(), "nginx").unwrap();
        assert_eq!(of("first").goal.holds(&nginx), Some(true));
    }

    #[test]
    fn every_work_has_a_row_and_every_row_a_work() {
        assert!(ROWS.iter().all(|row| Work::named(row.work).is_some()));
        assert!(crate::work::WORKS.iter().all(|work| ROWS.iter().any(|row| row.work == work.name)));
        let cell = Cell { value: 20.0, ratio: None };
        assert_eq!(Bound::Most(24.0).holds(&cell), Some(true));
        assert_eq!(Bound::Times(2.0).holds(&cell), None);
        assert_eq!(Bound::None.holds(&cell), None);
    }
}
