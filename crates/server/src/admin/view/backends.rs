//! The backends with their health, open calls, credentials and last faults.

use crate::host::Host;
use crate::process::clock;
use aquifer_gateway::config::{Backend, BackendApi, BackendKind, DEFAULT_REGION, Service};
use aquifer_telemetry::Seen;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The number of faults that are told of each backend.
const FAULTS: usize = 5;

/// The backends, in the order of the configuration.
pub(in crate::admin) fn backends(host: &Host) -> Value {
    let serving = host.serving();
    let sources = host.credential_sources.load();
    let mut faults = last_faults(host);
    let (now, now_ms) = (clock::now(), clock::unix_ms());
    let told = serving.config.backends.iter().enumerate().map(|numbered| {
        let (at, backend) = numbered;
        let name = format!("{}/{}", backend.namespace, backend.name);
        let calls = serving.upstreams.calls(at);
        let ejected = serving.health.ejected_for(at, now);
        let until = ejected.map(|left| now_ms + u64::try_from(left.as_millis()).unwrap_or_default());
        let state = match (&backend.kind, ejected, calls.waiting) {
            (BackendKind::NotServed { .. }, _, _) => "not_served",
            (BackendKind::Served { .. }, Some(_), _) => "ejected",
            (BackendKind::Served { .. }, None, 1..) => "full",
            (BackendKind::Served { .. }, None, 0) => "ok",
        };
        let mut told = described(backend);
        let expiry = serving.upstreams.credentials_expiry(at).map(|seconds| seconds.saturating_mul(1000));
        let state = json!({
            "name": name,
            "state": state,
            "ejected_until_unix_ms": until,
            "open_calls": calls.open,
            "waiting_calls": calls.waiting,
            "retry_budget": serving.health.retry_budget(at),
            "credentials": { "source": sources.get(&name), "expiry_unix_ms": expiry },
            "last_faults": faults.remove(&name).unwrap_or_default(),
        });
        if let (Value::Object(told), Value::Object(state)) = (&mut told, state) {
            told.extend(state);
        }
        told
    });
    json!({ "backends": told.collect::<Vec<_>>() })
}

/// What the configuration says of a backend, without its credentials.
pub(super) fn described(backend: &Backend) -> Value {
    match &backend.kind {
        BackendKind::Served { service, api } => served(service, api),
        BackendKind::NotServed { schema, why } => json!({
            "provider": schema, "model": null, "region": null, "endpoint": null, "models": [], "why": why,
        }),
    }
}

fn served(service: &Service, api: &BackendApi) -> Value {
    let (provider, region) = match api {
        BackendApi::Bedrock(_) => ("aws.bedrock", Some(service.region.as_deref().unwrap_or(DEFAULT_REGION))),
        BackendApi::OpenAiChat { .. } => ("openai", service.region.as_deref()),
    };
    let endpoint = service.endpoint.as_ref().map(|url| {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
    });
    json!({
        "provider": provider,
        "model": service.models.first(),
        "models": service.models,
        "region": region,
        "endpoint": endpoint,
        "http2": service.http2,
    })
}

/// The newest faults of calls, by the name of the backend.
fn last_faults(host: &Host) -> HashMap<String, Vec<Value>> {
    let mut faults: HashMap<String, Vec<Value>> = HashMap::new();
    for seen in host.recent.newest_first() {
        let Seen { at_unix_ms, record, .. } = &*seen;
        for attempt in record.attempts.iter().rev() {
            let Some(fault) = &attempt.fault else { continue };
            let of = faults.entry(attempt.backend.clone()).or_default();
            if of.len() < FAULTS {
                let after = attempt.ended.unwrap_or(attempt.started).as_millis();
                let at = at_unix_ms + u64::try_from(after).unwrap_or_default();
                of.push(json!({ "fault": fault, "at_unix_ms": at, "id": record.id, "status": attempt.status }));
            }
        }
    }
    faults
}
