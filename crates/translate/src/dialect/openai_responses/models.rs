//! The models, as Codex reads them of `GET /v1/models?client_version=`.
//!
//! Source: what Codex 0.171 asks for and what it takes: a model without one of these members makes it pass over the whole
//! list, and one with instructions has these in place of all that Codex says to a model that it does not know.

use crate::catalogue::{Catalogue, Entry};
use crate::model::reasoning::Effort;
use crate::model::text::Text;
use std::fmt::Write as _;

/// The parameter of the query by which Codex asks for its own form.
const PARAMETER: &str = "client_version";
/// The most bytes of a tool's output that Codex passes on to a model.
const OUTPUT_BYTES: u32 = 10_000;
/// The efforts that are offered for a model without levels of its own: they say nothing to it, and Codex wants some.
const USUAL: [Effort; 3] = [Effort::Low, Effort::Medium, Effort::High];

/// The instructions of every model: Codex takes none of its own for a model in the list.
const INSTRUCTIONS: &str = "You are a coding agent. You share a workspace with the user and work in it with the tools that \
    you are given.\n\n- Look before you act: read the files that matter, search with fast tools such as `rg`, and follow the \
    conventions of the code that is there and the instructions in files such as AGENTS.md.\n- Make focused changes that solve \
    the cause of a problem. Edit files with `apply_patch` where it is offered. Do not undo changes that you did not make, and \
    run nothing destructive unless you are asked to.\n- Verify what you did: run the tests or the program where that is \
    possible, and say so where it is not.\n- Go on until the task is done. Before a long step, say in one sentence what you are \
    about to do.\n- End with a short, plain summary of what changed and what the user should know; name files by their \
    paths.";

/// Whether a query asks for this form.
#[must_use]
pub fn is_asked_for(query: &str) -> bool {
    query.split('&').any(|pair| pair.split('=').next() == Some(PARAMETER))
}

/// The member `models` of a list: one object for each of these ids.
#[must_use]
pub fn list<'m>(ids: impl Iterator<Item = &'m str>) -> String {
    let mut out = String::from("[");
    for (at, id) in ids.enumerate() {
        if at > 0 {
            out.push(',');
        }
        one(&mut out, id, at);
    }
    out.push(']');
    out
}

/// One model.
fn one(out: &mut String, id: &str, priority: usize) {
    let entry = Catalogue::builtin().entry(id);
    let name = if entry.name.is_empty() { id } else { entry.name.as_str() };
    let (id, name) = (Text::from_plain(id), Text::from_plain(name));
    let levels: Vec<String> =
        levels(&entry).map(|effort| format!(r#"{{"effort":"{0}","description":"{0}"}}"#, effort.word())).collect();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#"{{"slug":"{id}","display_name":"{name}","description":null,"default_reasoning_level":"medium","supported_reasoning_levels":[{levels}],"shell_type":"unified_exec","visibility":"list","supported_in_api":true,"priority":{priority},"upgrade":null,"base_instructions":"{instructions}","model_messages":null,"supports_reasoning_summaries":true,"default_reasoning_summary":"auto","support_verbosity":false,"default_verbosity":null,"apply_patch_tool_type":"freeform","truncation_policy":{{"mode":"bytes","limit":{OUTPUT_BYTES}}},"supports_parallel_tool_calls":true,"context_window":null,"experimental_supported_tools":[]}}"#,
        id = id.as_escaped(),
        name = name.as_escaped(),
        levels = levels.join(","),
        instructions = Text::from_plain(INSTRUCTIONS).as_escaped(),
    );
}

fn levels(entry: &Entry) -> impl Iterator<Item = Effort> {
    let own = entry.efforts.clone();
    if own.is_empty() { USUAL.to_vec().into_iter() } else { own.into_iter() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn every_model_has_what_codex_wants() {
        let list: Value =
            serde_json::from_str(&list(["us.anthropic.claude-opus-5", "my \"model\""].into_iter())).unwrap();
        let (claude, other) = (&list[0], &list[1]);
        assert_eq!(
            (&claude["slug"], &claude["display_name"]),
            (&"us.anthropic.claude-opus-5".into(), &"Claude Opus 5".into())
        );
        assert_eq!(claude["supported_reasoning_levels"].as_array().unwrap().len(), 5);
        assert_eq!((&other["slug"], other["priority"].as_u64()), (&"my \"model\"".into(), Some(1)));
        assert!(is_asked_for("a=b&client_version=0.171.0") && !is_asked_for("") && !is_asked_for("x_client_version=1"));
    }
}
