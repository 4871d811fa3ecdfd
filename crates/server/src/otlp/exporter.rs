//! The tasks that export: batches of spans as they fill or after a second, metrics at an interval, what is left at the end.

use super::collector::Collector;
use super::export_answer::ExportAnswer;
use super::settings::{MetricsSettings, OtlpSettings, TraceSettings};
use super::signal::Signal;
use crate::admin;
use crate::host::Host;
use crate::process::clock;
use crate::process::workers::Workers;
use aquifer_aws::Environment;
use aquifer_telemetry::Telemetry;
use aquifer_telemetry::otlp::{MetricTimes, OtlpResource, SpanQueue, wall_nanos};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The limit of what is still exported when the process ends.
const AT_THE_END: Duration = Duration::from_secs(2);
/// The pauses before an export is tried again: each twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often an export of spans is tried.
const TRIES: u32 = 5;

/// What is to be exported, before anything is.
pub(crate) struct Exporter {
    traces: Option<TraceExport>,
    metrics: Option<MetricsExport>,
    resource: OtlpResource,
}

struct TraceExport {
    sending: Sending,
    queue: Arc<SpanQueue>,
    delay: Duration,
}

struct MetricsExport {
    sending: Sending,
    interval: Duration,
}

/// A collector, and what was logged of it.
struct Sending {
    collector: Collector,
    /// The last export failed, which was logged.
    fails: bool,
    /// That the collector rejects some of what it is sent was logged.
    told_partial: bool,
}

/// The running tasks of exports.
pub(crate) struct Exporting {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Exporter {
    /// Prepares what the settings want; the telemetry encodes spans from now on.
    ///
    /// # Errors
    /// A collector's certificates cannot be used.
    pub(crate) fn new(
        settings: OtlpSettings,
        environment: &Environment,
        telemetry: &mut Telemetry,
    ) -> anyhow::Result<Self> {
        let OtlpSettings { traces, metrics, resource, .. } = settings;
        let mut exporter = Self { traces: None, metrics: None, resource };
        if let Some(TraceSettings { collector, queue, delay }) = traces {
            let sending = Sending::new(Collector::new(collector, environment)?);
            exporter.traces = Some(TraceExport { sending, queue: telemetry.export_spans(queue), delay });
        }
        if let Some(MetricsSettings { collector, interval }) = metrics {
            let sending = Sending::new(Collector::new(collector, environment)?);
            exporter.metrics = Some(MetricsExport { sending, interval });
        }
        Ok(exporter)
    }

    /// Begins to export.
    pub(crate) fn start(self, host: &Arc<Host>, workers: &Arc<Workers>) -> Exporting {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        if let Some(traces) = self.traces {
            tasks.spawn(traces.run(self.resource.clone(), stopped.clone()));
        }
        if let Some(metrics) = self.metrics {
            tasks.spawn(metrics.run(self.resource, Arc::clone(host), Arc::clone(workers), stopped));
        }
        Exporting { stop, tasks }
    }
}

impl Exporting {
    /// Exports what is left, for two seconds at most.
    pub(crate) async fn finish(mut self) {
        self.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(AT_THE_END, ended).await.is_err() {
            tracing::warn!("what was left to export by OTLP is dropped: its collector does not take it in time");
        }
    }
}

impl TraceExport {
    async fn run(mut self, resource: OtlpResource, mut stopped: watch::Receiver<bool>) {
        loop {
            let full = poll_fn(|cx| self.queue.poll_full(cx));
            let ends = tokio::select! {
                () = full => false,
                () = sleep(self.delay) => false,
                _ = stopped.wait_for(|stop| *stop) => true,
            };
            while let Some(batch) = self.queue.batch() {
                let rejected = self.sending.send(&resource.traces(&batch), TRIES, &mut stopped).await;
                match rejected {
                    Ok(rejected) => self.queue.dropped(rejected.min(batch.spans)),
                    Err(()) => self.queue.dropped(batch.spans),
                }
            }
            if ends {
                return;
            }
        }
    }
}

impl MetricsExport {
    async fn run(
        mut self,
        resource: OtlpResource,
        host: Arc<Host>,
        workers: Arc<Workers>,
        mut stopped: watch::Receiver<bool>,
    ) {
        let start = wall_nanos(clock::wall());
        loop {
            let ends = tokio::select! {
                () = sleep(self.interval) => false,
                _ = stopped.wait_for(|stop| *stop) => true,
            };
            let text = host.telemetry.metrics(&host.state(admin::tasks(&workers)));
            let request = resource.metrics(&text, MetricTimes { start, now: wall_nanos(clock::wall()) });
            // Numbers are cumulative: what is not taken now is told the next time.
            if self.sending.send(&request, 1, &mut stopped).await.is_err() {
                host.telemetry.dropped_metrics();
            }
            if ends {
                return;
            }
        }
    }
}

impl Sending {
    fn new(collector: Collector) -> Self {
        Self { collector, fails: false, told_partial: false }
    }

    /// Sends an export, several times while the collector is busy; the number of items that it rejected.
    ///
    /// # Errors
    /// It was not taken.
    async fn send(&mut self, request: &[u8], tries: u32, stopped: &mut watch::Receiver<bool>) -> Result<usize, ()> {
        let mut pause = FIRST_PAUSE;
        let mut left = tries;
        loop {
            left = left.saturating_sub(1);
            let (why, after) = match self.collector.export(request).await {
                ExportAnswer::Taken(partial) => {
                    if std::mem::take(&mut self.fails) {
                        tracing::info!(signal = self.signal().word(), "the collector takes exports again");
                    }
                    let Some(partial) = partial else { return Ok(0) };
                    if !std::mem::replace(&mut self.told_partial, true) {
                        let (signal, rejected) = (self.signal().word(), partial.rejected);
                        tracing::warn!(signal, rejected, "the collector rejects some of it: {}", partial.message);
                    }
                    return Ok(usize::try_from(partial.rejected).unwrap_or(usize::MAX));
                }
                ExportAnswer::Refused(why) => (why, None),
                ExportAnswer::Busy { why, after } if left > 0 && !*stopped.borrow() => {
                    (why, Some(after.unwrap_or(pause)))
                }
                ExportAnswer::Busy { why, .. } => (why, None),
            };
            if !std::mem::replace(&mut self.fails, true) {
                tracing::warn!(signal = self.signal().word(), why, "an export by OTLP failed");
            }
            let Some(after) = after else { return Err(()) };
            tokio::select! {
                () = sleep(after) => {}
                // One last time.
                _ = stopped.wait_for(|stop| *stop) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn signal(&self) -> Signal {
        self.collector.settings.signal
    }
}
