//! `aquifer simulator`: Bedrock, played on a socket.

use super::run::{Signals, bind};
use crate::cli::Simulator;
use crate::process::stdout::say;
use anyhow::Context;
use aquifer_simulator::Options;
use std::process::ExitCode;

/// Plays until a signal.
pub(super) async fn run(arguments: Simulator) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let listener = bind("--listen", &arguments.listen).await?;
    say(&format!("aquifer simulator listening on http://{}", listener.local_addr()?))?;
    let options = Options {
        pace: arguments.pace.unwrap_or_default(),
        faults: arguments.faults,
        echo: arguments.echo,
        prompt_cache: arguments.prompt_cache,
    };
    aquifer_simulator::serve(listener, options, async move { signals.end().await })
        .await
        .context("the simulator failed")?;
    Ok(ExitCode::SUCCESS)
}
