//! The betas that the body of InvokeModel may name, by model.

use crate::families::Family;
use crate::families::Generation::{self, Four, FourEight, FourFive, FourSeven, FourSix, Three, ThreeSeven};
use crate::refused::Refused;
use serde_json::Value;

/// A beta, and the oldest and the newest generation of Claude that takes it.
struct Beta {
    name: &'static str,
    from: Generation,
    to: Generation,
}

const fn beta(name: &'static str, from: Generation, to: Generation) -> Beta {
    Beta { name, from, to }
}

const KNOWN: [Beta; 24] = [
    beta("afk-mode-2026-01-31", Four, FourEight),
    beta("claude-code-20250219", ThreeSeven, FourSix),
    beta("compact-2026-01-12", FourSix, FourEight),
    beta("computer-use-2024-10-22", Three, Three),
    beta("computer-use-2025-01-24", ThreeSeven, FourEight),
    beta("computer-use-2025-11-24", FourFive, FourEight),
    beta("context-1m-2025-08-07", Four, FourSix),
    beta("context-management-2025-06-27", Four, FourEight),
    beta("dangerous-tool-use-2026-09-03", Four, FourEight),
    beta("dev-full-thinking-2025-05-14", Four, FourEight),
    beta("effort-2025-11-24", FourFive, FourEight),
    beta("fallback-credit-2026-06-01", FourEight, FourEight),
    beta("fine-grained-tool-streaming-2025-05-14", ThreeSeven, FourEight),
    beta("interleaved-thinking-2025-05-14", ThreeSeven, FourEight),
    beta("mid-conversation-output-config-2026-07-01", FourEight, FourEight),
    beta("mid-conversation-system-2026-04-07", Four, FourSix),
    beta("mid-conversation-tool-changes-2026-07-01", FourEight, FourEight),
    beta("output-128k-2025-02-19", ThreeSeven, ThreeSeven),
    beta("thinking-binding-controls-2026-08-01", FourEight, FourEight),
    beta("thinking-display-updates-2026-08-18", FourSeven, FourEight),
    beta("thinking-token-count-2026-05-13", FourSeven, FourEight),
    beta("token-efficient-tools-2025-02-19", ThreeSeven, Four),
    beta("tool-examples-2025-10-29", FourFive, FourFive),
    beta("tool-search-tool-2025-10-19", Four, FourEight),
];

/// Whether the request names a beta.
pub(super) fn has(body: &Value, name: &str) -> bool {
    body["anthropic_beta"].as_array().is_some_and(|betas| betas.iter().any(|beta| beta == name))
}

pub(super) fn check(family: &Family, body: &Value) -> Result<(), Refused> {
    let betas = &body["anthropic_beta"];
    if betas.is_null() {
        return Ok(());
    }
    let betas = betas.as_array().ok_or_else(|| Refused::invalid("anthropic_beta: Input should be a valid list"))?;
    let taken =
        |name: &Value| KNOWN.iter().any(|beta| name == beta.name && (beta.from..=beta.to).contains(&family.generation));
    match betas.iter().all(taken) {
        true => Ok(()),
        false => Err(Refused::invalid("invalid beta flag")),
    }
}
