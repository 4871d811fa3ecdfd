//! Real clients against the binary: their environments are set up, simulator and gateway started, the suites run.

use crate::workspace::{cargo, root, run};
use anyhow::{Context, bail};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The clients, each at the version that the suites were written for.
const PYTHON: [&str; 3] = ["openai==2.54.0", "boto3==1.43.11", "botocore==1.43.11"];
const NODE: &str = "openai@6.10.0";

/// One suite, and what it talks to.
struct Suite {
    name: &'static str,
    program: Program,
}

#[derive(Clone, Copy)]
enum Program {
    Python(&'static str),
    Node,
    Shell,
}

const SUITES: [Suite; 5] = [
    Suite { name: "openai_python", program: Program::Python("gateway") },
    Suite { name: "openai_node", program: Program::Node },
    Suite { name: "curl", program: Program::Shell },
    Suite { name: "boto3_simulator", program: Program::Python("simulator") },
    Suite { name: "botocore_validate", program: Program::Python("fixtures") },
];

/// A program that is stopped with us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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
    let python = python(&folder)?;
    if chosen.iter().any(|suite| matches!(suite.program, Program::Node)) {
        node(&folder)?;
    }
    let binary = target()?.join("debug/aquifer");
    let (_simulator, simulator) =
        start(Command::new(&binary).args(["simulator", "--listen", "127.0.0.1:0"]), "aquifer simulator listening on ")?;
    let mut serve = Command::new(&binary);
    let config = configuration(&folder, &simulator)?;
    serve.args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--config"]).arg(&config);
    serve.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "for-the-simulator-only");
    serve.stderr(fs::File::create(folder.join("gateway.log"))?);
    let (_gateway, gateway) = start(&mut serve, "aquifer listening on ")?;
    for suite in chosen {
        one(suite, &python, &folder, &gateway, &simulator).with_context(|| format!("the suite {}", suite.name))?;
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "progress, for the person who waits")]
fn one(suite: &Suite, python: &Path, folder: &Path, gateway: &str, simulator: &str) -> anyhow::Result<()> {
    eprintln!("== {}", suite.name);
    let script = |ending: &str| root().join("interop").join(format!("{}.{ending}", suite.name));
    // Whatever hangs is stopped.
    let mut command = Command::new("timeout");
    command.arg("300").env("PYTHONDONTWRITEBYTECODE", "1");
    match suite.program {
        Program::Python("gateway") => command.arg(python).arg(script("py")).arg(gateway),
        Program::Python("simulator") => command.arg(python).arg(script("py")).arg(simulator),
        Program::Python(_) => command.arg(python).arg(script("py")).arg(root().join("fixtures")).arg(simulator),
        Program::Node => {
            // Node looks for packages from where the script lies.
            let copy = folder.join("openai_node.mjs");
            fs::copy(script("mjs"), &copy)?;
            command.arg("node").arg(copy).arg(gateway)
        }
        Program::Shell => command.arg("bash").arg(script("sh")).arg(gateway),
    };
    run(&mut command)
}

/// The folder of everything that is built.
fn target() -> anyhow::Result<std::path::PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a chore is a host; cargo is told so where to build")]
    let told = std::env::var_os("CARGO_TARGET_DIR");
    let folder = told.map_or_else(|| root().join("target"), |folder| root().join(folder));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A Python with the clients; made anew when their versions change.
fn python(folder: &Path) -> anyhow::Result<std::path::PathBuf> {
    let stamp = folder.join("python.stamp");
    let python = folder.join("venv/bin/python");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == PYTHON.join(" ")) && python.exists() {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PYTHON))?;
    fs::write(stamp, PYTHON.join(" "))?;
    Ok(python)
}

fn node(folder: &Path) -> anyhow::Result<()> {
    let stamp = folder.join("node.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == NODE) {
        return Ok(());
    }
    fs::write(folder.join("package.json"), r#"{"private": true, "type": "module"}"#)?;
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", NODE]);
    run(&mut npm)?;
    Ok(fs::write(stamp, NODE)?)
}

/// The configuration: the demo's backend in the short form, and one for every other model of the suites.
fn configuration(folder: &Path, simulator: &str) -> anyhow::Result<std::path::PathBuf> {
    let backend = fs::read_to_string(root().join("interop/gateway.yaml"))?.replace("${SIMULATOR}", simulator);
    let models = [
        "anthropic.claude-sonnet-4-20250514-v1:0",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "anthropic.claude-opus-4-7",
        "amazon.nova-2-lite-v1:0",
        "amazon.nova-lite-v1:0",
        "openai.gpt-oss-120b-1:0",
    ];
    let mut documents = vec![backend.clone()];
    for (at, model) in models.iter().enumerate() {
        let named = backend.replace("{name: demo}", &format!("{{name: backend-{at}}}"));
        documents.push(named.replace("anthropic.claude-3-5-sonnet-20241022-v2:0", model));
    }
    let file = folder.join("gateway.yaml");
    fs::write(&file, documents.join("---\n"))?;
    Ok(file)
}

/// Starts a program and waits for the line in which it says where it listens.
fn start(command: &mut Command, announcement: &str) -> anyhow::Result<(Running, String)> {
    let mut running = Running(command.stdout(Stdio::piped()).spawn().context("cannot start the binary")?);
    let output = running.0.stdout.take().context("it has no output")?;
    for line in BufReader::new(output).lines() {
        if let Some(address) = line?.strip_prefix(announcement) {
            return Ok((running, address.to_owned()));
        }
    }
    bail!("the binary ended before it listened")
}
