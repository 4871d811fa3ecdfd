//! Checking a wrong API key takes the same instructions however much of a real key it shares, counted by valgrind.
#![expect(clippy::expect_used, reason = "a test")]

use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes that a guess shares with a key of 38.
const SHARED: [u32; 3] = [0, 18, 37];
/// The difference of these two counts is what is divided, so that what happens once falls out.
const FEW: u32 = 62 * 16;
const MANY: u32 = 3 * FEW;
/// Where a digest's place in the map is taken by another's, it is compared with that one: by chance, for any key.
const MARGIN_PERCENT: u64 = 1;

/// Builds `benches/keys.rs` for release and returns the program.
fn built() -> PathBuf {
    let arguments = ["build", "--release", "--locked", "--package", "aquifer-gateway", "--bench", "keys"];
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).arg("--message-format=json-render-diagnostics");
    let output = cargo.output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("cargo's messages are text");
    let mut messages = messages.lines().rev().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let program = messages.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    program.expect("the bench is an executable")
}

fn counted(program: &Path, shared: u32, checks: u32) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    let output = valgrind.args([shared.to_string(), checks.to_string()]).output().expect("valgrind starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let (_, rest) = said.rsplit_once("Collected :").expect("callgrind counts");
    rest.split_whitespace().next().and_then(|count| count.parse().ok()).expect("a number")
}

#[test]
fn a_check_does_not_tell_how_much_of_a_key_was_guessed() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        let line = "SKIPPED: the instructions of a key's check were not counted, valgrind is not installed";
        return writeln!(stderr(), "\n*** {line} ***").expect("stderr");
    }
    let program = built();
    let each =
        SHARED.map(|shared| (counted(&program, shared, MANY) - counted(&program, shared, FEW)) / u64::from(MANY - FEW));
    let (least, most) = (each.iter().min().copied().unwrap_or(0), each.iter().max().copied().unwrap_or(0));
    assert!(least > 500 && (most - least) * 100 <= least * MARGIN_PERCENT, "{SHARED:?}: {each:?} instructions");
}
