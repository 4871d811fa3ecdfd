//! The terms on which a request is written for a backend of Chat Completions, and the warnings about what is written.

use crate::catalogue::{Adjustment, Entry, Rules};
use crate::limits::ClientFields;
use crate::model::field_ref::FieldRef;
use crate::model::issuer::Mark;
use crate::warning::Warning;

/// For whom, and on what terms, a request is written for a backend of Chat Completions.
#[derive(Clone, Debug)]
pub struct ChatTerms<'t> {
    /// The model id to call.
    pub model_id: &'t str,
    /// The model's row of the catalogue.
    pub entry: &'t Entry,
    /// The mark of this model and backend: only reasoning with it is sent back.
    pub mark: Mark,
    /// The operator's rules for reasoning.
    pub rules: &'t Rules,
    /// The changes to the request because of what happened before.
    pub adjustment: Adjustment,
    /// The fields that the client may use.
    pub allowed: ClientFields,
    /// The path before `/chat/completions`.
    pub prefix: &'t str,
}

/// The warnings about what is written: each once.
#[derive(Default)]
pub(super) struct Notices {
    pub(super) warnings: Vec<Warning>,
}

impl Notices {
    pub(super) fn dropped(&mut self, field: FieldRef, why: impl Into<String>) {
        self.add(Warning::dropped(field, why));
    }

    pub(super) fn changed(&mut self, field: FieldRef, why: impl Into<String>) {
        self.add(Warning::changed(field, why));
    }

    pub(super) fn ignored(&mut self, field: FieldRef, why: impl Into<String>) {
        self.add(Warning::ignored(field, why));
    }

    pub(super) fn unavailable(&mut self, field: FieldRef, why: impl Into<String>) {
        self.add(Warning::reasoning_unavailable(field, why));
    }

    fn add(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}
