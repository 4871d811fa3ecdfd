//! Any bytes as a file of seal keys are keys that open what they seal, or mistakes with their lines that show no key: the body
//! of the fuzz target.

use aquifer_gateway::seal_keys::parse;
use aquifer_gateway::translate::dialect::openai_responses::seal_keys::SealedThought;
use aquifer_gateway::translate::model::request_id::RequestId;

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match parse(&text) {
        Ok(keys) => {
            let seal = keys.seal(&SealedThought::default(), RequestId(1), 0);
            assert!(keys.open(&seal).is_some(), "the first key seals, and opens");
            assert_eq!(format!("{keys:?}"), "SealKeys(***)");
        }
        Err(bad) => {
            assert!(!bad.is_empty());
            for mistake in bad {
                assert!((1..=text.lines().count().max(1)).contains(&mistake.line), "it has a place");
                let line = text.lines().nth(mistake.line - 1).unwrap_or_default().trim();
                assert!(line.len() < 12 || !mistake.message.contains(line), "no key is shown");
            }
        }
    }
}

#[test]
fn holds_for_bytes_of_every_kind() {
    aquifer_testing::bodies::give_any_bytes(run);
}

#[test]
fn holds_for_damaged_files() {
    let (hex, base64) = ("0a".repeat(32), "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
    let seeds =
        [format!("# now\n{hex}\n{base64}\n"), hex.clone(), format!("{hex}\n").repeat(17), format!("{base64}\r\n\n")];
    aquifer_testing::bodies::damage(&seeds.map(String::into_bytes), run);
}
