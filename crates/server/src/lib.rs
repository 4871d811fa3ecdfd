//! The gateway on a network of its own: sockets, TLS, the clock, randomness, credentials, and the command line of `aquifer`.
//!
//! It decides nothing about a request and says nothing in anybody's dialect: that is `aquifer-gateway`'s and
//! `aquifer-translate`'s.

mod admin;
mod cli;
mod client;
mod commands;
mod host;
mod process;
mod tls;
mod turn_store;
mod upstream;

use aquifer_telemetry::log;
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

/// Runs the command that the process's arguments name, and reports its error on standard error.
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let log = log::Flushed;
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to tell it to when standard error takes nothing, or is closed.
            if log.now() {
                let _ = writeln!(std::io::stderr(), "aquifer: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
