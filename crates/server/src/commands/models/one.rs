//! One row in full, a field a line.

use super::gather::{Found, Shown};
use super::words;
use aquifer_gateway::translate::catalogue::{Control, Entry};

/// The width of the column of field names.
const WIDTH: usize = 21;

/// All that is known, without a last line break.
pub(super) fn described(shown: &Shown) -> String {
    let entry = &shown.entry;
    let parts = [identity(shown), reasoning(entry), history(entry), limits(entry), requests(entry), doubts(entry)];
    let line = |(name, value): (&'static str, String)| {
        let value = if value.is_empty() { "-" } else { &value };
        format!("{name:WIDTH$}{value}")
    };
    parts.into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}

type Lines = Vec<(&'static str, String)>;

fn identity(shown: &Shown) -> Lines {
    let entry = &shown.entry;
    let found = match &shown.found {
        Found::Row => format!("the row {}", entry.id),
        Found::Like => format!("no row has this model; it is treated like {}", entry.id),
        Found::Nothing => {
            "nothing: the id names no model that is known, or hides it; declare it with baseModel, or with a \
             ReasoningPolicy's models"
                .to_owned()
        }
        Found::Overridden(at) => format!("overridden by the configuration at {}", at.join(", ")),
        Found::Declared(at) => format!("declared as {} by the configuration at {}", entry.id, at.join(", ")),
    };
    let mut lines = vec![
        ("model", shown.model.clone()),
        ("found", found),
        ("name", entry.name.clone()),
        ("vendor", entry.vendor.clone()),
        ("other ids", entry.also.join(", ")),
        ("served by Converse", words::yes(entry.converse).to_owned()),
    ];
    if entry.legacy {
        lines.push(("legacy", "its vendor has announced its end".to_owned()));
    }
    lines
}

fn reasoning(entry: &Entry) -> Lines {
    let efforts: Vec<&str> = entry.efforts.iter().map(|effort| effort.word()).collect();
    let mut levels = vec![efforts.join(", ")];
    levels.extend(entry.default_effort.map(|effort| format!("{} when none is said", effort.word())));
    levels.extend(entry.largest_effort_when_off.map(|effort| format!("at most {} while it is off", effort.word())));
    levels.retain(|part| !part.is_empty());
    let budget = if entry.control == Control::Budget { words::budget(entry) } else { String::new() };
    vec![
        ("reasons", words::habit(entry).to_owned()),
        ("switch", words::switch(entry.control).to_owned()),
        ("levels", levels.join("; ")),
        ("budget", budget),
        ("off", words::off(entry).to_owned()),
        ("shown", visible(entry)),
        ("between tool calls", words::interleaved(entry).to_owned()),
        ("counted at", entry.usage_path.clone().unwrap_or_default()),
    ]
}

fn visible(entry: &Entry) -> String {
    let mut ways = Vec::new();
    if entry.display {
        ways.push("with thinking.display: summarized".to_owned());
    }
    ways.extend(entry.redacted_text.as_ref().map(|text| format!("never: `{text}` stands for it")));
    ways.extend(entry.inline_tag.as_ref().map(|tag| format!("what stands in its text between <{tag}> and </{tag}>")));
    ways.join("; ")
}

fn history(entry: &Entry) -> Lines {
    vec![
        ("takes back", words::takes_back(entry)),
        ("bound", if entry.bound { "to the conversation before it" } else { "no" }.to_owned()),
        ("format", entry.reasoning_format.clone().unwrap_or_default()),
    ]
}

fn limits(entry: &Entry) -> Lines {
    let tokens = |tokens: u32| format!("{tokens} tokens");
    let mut most = vec![entry.max_output_tokens.map(tokens).unwrap_or_default()];
    if entry.fill_max_tokens {
        most.push("filled in when it is left out".to_owned());
    }
    most.extend(entry.min_max_tokens.map(|least| format!("a limit below {least} is not taken")));
    most.retain(|part| !part.is_empty());
    vec![("longest answer", most.join("; "))]
}

fn requests(entry: &Entry) -> Lines {
    let exclusive = if entry.one_of_temperature_top_p { ", either temperature or top-p" } else { "" };
    let allowed = |allowed| words::allowed(allowed).to_owned();
    let taken = |truth| if truth { "taken" } else { "not taken" }.to_owned();
    vec![
        ("sampling", format!("{}{exclusive}", words::sampling(entry))),
        ("top-k", entry.top_k.clone().unwrap_or_default()),
        ("stop sequences", words::stops(entry)),
        ("system text", taken(entry.system)),
        ("streams", words::streaming(entry).to_owned()),
        ("tools", taken(entry.tools)),
        ("tool names", if entry.hyphens_in_tools { "any" } else { "without `-`" }.to_owned()),
        ("tool schemas", words::schemas(entry).to_owned()),
        ("forced tool", allowed(entry.forced_tool)),
        ("own tool_choice", taken(entry.own_tool_choice)),
        ("strict tools", taken(entry.strict_tools)),
        ("ids of calls", words::call_ids(entry).to_owned()),
        ("calls in its text", words::call_tokens(entry)),
        ("beside calls", words::beside(entry.beside_calls).to_owned()),
        ("beside results", words::beside(entry.beside_results).to_owned()),
        ("images in results", words::inside(entry.result_images).to_owned()),
        ("files in results", words::result_documents(entry).to_owned()),
        ("structured output", taken(entry.structured_output)),
        ("cache points", words::caches(entry)),
        ("opened by assistant", taken(entry.leading_assistant)),
        ("prefill", allowed(entry.prefill)),
        ("betas", taken(entry.betas)),
        ("media", words::media(entry)),
        ("documents", words::documents(entry).to_owned()),
    ]
}

fn doubts(entry: &Entry) -> Lines {
    let mut again = Vec::new();
    if entry.fallback_schema {
        again.push("asked again with the schema as an instruction");
    }
    if entry.fallback_effort {
        again.push("asked again one level of effort lower");
    }
    vec![
        ("unproven", entry.unproven.clone().unwrap_or_default()),
        ("fallback", entry.fallback.clone().unwrap_or_default()),
        ("after a 400", again.join(", ")),
    ]
}
