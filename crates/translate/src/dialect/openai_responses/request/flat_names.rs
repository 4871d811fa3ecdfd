//! The names by which a model calls the tools of a request: one for each, although a namespace may give a name again.

use crate::dialect::openai_responses::request::{CalledForm, CalledKind};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Stands between a namespace and a name in it.
const BETWEEN: &str = "__";

/// A tool, as its client names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClientName<'a> {
    pub(super) namespace: Option<Cow<'a, str>>,
    pub(super) name: Cow<'a, str>,
}

/// The flat name of each tool, and its form where it is no plain function.
#[derive(Default)]
pub(super) struct FlatNames<'a> {
    flat: BTreeMap<ClientName<'a>, String>,
    taken: BTreeSet<String>,
    /// The flat names of tools in namespaces, by the name alone, which some clients send back.
    inner: BTreeMap<String, String>,
    /// The forms of tools that are no plain functions, by their flat names.
    pub(super) forms: BTreeMap<String, CalledForm>,
    /// The flat names of tools whose arguments are no object.
    pub(super) wrapped: BTreeSet<String>,
}

impl<'a> ClientName<'a> {
    fn joined(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}{BETWEEN}{}", self.name),
            None => self.name.as_ref().to_owned(),
        }
    }

    fn form(&self, kind: CalledKind) -> CalledForm {
        let namespace = self.namespace.as_ref().map(|namespace| namespace.as_ref().to_owned());
        CalledForm { kind, name: self.name.as_ref().to_owned(), namespace }
    }
}

impl<'a> FlatNames<'a> {
    /// The flat name of one more tool; the same one where it is known already.
    pub(super) fn add(&mut self, named: ClientName<'a>, kind: CalledKind) -> String {
        let flat = match self.flat.get(&named) {
            Some(flat) => flat.clone(),
            None => self.unused(named.joined()),
        };
        if named.namespace.is_some() {
            self.inner.entry(named.name.as_ref().to_owned()).or_insert_with(|| flat.clone());
        }
        match kind == CalledKind::Function && named.namespace.is_none() && named.name == flat {
            true => drop(self.forms.remove(&flat)),
            false => drop(self.forms.insert(flat.clone(), named.form(kind))),
        }
        self.flat.insert(named, flat.clone());
        flat
    }

    /// The flat name of a tool in a history, whether it is still offered or not.
    pub(super) fn known(&self, named: ClientName<'a>) -> Cow<'a, str> {
        if let Some(flat) = self.flat.get(&named) {
            return Cow::Owned(flat.clone());
        }
        match named.namespace {
            Some(_) => Cow::Owned(named.joined()),
            None => match self.inner.get(named.name.as_ref()) {
                Some(flat) => Cow::Owned(flat.clone()),
                None => named.name,
            },
        }
    }

    /// The flat name of an offered tool.
    pub(super) fn offered(&self, named: &ClientName<'a>) -> Option<&str> {
        let known = self.flat.get(named).or_else(|| match named.namespace {
            Some(_) => None,
            None => self.inner.get(named.name.as_ref()),
        });
        known.map(String::as_str)
    }

    /// A name that no other tool has.
    fn unused(&mut self, wanted: String) -> String {
        let mut flat = wanted.clone();
        let mut number = 1;
        while !self.taken.insert(flat.clone()) {
            number += 1;
            flat = format!("{wanted}_{number}");
        }
        flat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(namespace: Option<&'static str>, name: &'static str) -> ClientName<'static> {
        ClientName { namespace: namespace.map(Cow::Borrowed), name: Cow::Borrowed(name) }
    }

    #[test]
    fn every_tool_has_a_flat_name_of_its_own_and_comes_back() {
        let mut names = FlatNames::default();
        assert_eq!(names.add(named(None, "a__b"), CalledKind::Function), "a__b");
        assert_eq!(names.add(named(Some("a"), "b"), CalledKind::Function), "a__b_2");
        assert_eq!(names.add(named(Some("a"), "b"), CalledKind::Custom), "a__b_2");
        assert!(!names.forms.contains_key("a__b"));
        let form = names.forms.get("a__b_2").unwrap();
        assert_eq!((form.kind, form.name.as_str(), form.namespace.as_deref()), (CalledKind::Custom, "b", Some("a")));
        assert_eq!(names.known(named(Some("a"), "b")), "a__b_2");
        assert_eq!(names.known(named(None, "b")), "a__b_2");
        assert_eq!(names.known(named(Some("gone"), "b")), "gone__b");
        assert_eq!(names.offered(&named(None, "c")), None);
    }
}
