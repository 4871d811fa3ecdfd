//! The rows as a table, a line each.

use super::gather::{Found, Shown};
use super::words;

const COLUMNS: usize = 12;
const HEAD: [&str; COLUMNS] = [
    "MODEL",
    "REASONS",
    "SWITCH",
    "LEVELS OR BUDGET",
    "OFF",
    "DISPLAY",
    "TAKES BACK",
    "BOUND",
    "SCHEMA",
    "CACHE",
    "OUTPUT",
    "NOTE",
];

/// The table, without a last line break.
pub(super) fn table(rows: &[Shown]) -> String {
    let rows: Vec<[String; COLUMNS]> =
        std::iter::once(HEAD.map(str::to_owned)).chain(rows.iter().map(row).map(filled)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// No cell is empty but the last.
fn filled(row: [String; COLUMNS]) -> [String; COLUMNS] {
    let [.., note] = &row;
    let note = note.clone();
    let mut row = row.map(|cell| if cell.is_empty() { "-".to_owned() } else { cell });
    row[COLUMNS - 1] = note;
    row
}

fn row(shown: &Shown) -> [String; COLUMNS] {
    let entry = &shown.entry;
    [
        shown.model.clone(),
        words::habit(entry).to_owned(),
        words::switch(entry.control).to_owned(),
        words::levels(entry),
        words::off(entry).to_owned(),
        if entry.display { "yes" } else { "-" }.to_owned(),
        words::takes_back(entry),
        if entry.bound { "yes" } else { "-" }.to_owned(),
        if entry.structured_output { "yes" } else { "-" }.to_owned(),
        words::cache(entry).to_owned(),
        entry.max_output_tokens.map(|tokens| tokens.to_string()).unwrap_or_default(),
        note(shown),
    ]
}

fn note(shown: &Shown) -> String {
    let mut notes = Vec::new();
    match &shown.found {
        Found::Overridden(_) => notes.push("overridden".to_owned()),
        Found::Declared(_) => notes.push(format!("declared as {}", shown.entry.id)),
        Found::Row | Found::Like | Found::Nothing => {}
    }
    if shown.entry.legacy {
        notes.push("legacy".to_owned());
    }
    if !shown.entry.converse {
        notes.push("not served by Converse".to_owned());
    }
    if shown.entry.unproven.is_some() {
        notes.push("unproven".to_owned());
    }
    notes.join("; ")
}
