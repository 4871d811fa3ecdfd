//! The instructions of one delta, counted by valgrind over the release build, stay within their budget.
//!
//! Instructions do not depend on how busy the machine is. They depend a little on the compiler and on the processor
//! that valgrind plays, hence the margin. Without valgrind there is nothing to count, and the test says so.
#![expect(clippy::expect_used, reason = "a test")]

use std::io::{Write, stderr};
use std::path::PathBuf;
use std::process::Command;

/// What a delta of 20 bytes may cost: its kind, the frames of one read, instructions. Lower them when it costs less.
const BUDGETS: [(&str, u64, u64); 6] = [
    ("text", 1, 1_151),
    ("text", 100, 1_085),
    ("reasoning", 1, 1_263),
    ("reasoning", 100, 1_198),
    ("arguments", 1, 1_239),
    ("arguments", 100, 1_174),
];

/// Beyond its budget by more than this a delta costs too much; below it by more, the budget is old.
const MARGIN_PERCENT: u64 = 10;

/// The difference of these two counts is what is divided, so that what happens once falls out.
const FEW: u64 = 1_000;
const MANY: u64 = 6_000;

/// What a person must see although the test passes.
fn loudly(line: &str) {
    let _ = writeln!(stderr(), "\n*** {line} ***");
}

/// Builds `benches/instructions.rs` for release and returns the program.
fn built() -> PathBuf {
    let arguments = ["build", "--release", "--locked", "--package", "aquifer-translate", "--bench", "instructions"];
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).arg("--message-format=json-render-diagnostics");
    let output = cargo.output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("cargo's messages are text");
    let mut messages = messages.lines().rev().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let program = messages.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    program.expect("the bench is an executable")
}

fn counted(program: &PathBuf, kind: &str, batch: u64, deltas: u64) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program).arg(kind);
    let output = valgrind.args([batch.to_string(), deltas.to_string()]).output().expect("valgrind starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let (_, rest) = said.rsplit_once("Collected :").expect("callgrind counts");
    rest.split_whitespace().next().and_then(|count| count.parse().ok()).expect("a number")
}

#[test]
fn a_delta_keeps_within_its_instructions() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return loudly("SKIPPED: the instructions of a delta were not counted, valgrind is not installed");
    }
    let program = built();
    let mut beyond = Vec::new();
    for (kind, batch, budget) in BUDGETS {
        let more = counted(&program, kind, batch, MANY) - counted(&program, kind, batch, FEW);
        let each = more / (MANY - FEW);
        if each * 100 > budget * (100 + MARGIN_PERCENT) {
            beyond.push(format!("{kind}, {batch} a read: {each} instructions, budget {budget}"));
        } else if each * 100 < budget * (100 - MARGIN_PERCENT) {
            loudly(&format!("{kind}, {batch} a read: {each} instructions; lower the budget of {budget}"));
        }
    }
    assert!(beyond.is_empty(), "{beyond:#?}");
}
