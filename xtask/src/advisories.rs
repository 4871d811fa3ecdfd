//! Known weaknesses of dependencies: `cargo deny check advisories`, where RustSec's database can be had.

use crate::workspace::{cargo_command, root, run};
use std::process::{Command, Stdio};

/// The version that is installed when there is none.
const VERSION: &str = "0.20.2";
/// Where the database is.
const DATABASE: &str = "https://github.com/RustSec/advisory-db";

/// Checks, or says loudly why not.
#[expect(clippy::print_stderr, reason = "a chore speaks to the person who started it")]
pub(crate) fn check() -> anyhow::Result<()> {
    if !is_reachable() {
        eprintln!("\n*** SKIPPED: no advisory was looked for, {DATABASE} cannot be reached ***\n");
        return Ok(());
    }
    if !is_installed() {
        run(cargo_command().args(["install", "--locked", "cargo-deny", "--version", VERSION]))?;
    }
    run(cargo_command().args(["deny", "check", "advisories"]))
}

fn is_reachable() -> bool {
    let mut git = Command::new("git");
    git.args([
        "-c",
        "http.lowSpeedLimit=1",
        "-c",
        "http.lowSpeedTime=10",
        "ls-remote",
        "--exit-code",
        DATABASE,
        "HEAD",
    ]);
    git.env("GIT_TERMINAL_PROMPT", "0").current_dir(root()).stdin(Stdio::null());
    git.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn is_installed() -> bool {
    let mut deny = cargo_command();
    deny.args(["deny", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    deny.status().is_ok_and(|status| status.success())
}
