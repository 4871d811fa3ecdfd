//! The shapes of the resources that are read, as data.

use crate::config::check::shape::{Field, Form, Others, Shape, optional, required};

const MANY: usize = usize::MAX;

static ANY: Shape = Shape::Any;
static TEXTS: Shape = Shape::Texts;
static TRUTH: Shape = Shape::Truth;
pub(in crate::config) static FREE: Shape = text(0, MANY, Form::Free);
static FILLED: Shape = text(1, MANY, Form::Free);
pub(in crate::config) static OBJECT_NAME: Shape = text(1, 253, Form::Free);
pub(in crate::config) static RESOURCE_NAME: Shape = text(1, 253, Form::Subdomain);
pub(in crate::config) static GROUP: Shape = text(0, 253, Form::Group);
pub(in crate::config) static KIND: Shape = text(1, 63, Form::Kind);
static NAMESPACE: Shape = text(1, 63, Form::Label);
static HOSTNAME: Shape = text(1, 253, Form::Hostname);
static HEADER_NAME: Shape = text(1, 256, Form::HeaderName);
static HEADER_VALUE: Shape = text(1, 4096, Form::Free);
pub(in crate::config) static DURATION: Shape = text(0, MANY, Form::Duration);
static REGION: Shape = text(1, 64, Form::Region);
static PORT: Shape = Shape::Whole { min: 1, max: 65535 };
static COUNT: Shape = Shape::Whole { min: 0, max: i32::MAX as i64 };

const fn text(min: usize, max: usize, form: Form) -> Shape {
    Shape::Text { min, max, form }
}

pub(in crate::config) const fn list(of: &'static Shape, max: usize) -> Shape {
    Shape::List { of, max, key: None }
}

/// A mapping of which every field is known here.
pub(in crate::config) const fn closed(fields: &'static [Field]) -> Shape {
    Shape::Map { fields, others: Others::Pruned }
}

/// A mapping of which only some fields matter here.
pub(in crate::config) const fn open(fields: &'static [Field]) -> Shape {
    Shape::Map { fields, others: Others::Welcome }
}

pub(in crate::config) static METADATA: Shape = open(&[
    required("name", &RESOURCE_NAME),
    optional("namespace", &NAMESPACE),
    optional("annotations", &TEXTS),
    optional("labels", &TEXTS),
]);

pub(in crate::config) static SECRET_REF: Shape = closed(&[
    optional("group", &GROUP),
    optional("kind", &KIND),
    required("name", &OBJECT_NAME),
    optional("namespace", &NAMESPACE),
]);

static TARGET_REF: Shape = open(&[required("group", &GROUP), required("kind", &KIND), required("name", &OBJECT_NAME)]);
static TARGET_REFS: Shape = list(&TARGET_REF, 16);

static HEADER_MUTATION: Shape = closed(&[
    optional(
        "set",
        &Shape::List {
            of: &closed(&[required("name", &HEADER_NAME), required("value", &HEADER_VALUE)]),
            max: 16,
            key: Some("name"),
        },
    ),
    optional("remove", &list(&FREE, 16)),
]);
static BODY_MUTATION: Shape = closed(&[
    optional(
        "set",
        &Shape::List {
            of: &closed(&[required("path", &FILLED), required("value", &FREE)]),
            max: 16,
            key: Some("path"),
        },
    ),
    optional("remove", &list(&FREE, 16)),
]);

/// The schemas of `AIServiceBackend.spec.schema.name`.
static SCHEMA_NAME: Shape = Shape::OneOf(&[
    "OpenAI",
    "Cohere",
    "AWSBedrock",
    "AzureOpenAI",
    "GCPVertexAI",
    "GCPAnthropic",
    "Anthropic",
    "AWSAnthropic",
]);

/// `AIServiceBackend` as Envoy AI Gateway has it.
pub(in crate::config) static SERVICE_BACKEND: Shape = resource(&[
    required("metadata", &METADATA),
    required(
        "spec",
        &closed(&[
            required(
                "schema",
                &closed(&[required("name", &SCHEMA_NAME), optional("version", &FREE), optional("prefix", &FREE)]),
            ),
            required(
                "backendRef",
                &closed(&[
                    optional("group", &GROUP),
                    optional("kind", &KIND),
                    required("name", &OBJECT_NAME),
                    optional("namespace", &NAMESPACE),
                    optional("port", &PORT),
                ]),
            ),
            optional("headerMutation", &HEADER_MUTATION),
            optional("bodyMutation", &BODY_MUTATION),
        ]),
    ),
]);

/// `AIServiceBackend` in the short form: everything about one model in one document.
pub(in crate::config) static SHORT_BACKEND: Shape = resource(&[
    required("metadata", &METADATA),
    required(
        "spec",
        &Shape::Map {
            fields: &[
                required("provider", &Shape::OneOf(&["awsbedrock", "openai"])),
                required(
                    "config",
                    &Shape::Map {
                        fields: &[
                            required("model", &text(1, 2048, Form::Free)),
                            optional("region", &REGION),
                            optional("endpoint", &text(1, 2048, Form::Endpoint)),
                            optional("http2", &TRUTH),
                            optional("apiKey", &FILLED),
                            optional("prefix", &FREE),
                            optional("baseModel", &FILLED),
                            optional("reasoning", &OWN_REASONING),
                            optional("clientFields", &CLIENT_FIELDS),
                            optional("reportModel", &REPORTED),
                        ],
                        others: Others::Refused,
                    },
                ),
            ],
            others: Others::Refused,
        },
    ),
]);

pub(in crate::config) const fn resource(fields: &'static [Field]) -> Shape {
    open(fields)
}

static HEADER_MATCH: Shape = closed(&[
    optional("type", &Shape::OneOf(&["Exact", "RegularExpression"])),
    required("name", &HEADER_NAME),
    required("value", &HEADER_VALUE),
]);

static ROUTE_BACKEND: Shape = closed(&[
    required("name", &FILLED),
    optional("namespace", &NAMESPACE),
    optional("group", &GROUP),
    optional("kind", &KIND),
    optional("modelNameOverride", &FREE),
    optional("headerMutation", &HEADER_MUTATION),
    optional("bodyMutation", &BODY_MUTATION),
    optional("weight", &COUNT),
    optional("priority", &COUNT),
]);

static RULE: Shape = closed(&[
    optional("name", &RESOURCE_NAME),
    optional("matches", &list(&RULE_MATCH, 128)),
    optional("backendRefs", &list(&ROUTE_BACKEND, 128)),
    optional("timeouts", &closed(&[optional("request", &DURATION), optional("backendRequest", &DURATION)])),
    optional("streamIdleTimeout", &DURATION),
    optional("modelsOwnedBy", &FREE),
    optional("modelsCreatedAt", &text(0, MANY, Form::Time)),
]);
static RULE_MATCH: Shape =
    closed(&[optional("headers", &Shape::List { of: &HEADER_MATCH, max: 16, key: Some("name") })]);

static COST: Shape = closed(&[
    required("metadataKey", &FREE),
    required(
        "type",
        &Shape::OneOf(&[
            "OutputToken",
            "InputToken",
            "CachedInputToken",
            "CacheCreationInputToken",
            "TotalToken",
            "ReasoningToken",
            "CEL",
        ]),
    ),
    optional("cel", &FREE),
]);

static PARENT_REF: Shape = closed(&[
    optional("group", &GROUP),
    optional("kind", &KIND),
    required("name", &OBJECT_NAME),
    optional("namespace", &NAMESPACE),
    optional("sectionName", &RESOURCE_NAME),
    optional("port", &PORT),
]);

/// `AIGatewayRoute`.
pub(in crate::config) static GATEWAY_ROUTE: Shape = resource(&[
    required("metadata", &METADATA),
    required(
        "spec",
        &closed(&[
            optional("parentRefs", &list(&PARENT_REF, 16)),
            optional("hostnames", &list(&HOSTNAME, 16)),
            required("rules", &list(&RULE, 15)),
            optional("llmRequestCosts", &list(&COST, 36)),
        ]),
    ),
]);

static OIDC: Shape = open(&[
    required("provider", &open(&[required("issuer", &FILLED)])),
    optional("clientID", &FILLED),
    optional("clientIDRef", &SECRET_REF),
    required("clientSecret", &SECRET_REF),
    optional("scopes", &list(&FREE, MANY)),
]);
static TOKEN_EXCHANGE_FIELDS: [Field; 3] =
    [required("oidc", &OIDC), optional("aud", &FREE), optional("grantType", &FREE)];
static TOKEN_EXCHANGE: Shape = closed(&TOKEN_EXCHANGE_FIELDS);

static API_KEY: Shape = closed(&[required("secretRef", &SECRET_REF)]);
static AWS: Shape = closed(&[
    required("region", &FILLED),
    optional("credentialsFile", &closed(&[required("secretRef", &SECRET_REF), optional("profile", &FREE)])),
    optional(
        "oidcExchangeToken",
        &closed(&[
            required("awsRoleArn", &FILLED),
            required("oidc", &OIDC),
            optional("aud", &FREE),
            optional("grantType", &FREE),
        ]),
    ),
]);
static AZURE: Shape = closed(&[
    required("clientID", &FILLED),
    required("tenantID", &FILLED),
    optional("clientSecretRef", &SECRET_REF),
    optional("oidcExchangeToken", &TOKEN_EXCHANGE),
]);
static GCP: Shape = closed(&[
    required("projectName", &FILLED),
    required("region", &FILLED),
    optional("credentialsFile", &closed(&[required("secretRef", &SECRET_REF)])),
    optional(
        "workloadIdentityFederationConfig",
        &closed(&[
            required("projectID", &FILLED),
            required("workloadIdentityPoolName", &FILLED),
            required("workloadIdentityProviderName", &FILLED),
            required("oidcExchangeToken", &TOKEN_EXCHANGE),
            optional("serviceAccountImpersonation", &closed(&[required("serviceAccountName", &FILLED)])),
        ]),
    ),
]);
static OVERRIDE: Shape = closed(&[
    optional("fromRequestHeaders", &closed(&[optional("header", &FREE), optional("fallbackToConfigured", &TRUTH)])),
    optional(
        "fromDynamicMetadata",
        &closed(&[required("namespace", &FILLED), optional("key", &FREE), optional("fallbackToConfigured", &TRUTH)]),
    ),
]);

/// The types of a `BackendSecurityPolicy`, and the field that belongs to each.
pub(in crate::config) static POLICY_TYPES: [(&str, &str); 6] = [
    ("APIKey", "apiKey"),
    ("AWSCredentials", "awsCredentials"),
    ("AzureAPIKey", "azureAPIKey"),
    ("AzureCredentials", "azureCredentials"),
    ("GCPCredentials", "gcpCredentials"),
    ("AnthropicAPIKey", "anthropicAPIKey"),
];
static POLICY_TYPE: Shape =
    Shape::OneOf(&["APIKey", "AWSCredentials", "AzureAPIKey", "AzureCredentials", "GCPCredentials", "AnthropicAPIKey"]);

/// `BackendSecurityPolicy`, v1beta1.
pub(in crate::config) static SECURITY_POLICY: Shape = resource(&[
    required("metadata", &METADATA),
    required(
        "spec",
        &closed(&[
            optional("targetRefs", &TARGET_REFS),
            required("type", &POLICY_TYPE),
            optional("apiKey", &API_KEY),
            optional("azureAPIKey", &API_KEY),
            optional("anthropicAPIKey", &API_KEY),
            optional("awsCredentials", &AWS),
            optional("azureCredentials", &AZURE),
            optional("gcpCredentials", &GCP),
            optional("credentialOverride", &OVERRIDE),
        ]),
    ),
]);

/// The levels of effort, weakest first.
pub(in crate::config) const EFFORTS: [&str; 6] = ["minimal", "low", "medium", "high", "xhigh", "max"];
static EFFORT: Shape = Shape::OneOf(&EFFORTS);
static EFFORT_OR_NONE: Shape = Shape::OneOf(&["none", "minimal", "low", "medium", "high", "xhigh", "max"]);
static EXPOSED: Shape =
    Shape::OneOf(&["reasoning", "reasoning_content", "reasoning_details", "thinking_blocks", "think_tags"]);
static BUDGET: Shape = Shape::Whole { min: 1024, max: u32::MAX as i64 };
static SOME: Shape = Shape::Whole { min: 1, max: i32::MAX as i64 };
static BYTES: Shape = Shape::Whole { min: 1, max: i64::MAX };
/// A row's fields are checked against the catalogue.
static ROW: Shape = open(&[]);

/// The fields of a reasoning policy after `own`, all of them with the same `others`.
macro_rules! reasoning {
    ($others:expr, $($own:expr),+) => {
        Shape::Map {
            fields: &[
                $($own,)+
                optional("default", &Shape::Map { fields: &[required("effort", &EFFORT_OR_NONE)], others: $others }),
                optional(
                    "limits",
                    &Shape::Map {
                        fields: &[optional("effort", &EFFORT), optional("budgetTokens", &BUDGET)],
                        others: $others,
                    },
                ),
                optional("expose", &list(&EXPOSED, 5)),
                optional("visibility", &Shape::OneOf(&["Full", "Hidden"])),
                optional(
                    "restore",
                    &Shape::Map {
                        fields: &[
                            optional("enabled", &TRUTH),
                            optional("maxEntries", &SOME),
                            optional("maxBytes", &BYTES),
                            optional("maxAge", &DURATION),
                            optional("anonymous", &TRUTH),
                        ],
                        others: $others,
                    },
                ),
                optional("forcedTool", &Shape::OneOf(&["Auto", "DropReasoning", "Refuse"])),
                optional("bindingMismatch", &Shape::OneOf(&["Fail", "DropBlock"])),
                optional("repair", &TRUTH),
                optional("redactedText", &Shape::OneOf(&["Encrypted", "Summary", "Drop"])),
            ],
            others: $others,
        }
    };
}

/// `spec.config.reasoning` of the short form.
static OWN_REASONING: Shape = reasoning!(Others::Refused, optional("row", &ROW));

/// `ReasoningPolicy`.
pub(in crate::config) static REASONING_POLICY: Shape =
    resource(&[required("metadata", &METADATA), required("spec", &REASONING_SPEC)]);
static REASONING_SPEC: Shape =
    reasoning!(Others::Pruned, required("targetRefs", &list(&REASONING_TARGET, 16)), optional("models", &MODELS));
/// `RequestPolicy`. What is not known is refused: a denial that is misspelt would deny nothing.
pub(in crate::config) static REQUEST_POLICY: Shape = resource(&[
    required("metadata", &METADATA),
    required(
        "spec",
        &Shape::Map {
            fields: &[
                required("targetRefs", &list(&REASONING_TARGET, 16)),
                required("clientFields", &CLIENT_FIELDS),
                optional("reportModel", &REPORTED),
            ],
            others: Others::Refused,
        },
    ),
]);
static REPORTED: Shape = Shape::OneOf(&["client", "upstream"]);
static ALLOWED: Shape = Shape::OneOf(&["Allow", "Deny"]);
static CLIENT_FIELDS: Shape = Shape::Map {
    fields: &[
        optional("additionalModelRequestFields", &ALLOWED),
        optional("guardrailConfig", &ALLOWED),
        optional("serviceTier", &ALLOWED),
        optional("performanceConfig", &ALLOWED),
        optional("s3Uris", &ALLOWED),
    ],
    others: Others::Refused,
};
static REASONING_TARGET: Shape = closed(&[
    required("group", &GROUP),
    required("kind", &KIND),
    required("name", &OBJECT_NAME),
    optional("sectionName", &RESOURCE_NAME),
]);
static MODELS: Shape = Shape::List {
    of: &closed(&[
        required("id", &text(1, 2048, Form::Free)),
        optional("base", &text(1, 2048, Form::Free)),
        optional("row", &ROW),
    ]),
    max: 64,
    key: Some("id"),
};

/// Envoy Gateway's `Backend`.
pub(in crate::config) static BACKEND: Shape = resource(&[
    required("metadata", &METADATA),
    required(
        "spec",
        &open(&[
            optional("endpoints", &list(&ENDPOINT, 64)),
            optional("fallback", &TRUTH),
            optional("tls", &open(&[])),
        ]),
    ),
]);
static ENDPOINT: Shape = open(&[
    optional("fqdn", &open(&[required("hostname", &HOSTNAME), required("port", &PORT)])),
    optional("ip", &open(&[required("address", &FILLED), required("port", &PORT)])),
    optional("unix", &open(&[required("path", &FILLED)])),
]);

/// Gateway API's `BackendTLSPolicy`.
pub(in crate::config) static TLS_POLICY: Shape = resource(&[
    required("metadata", &METADATA),
    required(
        "spec",
        &open(&[
            required("targetRefs", &TARGET_REFS),
            required(
                "validation",
                &open(&[
                    optional("caCertificateRefs", &list(&TARGET_REF, 8)),
                    optional("wellKnownCACertificates", &Shape::OneOf(&["System"])),
                    required("hostname", &HOSTNAME),
                ]),
            ),
        ]),
    ),
]);

/// Gateway API's `Gateway`.
pub(in crate::config) static GATEWAY: Shape = resource(&[
    required("metadata", &METADATA),
    required("spec", &open(&[required("listeners", &Shape::List { of: &LISTENER, max: 64, key: Some("name") })])),
]);
static LISTENER: Shape = open(&[
    required("name", &RESOURCE_NAME),
    required("port", &PORT),
    required("protocol", &FILLED),
    optional("hostname", &HOSTNAME),
    optional(
        "tls",
        &open(&[
            optional("mode", &Shape::OneOf(&["Terminate", "Passthrough"])),
            optional("certificateRefs", &list(&SECRET_REF, 64)),
        ]),
    ),
]);

/// `Secret`.
pub(in crate::config) static SECRET: Shape = resource(&[
    required("metadata", &METADATA),
    optional("data", &TEXTS),
    optional("stringData", &TEXTS),
    optional("type", &FREE),
]);

/// `ConfigMap`; its data is checked only where it is read.
pub(in crate::config) static CONFIG_MAP: Shape = resource(&[required("metadata", &METADATA), optional("data", &ANY)]);
