//! The values of `Secret` resources, from the file, the environment or another file.

use crate::config::resource::{Kind, Set};
use crate::config::text::yaml::Node;
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;

/// The bytes of base64 text, in which line breaks do not count.
pub(in crate::config) fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(compact).ok()
}

/// One key of a `Secret`.
///
/// The annotations `substitution.aigw.run/env/<KEY>` and `substitution.aigw.run/file/<KEY>` come first, then
/// `stringData`, then `data`.
///
/// # Errors
///
/// The reason for which there is no value, in words that can follow "because".
pub(in crate::config) fn secret(set: Set<'_>, namespace: &str, name: &str, key: &str) -> Result<Secret, String> {
    let id = format!("Secret {namespace}/{name}");
    let document = set.find(Kind::Secret, namespace, name).ok_or_else(|| format!("{id} is not in these files"))?;
    if let Some(annotated) = annotated(set, &document.root, &id, key) {
        return annotated;
    }
    let in_map = |map: &str| document.root.get(map).and_then(|data| data.get(key)).and_then(Node::text);
    if let Some(text) = in_map("stringData") {
        return Ok(Secret::new(text.to_owned()));
    }
    let encoded = in_map("data").ok_or_else(|| format!("{id} has no key {key}"))?;
    let bytes = base64_bytes(encoded).ok_or_else(|| format!("{id} has no base64 in {key}"))?;
    String::from_utf8(bytes).map(Secret::new).map_err(|_| format!("{id} has no text in {key}"))
}

fn annotated(set: Set<'_>, root: &Node, id: &str, key: &str) -> Option<Result<Secret, String>> {
    let annotations = root.at("metadata.annotations")?;
    let annotation = |source: &str| annotations.get(&format!("substitution.aigw.run/{source}/{key}"))?.text();
    if let Some(variable) = annotation("env") {
        let value = (set.loader.env)(variable).filter(|value| !value.is_empty());
        return Some(value.map(Secret::new).ok_or_else(|| format!("{id} needs the environment variable {variable}")));
    }
    let path = annotation("file")?;
    let home = path.strip_prefix("~/").and_then(|rest| (set.loader.env)("HOME").map(|home| format!("{home}/{rest}")));
    let text = (set.loader.read_file)(home.as_deref().unwrap_or(path));
    Some(text.map(Secret::new).map_err(|error| format!("{id} needs the file {path}: {}", error.kind())))
}

/// The keys of a `Secret`, in the order of their names: of its data, and of the annotations that stand for data.
///
/// # Errors
///
/// The reason for which there are none, in words that can follow "because".
pub(in crate::config) fn keys_of(set: Set<'_>, namespace: &str, name: &str) -> Result<BTreeSet<String>, String> {
    let id = format!("Secret {namespace}/{name}");
    let document = set.find(Kind::Secret, namespace, name).ok_or_else(|| format!("{id} is not in these files"))?;
    let in_maps = ["data", "stringData"].into_iter().flat_map(|map| document.root.entries_at(map));
    let mut keys: BTreeSet<String> = in_maps.map(|entry| entry.key.clone()).collect();
    for entry in document.root.entries_at("metadata.annotations") {
        let key = entry.key.strip_prefix("substitution.aigw.run/").and_then(|rest| rest.split_once('/'));
        keys.extend(key.filter(|(source, _)| matches!(*source, "env" | "file")).map(|(_, key)| key.to_owned()));
    }
    if keys.is_empty() { Err(format!("{id} is empty")) } else { Ok(keys) }
}

/// Certificates for a trust store: `ca.crt` of a `ConfigMap` or of a `Secret`.
///
/// # Errors
///
/// The reason for which there are none, in words that can follow "because".
pub(in crate::config) fn certificates(set: Set<'_>, kind: &str, namespace: &str, name: &str) -> Result<String, String> {
    if kind == "Secret" {
        return secret(set, namespace, name, "ca.crt").map(|secret| secret.expose().to_owned());
    }
    let map = set.find(Kind::ConfigMap, namespace, name).and_then(|document| document.root.get("data"));
    let text = map.and_then(|data| data.get("ca.crt")).and_then(Node::text);
    text.map(str::to_owned)
        .ok_or_else(|| format!("{kind} {namespace}/{name} with the key ca.crt is not in these files"))
}
