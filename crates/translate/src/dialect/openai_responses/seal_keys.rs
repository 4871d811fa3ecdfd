//! The keys by which reasoning is sealed into `encrypted_content`, and the envelope that they seal.
//!
//! A seal is base64 of: its version (one byte), a salt (16 bytes: the random id of the exchange), the number of the item
//! (four bytes), then the envelope under AES-256-GCM with its tag. The key of each exchange is made from a master key and
//! the salt by HMAC-SHA-256, and the item's number is the nonce under it: so no nonce comes twice, whatever the number of
//! exchanges and of replicas that share a key. The first of the master keys seals, and each of them opens.
//!
//! The envelope is JSON, so that later versions can say more in it.

use crate::model::issuer::Mark;
use crate::model::request_id::RequestId;
use crate::model::text::Text;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use zeroize::Zeroizing;

/// The bytes of a master key.
pub const KEY_BYTES: usize = 32;

/// The first byte of a seal.
const VERSION: u8 = 1;
/// What the key of an exchange is made for.
const PURPOSE: &[u8] = b"aquifer encrypted_content 1";
const SALT: usize = 16;
const ITEM: usize = 4;
/// The bytes of a seal before its ciphertext.
const HEAD: usize = 1 + SALT + ITEM;

/// A thought with all that its model needs to take it back.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SealedThought<'a> {
    /// The text, as the model showed it; empty where it showed none.
    pub text: Text<'a>,
    /// The provider's signature on it.
    pub signature: Option<Text<'a>>,
    /// Reasoning that only the provider can read, in base64.
    pub redacted: Option<Text<'a>>,
    /// The mark of the model and backend that made it.
    pub mark: Mark,
}

impl fmt::Debug for SealedThought<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedThought").field("mark", &self.mark).finish_non_exhaustive()
    }
}

/// The envelope. Texts are as they came, still escaped.
#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, skip_serializing_if = "is_empty")]
    text: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    redacted: Option<Cow<'a, str>>,
    mark: Mark,
}

#[expect(clippy::ptr_arg, reason = "serde gives the field itself")]
fn is_empty(text: &Cow<'_, str>) -> bool {
    text.is_empty()
}

/// The keys that seal thoughts.
#[derive(Clone)]
pub struct SealKeys {
    seals: Zeroizing<[u8; KEY_BYTES]>,
    opens_too: Vec<Zeroizing<[u8; KEY_BYTES]>>,
}

impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKeys(***)")
    }
}

/// Whether they are the same keys; no secret is compared with what a client sends.
impl PartialEq for SealKeys {
    fn eq(&self, other: &Self) -> bool {
        *self.seals == *other.seals && self.opens_too == other.opens_too
    }
}

impl Eq for SealKeys {}

/// Whether a text has the form of a seal; only the keys tell whether it is one.
#[must_use]
pub fn is_sealed(text: &str) -> bool {
    // The version is in the first two letters.
    let version = matches!(text.as_bytes(), [b'A', b'Q'..=b'Z' | b'a'..=b'f', ..]);
    version
        && text.len() > (HEAD + AES_256_GCM.tag_len()) * 4 / 3
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_'))
}

impl SealKeys {
    /// The key that seals from now on, and those that it takes the place of, which still open what they sealed.
    #[must_use]
    pub fn new(seals: [u8; KEY_BYTES], opens_too: impl IntoIterator<Item = [u8; KEY_BYTES]>) -> Self {
        Self { seals: Zeroizing::new(seals), opens_too: opens_too.into_iter().map(Zeroizing::new).collect() }
    }

    /// Seals a thought: the value of `encrypted_content`, in letters that JSON need not escape. `exchange` is the random id
    /// of the exchange, and `item` the output index of the reasoning item: no two thoughts of one exchange have the same.
    #[must_use]
    pub fn seal(&self, thought: &SealedThought<'_>, exchange: RequestId, item: u32) -> String {
        self.sealed(thought, exchange, item).map(|seal| URL_SAFE_NO_PAD.encode(seal)).unwrap_or_default()
    }

    fn sealed(&self, thought: &SealedThought<'_>, exchange: RequestId, item: u32) -> Option<Vec<u8>> {
        let SealedThought { text, signature, redacted, mark } = thought;
        let envelope = Envelope {
            text: Cow::Borrowed(text.as_escaped()),
            signature: signature.as_ref().map(|text| Cow::Borrowed(text.as_escaped())),
            redacted: redacted.as_ref().map(|text| Cow::Borrowed(text.as_escaped())),
            mark: *mark,
        };
        let mut plain = Zeroizing::new(serde_json::to_vec(&envelope).ok()?);
        let (salt, item) = (exchange.0.to_be_bytes(), item.to_be_bytes());
        let mut head = Vec::with_capacity(HEAD + plain.len() + AES_256_GCM.tag_len());
        head.push(VERSION);
        head.extend_from_slice(&salt);
        head.extend_from_slice(&item);
        let key = exchange_key(&self.seals, &salt)?;
        let tag = key.seal_in_place_separate_tag(nonce(item), Aad::from(&head), plain.as_mut_slice()).ok()?;
        let mut seal = head;
        seal.extend_from_slice(&plain);
        seal.extend_from_slice(tag.as_ref());
        Some(seal)
    }

    /// Opens a seal; `None`, when it was not sealed with one of these keys.
    #[must_use]
    pub fn open(&self, seal: &str) -> Option<SealedThought<'static>> {
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        let (head, sealed) = seal.split_at_checked(HEAD)?;
        let (version, rest) = head.split_first()?;
        let (salt, item) = rest.split_at_checked(SALT)?;
        let item: [u8; ITEM] = item.try_into().ok()?;
        if *version != VERSION {
            return None;
        }
        let keys = std::iter::once(&self.seals).chain(&self.opens_too);
        keys.filter_map(|key| opened(key, salt, item, head, sealed)).next()
    }
}

fn opened(
    master: &[u8; KEY_BYTES],
    salt: &[u8],
    item: [u8; ITEM],
    head: &[u8],
    sealed: &[u8],
) -> Option<SealedThought<'static>> {
    let mut bytes = Zeroizing::new(sealed.to_vec());
    let plain = exchange_key(master, salt)?.open_in_place(nonce(item), Aad::from(head), &mut bytes).ok()?;
    let Envelope { text, signature, redacted, mark } = serde_json::from_slice(plain).ok()?;
    let owned = |text: Cow<'_, str>| Text::from_escaped(text.into_owned());
    Some(SealedThought { text: owned(text), signature: signature.map(owned), redacted: redacted.map(owned), mark })
}

/// The key of one exchange.
fn exchange_key(master: &[u8; KEY_BYTES], salt: &[u8]) -> Option<LessSafeKey> {
    let mut made = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, master));
    made.update(PURPOSE);
    made.update(salt);
    UnboundKey::new(&AES_256_GCM, made.sign().as_ref()).ok().map(LessSafeKey::new)
}

/// The number of an item as the nonce under its exchange's key.
fn nonce(item: [u8; ITEM]) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    for (to, from) in bytes.iter_mut().zip(item) {
        *to = from;
    }
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXCHANGE: RequestId = RequestId(7);

    fn thought() -> SealedThought<'static> {
        SealedThought {
            text: Text::from_plain("a \"thought\"\n\u{e9}"),
            signature: Some(Text::from_escaped("EpMC+/=\\/")),
            redacted: None,
            mark: Mark::of("anthropic.claude-opus-4-8", "default/bedrock"),
        }
    }

    #[test]
    fn a_thought_comes_back_as_it_was_sealed() {
        let keys = SealKeys::new([1; 32], []);
        let redacted = SealedThought { redacted: Some(Text::from_escaped("QUJD")), ..SealedThought::default() };
        for thought in [thought(), redacted, SealedThought::default()] {
            let seal = keys.seal(&thought, EXCHANGE, 3);
            assert!(is_sealed(&seal), "{seal}");
            assert_eq!(keys.open(&seal), Some(thought));
        }
        assert_ne!(keys.seal(&thought(), EXCHANGE, 0), keys.seal(&thought(), EXCHANGE, 1));
        assert_ne!(keys.seal(&thought(), EXCHANGE, 0), keys.seal(&thought(), RequestId(8), 0));
    }

    #[test]
    fn a_key_that_was_replaced_still_opens_and_another_does_not() {
        let old = SealKeys::new([1; 32], []).seal(&thought(), EXCHANGE, 0);
        let new = SealKeys::new([2; 32], [[1; 32]]);
        assert_eq!(new.open(&old), Some(thought()));
        assert_eq!(SealKeys::new([2; 32], []).open(&old), None);
        assert_eq!(SealKeys::new([1; 32], []).open(&new.seal(&thought(), EXCHANGE, 0)), None);
    }

    #[test]
    fn what_is_not_ours_or_was_changed_is_not_opened() {
        let keys = SealKeys::new([1; 32], []);
        for seal in ["", "gAAAAABo-rs_68f", "AQ", &"A".repeat(100), "enc-round-0", "\u{e9}"] {
            assert_eq!(keys.open(seal), None, "{seal}");
        }
        let seal = keys.seal(&thought(), EXCHANGE, 0);
        for at in 0..seal.len() - 1 {
            let mut changed = seal.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(keys.open(&changed), None, "at {at}");
            assert_eq!(keys.open(&seal[..at]), None, "cut at {at}");
        }
        assert_eq!(format!("{keys:?}"), "SealKeys(***)");
    }
}
