//! `aquifer serve`: the gateway, until a signal.

use super::check::summary;
use super::listeners::{PortCertificate, bind_listeners, certificates_of};
use super::run::{AdminListener, ClientListener, Ending, Listeners, Signals, bind, until_signalled};
use crate::cli::{Serve, UpstreamAcks};
use crate::client::api_keys;
use crate::client::seal_keys::{self, SealKeysFile};
use crate::host::{Host, Limits};
use crate::otlp::arguments::Tracing;
use crate::otlp::exporter::Exporter;
use crate::otlp::settings::OtlpSettings;
use crate::otlp::tracer::Tracer;
use crate::process::config_files::{ConfigFiles, Fingerprint, first_config};
use crate::process::descriptors;
use crate::tls;
use crate::upstream::Connections;
use crate::upstream::control_plane;
use anyhow::{Context, bail};
use aquifer_aws::Environment;
use aquifer_aws::Profiles;
use aquifer_aws::{AUTH, CredentialOrigin};
use aquifer_gateway::auth::{self, KeyRing};
use aquifer_gateway::config::{Config, ConfigError, Listener, MetricConventions, ServerTls, Severity};
use aquifer_gateway::exchange::DrainLimits;
use aquifer_gateway::record::TraceTrust;
use aquifer_telemetry::Telemetry;
use aquifer_telemetry::log::{self, LogControl};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// The interval at which the configuration files are checked for changes.
const LOOK: Duration = Duration::from_secs(2);
/// The pause between the two reads that a reload needs to agree.
const AGAIN: Duration = Duration::from_millis(200);
/// The time that the start waits for credentials which are at hand.
const QUICK: Duration = Duration::from_millis(250);
/// The number of a refused configuration's mistakes that the admin API tells.
const MISTAKES: usize = 50;
/// The timeout of one read of the configuration files.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the gateway.
pub(super) async fn run(arguments: Serve) -> anyhow::Result<ExitCode> {
    let signals = Signals::new()?;
    let control = Arc::new(log::start(arguments.log.log_level.map(Into::into), arguments.log.log_format.into())?);
    let environment = Environment::read().with(AUTH, arguments.bedrock_auth.name());
    let settings = arguments.config.clone().map(|path| ConfigFiles { path, environment: environment.clone() });
    let (fingerprint, mut config) = first_config(settings.as_ref(), &environment)?;
    let allow_s3_uris = arguments.allow_s3_uris.then_some(true);
    config.client_fields.everywhere.s3_uris = allow_s3_uris;
    let mut profiles = arguments.resolve_inference_profiles.then(Profiles::default);
    if let Some(profiles) = &mut profiles {
        profiles
            .resolve(&mut config, |bedrock, chains, path| control_plane::get(bedrock, chains, &environment, path))
            .await;
    }
    config.limits = arguments.request.limits();
    config.access_denied = arguments.upstream_access_denied.into();
    control.configured(config.log_level);
    tell(&config);
    refuse_nothing(&config)?;
    read_keys(&arguments, &mut config)?;
    let (clients, certificates) = bind_listeners(&arguments, &config.listeners).await?;
    let guarded = guarded(&arguments, &config, &clients)?;
    let admin = bind("--admin", &arguments.admin).await?;
    let admin = AdminListener::new(admin, &arguments.admin_access, Arc::clone(&control))?;
    let limits = descriptors::fit(limits(&arguments));
    let listeners = config.listeners.clone();
    let conventions = arguments.telemetry_conventions.map(Into::into);
    let otlp = OtlpSettings::read(&environment, &arguments.tracing, conventions.or(config.conventions))?;
    let tracer = tracer(&otlp, &arguments.tracing, &clients)?;
    let mut telemetry = Telemetry::new();
    let exporter = Exporter::new(otlp, &environment, &mut telemetry)?;
    let host = Host::new(config, environment, telemetry, limits)?;
    let host = Arc::new(host.allow(arguments.allow_origins).trace(tracer).guard(guarded));
    host.tell_telemetry(conventions);
    credentials(&host, arguments.require_credentials).await?;
    let files = arguments.tls_cert.clone().zip(arguments.tls_key.clone());
    let watching = Watch {
        settings,
        fingerprint,
        allow_s3_uris,
        profiles,
        control,
        conventions,
        certificates,
        files,
        keys: arguments.api_keys_file,
        seal_keys: SealKeysFile::new(arguments.seal_keys_file),
        listeners,
        host: Arc::clone(&host),
        seen: None,
        readers: Default::default(),
    };
    // From now on a hangup does not end the process.
    let hangup = signal(SignalKind::hangup()).context("cannot wait for signals")?;
    tokio::spawn(watching.run(hangup));
    let ending = Ending { delay: arguments.shutdown_delay, drain: arguments.drain_timeout };
    until_signalled(host, arguments.threads, Listeners { clients, admin }, Some(exporter), ending, signals).await
}

/// What begins traces, where the settings want any. Strangers who reach a listener choose no ids of traces, and force no
/// sampling, unless the command line lets them.
fn tracer(otlp: &OtlpSettings, flags: &Tracing, clients: &[ClientListener]) -> anyhow::Result<Option<Tracer>> {
    let Some(propagators) = otlp.propagators else { return Ok(None) };
    let mut trust = TraceTrust::Continue;
    for client in clients {
        if !client.listener.local_addr()?.ip().is_loopback() {
            trust = TraceTrust::Link;
        }
    }
    let trust = flags.trace_trust.map_or(trust, Into::into);
    Ok(Some(Tracer { trust, sampler: otlp.sampler, propagators }))
}

/// Reads the keys of clients, and those that seal reasoning, where the command line names files.
fn read_keys(arguments: &Serve, config: &mut Config) -> anyhow::Result<()> {
    if let Some(file) = &arguments.api_keys_file {
        config.keys = Some(Arc::new(api_keys::read(file)?));
    }
    match &arguments.seal_keys_file {
        Some(file) => config.seal_keys = Some(Arc::new(seal_keys::read(file)?)),
        None => tracing::info!(
            "a key to seal reasoning was generated: what /v1/responses gives as encrypted_content is known to this process \
             alone, until it ends; --seal-keys-file names keys that survive restarts and that replicas share"
        ),
    }
    Ok(())
}

/// Logs the source of each backend's credentials: before the first client where they are required, else in the background.
///
/// # Errors
/// Credentials are required, and a backend has none.
async fn credentials(host: &Arc<Host>, required: bool) -> anyhow::Result<()> {
    let telling = Arc::clone(host);
    let told = tokio::spawn(async move { tell_origins(&telling, required).await });
    if !required {
        // What is quickly known is told before the gateway says that it listens.
        drop(tokio::time::timeout(QUICK, told).await);
    } else if !told.await.context("the credentials were not looked for")? {
        bail!("a backend has no credentials, and --require-credentials asks for them; the log says what was tried");
    }
    Ok(())
}

/// Whether every backend that needs credentials has some; logs their sources.
async fn tell_origins(host: &Host, required: bool) -> bool {
    let mut all = true;
    for (backends, origin) in host.credential_origins().await {
        all &= !matches!(origin, CredentialOrigin::Missing(_));
        match origin {
            CredentialOrigin::Found(source) => tracing::info!(backends, source, "credentials found"),
            CredentialOrigin::Missing(why) if required => tracing::error!(backends, why, "no credentials"),
            CredentialOrigin::Missing(why) => tracing::warn!(
                backends,
                why,
                "no credentials: calls to these backends will fail until there are some (upstream_credentials)"
            ),
            CredentialOrigin::Unneeded => continue,
        }
    }
    all
}

/// The limits and timeouts of the command line.
fn limits(arguments: &Serve) -> Limits {
    Limits {
        max_body: arguments.max_body,
        max_bodies: arguments.max_bodies,
        body_timeout: arguments.body_timeout,
        header_timeout: arguments.header_timeout,
        connect: arguments.connect_timeout,
        upstream_silence: arguments.upstream_timeout,
        first_byte: arguments.first_byte_timeout,
        early_head: arguments.early_head,
        keep_alive: Some(arguments.keep_alive).filter(|every| !every.is_zero()),
        keep_alive_kind: arguments.keep_alive_kind.into(),
        token_count_life: arguments.token_count_cache,
        text_retention: arguments.text_retention,
        on_client_gone: arguments.on_client_gone.into(),
        max_drains: arguments.gone_clients,
        drain: DrainLimits { bytes: arguments.gone_client_bytes as u64, time: arguments.gone_client_time },
        client_idle: arguments.client_idle_timeout,
        max_connections: arguments.max_connections,
        max_connections_per_address: arguments.max_connections_per_address,
        max_connection_age: arguments.max_connection_age,
        upstream_connections: Connections {
            max_age: Some(arguments.upstream_connection_age).filter(|age| !age.is_zero()),
            acknowledged_in_pairs: matches!(arguments.upstream_acks, UpstreamAcks::Pairs),
        },
        max_requests: arguments.max_requests,
    }
}

/// Refuses to serve nothing, unless that is meant.
fn refuse_nothing(config: &Config) -> anyhow::Result<()> {
    if !config.serves_anything() && !config.no_backends {
        let problems = config.notices.iter().filter(|notice| notice.severity == Severity::Problem);
        let problems: String = problems.map(|problem| format!("\n{problem}")).collect();
        bail!("nothing can be served with this configuration:{problems}");
    }
    Ok(())
}

/// The ports on addresses that are not loopback, where authentication is mandatory.
///
/// # Errors
/// One of them would serve clients without a key, and anonymous access was not allowed.
fn guarded(arguments: &Serve, config: &Config, clients: &[ClientListener]) -> anyhow::Result<Vec<Option<u16>>> {
    let mut ports = Vec::new();
    for client in clients {
        let address = client.listener.local_addr()?;
        if address.ip().is_loopback() {
            continue;
        }
        match (auth::is_open(config, client.port), arguments.allow_anonymous) {
            (true, true) => tracing::warn!(%address, "clients are served without an API key at this address"),
            (true, false) => bail!(
                "at {address} anybody who reaches this address would be served with the credentials of the backends; \
                 ask for API keys with --api-keys-file (AQUIFER_API_KEYS_FILE) or a SecurityPolicy, listen on 127.0.0.1, \
                 or say --allow-anonymous"
            ),
            (false, _) => {}
        }
        if !arguments.allow_anonymous {
            ports.push(client.port);
        }
    }
    Ok(ports)
}

fn tell(config: &Config) {
    for notice in &config.notices {
        match notice.severity {
            Severity::Note => tracing::info!("{notice}"),
            Severity::Problem => tracing::warn!("{notice}"),
        }
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "serving {}", summary(config));
}

/// The watcher of files: reloads the configuration, certificates and API keys when they change or at SIGHUP.
struct Watch {
    settings: Option<ConfigFiles>,
    fingerprint: Option<Fingerprint>,
    /// Whether clients may name objects in S3, by the command line.
    allow_s3_uris: Option<bool>,
    profiles: Option<Profiles>,
    control: Arc<LogControl>,
    /// The conventions of metrics, by the command line.
    conventions: Option<MetricConventions>,
    certificates: Vec<PortCertificate>,
    files: Option<(PathBuf, PathBuf)>,
    /// The file with clients' API keys.
    keys: Option<PathBuf>,
    /// The file with the keys that seal reasoning.
    seal_keys: SealKeysFile,
    listeners: Vec<Listener>,
    host: Arc<Host>,
    /// The fingerprint of the last read, while it is not in force.
    seen: Option<Fingerprint>,
    /// A reader for the configuration, the certificate and the keys each: none waits for another's disk.
    readers: [Reader; 3],
}

/// Reads files on a thread of its own, since a read from a network file system may hang.
#[derive(Default)]
struct Reader(Arc<AtomicBool>);

impl Reader {
    /// `None` after the timeout, or while an earlier read still hangs.
    async fn read<T: Send + 'static>(&self, what: &str, read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        if self.0.swap(true, Ordering::Acquire) {
            return None;
        }
        let (busy, (done, result)) = (Arc::clone(&self.0), oneshot::channel());
        let thread = std::thread::Builder::new().name("files".to_owned()).spawn(move || {
            let result = read();
            busy.store(false, Ordering::Release);
            drop(done.send(result));
        });
        if let Err(error) = thread {
            self.0.store(false, Ordering::Release);
            tracing::error!(%error, "{what} cannot be read: the system gives no thread");
            return None;
        }
        let result = tokio::time::timeout(PATIENCE, result).await;
        if result.is_err() {
            tracing::error!("reading {what} takes longer than {PATIENCE:?}; what was read before stays");
        }
        result.ok()?.ok()
    }
}

/// The result of a read of the configuration.
struct Read {
    fingerprint: Fingerprint,
    loaded: anyhow::Result<Result<Config, Vec<ConfigError>>>,
    /// Two reads in a row were the same: nobody is writing the files.
    settled: bool,
}

/// Reads the configuration when it has changed or SIGHUP asks for it; twice, because it may be half written.
fn read_again(
    settings: &ConfigFiles,
    fingerprint: &Fingerprint,
    seen: Option<Fingerprint>,
    asked: bool,
) -> Option<Read> {
    if !asked && !settings.changed_since(fingerprint) {
        return None;
    }
    let mut before = seen;
    if asked {
        before = Some(settings.load().0);
        std::thread::sleep(AGAIN);
    }
    let (fingerprint, loaded) = settings.load();
    let settled = before.as_ref() == Some(&fingerprint);
    Some(Read { fingerprint, loaded, settled })
}

impl Watch {
    async fn run(mut self, mut hangup: Signal) {
        let mut certificate_files = self.read_files().await;
        // What the gateway began with, however long ago that was read.
        let mut keys = self.host.serving().config.keys.as_deref().map(|ring| Ok(ring.clone()));
        let mut keys_seen = None;
        loop {
            let asked = tokio::select! {
                _ = hangup.recv() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            self.reload(asked).await;
            let files = self.read_files().await;
            if files != certificate_files {
                self.renew_from_files(files.as_ref());
                certificate_files = files;
            }
            // As with the configuration: what is the same at two looks is whole.
            let read = self.read_keys().await;
            if read != keys && read == keys_seen {
                self.adopt_keys(read.as_ref());
                keys.clone_from(&read);
            }
            keys_seen = read;
            if let Some(keys) = self.seal_keys.look().await {
                self.host.adopt_seal_keys(&keys);
            }
        }
    }

    /// Reloads the configuration when it has changed or SIGHUP asks for it. One with mistakes, or one that differs between
    /// two reads, leaves the old one in force.
    async fn reload(&mut self, asked: bool) {
        let (Some(settings), Some(fingerprint)) = (self.settings.clone(), self.fingerprint.clone()) else { return };
        let environment = settings.environment.clone();
        let seen = self.seen.take();
        let [reader, ..] = &self.readers;
        let read = reader.read("the configuration", move || read_again(&settings, &fingerprint, seen, asked)).await;
        let Some(Read { fingerprint, loaded, settled }) = read.flatten() else { return };
        if !settled {
            self.seen = Some(fingerprint);
            return;
        }
        self.fingerprint = Some(fingerprint);
        match loaded {
            Ok(Ok(mut config)) => {
                config.client_fields.everywhere.s3_uris = self.allow_s3_uris;
                if let Some(profiles) = &mut self.profiles {
                    profiles
                        .resolve(&mut config, |bedrock, chains, path| {
                            control_plane::get(bedrock, chains, &environment, path)
                        })
                        .await;
                }
                self.adopt(config);
            }
            Ok(Err(mistakes)) => {
                for mistake in &mistakes {
                    tracing::error!("{mistake}");
                }
                let lines: Vec<String> = mistakes.iter().take(MISTAKES).map(ToString::to_string).collect();
                self.host.refused_config(lines.join("\n"));
                tracing::error!(mistakes = mistakes.len(), "the new configuration is wrong; the old one stays");
            }
            Err(error) => {
                self.host.refused_config(format!("{error:#}"));
                tracing::error!("{error:#}; the old configuration stays");
            }
        }
    }

    fn adopt(&mut self, config: Config) {
        let (level, listeners) = (config.log_level, config.listeners.clone());
        let config = match self.host.adopt(config) {
            Ok(config) => config,
            Err(error) => {
                self.host.refused_config(format!("{error:#}"));
                return tracing::error!("{error:#}; the old configuration stays");
            }
        };
        self.control.configured(level);
        self.host.tell_telemetry(self.conventions);
        let host = Arc::clone(&self.host);
        tokio::spawn(async move { host.credential_origins().await });
        tell(&config);
        let places = |all: &[Listener]| all.iter().map(|it| (it.port, it.tls.is_some())).collect::<Vec<_>>();
        if places(&listeners) != places(&self.listeners) {
            tracing::warn!("the listeners have changed; that takes effect after a restart");
        }
        if self.files.is_none() {
            self.renew(&listeners);
        }
        self.listeners = listeners;
    }

    fn renew(&self, listeners: &[Listener]) {
        for PortCertificate { port, certificate } in &self.certificates {
            let shown = certificates_of(listeners, *port);
            if shown.is_empty() {
                continue;
            }
            match tls::server_for(&shown) {
                Ok(new) => certificate.store(new),
                Err(error) => tracing::error!(port, "{error:#}; the old certificate stays"),
            }
        }
    }

    /// Reads the file with the API keys: its keys, or its mistakes.
    async fn read_keys(&self) -> Option<Result<KeyRing, String>> {
        let file = self.keys.clone()?;
        let [_, _, reader] = &self.readers;
        reader.read("the API keys", move || api_keys::read(&file).map_err(|error| format!("{error:#}"))).await
    }

    fn adopt_keys(&self, read: Option<&Result<KeyRing, String>>) {
        match read {
            Some(Ok(ring)) => match self.host.adopt_keys(ring.clone()) {
                Ok(()) => tracing::info!(keys = ring.len(), "new API keys"),
                Err(error) => tracing::error!("{error:#}; the old API keys stay"),
            },
            Some(Err(error)) => tracing::error!("{error}; the old API keys stay"),
            None => {}
        }
    }

    async fn read_files(&self) -> Option<ServerTls> {
        let (certificate, key) = self.files.clone()?;
        let [_, reader, _] = &self.readers;
        reader.read("the certificate", move || tls::from_files(&certificate, &key)).await?.ok()
    }

    fn renew_from_files(&self, files: Option<&ServerTls>) {
        match files.map(tls::server) {
            Some(Ok(new)) => {
                self.certificates.iter().for_each(|of_port| of_port.certificate.store(Arc::clone(&new)));
                tracing::info!("new certificate");
            }
            Some(Err(error)) => tracing::error!("{error:#}; the old certificate stays"),
            None => tracing::error!("the certificate's files cannot be read; the old certificate stays"),
        }
    }
}
