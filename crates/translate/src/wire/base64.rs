//! Base64 with padding (RFC 4648), read eight letters at a time, as the events of a stream come in it.

/// Stands in a table for a byte that is no letter.
const NONE: u32 = 1 << 31;

/// What each letter stands for in each of the four places of a group.
static TABLES: [[u32; 256]; 4] = [table(18), table(12), table(6), table(0)];

const fn table(shift: u32) -> [u32; 256] {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [NONE; 256];
    let mut value = 0;
    while value < letters.len() {
        #[expect(clippy::indexing_slicing, reason = "a constant, computed while it is compiled")]
        {
            table[letters[value] as usize] = (value as u32) << shift;
        }
        value += 1;
    }
    table
}

/// Decodes into the front of `out`, which grows to the room that is needed; the length of what was decoded. `None`: it is
/// no base64.
pub(crate) fn decode(encoded: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let room = encoded.len().div_ceil(4) * 3;
    if out.len() < room {
        out.resize(room, 0);
    }
    // The last group may have padding.
    let many = encoded.len().saturating_sub(1) / 8;
    let (groups, rest) = encoded.split_at_checked(many * 8)?;
    let (front, behind) = out.split_at_mut_checked(many * 6)?;
    let mut wrong = 0;
    for (group, room) in groups.as_chunks::<8>().0.iter().zip(front.as_chunks_mut::<6>().0) {
        let [a, b, c, d, e, f, g, h] = *group;
        let (high, low) = (bits([a, b, c, d]), bits([e, f, g, h]));
        wrong |= high | low;
        let [_, _, bytes @ ..] = (u64::from(high) << 24 | u64::from(low)).to_be_bytes();
        *room = bytes;
    }
    if wrong & NONE != 0 {
        return None;
    }
    let (quads, left) = rest.as_chunks::<4>();
    if !left.is_empty() {
        return None;
    }
    let mut length = many * 6;
    for (at, quad) in quads.iter().enumerate() {
        let (letters, kept) = match *quad {
            [a, b, b'=', b'='] if at + 1 == quads.len() => ([a, b, b'A', b'A'], 1),
            [a, b, c, b'='] if at + 1 == quads.len() => ([a, b, c, b'A'], 2),
            letters => (letters, 3),
        };
        let bits = bits(letters);
        let [_, bytes @ ..] = bits.to_be_bytes();
        let (bytes, beyond) = bytes.split_at_checked(kept)?;
        if bits & NONE != 0 || beyond.iter().any(|byte| *byte != 0) {
            return None;
        }
        behind.get_mut(length - many * 6..)?.get_mut(..kept)?.copy_from_slice(bytes);
        length += kept;
    }
    Some(length)
}

/// The 24 bits that four letters stand for.
#[inline]
fn bits(letters: [u8; 4]) -> u32 {
    let mut bits = 0;
    for (letter, table) in letters.into_iter().zip(&TABLES) {
        bits |= table.get(usize::from(letter)).copied().unwrap_or(NONE);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn it_reads_what_the_library_reads_and_nothing_else() {
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            let mut encoded = STANDARD.encode(&bytes).into_bytes();
            if u.arbitrary()? && !encoded.is_empty() {
                let at = u.choose_index(encoded.len())?;
                encoded[at] = u.arbitrary()?;
            }
            let mut out = Vec::new();
            let decoded = decode(&encoded, &mut out).map(|length| out[..length].to_vec());
            assert_eq!(decoded, STANDARD.decode(&encoded).ok());
            Ok(())
        });
    }
}
