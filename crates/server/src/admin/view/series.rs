//! Time series as columns.

use super::numbers::{dollars_for_plots, tenths};
use crate::host::Host;
use crate::process::clock;
use aquifer_telemetry::{Totals, Window};
use serde_json::{Value, json};

/// A column: its name, and its value of one step.
type Column = (&'static str, fn(&Totals) -> Value);

const COLUMNS: [Column; 13] = [
    ("answered", |it| it.answered.into()),
    ("failed", |it| it.failed.into()),
    ("abandoned", |it| it.abandoned.into()),
    ("input_tokens", |it| it.input.into()),
    ("cache_read_tokens", |it| it.cache_read.into()),
    ("cache_write_tokens", |it| it.cache_write.into()),
    ("output_tokens", |it| it.output.into()),
    ("reasoning_tokens", |it| it.reasoning.into()),
    ("cost_usd", |it| dollars_for_plots(it.cost).into()),
    ("first_reasoning_p50_ms", |it| tenths(it.first_reasoning().p50).into()),
    ("first_reasoning_p95_ms", |it| tenths(it.first_reasoning().p95).into()),
    ("first_content_p50_ms", |it| tenths(it.first_content().p50).into()),
    ("first_content_p95_ms", |it| tenths(it.first_content().p95).into()),
];

/// The time series of a window, the oldest step first; the last step goes on.
pub(in crate::admin) fn series(host: &Host, window: Window) -> Value {
    let step = window.step_seconds();
    let all = host.recent.series(window);
    let ends = (clock::unix_ms() / 1000 / step + 1) * step * 1000;
    let columns = COLUMNS.map(|column| (column.0.to_owned(), all.iter().map(column.1).collect()));
    let columns = Value::Object(columns.into_iter().collect());
    json!({ "step_s": step, "end_unix_ms": ends, "columns": columns })
}
