//! `aquifer doctor`: probes models on Bedrock, compares them with the catalogue, and writes policies that correct it.
//!
//! ```text
//!  subject ─► examination ─► plan (next probe) ─► question (request) ─► ask (Bedrock) ─► answer ─► learn ─┐
//!                 ▲                                                                                      │
//!                 └──────────────────────────── belief changes ──────────────────────────────────────────┘
//!  examination ─► report, file
//! ```

mod answer;
mod ask;
mod examination;
mod file;
mod learn;
mod plan;
mod probe;
mod question;
mod report;
mod subject;

use crate::cli::Doctor;
use crate::process::config_files::{ConfigFiles, first_config};
use crate::process::stdout::say;
use crate::upstream::Upstreams;
use anyhow::Context;
use aquifer_aws::Environment;
use aquifer_gateway::config::Config;
use ask::Asking;
use examination::{Examination, Examined};
use probe::{Outcome, Tokens};
use report::Case;
use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::process::ExitCode;
use subject::{Estimate, Subject, subjects};

/// The exit code when differences were found.
const DIFFERS: u8 = 3;
/// The number of consecutive failed probes after which a model's examination stops.
const PATIENCE: usize = 2;

/// Examines the models.
pub(crate) async fn run(arguments: Doctor) -> anyhow::Result<ExitCode> {
    let environment = Environment::read();
    let settings = arguments.config.clone().map(|path| ConfigFiles { path, environment: environment.clone() });
    let (_, mut config) = first_config(settings.as_ref(), &environment)?;
    if let Some(region) = &arguments.region {
        elsewhere(&mut config, region);
    }
    let subjects = subjects(&config, &arguments.models)?;
    let planned: Estimate = subjects.iter().map(Subject::estimate).sum();
    let most = arguments.max_calls.unwrap_or(2 * planned.calls);
    tell(&report::plan(&subjects, most))?;
    if !arguments.yes && !agreed()? {
        return Ok(ExitCode::FAILURE);
    }
    let upstreams = Upstreams::of(&config, &environment, &Upstreams::default())?;
    let mut asking = Asking { upstreams: &upstreams, left: most, calls: 0, tokens: Tokens::default() };
    let mut cases: Vec<Case> = Vec::new();
    for subject in subjects {
        let examined = examine(&mut asking, &subject, planned.calls).await?;
        cases.push((subject, examined));
    }
    told(&arguments, &cases, &asking, region(&config))
}

/// The region of the first backend, for a file that has to name it.
fn region(config: &Config) -> Option<&str> {
    config.backends.first()?.kind.service()?.region.as_deref()
}

/// Calls every backend in this region. An address of AWS's own is one of a region; another one stays.
fn elsewhere(config: &mut Config, region: &str) {
    for backend in &mut config.backends {
        if let Some(bedrock) = backend.kind.bedrock_service_mut() {
            bedrock.region = Some(region.to_owned());
            let host = bedrock.endpoint.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
            if host.ends_with(".amazonaws.com") || host.ends_with(".api.aws") {
                (bedrock.endpoint, bedrock.tls_hostname) = (None, None);
            }
        }
    }
}

/// Asks on the terminal for confirmation.
fn agreed() -> anyhow::Result<bool> {
    if !stdin().is_terminal() {
        tell("nothing was sent: there is nobody to ask; say --yes")?;
        return Ok(false);
    }
    let mut out = stderr();
    write!(out, "Go on? [y/N] ").and_then(|()| out.flush()).context("cannot write to standard error")?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer).context("cannot read from standard input")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

async fn examine(asking: &mut Asking<'_>, subject: &Subject, planned: usize) -> anyhow::Result<Examined> {
    let mut examination = Examination::of(&subject.row);
    let mut in_vain = 0;
    while let Some(probe) = examination.next() {
        let outcome = asking.ask(&subject.place, &probe).await;
        let what = probe.what;
        tell(&format!(
            "[{} of about {planned}] {}: {}: {}",
            asking.calls,
            subject.place.model_id,
            what.title(),
            outcome.shown()
        ))?;
        in_vain = if matches!(outcome, Outcome::Unprobed(_)) { in_vain + 1 } else { 0 };
        examination.take(what, outcome);
        if asking.left == 0 {
            examination.stop("the calls that were allowed are used up (--max-calls)");
        } else if in_vain == PATIENCE {
            examination.stop("the probes before it failed");
        }
    }
    Ok(examination.report())
}

/// The report, the file, and the exit code.
fn told(arguments: &Doctor, cases: &[Case], asking: &Asking<'_>, region: Option<&str>) -> anyhow::Result<ExitCode> {
    let (calls, tokens) = (asking.calls, asking.tokens);
    if arguments.json {
        say(&serde_json::to_string_pretty(&report::as_json(cases, calls, tokens))?)?;
    } else {
        say(&report::words(cases, calls, tokens))?;
    }
    let differs = cases.iter().any(|(_, examined)| !examined.findings.is_empty());
    match &arguments.write {
        Some(path) if differs => {
            let alone = arguments.config.is_none();
            let text = file::policies(cases, alone, region.filter(|_| alone));
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
            tell(&format!("written: {}", path.display()))?;
        }
        Some(path) => tell(&format!("nothing differs: {} is not written", path.display()))?,
        None => {}
    }
    let complete = cases.iter().all(|(_, examined)| examined.unprobed.is_empty());
    Ok(match (differs, complete) {
        (true, _) => ExitCode::from(DIFFERS),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::FAILURE,
    })
}

/// Writes a line to standard error: progress, which is not the result.
fn tell(line: &str) -> anyhow::Result<()> {
    writeln!(stderr(), "{line}").context("cannot write to standard error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_region_has_another_address_and_an_own_one_stays() {
        for (endpoint, left) in [
            ("https://bedrock-runtime.us-east-1.amazonaws.com", None),
            ("https://bedrock-runtime.us-east-1.api.aws", None),
            ("http://127.0.0.1:8099", Some("http://127.0.0.1:8099/")),
        ] {
            let env = |name: &str| (name == "AWS_ENDPOINT_URL").then(|| endpoint.to_owned());
            let mut config = Config::from_environment(&env);
            elsewhere(&mut config, "eu-west-1");
            assert_eq!(region(&config), Some("eu-west-1"));
            let Some(bedrock) = config.backends[0].kind.bedrock_service() else { panic!("{config:?}") };
            assert_eq!(bedrock.endpoint.as_ref().map(|url| url.as_str()), left, "{endpoint}");
        }
    }
}
