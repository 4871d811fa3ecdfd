//! What is measured besides the gateway, and how it is started: read from a file, or built in for nginx.

use crate::check::Says;
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Something that is measured. In every text `${PORT}`, `${UPSTREAM}`, `${UPSTREAM_PORT}`,
/// `${UPSTREAM_URL}`, `${SCHEME}`, `${CERTIFICATE}` and `${DIR}` are replaced.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peer {
    /// Its name in the results.
    pub(crate) name: String,
    /// The program; a name is looked up in `PATH`.
    pub(crate) command: String,
    /// Its arguments.
    #[serde(default)]
    pub(crate) args: Vec<String>,
    /// Variables of its environment, besides those of the benchmark's own.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// Files that are written into `${DIR}` before it starts, by name.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// A URL that answers 2xx when it is ready; without one it is ready when its port takes connections.
    pub(crate) ready: Option<String>,
    /// How long that may take.
    #[serde(default = "a_minute")]
    pub(crate) ready_within_s: u64,
    /// Where it serves Chat Completions.
    #[serde(default = "chat")]
    pub(crate) path: String,
    /// The model that it is asked for, when it has its own names for models.
    pub(crate) model: Option<String>,
    /// Headers of every request.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// What it answers: `openai`, or `upstream` for a proxy that hands on the upstream's bytes.
    #[serde(default)]
    pub(crate) says: Says,
    /// Works that it cannot do.
    #[serde(default)]
    pub(crate) skip: Vec<String>,
}

fn a_minute() -> u64 {
    60
}

fn chat() -> String {
    "/v1/chat/completions".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    peer: Vec<Peer>,
}

/// Names that mean something else.
const TAKEN: [&str; 4] = [DIRECT, NGINX, GATEWAY, PASSING];

/// The upstream, asked without anything between.
pub(crate) const DIRECT: &str = "direct";
/// nginx as a plain reverse proxy: what everything is compared with.
pub(crate) const NGINX: &str = "nginx";
/// This workspace's gateway.
pub(crate) const GATEWAY: &str = "aquifer";
/// The same, in Bedrock's own API.
pub(crate) const PASSING: &str = "aquifer-bedrock";
/// The place of an operation of Bedrock's in a path.
pub(crate) const OPERATION: &str = "${OPERATION}";

/// Reads a file of peers.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Peer>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is wrong", path.display()))
}

fn parse(text: &str) -> anyhow::Result<Vec<Peer>> {
    let File { peer: peers } = toml::from_str(text)?;
    for (at, peer) in peers.iter().enumerate() {
        let before = peers.iter().take(at).map(|peer| peer.name.as_str());
        ensure!(!TAKEN.into_iter().chain(before).any(|name| name == peer.name), "the name {:?} is taken", peer.name);
        ensure!(
            !peer.name.is_empty() && peer.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)),
            "the name {:?} is not of letters, digits, `-`, `_` and `.`",
            peer.name
        );
        if let Some(unknown) = peer.skip.iter().find(|name| crate::work::Work::named(name).is_none()) {
            bail!("{} skips {unknown:?}, which is no work", peer.name);
        }
    }
    Ok(peers)
}

/// What the placeholders stand for.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The port to listen on.
    pub(crate) port: u16,
    /// The upstream's address.
    pub(crate) upstream: SocketAddr,
    /// The certificate of the upstream, when it is called over TLS.
    pub(crate) certificate: Option<PathBuf>,
    /// A folder of its own.
    pub(crate) folder: PathBuf,
}

impl Places {
    /// Replaces the placeholders.
    pub(crate) fn fill(&self, text: &str) -> String {
        let port = self.upstream.port();
        let (scheme, url, certificate) = match &self.certificate {
            Some(file) => ("https", format!("https://localhost:{port}"), file.to_string_lossy()),
            None => ("http", format!("http://{}", self.upstream), "".into()),
        };
        text.replace("${PORT}", &self.port.to_string())
            .replace("${UPSTREAM_URL}", &url)
            .replace("${SCHEME}", scheme)
            .replace("${CERTIFICATE}", &certificate)
            .replace("${UPSTREAM}", &self.upstream.to_string())
            .replace("${UPSTREAM_PORT}", &self.upstream.port().to_string())
            .replace("${DIR}", &self.folder.to_string_lossy())
    }
}

/// The gateway, from its binary.
pub(crate) fn gateway(binary: &Path, arguments: &[String]) -> Peer {
    let fixed = ["serve", "--listen", "127.0.0.1:${PORT}", "--admin", "127.0.0.1:0", "--max-connections", "10100"];
    let environment = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "${UPSTREAM_URL}"),
        // Roots of trust besides the system's; empty, it counts as unset.
        ("SSL_CERT_FILE", "${CERTIFICATE}"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("HOME", "${DIR}"),
    ];
    Peer {
        name: GATEWAY.to_owned(),
        command: binary.to_string_lossy().into_owned(),
        args: fixed.into_iter().map(str::to_owned).chain(arguments.iter().cloned()).collect(),
        environment: environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..named(GATEWAY)
    }
}

/// The same gateway, asked in Bedrock's own API: its clients get the upstream's bytes, as nginx's do.
pub(crate) fn passing(gateway: &Peer) -> Peer {
    let path = format!("/model/{}/{OPERATION}", crate::ask::MODEL.replace(':', "%3A"));
    // Their clients speak Messages, which are not the upstream's bytes.
    let skip = ["messages", "messages-burst", "claude-code"].map(str::to_owned).to_vec();
    Peer { name: PASSING.to_owned(), path, says: Says::Upstream, skip, ..gateway.clone() }
}

/// nginx, when it is installed: no log, no buffering, connections to the upstream kept.
pub(crate) fn nginx() -> Option<Peer> {
    // Debian keeps it where only root's PATH leads.
    let program = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx", "/opt/homebrew/bin/nginx"];
    let program = program.into_iter().find(|path| Path::new(path).exists())?;
    let root = rustix::process::geteuid().is_root();
    let config = NGINX_CONFIG.replace("${USER}", if root { "user root;" } else { "" });
    Some(Peer {
        command: program.to_owned(),
        args: ["-p", "${DIR}", "-e", "${DIR}/error.log", "-c", "${DIR}/nginx.conf"].map(str::to_owned).to_vec(),
        files: BTreeMap::from([("nginx.conf".to_owned(), config)]),
        says: Says::Upstream,
        ..named(NGINX)
    })
}

fn named(name: &str) -> Peer {
    Peer {
        name: name.to_owned(),
        command: String::new(),
        args: Vec::new(),
        environment: BTreeMap::new(),
        files: BTreeMap::new(),
        ready: None,
        ready_within_s: a_minute(),
        path: chat(),
        model: None,
        headers: BTreeMap::new(),
        says: Says::OpenAi,
        skip: Vec::new(),
    }
}

const NGINX_CONFIG: &str = "\
${USER}
daemon off;
worker_processes 1;
worker_rlimit_nofile 65536;
pid ${DIR}/nginx.pid;
error_log ${DIR}/error.log warn;
events { worker_connections 24000; }
http {
    access_log off;
    tcp_nodelay on;
    keepalive_timeout 3600s;
    keepalive_requests 1000000000;
    client_max_body_size 64m;
    client_body_temp_path ${DIR}/body;
    proxy_temp_path ${DIR}/proxy;
    fastcgi_temp_path ${DIR}/fastcgi;
    uwsgi_temp_path ${DIR}/uwsgi;
    scgi_temp_path ${DIR}/scgi;
    upstream bedrock {
        server ${UPSTREAM};
        keepalive 2048;
        keepalive_timeout 3600s;
        keepalive_requests 1000000000;
    }
    server {
        listen 127.0.0.1:${PORT} backlog=16384;
        location / {
            proxy_pass ${SCHEME}://bedrock;
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_session_reuse on;
            proxy_ssl_server_name on;
            proxy_ssl_name localhost;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_read_timeout 3600s;
        }
    }
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_right() {
        let peers = parse(include_str!("../peers.example.toml")).unwrap();
        assert!(!peers.is_empty());
        assert!(peers.iter().any(|peer| peer.says == Says::Upstream));
        assert!(peers.iter().any(|peer| peer.args.iter().any(|arg| arg.contains("${PORT}"))));
    }

    #[test]
    fn mistakes_are_named() {
        let said = |text: &str| parse(text).unwrap_err().to_string();
        assert!(said("[[peer]]\nname = \"nginx\"\ncommand = \"x\"").contains("taken"));
        assert!(said("[[peer]]\nname = \"a/b\"\ncommand = \"x\"").contains("letters"));
        assert!(said("[[peer]]\nname = \"a\"\ncommand = \"x\"\nskip = [\"some\"]").contains("no work"));
        assert!(said("[[peer]]\nname = \"a\"\ncommand = \"x\"\ncolour = 1").contains("colour"));
        assert!(said("[[peer]]\nname = \"a\"").contains("command"));
    }

    #[test]
    fn placeholders_are_filled() {
        let places = Places {
            port: 81,
            upstream: SocketAddr::from(([127, 0, 0, 1], 82)),
            certificate: None,
            folder: PathBuf::from("/somewhere"),
        };
        let text = "${PORT} ${UPSTREAM} ${UPSTREAM_PORT} ${DIR}/x ${OTHER}";
        assert_eq!(places.fill(text), "81 127.0.0.1:82 82 /somewhere/x ${OTHER}");
    }
}
