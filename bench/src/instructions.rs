//! `aquifer-bench instructions`: what valgrind counts for one delta, one request and one exchange, start-up taken off.

use crate::cli::Instructions;
use crate::{cargo, say, table};
use anyhow::{Context, ensure};
use serde::Serialize;
use std::path::Path;
use std::process::Command;

/// What is counted: its name, the arguments of the bench, how often it is done in the shorter and the longer run.
struct Count {
    name: &'static str,
    arguments: &'static [&'static str],
    times: (u64, u64),
}

const fn deltas(name: &'static str, arguments: &'static [&'static str]) -> Count {
    Count { name, arguments, times: (1_000, 11_000) }
}

const fn requests(name: &'static str, arguments: &'static [&'static str]) -> Count {
    Count { name, arguments, times: (10, 110) }
}

const fn exchanges(name: &'static str, arguments: &'static [&'static str]) -> Count {
    Count { name, arguments, times: (100, 1_100) }
}

/// The translation alone.
const TRANSLATION: &[Count] = &[
    deltas("text delta, one frame a read", &["text", "1"]),
    deltas("text delta, 100 frames a read", &["text", "100"]),
    deltas("reasoning delta, one frame a read", &["reasoning", "1"]),
    deltas("reasoning delta, 100 frames a read", &["reasoning", "100"]),
    deltas("arguments delta, one frame a read", &["arguments", "1"]),
    deltas("arguments delta, 100 frames a read", &["arguments", "100"]),
    requests("request of one message", &["request", "1"]),
    requests("request of 200 messages", &["history", "1"]),
    requests("request with 20 tools and 10 calls", &["agent", "1"]),
    requests("request with 1 MiB of text", &["text-1mb", "1"]),
    requests("request of one message of prose", &["request-prose", "1"]),
    requests("request of 200 messages of prose", &["history-prose", "1"]),
    requests("request with 1 MB of prose", &["text-prose", "1"]),
    requests("request with an image of 1 MiB", &["image-1mb", "1"]),
    deltas("reframed text delta, one frame a read", &["reframed-text", "1"]),
    deltas("reframed text delta, 100 frames a read", &["reframed-text", "100"]),
    requests("reframed request of 128 KB with 200 tools and 20 calls", &["claude-code", "1"]),
];

/// Exchanges, from the client's bytes to the client's bytes, without a network.
const EXCHANGES: &[Count] = &[
    exchanges("exchange, small and answered whole", &["whole"]),
    exchanges("exchange, text delta, one frame a read", &["deltas"]),
];

/// One line of the results.
#[derive(Debug, Serialize)]
struct Counted {
    name: &'static str,
    instructions: f64,
}

/// Counts.
pub(crate) fn run(arguments: &Instructions) -> anyhow::Result<()> {
    let mut lines = vec![["what", "instructions"].map(str::to_owned).to_vec()];
    let mut all = Vec::new();
    for (program, counts) in [(cargo::translation()?, TRANSLATION), (cargo::exchange()?, EXCHANGES)] {
        for count in counts {
            let instructions = count.each(&program)?;
            lines.push(vec![count.name.to_owned(), table::number(instructions)]);
            all.push(Counted { name: count.name, instructions });
        }
    }
    say::line(&table::aligned(&lines))?;
    if let Some(path) = &arguments.out {
        std::fs::write(path, serde_json::to_string_pretty(&all)?)?;
    }
    Ok(())
}

impl Count {
    /// Instructions of one time: the difference of two runs, so that what both do once falls out.
    fn each(&self, program: &Path) -> anyhow::Result<f64> {
        let (few, many) = self.times;
        let more = collected(program, self.arguments, many)?.saturating_sub(collected(program, self.arguments, few)?);
        Ok(more as f64 / (many - few) as f64)
    }
}

fn collected(program: &Path, arguments: &[&str], times: u64) -> anyhow::Result<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program).args(arguments);
    let output = command.arg(times.to_string()).output().context("cannot start valgrind: is it installed?")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "valgrind failed: {said}");
    total(&said).with_context(|| format!("valgrind counted nothing: {said}"))
}

/// The number after `Collected :`.
fn total(said: &str) -> Option<u64> {
    let (_, rest) = said.rsplit_once("Collected :")?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_valgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 123456\n==7== \n==7== I   refs:      123,456\n";
        assert_eq!(total(said), Some(123_456));
        assert_eq!(total("==7== nothing"), None);
    }
}
