//! The instructions of a bench, counted by valgrind over its release build: how busy the machine is does not matter.

use std::io::{Write, stderr};
use std::path::PathBuf;
use std::process::Command;

/// A bench of this workspace, built for release.
#[derive(Debug)]
pub struct Bench {
    program: PathBuf,
}

impl Bench {
    /// Builds it; `None` without valgrind, and then a person is told that `what` was not counted.
    ///
    /// # Panics
    ///
    /// When it cannot be built.
    #[must_use]
    pub fn build(package: &str, bench: &str, what: &str) -> Option<Self> {
        if Command::new("valgrind").arg("--version").output().is_err() {
            loudly(&format!("SKIPPED: the instructions of {what} were not counted, valgrind is not installed"));
            return None;
        }
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--release", "--locked"]);
        cargo.args(["--package", package, "--bench", bench, "--message-format=json-render-diagnostics"]);
        let output = cargo.output().expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).expect("cargo's messages are text");
        let messages = messages.lines().rev().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let program = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next();
        Some(Self { program: program.expect("the bench is an executable") })
    }

    /// What one of `many` turns takes: the bench is run with these arguments and then with a number of turns. It does so
    /// for `few` as well, so that what happens once falls out.
    #[must_use]
    pub fn each(&self, arguments: &[&str], few: u64, many: u64) -> u64 {
        (self.count(arguments, many) - self.count(arguments, few)) / (many - few)
    }

    fn count(&self, arguments: &[&str], turns: u64) -> u64 {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(&self.program).args(arguments);
        let output = valgrind.arg(turns.to_string()).output().expect("valgrind starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let (_, rest) = said.rsplit_once("Collected :").expect("callgrind counts");
        rest.split_whitespace().next().and_then(|count| count.parse().ok()).expect("a number")
    }
}

/// What a person must see although the test passes.
pub fn loudly(line: &str) {
    let _ = writeln!(stderr(), "\n*** {line} ***");
}
