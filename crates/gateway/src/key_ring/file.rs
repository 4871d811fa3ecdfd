//! The keys file: one `name: key`, or `name: sha256:DIGEST`, a line.

use super::{KeyDigest, KeyRing};
use std::fmt;

/// The most keys of one file.
const MOST_KEYS: usize = 100_000;
/// The shortest key, in bytes: a shorter one could be found by trying.
const SHORTEST: usize = 16;
/// The longest name, in bytes: it stands in every line of the log.
const LONGEST_NAME: usize = 128;

/// An error in a keys file. It never holds a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The line, from 1.
    pub line: usize,
    /// The error and what was expected.
    pub message: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

impl std::error::Error for BadLine {}

/// Reads a keys file: blank lines and lines that begin with `#` are skipped, spaces around names and keys do not
/// count. Two
/// keys may have one name, so that a key can be replaced with an overlap.
///
/// # Errors
///
/// Every line that is wrong.
pub fn parse(text: &str) -> Result<KeyRing, Vec<BadLine>> {
    let mut ring = KeyRing::default();
    let mut bad = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let added = entry(line).and_then(|(name, key)| {
            if ring.len() >= MOST_KEYS {
                Err(format!("too many keys: at most {MOST_KEYS}"))
            } else if ring.insert(name, key) {
                Ok(())
            } else {
                Err(format!("the key of {name} is in the file already"))
            }
        });
        if let Err(message) = added {
            bad.push(BadLine { line: at + 1, message });
        }
    }
    if bad.is_empty() { Ok(ring) } else { Err(bad) }
}

fn entry(line: &str) -> Result<(&str, KeyDigest), String> {
    let (name, key) = line.split_once(':').ok_or("expected `name: key` or `name: sha256:DIGEST`")?;
    let (name, key) = (name.trim(), key.trim());
    check_name(name)?;
    let digest = match key.strip_prefix("sha256:") {
        Some(hex) => KeyDigest::from_hex(hex.trim()).ok_or("expected 64 hexadecimal digits behind `sha256:`")?,
        None => check_key(key).map(|()| KeyDigest::of(key.as_bytes()))?,
    };
    Ok((name, digest))
}

/// Whether a name can stand in logs and headers.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@/".contains(&byte);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(fits) {
        return Err(format!(
            "expected a name of 1 to {LONGEST_NAME} letters, digits, `-`, `_`, `.`, `@` and `/` before the colon"
        ));
    }
    Ok(())
}

/// Whether a client can send a key in a header, and nobody find it by trying.
pub(crate) fn check_key(key: &str) -> Result<(), String> {
    if key.len() < SHORTEST {
        return Err(format!("the key is too short: expected at least {SHORTEST} characters"));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the key holds a character that a header cannot carry: expected visible ASCII".to_owned());
    }
    Ok(())
}
