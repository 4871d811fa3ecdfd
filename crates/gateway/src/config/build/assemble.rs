//! From single resources to one [`Config`]: references are followed, what they miss is said.

use crate::config::build::backends::{self, service_backends};
use crate::config::build::client_fields::{FieldPolicies, RequestPolicies};
use crate::config::build::policies::Policies;
use crate::config::build::routes::gateway_routes;
use crate::config::build::secrets;
use crate::config::build::security_policies::SecurityPolicies;
use crate::config::build::servable;
use crate::config::build::traffic_policies::TrafficPolicies;
use crate::config::check::checker::{self, unsupported};
use crate::config::resource::{Document, Kind, SETTINGS, Set, World, spot};
use crate::config::text::mistake::{Report, Spot};
use crate::config::text::suggest::did_you_mean;
use crate::config::text::yaml::Node;
use crate::config::{Backend, Config, Listener, LogLevel, ServerTls};

/// Joins the resources; a mistake that only the whole shows goes into the report.
pub(in crate::config) fn assemble(documents: &[Document<'_>], world: World<'_>, report: &mut Report) -> Config {
    let set = Set { documents, world };
    duplicates(set, report);
    let Settings { log_level, no_backends } = settings(set, report);
    let security = SecurityPolicies::read(set, report);
    let listeners = listeners(set, &security, report);
    let policies = Policies::read(set, report);
    let backends = service_backends(set, &policies, report);
    let tried = TrafficPolicies::read(set, report);
    let asked = RequestPolicies::read(set, report);
    let routes = gateway_routes(set, &backends, (&policies, &tried, &asked), &security, report).into();
    let at = |backend: &Backend| asked.of_backend(&backend.namespace, &backend.name);
    let client_fields = FieldPolicies { backends: backends.iter().map(at).collect(), ..FieldPolicies::default() };
    backends::shadowed(set, &backends, report);
    let traffic = tried.of_short_form();
    let config =
        Config { listeners, log_level, no_backends, backends, routes, traffic, client_fields, ..Config::default() };
    servable::check(set, &config, report);
    config
}

/// The same kind, namespace and name twice: which one was meant cannot be known.
fn duplicates(set: Set<'_>, report: &mut Report) {
    let mut seen = std::collections::HashMap::new();
    for document in set.documents {
        let key = (document.kind as u8, &document.namespace, &document.name);
        if let Some(first) = seen.insert(key, document) {
            let first = format!("{}:{}", first.file, first.root.place.line);
            let message = format!("Duplicate value: {} is already given at {first}", document.id());
            let node = document.root.at("metadata.name").unwrap_or(&document.root);
            report.refuse(spot(document, node, "metadata.name"), message);
        }
    }
}

/// What the ConfigMap `ai-gateway-config` says.
#[derive(Default)]
struct Settings {
    log_level: Option<LogLevel>,
    no_backends: bool,
}

fn settings(set: Set<'_>, report: &mut Report) -> Settings {
    let mut found = Settings::default();
    for document in set.of(Kind::ConfigMap).filter(|document| document.name == SETTINGS) {
        for entry in document.root.entries_at("data") {
            let path = checker::join("data", &entry.key);
            let spot = Spot { file: document.file, place: entry.value.place, path: &path };
            let text = entry.value.text().unwrap_or_default();
            match entry.key.as_str() {
                "log_level" => {
                    found.log_level = LogLevel::named(text);
                    if found.log_level.is_none() {
                        let levels = ["error", "warn", "info", "debug", "trace"];
                        report.refuse(spot, unsupported(checker::short(text), &levels));
                    }
                }
                "no_backends" => match text {
                    "true" | "false" => found.no_backends = text == "true",
                    _ => report.refuse(spot, unsupported(checker::short(text), &["true", "false"])),
                },
                key => {
                    let meant = did_you_mean(key, ["log_level", "no_backends"]);
                    let message = format!("unknown setting, ignored: log_level and no_backends are known{meant}");
                    report.problem(spot, message);
                }
            }
        }
    }
    found
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
        for (index, node) in gateway.root.items_at("spec.listeners").iter().enumerate() {
            let Some(mut listener) = listener(set, gateway, node, index, report) else { continue };
            listener.keys = security.of_listener(&gateway.namespace, &gateway.name, &listener.name);
            let mixed = all.iter().find(|it| it.port == listener.port && it.tls.is_some() != listener.tls.is_some());
            if let Some(other) = mixed {
                let path = format!("spec.listeners[{index}]");
                let message = format!("not served: the listener {} has this port with another protocol", other.name);
                report.problem(spot(gateway, node, &path), message);
                continue;
            }
            all.push(listener);
        }
    }
    all
}

fn listener(set: Set<'_>, gateway: &Document<'_>, node: &Node, index: usize, report: &mut Report) -> Option<Listener> {
    let path = format!("spec.listeners[{index}]");
    let spot = Spot { file: gateway.file, place: node.place, path: &path };
    let tls = match node.text_at("protocol").unwrap_or_default() {
        "HTTP" => None,
        "HTTPS" => match server_tls(set, gateway, node) {
            Ok(tls) => Some(tls),
            Err(why) => {
                report.problem(spot, format!("not served: {why}"));
                return None;
            }
        },
        _ => {
            report.problem(spot, "not served: the protocols served are HTTP and HTTPS");
            return None;
        }
    };
    Some(Listener {
        namespace: gateway.namespace.clone(),
        gateway: gateway.name.clone(),
        name: node.text_at("name")?.to_owned(),
        port: node.get("port").and_then(Node::whole).and_then(|port| u16::try_from(port).ok())?,
        hostname: node.text_at("hostname").map(str::to_owned),
        tls,
        keys: None,
    })
}

fn server_tls(set: Set<'_>, gateway: &Document<'_>, listener: &Node) -> Result<ServerTls, String> {
    if listener.text_at("tls.mode") == Some("Passthrough") {
        return Err("TLS that passes through has no HTTP to read".to_owned());
    }
    let reference = listener.items_at("tls.certificateRefs").first();
    let reference = reference.ok_or_else(|| "tls.certificateRefs names no certificate".to_owned())?;
    let namespace = reference.text_at("namespace").unwrap_or(&gateway.namespace);
    let name = reference.text_at("name").unwrap_or_default();
    let certificate = secrets::secret(set, namespace, name, "tls.crt")?;
    let key_pem = secrets::secret(set, namespace, name, "tls.key")?;
    Ok(ServerTls { certificate_pem: certificate.expose().to_owned(), key_pem })
}
