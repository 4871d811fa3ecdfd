//! The models that embed or rank, as a table of their own and one in full.

use aquifer_gateway::translate::catalogue::{Encoder, EncoderTask, encoders};
use serde_json::{Value, json};

const COLUMNS: usize = 5;
const HEAD: [&str; COLUMNS] = ["MODEL", "TASK", "DIMENSIONS", "TAKES", "NOTE"];
/// The width of the column of field names.
const WIDTH: usize = 21;

/// The table, without a last line break.
pub(super) fn table() -> String {
    let rows: Vec<[String; COLUMNS]> = std::iter::once(HEAD.map(str::to_owned)).chain(encoders().map(row)).collect();
    let mut lines = vec![String::new(); rows.len()];
    for column in 0..COLUMNS {
        let width = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default() + 2;
        for at in 0..rows.len() {
            lines[at].push_str(&format!("{:width$}", rows[at][column]));
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

fn row(encoder: &Encoder) -> [String; COLUMNS] {
    let note = if encoder.unproven.is_some() { "unproven" } else { "" };
    [
        encoder.id.clone(),
        encoder.task.word().to_owned(),
        dimensions(encoder, "-"),
        takes(encoder).to_owned(),
        note.to_owned(),
    ]
}

fn dimensions(encoder: &Encoder, nothing: &str) -> String {
    let lengths: Vec<String> = encoder.dimensions.iter().map(u32::to_string).collect();
    if lengths.is_empty() { nothing.to_owned() } else { lengths.join(", ") }
}

fn takes(encoder: &Encoder) -> &'static str {
    match (encoder.task, encoder.images) {
        (EncoderTask::Embed, true) => "text, images",
        (EncoderTask::Embed | EncoderTask::Rerank, _) => "text",
    }
}

/// All that is known of one, without a last line break.
pub(super) fn described(model: &str, encoder: &Encoder) -> String {
    let found = match encoder.prefix {
        true => "no row has this model; it is treated like others of its line".to_owned(),
        false => format!("the row {}", encoder.id),
    };
    let path = match encoder.task {
        EncoderTask::Embed => "/v1/embeddings",
        EncoderTask::Rerank => "/v1/rerank",
    };
    let lines = [
        ("model", model.to_owned()),
        ("found", found),
        ("name", encoder.name.clone()),
        ("vendor", encoder.vendor.clone()),
        ("other ids", encoder.also.join(", ")),
        ("task", format!("{}: {path}", encoder.task.word())),
        ("dimensions", dimensions(encoder, "")),
        ("takes", takes(encoder).to_owned()),
        ("profiles", encoder.profiles.join(", ")),
        ("regions", encoder.regions.as_ref().map(|regions| regions.join(", ")).unwrap_or_default()),
        ("unproven", encoder.unproven.clone().unwrap_or_default()),
    ];
    let lines = lines.map(|line| {
        let (name, value) = line;
        let value = if value.is_empty() { "-" } else { &value };
        format!("{name:WIDTH$}{value}")
    });
    lines.join("\n")
}

/// All of them as JSON, in the form of the others.
pub(super) fn all_as_json() -> impl Iterator<Item = anyhow::Result<Value>> {
    encoders().map(|encoder| as_json(&encoder.id, encoder))
}

/// One of them as JSON.
pub(super) fn as_json(model: &str, encoder: &Encoder) -> anyhow::Result<Value> {
    let found = if encoder.prefix { "like" } else { "row" };
    Ok(json!({ "model": model, "found": found, "at": [], "encoder": serde_json::to_value(encoder)? }))
}
