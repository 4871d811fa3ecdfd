//! Any bytes as an answer in HTTP/1.1, of a backend or of a proxy that is asked for a tunnel, are read to the same end or
//! refused, however they are cut: the body of the fuzz target.

use super::h1_codec::{ResponseDecoder, decode_connect, encode};
use aquifer_gateway::translate::wire::slice::Slice as _;
use aquifer_testing::bodies::pieces;
use http::Request;

/// What bytes come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) over: bool,
    pub(crate) kept: bool,
    pub(crate) left: usize,
}

/// The first three bytes say how the rest is cut and how much room there is for what it says.
pub(crate) fn run(data: &[u8]) {
    let Some((&[first, second, room], bytes)) = data.split_first_chunk::<3>() else { return };
    tunnel_is_read_the_same(bytes);
    let whole = read([bytes], 1 << 10);
    let pieces = read(pieces(bytes, [first, second]), usize::from(room).max(1));
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces),
        (Err(_), Err(_)) => {}
        _ => panic!("{whole:?}, and in pieces {pieces:?}"),
    }
    if let Ok(Some(read)) = whole {
        assert!(read.body.len() <= bytes.len(), "nothing is made up");
        assert!(read.over || !read.kept, "what is not over keeps no connection");
    }
}

/// A proxy's answer is looked at after each of its lines: what was seen once stays so.
fn tunnel_is_read_the_same(bytes: &[u8]) {
    let ends = (1..=bytes.len()).filter(|end| bytes.upto(*end).ends_with(b"\n"));
    let seen = ends.map(|end| decode_connect(bytes.upto(end))).find(|seen| !matches!(seen, Ok(None)));
    match (seen, decode_connect(bytes)) {
        (Some(Ok(seen)), whole) => assert_eq!(whole, Ok(seen)),
        (Some(Err(_)), whole) => assert!(whole.is_err(), "refused, and then {whole:?}"),
        (None, whole) => assert!(!matches!(whole, Ok(Some(_))), "a head has a last line, and this has none: {whole:?}"),
    }
}

fn decoder() -> Result<ResponseDecoder, String> {
    let request =
        Request::post("http://localhost:1234/model/m/converse").body(()).map_err(|error| error.to_string())?;
    encode(request, b"{}").map(|(_, decoder)| decoder)
}

/// Reads bytes that come in these pieces into room for so many.
pub(crate) fn read<'p>(pieces: impl IntoIterator<Item = &'p [u8]>, room: usize) -> Result<Option<Read>, String> {
    let (mut decoder, mut rest, mut status, mut body) = (decoder()?, Vec::new(), None, Vec::new());
    for piece in pieces {
        rest.extend_from_slice(piece);
        if status.is_none() {
            let (used, head) = decoder.head(&rest)?;
            rest.drain(..used);
            status = head.map(|head| head.status().as_u16());
        }
        loop {
            let mut output = vec![0; room];
            let (used, given) = decoder.body(&rest, &mut output)?;
            assert!(used <= rest.len() && given <= room, "no more is read than is there");
            rest.drain(..used);
            body.extend_from_slice(output.upto(given));
            if used == 0 {
                break;
            }
        }
    }
    let (over, kept) = (decoder.is_over(), decoder.keeps_the_connection());
    Ok(status.map(|status| Read { status, body, over, kept, left: rest.len() }))
}
