//! What every request of this process shares: the configuration in force, the upstreams, the telemetry.

use crate::clock;
use crate::environment::Environment;
use crate::room::Room;
use crate::telemetry::Telemetry;
use crate::turns::Turns;
use crate::upstream::Upstreams;
use aquifer_gateway::config::{Backend, Config};
use aquifer_gateway::exchange::KeepAlive;
use aquifer_gateway::fleet::Fleet;
use aquifer_gateway::restore::TurnStore;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// One configuration with the upstreams made for it; an exchange keeps the one it began with.
pub(crate) struct Serving {
    /// What the exchange decides by.
    pub(crate) config: Arc<Config>,
    /// What it calls.
    pub(crate) upstreams: Upstreams,
    /// How it has found them.
    pub(crate) fleet: Arc<Fleet>,
}

impl Serving {
    fn new(config: Arc<Config>, upstreams: Upstreams) -> Self {
        let fleet = Arc::new(Fleet::new(config.backends.len(), clock::now()));
        Self { config, upstreams, fleet }
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
    /// All large bodies together, in bytes.
    pub(crate) max_bodies: usize,
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
    /// Open connections.
    pub(crate) max_connections: usize,
}

/// How often old turns are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// Forgets old turns as long as the store is there.
async fn sweep(turns: Weak<Turns>) {
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
    /// Room for large bodies.
    pub(crate) room: Room,
    /// What is remembered of clients' turns.
    pub(crate) turns: Arc<dyn TurnStore>,
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
        let upstreams = Upstreams::of(&config, &environment, &Upstreams::default())?;
        let serving = ArcSwap::from_pointee(Serving::new(Arc::new(config), upstreams));
        let turns = Arc::new(Turns::new(telemetry.turns())?);
        tokio::spawn(sweep(Arc::downgrade(&turns)));
        Ok(Self {
            serving,
            environment,
            draining: AtomicBool::new(false),
            telemetry,
            limits,
            room: Room::new(limits.max_bodies),
            turns,
        })
    }

    /// What a new exchange begins with.
    pub(crate) fn serving(&self) -> Arc<Serving> {
        self.serving.load_full()
    }

    /// Serves new exchanges by a new configuration; those in flight end by the old one.
    ///
    /// # Errors
    /// A backend cannot be used as configured; the old configuration stays.
    pub(crate) fn adopt(&self, config: Config) -> anyhow::Result<Arc<Config>> {
        let upstreams = Upstreams::of(&config, &self.environment, &self.serving().upstreams)?;
        let config = Arc::new(config);
        let before = self.serving();
        let mut serving = Serving::new(Arc::clone(&config), upstreams);
        if before.config.backends == config.backends {
            serving.fleet = Arc::clone(&before.fleet);
        }
        self.serving.store(Arc::new(serving));
        Ok(config)
    }

    /// From now on nothing new is accepted.
    pub(crate) fn begin_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether new clients should be sent here.
    pub(crate) fn ready(&self) -> bool {
        !self.draining.load(Ordering::Relaxed)
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
            max_connections: 100,
            max_bodies: 1 << 24,
        }
    }
}
