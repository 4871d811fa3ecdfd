//! Where the workspace is, and cargo run in it.

use anyhow::{Context, bail};
use std::path::PathBuf;
use std::process::Command;

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.pop();
    folder
}

/// The cargo that runs this: `+toolchain` and `CARGO` are kept.
pub(crate) fn cargo_command() -> Command {
    #[expect(clippy::disallowed_methods, reason = "a chore is a host; cargo says here which cargo it is")]
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Runs cargo with what it says on our own output; an error unless it succeeds.
pub(crate) fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = cargo_command();
    command.args(arguments);
    run(&mut command)
}

/// Runs a program to its end; an error that shows the command unless it succeeds.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = shown(command);
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// A command as a person would type it.
fn shown(command: &Command) -> String {
    let name = PathBuf::from(command.get_program());
    let name = name.file_name().unwrap_or_else(|| command.get_program());
    let mut words = vec![name.to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_show_the_command() {
        let error = run(Command::new("/bin/sh").args(["-c", "exit 3"])).expect_err("it fails");
        assert!(error.to_string().contains("`sh -c exit 3` failed"), "{error}");
        let error = run(&mut Command::new("/no/such/program")).expect_err("it cannot start");
        assert!(error.to_string().contains("cannot start `program`"), "{error}");
    }

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(root().join("crates").is_dir());
    }
}
