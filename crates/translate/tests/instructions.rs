//! The instructions of one delta, counted by valgrind over the release build, stay within their budget.
//!
//! Instructions do not depend on how busy the machine is. They depend a little on the compiler and on the processor
//! that valgrind plays, hence the margin. Without valgrind there is nothing to count, and the test says so.

use aquifer_testing::instructions::{Bench, loudly};

/// What a delta of 20 bytes may cost: its kind, the frames of one read, instructions. Lower them when it costs less.
const BUDGETS: [(&str, u64, u64); 32] = [
    ("text", 1, 1_129),
    ("text", 100, 1_072),
    ("reasoning", 1, 1_238),
    ("reasoning", 100, 1_181),
    ("arguments", 1, 1_224),
    ("arguments", 100, 1_158),
    ("messages-text", 1, 1_065),
    ("messages-text", 100, 1_008),
    ("messages-reasoning", 1, 1_200),
    ("messages-reasoning", 100, 1_077),
    ("messages-arguments", 1, 1_200),
    ("messages-arguments", 100, 1_131),
    ("responses-text", 1, 1_249),
    ("responses-text", 100, 1_162),
    ("responses-reasoning", 1, 1_314),
    ("responses-reasoning", 100, 1_228),
    ("responses-arguments", 1, 1_293),
    ("responses-arguments", 100, 1_206),
    ("reframed-text", 1, 946),
    ("reframed-text", 100, 880),
    ("reframed-reasoning", 1, 999),
    ("reframed-reasoning", 100, 931),
    ("reframed-arguments", 1, 1_001),
    ("reframed-arguments", 100, 935),
    ("passed-text", 1, 1_060),
    ("passed-text", 100, 981),
    ("passed-reasoning", 1, 1_070),
    ("passed-reasoning", 100, 991),
    ("passed-arguments", 1, 1_099),
    ("passed-arguments", 100, 1_020),
    ("passed-chunk", 1, 1_143),
    ("passed-chunk", 100, 1_067),
];

/// What a body of 128 KB with 200 tools and 20 calls may cost, from the client's words to InvokeModel's.
const CLAUDE_CODE: u64 = 2_943_000;

/// Beyond its budget by more than this a delta costs too much; below it by more, the budget is old.
const MARGIN_PERCENT: u64 = 10;

/// The difference of these two counts is what is divided, so that what happens once falls out.
const FEW: u64 = 1_000;
const MANY: u64 = 6_000;

#[test]
fn a_delta_keeps_within_its_instructions() {
    let Some(bench) = Bench::build("aquifer-translate", "instructions", "a delta") else { return };
    let mut beyond = Vec::new();
    for (kind, batch, budget) in BUDGETS {
        let each = bench.each(&[kind, &batch.to_string()], FEW, MANY);
        if each * 100 > budget * (100 + MARGIN_PERCENT) {
            beyond.push(format!("{kind}, {batch} a read: {each} instructions, budget {budget}"));
        } else if each * 100 < budget * (100 - MARGIN_PERCENT) {
            loudly(&format!("{kind}, {batch} a read: {each} instructions; lower the budget of {budget}"));
        }
    }
    let each = bench.each(&["claude-code", "1"], 10, 60);
    if each * 100 > CLAUDE_CODE * (100 + MARGIN_PERCENT) {
        beyond.push(format!("a body as Claude Code sends it: {each} instructions, budget {CLAUDE_CODE}"));
    }
    assert!(beyond.is_empty(), "{beyond:#?}");
}
