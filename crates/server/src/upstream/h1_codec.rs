//! The HTTP/1.1 codec of one call, without a socket: the bytes of the request, and a decoder of the response.
//!
//! ```text
//!  ResponseDecoder:  Head ── head() ──► Body ── body(), end of body ──► Over { reusable }
//!                      └── no body (204, HEAD, content-length: 0) ─────────┘
//! ```

use super::h1_chunk::Chunk;
use aquifer_gateway::translate::wire::slice::Slice as _;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use std::cell::Cell;
use ureq_proto::client::state::{RecvBody, RecvResponse};
use ureq_proto::client::{Call, RecvBodyResult, RecvResponseResult, SendRequestResult};
use ureq_proto::parser::try_parse_response;

/// The initial size of the buffer for a request's head; it grows for a longer one.
const ROOM: usize = 4 << 10;
/// The largest head buffer that a thread keeps.
const KEPT: usize = 64 << 10;
/// A body up to this size is copied behind its head: one buffer costs less to write than two.
const SMALL: usize = 8 << 10;
/// The longest line of a request's head.
const LONGEST_LINE: usize = 1 << 20;
/// The longest head of an answer, and the longest line between two chunks.
const LONGEST_HEAD: usize = 64 << 10;
/// The longest head of a proxy's answer to `CONNECT`, and the most fields of it.
pub(super) const LONGEST_TUNNEL_HEAD: usize = 16 << 10;
const MOST_FIELDS: usize = 100;

thread_local! {
    /// The buffer in which a thread encodes the heads of its requests.
    static HEAD: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A request in the bytes that are sent.
pub(super) struct EncodedRequest<'b> {
    /// Its head, and its body when that is small.
    pub(super) first: Vec<u8>,
    /// Its body, when that is not.
    pub(super) rest: &'b [u8],
}

/// The decoder of the response to one call.
pub(super) struct ResponseDecoder {
    state: State,
    /// The length of the body was given in more than one way: the connection is not reused, lest a response be smuggled.
    doubtful: bool,
}

enum State {
    Head(Box<Call<RecvResponse>>),
    Body(Box<Call<RecvBody>>),
    /// The body is complete; whether the connection can be reused.
    Over(bool),
}

/// Encodes a request, and makes the decoder of its response.
///
/// # Errors
/// The request cannot be encoded in HTTP/1.1.
pub(super) fn encode(mut request: Request<()>, body: &[u8]) -> Result<(EncodedRequest<'_>, ResponseDecoder), String> {
    let length = body.len();
    // The body is sent at once: nothing here waits for `100 Continue`.
    request.headers_mut().remove(header::EXPECT);
    if length > 0 || request.method() == Method::POST {
        request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    let mut call = Call::new(request).map_err(said)?.proceed();
    let mut head = HEAD.take();
    head.resize(head.len().max(ROOM), 0);
    let mut written = 0;
    while !call.can_proceed() {
        match call.write(head.get_mut(written..).unwrap_or_default()) {
            Ok(more) => written += more,
            Err(ureq_proto::Error::OutputOverflow) if head.len() < LONGEST_LINE => head.resize(head.len() * 2, 0),
            Err(error) => return Err(said(error)),
        }
    }
    debug_assert!(written <= head.len(), "more of a head than there is");
    let (behind, rest) = body.split_at(if length <= SMALL { length } else { 0 });
    let first = [head.upto(written), behind].concat();
    if head.len() <= KEPT {
        HEAD.set(head);
    }
    let decoder = match call.proceed().map_err(said)? {
        Some(SendRequestResult::RecvResponse(decoder)) => Some(decoder),
        Some(SendRequestResult::SendBody(mut body)) => {
            body.consume_direct_write(length).map_err(said)?;
            body.proceed()
        }
        Some(SendRequestResult::Await100(_)) | None => None,
    };
    let decoder = decoder.ok_or("the request has no end")?;
    Ok((EncodedRequest { first, rest }, ResponseDecoder { state: State::Head(Box::new(decoder)), doubtful: false }))
}

impl EncodedRequest<'_> {
    /// Puts the absolute URL into the request line, as a forwarding proxy needs it. Source: RFC 9112, 3.2.2.
    pub(super) fn in_absolute_form(&mut self, host: &str) {
        if let Some(method) = self.first.iter().position(|byte| *byte == b' ') {
            self.first.splice(method + 1..method + 1, [b"http://", host.as_bytes()].concat());
        }
    }
}

/// Encodes `CONNECT` to this host and port. Source: RFC 9110, 9.3.6.
pub(super) fn encode_connect(to: &str, authorization: Option<&HeaderValue>) -> Vec<u8> {
    let mut said = format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n").into_bytes();
    if let Some(authorization) = authorization {
        said.extend_from_slice(&[b"proxy-authorization: ", authorization.as_bytes(), b"\r\n"].concat());
    }
    said.extend_from_slice(b"\r\n");
    said
}

/// Decodes a proxy's answer to `CONNECT`: its status once the head is complete, `None` before. The body of a refusal is not
/// read.
///
/// # Errors
/// This is no answer in HTTP/1.1.
pub(super) fn decode_connect(input: &[u8]) -> Result<Option<StatusCode>, String> {
    let (input, mut read) = (input.upto(input.len().min(LONGEST_TUNNEL_HEAD)), 0);
    while let Some((more, head)) = try_parse_response::<MOST_FIELDS>(input.behind(read)).map_err(said)? {
        let status = head.status();
        if !status.is_informational() {
            return Ok(Some(status));
        }
        // Informational (1xx): the answer follows.
        read += more;
    }
    if input.len() == LONGEST_TUNNEL_HEAD { Err("the answer's head is too long".to_owned()) } else { Ok(None) }
}

impl ResponseDecoder {
    /// Decodes the head from all the bytes that were received: the number of bytes that it used, and the head once it is
    /// complete.
    ///
    /// # Errors
    /// This is no answer in HTTP/1.1.
    pub(super) fn head(&mut self, input: &[u8]) -> Result<(usize, Option<Response<()>>), String> {
        let State::Head(call) = &mut self.state else { return Ok((0, None)) };
        let mut read = 0;
        loop {
            let rest = input.behind(read);
            let (more, head) = call.try_response(rest, false).map_err(said)?;
            read += more;
            if let Some(head) = head {
                self.doubtful = is_doubtful(&head)?;
                self.head_is_read();
                return Ok((read, Some(head)));
            }
            // What was read was informational (1xx): the answer follows.
            if more == 0 {
                return if rest.len() > LONGEST_HEAD {
                    Err("the answer's head is too long".to_owned())
                } else {
                    Ok((read, None))
                };
            }
        }
    }

    fn head_is_read(&mut self) {
        let State::Head(call) = std::mem::replace(&mut self.state, State::Over(false)) else { return };
        self.state = match call.proceed() {
            Some(RecvResponseResult::RecvBody(body)) => State::Body(Box::new(body)),
            Some(RecvResponseResult::Cleanup(call)) => State::Over(!call.must_close_connection()),
            Some(RecvResponseResult::Redirect(_)) | None => State::Over(false),
        };
    }

    /// Decodes body bytes into `output`: the number of input bytes that it used, and of output bytes that it wrote. Input
    /// that is left over is to be passed again with what follows it.
    ///
    /// # Errors
    /// This is no body in HTTP/1.1.
    pub(super) fn body(&mut self, input: &[u8], output: &mut [u8]) -> Result<(usize, usize), String> {
        let (mut read, mut given) = (0, 0);
        while let State::Body(call) = &mut self.state {
            let (rest, room) = (input.behind(read), output.get_mut(given..).unwrap_or_default());
            if call.is_on_chunk_boundary()
                && let Some(Chunk { data, length }) = Chunk::whole(rest)
                && let Some(place) = room.get_mut(..data.len())
            {
                place.copy_from_slice(data);
                (read, given) = (read + length, given + data.len());
                if read == input.len() {
                    return Ok((read, given));
                }
                continue;
            }
            let full = room.is_empty();
            let (more, out) = call.read(rest, room).map_err(said)?;
            (read, given) = (read + more, given + out);
            debug_assert!(read <= input.len() && given <= output.len(), "more of a body than there is");
            if call.can_proceed() && !self.ends_with_the_connection() {
                self.body_is_read();
            } else if more == 0 {
                let too_long = !full && rest.len() > LONGEST_HEAD;
                return if too_long { Err("a chunk's length is too long".to_owned()) } else { Ok((read, given)) };
            }
        }
        Ok((read, given))
    }

    fn body_is_read(&mut self) {
        let State::Body(call) = std::mem::replace(&mut self.state, State::Over(false)) else { return };
        if let Some(RecvBodyResult::Cleanup(call)) = call.proceed() {
            self.state = State::Over(!call.must_close_connection());
        }
    }

    /// Whether the body is complete.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over(_))
    }

    /// Whether the connection can be reused for another call.
    pub(super) fn keeps_the_connection(&self) -> bool {
        matches!(self.state, State::Over(true)) && !self.doubtful
    }

    /// Whether the body is delimited by the end of the connection.
    pub(super) fn ends_with_the_connection(&self) -> bool {
        matches!(&self.state, State::Body(call) if call.body_mode() == ureq_proto::BodyMode::CloseDelimited)
    }
}

/// Whether two parsers could disagree about the length of the body (response smuggling). Source: RFC 9112, 6.1 and 6.3.
///
/// # Errors
/// It is encoded on its way otherwise than in chunks, which nobody asked for.
fn is_doubtful(head: &Response<()>) -> Result<bool, String> {
    let mut encodings = head.headers().get_all(header::TRANSFER_ENCODING).iter();
    let Some(first) = encodings.next() else { return Ok(false) };
    if encodings.next().is_some() || !first.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") {
        return Err("the answer has a transfer encoding that was not asked for".to_owned());
    }
    Ok(head.version() != Version::HTTP_11 || head.headers().contains_key(header::CONTENT_LENGTH))
}

fn said(error: ureq_proto::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::super::h1_fuzz_body::{Read, read as read_pieces, run};
    use super::*;
    use arbtest::arbtest;

    fn read(pieces: &[&[u8]], room: usize) -> Result<Option<Read>, String> {
        read_pieces(pieces.iter().copied(), room)
    }

    fn request() -> Request<()> {
        let uri = "http://localhost:1234/model/a%3A0/converse?x=1";
        Request::post(uri).header("x-one", "1").header("expect", "100-continue").body(()).unwrap()
    }

    const CHUNKED: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n\
        HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n1A\r\ndefghijklmnopqrstuvwxyz012\r\n0\r\nt: 1\r\n\r\n";
    const SIZED: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 3\r\n\r\nabc";
    const CLOSED: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc";
    const ENDLESS: &[u8] = b"HTTP/1.0 200 OK\r\n\r\nabc";
    const EMPTY: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

    #[test]
    fn a_request_as_it_is_sent() {
        let (EncodedRequest { first, rest }, _) = encode(request(), b"{}").unwrap();
        let first = String::from_utf8(first).unwrap();
        assert!(first.starts_with("POST /model/a%3A0/converse?x=1 HTTP/1.1\r\nhost: localhost:1234\r\n"), "{first}");
        assert!(first.contains("content-length: 2\r\n") && first.ends_with("\r\n\r\n{}"), "{first}");
        assert!(!first.contains("expect") && !first.contains("transfer-encoding") && rest.is_empty(), "{first}");
        let (said, _) = encode(Request::get("https://localhost/").body(()).unwrap(), b"").unwrap();
        assert_eq!(said.first, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    }

    #[test]
    fn a_proxy_is_asked_for_the_whole_url_or_for_a_tunnel() {
        let (mut said, _) = encode(request(), b"{}").unwrap();
        said.in_absolute_form("localhost:1234");
        let first = String::from_utf8(said.first).unwrap();
        assert!(
            first.starts_with(
                "POST http://localhost:1234/model/a%3A0/converse?x=1 HTTP/1.1\r\nhost: localhost:1234\r\n"
            ),
            "{first}"
        );
        assert!(first.ends_with("\r\n\r\n{}"), "{first}");
        assert_eq!(encode_connect("[::1]:443", None), b"CONNECT [::1]:443 HTTP/1.1\r\nhost: [::1]:443\r\n\r\n");
        let basic = HeaderValue::from_static("Basic YTpi");
        assert_eq!(
            encode_connect("h:1", Some(&basic)),
            b"CONNECT h:1 HTTP/1.1\r\nhost: h:1\r\nproxy-authorization: Basic YTpi\r\n\r\n"
        );
    }

    #[test]
    fn what_a_proxy_says_of_a_tunnel() {
        for (said, status) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Some(200)),
            ("HTTP/1.0 200 OK\r\nvia: x\r\ncontent-length: 3\r\n\r\nabc", Some(200)),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 407 Who\r\nproxy-authenticate: Basic\r\n\r\n", Some(407)),
            ("HTTP/1.1 502\n\n", Some(502)),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: x\r\n\r\n", Some(200)),
            ("HTTP/1.1 200 OK\r\n", None),
            ("", None),
        ] {
            assert_eq!(decode_connect(said.as_bytes()).unwrap().map(|status| status.as_u16()), status, "{said}");
        }
        for wrong in ["SSH-2.0-OpenSSH\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n", "\u{15}\u{3}\u{3}\0\u{2}"]
        {
            assert!(decode_connect(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let endless = [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'a'; 70_000]].concat();
        assert_eq!(decode_connect(&endless).unwrap_err(), "the answer's head is too long");
    }

    #[test]
    fn a_large_body_is_not_copied() {
        let of = |length| {
            let body = vec![b'x'; length];
            let (EncodedRequest { first, rest }, _) = encode(request(), &body).unwrap();
            (first.ends_with(b"\r\n\r\n"), rest.len())
        };
        assert_eq!(of(SMALL), (false, 0));
        assert_eq!(of(SMALL + 1), (true, SMALL + 1));
    }

    #[test]
    fn a_long_header_finds_room_and_an_endless_one_is_refused() {
        let of = |length: usize| Request::post("http://localhost/").header("x", "a".repeat(length)).body(()).unwrap();
        assert!(encode(of(100_000), b"").unwrap().0.first.len() > 100_000);
        assert!(encode(of(2 << 20), b"").is_err());
        assert!(HEAD.take().len() <= KEPT, "such room is not kept");
    }

    #[test]
    fn bodies_end_as_their_heads_say() {
        let whole = |bytes: &[u8]| read(&[bytes], 1 << 10).unwrap().unwrap();
        let of = |status, body: &[u8], over, kept| Read { status, body: body.to_vec(), over, kept, left: 0 };
        assert_eq!(whole(CHUNKED), of(200, b"abcdefghijklmnopqrstuvwxyz012", true, true));
        assert_eq!(whole(SIZED), of(429, b"abc", true, true));
        assert_eq!(whole(CLOSED), of(200, b"abc", true, false));
        assert_eq!(whole(ENDLESS), of(200, b"abc", false, false));
        assert_eq!(whole(EMPTY), of(204, b"", true, true));
        let more = [SIZED, b"HTTP"].concat();
        assert_eq!(whole(&more).left, 4, "what follows is no part of it");
    }

    #[test]
    fn an_answer_whose_length_is_said_twice_is_the_last_one_of_its_connection() {
        let of = |fields: &str, body: &str| read(&[format!("HTTP/1.1 200 OK\r\n{fields}\r\n{body}").as_bytes()], 64);
        let kept = |fields: &str, body: &str| of(fields, body).unwrap().map(|read| (read.body, read.kept));
        let chunks = "2\r\nok\r\n0\r\n\r\n";
        assert_eq!(kept("Transfer-Encoding: Chunked\r\n", chunks), Some((b"ok".to_vec(), true)));
        for doubtful in [
            "content-length: 2\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: chunked\r\ncontent-length: 99\r\n",
        ] {
            assert_eq!(kept(doubtful, chunks), Some((b"ok".to_vec(), false)));
        }
        for wrong in [
            "gzip, chunked",
            "chunked, gzip",
            "chunked, chunked",
            "identity",
            "xchunked",
            "chunked\r\ntransfer-encoding: chunked",
        ] {
            assert!(of(&format!("transfer-encoding: {wrong}\r\n"), chunks).is_err(), "{wrong}");
        }
        let old =
            b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok";
        assert!(!read(&[old], 64).unwrap().is_some_and(|read| read.kept));
    }

    #[test]
    fn any_cut_and_any_room_give_the_same() {
        for bytes in [CHUNKED, SIZED, CLOSED, ENDLESS, EMPTY] {
            let whole = read(&[bytes], 1 << 10).unwrap();
            for at in 0..bytes.len() {
                let (one, two) = bytes.split_at(at);
                assert_eq!(read(&[one, two], 7).unwrap(), whole, "cut at {at}");
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(read(&single, 1).unwrap(), whole);
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for wrong in [
            &b"SSH-2.0-OpenSSH\r\n\r\n"[..],
            b"HTTP/1.1 099 Early\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
        ] {
            assert!(read(&[wrong], 64).is_err(), "{}", String::from_utf8_lossy(wrong));
        }
        let endless = [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'a'; 70_000]].concat();
        assert_eq!(read(&[&endless], 64).unwrap_err(), "the answer's head is too long");
        let trailer = [CHUNKED.strip_suffix(b"\r\n\r\n").unwrap(), &vec![b'a'; 70_000][..]].concat();
        assert_eq!(read(&[&trailer], 64).unwrap_err(), "a chunk's length is too long");
    }

    #[test]
    fn any_bytes_are_read_or_refused() {
        arbtest(|u| {
            run(u.peek_bytes(u.len()).unwrap_or_default());
            Ok(())
        });
    }

    #[test]
    fn damaged_answers_are_read_or_refused() {
        arbtest(|u| {
            let more: &[u8] =
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
            let mut bytes =
                [u.arbitrary::<[u8; 3]>()?.as_slice(), *u.choose(&[CHUNKED, SIZED, CLOSED, ENDLESS, EMPTY, more])?]
                    .concat();
            for _ in 0..u.int_in_range(0..=4)? {
                let at = u.choose_index(bytes.len())?;
                match u.int_in_range(0..=2)? {
                    0 => bytes[at] = u.arbitrary()?,
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, *u.choose(b"\r\n:0 ;,aF")?),
                }
            }
            run(&bytes);
            Ok(())
        });
    }
}
