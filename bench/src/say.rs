//! What is said to the person who started the benchmark: results on standard output, progress on standard error.

use std::io::{Write, stderr, stdout};

/// A line of the results, at once.
pub(crate) fn line(line: &str) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// A line about the progress. Nothing is left to tell it to when standard error is closed.
pub(crate) fn note(line: &str) {
    let _ = writeln!(stderr().lock(), "{line}");
}

/// Something that the person should not overlook.
pub(crate) fn loudly(line: &str) {
    note(&format!("\n*** {line} ***\n"));
}
