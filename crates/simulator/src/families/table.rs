//! The table of families: what differs between models, and nothing else.

use super::kinds::{Family, Generation, Interleaves, Rule, Shows, Switch, Takes};

const LEVELS: &[&str] = &["low", "medium", "high"];
const WITH_NONE: &[&str] = &["none", "low", "medium", "high"];
const WITH_XHIGH: &[&str] = &["low", "medium", "high", "xhigh"];
const ALL: &[&str] = &["low", "medium", "high", "xhigh", "max"];

/// Does not reason, takes no field about it and no reasoning back.
pub(crate) const PLAIN: Family = Family {
    vendor: "",
    generation: Generation::Other,
    switch: Switch::Nothing,
    on: false,
    levels: &[],
    quiet: &[],
    shows: Shows::Nothing,
    takes: Takes::Never,
    rules: &[],
};

const CLAUDE_BEFORE_THINKING: Family = Family { vendor: "anthropic", generation: Generation::Three, ..PLAIN };

/// The model of the demo: reasons without being asked, and after lost thoughts too.
const DEMO: Family = Family { on: true, shows: Shows::Signed, takes: Takes::Signed(&[]), ..CLAUDE_BEFORE_THINKING };

const CLAUDE_3_7: Family = Family {
    generation: Generation::ThreeSeven,
    switch: Switch::Thinking { modes: &["enabled", "disabled"], interleaves: Interleaves::Never },
    shows: Shows::Signed,
    takes: Takes::Signed(&[]),
    rules: &[Rule::NoSamplingWhileReasoning, Rule::NoPrefillWhileReasoning, Rule::CountsThinking],
    ..CLAUDE_BEFORE_THINKING
};

const CLAUDE_4: Family = Family {
    generation: Generation::Four,
    switch: Switch::Thinking { modes: &["enabled", "disabled"], interleaves: Interleaves::WithBeta },
    ..CLAUDE_3_7
};

const CLAUDE_4_1: Family = Family {
    rules: &[
        Rule::NoSamplingWhileReasoning,
        Rule::OneOfTemperatureAndTopP,
        Rule::NoPrefillWhileReasoning,
        Rule::CountsThinking,
    ],
    ..CLAUDE_4
};

const CLAUDE_4_5: Family = Family { generation: Generation::FourFive, ..CLAUDE_4_1 };

const OPUS_4_5: Family = Family {
    generation: Generation::FourFive,
    levels: LEVELS,
    rules: &[
        Rule::NoSamplingWhileReasoning,
        Rule::OneOfTemperatureAndTopP,
        Rule::NoPrefillWhileReasoning,
        Rule::EffortByBeta,
        Rule::CountsThinking,
    ],
    ..CLAUDE_4
};

const SONNET_4_6: Family = Family {
    generation: Generation::FourSix,
    switch: Switch::Thinking { modes: &["adaptive", "enabled", "disabled"], interleaves: Interleaves::WhenAdaptive },
    levels: &["low", "medium", "high", "max"],
    rules: &[Rule::NoSamplingWhileReasoning, Rule::OneOfTemperatureAndTopP, Rule::NoPrefill, Rule::CountsThinking],
    ..CLAUDE_4
};

const OPUS_4_6: Family = Family { takes: Takes::Signed(&["anthropic.claude-sonnet-4-6"]), ..SONNET_4_6 };

const OPUS_4_7: Family = Family {
    generation: Generation::FourSeven,
    switch: Switch::Thinking { modes: &["adaptive"], interleaves: Interleaves::WhenAdaptive },
    levels: ALL,
    rules: &[Rule::NoSampling, Rule::NoPrefill, Rule::HiddenText, Rule::CountsThinking],
    ..SONNET_4_6
};

const OPUS_4_8: Family = Family {
    generation: Generation::FourEight,
    switch: Switch::Thinking { modes: &["adaptive", "disabled"], interleaves: Interleaves::WhenAdaptive },
    ..OPUS_4_7
};

const SONNET_5: Family = Family { on: true, ..OPUS_4_8 };

const OPUS_5: Family = Family {
    rules: &[Rule::NoSampling, Rule::NoPrefill, Rule::HiddenText, Rule::EffortCappedWhenOff, Rule::CountsThinking],
    ..SONNET_5
};

const HAIKU_5_5: Family = Family {
    rules: &[
        Rule::NoSampling,
        Rule::NoPrefill,
        Rule::HiddenText,
        Rule::EffortCappedWhenOff,
        Rule::Bound,
        Rule::CountsThinking,
    ],
    ..SONNET_5
};

const SONNET_5_5: Family = Family {
    switch: Switch::Thinking { modes: &["adaptive", "between_tools"], interleaves: Interleaves::WhenAdaptive },
    rules: &[
        Rule::NoSampling,
        Rule::NoPrefill,
        Rule::HiddenText,
        Rule::NoForcedTool,
        Rule::EffortCappedWhenOff,
        Rule::Bound,
        Rule::CountsThinking,
    ],
    ..SONNET_5
};

const FABLE_5: Family = Family { generation: Generation::FourEight, on: true, ..OPUS_4_7 };

const MYTHOS_5_1: Family = Family {
    rules: &[Rule::NoSampling, Rule::NoPrefill, Rule::HiddenText, Rule::NoForcedTool, Rule::CountsThinking],
    ..FABLE_5
};

const OPUS_5_5: Family = Family {
    rules: &[
        Rule::NoSampling,
        Rule::NoPrefill,
        Rule::HiddenText,
        Rule::NoForcedTool,
        Rule::Bound,
        Rule::CountsThinking,
    ],
    ..FABLE_5
};

const NOVA_1: Family = Family { vendor: "amazon", shows: Shows::Tags, rules: NOVA_1_RULES, ..PLAIN };

const NOVA_1_RULES: &[Rule] = &[
    Rule::PlainFilesInResults,
    Rule::RefusesReasoningConfig,
    Rule::NoCachePointsInTools,
    Rule::NoHyphensInTools,
    Rule::PlainSchemas,
    Rule::MostTokens(10_000),
    Rule::MostStops(4),
];

const TITAN: Family = Family {
    vendor: "amazon",
    rules: &[Rule::NoTools, Rule::NoSystem, Rule::NoCachePoints, Rule::MostTokens(8192)],
    ..PLAIN
};

const LLAMA: Family = Family {
    vendor: "meta",
    rules: &[
        Rule::NoImagesInResults,
        Rule::ResultsAlone,
        Rule::CallsAlone,
        Rule::NoToolChoice,
        Rule::NoToolsInStreams,
        Rule::MostTokens(8192),
    ],
    ..PLAIN
};

const LLAMA_4: Family = Family {
    rules: &[Rule::ResultsAlone, Rule::CallsAlone, Rule::NoToolChoice, Rule::NoToolsInStreams, Rule::MostTokens(8192)],
    ..LLAMA
};

const LLAMA_WITHOUT_TOOLS: Family = Family { rules: &[Rule::NoTools, Rule::MostTokens(8192)], ..LLAMA };

const MISTRAL: Family = Family {
    vendor: "mistral",
    rules: &[Rule::NoImagesInResults, Rule::ResultsAlone, Rule::NineLetterIds, Rule::MostStops(10)],
    ..PLAIN
};

const MISTRAL_7B: Family = Family { rules: &[Rule::NoTools, Rule::NoSystem, Rule::MostStops(10)], ..MISTRAL };

const PALMYRA: Family = Family {
    vendor: "writer",
    rules: &[
        Rule::NoImagesInResults,
        Rule::NoFilesInResults,
        Rule::ResultsAlone,
        Rule::NoToolsInStreams,
        Rule::NoDocuments,
    ],
    ..PLAIN
};

const NOVA_2: Family = Family {
    vendor: "amazon",
    switch: Switch::Nova,
    levels: LEVELS,
    shows: Shows::Always("[REDACTED]"),
    takes: Takes::Unsigned,
    rules: &[Rule::PlainFilesInResults, Rule::NoCachePointsInTools, Rule::MostStops(4)],
    ..PLAIN
};

const GPT_OSS: Family = Family {
    vendor: "openai",
    switch: Switch::Flat,
    on: true,
    levels: LEVELS,
    shows: Shows::Unsigned,
    takes: Takes::Unsigned,
    rules: &[
        Rule::NoImagesInResults,
        Rule::NoFilesInResults,
        Rule::NoStopSequences,
        Rule::NoCachePoints,
        Rule::NoDocuments,
    ],
    ..PLAIN
};

const GPT_ALWAYS: Family = Family {
    vendor: "openai",
    switch: Switch::Object,
    on: true,
    levels: ALL,
    shows: Shows::Sealed,
    takes: Takes::Sealed,
    rules: &[
        Rule::NoFilesInResults,
        Rule::NoSampling,
        Rule::NoStopSequences,
        Rule::NoCachePoints,
        Rule::SixteenTokens,
        Rule::NoImagesInResults,
        Rule::NoDocuments,
    ],
    ..PLAIN
};

const GPT: Family =
    Family { levels: &["none", "low", "medium", "high", "xhigh", "max"], quiet: &["none"], ..GPT_ALWAYS };

const GPT_5_5: Family = Family { levels: &["none", "low", "medium", "high", "xhigh"], takes: Takes::Never, ..GPT };

const GPT_5_4: Family = Family { on: false, ..GPT_5_5 };

const GROK: Family = Family {
    vendor: "xai",
    switch: Switch::Object,
    on: true,
    levels: WITH_XHIGH,
    shows: Shows::Unsigned,
    rules: &[
        Rule::NoImagesInResults,
        Rule::NoFilesInResults,
        Rule::NoSampling,
        Rule::NoStopSequences,
        Rule::NoCachePoints,
        Rule::SixteenTokens,
        Rule::NoDocuments,
    ],
    ..PLAIN
};

const DEEPSEEK_R1: Family = Family {
    vendor: "deepseek",
    on: true,
    shows: Shows::Unsigned,
    rules: &[Rule::NoTools, Rule::NoToolChoice, Rule::NoImagesInResults, Rule::NoCachePoints, Rule::NoDocuments],
    ..PLAIN
};

const DEEPSEEK_V3: Family = Family {
    vendor: "deepseek",
    rules: &[Rule::IgnoresThinking, Rule::NoForcedToolWhileReasoning, Rule::NoImagesInResults, Rule::NoDocuments],
    ..HIGH_ONLY
};

/// Takes the lower levels too, and does nothing with them.
const HIGH_ONLY: Family = Family {
    switch: Switch::Flat,
    levels: WITH_NONE,
    quiet: &["none", "low", "medium"],
    shows: Shows::Unsigned,
    ..PLAIN
};

const GLM: Family =
    Family { vendor: "zai", rules: &[Rule::NoImagesInResults, Rule::NoStopSequences, Rule::NoDocuments], ..HIGH_ONLY };

const GLM_5_3: Family = Family { on: true, levels: ALL, quiet: &[], ..GLM };

const QWEN_3: Family = Family {
    vendor: "qwen",
    switch: Switch::Word,
    rules: &[Rule::NoImagesInResults, Rule::NoFilesInResults],
    ..HIGH_ONLY
};

const QWEN_3_CODER: Family =
    Family { vendor: "qwen", rules: &[Rule::NoImagesInResults, Rule::NoFilesInResults], ..PLAIN };

const KIMI: Family = Family {
    vendor: "moonshotai",
    switch: Switch::Flat,
    on: true,
    levels: &["low", "high", "max"],
    shows: Shows::Unsigned,
    takes: Takes::Unsigned,
    rules: &[Rule::NoImagesInResults, Rule::NoFilesInResults],
    ..PLAIN
};

const KIMI_K2_5: Family = Family { on: false, ..KIMI };

const KIMI_K3: Family = Family {
    rules: &[
        Rule::NoImagesInResults,
        Rule::NoFilesInResults,
        Rule::NoTemperature,
        Rule::NoCachePoints,
        Rule::SixteenTokens,
    ],
    ..KIMI
};

const MINIMAX: Family = Family {
    vendor: "minimax",
    on: true,
    shows: Shows::Unsigned,
    takes: Takes::Unsigned,
    rules: &[Rule::NoImagesInResults, Rule::NoDocuments],
    ..PLAIN
};

const NEMOTRON: Family =
    Family { vendor: "nvidia", rules: &[Rule::NoImagesInResults, Rule::NoFilesInResults, Rule::NoDocuments], ..PLAIN };

/// Those of which nothing is told but that they take tools.
const COHERE: Family = Family { vendor: "cohere", rules: &[Rule::NoImagesInResults], ..PLAIN };
const AI21: Family = Family { vendor: "ai21", ..COHERE };

const GEMMA: Family = Family { vendor: "google", rules: &[Rule::NoImagesInResults, Rule::NoFilesInResults], ..PLAIN };

/// Which name has which rules.
pub(super) const NAMES: &[(&str, &Family)] = &[
    ("anthropic.claude-*", &OPUS_5_5),
    ("anthropic.claude-v*", &CLAUDE_BEFORE_THINKING),
    ("anthropic.claude-instant*", &CLAUDE_BEFORE_THINKING),
    ("anthropic.claude-3-*", &CLAUDE_BEFORE_THINKING),
    ("anthropic.claude-3-5-sonnet-20241022-v2:0", &DEMO),
    ("anthropic.claude-3-7-sonnet", &CLAUDE_3_7),
    ("anthropic.claude-sonnet-4", &CLAUDE_4),
    ("anthropic.claude-opus-4", &CLAUDE_4),
    ("anthropic.claude-opus-4-1", &CLAUDE_4_1),
    ("anthropic.claude-sonnet-4-5", &CLAUDE_4_5),
    ("anthropic.claude-haiku-4-5", &CLAUDE_4_5),
    ("anthropic.claude-opus-4-5", &OPUS_4_5),
    ("anthropic.claude-sonnet-4-6", &SONNET_4_6),
    ("anthropic.claude-opus-4-6", &OPUS_4_6),
    ("anthropic.claude-opus-4-7", &OPUS_4_7),
    ("anthropic.claude-opus-4-8", &OPUS_4_8),
    ("anthropic.claude-sonnet-5", &SONNET_5),
    ("anthropic.claude-opus-5", &OPUS_5),
    ("anthropic.claude-haiku-5-5", &HAIKU_5_5),
    ("anthropic.claude-sonnet-5-5", &SONNET_5_5),
    ("anthropic.claude-opus-5-5", &OPUS_5_5),
    ("anthropic.claude-fable-5", &FABLE_5),
    ("anthropic.claude-fable-5-1", &OPUS_5_5),
    ("anthropic.claude-mythos-5", &FABLE_5),
    ("anthropic.claude-mythos-5-1", &MYTHOS_5_1),
    ("anthropic.claude-mythos-preview", &FABLE_5),
    ("amazon.nova-*", &NOVA_1),
    ("amazon.nova-2-*", &NOVA_2),
    ("amazon.titan-text-*", &TITAN),
    ("meta.llama*", &LLAMA),
    ("meta.llama3-8b-*", &LLAMA_WITHOUT_TOOLS),
    ("meta.llama3-70b-*", &LLAMA_WITHOUT_TOOLS),
    ("meta.llama3-2-1b-*", &LLAMA_WITHOUT_TOOLS),
    ("meta.llama3-2-3b-*", &LLAMA_WITHOUT_TOOLS),
    ("meta.llama4-*", &LLAMA_4),
    ("mistral.*", &MISTRAL),
    ("mistral.mistral-7b-*", &MISTRAL_7B),
    ("mistral.mixtral-*", &MISTRAL_7B),
    ("writer.palmyra-*", &PALMYRA),
    ("openai.gpt-*", &GPT_ALWAYS),
    ("openai.gpt-oss-*", &GPT_OSS),
    ("openai.gpt-5.4", &GPT_5_4),
    ("openai.gpt-5.5", &GPT_5_5),
    ("openai.gpt-5.6-*", &GPT),
    ("openai.gpt-6-sol", &GPT),
    ("openai.gpt-6-luna", &GPT),
    ("openai.gpt-6-astra", &GPT_ALWAYS),
    ("openai.gpt-6.1-sol", &GPT_ALWAYS),
    ("openai.gpt-6.1-terra", &GPT),
    ("xai.grok-*", &GROK),
    ("deepseek.r1*", &DEEPSEEK_R1),
    ("deepseek.v3*", &DEEPSEEK_V3),
    ("zai.glm-*", &GLM),
    ("zai.glm-5.3", &GLM_5_3),
    ("qwen.qwen3-*", &QWEN_3),
    ("qwen.qwen3-coder-*", &QWEN_3_CODER),
    ("moonshot*", &KIMI),
    ("moonshotai.kimi-k2.5", &KIMI_K2_5),
    ("moonshotai.kimi-k3", &KIMI_K3),
    ("minimax.*", &MINIMAX),
    ("google.gemma-*", &GEMMA),
    ("nvidia.nemotron-*", &NEMOTRON),
    ("cohere.command-*", &COHERE),
    ("ai21.jamba-*", &AI21),
];
