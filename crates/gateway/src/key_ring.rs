//! API keys of clients, and whose they are.
//!
//! Keys are held as SHA-256 digests only and compared in constant time. A digest is enough because a key is random:
//! unlike a
//! password it cannot be guessed from its digest.

pub mod file;

use http::{HeaderMap, HeaderName, header};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// The headers in which a key is looked for, unless a policy names others: OpenAI's, Anthropic's and Azure's.
pub(crate) static DEFAULT_HEADERS: [HeaderName; 3] =
    [header::AUTHORIZATION, HeaderName::from_static("x-api-key"), HeaderName::from_static("api-key")];

/// The scheme of a request that is signed with AWS credentials, Signature Version 4.
pub(crate) const SIGNATURE: &[u8] = b"AWS4-";

/// The SHA-256 digest of a key.
#[derive(Clone, Copy, Eq)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The digest of a key.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() || pairs.len() != digest.len() {
            return None;
        }
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            let value = char::from(*high).to_digit(16)? << 4 | char::from(*low).to_digit(16)?;
            *byte = u8::try_from(value).ok()?;
        }
        Some(Self(digest))
    }
}

/// Compares in constant time.
impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Hash for KeyDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(***)")
    }
}

/// The keys that one policy or one keys file accepts, each with the name of its owner.
///
/// The map's own hash is keyed at random for each ring, so that the time of a look-up says nothing about the digests
/// in it.
#[derive(Clone, Debug)]
pub struct KeyRing {
    owners: HashMap<KeyDigest, Arc<str>>,
    headers: Vec<HeaderName>,
}

impl Default for KeyRing {
    fn default() -> Self {
        Self { owners: HashMap::new(), headers: DEFAULT_HEADERS.to_vec() }
    }
}

impl Eq for KeyRing {}

impl PartialEq for KeyRing {
    fn eq(&self, other: &Self) -> bool {
        self.headers == other.headers && self.owners == other.owners
    }
}

/// The identity of the credentials of a request in a key ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// No header holds a key.
    Nothing,
    /// A key that the ring does not hold, or two different keys.
    Unknown,
    /// A key of this owner.
    Key(Arc<str>),
}

impl KeyRing {
    /// A ring that looks for its keys in these headers only.
    #[must_use]
    pub fn in_headers(headers: Vec<HeaderName>) -> Self {
        Self { headers, ..Self::default() }
    }

    /// Adds a key. `false`: the ring holds that key already, and its first owner stays.
    pub fn insert(&mut self, owner: &str, key: KeyDigest) -> bool {
        match self.owners.entry(key) {
            Slot::Occupied(_) => false,
            Slot::Vacant(slot) => {
                slot.insert(Arc::from(owner));
                true
            }
        }
    }

    /// The number of keys in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.owners.len()
    }

    /// Whether the ring has no key: then it accepts nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Whose key a request shows.
    #[must_use]
    pub fn identify(&self, headers: &HeaderMap) -> Identity {
        match ShownKey::of(&self.headers, headers) {
            ShownKey::None => Identity::Nothing,
            ShownKey::Several => Identity::Unknown,
            ShownKey::One(digest) => {
                self.owner(&digest).map_or(Identity::Unknown, |owner| Identity::Key(Arc::clone(owner)))
            }
        }
    }

    /// The owner of a key that the ring holds.
    pub(crate) fn owner(&self, digest: &KeyDigest) -> Option<&Arc<str>> {
        self.owners.get(digest)
    }

    /// The headers in which it looks for a key.
    pub(crate) fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    /// The digests of its keys, in no order.
    pub(crate) fn digests(&self) -> impl Iterator<Item = &KeyDigest> {
        self.owners.keys()
    }

    /// Whether a request shows any key where this ring looks for one.
    pub(crate) fn is_shown(&self, headers: &HeaderMap) -> bool {
        keys(&self.headers, headers).next().is_some()
    }
}

/// The key that a request shows in some headers.
pub(crate) enum ShownKey {
    /// No header holds one.
    None,
    /// Two that differ.
    Several,
    /// One.
    One(KeyDigest),
}

impl ShownKey {
    /// The key in these headers of a request.
    pub(crate) fn of(names: &[HeaderName], headers: &HeaderMap) -> Self {
        let mut shown = Self::None;
        for key in keys(names, headers) {
            let digest = KeyDigest::of(key);
            match shown {
                Self::One(before) if before != digest => return Self::Several,
                Self::None | Self::One(_) => shown = Self::One(digest),
                Self::Several => return shown,
            }
        }
        shown
    }
}

/// The keys in these headers of a request. A signature of AWS's is none: an SDK may send it beside one.
fn keys<'h>(names: &'h [HeaderName], headers: &'h HeaderMap) -> impl Iterator<Item = &'h [u8]> {
    let values = names.iter().flat_map(|name| headers.get_all(name));
    values.map(|value| without_scheme(value.as_bytes())).filter(|key| !key.is_empty() && !key.starts_with(SIGNATURE))
}

/// `Bearer KEY` is `KEY`, in any header, as Envoy's API key filter has it; the scheme's case does not matter (RFC
/// 9110, 11.1).
pub(crate) fn without_scheme(value: &[u8]) -> &[u8] {
    let key = match value.split_at_checked(7) {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case(b"bearer ") => key,
        _ => value,
    };
    key.trim_ascii()
}

#[cfg(test)]
mod tests;
