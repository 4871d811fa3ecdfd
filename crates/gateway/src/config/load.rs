//! From files to a checked [`Config`], or to every mistake that is in them.

use crate::config::Config;
use crate::config::build::assemble::assemble;
use crate::config::build::security_policies;
use crate::config::check::checker::{Check, short, unsupported};
use crate::config::check::policy_rules;
use crate::config::check::rules;
use crate::config::check::traffic_rules;
use crate::config::redacted::redacted;
use crate::config::resource::{Document, Kind, Loader, Resource, SETTINGS};
use crate::config::resources::{self, Definition, ENVOY_VERSIONS, OWN_VERSIONS};
use crate::config::text::mistake::{ConfigError, Location, Notice, Report};
use crate::config::text::substitute;
use crate::config::text::suggest::did_you_mean;
use crate::config::text::yaml;
use crate::config::text::yaml::{Node, Value};
use std::collections::BTreeMap;

/// The most resources that all files together may have.
const MOST_RESOURCES: usize = 10_000;

/// The most kinds that the line about skipped resources names.
const MOST_KINDS: usize = 50;

/// One file, read.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file's name, as mistakes shall show it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Reads and checks the files together.
///
/// `env` answers `${NAME}` in the files, and the names of AWS's own variables; `read_file` reads what the
/// annotations `substitution.aigw.run/file/<KEY>` of a `Secret` name.
///
/// # Errors
///
/// All mistakes of all files, in the order of the files and of the places in them.
pub fn load(
    sources: &[Source],
    env: &dyn Fn(&str) -> Option<String>,
    read_file: &dyn Fn(&str) -> std::io::Result<String>,
) -> Result<Config, Vec<ConfigError>> {
    let loader = Loader { env, read_file };
    let mut reader = Reader::default();
    for source in sources {
        let (documents, mistake) = yaml::parse(&source.name, &source.text);
        for root in documents {
            reader.document(&source.name, root, loader);
        }
        reader.report.mistakes.extend(mistake);
    }
    let Reader { documents, skipped, mut report } = reader;
    if documents.is_empty() && skipped.is_empty() && report.notices.is_empty() {
        report.notices.push(Notice::problem("there is no resource in what was read".to_owned()));
    }
    let mut config = assemble(&documents, loader, &mut report);
    if report.mistakes.is_empty() {
        config.redacted = redacted(&documents).into();
        config.notices = report.notices;
        config.notices.extend(skipped_line(&skipped).map(Notice::note));
        return Ok(config);
    }
    report.mistakes.sort_by_cached_key(|mistake| {
        let file = sources.iter().position(|source| source.name == mistake.file);
        (file, mistake.line, mistake.column, mistake.path.clone())
    });
    Err(report.mistakes)
}

/// A document by its `apiVersion` and `kind`: read, skipped or refused.
enum Recognised {
    Read(Kind, &'static Definition),
    Skip,
    Refuse { field: &'static str, message: String },
}

fn recognise(group: &str, version: &str, kind: &str, root: &Node) -> Recognised {
    let is_short = root.at("spec.provider").is_some() || root.at("spec.config").is_some();
    let (found, definition): (Kind, &'static Definition) = match (group, kind) {
        ("aigateway.envoyproxy.io", "AIServiceBackend") if is_short => {
            (Kind::ServiceBackend, &resources::SHORT_BACKEND)
        }
        ("aigateway.envoyproxy.io", "AIServiceBackend") => (Kind::ServiceBackend, &resources::SERVICE_BACKEND),
        ("aigateway.envoyproxy.io", "AIGatewayRoute") => (Kind::GatewayRoute, &resources::GATEWAY_ROUTE),
        ("aigateway.envoyproxy.io", "BackendSecurityPolicy") => {
            (Kind::SecurityPolicy, &resources::BACKEND_SECURITY_POLICY)
        }
        ("aigateway.envoyproxy.io", "GatewayConfig" | "QuotaPolicy" | "MCPRoute") => return Recognised::Skip,
        ("aquifer.dev", "ReasoningPolicy") => (Kind::ReasoningPolicy, &resources::REASONING_POLICY),
        ("aquifer.dev", "RequestPolicy") => (Kind::RequestPolicy, &resources::REQUEST_POLICY),
        ("aquifer.dev", _) => {
            let kinds = ["ReasoningPolicy", "RequestPolicy"];
            return Recognised::Refuse { field: "kind", message: unsupported(short(kind), &kinds) };
        }
        (_, "ReasoningPolicy" | "RequestPolicy") => return wrong_version(group, version, OWN_VERSIONS),
        ("aigateway.envoyproxy.io", _) => {
            let kinds = ["AIServiceBackend", "AIGatewayRoute", "BackendSecurityPolicy"];
            return Recognised::Refuse { field: "kind", message: unsupported(short(kind), &kinds) };
        }
        (_, "AIServiceBackend" | "AIGatewayRoute" | "BackendSecurityPolicy") => {
            return wrong_version(group, version, ENVOY_VERSIONS);
        }
        ("gateway.envoyproxy.io", "Backend") => (Kind::Backend, &resources::BACKEND),
        ("gateway.envoyproxy.io", "SecurityPolicy") => (Kind::ClientSecurityPolicy, &resources::SECURITY_POLICY),
        ("gateway.envoyproxy.io", "BackendTrafficPolicy") => (Kind::TrafficPolicy, &resources::BACKEND_TRAFFIC_POLICY),
        ("gateway.networking.k8s.io", "BackendTLSPolicy") => (Kind::TlsPolicy, &resources::BACKEND_TLS_POLICY),
        ("gateway.networking.k8s.io", "Gateway") => (Kind::Gateway, &resources::GATEWAY),
        ("", "Secret") => (Kind::Secret, &resources::SECRET),
        ("", "ConfigMap") => (Kind::ConfigMap, &resources::CONFIG_MAP),
        _ => return Recognised::Skip,
    };
    match group {
        "aigateway.envoyproxy.io" if !matches!(version, "v1alpha1" | "v1beta1") => {
            wrong_version(group, version, ENVOY_VERSIONS)
        }
        "aquifer.dev" if version != "v1alpha1" => wrong_version(group, version, OWN_VERSIONS),
        _ => Recognised::Read(found, definition),
    }
}

fn wrong_version(group: &str, version: &str, versions: &[&str]) -> Recognised {
    let found = format!("{group}/{version}");
    Recognised::Refuse { field: "apiVersion", message: unsupported(short(&found), versions) }
}

#[derive(Default)]
struct Reader<'a> {
    documents: Vec<Document<'a>>,
    skipped: BTreeMap<String, usize>,
    report: Report,
}

impl<'a> Reader<'a> {
    fn document(&mut self, file: &'a str, mut root: Node, loader: Loader<'_>) {
        if root.is_null() {
            return;
        }
        let Some((group, version, kind)) = self.header(file, &root) else { return };
        if self.documents.len() >= MOST_RESOURCES {
            let location = Location { file, position: root.position, path: "" };
            self.report.refuse(location, format!("Too many: at most {MOST_RESOURCES} resources are read"));
            return;
        }
        if group.is_empty() && kind == "List" {
            self.list(file, root, loader);
            return;
        }
        let (kind, definition) = match recognise(&group, &version, &kind, &root) {
            Recognised::Read(kind, definition) => (kind, definition),
            Recognised::Skip => {
                self.skip(&kind);
                return;
            }
            Recognised::Refuse { field, message } => {
                let position = root.get(field).map_or(root.position, |node| node.position);
                self.report.refuse(Location { file, position, path: field }, message);
                return;
            }
        };
        if kind == Kind::ConfigMap && !concerns_us(&root) {
            let name = root.text_at("metadata.name").unwrap_or_default();
            let meant = did_you_mean(name, [SETTINGS]);
            if !meant.is_empty() {
                let position = root.at("metadata.name").map_or(root.position, |node| node.position);
                let message = format!("no ConfigMap {:?} is read{meant}", short(name));
                self.report.problem(Location { file, position, path: "metadata.name" }, message);
            }
            self.skip("ConfigMap");
            return;
        }
        self.replace_variables(file, &mut root, loader);
        self.check(file, root, kind, definition, version == "v1alpha1");
    }

    /// Keeps the resource if its shape and its rules hold.
    fn check(&mut self, file: &'a str, root: Node, kind: Kind, definition: &Definition, alpha: bool) {
        let mistakes = self.report.mistakes.len();
        let mut check = Check { file, report: &mut self.report };
        check.node(&root, "", definition.shape());
        match kind {
            Kind::ServiceBackend if root.at("spec.provider").is_none() => rules::service_backend(&mut check, &root),
            Kind::ServiceBackend => {
                rules::short_backend(&mut check, &root);
                policy_rules::short_form(&mut check, &root);
            }
            Kind::ReasoningPolicy => policy_rules::reasoning_policy(&mut check, &root),
            Kind::RequestPolicy => policy_rules::request_policy(&mut check, &root),
            Kind::GatewayRoute => rules::gateway_route(&mut check, &root),
            Kind::Secret => rules::secret(&mut check, &root),
            Kind::SecurityPolicy => rules::security_policy(&mut check, &root, alpha),
            Kind::ClientSecurityPolicy => security_policies::check(&mut check, &root),
            Kind::TrafficPolicy => traffic_rules::traffic_policy(&mut check, &root),
            Kind::Backend | Kind::TlsPolicy | Kind::Gateway | Kind::ConfigMap => {}
        }
        if self.report.mistakes.len() == mistakes {
            let text = |path: &str| root.text_at(path).map(str::to_owned);
            let namespace = text("metadata.namespace").unwrap_or_else(|| "default".to_owned());
            let name = text("metadata.name").unwrap_or_default();
            match Resource::read(kind, &root) {
                Ok(resource) => self.documents.push(Document { file, kind, namespace, name, root, resource }),
                Err(why) => {
                    debug_assert!(false, "the check left what cannot be read: {why}");
                    self.report.refuse(
                        Location { file, position: root.position, path: "" },
                        format!("it cannot be read: {why}"),
                    );
                }
            }
        }
    }

    fn skip(&mut self, kind: &str) {
        let count = self.skipped.entry(short(kind).to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    /// The group, version and kind of a document; `None` when it is no resource, which was said then.
    fn header(&mut self, file: &'a str, root: &Node) -> Option<(String, String, String)> {
        let location = Location { file, position: root.position, path: "" };
        if !matches!(root.value, Value::Map(_)) {
            self.report.refuse(location, "expected a mapping with apiVersion, kind, metadata and spec");
            return None;
        }
        match (root.text_at("apiVersion"), root.text_at("kind")) {
            (Some(version), Some(kind)) => {
                let (group, version) = version.split_once('/').unwrap_or(("", version));
                Some((group.to_owned(), version.to_owned(), kind.to_owned()))
            }
            (None, None) if root.get("spec").is_none() && root.get("metadata").is_none() => {
                let what = foreign_product(root).map_or_else(
                    || "skipped: not a resource, it has neither apiVersion nor kind".to_owned(),
                    |product| format!("skipped: this is a configuration of {product}, not of this gateway"),
                );
                self.report.problem(location, what);
                None
            }
            (version, kind) => {
                for (field, found) in [("apiVersion", version), ("kind", kind)] {
                    if found.is_none() {
                        self.report.refuse(Location { path: field, ..location }, "Required value: expected text");
                    }
                }
                None
            }
        }
    }

    /// The resources of a `List`, as `kubectl get --output yaml` writes it.
    fn list(&mut self, file: &'a str, root: Node, loader: Loader<'_>) {
        let Value::Map(entries) = root.value else { return };
        let items = entries.into_iter().filter(|entry| entry.key == "items").map(|entry| entry.value.value);
        for item in items.filter_map(list_items).flatten() {
            self.document(file, item, loader);
        }
    }

    fn replace_variables(&mut self, file: &'a str, root: &mut Node, loader: Loader<'_>) {
        let report = &mut self.report;
        substitute::substitute(root, loader.env, &mut |node, name| {
            let location = Location { file, position: node.position, path: "" };
            report.problem(location, format!("the environment has no {name}: nothing stands in its place"));
        });
    }
}

/// The settings' own `ConfigMap`, or one that can hold certificates.
fn concerns_us(config_map: &Node) -> bool {
    config_map.text_at("metadata.name") == Some(SETTINGS)
        || config_map.get("data").is_some_and(|data| data.get("ca.crt").is_some())
}

/// The product whose configuration file this is, by the fields that only it has at the top.
fn foreign_product(root: &Node) -> Option<&'static str> {
    const PRODUCTS: [(&str, &[&str]); 5] = [
        ("LiteLLM", &["model_list", "litellm_settings", "router_settings"]),
        ("agentgateway", &["binds"]),
        ("Envoy itself", &["static_resources", "dynamic_resources"]),
        ("Bifrost", &["providers", "client"]),
        ("Kong", &["_format_version"]),
    ];
    let found = PRODUCTS.into_iter().find(|(_, fields)| fields.iter().any(|field| root.get(field).is_some()));
    found.map(|(product, _)| product)
}

fn list_items(value: Value) -> Option<Vec<Node>> {
    match value {
        Value::List(items) => Some(items),
        Value::Scalar(_) | Value::Map(_) => None,
    }
}

/// One line that names the kinds that were passed over.
fn skipped_line(skipped: &BTreeMap<String, usize>) -> Option<String> {
    let named: Vec<String> = skipped
        .iter()
        .take(MOST_KINDS)
        .map(|(kind, count)| if *count == 1 { kind.clone() } else { format!("{kind} ({count})") })
        .collect();
    (!named.is_empty()).then(|| format!("skipped, as they do not concern this gateway: {}", named.join(", ")))
}
