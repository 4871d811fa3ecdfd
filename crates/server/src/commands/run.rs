//! The run loop that `serve` and `demo` share: binding, ready lines, signals, graceful drain.

use crate::admin::scopes::Scope;
use crate::admin::{self, Access, AccessOptions, Admin, token};
use crate::cli::AdminAccess;
use crate::client::connection_limit::ConnectionLimit;
use crate::client::listen::{self, Certificate, Listen};
use crate::host::Host;
use crate::otlp::exporter::Exporter;
use crate::process::stdout::say;
use crate::process::workers::Workers;
use anyhow::{Context, ensure};
use aquifer_telemetry::log::{self, LogControl};
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A bound listener for clients.
pub(super) struct ClientListener {
    /// The socket.
    pub(super) listener: TcpListener,
    /// Its TLS certificate, if it has one.
    pub(super) certificate: Option<Certificate>,
    /// The port of the configuration's listeners; `None` for the command line's address.
    pub(super) port: Option<u16>,
}

/// The bound listeners of a process.
pub(super) struct Listeners {
    /// Those for clients.
    pub(super) clients: Vec<ClientListener>,
    /// The one for health, metrics and the admin page.
    pub(super) admin: AdminListener,
}

/// The bound listener for health, metrics and the admin page.
pub(super) struct AdminListener {
    /// The socket.
    pub(super) listener: TcpListener,
    /// Who may use the page and its API.
    pub(super) access: AccessOptions,
    /// The log, whose level they may change.
    pub(super) log: Arc<LogControl>,
}

impl AdminListener {
    /// A listener with what the command line says of its access.
    ///
    /// # Errors
    /// The token cannot be used.
    pub(super) fn new(listener: TcpListener, said: &AdminAccess, log: Arc<LogControl>) -> anyhow::Result<Self> {
        ensure!(
            said.admin_token.is_none() || said.admin_token_file.is_none(),
            "both AQUIFER_ADMIN_TOKEN and --admin-token-file name the admin token; say one of them"
        );
        let token = match (&said.admin_token_file, &said.admin_token) {
            (Some(file), _) => Some(token::from_file(file)?),
            (None, Some(text)) => Some(token::checked(text.expose()).context("AQUIFER_ADMIN_TOKEN")?),
            (None, None) => None,
        };
        let scopes = said.admin_scopes.iter().map(|scope| Scope::from(*scope)).collect();
        let access = AccessOptions { hosts: said.admin_hosts.clone(), token, scopes };
        Ok(Self { listener, access, log })
    }
}

/// Binds an address, or says which flag to change.
pub(super) async fn bind(flag: &str, address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}; choose another with {flag}"))
}

/// The signals that end the process.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes over SIGTERM and SIGINT, which then no longer end the process by themselves.
    pub(super) fn new() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("cannot wait for signals");
        Ok(Self { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? })
    }

    /// Waits for either signal.
    pub(super) async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

impl Signals {
    /// Waits for SIGINT, which skips the drain. A second SIGTERM does not: supervisors send it to a process and to its
    /// group.
    async fn force(&mut self) {
        self.interrupt.recv().await;
    }
}

/// The times of a graceful shutdown.
pub(super) struct Ending {
    /// How long clients are still accepted while the readiness check fails already.
    pub(super) delay: Duration,
    /// How long streams in flight may then go on.
    pub(super) drain: Duration,
}

/// Serves until SIGTERM or SIGINT, then drains: streams in flight may end. Another SIGINT cuts them.
pub(super) async fn until_signalled(
    host: Arc<Host>,
    threads: Option<usize>,
    listeners: Listeners,
    exporter: Option<Exporter>,
    ending: Ending,
    mut signals: Signals,
) -> anyhow::Result<ExitCode> {
    let (stop, stopped) = watch::channel(false);
    let limits = &host.limits;
    let connections = Arc::new(ConnectionLimit::new(limits.max_connections, limits.max_connections_per_address));
    let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    let workers = Arc::new(Workers::start(threads)?);
    let exporting = exporter.map(|exporter| exporter.start(&host, &workers));
    let mut serving = JoinSet::new();
    let mut urls = Vec::new();
    for ClientListener { listener, certificate, port } in listeners.clients {
        let scheme = if certificate.is_some() { "https" } else { "http" };
        urls.push(format!("{scheme}://{}", listener.local_addr()?));
        let (host, workers, connections) = (Arc::clone(&host), Arc::clone(&workers), Arc::clone(&connections));
        let listen = Listen { listener, certificate, port, host, workers, connections };
        serving.spawn(listen::serve(listen, stopped.clone()));
    }
    let mut lines: Vec<String> = urls.iter().map(|url| format!("aquifer listening on {url}")).collect();
    let _ = host.client_urls.set(urls);
    lines.extend(serve_admin(listeners.admin, &host, &workers)?);
    // Flushed first, so that whoever sees the ready lines finds the log of the start complete.
    log::flush();
    for line in lines {
        say(&line)?;
    }
    signals.end().await;
    host.begin_draining();
    delayed(ending.delay, &mut signals).await;
    stop.send_replace(true);
    let code = drained(&host, serving, ending.drain, signals).await;
    // Streams that are still in flight end here, and are recorded.
    workers.end();
    if let Some(exporting) = exporting {
        exporting.finish().await;
    }
    Ok(code)
}

/// Begins to serve the admin listener; gives the lines that say where it is.
fn serve_admin(bound: AdminListener, host: &Arc<Host>, workers: &Arc<Workers>) -> anyhow::Result<Vec<String>> {
    let AdminListener { listener, access, log } = bound;
    let address = listener.local_addr()?;
    let (access, link) = Access::new(access, address)?;
    if address.ip().is_loopback() {
        let _ = host.admin_page.set(address);
    } else {
        tracing::warn!(%address, "the admin page and its token go over this address in clear: keep it within your network");
    }
    tokio::spawn(admin::serve(listener, Admin::new(Arc::clone(host), Arc::clone(workers), access, log)));
    let mut lines = vec![format!("aquifer admin on http://{address}")];
    lines.extend(link.map(|link| format!("aquifer admin page: {link}")));
    Ok(lines)
}

/// Serves clients as long as the process lives, beside a command that takes its signals itself.
pub(super) fn serve_for_good(host: Arc<Host>, client: ClientListener) -> anyhow::Result<()> {
    let limits = &host.limits;
    let connections = Arc::new(ConnectionLimit::new(limits.max_connections, limits.max_connections_per_address));
    let workers = Arc::new(Workers::start(1)?);
    let ClientListener { listener, certificate, port } = client;
    tokio::spawn(async move {
        let (_stop, stopped) = watch::channel(false);
        listen::serve(Listen { listener, certificate, port, host, workers, connections }, stopped).await;
    });
    Ok(())
}

/// Waits, not ready but still accepting, until load balancers have noticed; SIGINT ends the wait.
async fn delayed(delay: Duration, signals: &mut Signals) {
    if delay.is_zero() {
        return;
    }
    tracing::info!(delay_s = delay.as_secs(), "not ready any more: new clients are still accepted for a while");
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        () = signals.force() => {}
    }
}

/// Waits for the streams in flight, and for those that are read on without their client, up to the drain timeout.
async fn drained(host: &Host, mut serving: JoinSet<()>, drain: Duration, mut signals: Signals) -> ExitCode {
    tracing::info!(limit_s = drain.as_secs(), "draining: streams in flight may end");
    let ended = async {
        while serving.join_next().await.is_some() {}
        host.drains_ended().await;
    };
    tokio::select! {
        () = ended => {
            tracing::info!("drained");
            ExitCode::SUCCESS
        }
        () = tokio::time::sleep(drain) => {
            tracing::warn!("the time to drain is over: streams in flight are cut");
            ExitCode::SUCCESS
        }
        () = signals.force() => {
            tracing::warn!("SIGINT: streams in flight are cut");
            ExitCode::FAILURE
        }
    }
}
