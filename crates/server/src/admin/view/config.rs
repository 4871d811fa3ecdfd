//! The configuration in force without its secrets, its notices, and the limits of the command line.

use super::backends::described;
use super::routes;
use crate::host::{Host, Limits};
use aquifer_gateway::config::{Config, Notice, Severity};
use aquifer_gateway::exchange::KeepAlive;
use serde_json::{Value, json};
use std::time::Duration;

/// The configuration.
pub(in crate::admin) fn config(host: &Host) -> Value {
    let config = &host.serving().config;
    let error = host.config_status.last_error();
    json!({
        "loaded_unix_ms": host.config_status.loaded_unix_ms(),
        "ok": error.is_none(),
        "last_error": error.as_deref(),
        "notices": config.notices.iter().map(notice).collect::<Vec<_>>(),
        "text": text(config),
        "settings": settings(&host.limits),
    })
}

/// The resources as YAML; of a configuration without files what was made of the environment, as JSON, which is YAML too.
fn text(config: &Config) -> String {
    if !config.redacted.is_empty() {
        return config.redacted.to_string();
    }
    let backends = config.backends.iter().map(|backend| {
        let mut told = described(backend);
        if let Value::Object(told) = &mut told {
            told.insert("name".to_owned(), format!("{}/{}", backend.namespace, backend.name).into());
        }
        told
    });
    let mut made = routes::of_config(config);
    if let Value::Object(made) = &mut made {
        made.insert("backends".to_owned(), backends.collect());
        made.remove("models");
    }
    format!("# made without a file\n{}\n", serde_json::to_string_pretty(&made).unwrap_or_default())
}

/// A notice, with its place in the files where it has one.
fn notice(notice: &Notice) -> Value {
    let severity = match notice.severity {
        Severity::Note => "note",
        Severity::Problem => "problem",
    };
    let (place, message) = placed(&notice.text);
    json!({ "severity": severity, "place": place, "message": message })
}

/// `file:line:column` and the rest.
fn placed(text: &str) -> (Option<&str>, &str) {
    match text.split_once(": ") {
        Some((place, message)) if is_place(place) => (Some(place), message),
        _ => (None, text),
    }
}

fn is_place(text: &str) -> bool {
    let mut parts = text.rsplit(':');
    let mut number = || parts.next().is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    number() && number() && parts.next().is_some_and(|file| !file.is_empty())
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn settings(limits: &Limits) -> Value {
    json!({
        "max_body_bytes": limits.max_body,
        "max_bodies_bytes": limits.max_bodies,
        "max_requests": limits.max_requests,
        "max_connections": limits.max_connections,
        "max_connections_per_address": limits.max_connections_per_address,
        "max_connection_age_ms": limits.max_connection_age.map(ms),
        "body_timeout_ms": ms(limits.body_timeout),
        "header_timeout_ms": ms(limits.header_timeout),
        "client_idle_timeout_ms": ms(limits.client_idle),
        "connect_timeout_ms": ms(limits.connect),
        "upstream_timeout_ms": ms(limits.upstream_silence),
        "first_byte_timeout_ms": limits.first_byte.map(ms),
        "early_head_ms": limits.early_head.map(ms),
        "keep_alive_ms": limits.keep_alive.map(ms),
        "keep_alive_kind": match limits.keep_alive_kind {
            KeepAlive::Comment => "comment",
            KeepAlive::Chunk => "chunk",
        },
        "text_retention_ms": ms(limits.text_retention),
        "token_count_cache_ms": ms(limits.token_count_life),
        "upstream_connection_age_ms": limits.upstream_connections.max_age.map(ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_from_the_words() {
        assert_eq!(placed("a/b.yaml:3:12: spec: wrong"), (Some("a/b.yaml:3:12"), "spec: wrong"));
        assert_eq!(placed("skipped: a"), (None, "skipped: a"));
        assert_eq!(placed("a:b: c"), (None, "a:b: c"));
        assert_eq!(placed("nothing"), (None, "nothing"));
    }
}
