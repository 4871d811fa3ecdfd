//! Names: a public type has a name of its own in the workspace, and habits that hide what a function does become rarer.

use super::source::{Crate, crates};
use std::collections::BTreeMap;

/// Names of public types that are defined more than once. Those of the first line are an enum over all dialects or APIs and
/// what each of these has under that name; the others stay until they are renamed.
const DOUBLES: &[&str] = &[
    "Asked", "Manner", "Reader", "Style", "Writer", //
    "Failure", "Kind", "Limits", "Sampling",
];

/// Closures that have a name and are used once. The number may only fall.
const CLOSURES_USED_ONCE: usize = 119;

/// Parameters of functions and closures that are tuples, taken apart where they stand. The number may only fall.
const TUPLE_PARAMETERS: usize = 303;

#[test]
fn a_public_type_has_a_name_of_its_own() {
    let mut defined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for of in crates() {
        for module in &of.modules {
            for name in &module.public_types {
                defined.entry(name.clone()).or_default().push(format!("{}::{}", of.name, module.path));
            }
        }
    }
    defined.retain(|_, places| places.len() > 1);
    let new: Vec<_> = defined.iter().filter(|(name, _)| !DOUBLES.contains(&name.as_str())).collect();
    let gone: Vec<_> = DOUBLES.iter().filter(|name| !defined.contains_key(**name)).collect();
    assert!(new.is_empty(), "defined more than once: {new:#?}");
    assert!(gone.is_empty(), "defined once only by now; take them out of the list: {gone:?}");
}

#[test]
fn closures_with_names_that_are_used_once_become_fewer() {
    ratchet("closures that are named and used once", CLOSURES_USED_ONCE, |of| {
        of.modules.iter().map(|module| module.closures_used_once.len()).sum()
    });
}

#[test]
fn parameters_that_are_tuples_become_fewer() {
    ratchet("parameters that are tuples", TUPLE_PARAMETERS, |of| {
        of.modules.iter().map(|module| module.tuple_parameters).sum()
    });
}

/// The count over all crates may only fall, and the limit with it.
fn ratchet(what: &str, limit: usize, count: impl Fn(&Crate) -> usize) {
    let each: BTreeMap<String, usize> = crates().iter().map(|of| (of.name.clone(), count(of))).collect();
    let all: usize = each.values().sum();
    assert!(all <= limit, "{what}: {all}, and there may be {limit}: {each:?}");
    assert!(all == limit, "{what}: {all}, fewer than {limit}: lower the limit");
}
