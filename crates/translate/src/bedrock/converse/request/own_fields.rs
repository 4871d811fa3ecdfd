//! `additionalModelRequestFields`: the model's own words, from the plan and from the client.

use super::Terms;
use super::json::Json;
use super::notes::Notes;
use crate::catalogue::{Entry, Interleaved, Plan};
use crate::model::raw::Raw;
use crate::model::request::Request;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The members, in the order in which they are sent.
#[derive(Debug, Default)]
pub(super) struct OwnFields<'r> {
    members: Vec<(Cow<'r, str>, Own<'r>)>,
}

#[derive(Debug)]
enum Own<'r> {
    Ours(Value),
    Theirs(&'r Raw<'r>),
}

/// Names of betas that fail on Converse.
fn fails_on_converse(beta: &str) -> bool {
    beta.contains("advanced-tool-use") || beta.contains("prompt-caching") || beta == "compact-2026-01-12"
}

/// Members that are taken beside a beta only, and how its name begins: one goes with the other.
const PAIRS: [(&str, &str); 1] = [("context_management", "context-management-")];

/// Gathers the members. What the client says in the model's own words counts before what the gateway would say.
pub(super) fn gather<'r>(
    request: &'r Request<'_>,
    terms: &Terms<'_>,
    plan: &Plan,
    own_choice: Option<Value>,
    notes: &mut Notes,
) -> OwnFields<'r> {
    let (mut fields, entry) = (OwnFields::default(), terms.entry);
    let betas = betas(request, entry, plan, notes);
    for (name, value) in &request.additional_fields {
        let lacking = |(field, beta): &(&str, &str)| field == name && !betas.iter().any(|sent| sent.starts_with(beta));
        if let Some((field, beta)) = PAIRS.iter().find(|pair| lacking(pair)) {
            let why = format!("it is taken with a beta `{beta}...` only, and none is sent");
            notes.dropped(format!("additionalModelRequestFields.{field}"), why);
        } else {
            fields.members.push((Cow::Borrowed(name.as_ref()), Own::Theirs(value)));
        }
    }
    for (name, value) in &plan.fields {
        fields.add(name, value.clone());
    }
    if let Some(top_k) = request.sampling.top_k
        && !plan.drop_top_k
        && !terms.amend.without_sampling
    {
        match entry.top_k.as_deref().map(|path| path.split_once('.')) {
            Some(Some((outer, inner))) => fields.add(outer, json!({ inner: top_k })),
            Some(None) => fields.add("top_k", json!(top_k)),
            None => notes.dropped("top_k", format!("{} has no such setting", entry.name)),
        }
    }
    if let Some(choice) = own_choice {
        fields.add("tool_choice", choice);
    }
    if !betas.is_empty() {
        fields.add("anthropic_beta", json!(betas));
    }
    fields
}

fn betas(request: &Request<'_>, entry: &Entry, plan: &Plan, notes: &mut Notes) -> Vec<String> {
    let mut sent: Vec<String> = Vec::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for beta in &request.betas {
        if !entry.betas {
            notes.ignored("anthropic_beta", format!("{} has no betas", entry.name));
        } else if beta.starts_with("interleaved-thinking") {
            // The plan decides on this one: it fails where the model does not know it.
            if entry.interleaved == Interleaved::Never {
                notes.dropped("anthropic_beta", format!("{} does not think between tool calls", entry.name));
            }
        } else if fails_on_converse(beta) {
            notes.dropped("anthropic_beta", "this API of Bedrock refuses one of the betas");
        } else if known.insert(beta) {
            sent.push(beta.clone().into_owned());
        }
    }
    for beta in &plan.betas {
        if known.insert(beta) {
            sent.push((*beta).to_owned());
        }
    }
    sent
}

impl OwnFields<'_> {
    fn add(&mut self, name: &str, value: Value) {
        if !self.members.iter().any(|(known, _)| known == name) {
            self.members.push((Cow::Owned(name.to_owned()), Own::Ours(value)));
        }
    }

    /// Writes the member, when there is anything to say.
    pub(super) fn write(&self, json: &mut Json) {
        if self.members.is_empty() {
            return;
        }
        json.member("additionalModelRequestFields", |json| {
            for (name, value) in &self.members {
                let name = crate::model::text::Text::from_plain(name.as_ref());
                json.name(name.as_escaped());
                match value {
                    Own::Ours(value) => json.verbatim(&value.to_string()),
                    Own::Theirs(raw) => json.raw(raw),
                }
            }
        });
    }
}
