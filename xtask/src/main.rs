//! The chores of the workspace as one command: form, lints, every test, the real clients.

mod advisories;
mod aids;
mod command_line;
mod endurance;
mod interop;
mod web;
mod workspace;

#[cfg(test)]
mod tidy;

use command_line::{Chore, Part};
use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "a chore speaks to the person who started it")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let chore = match command_line::read(&arguments) {
        Ok(chore) => chore,
        Err(mistake) => {
            eprintln!("{mistake}\n\n{}", command_line::HELP);
            return ExitCode::from(2);
        }
    };
    match run(&chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "help is what was asked for")]
fn run(chore: &Chore) -> anyhow::Result<()> {
    match chore {
        Chore::Help => eprintln!("{}", command_line::HELP),
        Chore::Fmt => workspace::cargo(&["fmt", "--all", "--check"])?,
        Chore::Lint => {
            workspace::cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
        }
        Chore::Advisories => advisories::check()?,
        Chore::Web(page) => web::build(*page)?,
        Chore::Soak(minutes) => endurance::soak(*minutes)?,
        Chore::Fuzz(seconds) => endurance::fuzz(*seconds)?,
        Chore::FuzzStable(seconds) => endurance::fuzz_stable(*seconds)?,
        Chore::Interop(wanted) => interop::suites(wanted)?,
        Chore::Test(parts) => {
            if parts.contains(&Part::Unit) {
                aids::unpack();
                workspace::cargo(&["test", "--workspace", "--locked"])?;
            }
            if parts.contains(&Part::Interop) {
                interop::suites(&[])?;
            }
        }
    }
    Ok(())
}
