//! Every fault of a region under load: each client gets the whole answer or a proper error, and the next one an answer.

use crate::client::Tally;
use crate::site::Site;

/// What a fault may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Costs {
    /// Another attempt, which helps unless it fails too.
    Attempts,
    /// The answers that it struck: what was begun cannot be begun again.
    Answers,
    /// Nothing.
    Nothing,
}

/// One fault: what the simulator is told, and what it costs.
pub(crate) struct Row {
    pub(crate) faults: &'static str,
    costs: Costs,
}

const fn row(faults: &'static str, costs: Costs) -> Row {
    Row { faults, costs }
}

/// How long a region may be silent before a gateway under these faults gives it up.
pub(crate) const PATIENCE: [&str; 2] = ["--upstream-timeout", "700ms"];

/// All of them. The stalls are rarer: each of them takes its time.
pub(crate) const ROWS: [Row; 19] = [
    row(r#"{"throttling": 3}"#, Costs::Attempts),
    row(r#"{"unavailable": 3}"#, Costs::Attempts),
    row(r#"{"internal": 3}"#, Costs::Attempts),
    row(r#"{"model-error": 3, "model-timeout": 4, "model-not-ready": 5}"#, Costs::Attempts),
    row(r#"{"first-frame-exception": 3}"#, Costs::Attempts),
    row(r#"{"cut-before-first-byte": 3}"#, Costs::Attempts),
    row(r#"{"reset-before-first-byte": 3}"#, Costs::Attempts),
    row(r#"{"stall-before-first-byte": 20}"#, Costs::Answers),
    row(r#"{"validation": 3}"#, Costs::Answers),
    row(r#"{"access-denied": 3}"#, Costs::Answers),
    row(r#"{"mid-stream-exception": 3}"#, Costs::Answers),
    row(r#"{"cut": 3}"#, Costs::Answers),
    row(r#"{"eof": 3}"#, Costs::Answers),
    row(r#"{"reset": 3}"#, Costs::Answers),
    row(r#"{"garbage": 3}"#, Costs::Answers),
    row(r#"{"bad-crc": 3, "malformed-json": 4, "oversized": 5}"#, Costs::Answers),
    row(r#"{"stall": 20}"#, Costs::Answers),
    row(r#"{"no-metadata": 3}"#, Costs::Nothing),
    row(r#"{"drip": 5}"#, Costs::Nothing),
];

/// Lets one fault happen under load, and sees that it is over when it is over.
pub(crate) fn strike(site: &mut Site, row: &Row, clients: u64, each: u64) -> (u64, Tally) {
    site.regions.iter().for_each(|region| region.faults(row.faults));
    let tally = site.load(clients, each);
    let happened = site.regions.iter().map(|region| region.happened()).sum();
    site.regions.iter().for_each(|region| region.faults("{}"));
    tally.assert_proper(row.faults);
    assert!(happened > 0, "{} never happened", row.faults);
    let errors = tally.refused + tally.failed;
    match row.costs {
        Costs::Nothing => assert_eq!(errors, 0, "{}: {tally:?}", row.faults),
        Costs::Attempts => assert!(errors * 4 <= tally.sent, "{}: {tally:?}", row.faults),
        Costs::Answers => assert!(errors <= happened, "{}: {happened} happened, {tally:?}", row.faults),
    }
    let after = site.load(4, 2);
    assert_eq!(after.whole, after.sent, "after {}: {after:?}", row.faults);
    site.assert_settled(row.faults);
    (happened, tally)
}

#[test]
fn every_fault_of_one_region() {
    let mut site = Site::start(1, &PATIENCE);
    for row in &ROWS {
        strike(&mut site, row, 6, 10);
    }
    site.assert_nothing_leaked();
}
