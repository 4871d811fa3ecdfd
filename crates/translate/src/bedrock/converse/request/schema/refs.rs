//! References in a schema, put in place.

use super::tree::Tree;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// The most that a schema may grow with its references in place, in multiples of its number of values.
const GROWTH: usize = 16;
/// The number of values that a schema with its references in place may have in any case.
const SMALL: usize = 4096;
/// The most schemas within each other; a reference that lies deeper is cut.
const DEEPEST: usize = 64;
/// The members that hold named schemas.
pub(super) const LISTS: [&str; 2] = ["$defs", "definitions"];

/// A schema with its references put in place, and what was done to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Placed {
    /// Some led back to where they stood, and were cut.
    pub(super) cycles: bool,
    /// Some led nowhere, or there was no room for what they name.
    pub(super) lost: bool,
}

/// The schemas that references can name.
pub(super) struct Named<'t, 'a> {
    root: &'t Tree<'a>,
    listed: HashMap<(&'static str, &'t str), &'t Tree<'a>>,
}

struct Placing<'t, 'a> {
    named: &'t Named<'t, 'a>,
    /// The references that are open.
    open: Vec<String>,
    room: usize,
    /// The number of values that may still be searched for a name that is in no list.
    looks: usize,
    placed: Placed,
}

/// Puts what references name in their place, and takes out the list of what can be named.
pub(super) fn place(root: &mut Tree<'_>) -> Placed {
    let whole = root.clone();
    let named = Named::of(&whole);
    let size = whole.size_within(usize::MAX).unwrap_or(0);
    let room = size.saturating_mul(GROWTH).max(SMALL);
    let mut placing = Placing { named: &named, open: Vec::new(), room, looks: size, placed: Placed::default() };
    for list in LISTS {
        root.remove(list);
    }
    placing.schema(root, 0);
    placing.placed
}

/// The schema without a reference of its own: Bedrock wants to see at the top that it is an object.
pub(super) fn open<'a>(schema: &mut Tree<'a>, named: &Named<'_, 'a>) {
    let mut seen = Vec::new();
    while let Some(reference) = reference(schema).filter(|reference| !seen.contains(reference) && seen.len() < DEEPEST)
    {
        let Some((found, _)) = named.find(&reference) else { return };
        let (found, own) = (found.clone(), std::mem::replace(schema, Tree::Object(Vec::new())));
        *schema = beside(found, own);
        seen.push(reference);
    }
}

fn reference(schema: &Tree<'_>) -> Option<String> {
    schema.get("$ref").and_then(Tree::plain)
}

impl<'t, 'a> Named<'t, 'a> {
    pub(super) fn of(root: &'t Tree<'a>) -> Self {
        let lists = LISTS.into_iter().filter_map(|list| Some((list, root.get(list)?)));
        let listed = lists.flat_map(|(list, schemas)| {
            schemas.members().iter().map(move |(name, schema)| ((list, name.as_ref()), schema))
        });
        Self { root, listed: listed.collect() }
    }

    fn listed(&self, list: &'static str, name: &str) -> Option<&'t Tree<'a>> {
        let name = unescaped(name);
        self.listed.get(&(list, name.as_ref())).copied()
    }

    /// Finds the schema that `#/a/b` names; with it, the number of values that were searched.
    fn find(&self, reference: &str) -> Option<(&'t Tree<'a>, usize)> {
        let steps = reference.strip_prefix('#')?;
        if steps.is_empty() {
            return Some((self.root, 1));
        }
        let steps = steps.strip_prefix('/')?;
        for list in LISTS {
            let name = steps.strip_prefix(list).and_then(|rest| rest.strip_prefix('/'));
            if let Some(found) = name.and_then(|name| self.listed(list, name)) {
                return Some((found, 0));
            }
        }
        steps.split('/').try_fold((self.root, 0), |(at, looked), step| {
            let next = at.get(&unescaped(step)).or_else(|| at.items().get(step.parse::<usize>().ok()?))?;
            Some((next, looked + at.members().len() + 1))
        })
    }
}

impl<'a> Placing<'_, 'a> {
    fn schema(&mut self, schema: &mut Tree<'a>, depth: usize) {
        let Some(reference) = reference(schema) else {
            for inner in schema.within() {
                self.schema(inner, depth + 1);
            }
            return;
        };
        let again = self.open.contains(&reference);
        let found = Some(&self.named).filter(|_| self.looks > 0).and_then(|named| named.find(&reference));
        let found = found.map(|(found, looked)| {
            self.looks = self.looks.saturating_sub(looked);
            found
        });
        let size = found.filter(|_| !again && depth < DEEPEST).and_then(|found| found.size_within(self.room));
        self.placed.cycles |= again;
        self.placed.lost |= !again && size.is_none();
        let own = std::mem::replace(schema, Tree::Object(Vec::new()));
        let Some((found, size)) = found.zip(size) else {
            if found.is_some() && !again && depth < DEEPEST {
                // What is too much once is not measured again.
                self.room = 0;
            }
            *schema = beside(anything(found), own);
            return;
        };
        self.room -= size;
        let mut found = found.clone();
        LISTS.into_iter().for_each(|list| drop(found.remove(list)));
        self.open.push(reference);
        self.schema(&mut found, depth + 1);
        self.open.pop();
        *schema = beside(found, own);
    }
}

/// The stand-in for a schema that cannot be put in place: its type alone.
fn anything<'a>(named: Option<&Tree<'a>>) -> Tree<'a> {
    let kept = ["type", "description"].into_iter().filter_map(|name| {
        let value = named?.get(name)?;
        Some((Cow::Borrowed(name), Tree::Scalar(Cow::Owned(value.scalar()?.to_owned()))))
    });
    Tree::Object(kept.collect())
}

/// The named schema with the members beside the reference, which count more.
fn beside<'a>(mut named: Tree<'a>, own: Tree<'a>) -> Tree<'a> {
    let (Tree::Object(own), Some(members)) = (own, named.members_mut()) else { return named };
    if own.len() < 2 {
        return named;
    }
    let places: BTreeMap<Cow<'a, str>, usize> =
        members.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
    for (name, value) in own.into_iter().filter(|(name, _)| name != "$ref") {
        match places.get(&name).and_then(|at| members.get_mut(*at)) {
            Some((_, known)) => *known = value,
            None => members.push((name, value)),
        }
    }
    named
}

fn unescaped(step: &str) -> Cow<'_, str> {
    if step.contains('~') { Cow::Owned(step.replace("~1", "/").replace("~0", "~")) } else { Cow::Borrowed(step) }
}
