//! `aquifer serve`: the gateway, until a signal.

use super::check::summary;
use super::fronts::{OfPort, certificates_of, fronts};
use super::run::{Signals, bind, until_signalled};
use crate::cli::Serve;
use crate::environment::Environment;
use crate::host::{Host, Limits};
use crate::profiles::Profiles;
use crate::settings::{Settings, Stamp};
use crate::telemetry::Telemetry;
use crate::telemetry::log::{self, LogControl};
use crate::tls;
use anyhow::{Context, bail};
use aquifer_gateway::config::{BackendKind, Config, Listener, ServerTls, Severity};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often the configuration is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Serves.
pub(super) async fn run(arguments: Serve) -> anyhow::Result<ExitCode> {
    let signals = Signals::new()?;
    let control = log::start(arguments.log.log_level, arguments.log.log_format)?;
    let environment = Environment::read();
    let settings = arguments.config.clone().map(|path| Settings { path, environment: environment.clone() });
    let (stamp, mut config) = first_config(settings.as_ref(), &environment)?;
    let mut profiles = arguments.resolve_inference_profiles.then(Profiles::default);
    if let Some(profiles) = &mut profiles {
        profiles.resolve(&mut config, &environment).await;
    }
    control.configured(config.log_level);
    tell(&config);
    if !config.serves_anything() && !config.no_backends {
        let problems = config.notices.iter().filter(|notice| notice.severity == Severity::Problem);
        let problems: String = problems.map(|problem| format!("\n{problem}")).collect();
        bail!("nothing can be served with this configuration:{problems}");
    }
    let (fronts, certificates) = fronts(&arguments, &config.listeners).await?;
    let admin = bind("--admin", &arguments.admin).await?;
    let limits = Limits {
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
        max_connections: arguments.max_connections,
    };
    let listeners = config.listeners.clone();
    let host = Arc::new(Host::new(config, environment, Telemetry::new(), limits)?);
    let files = arguments.tls_cert.clone().zip(arguments.tls_key.clone());
    let watching =
        Watch { settings, stamp, profiles, control, certificates, files, listeners, host: Arc::clone(&host) };
    // From now on a hangup does not end the process.
    let hangup = signal(SignalKind::hangup()).context("cannot wait for signals")?;
    tokio::spawn(watching.run(hangup));
    until_signalled((host, arguments.threads), fronts, admin, arguments.drain_timeout, signals).await
}

/// The configuration to begin with; a mistake in it ends the process.
pub(super) fn first_config(
    settings: Option<&Settings>,
    environment: &Environment,
) -> anyhow::Result<(Option<Stamp>, Config)> {
    let Some(settings) = settings else {
        let config = Config::from_environment(&|name| environment.get(name).map(str::to_owned));
        if let Some(BackendKind::NotServed { why, .. }) = config.backends.first().map(|backend| &backend.kind) {
            bail!("the environment is wrong: {why}");
        }
        return Ok((None, config));
    };
    let (stamp, loaded) = settings.load();
    match loaded? {
        Ok(config) => Ok((Some(stamp), config)),
        Err(mistakes) => {
            let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
            bail!("the configuration is wrong:\n{}", lines.join("\n"))
        }
    }
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

/// Takes over what changes on disk: the configuration, the certificates.
struct Watch {
    settings: Option<Settings>,
    stamp: Option<Stamp>,
    profiles: Option<Profiles>,
    control: LogControl,
    certificates: Vec<OfPort>,
    files: Option<(PathBuf, PathBuf)>,
    listeners: Vec<Listener>,
    host: Arc<Host>,
}

impl Watch {
    async fn run(mut self, mut hangup: Signal) {
        let mut certificate_files = self.read_files().await;
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
        }
    }

    /// Reads the configuration again when it changed, or when someone asks; a wrong one changes nothing.
    async fn reload(&mut self, asked: bool) {
        let (Some(settings), Some(stamp)) = (self.settings.clone(), self.stamp.clone()) else { return };
        let environment = settings.environment.clone();
        let read = move || (asked || settings.changed_since(&stamp)).then(|| settings.load());
        let Ok(Some((stamp, loaded))) = tokio::task::spawn_blocking(read).await else { return };
        self.stamp = Some(stamp);
        match loaded {
            Ok(Ok(mut config)) => {
                if let Some(profiles) = &mut self.profiles {
                    profiles.resolve(&mut config, &environment).await;
                }
                self.adopt(config);
            }
            Ok(Err(mistakes)) => {
                for mistake in &mistakes {
                    tracing::error!("{mistake}");
                }
                tracing::error!(mistakes = mistakes.len(), "the new configuration is wrong; the old one stays");
            }
            Err(error) => tracing::error!("{error:#}; the old configuration stays"),
        }
    }

    fn adopt(&mut self, config: Config) {
        let (level, listeners) = (config.log_level, config.listeners.clone());
        let config = match self.host.adopt(config) {
            Ok(config) => config,
            Err(error) => return tracing::error!("{error:#}; the old configuration stays"),
        };
        self.control.configured(level);
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
        for (port, certificate) in &self.certificates {
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

    async fn read_files(&self) -> Option<ServerTls> {
        let (certificate, key) = self.files.clone()?;
        let read = tokio::task::spawn_blocking(move || tls::from_files(&certificate, &key)).await;
        read.context("reading the certificate failed").ok()?.ok()
    }

    fn renew_from_files(&self, files: Option<&ServerTls>) {
        match files.map(tls::server) {
            Some(Ok(new)) => {
                self.certificates.iter().for_each(|(_, certificate)| certificate.store(Arc::clone(&new)));
                tracing::info!("new certificate");
            }
            Some(Err(error)) => tracing::error!("{error:#}; the old certificate stays"),
            None => tracing::error!("the certificate's files cannot be read; the old certificate stays"),
        }
    }
}
