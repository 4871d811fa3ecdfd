//! A chat request on its way: all that an attempt needs, the first one and each further one.

use super::Patience;
use crate::config::{BackendKind, Config, ReasoningPolicy, RestorePolicy};
use crate::restore::{Caller, RestoreLimits, TurnKey};
use aquifer_translate::Fault;
use aquifer_translate::bedrock::converse::remedy::{Remedy, remedy};
use aquifer_translate::catalogue::{Amend, Entry};
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::model::turn::Turn;
use aquifer_translate::translation::{Incoming, LostTurn, Outgoing, Terms};
use aquifer_translate::warning::Warning;
use bytes::Bytes;
use std::sync::Arc;

/// The most of one turn that is remembered, in bytes.
const LARGEST_TURN: usize = 4 << 20;

/// A request that was read and routed.
pub(super) struct Asked {
    pub(super) config: Arc<Config>,
    pub(super) body: Bytes,
    pub(super) caller: Caller,
    pub(super) backend: usize,
    pub(super) model_id: String,
    pub(super) patience: Patience,
    pub(super) unix_seconds: u64,
    /// What the header `anthropic-beta` names.
    pub(super) betas: Vec<String>,
    pub(super) policy: Arc<ReasoningPolicy>,
    /// The turns that came back without their reasoning, with what is remembered of them.
    pub(super) lost: Vec<(LostTurn, Option<Turn>)>,
    pub(super) amend: Amend,
    /// What the client is told of amendments.
    pub(super) amended: Vec<Warning>,
}

/// What became of the turns that came back without their reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PutBack {
    pub(super) restored: u32,
    pub(super) missed: u32,
}

impl Asked {
    /// Reads the client's words.
    pub(super) fn read(&self) -> Result<Incoming<'_>, Fault> {
        Ok(Incoming::read(&self.body)?.with_betas(self.betas.iter().map(String::as_str)))
    }

    /// What the model is like.
    pub(super) fn entry(&self) -> &Entry {
        let declared = match self.config.backends.get(self.backend).map(|backend| &backend.kind) {
            Some(BackendKind::Bedrock(bedrock)) => bedrock.base_models.iter().find(|(id, _)| *id == self.model_id),
            _ => None,
        };
        self.policy.entry_or_known(&self.model_id, declared.map(|(_, base)| base.as_str()))
    }

    /// Under what the lost turns may be remembered.
    pub(super) fn keys(&self) -> Vec<TurnKey> {
        self.lost.iter().map(|(lost, _)| self.key(lost.calls.clone())).collect()
    }

    pub(super) fn key(&self, calls: Vec<String>) -> TurnKey {
        TurnKey::new(self.caller.clone(), &self.model_id, calls)
    }

    /// Says it in Bedrock's words, with the reasoning that is remembered.
    pub(super) fn outgoing(&self, mut incoming: Incoming<'_>) -> Result<(Outgoing, PutBack), Fault> {
        if self.policy.expose.is_some_and(|expose| expose.think_tags) {
            incoming.strip_think_tags();
        }
        let mut put_back = PutBack::default();
        for (lost, turn) in &self.lost {
            match turn.as_ref().filter(|turn| incoming.put_back(lost.position, turn)) {
                Some(turn) => put_back.restored += u32::from(turn.reasoned()),
                None => put_back.missed += 1,
            }
        }
        let entry = self.entry();
        let backend = self.config.backends.get(self.backend);
        let backend = backend.map(|backend| format!("{}/{}", backend.namespace, backend.name)).unwrap_or_default();
        let rules = self.policy.rules();
        let terms = Terms {
            model_id: &self.model_id,
            entry,
            mark: Mark::of(entry.base_of(&self.model_id), &backend),
            rules: &rules,
            amend: self.amend,
        };
        let mut outgoing = incoming.outgoing_on(&terms, self.policy.showing())?;
        outgoing.warnings.extend(self.amended.iter().cloned());
        outgoing.memorable &= self.policy.restore.enabled;
        Ok((outgoing, put_back))
    }

    /// How much of a turn is remembered, in bytes.
    pub(super) fn room(&self) -> usize {
        self.limits().bytes.min(LARGEST_TURN)
    }

    /// How much is remembered of all turns that share these limits, and for how long.
    pub(super) fn limits(&self) -> RestoreLimits {
        let RestorePolicy { max_entries, max_bytes, max_age, .. } = self.policy.restore;
        let number = |most: u64| usize::try_from(most).unwrap_or(usize::MAX);
        RestoreLimits { entries: number(max_entries.into()), bytes: number(max_bytes), age: max_age }
    }

    /// Which turns share them: those of one backend where the operator set any, else all.
    pub(super) fn group(&self) -> u64 {
        if self.policy.restore == RestorePolicy::default() { 0 } else { self.backend as u64 + 1 }
    }

    /// Decides to ask otherwise after this refusal; `false`: asking again helps nobody.
    pub(super) fn amend(&mut self, fault: &Fault) -> bool {
        let before = self.amend;
        let bound = self.policy.rules().drop_mismatched && self.entry().bound && !before.drop_mismatched;
        let warning = match remedy(fault) {
            Some(Remedy::Unbound) if bound => {
                self.amend.drop_mismatched = true;
                Warning::dropped("messages[].reasoning", "it was bound to another conversation; Bedrock drops it")
            }
            Some(Remedy::Unbound | Remedy::WithoutReasoning) => {
                self.amend.without_reasoning = true;
                let why = "Bedrock refused the reasoning of earlier turns; it was asked again without any";
                Warning::dropped("messages[].reasoning", why)
            }
            Some(Remedy::LowerEffort) => {
                self.amend.lower_effort = true;
                Warning::changed("reasoning_effort", "Bedrock refused the effort; it was asked for the next lower one")
            }
            Some(Remedy::SchemaInWords) => {
                self.amend.schema_in_words = true;
                let why = "Bedrock refused the schema; the model was asked in words to keep to it";
                Warning::changed("response_format", why)
            }
            None => return false,
        };
        let changed = self.amend != before;
        if changed {
            self.amended.push(warning);
        }
        changed
    }
}
