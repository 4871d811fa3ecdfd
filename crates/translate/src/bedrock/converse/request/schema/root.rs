//! The top of a tool's schema: always an object, never a choice between several.

use super::refs::{self, LISTS, Named};
use super::tree::Tree;
use crate::model::wrapped::MEMBER;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Members that say nothing of what fits.
const SILENT: [&str; 9] =
    ["$schema", "$id", "$comment", "title", "$defs", "definitions", "additionalProperties", "default", "strict"];
/// The most choices within each other at the top.
const DEEPEST: usize = 16;

/// Joins the alternatives at the top into one object; whether there were any.
pub(super) fn join(root: &mut Tree<'_>) -> bool {
    let whole = root.clone();
    joined(root, &Named::of(&whole), 0)
}

fn joined<'a>(schema: &mut Tree<'a>, named: &Named<'_, 'a>, depth: usize) -> bool {
    let mut any = false;
    for choice in ["allOf", "anyOf", "oneOf"] {
        let Some(Tree::List(mut parts)) = schema.remove(choice) else { continue };
        any = true;
        for part in parts.iter_mut().filter(|_| depth < DEEPEST) {
            refs::open(part, named);
            joined(part, named, depth + 1);
        }
        parts.retain(|part| part.get("properties").is_some() || part.is_of("object") || part.get("required").is_some());
        merge(schema, &parts, choice == "allOf");
    }
    any
}

fn merge<'a>(root: &mut Tree<'a>, parts: &[Tree<'a>], all: bool) {
    let mut properties = root.get("properties").map(Tree::members).unwrap_or_default().to_vec();
    let own = properties.len();
    let mut places: BTreeMap<Cow<'a, str>, usize> =
        properties.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
    for (name, schema) in parts.iter().filter_map(|part| part.get("properties")).flat_map(Tree::members) {
        match places.get(name).copied() {
            None => {
                places.insert(name.clone(), properties.len());
                properties.push((name.clone(), schema.clone()));
            }
            // What the whole says holds for every alternative.
            Some(at) if at < own && !all => {}
            Some(at) => properties.get_mut(at).into_iter().for_each(|(_, known)| both(known, schema, all)),
        }
    }
    root.set("properties", Tree::Object(properties));
    let required = required(root, parts, all);
    if !required.is_empty() {
        root.set("required", Tree::List(required));
    }
}

/// The required properties: those of all parts, or those that every alternative requires.
fn required<'a>(root: &Tree<'a>, parts: &[Tree<'a>], all: bool) -> Vec<Tree<'a>> {
    let names = |schema: &Tree<'a>| schema.get("required").map(Tree::items).unwrap_or_default().to_vec();
    let mut required = names(root);
    let mut known: BTreeSet<String> = required.iter().filter_map(Tree::plain).collect();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in parts.iter().flat_map(|part| names(part).iter().filter_map(Tree::plain).collect::<BTreeSet<_>>()) {
        *counts.entry(name).or_default() += 1;
    }
    let wanted = |name: &String| counts.get(name).is_some_and(|count| all || *count == parts.len());
    for name in parts.iter().flat_map(names) {
        if let Some(plain) = name.plain().filter(|plain| wanted(plain))
            && known.insert(plain)
        {
            required.push(name);
        }
    }
    required
}

/// Lets a property fit either of two schemas, or both of them.
fn both<'a>(known: &mut Tree<'a>, other: &Tree<'a>, all: bool) {
    let word = if all { "allOf" } else { "anyOf" };
    if known == other {
        return;
    }
    if let Some([(name, Tree::List(choices))]) = known.members_mut().map(Vec::as_mut_slice)
        && name == word
    {
        choices.push(other.clone());
        return;
    }
    let before = std::mem::replace(known, Tree::Object(Vec::new()));
    known.set(word, Tree::List(vec![before, other.clone()]));
}

/// Puts a schema of anything into one of an object, as its only member. What it names is named from the new top.
pub(super) fn wrap(root: &mut Tree<'_>) {
    root.each(&mut |schema| {
        let reference = schema.get("$ref").and_then(Tree::plain);
        let own = reference.as_deref().and_then(|reference| reference.strip_prefix('#'));
        let listed = |path: &str| LISTS.iter().any(|list| path.strip_prefix('/').is_some_and(|p| p.starts_with(list)));
        if let Some(path) = own.filter(|path| (path.is_empty() || path.starts_with('/')) && !listed(path)) {
            schema.set("$ref", Tree::text(&format!("#/properties/{MEMBER}{path}")));
        }
    });
    let mut inner = std::mem::replace(root, Tree::Object(Vec::new()));
    let named: Vec<_> = LISTS.into_iter().filter_map(|list| Some((list, inner.remove(list)?))).collect();
    root.set("type", Tree::word("object"));
    root.set("properties", Tree::Object(vec![(Cow::Borrowed(MEMBER), inner)]));
    root.set("required", Tree::List(vec![Tree::word(MEMBER)]));
    named.into_iter().for_each(|(list, schemas)| root.set(list, schemas));
}

/// Says that it is an object.
pub(super) fn object(root: &mut Tree<'_>) {
    if let Some(members) = root.members_mut() {
        members.retain(|(name, _)| name != "type");
        members.insert(0, (Cow::Borrowed("type"), Tree::word("object")));
    }
}

/// Leaves `type`, `properties` and `required` at the top; whether anything was lost that says what fits.
pub(super) fn only_the_plain(root: &mut Tree<'_>) -> bool {
    let Some(members) = root.members_mut() else { return false };
    let plain = |name: &str| matches!(name, "type" | "properties" | "required");
    let lost = members.iter().any(|(name, _)| !plain(name) && !SILENT.contains(&name.as_ref()));
    members.retain(|(name, _)| plain(name));
    if !members.iter().any(|(name, _)| name == "properties") {
        members.push((Cow::Borrowed("properties"), Tree::Object(Vec::new())));
    }
    lost
}
