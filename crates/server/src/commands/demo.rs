//! `aquifer demo`: a simulated Bedrock, a gateway in front of it, and lines to paste.

use super::run::{AdminListener, ClientListener, Ending, Listeners, Signals, bind, serve_for_good, until_signalled};
use crate::cli::{DEFAULT_ADMIN, DEFAULT_LISTEN, Demo};
use crate::host::{Host, Limits};
use crate::process::descriptors;
use crate::process::stdout::say;
use crate::upstream::Connections;
use aquifer_aws::Environment;
use aquifer_gateway::config::{
    Backend, BackendKind, BackendRef, Config, Credentials, Observe, OnClientGone, ReasoningPolicy, Route, Rule, Service,
};
use aquifer_gateway::exchange::{DrainLimits, KeepAlive};
use aquifer_gateway::secret::Secret;
use aquifer_simulator::Options;
use aquifer_telemetry::{Telemetry, log};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The model of the line to paste.
const MODEL: &str = "us.anthropic.claude-sonnet-4-6";
/// The model that Claude Code is started with, by its own name.
const CLAUDE_CODE_MODEL: &str = "claude-opus-5";
/// The simulator checks that calls are signed, not by whom.
const CREDENTIALS: &str =
    "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = for-the-simulator-only\n";
/// Slow enough to watch, quick enough to wait for.
const PACE: Duration = Duration::from_millis(60);
/// What is repeated of an agent's long prompts, in letters.
const ECHO: usize = 400;

/// Serves until a signal.
pub(super) async fn run(arguments: Demo) -> anyhow::Result<ExitCode> {
    let signals = Signals::new()?;
    let control = log::start(arguments.log.log_level.map(Into::into), arguments.log.log_format.into())?;
    let listener = default_or_free("--listen", arguments.listen.as_deref(), DEFAULT_LISTEN).await?;
    let admin = default_or_free("--admin", arguments.admin.as_deref(), DEFAULT_ADMIN).await?;
    let admin = AdminListener::new(admin, &arguments.admin_access, Arc::new(control))?;
    let simulator = bind("--listen", "127.0.0.1:0").await?;
    let host = host(simulator, arguments.pace.unwrap_or(PACE))?;
    say(&invitation(listener.local_addr()?, admin.listener.local_addr()?))?;
    host.credential_origins().await;
    let clients = vec![ClientListener { listener, certificate: None, port: None }];
    let ending = Ending { delay: Duration::ZERO, drain: Duration::from_secs(5) };
    until_signalled(host, None, Listeners { clients, admin }, None, ending, signals).await
}

/// Starts a demo that serves as long as the process lives, says nothing, and takes no signals: where its clients are served.
pub(super) async fn in_background() -> anyhow::Result<SocketAddr> {
    let listener = bind("--listen", "127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let host = host(bind("--listen", "127.0.0.1:0").await?, PACE)?;
    serve_for_good(host, ClientListener { listener, certificate: None, port: None })?;
    Ok(address)
}

/// Starts the simulator on a socket; the host of a gateway in front of it.
fn host(simulator: TcpListener, pace: Duration) -> anyhow::Result<Arc<Host>> {
    let config = config(simulator.local_addr()?)?;
    let options = Options { pace, echo: Some(ECHO), prompt_cache: true, ..Options::default() };
    tokio::spawn(async move {
        if let Err(error) = aquifer_simulator::serve(simulator, options, std::future::pending()).await {
            tracing::error!(%error, "the simulator failed");
        }
    });
    // The demo never looks at the environment: whoever has AWS settings there does not call AWS by trying it.
    let limits = descriptors::fit(limits());
    let host = Arc::new(Host::new(config, Environment::default(), Telemetry::new(), limits)?);
    host.tell_telemetry(None);
    Ok(host)
}

fn limits() -> Limits {
    Limits {
        max_body: 32 << 20,
        body_timeout: Duration::from_secs(60),
        header_timeout: Duration::from_secs(60),
        connect: Duration::from_secs(10),
        upstream_silence: Duration::from_secs(600),
        first_byte: None,
        early_head: None,
        keep_alive: Some(Duration::from_secs(15)),
        keep_alive_kind: KeepAlive::Comment,
        token_count_life: Duration::from_secs(600),
        text_retention: Duration::from_secs(60),
        on_client_gone: OnClientGone::Close,
        max_drains: 100,
        drain: DrainLimits::default(),
        client_idle: Duration::from_secs(300),
        max_connections: 1000,
        max_connections_per_address: None,
        max_connection_age: None,
        upstream_connections: Connections::default(),
        max_bodies: 256 << 20,
        max_requests: 10_000,
    }
}

/// Binds the address of the command line, else the default, else a free port.
async fn default_or_free(flag: &str, asked: Option<&str>, default: &str) -> anyhow::Result<TcpListener> {
    if let Some(asked) = asked {
        return bind(flag, asked).await;
    }
    match TcpListener::bind(default).await {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let free = bind(flag, "127.0.0.1:0").await?;
            say(&format!("{default} is taken, so this uses {}; choose one with {flag}", free.local_addr()?))?;
            Ok(free)
        }
        Err(_) => bind(flag, default).await,
        Ok(listener) => Ok(listener),
    }
}

/// Every model id goes to the simulator.
fn config(simulator: SocketAddr) -> anyhow::Result<Config> {
    let bedrock = Service {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(format!("http://{simulator}").parse()?),
        credentials: Credentials::File { text: Secret::new(CREDENTIALS.to_owned()), profile: "default".to_owned() },
        models: vec![MODEL.to_owned()],
        ..Service::default()
    };
    let backend = Backend::new("simulator", BackendKind::bedrock(bedrock));
    // Whoever tries the demo sees what an operator can see.
    let observe_by = Some("default/demo".into());
    let reasoning = ReasoningPolicy { observe: Observe::Everything, observe_by, ..ReasoningPolicy::default() };
    let every = Rule {
        backends: vec![BackendRef {
            backend: 0,
            model_name_override: None,
            weight: 1,
            priority: 0,
            reasoning: Arc::new(reasoning),
            mutation: Arc::default(),
        }],
        ..Rule::default()
    };
    let route = Route {
        parents: Vec::new(),
        namespace: "default".to_owned(),
        name: "every-model".to_owned(),
        hostnames: Vec::new(),
        rules: vec![every],
        costs: [].into(),
        keys: None,
    };
    Ok(Config { backends: vec![backend], routes: vec![route].into(), ..Config::default() })
}

fn invitation(gateway: SocketAddr, admin: SocketAddr) -> String {
    let body = format!(
        r#"{{"model": "{MODEL}", "stream": true, "reasoning_effort": "low", "messages": [{{"role": "user", "content": "Why is the sky blue?"}}]}}"#
    );
    format!(
        "A simulated Bedrock is behind this gateway; no AWS account is used. Try it:\n\n  \
         curl -N http://{gateway}/v1/chat/completions -H 'content-type: application/json' -d '{body}'\n\n\
         First come chunks with delta.reasoning, then chunks with delta.content. Or start Claude Code against it:\n\n  \
         ANTHROPIC_BASE_URL=http://{gateway} ANTHROPIC_AUTH_TOKEN=demo claude --model {CLAUDE_CODE_MODEL}\n\n\
         The admin page shows what goes through: http://{admin}/admin/\n\n\
         Ctrl-C ends the demo.\n"
    )
}
