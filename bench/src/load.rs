//! The load: so many connections, each of which asks again as soon as it was answered, until so many were answered.

use crate::client::{Connection, Plan, Times};
use crate::clock;
use anyhow::Context;
use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, LocalSet};

/// No load takes longer.
const LIMIT: Duration = Duration::from_secs(600);
/// Connections that one address of the machine makes before the next address does.
const PER_ADDRESS: usize = 5_000;
/// Connections that are opened at the same time.
const OPENING: usize = 64;

/// What a load gave.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// How long it took.
    pub(crate) wall: Duration,
    /// The times of each answer.
    pub(crate) times: Vec<Times>,
    /// Pauses between the parts of the answers, in microseconds.
    pub(crate) gaps: Vec<f64>,
}

/// The runtime of the load generator.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Asks `requests` times over `parallel` connections.
pub(crate) fn run(
    runtime: &Runtime,
    plan: &Rc<Plan>,
    requests: usize,
    parallel: usize,
    gaps: bool,
) -> anyhow::Result<Load> {
    let left = Rc::new(Cell::new(requests));
    LocalSet::new().block_on(runtime, async {
        let began = clock::now();
        let mut tasks = JoinSet::new();
        for _ in 0..parallel.min(requests) {
            tasks.spawn_local(connection(Rc::clone(plan), Rc::clone(&left), gaps));
        }
        let mut load = Load::default();
        let all = async {
            while let Some(done) = tasks.join_next().await {
                let (times, gaps) = done.context("a task of the load broke")??;
                load.times.extend(times);
                load.gaps.extend(gaps);
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(LIMIT, all).await.with_context(|| format!("the load took longer than {LIMIT:?}"))??;
        load.wall = began.elapsed();
        Ok(load)
    })
}

async fn connection(plan: Rc<Plan>, left: Rc<Cell<usize>>, with_gaps: bool) -> anyhow::Result<(Vec<Times>, Vec<f64>)> {
    let mut connection = Connection::open(plan.address, None).await?;
    let (mut times, mut gaps) = (Vec::new(), Vec::new());
    while let Some(fewer) = left.get().checked_sub(1) {
        left.set(fewer);
        times.push(connection.ask(&plan, with_gaps.then_some(&mut gaps)).await?);
    }
    Ok((times, gaps))
}

/// Opens streams until there are `wanted`, each read up to its first text.
pub(crate) fn open(
    runtime: &Runtime,
    plan: &Rc<Plan>,
    streams: &mut Vec<Connection>,
    wanted: usize,
) -> anyhow::Result<()> {
    LocalSet::new().block_on(runtime, async {
        let mut tasks = JoinSet::new();
        let mut next = streams.len();
        while streams.len() < wanted {
            while next < wanted && tasks.len() < OPENING {
                let (plan, from) = (Rc::clone(plan), source(next));
                tasks.spawn_local(async move {
                    let mut connection = Connection::open(plan.address, Some(from)).await?;
                    connection.ask_until_content(&plan).await?;
                    anyhow::Ok(connection)
                });
                next += 1;
            }
            let opened = tokio::time::timeout(LIMIT, tasks.join_next()).await.context("no stream opened")?;
            streams.push(opened.context("no stream was opening")?.context("a task of the load broke")??);
        }
        Ok(())
    })
}

/// The address that the connection of this number comes from: each has only so many ports.
fn source(number: usize) -> IpAddr {
    let host = u8::try_from(2 + number / PER_ADDRESS).unwrap_or(u8::MAX);
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_change_before_ports_run_out() {
        assert_eq!(source(0), source(4_999));
        assert_ne!(source(4_999), source(5_000));
        assert_eq!(source(10_000).to_string(), "127.0.0.4");
    }
}
