//! Time and allocations of one delta, from Bedrock's frame to the client's event. Run: `cargo bench -p aquifer-translate`.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod common;

use common::{KINDS, Stream};
use std::time::{Duration, Instant};

/// Deltas of one round, and rounds; the fastest round counts, as the machine may be busy with something else.
const DELTAS: u32 = 10_000;
const ROUNDS: usize = 30;

/// The shortest time of a round, and the allocations of one, with `batch` frames in each read.
fn measure(name: &str, delta: &str, batch: usize) -> (Duration, u64) {
    let mut stream = Stream::begin(name, delta, batch);
    let mut round = || (0..DELTAS as usize / batch).for_each(|_| stream.read());
    round();
    let allocations = allocation_counter::measure(&mut round).count_total;
    let timed = (0..ROUNDS).map(|_| {
        #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
        let began = Instant::now();
        round();
        began.elapsed()
    });
    (timed.min().unwrap_or_default(), allocations)
}

fn main() {
    println!("{:<34}{:>10}{:>24}", "one delta of 20 bytes", "ns", "allocations per 10,000");
    for (name, delta) in KINDS {
        for (batch, how) in [(1, "one frame a read"), (100, "100 frames a read")] {
            let (time, allocations) = measure(name, delta, batch);
            println!("{:<34}{:>10}{allocations:>24}", format!("{name}, {how}"), (time / DELTAS).as_nanos());
        }
    }
}
