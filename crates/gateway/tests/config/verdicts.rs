//! Every manifest of the shared corpus gets the verdict that is recorded for it.

use crate::support::{Outcome, no_file, printed};
use aquifer_gateway::config::{Source, load};
use std::path::PathBuf;

fn corpus() -> PathBuf {
    let shared = option_env!("AQUIFER_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    shared.join("corpus/crd")
}

fn load_one(name: &str, text: String) -> Outcome {
    load(&[Source { name: name.to_owned(), text }], &|_| None, &no_file)
}

#[test]
fn recorded_verdicts() {
    let folder = corpus();
    let Ok(verdicts) = std::fs::read_to_string(folder.join("verdicts.json")) else {
        println!("SKIPPED: no corpus of manifests at {}", folder.display());
        return;
    };
    let verdicts: Vec<serde_json::Value> = serde_json::from_str(&verdicts).unwrap();
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    for verdict in &verdicts {
        let name = verdict["file"].as_str().unwrap();
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        match (load_one(name, text), verdict["error_contains"].as_str()) {
            (Ok(_), None) => accepted += 1,
            (Err(mistakes), Some(expected)) if mistakes.iter().any(|m| m.to_string().contains(expected)) => {
                refused += 1
            }
            (Ok(_), Some(expected)) => wrong.push(format!("{name}: accepted, expected {expected}")),
            (Err(mistakes), expected) => {
                wrong.push(format!("{name}: expected {expected:?}, found\n  {}", printed(&mistakes).join("\n  ")));
            }
        }
    }
    println!("{} manifests: {accepted} accepted, {refused} refused, {} wrong", verdicts.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(accepted > 0 && refused > 0);
}
