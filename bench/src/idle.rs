//! Memory of open streams on which nothing happens, and what stays open upstream when all clients have left.

use crate::load;
use crate::measure::Bench;
use crate::results::Figures;
use crate::work::Work;
use anyhow::Context;
use std::rc::Rc;
use std::time::Duration;

/// How many streams are open, and the names of the figures.
pub(crate) const STEPS: [(usize, &str, &str); 4] = [
    (1_000, "memory_1000_kib", "stream_1000_kib"),
    (5_000, "memory_5000_kib", "stream_5000_kib"),
    (NEARLY, "memory_9500_kib", "stream_9500_kib"),
    (MOST, "memory_10000_kib", "stream_10000_kib"),
];

/// As many as can be open where 20,000 files can be, instead of the most.
const NEARLY: usize = 9_500;
const MOST: usize = 10_000;

/// Before memory is looked at.
const SETTLE: Duration = Duration::from_secs(1);
/// After all clients have left.
const LEFT: Duration = Duration::from_secs(5);

/// Measures one target, started anew.
pub(crate) fn measure(bench: &mut Bench, at: usize, work: &Work) -> anyhow::Result<Figures> {
    bench.restart(at)?;
    let mut figures = Figures::new();
    figures.insert("memory_start_kib", resident(bench, at)?);
    bench.warm_up(at, work)?;
    let base = resident(bench, at)?;
    figures.insert("memory_0_kib", base);
    bench.upstream.choose(work)?;
    let plan = Rc::new(bench.targets.get(at).context("no such target")?.plan(work)?.0);
    let mut streams = Vec::new();
    for (count, total, each) in STEPS {
        let given_up = count == NEARLY && bench.most_streams >= MOST;
        if count > bench.most_streams || given_up || (count >= NEARLY && !bench.largest) {
            continue;
        }
        load::open(&bench.runtime, &plan, &mut streams, count)?;
        let memory = resident(bench, at)?;
        figures.insert(total, memory);
        figures.insert(each, (memory - base) / count as f64);
    }
    {
        let _inside = bench.runtime.enter();
        drop(streams);
    }
    std::thread::sleep(LEFT);
    figures.insert("left_open", bench.upstream.open()? as f64);
    Ok(figures)
}

fn resident(bench: &Bench, at: usize) -> anyhow::Result<f64> {
    std::thread::sleep(SETTLE);
    let target = bench.targets.get(at).context("no such target")?;
    let process = target.process.as_ref().context("the upstream's memory is not measured")?;
    Ok(process.tree()?.resident_kib() as f64)
}
