//! The last minute in numbers, with the models and faults of the last quarter of an hour.

use super::numbers::{dollars, quantiles};
use crate::host::Host;
use crate::process::clock;
use aquifer_gateway::config::Severity;
use aquifer_gateway::record::{Outcome, Record};
use aquifer_telemetry::Seen;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

/// The number of models, and of faults, that are told.
const TOP: usize = 10;
/// The age of an exchange up to which it counts for them, in milliseconds.
const RECENT: u64 = 15 * 60 * 1000;

/// The summary.
pub(in crate::admin) fn summary(host: &Host) -> Value {
    let now = clock::unix_ms();
    let config = &host.serving().config;
    let problems = config.notices.iter().filter(|notice| notice.severity == Severity::Problem).count();
    let mut summary = stats(host);
    if let Value::Object(summary) = &mut summary {
        summary.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
        summary.insert("started_unix_ms".to_owned(), host.started_unix_ms.into());
        summary.insert("now_unix_ms".to_owned(), now.into());
        summary.insert(
            "config".to_owned(),
            json!({
                "loaded_unix_ms": host.config_status.loaded_unix_ms(),
                "ok": host.config_status.last_error().is_none(),
                "notices": config.notices.len(),
                "problems": problems,
            }),
        );
        summary.insert("draining".to_owned(), (host.unready() == Some("draining\n")).into());
        let since = now.saturating_sub(RECENT);
        let all: Vec<_> = host.recent.newest_first().filter(|seen| seen.at_unix_ms >= since).collect();
        let tops = Tops::of(&all);
        summary.insert("top_models".to_owned(), tops.models());
        summary.insert("top_faults".to_owned(), tops.faults());
    }
    summary
}

/// What changes every second: the exchanges in flight, and those of the last minute.
pub(in crate::admin) fn stats(host: &Host) -> Value {
    let minute = host.recent.last_minute();
    json!({
        "in_flight": host.telemetry.in_flight(),
        "minute": {
            "requests": minute.requests(),
            "failed": minute.failed,
            "abandoned": minute.abandoned,
            "requests_per_s": (minute.requests() as f64 / 0.6).round() / 100.0,
            "first_reasoning_ms": quantiles(minute.first_reasoning()),
            "first_content_ms": quantiles(minute.first_content()),
            "tokens": {
                "input": minute.input,
                "cache_read": minute.cache_read,
                "cache_write": minute.cache_write,
                "output": minute.output,
                "reasoning": minute.reasoning,
            },
            "cost_usd": dollars(minute.cost),
        },
        "usd_per_hour": dollars(minute.cost.saturating_mul(60)),
    })
}

/// What is counted by model and by fault.
#[derive(Default)]
struct Tops<'r> {
    models: HashMap<&'r str, OfModel>,
    faults: HashMap<&'r str, u64>,
}

#[derive(Default)]
struct OfModel {
    requests: u64,
    failed: u64,
    output: u64,
    cost: u64,
}

impl<'r> Tops<'r> {
    fn of(all: &'r [Arc<Seen>]) -> Self {
        let mut tops = Self::default();
        all.iter().for_each(|seen| tops.count(&seen.record));
        tops
    }

    fn count(&mut self, record: &'r Record) {
        if let Some(fault) = &record.fault {
            *self.faults.entry(fault).or_default() += 1;
        }
        if record.model.is_empty() {
            return;
        }
        let of = self.models.entry(&record.model).or_default();
        of.requests += 1;
        of.failed += u64::from(record.outcome == Outcome::Failed);
        of.output += record.tokens.map_or(0, |tokens| tokens.output);
        of.cost = of.cost.saturating_add(record.cost().map_or(0, |cost| cost.total()));
    }

    fn models(&self) -> Value {
        let mut all: Vec<_> = self.models.iter().collect();
        all.sort_by_key(|entry| (Reverse(entry.1.requests), entry.0));
        let told = all.into_iter().take(TOP).map(|entry| {
            let OfModel { requests, failed, output, cost } = entry.1;
            json!({
                "model": entry.0,
                "requests": requests,
                "failed": failed,
                "output_tokens": output,
                "cost_usd": dollars(*cost),
            })
        });
        told.collect()
    }

    fn faults(&self) -> Value {
        let mut all: Vec<_> = self.faults.iter().collect();
        all.sort_by_key(|entry| (Reverse(*entry.1), entry.0));
        all.into_iter().take(TOP).map(|entry| json!({ "fault": entry.0, "count": entry.1 })).collect()
    }
}
