//! From single resources to one [`Config`]: references are followed, what they miss is said.

use crate::config::build::backends::{self, service_backends};
use crate::config::build::client_fields::{FieldPolicies, RequestPolicies};
use crate::config::build::policies::Policies;
use crate::config::build::routes::{RoutePolicies, gateway_routes};
use crate::config::build::secrets;
use crate::config::build::security_policies::SecurityPolicies;
use crate::config::build::servable;
use crate::config::build::traffic_policies::TrafficPolicies;
use crate::config::check::checker::{self, unsupported};
use crate::config::resource::{Document, DocumentIndex, Kind, Loader, Resource, SETTINGS, Set, location};
use crate::config::resources::network::{GatewayListener, ListenerTls, TlsMode};
use crate::config::text::mistake::{Location, Report};
use crate::config::text::suggest::did_you_mean;
use crate::config::{AccessLog, Config, Listener, LogFilter, LogLevel, LogPiece, MetricConventions, ServerTls};

/// Joins the resources; a mistake that only the whole shows goes into the report.
pub(in crate::config) fn assemble(documents: &[Document<'_>], loader: Loader<'_>, report: &mut Report) -> Config {
    let index = DocumentIndex::of(documents);
    let set = Set { documents, index: &index, loader };
    duplicates(set, report);
    let Settings { log_level, conventions, access_log, no_backends } = settings(set, report);
    let security = SecurityPolicies::read(set, report);
    let listeners = listeners(set, &security, report);
    let policies = Policies::read(set, report);
    let backends = service_backends(set, &policies, report);
    let tried = TrafficPolicies::read(set, report);
    let asked = RequestPolicies::read(set, report);
    let of_routes = RoutePolicies { reasoning: &policies, traffic: &tried, requests: &asked, security: &security };
    let routes = gateway_routes(set, &backends, &of_routes, report).into();
    let fields = backends.iter().map(|backend| asked.of_backend(&backend.namespace, &backend.name));
    let client_fields = FieldPolicies { backends: fields.collect(), ..FieldPolicies::default() };
    backends::shadowed(set, &backends, report);
    let traffic = tried.of_short_form();
    let config = Config {
        listeners,
        log_level,
        conventions,
        access_log,
        no_backends,
        backends,
        routes,
        traffic,
        client_fields,
        ..Config::default()
    };
    servable::check(set, &config, report);
    config
}

/// The same kind, namespace and name twice: which one was meant cannot be known.
fn duplicates(set: Set<'_>, report: &mut Report) {
    let mut seen = std::collections::HashMap::new();
    for document in set.documents {
        let key = (document.kind as u8, &document.namespace, &document.name);
        if let Some(first) = seen.insert(key, document) {
            let first = format!("{}:{}", first.file, first.root.position.line);
            let message = format!("Duplicate value: {} is already given at {first}", document.id());
            let node = document.root.at("metadata.name").unwrap_or(&document.root);
            report.refuse(location(document, node, "metadata.name"), message);
        }
    }
}

/// The names of the settings of the ConfigMap `ai-gateway-config`.
const SETTING_NAMES: [&str; 5] =
    ["access_log_format", "access_log_only", "log_level", "no_backends", "telemetry_conventions"];

/// The settings of the ConfigMap `ai-gateway-config`.
#[derive(Default)]
struct Settings {
    log_level: Option<LogLevel>,
    conventions: Option<MetricConventions>,
    access_log: AccessLog,
    no_backends: bool,
}

fn settings(set: Set<'_>, report: &mut Report) -> Settings {
    let mut found = Settings::default();
    for document in set.of(Kind::ConfigMap).filter(|document| document.name == SETTINGS) {
        for entry in document.root.entries_at("data") {
            let path = checker::join("data", &entry.key);
            let location = Location { file: document.file, position: entry.value.position, path: &path };
            let text = entry.value.text().unwrap_or_default();
            match entry.key.as_str() {
                "log_level" => {
                    found.log_level = LogLevel::named(text);
                    if found.log_level.is_none() {
                        let levels = ["error", "warn", "info", "debug", "trace"];
                        report.refuse(location, unsupported(checker::short(text), &levels));
                    }
                }
                "telemetry_conventions" => {
                    found.conventions = MetricConventions::named(text);
                    if found.conventions.is_none() {
                        report.refuse(location, unsupported(checker::short(text), &["v1.41", "v0.1", "both"]));
                    }
                }
                "access_log_only" => match LogFilter::list(text) {
                    Ok(only) => found.access_log.only = only,
                    Err(word) => {
                        report.refuse(
                            location,
                            unsupported(checker::short(word), &["failed", "slow:30s", "sampled:0.01"]),
                        );
                    }
                },
                "access_log_format" => match LogPiece::format(text) {
                    Ok(format) => found.access_log.format = Some(format),
                    Err(why) => report.refuse(location, format!("Invalid value: {why}")),
                },
                "no_backends" => match text {
                    "true" | "false" => found.no_backends = text == "true",
                    _ => report.refuse(location, unsupported(checker::short(text), &["true", "false"])),
                },
                key => {
                    let meant = did_you_mean(key, SETTING_NAMES);
                    let known = SETTING_NAMES.join(", ");
                    let message = format!("unknown setting, ignored: known are {known}{meant}");
                    report.problem(location, message);
                }
            }
        }
    }
    found
}

impl MetricConventions {
    /// Reads the name of a version.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "v1.41" => Self::V141,
            "v0.1" => Self::V01,
            "both" => Self::Both,
            _ => return None,
        })
    }
}

impl LogLevel {
    /// Reads a level's name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "error" => Self::Error,
            "warn" | "warning" => Self::Warn,
            "info" => Self::Info,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => return None,
        })
    }
}

fn listeners(set: Set<'_>, security: &SecurityPolicies, report: &mut Report) -> Vec<Listener> {
    let mut all: Vec<Listener> = Vec::new();
    for gateway in set.of(Kind::Gateway) {
        let Resource::Gateway(resource) = &gateway.resource else { continue };
        for (index, of_resource) in resource.spec.listeners.iter().enumerate() {
            let path = format!("spec.listeners[{index}]");
            let Some(mut listener) = listener(set, gateway, of_resource, &path, report) else { continue };
            listener.keys = security.of_listener(&gateway.namespace, &gateway.name, &listener.name);
            let mixed = all.iter().find(|it| it.port == listener.port && it.tls.is_some() != listener.tls.is_some());
            if let Some(other) = mixed {
                let message = format!("not served: the listener {} has this port with another protocol", other.name);
                report.problem(gateway.location_at(&path), message);
                continue;
            }
            all.push(listener);
        }
    }
    all
}

fn listener(
    set: Set<'_>,
    gateway: &Document<'_>,
    listener: &GatewayListener,
    path: &str,
    report: &mut Report,
) -> Option<Listener> {
    let tls = match &*listener.protocol {
        "HTTP" => None,
        "HTTPS" => match server_tls(set, gateway, listener.tls.as_ref()) {
            Ok(tls) => Some(tls),
            Err(why) => {
                report.problem(gateway.location_at(path), format!("not served: {why}"));
                return None;
            }
        },
        _ => {
            report.problem(gateway.location_at(path), "not served: the protocols served are HTTP and HTTPS");
            return None;
        }
    };
    Some(Listener {
        namespace: gateway.namespace.clone(),
        gateway: gateway.name.clone(),
        name: listener.name.to_string(),
        port: listener.port,
        hostname: listener.hostname.as_ref().map(|name| name.to_string()),
        tls,
        keys: None,
    })
}

fn server_tls(set: Set<'_>, gateway: &Document<'_>, tls: Option<&ListenerTls>) -> Result<ServerTls, String> {
    if tls.is_some_and(|tls| tls.mode == Some(TlsMode::Passthrough)) {
        return Err("TLS that passes through has no HTTP to read".to_owned());
    }
    let reference = tls.and_then(|tls| tls.certificate_refs.first());
    let reference = reference.ok_or_else(|| "tls.certificateRefs names no certificate".to_owned())?;
    let namespace = reference.namespace.as_deref().unwrap_or(&gateway.namespace);
    let certificate = secrets::secret(set, namespace, &reference.name, "tls.crt")?;
    let key_pem = secrets::secret(set, namespace, &reference.name, "tls.key")?;
    Ok(ServerTls { certificate_pem: certificate.expose().to_owned(), key_pem })
}
