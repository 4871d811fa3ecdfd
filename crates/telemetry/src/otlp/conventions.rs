//! By which names attributes are told: versions of OpenTelemetry's conventions, and OpenInference beside them.

/// The names of attributes of spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanConventions {
    /// Attributes have the types of v1.41, where those of v0.1 differ.
    pub is_v141: bool,
    /// The names of the tokens that were written to the cache.
    pub cache_write: CacheWriteName,
    /// The attributes of OpenInference beside those of OpenTelemetry.
    pub openinference: bool,
    /// Attempts bear the numbers of tokens and the cost. Without: a caller's own span does, and backends that sum up spans
    /// would count them twice.
    pub usage: bool,
}

/// The name of the tokens that were written to the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheWriteName {
    /// `gen_ai.usage.cache_creation.input_tokens`, of v1.41.
    Creation,
    /// `gen_ai.usage.cache_write.input_tokens`, of v0.1.
    Write,
    /// Both, which backends that sum up count twice.
    Both,
}

impl Default for SpanConventions {
    /// v1.41, with usage, without OpenInference.
    fn default() -> Self {
        Self { is_v141: true, cache_write: CacheWriteName::Creation, openinference: false, usage: true }
    }
}
