//! Any bytes as an answer's body, in any pieces, are read as the same text, or as none: the body of the fuzz target.

use aquifer_testing::bodies::pieces;
use aquifer_testing::frames::{chunk, frame};
use aquifer_translate::answer_text::{AnswerFraming, AnswerText, TextKind, TextPiece};
use aquifer_translate::dialect::Dialect;

const DIALECTS: [Dialect; 4] =
    [Dialect::OpenAiChat, Dialect::AnthropicMessages, Dialect::OpenAiResponses, Dialect::Bedrock];

const EVENTS: [&str; 5] =
    ["contentBlockStart", "contentBlockDelta", "contentBlockStop", "throttlingException", "chunk"];

/// A stretch of one kind within one block.
pub(crate) type Stretch = (TextKind, u32, String);

/// The text that is read, pieces of one kind and block joined.
pub(crate) fn read<'p>(
    dialect: Dialect,
    framing: AnswerFraming,
    pieces: impl Iterator<Item = &'p [u8]>,
) -> Vec<Stretch> {
    let mut reader = AnswerText::new(dialect, framing);
    let mut told: Vec<Stretch> = Vec::new();
    let to = &mut |piece: TextPiece<'_>| match told
        .last_mut()
        .filter(|(kind, block, _)| (*kind, *block) == (piece.kind, piece.block))
    {
        Some((_, _, text)) => text.push_str(&piece.text),
        None => told.push((piece.kind, piece.block, piece.text.into_owned())),
    };
    for piece in pieces {
        reader.take(piece, to);
    }
    reader.end(to);
    told
}

/// The first three bytes say how the rest is cut. Each line of the rest is a frame too: its first byte says which event.
pub(crate) fn run(data: &[u8]) {
    let Some((sizes, rest)) = data.split_first_chunk::<3>() else { return };
    let lines = rest.split(|byte| *byte == b'\n').filter_map(|line| line.split_first());
    let framed = lines.flat_map(|(event, payload)| match (EVENTS[usize::from(*event) % EVENTS.len()], payload) {
        ("chunk", payload) => chunk(&String::from_utf8_lossy(payload)),
        (event, payload) => frame(event, payload),
    });
    let framed: Vec<u8> = framed.collect();
    for dialect in DIALECTS {
        let bodies = [
            (AnswerFraming::Events, rest),
            (AnswerFraming::Whole, rest),
            (AnswerFraming::Frames, rest),
            (AnswerFraming::Frames, &framed),
        ];
        for (framing, body) in bodies {
            let once = read(dialect, framing, std::iter::once(body));
            assert_eq!(read(dialect, framing, pieces(body, *sizes)), once, "however it is cut");
            let told: usize = once.iter().map(|(_, _, text)| text.len()).sum();
            // One byte that is no text can become a sign of three, and Chat's parts may be told by two members.
            assert!(told <= 8 * body.len(), "no more is told than came");
        }
    }
}
