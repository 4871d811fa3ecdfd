//! What one of the many conventions for reasoning says.

use crate::model::reasoning::{Effort, Switch};

/// What one convention says.
#[derive(Clone, Copy, Default)]
pub(super) struct Said {
    pub(super) switch: Switch,
    pub(super) effort: Option<Effort>,
    pub(super) param: &'static str,
    /// The field that says how hard, where that is another one.
    pub(super) effort_param: &'static str,
}
