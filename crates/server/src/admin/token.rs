//! The admin token: where it comes from, and how it and the ids of sessions are made.

use anyhow::{Context as _, ensure};
use aquifer_gateway::secret::Secret;
use std::path::Path;

/// The shortest token that is taken, in characters.
const SHORTEST: usize = 16;
/// The largest file, in bytes.
const LARGEST: usize = 4096;
/// The randomness of what is made here, in bytes.
const RANDOM: usize = 32;

/// A token of the operator's.
///
/// # Errors
/// It is too short to be one, or cannot be sent in a header.
pub(crate) fn checked(text: &str) -> anyhow::Result<Secret> {
    let token = text.trim();
    ensure!(token.len() >= SHORTEST, "the admin token is shorter than {SHORTEST} characters");
    ensure!(token.len() <= LARGEST, "the admin token is longer than {LARGEST} characters");
    ensure!(token.bytes().all(|byte| byte.is_ascii_graphic()), "the admin token holds more than visible ASCII");
    Ok(Secret::new(token.to_owned()))
}

/// The token in a file.
///
/// # Errors
/// The file cannot be read, or holds none.
pub(crate) fn from_file(path: &Path) -> anyhow::Result<Secret> {
    let about = || format!("the admin token in {}", path.display());
    let text = crate::process::config_files::read_bounded(path).with_context(about)?;
    checked(&text).with_context(about)
}

/// A new secret of 64 hexadecimal digits.
///
/// # Errors
/// The system gives no randomness.
pub(super) fn generated() -> Result<Secret, getrandom::Error> {
    let mut bytes = zeroize::Zeroizing::new([0; RANDOM]);
    getrandom::fill(&mut *bytes)?;
    Ok(Secret::new(hex(&*bytes)))
}

/// The bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |number: u8| char::from_digit(u32::from(number), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_and_plain() {
        assert_eq!(checked(" 0123456789abcdef\n").unwrap().expose(), "0123456789abcdef");
        for wrong in ["", "short", "0123456789abcde f", "0123456789abcdefé"] {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_generated_one_is_new_each_time() {
        let (one, other) = (generated().unwrap(), generated().unwrap());
        assert!(one != other && one.expose().len() == 2 * RANDOM && checked(one.expose()).is_ok());
        assert_eq!(hex(&[0, 171, 255]), "00abff");
    }
}
