//! Imports: which module names which, that folders name each other only along their arrows, and that no circle is among
//! modules. A module and those inside it may name each other. One dialect, or one API, is named by nobody outside its folder.

use super::source::{Crate, Module, crates};
use std::collections::{BTreeMap, BTreeSet};

/// What the top folders of `translate` may name of each other; `lib.rs` and what is not listed may name anything.
const TRANSLATE: [(&str, &[&str]); 8] = [
    ("wire", &["wire"]),
    ("fault", &["fault", "model", "wire"]),
    ("warning", &["warning", "model"]),
    ("limits", &["limits", "model", "fault", "wire"]),
    ("model", &["model", "wire", "fault", "limits"]),
    ("catalogue", &["catalogue", "model", "warning", "fault", "wire"]),
    ("dialect", &["dialect", "model", "wire", "fault", "warning", "limits", "catalogue"]),
    ("bedrock", &["bedrock", "model", "wire", "fault", "warning", "limits", "catalogue"]),
];

/// Names that break the rule above, each until it is gone.
const TRANSLATE_ALLOWED: &[(&str, &str)] = &[];

/// Circles that are still there, as the modules in them. Take one out when it is opened.
const CIRCLES: &[&[&str]] = &[];

/// Who names whom in a crate: modules by their paths.
fn arrows(of: &Crate) -> BTreeMap<String, BTreeSet<String>> {
    let known: BTreeSet<&str> = of.modules.iter().map(|module| module.path.as_str()).collect();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for module in &of.modules {
        let to = arrows.entry(module.path.clone()).or_default();
        for name in &module.names {
            if let Some(target) = target(module, name, &known).filter(|target| !is_inside(&module.path, target)) {
                to.insert(target);
            }
        }
    }
    arrows
}

/// The module that a path leads to, if it is one of this crate.
fn target(from: &Module, name: &[String], known: &BTreeSet<&str>) -> Option<String> {
    let (first, rest) = name.split_first()?;
    let mut at: Vec<&str> = from.path.split("::").filter(|part| !part.is_empty()).collect();
    let mut rest = rest.iter().map(String::as_str).peekable();
    match first.as_str() {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            at.pop();
            while rest.next_if_eq(&"super").is_some() {
                at.pop();
            }
        }
        child => {
            at.push(child);
            if !known.contains(at.join("::").as_str()) {
                return None;
            }
        }
    }
    let mut found = at.join("::");
    for part in rest {
        at.push(part);
        let longer = at.join("::");
        if !known.contains(longer.as_str()) {
            break;
        }
        found = longer;
    }
    Some(found)
}

/// Whether one of the two is the other, or inside it.
fn is_inside(one: &str, other: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        outer.is_empty() || inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with("::"))
    };
    within(one, other) || within(other, one)
}

/// Sets of modules of which each leads to each other one.
fn circles(arrows: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<BTreeSet<String>> {
    let reached = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(to) = open.pop().and_then(|at| arrows.get(at)) {
            open.extend(to.iter().filter(|to| seen.insert((*to).clone())));
        }
        seen
    };
    let reach: BTreeMap<&String, BTreeSet<String>> = arrows.keys().map(|module| (module, reached(module))).collect();
    let in_circle = |module: &&String| reach.get(module).is_some_and(|reached| reached.contains(*module));
    let circle_of = |module: &String| {
        let mutual = |other: &&&String| {
            reach.get(module).is_some_and(|reached| reached.contains(**other))
                && reach.get(**other).is_some_and(|reached| reached.contains(module))
        };
        reach.keys().filter(mutual).map(|other| (*other).clone()).collect::<BTreeSet<String>>()
    };
    arrows.keys().filter(in_circle).map(circle_of).collect()
}

#[test]
fn no_circle_is_among_the_modules_of_a_crate() {
    let mut found = BTreeSet::new();
    for of in crates() {
        let named = |module: &String| format!("{}::{module}", of.name);
        found.extend(circles(&arrows(&of)).iter().map(|circle| circle.iter().map(named).collect::<BTreeSet<String>>()));
    }
    let allowed: BTreeSet<BTreeSet<String>> =
        CIRCLES.iter().map(|circle| circle.iter().map(|module| (*module).to_owned()).collect()).collect();
    let new: Vec<_> = found.difference(&allowed).collect();
    let gone: Vec<_> = allowed.difference(&found).collect();
    assert!(new.is_empty(), "circles of modules: {new:#?}");
    assert!(gone.is_empty(), "no circles any more; take them out of the list: {gone:#?}");
}

#[test]
fn the_folders_of_translate_name_each_other_along_their_arrows() {
    let translate = crates().into_iter().find(|of| of.name == "translate").expect("translate");
    let top = |path: &str| path.split("::").next().unwrap_or_default().to_owned();
    let mut broken = BTreeSet::new();
    for (from, to) in arrows(&translate) {
        let Some((_, may)) = TRANSLATE.iter().find(|(folder, _)| *folder == top(&from)) else { continue };
        for to in to.iter().filter(|to| !to.is_empty() && !may.contains(&top(to).as_str())) {
            broken.insert((from.clone(), to.clone()));
        }
    }
    let allowed: BTreeSet<(String, String)> =
        TRANSLATE_ALLOWED.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
    let new: Vec<_> = broken.difference(&allowed).collect();
    let gone: Vec<_> = allowed.difference(&broken).collect();
    assert!(new.is_empty(), "names against the arrows: {new:#?}");
    assert!(gone.is_empty(), "these are gone; take them out of the list: {gone:#?}");
}

#[test]
fn the_pure_crates_know_no_future() {
    let waits = |name: &[String]| name.iter().any(|part| matches!(part.as_str(), "Future" | "IntoFuture"));
    for of in crates().iter().filter(|of| matches!(of.name.as_str(), "translate" | "gateway" | "sign")) {
        let waiting: Vec<&str> = of
            .modules
            .iter()
            .filter(|module| module.names.iter().any(|name| waits(name)))
            .map(|module| module.path.as_str())
            .collect();
        assert!(waiting.is_empty(), "a host that has no runtime cannot use {waiting:?} of {}", of.name);
    }
}

#[test]
fn one_dialect_and_one_api_are_named_in_their_lists_alone() {
    let translate = crates().into_iter().find(|of| of.name == "translate").expect("translate");
    let within = |path: &str, folder: &str| path == folder || path.starts_with(&format!("{folder}::"));
    for (from, to) in arrows(&translate) {
        for folder in ["dialect", "bedrock"].into_iter().filter(|folder| !within(&from, folder)) {
            let named: Vec<_> = to.iter().filter(|to| within(to, folder) && to.contains("::")).collect();
            assert!(named.is_empty(), "{from} names {named:?}; the list in `{folder}/mod.rs` has what it needs");
        }
    }
}

#[test]
fn a_circle_is_found_and_a_line_is_none() {
    let arrow = |from: &str, to: &[&str]| (from.to_owned(), to.iter().map(|to| (*to).to_owned()).collect());
    let line = BTreeMap::from([arrow("a", &["b"]), arrow("b", &["c"]), arrow("c", &[])]);
    assert!(circles(&line).is_empty());
    let round = BTreeMap::from([arrow("a", &["b"]), arrow("b", &["c"]), arrow("c", &["a"]), arrow("d", &["a"])]);
    assert_eq!(circles(&round), BTreeSet::from([["a", "b", "c"].map(str::to_owned).into()]));
    assert!(is_inside("a::b", "a") && !is_inside("ab", "a") && is_inside("", "a"));
}
