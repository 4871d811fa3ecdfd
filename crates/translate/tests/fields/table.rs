//! Tables of a page, and what becomes of a request.

use aquifer_translate::Fault;
use aquifer_translate::dialect::Dialect;
use aquifer_translate::limits::Limits;
use aquifer_translate::translation::Incoming;
use aquifer_translate::warning::WarningKind;
use serde_json::Value;
use std::collections::BTreeSet;

/// A model with levels of effort, signed thoughts, and no sampling.
pub(crate) const MODEL: &str = "us.anthropic.claude-opus-4-8";

/// The rows of a section's table: their cells.
pub(crate) fn rows(page: &str, section: &str) -> Vec<Vec<String>> {
    let (_, section) = page.split_once(&format!("## {section}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let rows = rows
        .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('|').trim().to_owned()));
    rows.map(Iterator::collect).collect()
}

/// What a cell has between backticks.
pub(crate) fn quoted(cell: &str) -> &str {
    cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).unwrap_or_else(|| panic!("no backticks: {cell}"))
}

/// The fields at the top of a request that a section documents.
pub(crate) fn documented(page: &str, section: &str) -> BTreeSet<String> {
    let rows = rows(page, section);
    rows.iter().map(|row| quoted(&row[0]).split(['.', '[']).next().unwrap().to_owned()).collect()
}

/// Panics unless each field has a row.
pub(crate) fn assert_documented(page: &str, section: &str, fields: &[&str]) {
    let documented = documented(page, section);
    let missing: Vec<_> = fields.iter().filter(|field| !documented.contains(**field)).collect();
    assert!(missing.is_empty(), "{section} has no row for {missing:?}");
}

/// A request with some members beside what it needs.
pub(crate) fn with_members(mut body: Value, members: &str) -> Value {
    let members: Value = serde_json::from_str(&format!("{{{members}}}")).unwrap_or_else(|_| panic!("{members}"));
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// An example of a table: its place, the request that it makes, and the fate that the table says.
pub(crate) struct Example<'a> {
    pub(crate) what: String,
    pub(crate) body: Value,
    pub(crate) said: &'a str,
    /// The field that must be named, where it is not taken.
    pub(crate) path: Option<&'a str>,
}

/// Panics with all the examples of a dialect whose fate is another one.
pub(crate) fn check<'a>(dialect: Dialect, examples: impl IntoIterator<Item = Example<'a>>) {
    let wrong: Vec<String> = examples.into_iter().filter_map(|example| contradiction(dialect, &example)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn contradiction(dialect: Dialect, example: &Example<'_>) -> Option<String> {
    let Told { fate, paths } = told(dialect, &example.body);
    let said = if example.said == "needless" { "taken" } else { example.said };
    if fate != said {
        return Some(format!("{}: {fate} {paths:?}", example.what));
    }
    let path = example.path.filter(|_| fate != "taken")?;
    let named = paths.iter().any(|seen| seen.starts_with(path) || path.starts_with(seen.as_str()));
    (!named).then(|| format!("{}: names {paths:?}", example.what))
}

/// What a client is told of its request.
struct Told {
    fate: &'static str,
    paths: Vec<String>,
}

fn told(dialect: Dialect, body: &Value) -> Told {
    let text = body.to_string();
    let asked = Incoming::read_in(dialect, text.as_bytes(), std::iter::empty(), &Limits::default());
    let sent = match asked.and_then(|asked| asked.outgoing(MODEL, None)) {
        Ok(sent) => sent,
        Err(Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake)) => {
            let paths = mistake.field.iter().map(|field| dialect.path(field).into_owned()).collect();
            return Told { fate: "refused", paths };
        }
        Err(fault) => panic!("{fault}"),
    };
    // What stands around an example is not what is looked at.
    let told = || sent.warnings.iter().filter(|warning| warning.kind != WarningKind::ReasoningUnavailable);
    let paths = told().map(|warning| dialect.path(&warning.field).into_owned()).collect();
    let fate = if told().any(|warning| matches!(warning.kind, WarningKind::Dropped | WarningKind::Ignored)) {
        "dropped"
    } else if told().any(|warning| warning.kind == WarningKind::Changed) {
        "changed"
    } else {
        "taken"
    };
    Told { fate, paths }
}
