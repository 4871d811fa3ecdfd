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
            // The request itself tells its client of it.
            Remedy::Whole => {
                self.adjustment.tools_whole = true;
                self.learn(at, Lesson::ToolsInStreams);
                return self.adjustment != before;
            }
            Remedy::SchemaInWords => {
                schema.into_iter().for_each(|schema| self.learn(at, Lesson::Schema(schema)));
                self.apply(remedy)
            }
            Remedy::Unbound if bound && !before.drop_mismatched => {
                self.adjustment.drop_mismatched = true;
                let why = "it was bound to another conversation; Bedrock drops it";
                Warning::dropped(FieldRef::PastReasoning(None), why)
            }
            remedy @ (Remedy::WithoutReasoning
            | Remedy::Unbound
            | Remedy::LowerEffort
            | Remedy::WithoutSampling
            | Remedy::StopsHere
            | Remedy::SystemInMessages
            | Remedy::WithoutTools
            | Remedy::ToolInWords
            | Remedy::Apart
            | Remedy::Paired) => self.apply(remedy),
        };
        let changed = self.adjustment != before;
        if changed {
            self.adjusted.push(warning);
        }
        changed
    }

    /// Makes the adjustment of a remedy; gives the warning that the client gets.
    fn apply(&mut self, remedy: Remedy) -> Warning {
        let adjustment = &mut self.adjustment;
        let (adjusted, warning) = match remedy {
            Remedy::Unbound | Remedy::WithoutReasoning => {
                let why = "Bedrock refused the reasoning of earlier turns; it was asked again without any";
                (&mut adjustment.without_reasoning, Warning::dropped(FieldRef::PastReasoning(None), why))
            }
            Remedy::LowerEffort => {
                let why = "Bedrock refused the effort; it was asked for the next lower one";
                (&mut adjustment.lower_effort, Warning::changed(FieldRef::Effort, why))
            }
            Remedy::SchemaInWords => {
                let why = "Bedrock refused the schema; the model was asked in words to keep to it";
                (&mut adjustment.schema_in_words, Warning::changed(FieldRef::Format, why))
            }
            Remedy::Apart => {
                let why = "the model takes nothing beside a tool's call or result; they have turns of their own";
                (&mut adjustment.apart, Warning::changed(FieldRef::Conversation, why))
            }
            Remedy::Paired => {
                let why = "Bedrock refused calls and results as they stood; each result was put behind its call";
                (&mut adjustment.paired, Warning::changed(FieldRef::Conversation, why))
            }
            Remedy::StopsHere => {
                let why = "Bedrock refused stop sequences; the answer is cut at them by the gateway";
                (&mut adjustment.stops_here, Warning::changed(FieldRef::Stop, why))
            }
            Remedy::Whole => {
                let why = "Bedrock refused tools in a stream; the model answers whole";
                (&mut adjustment.tools_whole, Warning::changed(FieldRef::Tools, why))
            }
            Remedy::ToolInWords => {
                let why = "Bedrock refused to force a call; the model was asked in words to call the tool";
                (&mut adjustment.tool_in_words, Warning::changed(FieldRef::ToolChoice, why))
            }
            Remedy::WithoutSampling => {
                let why = "Bedrock refused temperature, top-p or top-k; it was asked without them";
                (&mut adjustment.without_sampling, Warning::dropped(FieldRef::Temperature, why))
            }
            Remedy::SystemInMessages => {
                let why = "Bedrock refused a system's text; it was put before the first words of the user";
                (&mut adjustment.system_in_messages, Warning::changed(FieldRef::Conversation, why))
            }
            Remedy::WithoutTools => {
                let why = "Bedrock refused tools; the model was asked without them";
                (&mut adjustment.without_tools, Warning::dropped(FieldRef::Tools, why))
            }
        };
        *adjusted = true;
        warning
    }

    /// Remembers what a refusal teaches of a target's model, so that later requests avoid it.
    fn learn(&self, at: usize, lesson: Lesson) {
        if let Some(target) = self.targets.get(at) {
            self.health.lessons.learn(&target.model_id, lesson);
        }
    }
}
