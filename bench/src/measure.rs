//! One measurement: a work, done by one target.

use crate::answer::Shape;
use crate::client::{Plan, Times};
use crate::control::Upstream;
use crate::frames::{Pace, Stream};
use crate::load::{self, Load};
use crate::machine::Cores;
use crate::peers::{self, Peer};
use crate::results::Figures;
use crate::stats::percentile;
use crate::target::Target;
use crate::work::{Measure, Work};
use anyhow::Context;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// After a load, what its answers left to do is done: logs are written, connections go back to their pools.
const SETTLE: Duration = Duration::from_millis(50);
/// Requests before a measurement, at most.
const WARM: usize = 200;

/// Everything that runs.
pub(crate) struct Bench {
    /// The load generator's.
    pub(crate) runtime: Runtime,
    /// What plays Bedrock.
    pub(crate) upstream: Upstream,
    /// What is measured, the upstream itself first.
    pub(crate) targets: Vec<Target>,
    /// How many streams the limits of the system let stand open.
    pub(crate) most_streams: usize,
    /// Whether the round at hand opens the largest number of streams too. One round does: the port of a connection stays
    /// taken for a minute after it, and a gateway has 28,000 of them.
    pub(crate) largest: bool,
    cores: Option<Cores>,
    folder: PathBuf,
}

impl Bench {
    /// Starts the upstream and every peer.
    pub(crate) fn start(peers: &[Peer], folder: PathBuf, most_streams: usize, tls: bool) -> anyhow::Result<Self> {
        let cores = Cores::take();
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let certificate = tls.then(|| folder.join("upstream.pem"));
        let upstream = Upstream::start(certificate.as_deref())?;
        let mut targets = vec![Target::direct(upstream.address)];
        for peer in peers {
            targets.push(Target::start(peer, &upstream, &folder, cores)?);
        }
        Ok(Self { runtime: load::runtime()?, upstream, targets, most_streams, largest: true, cores, folder })
    }

    /// Starts a target again, so that its memory tells nothing of what it did before.
    pub(crate) fn restart(&mut self, at: usize) -> anyhow::Result<()> {
        let target = self.targets.get_mut(at).context("no such target")?;
        if target.process.take().is_some() {
            *target = Target::start(&target.peer, &self.upstream, &self.folder, self.cores)?;
        }
        Ok(())
    }

    /// Whether a target has a part in a work.
    pub(crate) fn does(&self, at: usize, work: &Work) -> bool {
        let Some(target) = self.targets.get(at) else { return false };
        let with_direct = matches!(work.measure, Measure::Latency | Measure::Gaps);
        (with_direct || target.peer.name != peers::DIRECT) && !target.peer.skip.iter().any(|name| name == work.name)
    }

    /// Measures.
    pub(crate) fn measure(&mut self, at: usize, work: &Work) -> anyhow::Result<Figures> {
        self.warm_up(at, work)?;
        let target = self.targets.get(at).context("no such target")?;
        let plan = Rc::new(target.plan(work)?.0);
        self.upstream.choose(work)?;
        let before = target.cpu_seconds()?;
        let gaps = work.measure == Measure::Gaps;
        let load = load::run(&self.runtime, &plan, work.requests, work.parallel, gaps)?;
        std::thread::sleep(SETTLE);
        let cpu = before.zip(target.cpu_seconds()?).map(|(before, after)| after - before);
        Ok(figures(work, &plan, load, cpu))
    }

    /// Asks a few times: the first request is looked at where it arrives, and connections are there afterwards.
    pub(crate) fn warm_up(&self, at: usize, work: &Work) -> anyhow::Result<()> {
        let target = self.targets.get(at).context("no such target")?;
        let answered = without_pauses(work);
        let (plan, markers) = target.plan(&Work { shape: answered.shape, ..*work })?;
        let plan = Rc::new(plan);
        self.upstream.choose(answered)?;
        load::run(&self.runtime, &plan, 1, 1, false)?;
        self.upstream.check_seen(&target.peer, &markers)?;
        load::run(
            &self.runtime,
            &plan,
            (work.requests / 10).clamp(work.parallel.min(WARM), WARM),
            work.parallel,
            false,
        )?;
        Ok(())
    }
}

/// The work whose answers are those of this one, or others when those have pauses.
fn without_pauses(work: &Work) -> &Work {
    let name = match work.shape {
        Shape::Stream(Stream { pace: Pace::Slow(_) | Pace::Hold, .. }) => "burst",
        Shape::Messages(Stream { pace: Pace::Slow(_) | Pace::Hold, .. }) => "messages-burst",
        Shape::Stream(_) | Shape::Messages(_) | Shape::Whole => return work,
    };
    Work::named(name).unwrap_or(work)
}

fn figures(work: &Work, plan: &Plan, mut load: Load, cpu: Option<f64>) -> Figures {
    let requests = load.times.len() as f64;
    let mut figures = Figures::from([("requests_per_s", requests / load.wall.as_secs_f64())]);
    if let Some(cpu) = cpu {
        figures.insert("cpu_s_per_1000_requests", cpu / requests * 1e3);
        if plan.answer.deltas > 0 {
            figures.insert("cpu_s_per_million_deltas", cpu / requests / plan.answer.deltas as f64 * 1e6);
        }
    }
    if work.measure == Measure::Latency {
        late(&mut figures, &load.times);
    }
    for (name, share) in [("gap_p50_us", 0.5), ("gap_p99_us", 0.99), ("gap_p999_us", 0.999)] {
        figures.extend(percentile(&mut load.gaps, share).map(|value| (name, value)));
    }
    figures
}

/// Percentiles of when things came, in microseconds.
fn late(figures: &mut Figures, times: &[Times]) {
    type Of = fn(&Times) -> Option<Duration>;
    let kinds: [(&str, &str, Of); 4] = [
        ("first_byte_p50_us", "first_byte_p99_us", |times| times.first_byte),
        ("first_reasoning_p50_us", "first_reasoning_p99_us", |times| times.first_reasoning),
        ("first_content_p50_us", "first_content_p99_us", |times| times.first_content),
        ("end_p50_us", "end_p99_us", |times| Some(times.end)),
    ];
    for (middle, high, of) in kinds {
        let mut values: Vec<f64> = times.iter().filter_map(of).map(|time| time.as_secs_f64() * 1e6).collect();
        figures.extend(percentile(&mut values, 0.5).map(|value| (middle, value)));
        figures.extend(percentile(&mut values, 0.99).map(|value| (high, value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;
    use crate::check::Says;

    fn plan(work: &Work) -> Plan {
        let answer = Answer::of(work.shape).unwrap();
        Plan { address: ([127, 0, 0, 1], 1).into(), request: Vec::new(), says: Says::OpenAi, answer }
    }

    #[test]
    fn cpu_time_is_divided_by_the_work_done() {
        let work = Work::named("burst").unwrap();
        let load = Load { wall: Duration::from_secs(2), times: vec![Times::default(); 10], gaps: Vec::new() };
        let figures = figures(work, &plan(work), load, Some(5.0));
        assert_eq!(figures["requests_per_s"], 5.0);
        assert_eq!(figures["cpu_s_per_1000_requests"], 500.0);
        assert_eq!(figures["cpu_s_per_million_deltas"], 2000.0);
        assert!(!figures.contains_key("first_byte_p50_us"));
    }

    #[test]
    fn latencies_are_in_microseconds() {
        let work = Work::named("first").unwrap();
        let time = |us| Some(Duration::from_micros(us));
        let times = |us| Times { first_byte: time(us), first_content: time(us + 1), ..Times::default() };
        let load = Load { wall: Duration::from_secs(1), times: (1..=3).map(times).collect(), gaps: Vec::new() };
        let figures = figures(work, &plan(work), load, None);
        assert_eq!(figures["first_byte_p50_us"], 2.0);
        assert_eq!(figures["first_content_p99_us"], 4.0);
        assert!(!figures.contains_key("first_reasoning_p50_us"));
        assert!(!figures.contains_key("cpu_s_per_1000_requests"));
    }

    #[test]
    fn warming_up_does_not_wait_for_pauses() {
        assert_eq!(without_pauses(Work::named("slow").unwrap()).name, "burst");
        assert_eq!(without_pauses(Work::named("idle").unwrap()).name, "burst");
        assert_eq!(without_pauses(Work::named("claude-code").unwrap()).name, "messages-burst");
        assert_eq!(without_pauses(Work::named("history").unwrap()).name, "history");
    }
}
