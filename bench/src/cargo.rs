//! Builds what is measured: the gateway's binary, the bench of the translation.

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds the gateway for release; returns its binary.
pub(crate) fn gateway() -> anyhow::Result<PathBuf> {
    build(&["--package", "aquifer", "--bin", "aquifer"], "aquifer")
}

/// Builds the program that translates, whose instructions are counted; returns it.
pub(crate) fn translation() -> anyhow::Result<PathBuf> {
    build(&["--package", "aquifer-translate", "--bench", "instructions"], "instructions")
}

/// Builds the program that does whole exchanges without a network, whose instructions are counted; returns it.
pub(crate) fn exchange() -> anyhow::Result<PathBuf> {
    build(&["--package", "aquifer-gateway", "--bench", "exchange"], "exchange")
}

fn build(what: &[&str], name: &str) -> anyhow::Result<PathBuf> {
    crate::say::note(&format!("building {name} for release"));
    #[expect(clippy::disallowed_methods, reason = "a benchmark is a host; cargo says here which cargo it is")]
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    command.args(["build", "--release", "--locked", "--message-format=json-render-diagnostics"]).args(what);
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo could not build {name}");
    let Some(path) = output.stdout.split(|byte| *byte == b'\n').find_map(|line| executable(line, name)) else {
        bail!("cargo built no {name}")
    };
    Ok(path)
}

/// The executable of this name, if a line of cargo's messages is about it.
fn executable(line: &[u8], name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_slice(line).ok()?;
    let path = message["executable"].as_str()?;
    (message["target"]["name"] == name).then(|| path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_cargos_messages() {
        let line = br#"{"reason":"compiler-artifact","target":{"name":"aquifer"},"executable":"/x/aquifer"}"#;
        assert_eq!(executable(line, "aquifer"), Some("/x/aquifer".into()));
        assert_eq!(executable(line, "other"), None);
        let library = br#"{"reason":"compiler-artifact","target":{"name":"aquifer"},"executable":null}"#;
        assert_eq!(executable(library, "aquifer"), None);
        assert_eq!(executable(b"", "aquifer"), None);
    }
}
