//! The warnings of a request, gathered while it is read, and the counts that its limits apply to.

use super::json::{Node, Object};
use crate::fault::{Fault, Mistake};
use crate::limits::{self, Limits};
use crate::model::field_ref::FieldRef;
use crate::warning::Warning;
use std::collections::BTreeSet;

/// The most warnings that name a field of their own.
const MOST: usize = 20;

/// The warnings of one request: one for each kind of place, whatever the number of messages.
#[derive(Default)]
pub(super) struct Notes {
    warnings: Vec<Warning>,
    places: Vec<String>,
    unnamed: usize,
    /// The limits of one request.
    pub(super) limits: Limits,
    blocks: usize,
    documents: usize,
    images: usize,
    /// The tools whose arguments are no object.
    pub(super) wrapped: BTreeSet<String>,
}

impl Notes {
    /// Nothing so far.
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Counts more content blocks.
    pub(super) fn blocks(&mut self, more: usize) -> Result<(), Fault> {
        self.blocks += more;
        let (count, most) = (self.blocks, self.limits.content_blocks);
        limits::at_most("messages", count, most, "content blocks in all", "--max-content-blocks")
    }

    /// Counts one more document.
    pub(super) fn document(&mut self) -> Result<(), Fault> {
        self.documents += 1;
        limits::at_most("messages", self.documents, self.limits.documents, "documents in all", "--max-documents")
    }

    /// Counts one more image.
    pub(super) fn image(&mut self) -> Result<(), Fault> {
        self.images += 1;
        limits::at_most("messages", self.images, self.limits.images, "images in all", "--max-images")
    }

    /// The field has no effect.
    pub(super) fn ignored(&mut self, node: &Node<'_, '_>, why: &str) {
        self.add(node, |field| Warning::ignored(field, why));
    }

    /// The field, or what it holds, is not sent.
    pub(super) fn dropped(&mut self, node: &Node<'_, '_>, why: &str) {
        self.add(node, |field| Warning::dropped(field, why));
    }

    /// The field is not sent; each one is named, of however many in one list.
    pub(super) fn dropped_each(&mut self, node: &Node<'_, '_>, why: &str) {
        let place = if self.is_full() { String::new() } else { node.at.to_string() };
        self.add_at(place, node, |field| Warning::dropped(field, why));
    }

    /// The field is sent with another value.
    pub(super) fn changed(&mut self, node: &Node<'_, '_>, why: &str) {
        self.add(node, |field| Warning::changed(field, why));
    }

    /// The field that this fault misses was filled in; told once for each reason.
    pub(super) fn added(&mut self, missing: &Fault, why: &str) {
        let Fault::ClientMistaken(Mistake { field: Some(field), .. }) = missing else { return };
        if !self.warnings.iter().any(|known| known.why == why) {
            self.warnings.push(Warning::changed(field.clone(), why));
        }
    }

    /// The field says otherwise than another one, which counts before it.
    pub(super) fn passed_over(&mut self, field: &'static str, counts: &str) {
        let why = format!("`{counts}` says otherwise and counts before it");
        self.warnings.push(Warning::ignored(FieldRef::own(field), why));
    }

    /// Names the members that are not `known`.
    pub(super) fn unknown(&mut self, object: &Object<'_, '_>, known: &[&str]) {
        self.unknown_to(object, &[known]);
    }

    /// Names the members that are not in any of these.
    pub(super) fn unknown_to(&mut self, object: &Object<'_, '_>, known: &[&[&str]]) {
        for node in object.strangers(known) {
            self.ignored(&node, "unknown field");
        }
    }

    /// All of them, with one more that counts those that were too many to name.
    pub(super) fn finish(mut self) -> Vec<Warning> {
        if self.unnamed > 0 {
            let why = format!("{} more fields were ignored or changed", self.unnamed);
            self.warnings.push(Warning::ignored(FieldRef::Others, why));
        }
        self.warnings
    }

    fn add(&mut self, node: &Node<'_, '_>, warning: impl FnOnce(FieldRef) -> Warning) {
        let place = if self.is_full() { String::new() } else { format!("{:#}", node.at) };
        self.add_at(place, node, warning);
    }

    /// Whether no more warnings name a field of their own.
    fn is_full(&self) -> bool {
        self.warnings.len() >= MOST
    }

    /// Adds a warning, unless one was given for the same place.
    fn add_at(&mut self, place: String, node: &Node<'_, '_>, warning: impl FnOnce(FieldRef) -> Warning) {
        if self.is_full() {
            self.unnamed += 1;
            return;
        }
        if !self.places.contains(&place) {
            self.places.push(place);
            self.warnings.push(warning(FieldRef::own(node.at.to_string())));
        }
    }
}
