//! The gateway on a network of its own: the host of `aquifer-gateway` on tokio, and the command line of `aquifer`.
//!
//! ```text
//!  client/    listen ─► http ─► admission ─► driver ◄──► Exchange (aquifer-gateway)
//!                                              │
//!  upstream/  concurrency ─► endpoint_client ◄─┘ ─► h1_pool | h2_pool ─► socket ─► backend
//! ```
//!
//! - `client/`: the clients' side, from the accepted connection to the written answer.
//! - [`upstream`]: the backends' side: connection pools, concurrency limits, signed calls. Other hosts can use it.
//! - `process/`: worker threads, clock, randomness, configuration files, file descriptors.
//! - `host.rs`: the state that all requests share; `turn_store.rs`: remembered turns; `admin/`: health, metrics, the admin page and its API.
//! - `live.rs`: exchanges under way, and their texts, for those who may watch.
//! - `commands/` and `cli.rs`: the commands and flags of the binary, which calls [`main`]; `doctor/`: `aquifer doctor`.
//!
//! What it does not do:
//! - It decides nothing about a request: routes, retries, hedges, limits and refusals are `aquifer-gateway`'s.
//! - It reads and writes no dialect of clients or backends: that is `aquifer-translate`'s.
//! - It implements neither signatures (`aquifer-sign`), nor credentials (`aquifer-aws`), nor metrics and the log
//!   (`aquifer-telemetry`).

mod admin;
mod cli;
mod client;
mod commands;
mod doctor;
mod host;
mod live;
mod otlp;
mod page_headers;
mod process;
mod tls;
mod turn_store;
pub mod upstream;

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
