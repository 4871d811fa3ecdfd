//! The words for what a row says.

use aquifer_gateway::translate::catalogue::{
    Allowed, Beside, Cache, CallIds, Control, Default, Entry, Interleaved, Medium, Off, Replay, ResultDocuments,
    Sampling, Schemas, Streaming,
};

pub(super) fn habit(entry: &Entry) -> &'static str {
    match (entry.default, entry.control) {
        (Default::AlwaysOn, _) => "always",
        (Default::On, _) => "by default",
        (Default::Off, Control::Unknown) => "unknown",
        (Default::Off, Control::None) => "-",
        (Default::Off, _) => "when asked",
    }
}

pub(super) fn switch(control: Control) -> &'static str {
    match control {
        Control::None => "-",
        Control::Budget => "thinking.budget_tokens",
        Control::Adaptive => "thinking adaptive",
        Control::ReasoningEffort => "reasoning_effort",
        Control::ReasoningObject => "reasoning.effort",
        Control::ReasoningConfig => "reasoning_config",
        Control::Nova => "reasoningConfig",
        Control::Unknown => "unknown",
    }
}

pub(super) fn stops(entry: &Entry) -> String {
    match (entry.stop, entry.max_stops) {
        (false, _) => "not taken".to_owned(),
        (true, None) => "taken".to_owned(),
        (true, Some(most)) => format!("{most} at most"),
    }
}

pub(super) fn streaming(entry: &Entry) -> &'static str {
    match entry.streaming {
        Streaming::Allowed => "yes",
        Streaming::NotWithTools => "not while it is offered tools; its answer is played as a stream",
        Streaming::Refused => "no; its answer is played as a stream",
    }
}

pub(super) fn schemas(entry: &Entry) -> &'static str {
    match entry.tool_schemas {
        Schemas::Full => "all but a choice at the top",
        Schemas::NoReferences => "no references",
        Schemas::Plain => "no references; type, properties and required at the top",
    }
}

/// Levels, a budget, or both.
pub(super) fn levels(entry: &Entry) -> String {
    let levels: Vec<&str> = entry.efforts.iter().map(|effort| effort.word()).collect();
    let budget = (entry.control == Control::Budget).then(|| budget(entry));
    let both: Vec<String> = budget.into_iter().chain((!levels.is_empty()).then(|| levels.join(","))).collect();
    both.join("; ")
}

/// `1024 to 30000 tokens`, as far as that is limited.
pub(super) fn budget(entry: &Entry) -> String {
    match (entry.min_budget, entry.max_budget) {
        (Some(least), Some(most)) => format!("{least} to {most} tokens"),
        (Some(least), None) => format!("from {least} tokens"),
        (None, Some(most)) => format!("to {most} tokens"),
        (None, None) => "tokens".to_owned(),
    }
}

pub(super) fn off(entry: &Entry) -> &'static str {
    match entry.off {
        _ if !entry.can_reason() => "-",
        Off::Omit => "left out",
        Off::Disabled => "disabled",
        Off::BetweenTools => "between_tools",
        Off::NoneWord => "none",
        Off::Impossible => "cannot",
        Off::Unknown => "unknown",
    }
}

pub(super) fn takes_back(entry: &Entry) -> String {
    let word = |kind: &Replay| match kind {
        Replay::Signed => "signed",
        Replay::Unsigned => "unsigned",
        Replay::Redacted => "redacted",
    };
    entry.replay.iter().map(word).collect::<Vec<_>>().join(",")
}

pub(super) fn interleaved(entry: &Entry) -> &'static str {
    match entry.interleaved {
        Interleaved::Never => "no",
        Interleaved::Beta => "with the beta interleaved-thinking-2025-05-14",
        Interleaved::BuiltIn => "of itself",
    }
}

pub(super) fn sampling(entry: &Entry) -> &'static str {
    match entry.sampling {
        Sampling::Free => "taken",
        Sampling::NotWhileReasoning => "not while it reasons",
        Sampling::Never => "not taken",
    }
}

pub(super) fn allowed(allowed: Allowed) -> &'static str {
    match allowed {
        Allowed::Allowed => "taken",
        Allowed::InsteadOfReasoning => "taken, and then it does not reason",
        Allowed::NotWhileReasoning => "not while it reasons",
        Allowed::Refused => "not taken",
    }
}

pub(super) fn cache(entry: &Entry) -> &'static str {
    match entry.cache {
        None => "-",
        Some(Cache::FiveMinutes) => "5m",
        Some(Cache::OneHour) => "1h",
    }
}

/// The same for one model in full.
pub(super) fn caches(entry: &Entry) -> String {
    let tools = if entry.cache.is_some() && !entry.cache_tools { ", none behind tools" } else { "" };
    format!("{}{tools}", cache(entry))
}

pub(super) fn call_ids(entry: &Entry) -> &'static str {
    match entry.call_ids {
        CallIds::Any => "as Bedrock takes them",
        CallIds::Nine => "nine letters or digits",
    }
}

pub(super) fn call_tokens(entry: &Entry) -> String {
    match entry.call_tokens {
        None => "not looked for".to_owned(),
        Some(tokens) => {
            let word = serde_json::to_value(tokens).unwrap_or_default();
            format!("read out of it, in the tokens {}", word.as_str().unwrap_or_default())
        }
    }
}

pub(super) fn beside(beside: Beside) -> &'static str {
    match beside {
        Beside::Together => "anything",
        Beside::Apart => "nothing; it has a turn of its own",
        Beside::LeftOut => "nothing; it is left out",
    }
}

pub(super) fn inside(truth: bool) -> &'static str {
    if truth { "taken" } else { "not taken; they stand beside the result" }
}

pub(super) fn result_documents(entry: &Entry) -> &'static str {
    match entry.result_documents {
        ResultDocuments::None => "not taken; they stand beside the result",
        ResultDocuments::Plain => "csv and txt; others stand beside the result",
        ResultDocuments::All => "taken",
    }
}

pub(super) fn documents(entry: &Entry) -> &'static str {
    match &entry.media {
        None => "unknown",
        Some(media) if media.contains(&Medium::Document) => "taken",
        Some(_) => "not taken; those that are text go as text",
    }
}

pub(super) fn media(entry: &Entry) -> String {
    let word = |medium: &Medium| match medium {
        Medium::Image => "image",
        Medium::Document => "document",
        Medium::Video => "video",
        Medium::Audio => "audio",
    };
    match &entry.media {
        None => "unknown".to_owned(),
        Some(media) => media.iter().map(word).collect::<Vec<_>>().join(", "),
    }
}

pub(super) fn yes(truth: bool) -> &'static str {
    if truth { "yes" } else { "no" }
}
