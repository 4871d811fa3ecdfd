//! Any bytes as a configuration end with an answer that has a place and shows no secret: the body of the fuzz target.

use aquifer_gateway::config::{Source, load};

/// Stands wherever a secret would; nobody may be told.
const MARKER: &str = "THE-SECRET-OF-THE-FILE";

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    // To YAML a carriage return alone ends a line too.
    let lines = text.matches(['\n', '\r']).count() + 2;
    let secret = format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\nstringData: {{a: {MARKER}}}\n");
    let sources = [Source { name: "damaged".to_owned(), text }, Source { name: "secret".to_owned(), text: secret }];
    let read = || load(&sources, &|_| Some(MARKER.to_owned()), &|_| Ok(MARKER.to_owned()));
    let told: Vec<String> = match read() {
        Ok(config) => config.notices.iter().map(ToString::to_string).collect(),
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "a mistake has a reason");
            assert!(mistakes.iter().all(|mistake| mistake.line <= lines), "a mistake has a place");
            mistakes.iter().map(ToString::to_string).collect()
        }
    };
    assert!(!told.iter().any(|line| line.contains(MARKER)), "a secret is told");
    let again: Vec<String> = match read() {
        Ok(config) => config.notices.iter().map(ToString::to_string).collect(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    };
    assert!(told == again, "the same file, the same answer");
}
