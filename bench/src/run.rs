//! `aquifer-bench run`: rounds of every work over every target, then the table, the results and the plot.

use crate::cli::Run;
use crate::machine::{self, Machine};
use crate::measure::Bench;
use crate::peers::{self, Peer};
use crate::results::Results;
use crate::work::{Measure, WORKS, Work};
use crate::{cargo, idle, plot, say, table};
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Files that are enough for 10,000 streams through a gateway, and for what else is open.
const OPEN_FILES: u64 = 24_000;
/// Files that are open besides streams.
const OTHER_FILES: u64 = 1_000;

/// Measures.
pub(crate) fn run(arguments: &Run) -> anyhow::Result<()> {
    let binary = match &arguments.gateway {
        Some(path) => path.clone(),
        None => cargo::gateway()?,
    };
    let peers = all_peers(arguments, binary)?;
    std::fs::create_dir_all(&arguments.out).with_context(|| format!("cannot make {}", arguments.out.display()))?;
    let files = machine::raise_open_files(OPEN_FILES);
    // A gateway opens two sockets for each stream.
    let most_streams = usize::try_from(files.saturating_sub(OTHER_FILES) / 2)?;
    for (count, ..) in idle::STEPS.into_iter().filter(|(count, ..)| *count > most_streams) {
        say::loudly(&format!("{count} open streams need {} open files; the limit is {files}: left out", count * 2));
    }
    let machine = Machine::here();
    let mut bench = Bench::start(&peers, arguments.out.join("logs"), most_streams, arguments.tls)?;
    let targets = bench.targets.iter().map(|target| target.peer.name.clone()).collect();
    let mut results = Results { machine, quick: arguments.quick, targets, works: BTreeMap::new() };
    let rounds = usize::from(arguments.rounds.unwrap_or(if arguments.quick { 1 } else { 3 }));
    for work in works(arguments) {
        for round in 0..rounds {
            one_round(&mut bench, &work, round, &mut results)?;
        }
    }
    tell(arguments, &results)
}

fn all_peers(arguments: &Run, binary: PathBuf) -> anyhow::Result<Vec<Peer>> {
    let mut all = Vec::new();
    match peers::nginx() {
        _ if arguments.no_nginx => {}
        Some(nginx) => all.push(nginx),
        None => say::loudly(
            "nginx is not installed: there is nothing to compare with, and no ratios are shown. \
             Debian and Ubuntu: apt-get install nginx-light",
        ),
    }
    let gateway = peers::gateway(&std::path::absolute(binary)?, &arguments.gateway_arg);
    let passing = peers::passing(&gateway);
    all.extend([gateway, passing]);
    if let Some(path) = &arguments.peers {
        all.extend(peers::read(path)?);
    }
    Ok(all)
}

fn works(arguments: &Run) -> Vec<Work> {
    let wanted = |work: &&Work| arguments.work.is_empty() || arguments.work.iter().any(|name| name == work.name);
    let sized = |work: &Work| if arguments.quick { work.quick() } else { *work };
    WORKS.iter().filter(wanted).map(sized).collect()
}

/// Every target in turn; each round begins with another one.
fn one_round(bench: &mut Bench, work: &Work, round: usize, results: &mut Results) -> anyhow::Result<()> {
    let count = bench.targets.len();
    bench.largest = round == 0;
    for at in (0..count).map(|at| (at + round) % count) {
        if !bench.does(at, work) {
            continue;
        }
        let name = bench.targets.get(at).map(|target| target.peer.name.clone()).unwrap_or_default();
        say::note(&format!("{} ({}), round {}: {name}", work.name, work.about, round + 1));
        let measured = match work.measure {
            Measure::Memory => idle::measure(bench, at, work),
            _ => bench.measure(at, work),
        };
        let figures = measured.with_context(|| format!("{name} failed in {}", work.name))?;
        results.add(work.name, &name, figures);
    }
    Ok(())
}

fn tell(arguments: &Run, results: &Results) -> anyhow::Result<()> {
    let Machine { cores, processor } = &results.machine;
    say::line(&format!("{cores} cores, {processor}; medians of the rounds; ratios are to nginx, lowest to highest"))?;
    if arguments.tls {
        say::line("The upstream is called over TLS.")?;
    }
    if arguments.quick {
        say::line("QUICK: so few requests are a look, no measurement.")?;
    }
    say::line(&table::of(results))?;
    let path = arguments.out.join("results.json");
    std::fs::write(&path, serde_json::to_string_pretty(results)?)?;
    say::note(&format!("written: {}", path.display()));
    if let Some(chart) = plot::cpu(results) {
        let path = arguments.out.join("cpu.svg");
        std::fs::write(&path, chart.svg())?;
        say::note(&format!("written: {}", path.display()));
    }
    Ok(())
}
