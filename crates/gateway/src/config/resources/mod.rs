//! The resources that are read, as structs: each says its fields, their forms and their meaning once, for the check of
//! files, for their reading and for the JSON schemas that are shown.

pub(in crate::config) mod backend_security_policy;
pub(in crate::config) mod backend_traffic_policy;
pub(in crate::config) mod common;
pub(in crate::config) mod core;
pub(in crate::config) mod gateway_route;
pub(in crate::config) mod network;
mod order;
pub(in crate::config) mod reasoning_policy;
pub(in crate::config) mod request_policy;
pub(in crate::config) mod security_policy;
pub(in crate::config) mod service_backend;
pub(in crate::config) mod text;

use crate::config::check::shape::Shape;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema};
use serde_json::Value;
use std::sync::LazyLock;

/// A kind of resource as its file names it, with the JSON schema of its fields and the shape that checks them.
pub(in crate::config) struct Definition {
    /// The API groups and versions that are read.
    pub(in crate::config) versions: &'static [&'static str],
    /// The kind.
    pub(in crate::config) kind: &'static str,
    schema: fn() -> Schema,
    shape: LazyLock<Shape>,
}

impl Definition {
    /// The shape of its fields.
    pub(in crate::config) fn shape(&self) -> &Shape {
        &self.shape
    }
}

macro_rules! definitions {
    ($($name:ident = $kind:literal of $versions:expr, $resource:path;)+) => {
        $(
            pub(in crate::config) static $name: Definition = Definition {
                versions: $versions,
                kind: $kind,
                schema: schema_of::<$resource>,
                shape: LazyLock::new(|| shape_of(&schema_of::<$resource>())),
            };
        )+

        /// All kinds that are read; `AIServiceBackend` in its two forms.
        pub(in crate::config) static DEFINITIONS: &[&Definition] = &[$(&$name),+];
    };
}

/// The versions of Envoy AI Gateway's resources.
pub(in crate::config) const ENVOY_VERSIONS: &[&str] =
    &["aigateway.envoyproxy.io/v1alpha1", "aigateway.envoyproxy.io/v1beta1"];
/// The versions of this gateway's own resources.
pub(in crate::config) const OWN_VERSIONS: &[&str] = &["aquifer.dev/v1alpha1"];

definitions! {
    SERVICE_BACKEND = "AIServiceBackend" of ENVOY_VERSIONS, service_backend::ServiceBackend;
    SHORT_BACKEND = "AIServiceBackend" of ENVOY_VERSIONS, service_backend::ShortBackend;
    GATEWAY_ROUTE = "AIGatewayRoute" of ENVOY_VERSIONS, gateway_route::GatewayRoute;
    BACKEND_SECURITY_POLICY = "BackendSecurityPolicy" of ENVOY_VERSIONS, backend_security_policy::BackendSecurityPolicy;
    REASONING_POLICY = "ReasoningPolicy" of OWN_VERSIONS, reasoning_policy::ReasoningPolicyResource;
    REQUEST_POLICY = "RequestPolicy" of OWN_VERSIONS, request_policy::RequestPolicy;
    BACKEND = "Backend" of &["gateway.envoyproxy.io/v1alpha1"], network::BackendResource;
    SECURITY_POLICY = "SecurityPolicy" of &["gateway.envoyproxy.io/v1alpha1"], security_policy::SecurityPolicy;
    BACKEND_TRAFFIC_POLICY =
        "BackendTrafficPolicy" of &["gateway.envoyproxy.io/v1alpha1"], backend_traffic_policy::BackendTrafficPolicy;
    BACKEND_TLS_POLICY = "BackendTLSPolicy" of &["gateway.networking.k8s.io/v1"], network::BackendTlsPolicy;
    GATEWAY = "Gateway" of &["gateway.networking.k8s.io/v1"], network::GatewayResource;
    SECRET = "Secret" of &["v1"], core::SecretResource;
    CONFIG_MAP = "ConfigMap" of &["v1"], core::ConfigMap;
}

/// The JSON schema of a resource, each part where it is used, in the words of Kubernetes's definitions.
fn schema_of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::default().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    settings.with_transform(RecursiveTransform(plain)).into_generator().into_root_schema_for::<T>()
}

/// A field that may be left out is none that may be null, and has no default that the schema would have to show.
fn plain(schema: &mut Schema) {
    let Some(members) = schema.as_object_mut() else { return };
    members.remove("default");
    if let Some(Value::Array(types)) = members.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            members.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = members.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
}

/// The shape of a schema. That every schema of ours has one, a test holds; what has none is not checked.
fn shape_of(schema: &Schema) -> Shape {
    let shape = Shape::of(schema.as_value());
    debug_assert!(shape.is_ok(), "{shape:?}");
    shape.unwrap_or(Shape::Any)
}

/// The JSON schema of a kind of resource, or of all kinds: of several forms or kinds a document must have one. `None`: there is
/// no such kind.
#[must_use]
pub fn json_schema(kind: Option<&str>) -> Option<Value> {
    let wanted = DEFINITIONS.iter().filter(|definition| kind.is_none_or(|kind| definition.kind == kind));
    let mut shown: Vec<Value> = wanted.map(|definition| definition.shown()).collect();
    match shown.len() {
        0 => None,
        1 => shown.pop(),
        _ => Some(serde_json::json!({ "oneOf": shown })),
    }
}

/// The names of the kinds of resource that are read, each once.
#[must_use]
pub fn kinds() -> Vec<&'static str> {
    let mut names: Vec<&str> = DEFINITIONS.iter().map(|definition| definition.kind).collect();
    names.dedup();
    names
}

impl Definition {
    /// The schema as it is shown: with the two fields that tell the kind, and without what only this gateway reads.
    fn shown(&self) -> Value {
        let mut schema = (self.schema)();
        RecursiveTransform(unordered).transform(&mut schema);
        let mut schema = schema.to_value();
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("title".to_owned(), self.kind.into());
            let properties = schema.entry("properties").or_insert_with(|| serde_json::json!({}));
            if let Some(properties) = properties.as_object_mut() {
                let versions = serde_json::json!({"type": "string", "enum": self.versions});
                let kinds = serde_json::json!({"type": "string", "enum": [self.kind]});
                properties.extend([("apiVersion".to_owned(), versions), ("kind".to_owned(), kinds)]);
            }
        }
        if let Some(Value::Array(required)) = schema.get_mut("required") {
            required.extend(["apiVersion".into(), "kind".into()]);
        }
        schema
    }
}

fn unordered(schema: &mut Schema) {
    schema.remove(order::ORDER);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_has_a_shape() {
        for definition in DEFINITIONS {
            let schema = (definition.schema)();
            let shape = Shape::of(schema.as_value()).unwrap_or_else(|why| panic!("{}: {why}", definition.kind));
            assert!(matches!(shape, Shape::Map { .. }), "{}", definition.kind);
        }
    }

    #[test]
    fn a_schema_is_shown_in_the_words_of_json_schema() {
        let schema = json_schema(Some("RequestPolicy")).expect("a kind");
        assert_eq!(schema["properties"]["kind"]["enum"], serde_json::json!(["RequestPolicy"]));
        let spec = &schema["properties"]["spec"];
        assert_eq!(spec["additionalProperties"], false);
        assert_eq!(spec["properties"]["targetRefs"]["maxItems"], 16);
        let fields = &spec["properties"]["clientFields"];
        assert_eq!(fields["properties"]["s3Uris"]["enum"], serde_json::json!(["Allow", "Deny"]));
        assert!(fields["properties"]["s3Uris"]["description"].is_string());
        for kind in kinds() {
            let shown = json_schema(Some(kind)).expect("a kind").to_string();
            assert!(!shown.contains("x-order") && !shown.contains("\"null\""), "{kind}: {shown}");
        }
        assert_eq!(json_schema(None).and_then(|all| all["oneOf"].as_array().map(Vec::len)), Some(DEFINITIONS.len()));
        assert_eq!(json_schema(Some("Pod")), None);
    }
}
