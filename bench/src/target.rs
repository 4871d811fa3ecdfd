//! A peer that runs: started, ready, with the requests that it is sent.

use crate::answer::Answer;
use crate::ask::{Asked, MODEL};
use crate::client::Plan;
use crate::control::{self, Upstream};
use crate::machine::Cores;
use crate::peers::{OPERATION, Peer, Places};
use crate::process::{self, Process};
use crate::work::Work;
use anyhow::Context;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

/// A running peer, or the upstream itself, which has no process to measure.
#[derive(Debug)]
pub(crate) struct Target {
    /// What it is.
    pub(crate) peer: Peer,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its process.
    pub(crate) process: Option<Process>,
}

impl Target {
    /// The upstream, asked without anything between.
    pub(crate) fn direct(upstream: SocketAddr) -> Self {
        use crate::check::Says;
        let peer = Peer {
            name: crate::peers::DIRECT.to_owned(),
            says: Says::Upstream,
            ..crate::peers::gateway(Path::new(""), &[])
        };
        Self { peer, address: upstream, process: None }
    }

    /// Starts a peer with a folder of its own in `folder`, and waits until it is ready.
    pub(crate) fn start(peer: &Peer, upstream: &Upstream, folder: &Path, cores: Option<Cores>) -> anyhow::Result<Self> {
        let folder = folder.join(&peer.name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let folder = std::path::absolute(folder)?;
        let (upstream, certificate) = match &upstream.tls {
            Some((address, certificate)) => (*address, Some(std::path::absolute(certificate)?)),
            None => (upstream.address, None),
        };
        let places = Places { port: free_port()?, upstream, certificate, folder };
        for (name, text) in &peer.files {
            let path = places.folder.join(name);
            std::fs::write(&path, places.fill(text)).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let mut command = process::command(places.fill(&peer.command));
        command.args(peer.args.iter().map(|text| places.fill(text)));
        command.envs(peer.environment.iter().map(|(name, text)| (name, places.fill(text))));
        let log = places.folder.join("output.log");
        let mut process = Process::measured(&peer.name, command, &log, cores)?;
        let address = SocketAddr::from(([127, 0, 0, 1], places.port));
        let url = peer.ready.as_deref().map(|url| places.fill(url));
        process
            .wait_until(Duration::from_secs(peer.ready_within_s), || is_ready(address, url.as_deref()))
            .with_context(|| format!("see {}", log.display()))?;
        Ok(Self { peer: peer.clone(), address, process: Some(process) })
    }

    /// The request of a work, as this target is sent it, with what must reach the upstream.
    pub(crate) fn plan(&self, work: &Work) -> anyhow::Result<(Plan, Vec<String>)> {
        let Asked { body, markers, path } = work.ask.asked(self.peer.model.as_deref().unwrap_or(MODEL));
        let headers = self.peer.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\nuser-agent: aquifer-bench\r\naccept: */*\r\n\
             content-type: application/json\r\n{}content-length: {}\r\n\r\n{body}",
            path.map_or_else(|| self.peer.path.replace(OPERATION, work.operation()), str::to_owned),
            self.address,
            headers.collect::<String>(),
            body.len(),
        );
        let answer = Answer::of(work.shape)?;
        let plan = Plan { address: self.address, request: request.into_bytes(), says: self.peer.says, answer };
        Ok((plan, markers))
    }

    /// Seconds of CPU time so far.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<Option<f64>> {
        let Some(process) = &self.process else { return Ok(None) };
        Ok(Some(process.tree()?.cpu_seconds()))
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").context("no port is free")?.local_addr()?.port())
}

fn is_ready(address: SocketAddr, url: Option<&str>) -> bool {
    let Some(url) = url else { return TcpStream::connect(address).is_ok() };
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Ok(host) = host.parse() else { return false };
    let path = if path.is_empty() { "/" } else { path };
    control::ask(host, "GET", path).is_ok_and(|(head, _)| (200..300).contains(&head.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_its_length() {
        let target = Target::direct(SocketAddr::from(([127, 0, 0, 1], 9)));
        let (plan, markers) = target.plan(Work::named("small").unwrap()).unwrap();
        let (head, length) = crate::http1::request(&plan.request).unwrap().unwrap();
        assert_eq!(head.path, "/v1/chat/completions");
        assert_eq!(head.body, crate::http1::Body::Length(plan.request.len() - length));
        assert_eq!(markers.len(), 1);
    }

    #[test]
    fn nobody_is_ready_on_a_free_port() {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        assert!(!is_ready(address, None));
        assert!(!is_ready(address, Some("http://127.0.0.1:1/health")));
        assert!(!is_ready(address, Some("not a url")));
    }
}
