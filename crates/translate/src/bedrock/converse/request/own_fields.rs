//! `additionalModelRequestFields`: the model's own words, from the plan and from the client.

use super::Terms;
use super::notes::Notes;
use super::vendor_tools;
use crate::bedrock::Api;
use crate::catalogue::{BetaFate, Control, Entry, Interleaved, Plan, Sampling, beta_on_converse, beta_on_invoke};
use crate::model::field_ref::FieldRef;
use crate::model::json::Json;
use crate::model::raw::Raw;
use crate::model::reasoning::{ReasoningAsk, own};
use crate::model::request::Request;
use crate::model::text::Text;
use crate::wire::json::{Document, Kind, Noting};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The members, in the order in which they are sent.
#[derive(Debug, Default)]
pub(in crate::bedrock) struct OwnFields<'r> {
    members: Vec<(Cow<'r, str>, Own<'r>)>,
}

#[derive(Debug)]
enum Own<'r> {
    Ours(Value),
    /// JSON of ours with the client's in it.
    Mixed(String),
    Theirs(&'r Raw<'r>),
}

/// Names of betas that fail on Converse.
fn fails_on_converse(beta: &str) -> bool {
    beta.contains("advanced-tool-use") || beta.contains("prompt-caching") || beta == "compact-2026-01-12"
}

/// Members that are taken beside a beta only, and how its name begins: one goes with the other.
const PAIRS: [(&str, &str); 1] = [("context_management", "context-management-")];

/// Whether the client's vendor fields for reasoning are rewritten: the operator set a limit, or Bedrock refused them.
fn rewritten(terms: &Terms<'_>) -> bool {
    terms.rules.most_effort.is_some() || terms.rules.most_budget.is_some() || terms.adjustment.lower_effort
}

/// Nothing is known of the switch of the model's reasoning, if it has one.
fn is_strange(entry: &Entry) -> bool {
    matches!(entry.control, Control::None | Control::Unknown)
}

/// The reasoning that is asked for, by neutral and by vendor fields. Vendor fields that go on unchanged and switch
/// nothing, or that cannot be read, ask for nothing.
pub(super) fn asked(request: &Request<'_>, terms: &Terms<'_>) -> ReasoningAsk {
    let aside = !rewritten(terms) && (!request.own_switches.switch || is_strange(terms.entry));
    let beside = request.reasoning_beside.clone().filter(|_| aside);
    let interleaved = request.reasoning.interleaved;
    ReasoningAsk { interleaved, ..beside.unwrap_or_else(|| request.reasoning.clone()) }
}

/// Whether the client's vendor fields for reasoning are sent unchanged.
fn stand(request: &Request<'_>, terms: &Terms<'_>, plan: &Plan) -> bool {
    let refused = asked(request, terms).wants_reasoning() && !plan.on && !is_strange(terms.entry);
    let foreign = request.additional_fields.iter().any(|(name, _)| is_foreign(name, request, terms.entry));
    !rewritten(terms) && !refused && !foreign
}

/// Whether a reasoning switch belongs to another vendor's model: this one would refuse its name.
fn is_foreign(name: &str, request: &Request<'_>, entry: &Entry) -> bool {
    let known = match entry.control {
        Control::None | Control::Unknown => return false,
        Control::Budget | Control::Adaptive => ["thinking", "output_config"].as_slice(),
        Control::ReasoningEffort => &["reasoning_effort"],
        Control::ReasoningObject => &["reasoning"],
        Control::ReasoningConfig => &["reasoning_config"],
        Control::Nova => &["reasoningConfig"],
    };
    let read = !request.own_switches.unread.iter().any(|unread| unread == name);
    own::is_switch(name) && read && own::plain(name) != "outputconfig" && !known.contains(&name)
}

/// Gathers the members. What the client says in the model's own words counts before what the gateway would say, but never
/// before what the operator says.
pub(super) fn gather<'r>(
    request: &'r Request<'_>,
    terms: &Terms<'_>,
    plan: &Plan,
    own_choice: Option<Value>,
    notes: &mut Notes,
) -> OwnFields<'r> {
    let (mut fields, entry) = (OwnFields::default(), terms.entry);
    let stand = stand(request, terms, plan);
    let betas = betas(request, terms, plan, notes);
    for (name, value) in &request.additional_fields {
        let lacking = |(field, beta): &(&str, &str)| field == name && !betas.iter().any(|sent| sent.starts_with(beta));
        if !stand && withheld(name, value, request, terms, notes) {
            continue;
        }
        if name == "top_k" && is_without_top_k(terms, plan) {
            let why = format!("{} does not take it", entry.name);
            notes.dropped(FieldRef::OwnField("top_k".into()), why);
            continue;
        }
        if own::is_tool_choice(name) && plan.tool_in_words && request.own_switches.forced_tool {
            fields.add(name, json!({ "type": "auto" }));
        } else if let Some((field, beta)) = PAIRS.iter().find(|pair| lacking(pair)) {
            let why = format!("it is taken with a beta `{beta}...` only, and none is sent");
            notes.dropped(FieldRef::OwnField((*field).into()), why);
        } else {
            fields.members.push((Cow::Borrowed(name.as_ref()), Own::Theirs(value)));
        }
    }
    // Two switches side by side would contradict each other.
    let theirs = stand && request.own_switches.switch && request.reasoning_beside.is_some();
    for (name, value) in plan.fields.iter().filter(|(name, _)| !theirs || *name == "output_config") {
        fields.add(name, value.clone());
    }
    if !stand {
        fields.keep_format(request);
    }
    if let Some(top_k) = request.sampling.top_k
        && !plan.drop_top_k
        && !terms.adjustment.without_sampling
    {
        match entry.top_k.as_deref().map(|path| path.split_once('.')) {
            Some(Some((outer, inner))) => fields.add(outer, json!({ inner: top_k })),
            Some(None) => fields.add("top_k", json!(top_k)),
            None => notes.dropped(FieldRef::TopK, format!("{} has no such setting", entry.name)),
        }
    }
    if let Some(choice) = own_choice {
        fields.add("tool_choice", choice);
    }
    fields.add_vendor_tools(request, entry);
    if !betas.is_empty() {
        fields.add("anthropic_beta", json!(betas));
    }
    fields
}

/// Whether the model is known to refuse its vendor's `top_k`.
fn is_without_top_k(terms: &Terms<'_>, plan: &Plan) -> bool {
    let refused = match terms.entry.sampling {
        Sampling::Never => true,
        Sampling::NotWhileReasoning => plan.on,
        Sampling::Free => false,
    };
    terms.adjustment.without_sampling || refused && terms.entry.top_k.as_deref() == Some("top_k")
}

/// The betas that are sent: the client's that the model has in this API, and those of the plan and of the vendor's tools.
pub(in crate::bedrock) fn betas(
    request: &Request<'_>,
    terms: &Terms<'_>,
    plan: &Plan,
    notes: &mut Notes,
) -> Vec<String> {
    let (api, entry) = (terms.api, terms.entry);
    let mut sent: Vec<String> = Vec::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for beta in &request.betas {
        if request.known_betas_only && is_left_out(beta, api, entry, notes) {
            continue;
        }
        if !entry.betas {
            notes.ignored(FieldRef::Betas, format!("{} has no betas", entry.name));
        } else if beta.starts_with("interleaved-thinking") {
            // The plan decides on this one: it fails where the model does not know it.
            if entry.interleaved == Interleaved::Never {
                notes.dropped(FieldRef::Betas, format!("{} does not think between tool calls", entry.name));
            }
        } else if api == Api::Converse && fails_on_converse(beta) {
            notes.dropped(FieldRef::Betas, "this API of Bedrock refuses one of the betas");
        } else if known.insert(beta) {
            sent.push(beta.clone().into_owned());
        }
    }
    let of_tools = vendor_tools::sent(request, entry).iter().filter_map(|tool| vendor_tools::beta(&tool.kind));
    for beta in plan.betas.iter().copied().chain(of_tools) {
        if known.insert(beta) {
            sent.push(beta.to_owned());
        }
    }
    sent
}

/// Whether a beta is not for this model, as the catalogue has it. The plan decides on thinking between tool calls.
fn is_left_out(beta: &str, api: Api, entry: &Entry, notes: &mut Notes) -> bool {
    if beta.starts_with("interleaved-thinking") {
        return entry.interleaved != Interleaved::Beta;
    }
    let fate = match api {
        Api::Converse => beta_on_converse(beta, entry),
        Api::InvokeModel => beta_on_invoke(beta, entry),
    };
    let why = match fate {
        BetaFate::Sent => return false,
        BetaFate::Needless => return true,
        BetaFate::Dropped => format!("{} has no such beta on Bedrock: {beta}", entry.name),
        BetaFate::Unknown => "nothing is known of one of the betas, and Bedrock refuses unknown ones".to_owned(),
    };
    notes.dropped(FieldRef::Betas, why);
    true
}

/// Whether a vendor field is left out because it switches reasoning: the plan's fields say what it asks.
fn withheld(name: &str, value: &Raw<'_>, request: &Request<'_>, terms: &Terms<'_>, notes: &mut Notes) -> bool {
    let field = || FieldRef::OwnField(own::shown(name).into());
    if own::is_switch(name) {
        let unread = request.own_switches.unread.iter().any(|unread| unread == name);
        if unread && own::plain(name) != "outputconfig" {
            notes.dropped(field(), "it cannot be read as a switch of the reasoning, which the operator limits");
        } else if is_strange(terms.entry) {
            let why =
                format!("the operator limits the reasoning, and nothing is known of that of {}", terms.entry.name);
            notes.dropped(field(), why);
        } else if !rewritten(terms) && is_foreign(name, request, terms.entry) {
            notes.changed(field(), format!("{} has another word for it; it is said in that", terms.entry.name));
        }
        return true;
    }
    let hidden = rewritten(terms) && own::hides_switch(value.as_json());
    if hidden {
        notes.dropped(field(), "it holds a switch of the reasoning, which the operator limits");
    }
    hidden
}

/// The `format` in the client's `output_config`, which is no matter of reasoning.
fn format_of(config: &Raw<'_>) -> Option<String> {
    let document = Document::read_noting(config.as_json(), &Noting::down_to(2)).ok()?;
    let format = document.top().member("format").filter(|format| format.kind() != Kind::Null)?;
    Some(format.raw().to_owned())
}

impl OwnFields<'_> {
    /// Keeps the client's form of the answer in `output_config`, whose effort is said by the plan.
    fn keep_format(&mut self, request: &Request<'_>) {
        let theirs = request.additional_fields.iter().filter(|(name, _)| own::plain(name) == "outputconfig");
        let Some(format) = theirs.filter_map(|(_, config)| format_of(config)).next() else { return };
        let ours = self.members.iter_mut().find(|member| member.0 == "output_config");
        match ours {
            Some((_, value)) => {
                if let Own::Ours(config) = value {
                    let effort = config.get("effort").cloned().unwrap_or_default();
                    *value = Own::Mixed(format!(r#"{{"effort":{effort},"format":{format}}}"#));
                }
            }
            None => {
                let name = Cow::Borrowed("output_config");
                self.members.push((name, Own::Mixed(format!(r#"{{"format":{format}}}"#))));
            }
        }
    }

    fn add(&mut self, name: &str, value: Value) {
        if !self.members.iter().any(|(known, _)| known == name) {
            self.members.push((Cow::Owned(name.to_owned()), Own::Ours(value)));
        }
    }

    /// Tools in the vendor's own words, as they came.
    fn add_vendor_tools(&mut self, request: &Request<'_>, entry: &Entry) {
        let tools: Vec<&str> = vendor_tools::sent(request, entry).iter().map(|tool| tool.raw.as_json()).collect();
        if !tools.is_empty() {
            self.members.push((Cow::Borrowed("tools"), Own::Mixed(format!("[{}]", tools.join(",")))));
        }
    }

    /// Writes the members where the model's own body is what is sent, but for `names` that the body has otherwise; gives
    /// the names that are left out.
    pub(in crate::bedrock) fn write_among(&self, names: &[&str], json: &mut Json) -> Vec<String> {
        let mut left_out = Vec::new();
        for (name, value) in &self.members {
            if names.contains(&name.as_ref()) {
                left_out.push(name.clone().into_owned());
            } else {
                value.write(name, json);
            }
        }
        left_out
    }

    /// Makes the answer keep to a schema, beside the effort that is said already.
    pub(in crate::bedrock) fn keep_schema(&mut self, schema: &str) {
        let format = format!(r#"{{"type":"json_schema","schema":{schema}}}"#);
        let ours = self.members.iter_mut().find(|member| member.0 == "output_config");
        match ours {
            Some((_, value)) => {
                let effort = match value {
                    Own::Ours(config) => config.get("effort").map(Value::to_string),
                    Own::Mixed(_) | Own::Theirs(_) => return,
                };
                let effort = effort.map(|effort| format!(r#""effort":{effort},"#)).unwrap_or_default();
                *value = Own::Mixed(format!(r#"{{{effort}"format":{format}}}"#));
            }
            None => {
                let config = Own::Mixed(format!(r#"{{"format":{format}}}"#));
                self.members.push((Cow::Borrowed("output_config"), config));
            }
        }
    }

    /// Writes the member, when there is anything to say.
    pub(super) fn write(&self, json: &mut Json) {
        if self.members.is_empty() {
            return;
        }
        json.member("additionalModelRequestFields", |json| {
            for (name, value) in &self.members {
                value.write(name, json);
            }
        });
    }
}

impl Own<'_> {
    fn write(&self, name: &str, json: &mut Json) {
        json.name(Text::from_plain(name).as_escaped());
        match self {
            Self::Ours(value) => json.verbatim(&value.to_string()),
            Self::Mixed(json_text) => json.verbatim(json_text),
            Self::Theirs(raw) => json.raw(raw),
        }
    }
}
