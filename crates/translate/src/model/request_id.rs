//! The id of an exchange, before a dialect gives it its own form.

use std::fmt;

/// Randomness that no two exchanges share. Its `Display` is 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestId(pub u128);

impl RequestId {
    /// The digits behind these words.
    #[must_use]
    pub fn behind(self, words: &str) -> String {
        let mut id = String::with_capacity(words.len() + 32);
        id.push_str(words);
        self.push(&mut id, 32);
        id
    }

    /// The last eight digits, which tell the parts of one answer from those of others.
    #[must_use]
    pub fn nonce(self) -> String {
        let mut nonce = String::with_capacity(8);
        self.push(&mut nonce, 8);
        nonce
    }

    /// Appends the last digits, at most 32. Every answer has ids, so they are written at once.
    fn push(self, to: &mut String, digits: usize) {
        let mut written = [0; 32];
        for (pair, byte) in written.chunks_exact_mut(2).zip(self.0.to_be_bytes()) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
        }
        let wanted = written.get(written.len().saturating_sub(digits)..).unwrap_or_default();
        to.push_str(std::str::from_utf8(wanted).unwrap_or_default());
    }
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' - 10 + value }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.behind(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_32_digits_and_its_nonce_is_their_end() {
        let id = RequestId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        assert_eq!(id.to_string(), "00112233445566778899aabbccddeeff");
        assert_eq!((id.behind("a-").as_str(), id.nonce().as_str()), ("a-00112233445566778899aabbccddeeff", "ccddeeff"));
    }
}
