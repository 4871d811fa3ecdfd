//! `aquifer models`: the catalogue, as a table or as JSON.

use super::say;
use crate::cli::Models;
use aquifer_gateway::translate::catalogue::{Catalogue, Control, Default, Entry, Off, Replay};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Prints what is known of each model.
pub(super) fn run(arguments: &Models) -> anyhow::Result<ExitCode> {
    let entries = Catalogue::builtin().entries();
    if arguments.json {
        let rows: Vec<Value> = entries.iter().map(row_as_json).collect();
        say(&serde_json::to_string_pretty(&rows)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![["MODEL", "REASONING", "SWITCH", "LEVELS", "OFF", "TAKES BACK", "NOTE"].map(str::to_owned)];
    rows.extend(entries.iter().map(row));
    say(&table(&rows))?;
    Ok(ExitCode::SUCCESS)
}

fn row(entry: &Entry) -> [String; 7] {
    [
        entry.id.clone(),
        habit(entry).to_owned(),
        switch(entry.control).to_owned(),
        if entry.control == Control::Budget { "tokens".to_owned() } else { levels(entry).join(",") },
        off(entry).to_owned(),
        takes_back(entry).join(","),
        note(entry),
    ]
}

fn row_as_json(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "name": entry.name,
        "vendor": entry.vendor,
        "reasoning": habit(entry),
        "switch": switch(entry.control),
        "levels": levels(entry),
        "off": off(entry),
        "takes_back": takes_back(entry),
        "max_output_tokens": entry.max_output_tokens,
        "structured_output": entry.structured_output,
        "legacy": entry.legacy,
        "converse": entry.converse,
        "unproven": entry.unproven,
    })
}

fn habit(entry: &Entry) -> &'static str {
    match entry.default {
        Default::AlwaysOn => "always",
        Default::On => "by default",
        Default::Off if entry.can_reason() => "when asked",
        Default::Off => "-",
    }
}

fn switch(control: Control) -> &'static str {
    match control {
        Control::None => "-",
        Control::Budget => "thinking.budget_tokens",
        Control::Adaptive => "thinking adaptive",
        Control::ReasoningEffort => "reasoning_effort",
        Control::ReasoningObject => "reasoning.effort",
        Control::ReasoningConfig => "reasoning_config",
        Control::Nova => "reasoningConfig",
        Control::Unknown => "unknown",
    }
}

fn levels(entry: &Entry) -> Vec<&'static str> {
    entry.efforts.iter().map(|effort| effort.word()).collect()
}

fn off(entry: &Entry) -> &'static str {
    match entry.off {
        _ if !entry.can_reason() => "-",
        Off::Omit => "left out",
        Off::Disabled => "disabled",
        Off::BetweenTools => "between_tools",
        Off::NoneWord => "none",
        Off::Impossible => "cannot",
        Off::Unknown => "unknown",
    }
}

fn takes_back(entry: &Entry) -> Vec<&'static str> {
    let word = |kind: &Replay| match kind {
        Replay::Signed => "signed",
        Replay::Unsigned => "unsigned",
        Replay::Redacted => "redacted",
    };
    entry.replay.iter().map(word).collect()
}

fn note(entry: &Entry) -> String {
    let mut notes = Vec::new();
    if entry.legacy {
        notes.push("legacy");
    }
    if !entry.converse {
        notes.push("not served by Converse");
    }
    notes.extend(entry.unproven.as_deref());
    notes.join("; ")
}

fn table(rows: &[[String; 7]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..7).map(width).collect();
    let line = |row: &[String; 7]| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| if cell.is_empty() { format!("{:width$}", "-") } else { format!("{cell:width$}") });
        cells.collect::<Vec<_>>().join("  ").trim_end().trim_end_matches('-').trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
