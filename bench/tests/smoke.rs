//! The whole benchmark, quickly, over the gateway that is built beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BENCH: &str = env!("CARGO_BIN_EXE_aquifer-bench");

/// The gateway that `cargo test --workspace` has built.
fn gateway() -> Option<PathBuf> {
    let path = Path::new(BENCH).with_file_name("aquifer");
    if !path.exists() {
        use std::io::Write;
        // What `eprintln!` says is kept from a person who runs the tests.
        let _ =
            writeln!(std::io::stderr(), "SKIPPED: no gateway is built beside the benchmark (cargo build -p aquifer)");
        return None;
    }
    Some(path)
}

fn run(gateway: &Path, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(BENCH);
    command.args(["run", "--quick", "--no-nginx", "--gateway"]).arg(gateway).arg("--out").arg(out);
    let output = command.args(more).output();
    output.unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_quick_run_measures_the_gateway() {
    let Some(gateway) = gateway() else { return };
    let out = tempfile::tempdir().unwrap();
    let done = run(&gateway, out.path(), &["--work", "small", "agent", "first"]);
    let (said, noted) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    assert!(done.status.success(), "{noted}");
    assert!(said.contains("QUICK") && said.contains("| small"), "{said}");
    let results = std::fs::read_to_string(out.path().join("results.json")).unwrap();
    let results: serde_json::Value = serde_json::from_str(&results).unwrap();
    let figure = |work: &str, figure: &str| results["works"][work]["aquifer"][0][figure].as_f64();
    assert!(figure("small", "cpu_s_per_1000_requests").is_some_and(|cpu| cpu > 0.0));
    assert!(figure("agent", "cpu_s_per_million_deltas").is_some_and(|cpu| cpu > 0.0));
    assert!(figure("first", "first_reasoning_p50_us").is_some_and(|time| time > 0.0));
}

#[test]
fn the_upstream_can_be_called_over_tls() {
    let Some(gateway) = gateway() else { return };
    let out = tempfile::tempdir().unwrap();
    let done = run(&gateway, out.path(), &["--tls", "--work", "small"]);
    let (said, noted) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    assert!(done.status.success() && said.contains("over TLS") && said.contains("| small"), "{said}\n{noted}");
}

#[test]
fn a_wrong_answer_fails_the_run() {
    let Some(gateway) = gateway() else { return };
    let out = tempfile::tempdir().unwrap();
    let peers = out.path().join("peers.toml");
    // It hands on Bedrock's words to clients that asked in OpenAI's.
    let peer = format!(
        "[[peer]]\nname = \"wrong\"\ncommand = {BENCH:?}\nargs = [\"upstream\", \"--listen\", \"127.0.0.1:${{PORT}}\"]\n"
    );
    std::fs::write(&peers, peer).unwrap();
    let done = run(&gateway, out.path(), &["--work", "small", "--peers", peers.to_str().unwrap()]);
    let noted = String::from_utf8(done.stderr).unwrap();
    assert!(!done.status.success());
    assert!(noted.contains("wrong failed in small") && noted.contains("text is wrong"), "{noted}");
}
