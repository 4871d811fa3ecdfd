//! Schemas as models take them: of a tool's arguments, and of an answer.
//!
//! What needs no change goes on as the client wrote it, byte for byte.

mod grammar;
mod refs;
mod root;
mod tree;

use crate::catalogue::{Entry, Schemas};
use crate::model::wrapped::type_meant;
use crate::wire::json::Document;
use crate::wire::slice::Slice as _;
use std::borrow::Cow;
use tree::Tree;

/// A tool without arguments.
pub(super) const NOTHING: &str = r#"{"type":"object","properties":{}}"#;

/// A schema as it is sent, and what the client should know of what became of it.
#[derive(Debug)]
pub(super) struct Fitted<'s> {
    pub(super) json: Cow<'s, str>,
    pub(super) told: Vec<&'static str>,
}

const CYCLES: &str = "it refers to itself, which the model does not take; it was cut where it does";
const LOST: &str = "some of its references lead nowhere or to too much; anything is allowed there";
const JOINED: &str = "the model takes no alternatives at the top of a schema; they were joined into one object";
const TOP: &str =
    "the model takes only `type`, `properties` and `required` at the top of a schema; the others were left out";
const WRAPPED: &str = "Bedrock takes only objects for the arguments of a tool; what it takes is the member `value` of one, and \
                       goes back as the client's schema has it";
const TYPES: &str = "types that JSON Schema does not know were taken for those that are meant";
const GRAMMAR: &str = "limits that the model's grammar does not know were moved into descriptions";

/// The schema of a tool's arguments. `enforced`: the model is kept to it; `wrapped`: they are no object.
pub(super) fn of_tool<'s>(json: &'s str, entry: &Entry, enforced: bool, wrapped: bool) -> Fitted<'s> {
    let taken = entry.tool_schemas;
    if taken != Schemas::Plain && !enforced && !wrapped && is_usual(json) {
        return Fitted { json: with_type(json), told: Vec::new() };
    }
    let Some(before) = Tree::read(json) else { return Fitted { json: Cow::Borrowed(json), told: Vec::new() } };
    let (mut tree, mut told) = (before.clone(), Vec::new());
    if mean_types(&mut tree) {
        told.push(TYPES);
    }
    if tree.is_of("object") && !wrapped {
        tree.set("type", Tree::word("object"));
    }
    clean(&mut tree);
    if wrapped {
        root::wrap(&mut tree);
        told.push(WRAPPED);
    }
    let whole = tree.clone();
    refs::open(&mut tree, &refs::Named::of(&whole));
    if root::join(&mut tree) {
        told.push(JOINED);
    }
    if taken != Schemas::Full {
        let placed = refs::place(&mut tree);
        told.extend(placed.cycles.then_some(CYCLES).into_iter().chain(placed.lost.then_some(LOST)));
    }
    if taken == Schemas::Plain && root::only_the_plain(&mut tree) {
        told.push(TOP);
    }
    if enforced {
        told.extend(within_the_grammar(&mut tree));
    }
    if tree.get("type").is_none() {
        if tree == before {
            return Fitted { json: with_type(json), told };
        }
        root::object(&mut tree);
    }
    written(json, &before, &tree, told)
}

/// The client's schema as it came; Claude wants the top to say that it is an object.
fn with_type(json: &str) -> Cow<'_, str> {
    if json.starts_with(r#"{"type":"#) {
        return Cow::Borrowed(json);
    }
    let document = Document::read(json);
    let mut names =
        document.iter().flat_map(|document| document.top().members()).map(|(name, _)| name.plain()).peekable();
    let comma = if names.peek().is_none() { "" } else { "," };
    if names.any(|name| name.as_deref() == Some("type")) {
        return Cow::Borrowed(json);
    }
    let inside = json.trim_start().strip_prefix('{').unwrap_or_default();
    Cow::Owned(format!(r#"{{"type":"object"{comma}{inside}"#))
}

/// The schema of an answer that the model is kept to.
pub(super) fn of_answer(json: &str) -> Fitted<'_> {
    let Some(before) = Tree::read(json) else { return Fitted { json: Cow::Borrowed(json), told: Vec::new() } };
    let mut tree = before.clone();
    let mut told: Vec<_> = mean_types(&mut tree).then_some(TYPES).into_iter().collect();
    clean(&mut tree);
    told.extend(within_the_grammar(&mut tree));
    written(json, &before, &tree, told)
}

/// Takes out of it what no grammar knows; gives what the client should know.
fn within_the_grammar(tree: &mut Tree<'_>) -> Vec<&'static str> {
    let mut told = Vec::new();
    let mut placed = tree.clone();
    let refs = refs::place(&mut placed);
    if refs.cycles {
        *tree = placed;
        told.push(CYCLES);
        told.extend(refs.lost.then_some(LOST));
    }
    told.extend(grammar::suit(tree).then_some(GRAMMAR));
    told
}

fn written<'s>(json: &'s str, before: &Tree<'_>, after: &Tree<'_>, told: Vec<&'static str>) -> Fitted<'s> {
    if before == after {
        return Fitted { json: Cow::Borrowed(json), told };
    }
    let mut changed = String::with_capacity(json.len() + 64);
    after.write(&mut changed);
    Fitted { json: Cow::Owned(changed), told }
}

/// Whether a schema can be sent unchanged, by a search for words that need a change. What merely looks so costs a
/// closer look.
fn is_usual(json: &str) -> bool {
    let listed = || {
        json.match_indices("\"type\"").any(|(at, word)| {
            let rest = json.behind(at + word.len()).trim_start();
            rest.strip_prefix(':').is_some_and(|value| !is_a_type(value.trim_start()))
        })
    };
    let named = |name: &str| json.contains(name);
    !named("null") && !named("Of\"") && !named("$ref") && !listed()
}

/// Whether a text begins with one of JSON Schema's types.
fn is_a_type(value: &str) -> bool {
    let word = value.strip_prefix('"').and_then(|value| value.split('"').next()).unwrap_or_default();
    word != "any" && type_meant(word) == Some(word)
}

/// Puts the types that are meant for those that are written; whether there were any others.
fn mean_types(root: &mut Tree<'_>) -> bool {
    let mut any = false;
    root.each(&mut |schema| {
        let word = schema.get("type").and_then(Tree::plain);
        let Some((word, meant)) = word.and_then(|word| type_meant(&word).map(|meant| (word, meant))) else { return };
        if meant == "any" {
            schema.remove("type");
        } else if meant != word {
            schema.set("type", Tree::word(meant));
        }
        any |= meant == "any" || meant != word;
    });
    any
}

/// Takes members that are null for absent, and lists of types for a choice between them.
fn clean(root: &mut Tree<'_>) {
    root.each(&mut |schema| {
        let Some(members) = schema.members_mut() else { return };
        members.retain(|(name, value)| !value.is_null() || name == "const");
        for (_, value) in members.iter_mut().filter(|(name, _)| matches!(name.as_ref(), "properties" | "$defs")) {
            for (_, inner) in value.members_mut().into_iter().flatten().filter(|(_, inner)| inner.is_null()) {
                *inner = Tree::Object(Vec::new());
            }
        }
        listed_types(schema);
    });
}

/// `type: [a, b]` as `anyOf: [{type: a}, {type: b}]`. What is said of the only kind beside `null` is said of that kind.
fn listed_types<'a>(schema: &mut Tree<'a>) {
    let Some(Tree::List(types)) = schema.get("type").cloned() else { return };
    let null = |kind: &Tree<'_>| kind.plain().as_deref() == Some("null");
    match types.as_slice() {
        [kind] => schema.set("type", kind.clone()),
        [kind, other] | [other, kind] if null(other) && !null(kind) && schema.get("anyOf").is_none() => {
            let kind: Tree<'a> = kind.clone();
            let Some(members) = schema.members_mut() else { return };
            let outer = |name: &str| matches!(name, "description" | "title" | "default");
            let (kept, mut own): (Vec<_>, Vec<_>) = members.drain(..).partition(|(name, _)| outer(name));
            own.iter_mut().filter(|(name, _)| name == "type").for_each(|(_, value)| *value = kind.clone());
            for (_, values) in own.iter_mut().filter(|(name, _)| name == "enum") {
                if let Tree::List(values) = values {
                    values.retain(|value| !value.is_null());
                }
            }
            let nothing = Tree::Object(vec![(Cow::Borrowed("type"), Tree::word("null"))]);
            members.push((Cow::Borrowed("anyOf"), Tree::List(vec![Tree::Object(own), nothing])));
            members.extend(kept);
        }
        _ if types.is_empty() || schema.get("anyOf").is_some() => drop(schema.remove("type")),
        _ => {
            let choices = types.into_iter().map(|kind| Tree::Object(vec![(Cow::Borrowed("type"), kind)]));
            let choices = Tree::List(choices.collect());
            let members = schema.members_mut().into_iter().flatten();
            members.filter(|(name, _)| name == "type").for_each(|(name, value)| {
                (*name, *value) = (Cow::Borrowed("anyOf"), choices.clone());
            });
        }
    }
}
