//! What every request of this process shares: the configuration in force, the upstreams, the telemetry.

use crate::client::body_memory::BodyMemory;
use crate::client::failed_attempts::FailedAttempts;
use crate::process::clock;
use crate::telemetry::Telemetry;
use crate::turn_store::MemoryTurnStore;
use crate::upstream::{Connections, Upstreams};
use anyhow::bail;
use aquifer_aws::Environment;
use aquifer_gateway::auth::{self, KeyRing};
use aquifer_gateway::config::{Backend, Config};
use aquifer_gateway::exchange::{Abilities, HostLimits, HostTerms, KeepAlive};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::fault::MistakeKind;
use arc_swap::ArcSwap;
use http::Uri;
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Semaphore;

/// One configuration with the upstreams made for it; an exchange keeps the one it began with.
pub(crate) struct Serving {
    /// What the exchange decides by.
    pub(crate) config: Arc<Config>,
    /// What it calls.
    pub(crate) upstreams: Upstreams,
    /// How it has found them.
    pub(crate) health: Arc<BackendHealth>,
}

impl Serving {
    fn new(config: Arc<Config>, upstreams: Upstreams) -> Self {
        let health = Arc::new(BackendHealth::new(config.backends.len(), clock::now()));
        Self { config, upstreams, health }
    }

    /// Tells the log that a backend is left alone.
    pub(crate) fn tell_of_ejection(&self, backend: usize, model: Option<&str>, alone: Duration) {
        if let Some(Backend { namespace, name, .. }) = self.config.backends.get(backend) {
            let backend = format!("{namespace}/{name}");
            // A model's id may be a client's word.
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

/// What bounds one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Largest body, in bytes.
    pub(crate) max_body: usize,
    /// All requests together, with what stands beside their bodies while they are read, in bytes.
    pub(crate) max_bodies: usize,
    /// Requests under way.
    pub(crate) max_requests: usize,
    /// For a whole body.
    pub(crate) body_timeout: Duration,
    /// For a head.
    pub(crate) header_timeout: Duration,
    /// For a connection to a backend, unless the route says otherwise.
    pub(crate) connect: Duration,
    /// For the next byte of a backend, unless the route says otherwise.
    pub(crate) upstream_silence: Duration,
    /// For the first byte of a backend's answer, unless the route says otherwise. `None`: as any other.
    pub(crate) first_byte: Option<Duration>,
    /// When the client of a stream hears its head at the latest, unless the route says otherwise. `None`: when it is known.
    pub(crate) early_head: Option<Duration>,
    /// After how much silence the client of a stream is told that it goes on. `None`: never.
    pub(crate) keep_alive: Option<Duration>,
    /// How it is told.
    pub(crate) keep_alive_kind: KeepAlive,
    /// For a client that takes nothing of its answer.
    pub(crate) client_idle: Duration,
    /// Open connections.
    pub(crate) max_connections: usize,
    /// Open connections of one address. `None`: as many as of all.
    pub(crate) max_connections_per_address: Option<usize>,
    /// How old a connection may be. `None`: as old as it likes.
    pub(crate) max_connection_age: Option<Duration>,
    /// The connections to backends.
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
        };
        HostTerms { limits, abilities: Abilities::default() }
    }
}

/// How often old turns are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// Forgets old turns as long as the store is there.
async fn sweep(turns: Weak<MemoryTurnStore>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(turns) = turns.upgrade() else { return };
        turns.sweep();
    }
}

/// The process.
pub(crate) struct Host {
    serving: ArcSwap<Serving>,
    environment: Environment,
    draining: AtomicBool,
    /// Log and metrics.
    pub(crate) telemetry: Telemetry,
    /// What bounds one client.
    pub(crate) limits: Limits,
    /// Room for requests.
    pub(crate) room: BodyMemory,
    /// Web pages that may ask.
    pub(crate) origins: Vec<Uri>,
    /// Large requests that are translated at once.
    pub(crate) translations: Arc<Semaphore>,
    requests: Arc<AtomicUsize>,
    /// What is remembered of clients' turns.
    pub(crate) turns: Arc<MemoryTurnStore>,
    failed_attempts: FailedAttempts,
    /// The ports of addresses that are not loopback and where a key must be asked for.
    guarded: Vec<Option<u16>>,
}

/// One request under way, until it is dropped.
pub(crate) struct RequestPermit(Arc<AtomicUsize>);

impl Drop for RequestPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Host {
    /// Begins to serve with this configuration.
    ///
    /// # Errors
    /// A backend cannot be used as configured.
    pub(crate) fn new(
        config: Config,
        environment: Environment,
        telemetry: Telemetry,
        limits: Limits,
    ) -> anyhow::Result<Self> {
        let none = Upstreams::none(limits.upstream_connections);
        let upstreams = Upstreams::of(&config, &environment, &none)?;
        let serving = ArcSwap::from_pointee(Serving::new(Arc::new(config), upstreams));
        let turns = Arc::new(MemoryTurnStore::new(telemetry.turns())?);
        tokio::spawn(sweep(Arc::downgrade(&turns)));
        Ok(Self {
            serving,
            environment,
            draining: AtomicBool::new(false),
            telemetry,
            limits,
            room: BodyMemory::new(limits.max_bodies),
            origins: Vec::new(),
            translations: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, NonZero::get))),
            requests: Arc::default(),
            turns,
            failed_attempts: FailedAttempts::default(),
            guarded: Vec::new(),
        })
    }

    /// Lets pages of these origins ask.
    pub(crate) fn allow(mut self, origins: Vec<Uri>) -> Self {
        self.origins = origins;
        self
    }

    /// Never lets anybody in without a key at these ports, whatever a new configuration says.
    pub(crate) fn guard(mut self, ports: Vec<Option<u16>>) -> Self {
        self.guarded = ports;
        self
    }

    /// Counts a request that was refused for its key; how long the refusal waits.
    pub(crate) fn refused_key(&self, fault: &Fault, peer: Option<IpAddr>) -> Option<Duration> {
        let Fault::ClientMistaken(mistake) = fault else { return None };
        let peer = peer.filter(|_| mistake.kind == MistakeKind::Unauthorized)?;
        let delay = self.failed_attempts.failed(peer, clock::now());
        self.telemetry.refused_key(!delay.is_zero());
        tracing::debug!(%peer, delay_ms = delay.as_millis(), "a request without a valid API key");
        Some(delay)
    }

    /// A place for one more request; `None`: as many as may be are under way.
    pub(crate) fn seat(&self) -> Option<RequestPermit> {
        let one_more = |taken: usize| (taken < self.limits.max_requests).then_some(taken + 1);
        self.requests.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(RequestPermit(Arc::clone(&self.requests)))
    }

    /// What the process was started with.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// What a new exchange begins with.
    pub(crate) fn serving(&self) -> Arc<Serving> {
        self.serving.load_full()
    }

    /// Serves new exchanges by a new configuration; those in flight end by the old one.
    ///
    /// # Errors
    /// A backend cannot be used as configured, or there is none any more; the old configuration stays.
    pub(crate) fn adopt(&self, mut config: Config) -> anyhow::Result<Arc<Config>> {
        let before = self.serving();
        config.limits = before.config.limits;
        config.access_denied = before.config.access_denied;
        config.keys.clone_from(&before.config.keys);
        config.may_replace(&before.config).map_err(anyhow::Error::msg)?;
        self.replace(config)
    }

    /// Asks for the keys of this ring from now on.
    ///
    /// # Errors
    /// It would let anybody in at an address that is not loopback; the old keys stay.
    pub(crate) fn adopt_keys(&self, keys: KeyRing) -> anyhow::Result<()> {
        let config = Config { keys: Some(Arc::new(keys)), ..Config::clone(&self.serving().config) };
        self.replace(config).map(drop)
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

    /// From now on nothing new is accepted.
    pub(crate) fn begin_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Why new clients should not be sent here, if they should not.
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
