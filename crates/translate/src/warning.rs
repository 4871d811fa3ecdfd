//! Warnings: the fields of a request that the gateway changed or left out and served the request nevertheless.

use crate::model::field_ref::FieldRef;

/// One thing that the client asked for and did not get exactly so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The treatment of the field.
    pub kind: WarningKind,
    /// The field.
    pub field: FieldRef,
    /// The reason, in one sentence without the field's value.
    pub why: String,
}

/// The treatment of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningKind {
    /// Accepted, without effect.
    Ignored,
    /// Not sent, because the model refuses it as things stand.
    Dropped,
    /// Sent with another value.
    Changed,
    /// Reasoning was asked for, and the model has none to give.
    ReasoningUnavailable,
}

impl Warning {
    /// The field has no effect.
    #[must_use]
    pub fn ignored(field: FieldRef, why: impl Into<String>) -> Self {
        Self { kind: WarningKind::Ignored, field, why: why.into() }
    }

    /// The field was not sent.
    #[must_use]
    pub fn dropped(field: FieldRef, why: impl Into<String>) -> Self {
        Self { kind: WarningKind::Dropped, field, why: why.into() }
    }

    /// The field was sent with another value.
    #[must_use]
    pub fn changed(field: FieldRef, why: impl Into<String>) -> Self {
        Self { kind: WarningKind::Changed, field, why: why.into() }
    }

    /// The model cannot reason.
    #[must_use]
    pub fn reasoning_unavailable(field: FieldRef, why: impl Into<String>) -> Self {
        Self { kind: WarningKind::ReasoningUnavailable, field, why: why.into() }
    }
}

impl WarningKind {
    /// The word for headers and logs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Dropped => "dropped",
            Self::Changed => "changed",
            Self::ReasoningUnavailable => "reasoning-unavailable",
        }
    }
}
