//! As much of HTTP/1.1 as both ends of the benchmark need: heads, and bodies cut anywhere.

use anyhow::{Context, bail};

/// The most that a head may have, in bytes.
const LARGEST_HEAD: usize = 64 << 10;
const MOST_HEADERS: usize = 64;

/// The header with which the upstream says that the request that it saw carried credentials.
pub(crate) const SEEN_AUTHORIZED: &str = "x-seen-authorized";

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestHead {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Whether it carries credentials.
    pub(crate) authorized: bool,
    pub(crate) body: Body,
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AnswerHead {
    pub(crate) status: u16,
    /// What the upstream says of the request that it saw: that it carried credentials.
    pub(crate) seen_authorized: bool,
    pub(crate) body: Body,
}

/// Reads a request's head off the front of `bytes`, with its length; none while it is not whole.
pub(crate) fn request(bytes: &[u8]) -> anyhow::Result<Option<(RequestHead, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let status = parsed.parse(bytes).context("a request's head is malformed")?;
    let Some(length) = whole(status, bytes)? else { return Ok(None) };
    let body = Body::announced(parsed.headers, 0)?;
    let authorized = find(parsed.headers, "authorization").is_some();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(Some((RequestHead { method: text(parsed.method), path: text(parsed.path), authorized, body }, length)))
}

/// Reads an answer's head off the front of `bytes`, with its length; none while it is not whole.
pub(crate) fn answer(bytes: &[u8]) -> anyhow::Result<Option<(AnswerHead, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let status = parsed.parse(bytes).context("an answer's head is malformed")?;
    let Some(length) = whole(status, bytes)? else { return Ok(None) };
    // Without a length the body would last as long as the connection, which none of the works ends.
    let body = Body::announced(parsed.headers, usize::MAX)?;
    let seen_authorized = find(parsed.headers, SEEN_AUTHORIZED).is_some();
    Ok(Some((AnswerHead { status: parsed.code.unwrap_or_default(), seen_authorized, body }, length)))
}

fn whole(status: httparse::Status<usize>, bytes: &[u8]) -> anyhow::Result<Option<usize>> {
    match status {
        httparse::Status::Complete(length) => Ok(Some(length)),
        httparse::Status::Partial if bytes.len() > LARGEST_HEAD => bail!("a head is over {LARGEST_HEAD} bytes"),
        httparse::Status::Partial => Ok(None),
    }
}

fn find<'a>(headers: &'a [httparse::Header<'_>], name: &str) -> Option<&'a [u8]> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

/// A body that is being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// So many bytes are still to come.
    Length(usize),
    /// In chunks.
    Chunked(Chunks),
}

/// Where in a chunked body the reader is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Chunks {
    /// In the line that says how long the next chunk is; what was read of the number.
    Size {
        /// Its value so far.
        value: usize,
        /// After the digits comes what does not matter.
        over: bool,
    },
    /// In a chunk, with so many bytes to come.
    Data(usize),
    /// In the line end after a chunk; so many bytes of it are to come.
    DataEnd(u8),
    /// In the lines after the last chunk; whether this line is empty so far.
    Trailer(bool),
    /// At the end.
    Done,
}

impl Body {
    fn announced(headers: &[httparse::Header<'_>], otherwise: usize) -> anyhow::Result<Self> {
        if find(headers, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case(b"chunked")) {
            return Ok(Self::Chunked(Chunks::Size { value: 0, over: false }));
        }
        let Some(value) = find(headers, "content-length") else { return Ok(Self::Length(otherwise)) };
        let text = std::str::from_utf8(value).context("a content-length is no text")?;
        Ok(Self::Length(text.trim().parse().with_context(|| format!("content-length is {text:?}"))?))
    }

    /// Whether all of it was read.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunks::Done))
    }

    /// Reads on, gives the body's own bytes to `each`, and returns how many bytes it took.
    pub(crate) fn read(
        &mut self,
        input: &[u8],
        each: &mut dyn FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<usize> {
        let mut rest = input;
        while !rest.is_empty() && !self.is_done() {
            match self {
                Self::Length(left) | Self::Chunked(Chunks::Data(left)) => {
                    let (data, after) = rest.split_at(rest.len().min(*left));
                    *left -= data.len();
                    rest = after;
                    each(data)?;
                    if let Self::Chunked(chunks @ Chunks::Data(0)) = self {
                        *chunks = Chunks::DataEnd(2);
                    }
                }
                Self::Chunked(chunks) => rest = chunks.step(rest)?,
            }
        }
        Ok(input.len() - rest.len())
    }
}

impl Chunks {
    /// Takes one byte of what is between chunks.
    fn step<'a>(&mut self, input: &'a [u8]) -> anyhow::Result<&'a [u8]> {
        let Some((&byte, rest)) = input.split_first() else { return Ok(input) };
        match self {
            Self::Size { value, over } => match (byte, char::from(byte).to_digit(16)) {
                (b'\n', _) => *self = if *value == 0 { Self::Trailer(true) } else { Self::Data(*value) },
                (_, Some(digit)) if !*over => {
                    *value = value.checked_mul(16).context("a chunk is too long")? + digit as usize;
                }
                (b'\r' | b';', _) => *over = true,
                _ if *over => {}
                _ => bail!("byte {byte} stands where a chunk's length should"),
            },
            Self::DataEnd(left) => {
                *left -= 1;
                if *left == 0 {
                    *self = Self::Size { value: 0, over: false };
                }
            }
            Self::Trailer(empty) => match byte {
                b'\n' if *empty => *self = Self::Done,
                b'\n' => *empty = true,
                b'\r' => {}
                _ => *empty = false,
            },
            Self::Data(_) | Self::Done => return Ok(input),
        }
        Ok(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &[u8], pieces: &[&[u8]]) -> anyhow::Result<(Vec<u8>, bool, usize)> {
        let (mut head, _) = answer(head)?.unwrap();
        let (mut got, mut left) = (Vec::new(), 0);
        for piece in pieces {
            let taken = head.body.read(piece, &mut |bytes| {
                got.extend_from_slice(bytes);
                Ok(())
            })?;
            left = piece.len() - taken;
        }
        Ok((got, head.body.is_done(), left))
    }

    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    #[test]
    fn heads_are_read_when_they_are_whole() {
        let bytes = b"POST /model/a%3A0/converse HTTP/1.1\r\nAuthorization: x\r\ncontent-length: 5\r\n\r\nhello";
        for end in 0..bytes.len() - 5 {
            assert!(request(&bytes[..end]).unwrap().is_none());
        }
        let (head, length) = request(bytes).unwrap().unwrap();
        assert_eq!((head.method.as_str(), head.path.as_str()), ("POST", "/model/a%3A0/converse"));
        assert!(head.authorized);
        assert_eq!((head.body, length), (Body::Length(5), bytes.len() - 5));
        assert!(request(b"no http at all\r\n\r\n").is_err());
        assert!(answer(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n").is_err());
    }

    #[test]
    fn a_body_ends_where_its_length_says() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
        assert_eq!(read(head, &[b"he", b"lloHTTP"]).unwrap(), (b"hello".to_vec(), true, 4));
        assert_eq!(read(head, &[b"he"]).unwrap(), (b"he".to_vec(), false, 0));
    }

    #[test]
    fn chunks_may_be_cut_anywhere() {
        let body = b"5;name=value\r\nhello\r\nA\r\n, world!!!\r\n0\r\nx-trailer: 1\r\n\r\n";
        let whole = (b"hello, world!!!".to_vec(), true, 0);
        assert_eq!(read(CHUNKED, &[body]).unwrap(), whole);
        let single: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(read(CHUNKED, &single).unwrap(), whole);
        for cut in 0..body.len() {
            let (first, second) = body.split_at(cut);
            assert_eq!(read(CHUNKED, &[first, second]).unwrap(), whole);
        }
    }

    #[test]
    fn a_wrong_chunk_is_an_error() {
        assert!(read(CHUNKED, &[b"zz\r\n"]).is_err());
        assert!(read(CHUNKED, &[b"ffffffffffffffffffff\r\n"]).is_err());
        assert_eq!(read(CHUNKED, &[b"0\r\n\r\nHTTP"]).unwrap(), (Vec::new(), true, 4));
    }
}
