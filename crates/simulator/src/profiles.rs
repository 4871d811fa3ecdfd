//! The inference profiles that there are: which model can be called in which geography.

/// A model and the geographies of its profiles.
pub(crate) struct Profiles {
    /// The id of the model.
    pub(crate) model: &'static str,
    /// What a profile's id begins with.
    pub(crate) geographies: &'static [&'static str],
}

const fn of(model: &'static str, geographies: &'static [&'static str]) -> Profiles {
    Profiles { model, geographies }
}

/// Every model that has profiles.
pub(crate) const ALL: &[Profiles] = &[
    of("anthropic.claude-3-7-sonnet-20250219-v1:0", &["apac", "eu", "us"]),
    of("anthropic.claude-sonnet-4-20250514-v1:0", &["apac", "eu", "global", "us"]),
    of("anthropic.claude-opus-4-20250514-v1:0", &["eu", "us"]),
    of("anthropic.claude-opus-4-1-20250805-v1:0", &["eu", "us"]),
    of("anthropic.claude-sonnet-4-5-20250929-v1:0", &["au", "eu", "global", "jp", "us", "us-gov"]),
    of("anthropic.claude-haiku-4-5-20251001-v1:0", &["apac", "au", "eu", "global", "in", "jp", "us"]),
    of("anthropic.claude-opus-4-5-20251101-v1:0", &["eu", "global", "us"]),
    of("anthropic.claude-opus-4-6-v1", &["au", "eu", "global", "us"]),
    of("anthropic.claude-sonnet-4-6", &["apac", "au", "eu", "global", "jp", "us"]),
    of("anthropic.claude-opus-4-7", &["apac", "au", "eu", "global", "jp", "us"]),
    of("anthropic.claude-opus-4-8", &["apac", "au", "eu", "global", "jp", "us", "us-gov"]),
    of("anthropic.claude-sonnet-5", &["apac", "au", "eu", "global", "in", "jp", "us", "us-gov"]),
    of("anthropic.claude-opus-5", &["apac", "au", "eu", "global", "in", "jp", "us", "us-gov"]),
    of("anthropic.claude-haiku-5-5", &["apac", "au", "eu", "global", "jp", "us", "us-gov"]),
    of("anthropic.claude-sonnet-5-5", &["apac", "au", "eu", "global", "jp", "us", "us-gov"]),
    of("anthropic.claude-opus-5-5", &["apac", "au", "eu", "global", "jp", "us", "us-gov"]),
    of("anthropic.claude-fable-5", &["apac", "au", "eu", "global", "us"]),
    of("anthropic.claude-fable-5-1", &["eu", "global", "us", "us-gov"]),
    of("anthropic.claude-mythos-5", &["us"]),
    of("anthropic.claude-mythos-5-1", &["global", "us"]),
    of("anthropic.claude-mythos-preview", &["apac", "au", "us"]),
    of("amazon.nova-2-lite-v1:0", &["apac", "eu", "global", "jp", "us"]),
    of("amazon.nova-2-pro-preview-20251202-v1:0", &["apac", "eu", "us"]),
    of("amazon.nova-pro-v1:0", &["apac", "eu", "us"]),
    of("amazon.nova-lite-v1:0", &["apac", "ca", "eu", "us"]),
    of("openai.gpt-oss-120b-1:0", &["us-gov"]),
    of("openai.gpt-oss-20b-1:0", &["us-gov"]),
    of("openai.gpt-5.4", &["global", "us"]),
    of("openai.gpt-5.5", &["global", "us"]),
    of("openai.gpt-5.6-sol", &["global", "us"]),
    of("openai.gpt-5.6-terra", &["global", "in", "us"]),
    of("openai.gpt-5.6-luna", &["global", "in", "us"]),
    of("openai.gpt-6-sol", &["global", "us"]),
    of("openai.gpt-6-luna", &["global", "us"]),
    of("openai.gpt-6-astra", &["global", "us"]),
    of("openai.gpt-6.1-sol", &["global", "us"]),
    of("openai.gpt-6.1-terra", &["global", "us"]),
    of("xai.grok-4.6", &["global", "us", "us-gov"]),
    of("xai.grok-4.7", &["global", "us"]),
    of("deepseek.r1-v1:0", &["us"]),
    of("deepseek.v3.2", &["eu", "us"]),
    of("zai.glm-5.3", &["global", "us"]),
    of("moonshotai.kimi-k3", &["global", "in", "us"]),
    of("nvidia.nemotron-super-3-120b", &["us-gov"]),
    of("nvidia.nemotron-nano-3-30b", &["us-gov"]),
    of("nvidia.nemotron-nano-9b-v2", &["us-gov"]),
    of("nvidia.nemotron-nano-12b-v2", &["us-gov"]),
    of("writer.palmyra-x4-v1:0", &["us"]),
    of("writer.palmyra-x5-v1:0", &["us"]),
    of("amazon.nova-micro-v1:0", &["apac", "eu", "us"]),
    of("amazon.nova-premier-v1:0", &["us"]),
    of("meta.llama3-1-8b-instruct-v1:0", &["us"]),
    of("meta.llama3-1-70b-instruct-v1:0", &["us"]),
    of("meta.llama3-2-90b-instruct-v1:0", &["us"]),
    of("meta.llama3-3-70b-instruct-v1:0", &["us"]),
    of("meta.llama4-maverick-17b-instruct-v1:0", &["us"]),
    of("meta.llama4-scout-17b-instruct-v1:0", &["us"]),
    of("mistral.pixtral-large-2502-v1:0", &["eu", "us"]),
    of("meta.llama3-1-405b-instruct-v1:0", &["us"]),
    of("meta.llama3-2-1b-instruct-v1:0", &["us"]),
    of("meta.llama3-2-3b-instruct-v1:0", &["us"]),
    of("meta.llama3-2-11b-instruct-v1:0", &["us"]),
];
