//! Measures the gateway beside nginx and its peers: CPU time, latency, memory, instructions.

mod answer;
mod ask;
mod cargo;
mod check;
mod cli;
mod client;
mod clock;
mod control;
mod frames;
mod http1;
mod idle;
mod instructions;
mod load;
mod machine;
mod measure;
mod messages;
mod peers;
mod plot;
mod process;
mod procfs;
mod results;
mod rows;
mod run;
mod say;
mod stats;
mod svg;
mod table;
mod target;
mod upstream;
mod work;

use clap::Parser;
use cli::Command;
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match cli::Cli::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Instructions(arguments) => instructions::run(&arguments),
        Command::Works => works(),
        Command::Upstream(arguments) => {
            let tls = arguments.listen_tls.zip(arguments.certificate.as_deref());
            upstream::serve(arguments.listen, tls.map(|(listen, certificate)| upstream::Tls { listen, certificate }))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::note(&format!("aquifer-bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn works() -> anyhow::Result<()> {
    for work in work::WORKS {
        say::line(&format!("{:<12}{}", work.name, work.about))?;
    }
    Ok(())
}
