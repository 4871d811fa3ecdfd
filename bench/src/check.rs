//! Reads an answer as it comes and compares it with what must come: a fast wrong answer is no figure.

use crate::answer::Answer;
use crate::frames::Expected;
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

/// What a target says to its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Says {
    /// Chat Completions.
    #[default]
    OpenAi,
    /// The upstream's own bytes.
    Upstream,
}

/// What has been seen of an answer that is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Some reasoning.
    pub(crate) reasoning: bool,
    /// Some text.
    pub(crate) content: bool,
    /// How far the text is; it grows with each part of it and with nothing else.
    pub(crate) progress: usize,
}

/// One answer's check.
pub(crate) enum Check<'a> {
    /// The upstream's bytes, and how many of them came.
    Upstream { answer: &'a Answer, read: usize },
    /// One JSON object, gathered.
    Whole { answer: &'a Answer, body: Vec<u8> },
    /// Server-sent events.
    Stream(Events<'a>),
}

impl<'a> Check<'a> {
    /// Begins.
    pub(crate) fn new(says: Says, answer: &'a Answer) -> Self {
        match says {
            Says::Upstream => Self::Upstream { answer, read: 0 },
            Says::OpenAi if answer.deltas == 0 => Self::Whole { answer, body: Vec::new() },
            Says::OpenAi => {
                let (expected, messages) = (&answer.expected, answer.messages);
                Self::Stream(Events { expected, messages, line: Vec::new(), seen: Seen::default() })
            }
        }
    }

    /// More of the body.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Upstream { answer, read } => {
                let end = *read + bytes.len();
                let same = answer.body.get(*read..end).is_some_and(|expected| expected == bytes);
                ensure!(same, "bytes {read} to {end} are not the upstream's");
                *read = end;
                Ok(())
            }
            Self::Whole { body, .. } => {
                body.extend_from_slice(bytes);
                Ok(())
            }
            Self::Stream(events) => events.take(bytes),
        }
    }

    /// What has been seen so far.
    pub(crate) fn marks(&self) -> Marks {
        match self {
            Self::Upstream { answer, read } => {
                let there = |mark: Option<usize>| mark.is_some_and(|mark| *read >= mark);
                let content = there(answer.first_content);
                let progress = if content { (*read).min(answer.last_content) } else { 0 };
                Marks { reasoning: there(answer.first_reasoning), content, progress }
            }
            Self::Whole { body, .. } => Marks { content: !body.is_empty(), ..Marks::default() },
            Self::Stream(events) => Marks {
                reasoning: events.seen.reasoning > 0,
                content: events.seen.content > 0,
                progress: events.seen.content,
            },
        }
    }

    /// The body ended: was it all?
    pub(crate) fn end(&self) -> anyhow::Result<()> {
        match self {
            Self::Upstream { answer, read } => {
                ensure!(*read == answer.body.len(), "{read} bytes came instead of {}", answer.body.len());
                Ok(())
            }
            Self::Whole { answer, body } => {
                let said: Value = serde_json::from_slice(body).context("the answer is not JSON")?;
                let content = said.pointer("/choices/0/message/content").and_then(Value::as_str);
                ensure!(content == Some(&answer.expected.content), "the answer's text is wrong: {said}");
                Ok(())
            }
            Self::Stream(events) => events.end(),
        }
    }
}

/// The check of a stream of Chat Completions or of Messages.
pub(crate) struct Events<'a> {
    expected: &'a Expected,
    messages: bool,
    /// The bytes of a line that is not whole.
    line: Vec<u8>,
    seen: Seen,
}

/// How many bytes of each text came.
#[derive(Default)]
struct Seen {
    reasoning: usize,
    content: usize,
    arguments: usize,
    finish: bool,
    done: bool,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
struct Delta {
    content: Option<String>,
    reasoning: Option<String>,
    reasoning_content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct ToolCall {
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    arguments: Option<String>,
}

/// An event of Messages.
#[derive(Deserialize)]
struct MessageEvent {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    delta: MessageDelta,
}

#[derive(Deserialize, Default)]
struct MessageDelta {
    text: Option<String>,
    thinking: Option<String>,
    partial_json: Option<String>,
    stop_reason: Option<String>,
}

impl Events<'_> {
    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            if self.line.is_empty() {
                self.read(line)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.read(&whole)?;
                whole.clear();
                self.line = whole;
            }
        }
        self.line.extend_from_slice(rest);
        Ok(())
    }

    fn read(&mut self, line: &[u8]) -> anyhow::Result<()> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(data) = line.strip_prefix(b"data:") else { return Ok(()) };
        let data = data.strip_prefix(b" ").unwrap_or(data);
        ensure!(!self.seen.done, "something came after the end");
        if self.messages {
            return self.message(data);
        }
        if data == b"[DONE]" {
            self.seen.done = true;
            return Ok(());
        }
        let chunk: Chunk =
            serde_json::from_slice(data).with_context(|| format!("no chunk: {}", String::from_utf8_lossy(data)))?;
        if let Some(error) = chunk.error {
            bail!("the stream says: {error}");
        }
        chunk.choices.into_iter().try_for_each(|choice| self.choice(choice))
    }

    fn message(&mut self, data: &[u8]) -> anyhow::Result<()> {
        let Self { expected, seen, .. } = self;
        let said = || String::from_utf8_lossy(data);
        let MessageEvent { kind, delta } =
            serde_json::from_slice(data).with_context(|| format!("no event: {}", said()))?;
        ensure!(kind != "error", "the stream says: {}", said());
        let MessageDelta { text, thinking, partial_json, stop_reason } = delta;
        if let Some(text) = thinking {
            grow(&expected.reasoning, &mut seen.reasoning, &text, "reasoning")?;
        }
        if let Some(text) = text {
            grow(&expected.content, &mut seen.content, &text, "text")?;
        }
        if let Some(text) = partial_json {
            grow(&expected.arguments, &mut seen.arguments, &text, "arguments")?;
        }
        seen.finish |= stop_reason.is_some();
        seen.done = kind == "message_stop";
        Ok(())
    }

    fn choice(&mut self, choice: Choice) -> anyhow::Result<()> {
        let Self { expected, seen, .. } = self;
        let delta = choice.delta;
        if let Some(text) = delta.reasoning.or(delta.reasoning_content) {
            grow(&expected.reasoning, &mut seen.reasoning, &text, "reasoning")?;
        }
        if let Some(text) = delta.content {
            grow(&expected.content, &mut seen.content, &text, "text")?;
        }
        for call in delta.tool_calls.into_iter().flatten() {
            if let Some(text) = call.function.and_then(|function| function.arguments) {
                grow(&expected.arguments, &mut seen.arguments, &text, "arguments")?;
            }
        }
        seen.finish |= choice.finish_reason.is_some();
        Ok(())
    }

    fn end(&self) -> anyhow::Result<()> {
        let Self { expected, seen, .. } = self;
        let parts = [
            ("reasoning", seen.reasoning, expected.reasoning.len()),
            ("text", seen.content, expected.content.len()),
            ("arguments", seen.arguments, expected.arguments.len()),
        ];
        for (what, came, wanted) in parts {
            ensure!(came == wanted, "{came} bytes of {what} came instead of {wanted}");
        }
        ensure!(seen.finish, "no finish reason came");
        ensure!(seen.done, "no end came");
        Ok(())
    }
}

fn grow(expected: &str, seen: &mut usize, text: &str, what: &str) -> anyhow::Result<()> {
    let rest = expected.get(*seen..).unwrap_or_default();
    ensure!(rest.starts_with(text), "wrong {what} at byte {seen}: {text:?}");
    *seen += text.len();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Shape;
    use crate::frames::{Pace, Stream};

    fn answer() -> Answer {
        Answer::of(Shape::Stream(Stream { reasoning: 1, text: 1, arguments: 2, pace: Pace::Each })).unwrap()
    }

    fn good() -> String {
        let arguments = answer().expected.arguments.replace('"', "\\\"");
        [
            r#"{"choices":[{"delta":{"role":"assistant"}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":"thought 0000","reasoning_content":"thought 0000"}}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content":" so far."}}]}"#,
            r#"{"choices":[{"delta":{"content":"token 0000 of text, "}}]}"#,
            &format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{{"function":{{"arguments":"{arguments}"}}}}]}}}}]}}"#),
            r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
            r#"{"choices":[],"usage":{}}"#,
            "[DONE]",
        ]
        .map(|data| format!("data: {data}\n\n"))
        .concat()
    }

    fn run(says: Says, answer: &Answer, body: &[u8], piece: usize) -> anyhow::Result<()> {
        let mut check = Check::new(says, answer);
        body.chunks(piece).try_for_each(|bytes| check.take(bytes))?;
        check.end()
    }

    #[test]
    fn a_right_stream_passes_however_it_is_cut() {
        for piece in [1, 7, 10_000] {
            run(Says::OpenAi, &answer(), good().as_bytes(), piece).unwrap();
            run(Says::Upstream, &answer(), &answer().body, piece).unwrap();
        }
    }

    #[test]
    fn a_stream_of_messages_is_checked_too() {
        let stream = Stream { reasoning: 2, text: 2, arguments: 2, pace: Pace::Each };
        let answer = Answer::of(Shape::Messages(stream)).unwrap();
        let events = crate::messages::events(&stream).0;
        let good: String = events.iter().map(|event| format!("event: e\ndata: {event}\n\n")).collect();
        for piece in [1, 7, 10_000] {
            run(Says::OpenAi, &answer, good.as_bytes(), piece).unwrap();
        }
        for wrong in [good.replace("token 0000", "token 0001"), good.replace("message_stop", "ping"), good.repeat(2)] {
            assert!(run(Says::OpenAi, &answer, wrong.as_bytes(), 7).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_stream_fails() {
        let wrong = [
            good().replace("token 0000", "token 0001"),
            good().replace("data: [DONE]\n\n", ""),
            good().replace("tool_calls\"}", "x\"}").replace("\"finish_reason\":\"x\"", "\"y\":1"),
            good().replace(" so far.", ""),
            good().replace(r#"{"choices":[],"usage":{}}"#, r#"{"error":{"message":"no"}}"#),
            good() + "data: {}\n\n",
            good().replace(r#"{"choices":[],"usage":{}}"#, "no json"),
        ];
        for body in wrong {
            assert!(run(Says::OpenAi, &answer(), body.as_bytes(), 10_000).is_err(), "{body}");
        }
    }

    #[test]
    fn other_bytes_than_the_upstreams_fail() {
        let answer = answer();
        let mut body = answer.body.clone();
        assert!(run(Says::Upstream, &answer, &body[1..], 10_000).is_err());
        assert!(run(Says::Upstream, &answer, &body[..body.len() - 1], 10_000).is_err());
        body.push(0);
        assert!(run(Says::Upstream, &answer, &body, 10_000).is_err());
    }

    #[test]
    fn whole_answers_are_compared() {
        let answer = Answer::of(Shape::Whole).unwrap();
        let told = |text: &str| serde_json::json!({"choices": [{"message": {"content": text}}]}).to_string();
        assert!(run(Says::OpenAi, &answer, told(&answer.expected.content).as_bytes(), 10).is_ok());
        assert!(run(Says::OpenAi, &answer, told("something else").as_bytes(), 10).is_err());
        assert!(run(Says::OpenAi, &answer, b"not json", 10).is_err());
    }

    #[test]
    fn marks_are_set_when_a_text_has_begun() {
        let answer = answer();
        let mut check = Check::new(Says::Upstream, &answer);
        check.take(&answer.body[..answer.first_reasoning.unwrap()]).unwrap();
        assert_eq!(check.marks(), Marks { reasoning: true, content: false, progress: 0 });
        check.take(&answer.body[answer.first_reasoning.unwrap()..answer.last_content]).unwrap();
        let at_the_last = check.marks().progress;
        check.take(&answer.body[answer.last_content..]).unwrap();
        assert_eq!(check.marks().progress, at_the_last, "what comes after the text is no part of it");
        let mut check = Check::new(Says::OpenAi, &answer);
        check.take(good().split("data: {\"choices\":[],").next().unwrap().as_bytes()).unwrap();
        assert_eq!(check.marks(), Marks { reasoning: true, content: true, progress: 20 });
    }
}
