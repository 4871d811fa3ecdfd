//! Standard output: the results of commands, and the ready lines of the gateway.

use anyhow::Context;
use std::io::{ErrorKind, Write, stdout};

/// Writes a line to standard output at once. A reader that has gone away is no error.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to standard output"),
        _ => Ok(()),
    }
}
