//! The file with the keys that seal reasoning into `encrypted_content`: one key a line, the one in use first.

use crate::auth::file::BadLine;
use aquifer_translate::dialect::openai_responses::seal_keys::{KEY_BYTES, SealKeys};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The most keys of one file: each of them is tried on a seal that none of them made.
const MOST_KEYS: usize = 16;

/// Reads a file of seal keys: 32 random bytes a line, in base64 or as 64 hexadecimal digits; blank lines and lines that
/// begin with `#` are skipped. The first key seals, and each of them opens: a new one is put before the old one, which stays
/// as long as conversations that began under it go on.
///
/// # Errors
///
/// Every line that is wrong. No message holds a key.
pub fn parse(text: &str) -> Result<SealKeys, Vec<BadLine>> {
    let (mut keys, mut bad) = (Vec::new(), Vec::new());
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match key(line) {
            Some(_) if keys.len() == MOST_KEYS => {
                bad.push(BadLine { line: at + 1, message: format!("too many keys: at most {MOST_KEYS}") });
            }
            Some(key) => keys.push(*key),
            None => {
                let message = "expected 32 random bytes in base64, or as 64 hexadecimal digits".to_owned();
                bad.push(BadLine { line: at + 1, message });
            }
        }
    }
    if !bad.is_empty() {
        return Err(bad);
    }
    let mut keys = keys.into_iter();
    let first = keys.next();
    first.map(|first| SealKeys::new(first, keys)).ok_or_else(|| {
        vec![BadLine { line: 1, message: "expected at least one key, and the file holds none".to_owned() }]
    })
}

fn key(line: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let bytes = Zeroizing::new(match line.len() {
        64 => hexadecimal(line)?,
        _ => STANDARD.decode(line).ok()?,
    });
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

fn hexadecimal(line: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = line.bytes().map(|digit| char::from(digit).to_digit(16)).collect();
    let digits = Zeroizing::new(digits?);
    let (pairs, _) = digits.as_chunks::<2>();
    pairs.iter().map(|[high, low]| u8::try_from(high << 4 | low).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_seals_and_all_of_them_open() {
        let (one, two) = ("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "02".repeat(32));
        let keys = parse(&format!("# now\n{two}\n\n {one} \n")).unwrap();
        assert_eq!(keys, SealKeys::new([2; 32], [[1; 32]]));
        assert_eq!(parse(one).unwrap(), SealKeys::new([1; 32], []));
    }

    #[test]
    fn every_wrong_line_is_named_and_no_key_is_shown() {
        let bad = parse("secret-that-is-short\n02\n\nzz").unwrap_err();
        assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [1, 2, 4]);
        assert!(bad.iter().all(|bad| !bad.message.contains("secret")));
        assert_eq!(parse("# none\n").unwrap_err().len(), 1);
        assert!(parse(&"01".repeat(32).lines().cycle().take(17).collect::<Vec<_>>().join("\n")).is_err());
        assert!(parse(&"\u{e9}".repeat(32)).is_err());
        assert!(parse(&"+1".repeat(32)).is_err(), "a sign is no digit");
    }
}
