//! The arrows between crates, and what the pure crates may reach at any depth.

use crate::workspace;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The arrows of ARCHITECTURE.md: a crate, and those of ours that it may name in its normal dependencies.
const ARROWS: &[(&str, &[&str])] = &[
    ("aquifer-translate", &[]),
    ("aquifer-gateway", &["aquifer-translate"]),
    ("aquifer-simulator", &[]),
    ("aquifer-sign", &["aquifer-gateway"]),
    ("aquifer-aws", &["aquifer-gateway", "aquifer-sign"]),
    ("aquifer-telemetry", &["aquifer-gateway"]),
    ("aquifer-chat", &[]),
    (
        "aquifer",
        &["aquifer-gateway", "aquifer-sign", "aquifer-aws", "aquifer-telemetry", "aquifer-simulator", "aquifer-chat"],
    ),
    ("aquifer-testing", &[]),
    ("aquifer-bench", &[]),
    ("xtask", &[]),
];

/// What tests share: a pure crate is tested without a runtime too.
const OF_TESTS: &str = "aquifer-testing";

/// The crates that only compute.
const PURE: &[&str] = &["aquifer-translate", "aquifer-gateway", "aquifer-sign"];

/// Runtimes, sockets, clocks, random sources, threads' helpers: a pure crate reaches none of them.
const IMPURE: &[&str] = &[
    "async-std",
    "chrono",
    "crossbeam",
    "crossbeam-channel",
    "fastrand",
    "futures-executor",
    "getrandom",
    "hyper",
    "hyper-util",
    "libc",
    "mio",
    "native-tls",
    "nix",
    "openssl",
    "polling",
    "rand",
    "rand_core",
    "rayon",
    "reqwest",
    "rustix",
    "rustls",
    "smol",
    "socket2",
    "time",
    "tokio",
    "tokio-util",
    "tracing",
    "ureq",
    "uuid",
    "wasi",
    "web-time",
    "windows-sys",
];

/// What is reached all the same: the crate, what it reaches, and why that is harmless.
const ALLOWED: &[(&str, &str, &str)] = &[
    (
        "aquifer-translate",
        "time",
        "tells the date of a time that it is given; without its `std` feature it has no clock",
    ),
    ("aquifer-gateway", "time", "parses RFC 3339 only; without its `std` feature it has no clock, checked below"),
    ("aquifer-sign", "time", "tells the date of a time that it is given; without its `std` feature it has no clock"),
    ("aquifer-sign", "libc", "through aquifer-gateway, see there"),
    (
        "aquifer-gateway",
        "uuid",
        "the parser of cel reads one out of its tables; without its `v4` feature it makes none",
    ),
    ("aquifer-sign", "uuid", "through aquifer-gateway, see there"),
    ("aquifer-gateway", "libc", "sha2 asks on ARM which instructions the processor has, and nothing else"),
];

/// The dependency graph as cargo resolved it.
struct Graph {
    names: BTreeMap<String, String>,
    versions: BTreeMap<String, String>,
    nodes: BTreeMap<String, Node>,
    members: Vec<String>,
}

struct Node {
    normal: Vec<String>,
    features: Vec<String>,
}

fn text(value: &Value) -> String {
    value.as_str().expect("cargo metadata has text here").to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("cargo metadata has a list here")
}

impl Graph {
    fn read() -> Self {
        let output = workspace::cargo_command()
            .args(["metadata", "--format-version", "1", "--locked"])
            .output()
            .expect("cargo metadata starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let all: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
        let node = |node: &Value| {
            let is_normal = |edge: &&Value| list(&edge["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            Node {
                normal: list(&node["deps"]).iter().filter(is_normal).map(|edge| text(&edge["pkg"])).collect(),
                features: list(&node["features"]).iter().map(text).collect(),
            }
        };
        Self {
            names: list(&all["packages"]).iter().map(|it| (text(&it["id"]), text(&it["name"]))).collect(),
            versions: list(&all["packages"]).iter().map(|it| (text(&it["id"]), text(&it["version"]))).collect(),
            nodes: list(&all["resolve"]["nodes"]).iter().map(|it| (text(&it["id"]), node(it))).collect(),
            members: list(&all["workspace_members"]).iter().map(text).collect(),
        }
    }

    fn name(&self, id: &str) -> &str {
        &self.names[id]
    }

    fn member(&self, name: &str) -> &str {
        let found = self.members.iter().find(|id| self.name(id) == name);
        found.unwrap_or_else(|| panic!("{name} is no crate of the workspace; the table in this file is old"))
    }

    /// Everything that a crate reaches through normal dependencies, itself included.
    fn reach(&self, id: &str) -> BTreeSet<&str> {
        let (mut seen, mut open) = (BTreeSet::new(), vec![id.to_owned()]);
        while let Some(id) = open.pop() {
            let (id, node) = self.nodes.get_key_value(&id).expect("every dependency is a node");
            if seen.insert(id.as_str()) {
                open.extend(node.normal.iter().cloned());
            }
        }
        seen
    }
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let graph = Graph::read();
    for id in &graph.members {
        let name = graph.name(id);
        let (_, allowed) = ARROWS.iter().find(|(of, _)| *of == name).unwrap_or_else(|| {
            panic!(
                "{name} has no row in ARROWS: say which crates of ours it may depend on, here and in ARCHITECTURE.md"
            )
        });
        for dependency in &graph.nodes[id].normal {
            let to = graph.name(dependency);
            let ours = graph.members.contains(dependency);
            assert!(!ours || allowed.contains(&to), "{name} depends on {to}, against the arrows of ARCHITECTURE.md");
        }
    }
}

#[test]
fn pure_crates_reach_no_runtime_socket_clock_or_random_source() {
    let graph = Graph::read();
    for pure in PURE {
        for id in graph.reach(graph.member(pure)) {
            let name = graph.name(id);
            let allowed = ALLOWED.iter().any(|(of, what, _)| of == pure && *what == name);
            assert!(allowed || !IMPURE.contains(&name), "{pure} reaches {name}; see ALLOWED if that is harmless");
        }
    }
}

#[test]
fn what_tests_share_reaches_no_runtime_and_no_program_reaches_it() {
    let graph = Graph::read();
    let found: Vec<&str> = graph.reach(graph.member(OF_TESTS)).into_iter().map(|id| graph.name(id)).collect();
    assert!(!found.iter().any(|name| IMPURE.contains(name)), "{OF_TESTS} reaches {found:?}");
    for id in graph.members.iter().filter(|id| graph.name(id) != OF_TESTS) {
        let reached = graph.reach(id).into_iter().any(|id| graph.name(id) == OF_TESTS);
        assert!(!reached, "{} reaches {OF_TESTS}, which is for dev-dependencies only", graph.name(id));
    }
}

#[test]
fn every_exception_is_still_needed() {
    let graph = Graph::read();
    for (of, what, reason) in ALLOWED {
        let reached = graph.reach(graph.member(of)).into_iter().any(|id| graph.name(id) == *what);
        assert!(reached, "{of} no longer reaches {what} ({reason}): take the exception out");
    }
}

/// `cargo deny check bans` says the same where it can be had; this needs no network.
#[test]
fn what_comes_in_two_versions_is_an_exception_of_deny_toml() {
    let graph = Graph::read();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for id in graph.nodes.keys() {
        versions.entry(graph.name(id)).or_default().push(&graph.versions[id]);
    }
    let mut doubles = BTreeSet::new();
    for (name, mut versions) in versions {
        let number = |part: &str| part.parse::<u64>().unwrap_or_default();
        versions.sort_by_key(|version| version.split('.').map(number).collect::<Vec<_>>());
        versions.pop();
        doubles.extend(versions.into_iter().map(|old| format!("{name}@{old}")));
    }
    let rules = std::fs::read_to_string(workspace::root().join("deny.toml")).expect("the rules are there");
    let exception = |line: &str| Some(line.trim().strip_prefix("{ crate = \"")?.split_once('"')?.0.to_owned());
    let exceptions: BTreeSet<String> = rules.lines().filter_map(exception).collect();
    assert!(rules.contains("multiple-versions = \"deny\""));
    assert_eq!(doubles, exceptions, "old versions of crates (left), and those that deny.toml names (right)");
}

/// The clock of `time` is behind its `std` feature. Cargo joins the features of one build, so what the hosts ask of
/// it counts too; what the workspace asks is what is checked.
#[test]
fn the_calendar_has_no_clock_of_its_own() {
    let manifest = std::fs::read_to_string(workspace::root().join("Cargo.toml")).expect("the manifest is there");
    let line = manifest.lines().find(|line| line.starts_with("time = ")).expect("time is in the manifest");
    assert!(line.contains("default-features = false") && !line.contains("\"std\""), "{line}");
    let graph = Graph::read();
    let id = graph.names.iter().find(|(_, name)| *name == "time").map(|(id, _)| id).expect("time is in the graph");
    assert!(graph.nodes[id].features.iter().any(|feature| feature == "parsing"));
}
