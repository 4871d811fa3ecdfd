//! The binary `aquifer`: the gateway on a network of its own.
//!
//! It has the sockets, the clock, the randomness and the credentials. It decides nothing about a request and says nothing
//! in anybody's dialect: that is `aquifer-gateway`'s and `aquifer-translate`'s.

mod admin;
mod api_keys;
mod arrival;
mod attended;
mod authority;
mod cli;
mod clock;
mod commands;
mod credentials;
mod crowd;
mod descriptors;
mod drive;
mod elsewhere;
mod endpoint;
mod environment;
mod failed_attempts;
mod gate;
mod host;
mod http;
mod joined;
mod life;
mod listen;
mod origin;
mod patience;
mod profiles;
mod random;
mod room;
mod settings;
mod sign;
mod spread;
mod telemetry;
mod tls;
mod turns;
mod upstream;
mod workers;

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use telemetry::log;

fn main() -> ExitCode {
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
