//! The common chunk of a body in HTTP/1.1, found without a look at each of its bytes. Source: RFC 9112, 7.1.

/// The most digits of a chunk's length that are read here.
const MOST_DIGITS: usize = 6;

/// A chunk of a body (chunked transfer coding) that is whole and plain: its length in digits, no extension, and not the
/// last chunk. Nearly every chunk is; the decoder behind looks at each byte of the others several times.
pub(super) struct Chunk<'i> {
    pub(super) data: &'i [u8],
    /// The length of the whole chunk.
    pub(super) length: usize,
}

impl<'i> Chunk<'i> {
    /// The chunk at the front of the input, if it is such a one.
    #[inline]
    pub(super) fn whole(input: &'i [u8]) -> Option<Self> {
        let mut size = 0;
        let mut digits = 0;
        let mut rest = input;
        loop {
            let (first, behind) = rest.split_first()?;
            let digit = match first {
                b'0'..=b'9' => first - b'0',
                b'a'..=b'f' => first - b'a' + 10,
                b'A'..=b'F' => first - b'A' + 10,
                _ => break,
            };
            size = size << 4 | usize::from(digit);
            digits += 1;
            rest = behind;
            if digits > MOST_DIGITS {
                return None;
            }
        }
        let (data, behind) = rest.strip_prefix(b"\r\n")?.split_at_checked(size)?;
        (size > 0 && behind.starts_with(b"\r\n")).then_some(Self { data, length: digits + 2 + size + 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str) -> Option<(&str, usize)> {
        let Chunk { data, length } = Chunk::whole(input.as_bytes())?;
        Some((str::from_utf8(data).unwrap(), length))
    }

    #[test]
    fn whole_chunks_are_found_and_others_left_alone() {
        assert_eq!(read("3\r\nabc\r\n4\r\n"), Some(("abc", 8)));
        assert_eq!(read("00001A\r\nabcdefghijklmnopqrstuvwxyz\r\n"), Some(("abcdefghijklmnopqrstuvwxyz", 36)));
        for other in [
            "",
            "3",
            "3\r\nabc",
            "3\r\nabc\r",
            "3\r\nabcd\r\n",
            "3;a=b\r\nabc\r\n",
            "3 \r\nabc\r\n",
            "3\nabc\r\n",
            "\r\nabc\r\n",
            "x\r\nabc\r\n",
            "0\r\n\r\n",
            "0000003\r\nabc\r\n",
            "FFFFFFFFFFFFFFFFFFFFFF\r\nabc\r\n",
        ] {
            assert_eq!(read(other), None, "{other:?}");
        }
    }
}
