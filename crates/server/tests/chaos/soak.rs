//! The same faults, kills and restarts in turn for as long as is asked: `cargo xtask soak --minutes N`.

use crate::client::Tally;
use crate::faults::{PATIENCE, ROWS, strike};
use crate::hostile::{GENEROUS, among_hostile};
use crate::kills::kill_and_restart;
use crate::site::Site;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// For how long, in minutes; the name of the variable.
const MINUTES: &str = "AQUIFER_SOAK_MINUTES";

#[test]
#[ignore = "takes minutes: cargo xtask soak"]
#[expect(clippy::disallowed_methods, reason = "a soak is told how long it lasts, and looks at the clock")]
fn soak() {
    let minutes: u64 = std::env::var(MINUTES).ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let mut table: BTreeMap<&str, (u64, Tally)> = BTreeMap::new();
    let mut site = Site::start(2, &PATIENCE);
    let mut besieged = Site::start(2, &GENEROUS);
    let (mut rounds, mut deeds, mut honest) = (0, 0, Tally::default());
    while rounds == 0 || Instant::now() < end {
        for row in &ROWS {
            let (happened, tally) = strike(&mut site, row, 8, 40);
            let entry = table.entry(row.faults).or_default();
            entry.0 += happened;
            entry.1.add(tally);
        }
        let (done, tally) = among_hostile(&mut besieged, 8, 100);
        assert_eq!(tally.whole, tally.sent, "among hostile clients: {tally:?}");
        deeds += done;
        honest.add(tally);
        kill_and_restart(&mut site, rounds % 2, Duration::from_millis(50));
        let after = site.load(8, 20);
        after.assert_proper("a region was restarted");
        rounds += 1;
    }
    let (now, warm) = site.memory();
    tell(&table, rounds, site.sent, now, warm);
    let (now, warm) = besieged.memory();
    let Tally { sent, whole, .. } = honest;
    println!(
        "among {deeds} deeds of hostile clients: {sent} honest requests, {whole} whole; {warm} KiB, then {now} KiB"
    );
    besieged.gateway.wait_for_metric("aquifer_requests_in_flight", 0.0);
    site.assert_nothing_leaked();
}

fn tell(table: &BTreeMap<&str, (u64, Tally)>, rounds: usize, sent: u64, now: u64, warm: u64) {
    println!(
        "| faults | happened | requests | whole and right | proper errors | anything else |\n|---|---|---|---|---|---|"
    );
    for (faults, (happened, tally)) in table {
        let errors = tally.refused + tally.failed;
        let (sent, whole) = (tally.sent, tally.whole);
        println!("| `{faults}` | {happened} | {sent} | {whole} | {errors} | {} |", sent - whole - errors);
    }
    println!("{rounds} rounds, {sent} requests; {warm} KiB after the warm-up, {now} KiB at the end");
}
