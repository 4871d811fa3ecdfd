//! Ids of calls as clients want them: some rename what does not begin with `call_` or is longer than 40 characters.

use super::text::Text;

/// The prefix of an id for clients, and the longest id.
const BEGINS: &str = "call_";
const LONGEST: usize = 40;
/// The prefixes of most ids that models behind Bedrock make, by which these are told from a client's own.
const THEIRS: [&str; 4] = ["tooluse_", "toolu_", "functions.", "chatcmpl-tool-"];
/// The prefix that marks other ids of models.
const MARKED: &str = "call_br_";

/// The id that a client is shown, of one as Bedrock gave it.
#[must_use]
pub fn shown<'t>(id: &'t Text<'_>) -> Text<'t> {
    let plain = id.plain();
    if plain.starts_with(BEGINS) && plain.len() <= LONGEST {
        return id.borrowed();
    }
    let before = if is_theirs(&plain) { BEGINS } else { MARKED };
    if plain.len() + before.len() <= LONGEST {
        return Text::from_escaped(format!("{before}{}", id.as_escaped()));
    }
    // Its own end says most of it: what stands before is the same for many.
    let kept = plain.strip_prefix(BEGINS).unwrap_or(&plain);
    let skipped = kept.chars().count().saturating_sub(LONGEST - BEGINS.len() - 17);
    let kept: String = kept.chars().skip(skipped).map(|letter| if letter.is_ascii() { letter } else { '_' }).collect();
    Text::from_plain(format!("{BEGINS}{:016x}_{kept}", fingerprint(&plain)))
}

/// The id as Bedrock gave it, of one that a client was shown and sends back; another's id stays.
#[must_use]
pub fn given(id: Text<'_>) -> Text<'_> {
    match stripped(id.as_escaped()) {
        Some(rest) => Text::from_escaped(rest.to_owned()),
        None => id,
    }
}

/// The id under which a call is known on both ways: what comes back for one that Bedrock gave.
#[must_use]
pub fn known<'t>(id: &'t Text<'_>) -> Text<'t> {
    given(shown(id))
}

fn is_theirs(id: &str) -> bool {
    THEIRS.iter().any(|begins| id.starts_with(begins))
}

fn stripped(escaped: &str) -> Option<&str> {
    let theirs = escaped.strip_prefix(BEGINS).filter(|rest| is_theirs(rest));
    theirs.or_else(|| escaped.strip_prefix(MARKED))
}

/// FNV-1a, the same on every machine and in every version: bodies are byte-stable.
#[must_use]
pub fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_as_clients_want_them_and_come_back() {
        for (id, expected) in [
            ("tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", "call_tooluse_kZJMlvQmRJ6eAyJE5GIl7Q"),
            ("functions.glob_search:0", "call_functions.glob_search:0"),
            ("call_abc", "call_abc"),
            ("aB3dE6gH9", "call_br_aB3dE6gH9"),
        ] {
            let id = Text::from_plain(id);
            assert_eq!(shown(&id).plain(), expected);
        }
        for id in ["tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", "functions.glob_search:0", "call_abc", "aB3dE6gH9", "ä"] {
            let id = Text::from_plain(id);
            assert_eq!(given(shown(&id)), id);
        }
        let own = Text::from_plain("call_1");
        assert_eq!(given(own.clone()), own, "a client's own");
    }

    #[test]
    fn a_long_id_is_shortened_and_known_by_that() {
        for long in [format!("chatcmpl-tool-{}", "0af".repeat(11)), "ä".repeat(30), format!("call_{}", "x".repeat(50))]
        {
            let id = Text::from_plain(long.clone());
            let other = Text::from_plain(long + "y");
            let short = shown(&id).plain().into_owned();
            assert!(short.starts_with("call_") && short.len() <= 40, "{short}");
            assert_ne!(shown(&other).plain(), short);
            assert_eq!(known(&id).plain(), short, "sent as it was shown");
        }
    }
}
