//! Every source file says first what it is for, and the documents' links lead somewhere.

use crate::workspace::root;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file of the project with this ending.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && !path.is_symlink() {
                if !matches!(name.as_str(), "target" | "node_modules" | "corpus" | "artifacts")
                    && !name.starts_with('.')
                {
                    folders.push(path);
                }
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "there are files that end in {ending}");
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn every_source_file_opens_with_one_sentence() {
    for file in files(".rs") {
        let text = text(&file);
        let opening: Vec<&str> =
            text.lines().map_while(|line| line.strip_prefix("//! ")).take_while(|line| !line.is_empty()).collect();
        assert!(!opening.is_empty(), "{} does not say what it is for", file.display());
        let said = opening.join(" ");
        assert!(said.contains('.') || said.contains(':'), "{}: a sentence ends: {said}", file.display());
    }
}

/// The most lines of unit tests at the end of the file that they test; more have a `tests.rs` of their own.
const MOST_INLINE: usize = 100;

#[test]
fn long_unit_tests_have_a_file_of_their_own() {
    let translate = root().join("crates/translate/src");
    for file in files(".rs").into_iter().filter(|file| file.starts_with(&translate)) {
        let inline = text(&file).lines().skip_while(|line| *line != "mod tests {").count();
        assert!(inline <= MOST_INLINE, "{}: {inline} lines of tests; move them to a tests.rs", file.display());
    }
}

#[test]
fn every_link_of_a_document_leads_to_a_file() {
    for file in files(".md") {
        for link in text(&file).split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let target = link.split_once('#').map_or(link, |(path, _)| path).trim().replace('\n', "");
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
            assert!(folder.join(&target).exists(), "{} links to {target}, which is not there", file.display());
        }
    }
}

#[test]
fn every_fixture_is_whole() {
    for request in files("1-client-request.json") {
        let has = |name: &str| request.with_file_name(name).exists();
        let name = request.display();
        let sent = has("2-bedrock-request.json") || has("2-openai-request.json");
        assert!(sent || has("4-client-answer.json"), "{name} has no outcome");
        if request.components().any(|part| part.as_os_str() == "openai_backend") {
            let told = has("4-client-stream.txt") || has("4-client-stream.jsonl");
            assert_eq!(told, has("3-openai-stream.txt"), "{name} lacks half of a stream");
            continue;
        }
        // A whole answer may be told as a stream.
        let told = has("4-client-stream.txt") == (has("3-bedrock-stream.jsonl") || has("3-bedrock-answer.json"));
        assert!(told || has("4-client-answer.json") && !has("3-bedrock-stream.jsonl"), "{name} lacks half of a stream");
    }
}

#[test]
fn every_folder_of_fixtures_was_read_by_somebody() {
    let mut folders = vec![root().join("fixtures")];
    while let Some(folder) = folders.pop() {
        assert!(!folder.join("NEW").exists(), "{} was never read by anybody", folder.display());
        folders.extend(fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
}

#[test]
fn every_point_about_reasoning_has_fixtures() {
    let names: Vec<String> = fs::read_dir(root().join("fixtures/reasoning"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|folder| folder.file_name().to_string_lossy().into_owned())
        .collect();
    let points = (1..=12).map(|point| format!("a{point:02}-")).chain((13..=19).map(|point| format!("b{point}-")));
    for point in points.chain((20..=28).map(|point| format!("c{point}-"))) {
        assert!(names.iter().any(|name| name.starts_with(&point)), "nothing is named {point}...");
    }
}
