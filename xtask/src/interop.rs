//! Real clients against the binary: their environments are set up, simulator and gateway started, the suites run.

mod clients;
mod running;

use crate::workspace::{cargo, cargo_command, root, run};
use anyhow::{Context, bail};
use running::{Demo, Roads};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One suite, and what it talks to.
struct Suite {
    name: &'static str,
    /// Its file in `interop`.
    script: &'static str,
    program: Program,
    target: Target,
}

/// What runs a suite.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Python(&'static clients::Python),
    Node(&'static clients::Node),
    /// A script in Python beside programs of Debian's.
    Debian(&'static clients::Debian),
    Shell,
}

/// What a suite is told of on its command line.
#[derive(Clone, Copy)]
enum Target {
    /// The gateway, and the simulator behind it.
    Gateway,
    Simulator,
    /// The fixtures, and the simulator.
    Fixtures,
    /// What clients would be sent for the recorded answers of the corpus, where it is.
    Corpus,
    /// Two gateways, which lead Claude over Converse and over InvokeModel, and their simulator.
    Roads,
    /// The demo's clients, its admin listener, and a folder for pictures.
    Demo,
    /// The binary, which the suite starts itself, and the dashboard and rules that are shipped.
    Deploy,
    /// A gateway before the gateway, which it takes for a service of OpenAI's dialect, and the simulator.
    Chain,
}

const SUITES: [Suite; 54] = [
    suite("openai_python", "openai_python.py", Program::Python(&clients::PYTHON), Target::Gateway),
    suite("openai_node", "openai_node.mjs", Program::Node(&clients::NODE), Target::Gateway),
    suite("curl", "curl.sh", Program::Shell, Target::Gateway),
    suite("boto3_simulator", "boto3_simulator.py", Program::Python(&clients::PYTHON), Target::Simulator),
    suite("botocore_validate", "botocore_validate.py", Program::Python(&clients::PYTHON), Target::Fixtures),
    suite("openai_loops_2", "openai_loops.py", Program::Python(&clients::PYTHON), Target::Gateway),
    suite("openai_loops_3", "openai_loops.py", Program::Python(&clients::PYTHON_AGENTS), Target::Gateway),
    suite("openai_node_loops", "openai_node_loops.mjs", Program::Node(&clients::NODE), Target::Gateway),
    suite("langchain_loops", "langchain_loops.py", Program::Python(&clients::PYTHON_AGENTS), Target::Gateway),
    suite("pydantic_ai_loops", "pydantic_ai_loops.py", Program::Python(&clients::PYTHON_AGENTS), Target::Gateway),
    suite("litellm_loops_1_106", "litellm_loops.py", Program::Python(&clients::PYTHON), Target::Gateway),
    suite("litellm_loops_1_110", "litellm_loops.py", Program::Python(&clients::PYTHON_AGENTS), Target::Gateway),
    suite("vercel_loops_6", "vercel_loops.mjs", Program::Node(&clients::NODE), Target::Gateway),
    suite("vercel_loops_5", "vercel_loops.mjs", Program::Node(&clients::NODE_VERCEL_5), Target::Gateway),
    suite("encoders_python", "encoders.py", Program::Python(&clients::PYTHON_ENCODERS), Target::Gateway),
    suite("encoders_node", "encoders.mjs", Program::Node(&clients::NODE), Target::Gateway),
    suite("anthropic_fixtures", "anthropic_fixtures.py", Program::Python(&clients::PYTHON_ANTHROPIC), Target::Fixtures),
    suite(
        "anthropic_node_fixtures",
        "anthropic_node_fixtures.mjs",
        Program::Node(&clients::NODE_ANTHROPIC),
        Target::Fixtures,
    ),
    suite("codex", "codex.mjs", Program::Node(&clients::NODE_CODEX), Target::Gateway),
    suite("responses_fixtures_2", "responses_fixtures.py", Program::Python(&clients::PYTHON), Target::Fixtures),
    suite("responses_fixtures_3", "responses_fixtures.py", Program::Python(&clients::PYTHON_AGENTS), Target::Fixtures),
    suite(
        "responses_node_fixtures",
        "responses_node_fixtures.mjs",
        Program::Node(&clients::NODE_RESPONSES),
        Target::Fixtures,
    ),
    suite("responses_loops_2", "responses_loops.py", Program::Python(&clients::PYTHON), Target::Gateway),
    suite("responses_loops_3", "responses_loops.py", Program::Python(&clients::PYTHON_AGENTS), Target::Gateway),
    suite("anthropic_loops_2", "anthropic_loops.py", Program::Python(&clients::PYTHON_ANTHROPIC), Target::Roads),
    suite("anthropic_loops_1", "anthropic_loops.py", Program::Python(&clients::PYTHON_ANTHROPIC_1), Target::Roads),
    suite("anthropic_node_loops", "anthropic_node_loops.mjs", Program::Node(&clients::NODE_ANTHROPIC), Target::Roads),
    suite("langchain_messages", "langchain_messages.py", Program::Python(&clients::PYTHON_ANTHROPIC), Target::Roads),
    suite(
        "pydantic_ai_messages",
        "pydantic_ai_messages.py",
        Program::Python(&clients::PYTHON_ANTHROPIC_1),
        Target::Roads,
    ),
    suite("vercel_messages", "vercel_messages.mjs", Program::Node(&clients::NODE_ANTHROPIC), Target::Roads),
    suite("claude_agent", "claude_agent.py", Program::Python(&clients::PYTHON_CLAUDE_AGENT), Target::Roads),
    suite("aider_edits", "aider_edits.py", Program::Python(&clients::PYTHON_AIDER), Target::Roads),
    suite("claude_matrix", "claude_matrix.py", Program::Python(&clients::PYTHON_ANTHROPIC), Target::Roads),
    suite("claude_code", "claude_code.mjs", Program::Node(&clients::NODE_CLAUDE_CODE), Target::Roads),
    suite("bedrock_api", "bedrock_api.py", Program::Python(&clients::PYTHON_BEDROCK), Target::Gateway),
    suite("openai_agents_loops", "openai_agents_loops.py", Program::Python(&clients::PYTHON_AGENTS), Target::Gateway),
    suite("langchain_responses", "langchain_responses.py", Program::Python(&clients::PYTHON_AGENTS), Target::Gateway),
    suite(
        "pydantic_ai_responses",
        "pydantic_ai_responses.py",
        Program::Python(&clients::PYTHON_AGENTS),
        Target::Gateway,
    ),
    suite(
        "openai_node_responses",
        "openai_node_responses.mjs",
        Program::Node(&clients::NODE_RESPONSES),
        Target::Gateway,
    ),
    suite("vercel_responses", "vercel_responses.mjs", Program::Node(&clients::NODE_RESPONSES), Target::Gateway),
    suite("claude_code_bedrock", "claude_code_bedrock.mjs", Program::Node(&clients::NODE_CLAUDE_CODE), Target::Roads),
    suite("dialects_matrix", "dialects_matrix.py", Program::Python(&clients::PYTHON_DIALECTS), Target::Roads),
    suite("bedrock_openai", "bedrock_openai.py", Program::Python(&clients::PYTHON_BEDROCK), Target::Chain),
    suite("bedrock_api_node", "bedrock_api.mjs", Program::Node(&clients::NODE_BEDROCK), Target::Gateway),
    suite("anthropic_corpus_1", "anthropic_corpus.py", Program::Python(&clients::PYTHON_ANTHROPIC_1), Target::Corpus),
    suite("anthropic_corpus_2", "anthropic_corpus.py", Program::Python(&clients::PYTHON_ANTHROPIC), Target::Corpus),
    suite(
        "anthropic_corpus_node",
        "anthropic_node_corpus.mjs",
        Program::Node(&clients::NODE_ANTHROPIC),
        Target::Corpus,
    ),
    suite("responses_corpus_2", "responses_corpus.py", Program::Python(&clients::PYTHON), Target::Corpus),
    suite("responses_corpus_3", "responses_corpus.py", Program::Python(&clients::PYTHON_AGENTS), Target::Corpus),
    suite(
        "responses_corpus_node",
        "responses_node_corpus.mjs",
        Program::Node(&clients::NODE_RESPONSES),
        Target::Corpus,
    ),
    suite("chat_corpus_2", "chat_corpus.py", Program::Python(&clients::PYTHON), Target::Corpus),
    suite("chat_corpus_3", "chat_corpus.py", Program::Python(&clients::PYTHON_AGENTS), Target::Corpus),
    suite("admin_page", "admin_page.mjs", Program::Node(&clients::NODE_BROWSER), Target::Demo),
    suite("dashboards", "dashboards.py", Program::Debian(&clients::PROMETHEUS), Target::Deploy),
];

const fn suite(name: &'static str, script: &'static str, program: Program, target: Target) -> Suite {
    Suite { name, script, program, target }
}

/// Where everything is that a suite needs.
struct Place {
    /// The folder of everything that is installed and written.
    folder: PathBuf,
    binary: PathBuf,
    gateway: String,
    simulator: String,
    roads: Option<Roads>,
    /// The file of what clients would be sent for the corpus; none where there is no corpus.
    corpus: Option<PathBuf>,
    chain: Option<String>,
}

/// Runs the suites whose names begin with one of `wanted`; all of them when there is none.
pub(crate) fn suites(wanted: &[String]) -> anyhow::Result<()> {
    let chosen: Vec<&Suite> = SUITES
        .iter()
        .filter(|suite| wanted.is_empty() || wanted.iter().any(|name| suite.name.starts_with(name.as_str())))
        .collect();
    if chosen.is_empty() {
        bail!("no suite is called so; there are {}", SUITES.map(|suite| suite.name).join(", "));
    }
    cargo(&["build", "--locked", "-p", "aquifer"])?;
    let folder = target()?.join("interop");
    fs::create_dir_all(&folder)?;
    for suite in &chosen {
        match suite.program {
            Program::Python(packages) => packages.install(&folder)?,
            Program::Node(packages) => packages.install(&folder)?,
            Program::Debian(package) => package.install(&folder),
            Program::Shell => {}
        }
    }
    let binary = target()?.join("debug/aquifer");
    let (_simulator, simulator) = running::simulator(&binary)?;
    let (_gateway, gateway) = running::gateway(&binary, &folder, &simulator)?;
    let roads = match chosen.iter().any(|suite| matches!(suite.target, Target::Roads)) {
        true => Some(Roads::start(&binary, &folder)?),
        false => None,
    };
    let corpus = match chosen.iter().any(|suite| matches!(suite.target, Target::Corpus)) {
        true => corpus_answers(&folder)?,
        false => None,
    };
    let chained = match chosen.iter().any(|suite| matches!(suite.target, Target::Chain)) {
        true => Some(running::chain(&binary, &folder, &gateway)?),
        false => None,
    };
    let chain = chained.as_ref().map(|running| running.1.clone());
    let place = Place { folder, binary, gateway, simulator, roads, corpus, chain };
    for suite in chosen {
        one(suite, &place).with_context(|| format!("the suite {}", suite.name))?;
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "progress, for the person who waits")]
fn one(suite: &Suite, place: &Place) -> anyhow::Result<()> {
    eprintln!("== {}", suite.name);
    if matches!(suite.target, Target::Corpus) && place.corpus.is_none() {
        eprintln!("SKIPPED: the corpus is not there, so no recorded answer was given to {}", suite.name);
        return Ok(());
    }
    if let Program::Debian(package) = suite.program
        && !package.is_there(&place.folder)
    {
        eprintln!("SKIPPED: there is nothing of Debian's for {}", suite.name);
        return Ok(());
    }
    let script = root().join("interop").join(suite.script);
    // Whatever hangs is stopped.
    let mut command = Command::new("timeout");
    command.arg("300");
    match suite.program {
        Program::Python(packages) => {
            command.env("PYTHONDONTWRITEBYTECODE", "1").arg(packages.interpreter(&place.folder)).arg(script)
        }
        Program::Node(packages) => command.arg("node").arg(packages.lay(&place.folder, suite.script)?),
        Program::Debian(package) => command.arg("python3").arg(script).arg(package.programs(&place.folder)),
        Program::Shell => command.arg("bash").arg(script),
    };
    match suite.target {
        Target::Gateway => command.arg(&place.gateway),
        Target::Simulator => &mut command,
        Target::Fixtures => command.arg(root().join("fixtures")),
        Target::Corpus => return run(command.args(&place.corpus)),
        Target::Demo => {
            let demo = Demo::start(&target()?.join("debug/aquifer"), &place.folder)?;
            command.args([&demo.clients, &demo.admin]).arg(target()?.join("interop/admin-page"));
            return run(&mut command);
        }
        Target::Deploy => return run(command.arg(&place.binary).arg(root().join("deploy"))),
        Target::Chain => command.arg(place.chain.as_ref().context("the gateway before the gateway was not started")?),
        Target::Roads => {
            let roads = place.roads.as_ref().context("the gateways of both roads were not started")?;
            return run(command.args(roads.addresses()));
        }
    };
    run(command.arg(&place.simulator))
}

/// Writes what clients would be sent for the recorded answers of the corpus; none where there is no corpus.
fn corpus_answers(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    #[expect(clippy::disallowed_methods, reason = "a chore is a host; its person says so where the corpus is")]
    let told = std::env::var_os("AQUIFER_CORPUS").map(PathBuf::from);
    let corpus = told.unwrap_or_else(|| root().join("../shared/corpus"));
    if !corpus.join("cases").is_dir() {
        return Ok(None);
    }
    let file = folder.join("corpus.jsonl");
    let mut example = cargo_command();
    example.args(["run", "--quiet", "--locked", "-p", "aquifer-translate", "--example", "corpus_answers", "--"]);
    run(example.arg(corpus).arg(&file))?;
    Ok(Some(file))
}

/// The folder of everything that is built.
fn target() -> anyhow::Result<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a chore is a host; cargo is told so where to build")]
    let told = std::env::var_os("CARGO_TARGET_DIR");
    let folder = told.map_or_else(|| root().join("target"), |folder| root().join(folder));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_has_its_own_name_and_a_script() {
        for (at, suite) in SUITES.iter().enumerate() {
            assert!(root().join("interop").join(suite.script).is_file(), "{}", suite.script);
            assert!(SUITES[..at].iter().all(|other| other.name != suite.name), "{}", suite.name);
        }
    }

    #[test]
    fn every_script_is_run_or_shared() {
        for entry in fs::read_dir(root().join("interop")).expect("there are suites") {
            let name = entry.expect("it can be read").file_name().to_string_lossy().into_owned();
            let run = SUITES.iter().any(|suite| suite.script == name);
            assert!(
                run || name.starts_with("loops")
                    || name.starts_with("corpus.")
                    || ["chain.yaml", "gateway.yaml", "keys.txt", "roads.yaml", "routes.yaml"].contains(&name.as_str()),
                "{name} is run by nobody"
            );
        }
    }

    #[test]
    fn an_unknown_name_is_said_to_be_so() {
        let error = suites(&["nothing".to_owned()]).expect_err("there is no such suite");
        assert!(error.to_string().contains("vercel_loops_6"), "{error}");
    }
}
