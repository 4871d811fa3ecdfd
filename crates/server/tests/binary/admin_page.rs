//! The admin page that is embedded is what its sources build: checked by hashes, without Node.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const ASSETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/admin");
const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web");

fn sha256(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    digest(&SHA256, &bytes).as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text has room");
        text
    })
}

fn manifest() -> Value {
    let text = fs::read_to_string(Path::new(ASSETS).join("manifest.json")).expect("the page has a manifest");
    serde_json::from_str(&text).expect("the manifest is JSON")
}

/// Names and hashes of a part of the manifest.
fn told(part: &str) -> BTreeMap<String, String> {
    serde_json::from_value(manifest()[part].clone()).expect("the manifest has names and hashes")
}

/// Every file below a folder of `web`, by its path from `web`.
fn sources() -> Vec<PathBuf> {
    let mut folders = vec![Path::new(WEB).join("src")];
    let mut found: Vec<PathBuf> = ["build.mjs", "package.json", "package-lock.json"].map(PathBuf::from).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => found.push(path.strip_prefix(WEB).expect("it is below").to_owned()),
            }
        }
    }
    found
}

#[test]
fn the_page_is_what_its_sources_build() {
    let read: BTreeMap<String, String> =
        sources().into_iter().map(|name| (name.display().to_string(), sha256(&Path::new(WEB).join(&name)))).collect();
    assert_eq!(told("inputs"), read, "the sources of the admin page changed: run `cargo xtask web`");
}

#[test]
fn the_embedded_files_are_those_that_were_built() {
    for (name, hash) in told("outputs") {
        assert_eq!(sha256(&Path::new(ASSETS).join(&name)), hash, "{name} was changed by hand: run `cargo xtask web`");
        assert!(Path::new(ASSETS).join(format!("{name}.gz")).is_file(), "{name}.gz is missing: run `cargo xtask web`");
    }
    let files = fs::read_dir(ASSETS).expect("the assets").count();
    assert_eq!(files, told("outputs").len() * 2 + 1, "a file too many in {ASSETS}: run `cargo xtask web`");
}

#[test]
fn the_lock_file_names_no_registry() {
    let lock = fs::read_to_string(Path::new(WEB).join("package-lock.json")).expect("there is a lock file");
    assert!(!lock.contains("\"resolved\""), "install with `--omit-lockfile-registry-resolved`");
    assert!(lock.contains("\"integrity\""), "the lock file pins every package by its hash");
}
