//! What a further attempt does otherwise because of Bedrock's refusal of the one before it.

use super::plan::Plan;
use crate::lessons::Lesson;
use aquifer_translate::Fault;
use aquifer_translate::bedrock::{self, Remedy};
use aquifer_translate::model::field_ref::FieldRef;
use aquifer_translate::warning::Warning;

impl Plan {
    /// Adjusts the request after this refusal of it by a target; it may have had a `schema`. `false`: asking again helps
    /// nobody.
    pub(super) fn adjust(&mut self, at: usize, fault: &Fault, schema: Option<u64>) -> bool {
        let before = self.adjustment;
        let Some(target) = self.targets.get(at) else { return false };
        let Some(api) = self.road_to(target).api() else { return false };
        let Some(remedy) = bedrock::remedy(api, fault) else { return false };
        let bound = target.policy.rules().drop_mismatched && target.entry(&self.config).bound;
        let warning = match remedy {
            Remedy::Unbound if bound && !before.drop_mismatched => {
                self.adjustment.drop_mismatched = true;
                let why = "it was bound to another conversation; Bedrock drops it";
                Warning::dropped(FieldRef::PastReasoning(None), why)
            }
            Remedy::Unbound | Remedy::WithoutReasoning => {
                self.adjustment.without_reasoning = true;
                let why = "Bedrock refused the reasoning of earlier turns; it was asked again without any";
                Warning::dropped(FieldRef::PastReasoning(None), why)
            }
            Remedy::LowerEffort => {
                self.adjustment.lower_effort = true;
                Warning::changed(FieldRef::Effort, "Bedrock refused the effort; it was asked for the next lower one")
            }
            Remedy::SchemaInWords => {
                self.adjustment.schema_in_words = true;
                schema.into_iter().for_each(|schema| self.learn(at, Lesson::Schema(schema)));
                let why = "Bedrock refused the schema; the model was asked in words to keep to it";
                Warning::changed(FieldRef::Format, why)
            }
            Remedy::Apart => {
                self.adjustment.apart = true;
                let why = "the model takes nothing beside a tool's call or result; they have turns of their own";
                Warning::changed(FieldRef::Conversation, why)
            }
            Remedy::StopsHere => {
                self.adjustment.stops_here = true;
                let why = "Bedrock refused stop sequences; the answer is cut at them by the gateway";
                Warning::changed(FieldRef::Stop, why)
            }
            // The request itself tells its client of it.
            Remedy::Whole => {
                self.adjustment.tools_whole = true;
                self.learn(at, Lesson::ToolsInStreams);
                return self.adjustment != before;
            }
            Remedy::ToolInWords => {
                self.adjustment.tool_in_words = true;
                let why = "Bedrock refused to force a call; the model was asked in words to call the tool";
                Warning::changed(FieldRef::ToolChoice, why)
            }
            Remedy::WithoutSampling => {
                self.adjustment.without_sampling = true;
                let why = "Bedrock refused temperature, top-p or top-k; it was asked without them";
                Warning::dropped(FieldRef::Temperature, why)
            }
            Remedy::SystemInMessages => {
                self.adjustment.system_in_messages = true;
                let why = "Bedrock refused a system's text; it was put before the first words of the user";
                Warning::changed(FieldRef::Conversation, why)
            }
            Remedy::WithoutTools => {
                self.adjustment.without_tools = true;
                Warning::dropped(FieldRef::Tools, "Bedrock refused tools; the model was asked without them")
            }
        };
        let changed = self.adjustment != before;
        if changed {
            self.adjusted.push(warning);
        }
        changed
    }

    /// Remembers what a refusal teaches of a target's model, so that later requests avoid it.
    fn learn(&self, at: usize, lesson: Lesson) {
        if let Some(target) = self.targets.get(at) {
            self.health.lessons.learn(&target.model_id, lesson);
        }
    }
}
