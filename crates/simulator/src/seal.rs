//! Seals: what a signature says about the thought that it belongs to, and how that is read back.

use crate::talk;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The beginning of every seal.
const MARK: &str = "simulated";

/// Stands for the text of a redacted block, so that its seal is no signature.
pub(crate) const UNSHOWN: &str = "\0";

/// What is sealed. No cryptography: a sum (FNV-1a) shows that nobody else wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    /// The id of the model that thought.
    pub(crate) model: String,
    /// The sum of the text that is shown, or of [`UNSHOWN`].
    pub(crate) text: u64,
    pub(crate) place: Place,
    pub(crate) bond: Bond,
}

/// Where in its turn a thought stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which of the turn's thoughts it is.
    pub(crate) at: usize,
    /// How many of them there are.
    pub(crate) of: usize,
    /// How many runs of other blocks stand before it.
    pub(crate) runs: usize,
}

/// What was before the turn of a thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bond {
    /// The system prompt, the tools and the messages, without thoughts and cache points.
    pub(crate) prefix: u64,
    /// The last thought before; 0 when there is none.
    pub(crate) thought: u64,
}

pub(crate) fn sum(bytes: &str) -> u64 {
    bytes.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Seal {
    /// The seal as a string of base64.
    pub(crate) fn written(&self) -> String {
        let Self { model, text, place, bond } = self;
        let said = format!(
            "{MARK}|{model}|{text:016x}|{}|{}|{}|{:016x}|{:016x}",
            place.at, place.of, place.runs, bond.prefix, bond.thought
        );
        STANDARD.encode(format!("{said}|{:016x}", sum(&said)))
    }

    /// Reads a seal; nothing when this simulator did not make it.
    pub(crate) fn read(written: &str) -> Option<Self> {
        let said = String::from_utf8(STANDARD.decode(written).ok()?).ok()?;
        let (said, check) = said.rsplit_once('|')?;
        if number(check)? != sum(said) {
            return None;
        }
        let mut parts = said.split('|');
        if parts.next()? != MARK {
            return None;
        }
        let model = parts.next()?.to_owned();
        let text = number(parts.next()?)?;
        let mut count = || parts.next()?.parse().ok();
        let place = Place { at: count()?, of: count()?, runs: count()? };
        let bond = Bond { prefix: number(parts.next()?)?, thought: number(parts.next()?)? };
        Some(Self { model, text, place, bond })
    }
}

fn number(hex: &str) -> Option<u64> {
    u64::from_str_radix(hex, 16).ok()
}

/// The bytes of a redacted block: Anthropic's are a string of base64, OpenAI's a token.
pub(crate) fn redacted(seal: &Seal, vendor: &str) -> Vec<u8> {
    let prefix = if vendor == "openai" { "rsn_" } else { "" };
    format!("{prefix}{}", seal.written()).into_bytes()
}

/// The seal inside a redacted block, as the JSON has it.
pub(crate) fn unredacted(data: &str, vendor: &str) -> Option<Seal> {
    let bytes = String::from_utf8(STANDARD.decode(data).ok()?).ok()?;
    let written = if vendor == "openai" { bytes.strip_prefix("rsn_")? } else { &bytes };
    Seal::read(written)
}

/// The seal of a block, and what the model checks first: that there is one.
pub(crate) fn of_block(block: &Value, vendor: &str) -> Option<Seal> {
    let reasoning = &block["reasoningContent"];
    match reasoning["redactedContent"].as_str() {
        Some(data) => unredacted(data, vendor),
        None => Seal::read(reasoning["reasoningText"]["signature"].as_str()?),
    }
}

/// The bond of a thought in the turn at `turn`.
pub(crate) fn bond(body: &Value, turn: usize) -> Bond {
    let before = talk::turns(body).get(..turn).unwrap_or_default();
    let plain = |blocks: &Value| -> Vec<Value> {
        let blocks = blocks.as_array().into_iter().flatten();
        blocks.filter(|block| block["cachePoint"].is_null()).cloned().collect()
    };
    let seen = |turn: &Value| {
        let blocks = talk::visible(turn).map(|(_, block)| block).filter(|block| !talk::is_reasoning(block));
        (turn["role"].clone(), blocks.cloned().collect::<Vec<_>>())
    };
    let all = serde_json::json!([
        plain(&body["system"]),
        plain(&body["toolConfig"]["tools"]),
        before.iter().map(seen).collect::<Vec<_>>(),
    ]);
    let thought = before.iter().flat_map(talk::content).rfind(|block| talk::is_reasoning(block));
    Bond { prefix: sum(&all.to_string()), thought: thought.map_or(0, mark) }
}

/// What names a thought to the next one.
fn mark(block: &Value) -> u64 {
    let reasoning = &block["reasoningContent"];
    let opaque = reasoning["redactedContent"].as_str().or_else(|| reasoning["reasoningText"]["signature"].as_str());
    sum(opaque.unwrap_or_default())
}

/// The places of the thoughts of one turn, told which of its blocks are thoughts.
pub(crate) fn places(thoughts: impl Iterator<Item = bool>) -> Vec<Place> {
    let (mut runs, mut before) = (0, true);
    let mut places = Vec::new();
    for thought in thoughts {
        if thought {
            places.push(Place { at: places.len(), of: 0, runs });
        } else if before {
            runs += 1;
        }
        before = thought;
    }
    let of = places.len();
    places.iter_mut().for_each(|place| place.of = of);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_read_as_it_was_written_and_only_so() {
        let place = Place { at: 1, of: 2, runs: 1 };
        let seal = Seal {
            model: "anthropic.claude-sonnet-4-20250514-v1:0".to_owned(),
            text: sum("Hm."),
            place,
            bond: Bond { prefix: 7, thought: 0 },
        };
        let written = seal.written();
        assert_eq!(Seal::read(&written), Some(seal.clone()));
        let said = String::from_utf8(STANDARD.decode(&written).unwrap()).unwrap();
        assert_eq!(Seal::read(&STANDARD.encode(said.replace("|1|2|", "|0|2|"))), None, "altered");
        assert_eq!(Seal::read("c2ln"), None, "somebody else's");
        let data = STANDARD.encode(redacted(&seal, "openai"));
        assert_eq!(unredacted(&data, "openai"), Some(seal));
        assert_eq!(unredacted(&data, "anthropic"), None);
    }

    #[test]
    fn places_count_runs_and_not_blocks() {
        let at = |kinds: &str| {
            places(kinds.bytes().map(|kind| kind == b'r')).iter().map(|place| place.runs).collect::<Vec<_>>()
        };
        assert_eq!(at("rrt"), [0, 0]);
        assert_eq!(at("rtrt"), [0, 1]);
        assert_eq!(at("rttrt"), [0, 1]);
        assert_eq!(at("trt"), [1]);
    }
}
