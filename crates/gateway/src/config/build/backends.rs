//! `AIServiceBackend` in both forms, with the `Backend` and the policies that belong to it.

use crate::config::build::environment;
use crate::config::build::mutations::mutation;
use crate::config::build::policies::Policies;
use crate::config::build::secrets;
use crate::config::build::traffic_policies::unknown_annotations;
use crate::config::check::checker;
use crate::config::check::forms::{self, Form};
use crate::config::resource::{Document, Kind, Resource, Set, location};
use crate::config::resources::backend_security_policy::{BackendSecurityPolicySpec, CredentialType};
use crate::config::resources::common::SecretRef;
use crate::config::resources::network::{BackendResource, BackendTlsPolicy};
use crate::config::resources::service_backend::{
    ApiSchemaName, AwsAuth, BedrockApi, Provider, ServiceBackendRef, ShortConfig,
};
use crate::config::text::mistake::{Location, Report};
use crate::config::{Backend, BackendApi, BackendKind, BedrockAuth, Credentials, Service};
use crate::secret::Secret;
use aquifer_translate::bedrock::Api;
use std::collections::HashSet;

/// Every `AIServiceBackend`, in the order of the files.
pub(in crate::config) fn service_backends(set: Set<'_>, policies: &Policies, report: &mut Report) -> Vec<Backend> {
    let mut backends = Vec::new();
    for document in set.of(Kind::ServiceBackend) {
        backends.push(Backend {
            namespace: document.namespace.clone(),
            name: document.name.clone(),
            kind: kind(set, document, report),
            reasoning: policies.of_backend(&document.namespace, &document.name),
            mutation: mutation(document, document.node("spec"), "spec", report).into(),
        });
    }
    backends
}

fn kind(set: Set<'_>, document: &Document<'_>, report: &mut Report) -> BackendKind {
    match &document.resource {
        Resource::ShortBackend(short) => {
            let config = &short.spec.config;
            let service = short_form(set, config);
            match short.spec.provider {
                Provider::OpenAi => openai(set, document, service, config.prefix.as_deref(), report),
                Provider::AwsBedrock => {
                    let api = config.api.map(|api| match api {
                        BedrockApi::Invoke => Api::InvokeModel,
                        BedrockApi::Converse => Api::Converse,
                    });
                    bedrock(set, document, service, api, report)
                }
            }
        }
        Resource::ServiceBackend(resource) => {
            let schema = &resource.spec.schema;
            match schema.name {
                ApiSchemaName::OpenAI => {
                    let service = full(set, document, &resource.spec.backend_ref, report);
                    openai(set, document, service, schema.prefix.as_deref(), report)
                }
                ApiSchemaName::AWSBedrock => {
                    let service = full(set, document, &resource.spec.backend_ref, report);
                    bedrock(set, document, service, None, report)
                }
                ApiSchemaName::AWSAnthropic => {
                    let service = full(set, document, &resource.spec.backend_ref, report);
                    bedrock(set, document, service, Some(Api::InvokeModel), report)
                }
                ApiSchemaName::Cohere
                | ApiSchemaName::AzureOpenAI
                | ApiSchemaName::GCPVertexAI
                | ApiSchemaName::GCPAnthropic
                | ApiSchemaName::Anthropic => {
                    let schema = document.root.text_at("spec.schema.name").unwrap_or_default().to_owned();
                    let why = format!("the schema {schema} is not served yet");
                    report.problem(at(document, "spec.schema.name"), format!("not served: {why}"));
                    BackendKind::NotServed { schema, why }
                }
            }
        }
        Resource::GatewayRoute(_)
        | Resource::Gateway(_)
        | Resource::BackendSecurityPolicy(_)
        | Resource::ReasoningPolicy(_)
        | Resource::RequestPolicy(_)
        | Resource::Backend(_)
        | Resource::BackendTlsPolicy(_)
        | Resource::BackendTrafficPolicy(_)
        | Resource::SecurityPolicy(_)
        | Resource::Nodes => BackendKind::NotServed { schema: String::new(), why: "it was not read".to_owned() },
    }
}

/// A service that speaks Bedrock's own APIs; `api`: the one that is called, where it is said.
fn bedrock(
    set: Set<'_>,
    document: &Document<'_>,
    service: Result<Service, String>,
    api: Option<Api>,
    report: &mut Report,
) -> BackendKind {
    let service = service.and_then(|service| secured(set, document, service, report)).and_then(sound_region);
    let annotated = annotated_auth(document, report);
    match service {
        Ok(mut service) => {
            service.auth = service.auth.or(annotated);
            if service.region.is_none() {
                let message = format!("no region: the AWS profile's is used, or {}", crate::config::DEFAULT_REGION);
                report.notice(at(document, "spec"), message);
            }
            BackendKind::Served { service: Box::new(service), api: BackendApi::Bedrock(api) }
        }
        Err(why) => {
            report.problem(at(document, "spec"), format!("not served: {why}"));
            let schema = if api == Some(Api::InvokeModel) { "AWSAnthropic" } else { "AWSBedrock" };
            BackendKind::NotServed { schema: schema.to_owned(), why }
        }
    }
}

/// The annotation by which an `AIServiceBackend` says how its calls are authorised.
const AUTH: &str = "aquifer.dev/auth";

fn annotated_auth(document: &Document<'_>, report: &mut Report) -> Option<BedrockAuth> {
    unknown_annotations(document, &[AUTH], report);
    let entry = document.root.entries_at("metadata.annotations").iter().find(|entry| entry.key == AUTH)?;
    let named = entry.value.text().and_then(BedrockAuth::named);
    if named.is_none() {
        let path = checker::join("metadata.annotations", AUTH);
        let location = Location { file: document.file, position: entry.position, path: &path };
        report.refuse(location, "Unsupported value: supported values: \"bearer\", \"sigv4\", \"auto\"");
    }
    named
}

/// A service of OpenAI's dialect. Without a policy it is called without authorization; only a signature needs a region.
fn openai(
    set: Set<'_>,
    document: &Document<'_>,
    service: Result<Service, String>,
    prefix: Option<&str>,
    report: &mut Report,
) -> BackendKind {
    let service = service.map(|found| match found.credentials {
        Credentials::ApiKey(_) => found,
        Credentials::Default | Credentials::File { .. } | Credentials::Nobody | Credentials::NotServed { .. } => {
            Service { credentials: Credentials::Nobody, ..found }
        }
    });
    let service = service.and_then(|service| secured(set, document, service, report)).and_then(sound_region);
    match service {
        Ok(mut service) => {
            service.region.get_or_insert_with(|| crate::config::DEFAULT_REGION.to_owned());
            let prefix = prefix.filter(|prefix| !prefix.is_empty());
            BackendKind::openai_chat(prefix.unwrap_or("v1"), service)
        }
        Err(why) => {
            report.problem(at(document, "spec"), format!("not served: {why}"));
            BackendKind::NotServed { schema: "OpenAI".to_owned(), why }
        }
    }
}

fn at<'d>(document: &Document<'d>, path: &'d str) -> Location<'d> {
    location(document, document.root.at(path).unwrap_or(&document.root), path)
}

fn sound_region(bedrock: Service) -> Result<Service, String> {
    match &bedrock.region {
        Some(region) if !Form::Region.fits(region) => {
            Err("the region is not an AWS region, such as us-east-1".to_owned())
        }
        _ => Ok(bedrock),
    }
}

/// The short form: all about one model in one document.
fn short_form(set: Set<'_>, config: &ShortConfig) -> Result<Service, String> {
    let model = config.model.to_string();
    let endpoint = match &config.endpoint {
        Some(text) => Some(forms::endpoint(text).map_err(str::to_owned)?),
        None => environment::endpoint(set.loader.env)?,
    };
    let key = config.api_key.as_ref().map(|key| Credentials::ApiKey(Secret::new(key.to_string())));
    let base_model = config.base_model.as_ref().map(|base| (model.clone(), base.to_string()));
    let region = config.region.as_ref().map(|region| region.to_string());
    Ok(Service {
        region: region.or_else(|| environment::region(set.loader.env)),
        endpoint,
        credentials: key.unwrap_or(Credentials::Default),
        models: vec![model],
        http2: config.http2 == Some(true),
        base_models: base_model.into_iter().collect(),
        auth: config.auth.map(|auth| match auth {
            AwsAuth::Bearer => BedrockAuth::Bearer,
            AwsAuth::SigV4 => BedrockAuth::SigV4,
            AwsAuth::Auto => BedrockAuth::Auto,
        }),
        ..Service::default()
    })
}

/// The Envoy form: the address is a `Backend`'s, TLS comes with a `BackendTLSPolicy`.
fn full(
    set: Set<'_>,
    document: &Document<'_>,
    reference: &ServiceBackendRef,
    report: &mut Report,
) -> Result<Service, String> {
    let namespace = reference.namespace.as_deref().unwrap_or(&document.namespace);
    let id = format!("Backend {namespace}/{}", &*reference.name);
    let Some((backend, resource)) = set.find(Kind::Backend, namespace, &reference.name).and_then(address) else {
        return Err(format!("{id} is not in these files"));
    };
    if resource.spec.endpoints.len() > 1 {
        report.notice(at(backend, "spec.endpoints"), "only the first endpoint is called");
    }
    let endpoint = resource.spec.endpoints.first().ok_or_else(|| format!("{id} has no endpoint"))?;
    let (host, port) = match (&endpoint.fqdn, &endpoint.ip) {
        (Some(fqdn), _) => (fqdn.hostname.to_string(), fqdn.port),
        (None, Some(ip)) if ip.address.contains(':') => (format!("[{}]", &*ip.address), ip.port),
        (None, Some(ip)) => (ip.address.to_string(), ip.port),
        (None, None) => return Err(format!("{id} names neither fqdn nor ip")),
    };
    let policy = tls_policy(set, backend);
    let tls = policy.is_some() || resource.spec.tls.is_some() || port == 443;
    let scheme = if tls { "https" } else { "http" };
    let url = forms::endpoint(&format!("{scheme}://{host}:{port}"));
    let tls_hostname = policy.map(|(_, policy)| policy.spec.validation.hostname.to_string());
    Ok(Service {
        region: region_of(&host).map(str::to_owned),
        endpoint: Some(url.map_err(|_| format!("{id} has no host to call"))?),
        tls_ca_pem: policy.map(|(document, policy)| trusted(set, document, policy)).transpose()?.flatten(),
        tls_hostname: tls_hostname.filter(|name| *name != host),
        ..Service::default()
    })
}

fn address<'a>(document: &'a Document<'a>) -> Option<(&'a Document<'a>, &'a BackendResource)> {
    let Resource::Backend(backend) = &document.resource else { return None };
    Some((document, backend))
}

/// The region in `bedrock-runtime.<region>.amazonaws.com`.
fn region_of(host: &str) -> Option<&str> {
    let mut labels = host.split('.');
    let service = labels.next()?;
    let region = labels.next()?;
    let amazon = labels.next()? == "amazonaws";
    (amazon && matches!(service, "bedrock-runtime" | "bedrock-runtime-fips")).then_some(region)
}

/// The first `BackendTLSPolicy` of a `Backend`.
fn tls_policy<'a>(set: Set<'a>, backend: &Document<'_>) -> Option<(&'a Document<'a>, &'a BackendTlsPolicy)> {
    let document = set.policies_of(Kind::TlsPolicy, backend).next()?;
    let Resource::BackendTlsPolicy(policy) = &document.resource else { return None };
    Some((document, policy))
}

/// The certificates that a `BackendTLSPolicy` trusts; `None`: the system's.
fn trusted(set: Set<'_>, document: &Document<'_>, policy: &BackendTlsPolicy) -> Result<Option<String>, String> {
    let mut pem = String::new();
    for reference in &policy.spec.validation.ca_certificate_refs {
        pem.push_str(&secrets::certificates(set, &reference.kind, &document.namespace, &reference.name)?);
        pem.push('\n');
    }
    Ok((!pem.is_empty()).then_some(pem))
}

/// The same backend with what its `BackendSecurityPolicy` says.
fn secured(set: Set<'_>, document: &Document<'_>, bedrock: Service, report: &mut Report) -> Result<Service, String> {
    let mut policies = set.policies_of(Kind::SecurityPolicy, document);
    let Some(policy) = policies.next() else { return Ok(bedrock) };
    for second in policies {
        let message = format!("AIServiceBackend {} already has the policy {}", document.id(), policy.id());
        report.refuse(at(second, "spec.targetRefs"), message);
    }
    let Resource::BackendSecurityPolicy(resource) = &policy.resource else { return Ok(bedrock) };
    let spec = &resource.spec;
    if spec.credential_override.is_some() {
        let message = "not served yet: the policy's own credentials are always used";
        report.problem(at(policy, "spec.credentialOverride"), message);
    }
    let credentials = credentials(set, policy, spec).unwrap_or_else(|why| {
        report.problem(at(policy, "spec"), format!("calls to {} will fail: {why}", document.id()));
        Credentials::NotServed { why }
    });
    if let Credentials::ApiKey(key) = &credentials
        && !is_visible(key.expose())
    {
        let message =
            "Invalid value: the key must be visible ASCII without spaces or line breaks to be sent in a header";
        report.refuse(at(policy, "spec.apiKey"), message.to_owned());
    }
    let region = spec.aws_credentials.as_ref().map(|aws| aws.region.to_string());
    let short = matches!(document.resource, Resource::ShortBackend(_));
    let region = if short { bedrock.region.or(region) } else { region.or(bedrock.region) };
    Ok(Service { region, credentials, ..bedrock })
}

/// Whether a key can be sent in a header.
pub(in crate::config) fn is_visible(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The credentials of a policy.
///
/// # Errors
///
/// The reason for which calls with it fail.
fn credentials(set: Set<'_>, document: &Document<'_>, spec: &BackendSecurityPolicySpec) -> Result<Credentials, String> {
    match (spec.kind, &spec.aws_credentials, &spec.api_key) {
        (CredentialType::Aws, Some(aws), _) if aws.oidc_exchange_token.is_some() => {
            Err("credentials by oidcExchangeToken are not served yet".to_owned())
        }
        (CredentialType::Aws, aws, _) => match aws.as_ref().and_then(|aws| aws.credentials_file.as_ref()) {
            Some(file) => {
                let profile = file.profile.as_deref().unwrap_or("default").to_owned();
                let text = referred(set, document, &file.secret_ref, "credentials")?;
                Ok(Credentials::File { text, profile })
            }
            None => Ok(Credentials::Default),
        },
        (CredentialType::ApiKey, _, Some(key)) => {
            referred(set, document, &key.secret_ref, "apiKey").map(Credentials::ApiKey)
        }
        _ => {
            let kind = document.root.text_at("spec.type").unwrap_or_default();
            Err(format!("a policy of type {kind} cannot authorize calls there"))
        }
    }
}

/// The value that a reference to a `Secret` leads to.
fn referred(set: Set<'_>, document: &Document<'_>, reference: &SecretRef, key: &str) -> Result<Secret, String> {
    let namespace = reference.namespace.as_deref().unwrap_or(&document.namespace);
    secrets::secret(set, namespace, &reference.name, key)
}

/// Says which short-form models an earlier backend takes already.
pub(in crate::config) fn shadowed(set: Set<'_>, backends: &[Backend], report: &mut Report) {
    let mut taken = HashSet::new();
    for (backend, document) in backends.iter().zip(set.of(Kind::ServiceBackend)) {
        let Some(service) = backend.kind.service() else { continue };
        for model in &service.models {
            if !taken.insert(model.as_str()) {
                let message = "an earlier backend serves this model: only a route can send requests here";
                report.problem(at(document, "spec.config.model"), message);
            }
        }
    }
}
