//! `thinking` and `output_config` of a client's body, as the model wants to be asked.

use super::Rewriting;
use crate::model::json::Json;
use crate::wire::json::{Kind, Value};
use serde_json::Value as Said;

/// The beta with which thoughts are shown as they change.
const UPDATES: &str = "thinking-display-updates-";

impl Rewriting<'_> {
    /// Writes `thinking`: as it came, where that is what the plan says but for what is shown, if the client leaves that to
    /// the model.
    pub(super) fn thinking(&mut self, value: Value<'_, '_>, json: &mut Json) {
        let Some(planned) = self.planned("thinking") else { return };
        let mut said: Said = serde_json::from_str(value.raw()).unwrap_or_default();
        let mut plan = planned.clone();
        let display = said.get("display").and_then(Said::as_str);
        let updates = display == Some("updates") && self.has_beta(UPDATES) && self.terms.entry.display;
        if updates || display.is_none() {
            [&mut said, &mut plan].into_iter().filter_map(Said::as_object_mut).for_each(|members| {
                members.remove("display");
            });
        }
        if said == plan {
            json.name("thinking").verbatim(value.raw());
        } else {
            json.name("thinking").verbatim(&planned.to_string());
        }
    }

    /// Writes `output_config`: the effort that is planned, and the client's form of the answer.
    pub(super) fn output_config(&mut self, value: Option<Value<'_, '_>>, top: Value<'_, '_>, json: &mut Json) {
        let planned = self.planned("output_config").and_then(|config| config.get("effort")).cloned();
        let said = value.and_then(|config| config.member("effort")).map(Value::raw);
        let filled = |value: &Value<'_, '_>| value.kind() != Kind::Null;
        let format = value.and_then(|config| config.member("format")).filter(filled);
        let by_old_name = top.member("output_format").filter(filled).filter(|_| format.is_none());
        let planned = planned.map(|effort| effort.to_string());
        if let Some(config) = value
            && planned.as_deref() == said
            && by_old_name.is_none()
            && config.members().all(|member| matches!(member.0.escaped(), Some("effort" | "format")))
            && (said.is_some() || format.is_some())
        {
            return json.name("output_config").verbatim(config.raw());
        }
        let format = format.or(by_old_name);
        if planned.is_none() && format.is_none() {
            return;
        }
        json.member("output_config", |json| {
            if let Some(effort) = planned {
                json.name("effort").verbatim(&effort);
            }
            if let Some(format) = format {
                json.name("format").verbatim(format.raw());
            }
        });
    }

    /// Writes the effort that is planned for a budget, and a form of the answer that has an old name. What the model does
    /// of itself is left to it.
    pub(super) fn unsaid(&mut self, top: Value<'_, '_>, json: &mut Json) {
        let said = top.member("output_config").is_some_and(|value| value.kind() != Kind::Null);
        if !said {
            self.output_config(None, top, json);
        }
    }

    fn planned(&self, name: &str) -> Option<&Said> {
        self.plan.fields.iter().find(|field| field.0 == name).map(|field| &field.1)
    }
}
