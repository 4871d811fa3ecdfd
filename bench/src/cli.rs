//! The command line.

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Measures the gateway beside nginx and its peers. Needs Linux; build it with --release.
#[derive(Debug, Parser)]
#[command(arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measures CPU time, latency and memory; prints a table, writes results.json and cpu.svg
    #[command(after_help = "Examples:\n  cargo run --release -p aquifer-bench -- run --quick\n  \
        cargo run --release -p aquifer-bench -- run --work stream --work slow --rounds 5\n  \
        cargo run --release -p aquifer-bench -- run --peers bench/peers.example.toml")]
    Run(Run),
    /// Counts the instructions of the translation, with valgrind
    Instructions(Instructions),
    /// Lists the works
    Works,
    /// Plays Bedrock with the answers of the works (`run` starts it by itself)
    Upstream(Upstream),
}

/// `run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Few requests and one round: a look, no measurement
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these works [default: all]
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = work)]
    pub(crate) work: Vec<String>,
    /// File that describes peers to measure too; see bench/peers.example.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) peers: Option<PathBuf>,
    /// Leave nginx out, though it is installed; there are no ratios then
    #[arg(long)]
    pub(crate) no_nginx: bool,
    /// How often everything is measured [default: 3, with --quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) rounds: Option<u8>,
    /// Folder for the results and the logs
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub(crate) out: PathBuf,
    /// Call the upstream over TLS, as Bedrock is: the gateway and nginx, each with connections kept and sessions resumed
    #[arg(long)]
    pub(crate) tls: bool,
    /// Binary of the gateway [default: the release binary of this workspace, built first]
    #[arg(long, value_name = "PATH")]
    pub(crate) gateway: Option<PathBuf>,
    /// A further argument for `aquifer serve`, for example --gateway-arg=--log-level=warn
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub(crate) gateway_arg: Vec<String>,
}

/// `instructions`.
#[derive(Debug, Args)]
pub(crate) struct Instructions {
    /// File for the counts, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `upstream`.
#[derive(Debug, Args)]
pub(crate) struct Upstream {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: SocketAddr,
    /// Address and port for TLS; needs --certificate
    #[arg(long, value_name = "ADDR:PORT", requires = "certificate")]
    pub(crate) listen_tls: Option<SocketAddr>,
    /// File into which the certificate for localhost is written, made anew at each start
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
}

fn work(name: &str) -> Result<String, String> {
    match crate::work::Work::named(name) {
        Some(_) => Ok(name.to_owned()),
        None => {
            let names: Vec<_> = crate::work::WORKS.iter().map(|work| work.name).collect();
            Err(format!("the works are {}", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn works_are_known_by_name() {
        let read = |line: &str| Cli::try_parse_from(line.split(' '));
        let Command::Run(run) = read("bench run --work small slow --quick").unwrap().command else { panic!() };
        assert_eq!(run.work, ["small", "slow"]);
        assert!(read("bench run --work other").unwrap_err().to_string().contains("text-20mb"));
        assert!(read("bench run --rounds 0").is_err());
    }
}
