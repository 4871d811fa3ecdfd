//! The state that all requests of the process share: the configuration in force, upstreams, telemetry, limits.

use crate::client::body_memory::BodyMemory;
use crate::client::failed_attempts::FailedAttempts;
use crate::client::seal_keys;
use crate::live::Live;
use crate::otlp::tracer::Tracer;
use crate::process::clock;
use crate::process::config_status::ConfigStatus;
use crate::turn_store::MemoryTurnStore;
use crate::upstream::{Connections, Upstreams};
use anyhow::bail;
use aquifer_aws::{CredentialOrigin, Environment};
use aquifer_gateway::auth::{self, KeyRing};
use aquifer_gateway::config::{Backend, Config, MetricConventions, Observe, OnClientGone};
use aquifer_gateway::exchange::{Abilities, DrainLimits, HostLimits, HostTerms, KeepAlive};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::dialect::openai_responses::seal_keys::SealKeys;
use aquifer_gateway::translate::fault::MistakeKind;
use aquifer_telemetry::{BackendState, HostState, Recent, Telemetry};
use arc_swap::ArcSwap;
use http::Uri;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::sync::Semaphore;

/// The configuration in force, with its upstreams and their health. An exchange keeps the one that it began with.
pub(crate) struct Serving {
    /// The configuration by which exchanges decide.
    pub(crate) config: Arc<Config>,
    /// The upstreams of its backends.
    pub(crate) upstreams: Upstreams,
    /// The health of its backends: outlier detection and retry budget.
    pub(crate) health: Arc<BackendHealth>,
    /// The same configuration without API keys, made when it is first asked for.
    without_keys: OnceLock<Arc<Config>>,
    /// The least and the most that its policies let operators observe.
    observed: [Observe; 2],
}

impl Serving {
    fn new(config: Arc<Config>, upstreams: Upstreams) -> Self {
        let health = Arc::new(BackendHealth::new(config.backends.len(), clock::now()));
        let least = config.observed().min().unwrap_or_default();
        let most = config.observed().max().unwrap_or_default();
        Self { config, upstreams, health, without_keys: OnceLock::new(), observed: [least, most] }
    }

    /// The configuration without API keys, for requests that were authenticated otherwise.
    pub(crate) fn config_without_keys(&self) -> Arc<Config> {
        let config = self.without_keys.get_or_init(|| {
            let mut config = Config { keys: None, ..Config::clone(&self.config) };
            config.listeners.iter_mut().for_each(|listener| listener.keys = None);
            config.routes.change(|routes| routes.iter_mut().for_each(|route| route.keys = None));
            Arc::new(config)
        });
        Arc::clone(config)
    }

    /// Whether some policy lets the bodies of requests be observed.
    pub(crate) fn may_show_bodies(&self) -> bool {
        self.observed.contains(&Observe::Everything)
    }

    /// Whether an exchange is listed before its policy is known: no policy forbids that.
    pub(crate) fn lists_early(&self) -> bool {
        !self.observed.contains(&Observe::Nothing)
    }

    /// Logs that outlier detection has ejected a backend.
    pub(crate) fn log_ejection(&self, backend: usize, model: Option<&str>, alone: Duration) {
        if let Some(Backend { namespace, name, .. }) = self.config.backends.get(backend) {
            let backend = format!("{namespace}/{name}");
            // The model id may come from a client, and be of any length.
            let model: Option<String> = model.map(|model| model.chars().take(256).collect());
            tracing::warn!(
                backend,
                model,
                alone_ms = alone.as_millis(),
                "a backend fails again and again; it is left alone"
            );
        }
    }
}

/// The limits and timeouts of clients, connections and calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The largest request body, in bytes.
    pub(crate) max_body: usize,
    /// The memory for all request bodies together, with the index of each while it is parsed, in bytes.
    pub(crate) max_bodies: usize,
    /// The number of requests under way at once.
    pub(crate) max_requests: usize,
    /// The timeout of a whole request body.
    pub(crate) body_timeout: Duration,
    /// The timeout of a request head, and the idle timeout of a connection.
    pub(crate) header_timeout: Duration,
    /// The connect timeout of a backend, unless the route has one.
    pub(crate) connect: Duration,
    /// The idle timeout of a backend's answer, unless the route has one.
    pub(crate) upstream_silence: Duration,
    /// The timeout of the first byte of a backend's answer, unless the route has one. `None`: the idle timeout alone.
    pub(crate) first_byte: Option<Duration>,
    /// The time after which a stream's head is sent before a backend has answered, unless the route has one. `None`: never.
    pub(crate) early_head: Option<Duration>,
    /// The keep-alive interval of a silent stream. `None`: no keep-alives.
    pub(crate) keep_alive: Option<Duration>,
    /// The form of a keep-alive.
    pub(crate) keep_alive_kind: KeepAlive,
    /// The time to live of a cached count of tokens. Zero: no cache.
    pub(crate) token_count_life: Duration,
    /// The retention of an observed text behind the end of its exchange. Zero: none.
    pub(crate) text_retention: Duration,
    /// What becomes of a call whose client leaves, unless the route says otherwise.
    pub(crate) on_client_gone: OnClientGone,
    /// The number of calls that are read on at once after their client left.
    pub(crate) max_drains: usize,
    /// How far each of them is read on.
    pub(crate) drain: DrainLimits,
    /// The write timeout: for a client that reads nothing of its answer.
    pub(crate) client_idle: Duration,
    /// The number of open client connections.
    pub(crate) max_connections: usize,
    /// The number of open connections of one client address. `None`: unlimited.
    pub(crate) max_connections_per_address: Option<usize>,
    /// The maximum age of a client connection. `None`: unlimited.
    pub(crate) max_connection_age: Option<Duration>,
    /// The settings of upstream connections.
    pub(crate) upstream_connections: Connections,
}

impl Limits {
    /// The limits of exchanges, which this host keeps with all abilities.
    pub(crate) fn terms(&self) -> HostTerms {
        let limits = HostLimits {
            max_body: self.max_body,
            connect: self.connect,
            upstream_silence: self.upstream_silence,
            first_byte: self.first_byte,
            early_head: self.early_head,
            keep_alive: self.keep_alive,
            keep_alive_kind: self.keep_alive_kind,
            token_count_life: self.token_count_life,
            on_client_gone: self.on_client_gone,
            drain: self.drain,
        };
        HostTerms { limits, abilities: Abilities::default() }
    }
}

/// The interval at which expired turns are evicted.
const SWEEP: Duration = Duration::from_secs(60);

/// Evicts expired turns for as long as the store exists.
async fn sweep(turns: Weak<MemoryTurnStore>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(turns) = turns.upgrade() else { return };
        turns.sweep();
    }
}

/// Keeps the time series of exchanges ready for as long as they exist.
async fn prepare(recent: Weak<Recent>) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let Some(recent) = recent.upgrade() else { return };
        recent.prepare();
    }
}

/// The state that all requests of the process share.
pub(crate) struct Host {
    serving: ArcSwap<Serving>,
    /// The outcome of the last attempts to load the configuration.
    pub(crate) config_status: ConfigStatus,
    /// The sources of credentials by `namespace/name` of the backend, as they were last looked for.
    pub(crate) credential_sources: ArcSwap<HashMap<String, String>>,
    /// The newest exchanges, for the admin API.
    pub(crate) recent: Arc<Recent>,
    /// Where the admin page is, when the admin listener is on a loopback address.
    pub(crate) admin_page: OnceLock<SocketAddr>,
    /// The URLs at which clients are served, once they are.
    pub(crate) client_urls: OnceLock<Vec<String>>,
    /// When the process began to serve, in milliseconds since 1970.
    pub(crate) started_unix_ms: u64,
    environment: Environment,
    draining: AtomicBool,
    /// The sinks of records: log and metrics.
    pub(crate) telemetry: Telemetry,
    /// The limits and timeouts of clients, connections and calls.
    pub(crate) limits: Limits,
    /// The memory budget of request bodies.
    pub(crate) body_memory: BodyMemory,
    /// The origins that CORS allows.
    pub(crate) origins: Vec<Uri>,
    /// Permits for large requests that are translated off the workers.
    pub(crate) translations: Arc<Semaphore>,
    /// Permits for calls that are read on after their client left.
    pub(crate) drains: Arc<Semaphore>,
    requests: Arc<AtomicUsize>,
    /// The store of turns, from which dropped reasoning is restored.
    pub(crate) turns: Arc<MemoryTurnStore>,
    /// The exchanges under way, for those who may watch.
    pub(crate) live: Arc<Live>,
    failed_attempts: FailedAttempts,
    /// Begins the traces of exchanges. `None`: nothing is traced.
    pub(crate) tracer: Option<Tracer>,
    /// The ports on addresses that are not loopback, where no reload may drop authentication.
    guarded: Vec<Option<u16>>,
}

/// The permit of one request under way, returned when it is dropped.
pub(crate) struct RequestPermit(Arc<AtomicUsize>);

impl Drop for RequestPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Host {
    /// The state for this configuration; without seal keys in it one is generated.
    ///
    /// # Errors
    /// A backend cannot be used as configured, or the system gives no randomness.
    pub(crate) fn new(
        mut config: Config,
        environment: Environment,
        telemetry: Telemetry,
        limits: Limits,
    ) -> anyhow::Result<Self> {
        if config.seal_keys.is_none() {
            config.seal_keys = Some(Arc::new(seal_keys::generated()?));
        }
        let none = Upstreams::none(limits.upstream_connections);
        let upstreams = Upstreams::of(&config, &environment, &none)?;
        let serving = ArcSwap::from_pointee(Serving::new(Arc::new(config), upstreams));
        let turns = Arc::new(MemoryTurnStore::new(telemetry.turns())?);
        tokio::spawn(sweep(Arc::downgrade(&turns)));
        let recent = Arc::new(Recent::default());
        tokio::spawn(prepare(Arc::downgrade(&recent)));
        let config_status = ConfigStatus::default();
        config_status.loaded();
        let live = Live::new(limits.text_retention);
        tokio::spawn(Live::expire(Arc::downgrade(&live)));
        Ok(Self {
            serving,
            config_status,
            credential_sources: ArcSwap::default(),
            admin_page: OnceLock::new(),
            client_urls: OnceLock::new(),
            started_unix_ms: clock::unix_ms(),
            environment,
            draining: AtomicBool::new(false),
            telemetry: telemetry.and_recent(Arc::clone(&recent)),
            recent,
            limits,
            body_memory: BodyMemory::new(limits.max_bodies),
            origins: Vec::new(),
            translations: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, NonZero::get))),
            drains: Arc::new(Semaphore::new(limits.max_drains)),
            requests: Arc::default(),
            turns,
            live,
            failed_attempts: FailedAttempts::default(),
            tracer: None,
            guarded: Vec::new(),
        })
    }

    /// Allows these origins in CORS.
    pub(crate) fn allow(mut self, origins: Vec<Uri>) -> Self {
        self.origins = origins;
        self
    }

    /// Traces exchanges.
    pub(crate) fn trace(mut self, tracer: Option<Tracer>) -> Self {
        self.tracer = tracer;
        self
    }

    /// Keeps authentication mandatory at these ports, whatever a new configuration says.
    pub(crate) fn guard(mut self, ports: Vec<Option<u16>>) -> Self {
        self.guarded = ports;
        self
    }

    /// Counts a failed authentication of this client address; returns the delay of the refusal.
    pub(crate) fn refused_key(&self, fault: &Fault, peer: Option<IpAddr>) -> Option<Duration> {
        let Fault::ClientMistaken(mistake) = fault else { return None };
        let peer = peer.filter(|_| mistake.kind == MistakeKind::Unauthorized)?;
        let delay = self.failed_attempts.failed(peer, clock::now());
        self.telemetry.refused_key(!delay.is_zero());
        tracing::debug!(%peer, delay_ms = delay.as_millis(), "a request without a valid API key");
        Some(delay)
    }

    /// A permit for one more request; `None` when the limit is reached.
    pub(crate) fn request_permit(&self) -> Option<RequestPermit> {
        let taken = self.requests.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            (taken < self.limits.max_requests).then_some(taken + 1)
        });
        taken.ok()?;
        Some(RequestPermit(Arc::clone(&self.requests)))
    }

    /// The configuration in force, for a new exchange.
    pub(crate) fn serving(&self) -> Arc<Serving> {
        self.serving.load_full()
    }

    /// Puts a new configuration in force for new exchanges; those in flight keep the old one.
    ///
    /// # Errors
    /// A backend cannot be used as configured, or there is none any more; the old configuration stays.
    pub(crate) fn adopt(&self, mut config: Config) -> anyhow::Result<Arc<Config>> {
        let before = self.serving();
        config.limits = before.config.limits;
        config.access_denied = before.config.access_denied;
        config.keys.clone_from(&before.config.keys);
        config.seal_keys.clone_from(&before.config.seal_keys);
        config.may_replace(&before.config).map_err(anyhow::Error::msg)?;
        let config = self.replace(config)?;
        self.config_status.loaded();
        Ok(config)
    }

    /// Counts that a configuration was refused, and keeps the reason for the operator.
    pub(crate) fn refused_config(&self, why: String) {
        self.telemetry.refused_config();
        self.config_status.refused(why);
    }

    /// Looks for the credentials of each backend; gives their sources, with the names of the backends that share one.
    pub(crate) async fn credential_origins(&self) -> Vec<(String, CredentialOrigin)> {
        let origins = self.serving().upstreams.origins(&self.environment).await;
        let mut sources = HashMap::new();
        for (backends, origin) in &origins {
            let source = match origin {
                CredentialOrigin::Found(source) => source.clone(),
                CredentialOrigin::Missing(why) => format!("none: {why}"),
                CredentialOrigin::Unneeded => "none is needed".to_owned(),
            };
            sources.extend(backends.split(", ").map(|backend| (backend.to_owned(), source.clone())));
        }
        self.credential_sources.store(Arc::new(sources));
        origins
    }

    /// Puts new API keys in force.
    ///
    /// # Errors
    /// It would let anybody in at an address that is not loopback; the old keys stay.
    pub(crate) fn adopt_keys(&self, keys: KeyRing) -> anyhow::Result<()> {
        let config = Config { keys: Some(Arc::new(keys)), ..Config::clone(&self.serving().config) };
        self.replace(config).map(drop)
    }

    /// Puts new seal keys in force, unless they are the ones in force.
    pub(crate) fn adopt_seal_keys(&self, keys: &SealKeys) {
        let before = self.serving();
        if before.config.seal_keys.as_deref() == Some(keys) {
            return;
        }
        match self.replace(Config { seal_keys: Some(Arc::new(keys.clone())), ..Config::clone(&before.config) }) {
            Ok(_) => tracing::info!("new seal keys"),
            Err(error) => tracing::error!("{error:#}; the old seal keys stay"),
        }
    }

    fn replace(&self, config: Config) -> anyhow::Result<Arc<Config>> {
        if self.guarded.iter().any(|port| auth::is_open(&config, *port)) {
            bail!("it asks nobody for a key at an address that is not loopback; --allow-anonymous would allow that");
        }
        let before = self.serving();
        let upstreams = Upstreams::of(&config, &self.environment, &before.upstreams)?;
        let config = Arc::new(config);
        let mut serving = Serving::new(Arc::clone(&config), upstreams);
        if before.config.backends == config.backends {
            serving.health = Arc::clone(&before.health);
        }
        self.serving.store(Arc::new(serving));
        Ok(config)
    }

    /// Tells the telemetry of the configuration in force; the command line's conventions win over its own.
    pub(crate) fn tell_telemetry(&self, conventions: Option<MetricConventions>) {
        let config = &self.serving().config;
        self.telemetry.adopted(config, conventions.or(config.conventions).unwrap_or_default());
    }

    /// The state that metrics tell.
    pub(crate) fn state(&self, tasks: usize) -> HostState {
        let (serving, now) = (self.serving(), clock::now());
        let mut backends = Vec::new();
        for (at, backend) in serving.config.backends.iter().enumerate() {
            backends.push(BackendState {
                name: [&backend.namespace, "/", &backend.name].concat(),
                is_ejected: serving.health.is_ejected(at, now),
                open_calls: serving.upstreams.calls(at).open,
                credentials_expiry: serving.upstreams.credentials_expiry(at),
            });
        }
        HostState { tasks, backends }
    }

    /// Waits until no call is read on any more whose client left.
    pub(crate) async fn drains_ended(&self) {
        let all = u32::try_from(self.limits.max_drains).unwrap_or(u32::MAX);
        drop(self.drains.acquire_many(all).await);
    }

    /// Makes the readiness check fail: the process is draining.
    pub(crate) fn begin_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// The reason why the process is not ready; `None` when it is.
    pub(crate) fn unready(&self) -> Option<&'static str> {
        if self.draining.load(Ordering::Relaxed) {
            return Some("draining\n");
        }
        (!self.serving().config.serves_anything()).then_some("nothing to serve\n")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Limits for tests that are about something else.
    pub(crate) fn limits() -> Limits {
        Limits {
            max_body: 1 << 20,
            body_timeout: Duration::from_secs(60),
            header_timeout: Duration::from_secs(60),
            connect: Duration::from_secs(10),
            upstream_silence: Duration::from_secs(60),
            first_byte: None,
            early_head: None,
            keep_alive: None,
            keep_alive_kind: KeepAlive::Comment,
            token_count_life: Duration::ZERO,
            text_retention: Duration::from_secs(60),
            on_client_gone: OnClientGone::Close,
            max_drains: 100,
            drain: DrainLimits::default(),
            client_idle: Duration::from_secs(300),
            max_connections: 100,
            max_connections_per_address: None,
            max_connection_age: None,
            upstream_connections: Connections::default(),
            max_bodies: 1 << 24,
            max_requests: 100,
        }
    }
}
