//! The commands, one file each.

mod chat;
mod check;
mod demo;
mod listeners;
pub(crate) mod models;
mod run;
mod serve;
mod simulator;

use crate::cli::{Cli, Command};
use crate::doctor;
use anyhow::Context;
use std::process::ExitCode;
use std::time::Duration;
use tokio::runtime::Builder;

/// Runs what the command line asks for.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Chat(arguments) => block_on(chat::run(arguments)),
        Command::Demo(arguments) => block_on(demo::run(arguments)),
        Command::Serve(arguments) => block_on(serve::run(*arguments)),
        Command::Check(arguments) => check::run(&arguments),
        Command::Simulator(arguments) => block_on(simulator::run(arguments)),
        Command::Doctor(arguments) => block_on(doctor::run(arguments)),
        Command::Models(arguments) => models::run(&arguments),
    }
}

fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = Builder::new_multi_thread().enable_all().build().context("the runtime did not start")?;
    let result = runtime.block_on(command);
    // Streams that are still in flight end here, and are recorded.
    runtime.shutdown_timeout(Duration::from_secs(2));
    result
}
