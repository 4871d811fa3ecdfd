//! Simulator and gateway as processes of their own, stopped with us.

use crate::workspace::root;
use anyhow::{Context, bail};
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A program that is stopped with us.
pub(super) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The models of the suites, besides the demo's.
const MODELS: [&str; 16] = [
    "anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-opus-4-6-v1",
    "anthropic.claude-opus-4-7",
    "amazon.nova-2-lite-v1:0",
    "amazon.nova-lite-v1:0",
    "openai.gpt-oss-120b-1:0",
    "openai.gpt-5.6-sol",
    "amazon.titan-embed-text-v1",
    "amazon.titan-embed-text-v2:0",
    "amazon.titan-embed-image-v1",
    "amazon.nova-2-multimodal-embeddings-v1:0",
    "cohere.embed-multilingual-v3",
    "cohere.embed-v4:0",
    "cohere.rerank-v3-5:0",
    "amazon.rerank-v1:0",
];

/// Starts a simulator, and says where it is.
pub(super) fn simulator(binary: &Path) -> anyhow::Result<(Running, String)> {
    start(Command::new(binary).args(["simulator", "--listen", "127.0.0.1:0"]), "aquifer simulator listening on ")
}

/// Two gateways before a simulator of their own: Claude is called by one API of Bedrock's at each.
pub(super) struct Roads {
    addresses: [String; 3],
    _running: [Running; 3],
}

impl Roads {
    /// Starts them; the log of each goes into `folder`.
    pub(super) fn start(binary: &Path, folder: &Path) -> anyhow::Result<Self> {
        let mut simulator = Command::new(binary);
        simulator.args(["simulator", "--listen", "127.0.0.1:0", "--echo", "400", "--prompt-cache"]);
        let (playing, simulator) = start(&mut simulator, "aquifer simulator listening on ")?;
        let (over_converse, converse) = Self::gateway(binary, folder, &simulator, "converse")?;
        let (over_invoke, invoke) = Self::gateway(binary, folder, &simulator, "invoke")?;
        Ok(Self { addresses: [converse, invoke, simulator], _running: [over_converse, over_invoke, playing] })
    }

    fn gateway(binary: &Path, folder: &Path, simulator: &str, api: &str) -> anyhow::Result<(Running, String)> {
        let template = fs::read_to_string(root().join("interop/roads.yaml"))?;
        let file = folder.join(format!("{api}.yaml"));
        fs::write(&file, template.replace("${SIMULATOR}", simulator).replace("${API}", api))?;
        let mut serve = serve(binary, folder, api)?;
        // A body that is too large should not be large.
        serve.args(["--max-body", "2097152", "--config"]).arg(file);
        start(&mut serve, "aquifer listening on ")
    }

    /// Where the gateway over Converse is, the one over InvokeModel, and the simulator.
    pub(super) fn addresses(&self) -> &[String; 3] {
        &self.addresses
    }
}

/// A demo, which has its simulator within.
pub(super) struct Demo {
    /// Where its clients are served.
    pub(super) clients: String,
    /// Where its admin listener is.
    pub(super) admin: String,
    _running: Running,
}

impl Demo {
    /// Starts it at a pace at which one can watch; its log goes into `folder`.
    pub(super) fn start(binary: &Path, folder: &Path) -> anyhow::Result<Self> {
        let mut demo = Command::new(binary);
        demo.args(["demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--pace", "25ms"]);
        demo.stderr(fs::File::create(folder.join("demo.log"))?);
        let mut running = Running(demo.stdout(Stdio::piped()).spawn().context("cannot start the demo")?);
        let mut lines = BufReader::new(running.0.stdout.take().context("it has no output")?).lines();
        let clients = announced(&mut lines, "aquifer listening on ")?;
        let admin = announced(&mut lines, "aquifer admin on ")?;
        Ok(Self { clients, admin, _running: running })
    }
}

/// A gateway that serves the keys of the suites alone, but for its configuration.
fn serve(binary: &Path, folder: &Path, name: &str) -> anyhow::Result<Command> {
    let mut serve = Command::new(binary);
    serve.args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    serve.arg("--api-keys-file").arg(root().join("interop/keys.txt"));
    serve.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "for-the-simulator-only");
    serve.stderr(fs::File::create(folder.join(format!("{name}.log")))?);
    Ok(serve)
}

/// Starts a gateway before a simulator, which serves the keys of the suites alone, and says where it is; its log goes into `folder`.
pub(super) fn gateway(binary: &Path, folder: &Path, simulator: &str) -> anyhow::Result<(Running, String)> {
    let mut serve = serve(binary, folder, "gateway")?;
    serve.arg("--config").arg(configuration(folder, simulator)?);
    start(&mut serve, "aquifer listening on ")
}

/// Starts a gateway before another one, which it takes for a service of OpenAI's dialect, and says where it is.
pub(super) fn chain(binary: &Path, folder: &Path, gateway: &str) -> anyhow::Result<(Running, String)> {
    let template = fs::read_to_string(root().join("interop/chain.yaml"))?;
    let file = folder.join("chain.yaml");
    fs::write(&file, template.replace("${GATEWAY}", gateway))?;
    let mut serve = serve(binary, folder, "chain")?;
    serve.arg("--config").arg(file);
    start(&mut serve, "aquifer listening on ")
}

/// The configuration: the demo's backend in the short form, one for every other model of the suites, and the routes.
fn configuration(folder: &Path, simulator: &str) -> anyhow::Result<PathBuf> {
    let backend = fs::read_to_string(root().join("interop/gateway.yaml"))?.replace("${SIMULATOR}", simulator);
    let mut documents = vec![backend.clone()];
    for (at, model) in MODELS.iter().enumerate() {
        let named = backend.replace("{name: demo}", &format!("{{name: backend-{at}}}"));
        documents.push(named.replace("anthropic.claude-3-5-sonnet-20241022-v2:0", model));
    }
    documents.push(fs::read_to_string(root().join("interop/routes.yaml"))?);
    let file = folder.join("gateway.yaml");
    fs::write(&file, documents.join("---\n"))?;
    Ok(file)
}

/// Starts a program and waits for the line in which it says where it listens.
fn start(command: &mut Command, announcement: &str) -> anyhow::Result<(Running, String)> {
    let mut running = Running(command.stdout(Stdio::piped()).spawn().context("cannot start the binary")?);
    let output = running.0.stdout.take().context("it has no output")?;
    let address = announced(&mut BufReader::new(output).lines(), announcement)?;
    Ok((running, address))
}

/// What a program says behind an announcement, in the first line that begins so.
fn announced(lines: &mut Lines<BufReader<ChildStdout>>, announcement: &str) -> anyhow::Result<String> {
    for line in lines {
        if let Some(address) = line?.strip_prefix(announcement) {
            return Ok(address.to_owned());
        }
    }
    bail!("the binary ended before it listened")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_where_it_listens() {
        let mut said = Command::new("/bin/sh");
        said.args(["-c", "echo hello; echo listening on here; exec sleep 60"]);
        let (_running, address) = start(&mut said, "listening on ").expect("it says so");
        assert_eq!(address, "here");
        let mut silent = Command::new("/bin/sh");
        silent.args(["-c", "exit 3"]);
        assert!(start(&mut silent, "listening on ").is_err());
    }
}
