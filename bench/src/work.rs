//! The works: what is asked, what is answered, how often and how many at once.

use crate::answer::Shape;
use crate::ask::Ask;
use crate::frames::{Pace, Stream};
use std::time::Duration;

/// One kind of load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Work {
    /// Its name on the command line and in the results.
    pub(crate) name: &'static str,
    /// What it is, in a few words.
    pub(crate) about: &'static str,
    /// The request.
    pub(crate) ask: Ask,
    /// The answer.
    pub(crate) shape: Shape,
    /// Connections, each of which asks again as soon as it was answered.
    pub(crate) parallel: usize,
    /// Requests of one measurement.
    pub(crate) requests: usize,
    /// What is measured.
    pub(crate) measure: Measure,
}

/// What is measured of a work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// CPU time for each request and delta.
    Cpu,
    /// How late things come, beside the upstream asked directly.
    Latency,
    /// The pauses between the parts of a stream, beside the upstream asked directly.
    Gaps,
    /// Memory of open streams, and what stays open when the clients have left.
    Memory,
}

/// 50 deltas of reasoning and 200 of text.
const fn long(pace: Pace) -> Shape {
    Shape::Stream(Stream { reasoning: 50, text: 200, arguments: 0, pace })
}

/// The same in Anthropic's words, from InvokeModel.
const fn messages(pace: Pace) -> Shape {
    Shape::Messages(Stream { reasoning: 50, text: 200, arguments: 0, pace })
}

const fn cpu(name: &'static str, about: &'static str, ask: Ask, shape: Shape, requests: usize) -> Work {
    Work { name, about, ask, shape, parallel: 32, requests, measure: Measure::Cpu }
}

const fn large(name: &'static str, about: &'static str, ask: Ask, requests: usize) -> Work {
    Work { parallel: 4, ..cpu(name, about, ask, Shape::Whole, requests) }
}

const fn alone(name: &'static str, about: &'static str, ask: Ask, shape: Shape) -> Work {
    Work { parallel: 1, measure: Measure::Latency, ..cpu(name, about, ask, shape, 2_000) }
}

/// A pause after which every frame comes alone, whoever takes it and however fast: the same arrivals for everybody.
const BRISK: Pace = Pace::Slow(Duration::from_millis(1));
/// The pause between deltas of a model that is not in a hurry.
const SLOW: Pace = Pace::Slow(Duration::from_millis(20));
/// Short enough that the client has read it before the upstream has more to do.
const SHORT: Shape = Shape::Stream(Stream { reasoning: 3, text: 3, arguments: 0, pace: Pace::Each });
const HELD: Shape = Shape::Stream(Stream { reasoning: 1, text: 1, arguments: 0, pace: Pace::Hold });
const CALL: Shape = Shape::Stream(Stream { reasoning: 20, text: 0, arguments: 10, pace: BRISK });
const CODE: Shape = Shape::Messages(Stream { reasoning: 20, text: 0, arguments: 10, pace: BRISK });

/// All of them, in the order in which they are run.
pub(crate) const WORKS: &[Work] = &[
    cpu("small", "a sentence, answered whole", Ask::Small, Shape::Whole, 20_000),
    cpu("stream", "50 + 200 deltas, each frame in a write, 1 ms apart", Ask::Streamed, long(BRISK), 1_000),
    cpu("flood", "the same as fast as they are taken", Ask::Streamed, long(Pace::Each), 1_000),
    cpu("burst", "the same stream in one write", Ask::Streamed, long(Pace::Burst), 3_000),
    Work { parallel: 1_000, ..cpu("slow", "1,000 streams at once, 20 ms per delta", Ask::Streamed, long(SLOW), 1_000) },
    large("text-1mb", "1 MB of text in", Ask::Text(1_000_000), 600),
    large("text-20mb", "20 MB of text in", Ask::Text(20_000_000), 30),
    large("image-1mb", "an image of 1 MB in base64", Ask::Image(1_000_000), 600),
    large("image-20mb", "an image of 20 MB in base64", Ask::Image(20_000_000), 30),
    cpu("history", "200 messages", Ask::History, Shape::Whole, 5_000),
    cpu("small-prose", "a paragraph with line breaks, quotes and dashes", Ask::SmallProse, Shape::Whole, 20_000),
    large("text-prose", "1 MB of prose, other scripts and code", Ask::TextProse(1_000_000), 600),
    cpu("history-prose", "200 messages of 500 bytes of such text", Ask::HistoryProse, Shape::Whole, 5_000),
    cpu("agent", "20 tools, 30 messages, reasoning and a call", Ask::Agent, CALL, 3_000),
    cpu("messages", "the stream in Messages, from InvokeModel", Ask::Messages, messages(BRISK), 1_000),
    cpu("messages-burst", "the same in one write", Ask::Messages, messages(Pace::Burst), 3_000),
    cpu("claude-code", "128 KB in Messages: 200 tools, 20 calls", Ask::ClaudeCode, CODE, 3_000),
    alone("one", "a sentence, one connection", Ask::Small, Shape::Whole),
    alone("first", "a short stream, one connection", Ask::Streamed, SHORT),
    Work {
        parallel: 50,
        measure: Measure::Gaps,
        ..cpu("gaps", "50 streams, 20 ms per delta", Ask::Streamed, long(SLOW), 50)
    },
    Work { measure: Measure::Memory, ..cpu("idle", "memory of open streams", Ask::Streamed, HELD, 0) },
];

impl Work {
    /// The work of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        WORKS.iter().find(|work| work.name == name)
    }

    /// The operation of Bedrock's own API that is answered so.
    pub(crate) fn operation(&self) -> &'static str {
        match self.shape {
            Shape::Whole => "converse",
            Shape::Stream(_) => "converse-stream",
            Shape::Messages(_) => "invoke-with-response-stream",
        }
    }

    /// The same with fewer requests, for a look rather than a measurement.
    pub(crate) fn quick(self) -> Self {
        let parallel = self.parallel.min(50);
        Self { requests: (self.requests / 20).max(parallel).min(self.requests), parallel, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_words_of_their_own() {
        let names: BTreeSet<_> = WORKS.iter().map(|work| work.name).collect();
        assert_eq!(names.len(), WORKS.len());
        assert!(Work::named("stream").is_some_and(|work| work.ask == Ask::Streamed));
        assert!(Work::named("unheard-of").is_none());
    }

    #[test]
    fn a_quick_work_is_smaller_and_not_empty() {
        for work in WORKS.iter().filter(|work| work.requests > 0) {
            let quick = work.quick();
            assert!(quick.requests > 0 && quick.requests <= work.requests && quick.parallel <= work.parallel);
        }
    }
}
