//! What takes as long as one likes: the soak of the real binary, and the fuzz targets.

use crate::workspace::{cargo_command, root, run};
use anyhow::bail;
use std::fs;
use std::process::Command;

/// Every fault, kill and restart in turn under load; the table of what happened comes at the end.
pub(crate) fn soak(minutes: u32) -> anyhow::Result<()> {
    let mut command = cargo_command();
    command.args(["test", "--locked", "-p", "aquifer", "--test", "chaos", "soak"]);
    command.args(["--", "--ignored", "--nocapture"]).env("AQUIFER_SOAK_MINUTES", minutes.to_string());
    run(&mut command)
}

/// Each fuzz target in turn.
pub(crate) fn fuzz(seconds: u32) -> anyhow::Result<()> {
    let targets = targets()?;
    if targets.is_empty() {
        bail!("there is no target in fuzz/fuzz_targets");
    }
    for target in targets {
        // Through rustup, not through the cargo that runs this: that one is bound to its own compiler.
        let mut command = Command::new("rustup");
        command.current_dir(root()).args(["run", "nightly", "cargo", "fuzz", "run", &target, "--"]);
        command.arg(format!("-max_total_time={seconds}")).arg("-max_len=65536").arg("-rss_limit_mb=2048");
        let dictionary = root().join(format!("fuzz/dictionaries/{target}.dict"));
        if dictionary.is_file() {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        run(&mut command)?;
    }
    Ok(())
}

/// The tests that give generated inputs to the bodies of the fuzz targets: package, test target and the beginning of
/// their names.
const BODIES: [[&str; 3]; 20] = [
    ["aquifer-translate", "eventstream", "fuzz_body::"],
    ["aquifer-translate", "chat", "request_body::"],
    ["aquifer-translate", "chat", "answer_body::"],
    ["aquifer-translate", "chat", "media_body::"],
    ["aquifer-translate", "chat", "linear_body::"],
    ["aquifer-translate", "messages", "request_body::"],
    ["aquifer-translate", "invoke", "answer_body::"],
    ["aquifer-translate", "invoke", "request_body::"],
    ["aquifer-translate", "encoders", "encoder_body::"],
    ["aquifer-translate", "responses", "request_body::"],
    ["aquifer-translate", "responses", "seal_body::"],
    ["aquifer-translate", "responses", "stored_body::"],
    ["aquifer-translate", "passthrough", "path_body::"],
    ["aquifer-translate", "passthrough", "watch_body::"],
    ["aquifer-translate", "openai_backend", "converse_request_body::"],
    ["aquifer-translate", "openai_backend", "chat_backend_body::"],
    ["aquifer-gateway", "config", "damaged::"],
    ["aquifer-gateway", "config", "seal_keys_body::"],
    ["aquifer-gateway", "failover", "passing::any_stream"],
    ["aquifer", "", "upstream::http1::"],
];

/// The bodies of the fuzz targets on generated inputs, with the stable compiler; one after the other.
pub(crate) fn fuzz_stable(seconds: u32) -> anyhow::Result<()> {
    for [package, target, tests] in BODIES {
        let mut command = cargo_command();
        command.args(["test", "--locked", "-p", package]);
        match target {
            "" => command.arg("--bins"),
            target => command.args(["--test", target]),
        };
        command.args([tests, "--", "--nocapture"]);
        command.env("ARBTEST_BUDGET_MS", (u64::from(seconds) * 1000).to_string());
        run(&mut command)?;
    }
    Ok(())
}

/// The names of the targets, sorted.
fn targets() -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("fuzz/fuzz_targets"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_one_of_the_manifest() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).expect("it can be read");
        let targets = targets().expect("there are targets");
        assert!(targets.len() > 3, "{targets:?}");
        for target in &targets {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")), "{target}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), targets.len());
    }
}
