//! An answer on the road [`Passthrough`](super::Road::Passthrough): Bedrock's own frames and bodies go to the client of an
//! AWS SDK byte for byte, and are only watched.
//!
//! ```text
//! frames, cut anywhere  ──►  whole frames, the same bytes       (but those with reasoning, where it is hidden)
//!                       └──►  milestones, usage, stop reason, the turn to remember
//! ```

mod counts;
mod veiled;
mod watch;

pub use counts::counted_by_headers;
pub use veiled::without_reasoning;

use super::{Milestones, ReasoningProgress};
use crate::bedrock::{self, Api};
use crate::catalogue::UsageInput;
use crate::dialect::{self, BedrockOperation};
use crate::fault::{Fault, Misbehaviour};
use crate::model::request::Block;
use crate::model::response::{Finish, Response, StopReason, Usage};
use crate::model::turn::{Recorder, Turn};
use crate::wire::eventstream::Decoder;
use crate::wire::slice::Slice as _;
use bytes::{BufMut as _, BytesMut};
use watch::{Watch, WatchedFrame};

/// The words in which the answer to an operation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerWords {
    /// Converse's.
    Converse,
    /// Anthropic's, in InvokeModel.
    Claude,
    /// Those of another model, in InvokeModel: they are not read.
    Unread,
    /// A number of tokens.
    Count,
}

impl AnswerWords {
    /// The words of the answer of this operation; of InvokeModel it counts whether the model is a Claude.
    #[must_use]
    pub fn of(operation: BedrockOperation, is_claude: bool) -> Self {
        match operation {
            BedrockOperation::Converse | BedrockOperation::ConverseStream => Self::Converse,
            BedrockOperation::InvokeModel | BedrockOperation::InvokeModelWithResponseStream if is_claude => {
                Self::Claude
            }
            BedrockOperation::InvokeModel | BedrockOperation::InvokeModelWithResponseStream => Self::Unread,
            BedrockOperation::CountTokens => Self::Count,
        }
    }
}

/// A streamed answer that is passed through, whole frames at a time: an exception of the gateway's can follow any of them.
#[derive(Debug)]
pub struct StreamPassthrough {
    decoder: Decoder,
    /// The beginning of a frame whose end did not come yet.
    cut: Vec<u8>,
    watch: Watch,
    /// A frame of the stream itself told how it failed.
    failed: bool,
}

impl StreamPassthrough {
    /// Begins an answer; its reasoning is left out where it is `hidden`.
    #[must_use]
    pub fn new(words: AnswerWords, hidden: bool) -> Self {
        Self { decoder: Decoder::default(), cut: Vec::new(), watch: Watch::new(words, hidden), failed: false }
    }

    /// The same for a model whose usage counts the input so.
    #[must_use]
    pub fn counting(mut self, usage_input: UsageInput) -> Self {
        self.watch.counts(usage_input);
        self
    }

    /// The same, remembering the turn if it calls tools and is at most `room` bytes long.
    #[must_use]
    pub fn recording(mut self, room: usize) -> Self {
        self.watch.seen.recorder = Some(Recorder::new(room));
        self
    }

    /// Takes bytes of the event stream, cut anywhere, and appends the frames that are whole to `out`.
    ///
    /// # Errors
    ///
    /// An exception, which is in `out` as it came; or a stream whose framing is broken, of which no more is.
    pub fn take(&mut self, mut bytes: &[u8], out: &mut BytesMut) -> Result<(), Fault> {
        loop {
            let before = bytes;
            let frame = match self.decoder.next(&mut bytes) {
                Ok(Some(frame)) => frame,
                Ok(None) => {
                    self.cut.extend_from_slice(before);
                    return Ok(());
                }
                Err(error) => return Err(Fault::UpstreamMisbehaved(Misbehaviour::Frame(error.to_string()))),
            };
            let seen = self.watch.frame(&frame);
            let rest = before.upto(before.len() - bytes.len());
            if !matches!(seen, WatchedFrame::Hidden) {
                out.put_slice(&self.cut);
                out.put_slice(rest);
            }
            self.cut.clear();
            if let WatchedFrame::Failure(fault) = seen {
                self.failed = true;
                return Err(fault);
            }
        }
    }

    /// The stream ended, as HTTP says it should. Returns what it ended with.
    ///
    /// # Errors
    ///
    /// When the answer was not whole.
    pub fn end(&mut self) -> Result<Finish, Fault> {
        if self.decoder.is_mid_frame() {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::CutFrame));
        }
        self.watch.end()
    }

    /// The turn to remember, once the answer is over; given once.
    pub fn turn(&mut self) -> Option<Turn> {
        self.watch.seen.finished.as_ref()?;
        self.watch.seen.recorder.take()?.finish()
    }

    /// Tells the client, inside the stream, that the answer failed: a frame of an exception, unless Bedrock sent one.
    pub fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        if !self.failed {
            dialect::exception_frame(fault, out);
        }
    }

    /// Whether Bedrock itself told in a frame that the answer failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// The milestones of the answer so far.
    #[must_use]
    pub fn milestones(&self) -> Milestones {
        self.watch.seen.watched.milestones
    }

    /// The finish of the answer, once the last event of it came.
    #[must_use]
    pub fn finished(&self) -> Option<&Finish> {
        self.watch.seen.finished.as_ref()
    }

    /// The token counts that came, if any did.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.watch.usage()
    }

    /// The changes of blocks of reasoning since the last call of this function.
    pub fn progress(&mut self) -> impl Iterator<Item = ReasoningProgress> + '_ {
        self.watch.seen.watched.progress.drain(..)
    }
}

/// What is seen of a whole answer that is passed through.
#[derive(Debug, Default)]
pub struct WholePassed {
    /// The stop reason, in Converse's word.
    pub finish_reason: Option<&'static str>,
    /// The token counts, where its body tells them.
    pub usage: Option<Usage>,
    /// Whether the model reasoned.
    pub reasoned: bool,
    /// The turn to remember, when that was wanted and it called tools.
    pub turn: Option<Turn>,
}

/// Looks at a whole answer that is passed through; a turn that calls tools is given too when `record` says so.
///
/// # Errors
///
/// A body that is no answer to this operation.
pub fn look_at_whole(words: AnswerWords, body: &[u8], record: bool) -> Result<WholePassed, Fault> {
    let response = match words {
        AnswerWords::Converse => bedrock::read(Api::Converse, body)?,
        // A model may answer in words that are newer than this gateway.
        AnswerWords::Claude => match bedrock::read(Api::InvokeModel, body) {
            Ok(response) => response,
            Err(refused @ Fault::Refused(_)) => return Err(refused),
            Err(_) => return Ok(WholePassed::default()),
        },
        AnswerWords::Unread => return Ok(WholePassed::default()),
        AnswerWords::Count => {
            return bedrock::counted_tokens(Api::Converse, body).map(|_| WholePassed::default());
        }
    };
    let Response { content, stop, usage, .. } = response;
    let turn = record.then(|| Turn::of(&content, &str::to_owned)).filter(|turn| turn.calls().next().is_some());
    Ok(WholePassed {
        finish_reason: dialect::converse_stop_word(&stop),
        usage: Some(usage),
        reasoned: content.iter().any(Block::is_reasoning),
        turn,
    })
}

/// The finish of an answer whose words are not read.
fn unread_finish() -> Finish {
    Finish { stop: StopReason::Other("".into()), called: false }
}

#[cfg(test)]
mod tests;
