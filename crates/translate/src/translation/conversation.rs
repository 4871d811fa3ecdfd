//! A conversation in one number: what is remembered of a turn goes back into the conversation that it answered, and into
//! no other.
//!
//! Counted is what people, tools and the model said: roles, texts, calls, results and media. Clients write a conversation
//! anew with each request, so what says the same counts the same: white space, escapes, the order of members and of
//! parallel calls, cache points, how a text is cut into parts and messages, and reasoning in whatever form do not matter.

use super::tags::{angled, without_thoughts};
use crate::model::alike::meant;
use crate::model::request::{Block, Message, Request, Role};
use crate::model::text::Text;
use std::hash::{DefaultHasher, Hasher as _};

/// A conversation, or the beginning of one.
pub type Before = [u8; 16];

/// Takes in messages one after the other. All that one side says before the other one answers is one part.
#[derive(Clone, Default)]
pub(super) struct Conversation {
    hasher: DefaultHasher,
    speaker: Option<Role>,
    /// Calls, results and media of the part, in no order.
    items: Vec<u64>,
    /// What stood before the model's turn at hand.
    before_turn: Before,
}

impl Conversation {
    /// What leads the request.
    pub(super) fn of(request: &Request<'_>) -> Self {
        let mut conversation = Self::default();
        request.system.iter().for_each(|block| conversation.block(Role::System, block));
        conversation
    }

    /// The next message, with what the arguments of its calls mean.
    pub(super) fn message(&mut self, message: &Message<'_>, meanings: &[u64]) {
        let mut meanings = meanings.iter();
        for block in &message.content {
            match block {
                Block::ToolUse { id, name, .. } => {
                    self.speaks(message.role);
                    self.items.extend(meanings.next().map(|meaning| call(id, name, *meaning)));
                }
                _ => self.block(message.role, block),
            }
        }
    }

    /// What stands before the model's next turn, or before the one that has begun.
    pub(super) fn before_turn(&self) -> Before {
        if self.speaker == Some(Role::Assistant) { self.before_turn } else { self.digest() }
    }

    fn digest(&self) -> Before {
        let mut ended = self.clone();
        ended.end_part();
        let mut digest = Before::default();
        let (first, second) = digest.split_at_mut(8);
        first.copy_from_slice(&ended.hasher.finish().to_be_bytes());
        // The hasher's state is longer than one of its results.
        ended.hasher.write_u8(1);
        second.copy_from_slice(&ended.hasher.finish().to_be_bytes());
        digest
    }

    fn end_part(&mut self) {
        self.items.sort_unstable();
        // No text holds this byte.
        self.hasher.write_u8(0xff);
        self.hasher.write_usize(self.items.len());
        self.items.drain(..).for_each(|item| self.hasher.write_u64(item));
    }

    fn speaks(&mut self, role: Role) {
        if self.speaker == Some(role) {
            return;
        }
        if role == Role::Assistant {
            self.before_turn = self.digest();
        }
        self.end_part();
        self.speaker = Some(role);
        self.hasher.write_u8(role as u8);
    }

    fn block(&mut self, role: Role, block: &Block<'_>) {
        match block {
            Block::Text(text) | Block::Cited { text, .. } => self.text(role, text),
            Block::Reasoning { .. } | Block::Redacted { .. } | Block::CachePoint(_) => {}
            Block::ToolUse { .. }
            | Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. } => {
                self.speaks(role);
                self.items.push(item(block));
            }
        }
    }

    fn text(&mut self, role: Role, text: &Text<'_>) {
        if text.is_blank() {
            return;
        }
        let thoughts = role == Role::Assistant && text.as_escaped().contains("think");
        let said = if thoughts { without_thoughts(&angled(text.as_escaped())) } else { None };
        match said.map(Text::from_escaped) {
            Some(said) if said.is_blank() => {}
            Some(said) => {
                self.speaks(role);
                said.hash_words(&mut self.hasher);
            }
            None => {
                self.speaks(role);
                text.hash_words(&mut self.hasher);
            }
        }
    }
}

fn call(id: &Text<'_>, name: &str, meaning: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(1);
    hasher.write(id.plain().as_bytes());
    hasher.write_u8(0xff);
    hasher.write(name.as_bytes());
    hasher.write_u64(meaning);
    hasher.finish()
}

/// A call, a result or a medium.
fn item(block: &Block<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match block {
        Block::ToolUse { id, name, input } => return call(id, name, meant(input.as_json())),
        Block::ToolResult { id, content, .. } => {
            hasher.write_u8(2);
            hasher.write(id.plain().as_bytes());
            hasher.write_u8(0xff);
            for block in content {
                match block {
                    Block::Text(text) | Block::Cited { text, .. } => text.hash_words(&mut hasher),
                    Block::CachePoint(_) => {}
                    other => hasher.write_u64(item(other)),
                }
            }
        }
        Block::Image { source, .. } | Block::Document { source, .. } | Block::Audio { source, .. } => {
            hasher.write_u8(3);
            source.pieces().for_each(|piece| hasher.write(piece.as_bytes()));
        }
        Block::SearchResult { source, content, .. } => {
            hasher.write_u8(4);
            source.hash_words(&mut hasher);
            content.iter().for_each(|part| part.hash_words(&mut hasher));
        }
        Block::Text(_)
        | Block::Cited { .. }
        | Block::Reasoning { .. }
        | Block::Redacted { .. }
        | Block::CachePoint(_) => {}
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::Incoming;
    use super::*;
    use serde_json::{Value, json};

    /// What stands before the turn that calls `t1`.
    fn before(messages: Value) -> Before {
        let body =
            json!({"model": "m", "messages": messages, "tools": [{"type": "function", "function": {"name": "f"}}]});
        let body = body.to_string();
        let (turns, ..) = Incoming::read(body.as_bytes()).unwrap().history();
        turns.into_iter().find(|turn| turn.calls == ["t1"]).unwrap().before
    }

    fn call(id: &str, arguments: &str) -> Value {
        json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}})
    }

    fn turn() -> Value {
        json!({"role": "assistant", "tool_calls": [call("t1", "{}")]})
    }

    /// A conversation of a question, a call, its result, and the turn.
    fn usual() -> [Value; 5] {
        [
            json!({"role": "system", "content": "Be brief."}),
            json!({"role": "user", "content": "What is {\"a\": 1}?"}),
            json!({"role": "assistant", "content": "Let me look.", "tool_calls": [call("t0", "{\"a\": 1, \"b\": [1.0, \"é\"]}")]}),
            json!({"role": "tool", "tool_call_id": "t0", "content": "{\"x\": 2}"}),
            turn(),
        ]
    }

    #[test]
    fn what_says_the_same_counts_the_same() {
        let wanted = before(json!(usual()));
        let changed = |at: usize, with: Value| {
            let mut messages = usual();
            messages[at] = with;
            before(json!(messages))
        };
        let arguments = "{ \"b\": [1, \"\\u00e9\"],\"a\":1}";
        let same = [
            changed(0, json!({"role": "developer", "content": [{"type": "text", "text": " Be brief.\n"}]})),
            changed(
                1,
                json!({"role": "user", "content": [{"type": "text", "text": "What is "},
                {"type": "text", "text": "{\"a\":1}?", "cache_control": {"type": "ephemeral"}}]}),
            ),
            changed(
                2,
                json!({"role": "assistant", "content": "Let me look.", "reasoning_content": "Hm.",
                "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "index": 0}],
                "tool_calls": [call("t0", arguments)]}),
            ),
            changed(
                2,
                json!({"role": "assistant", "content": "<think>Hm.</think>\n\nLet me look.",
                "tool_calls": [call("t0", arguments)]}),
            ),
            changed(
                3,
                json!({"role": "tool", "tool_call_id": "t0", "content": [{"type": "text", "text": "{\"x\":2}"}]}),
            ),
        ];
        assert!(same.iter().all(|found| *found == wanted), "{same:?} {wanted:?}");
        let mut split = usual().to_vec();
        split[1] = json!({"role": "user", "content": "What is"});
        split.insert(2, json!({"role": "user", "content": "{\"a\": 1}?"}));
        assert_eq!(before(json!(split)), wanted);
    }

    #[test]
    fn any_other_word_is_another_conversation() {
        let wanted = before(json!(usual()));
        let changes = [
            (0, json!({"role": "system", "content": "Be brief, Bob."})),
            (0, json!({"role": "user", "content": "Be brief."})),
            (1, json!({"role": "user", "content": "What is {\"a\": 2}?"})),
            (
                2,
                json!({"role": "assistant", "content": "I look.", "tool_calls": [call("t0", "{\"a\": 1, \"b\": [1.0, \"é\"]}")]}),
            ),
            (
                2,
                json!({"role": "assistant", "content": "Let me look.", "tool_calls": [call("t0", "{\"a\": 3, \"b\": [1.0, \"é\"]}")]}),
            ),
            (3, json!({"role": "tool", "tool_call_id": "t0", "content": "{\"x\": 3}"})),
            (3, json!({"role": "tool", "tool_call_id": "t0", "content": ""})),
        ];
        for (at, with) in changes {
            let mut messages = usual();
            messages[at] = with;
            assert_ne!(before(json!(messages)), wanted, "{at}");
        }
        assert_ne!(before(json!(usual()[1..])), wanted);
        let pictures = ["aGk=", "aG8="].map(|data| {
            let url = format!("data:image/png;base64,{data}");
            before(json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}, turn()]))
        });
        assert_ne!(pictures[0], pictures[1]);
    }

    #[test]
    fn what_comes_after_the_turn_does_not_count_and_the_turn_is_found_by_the_answer_to_come() {
        let asked = json!(usual()[..4]);
        let body = json!({"model": "m", "messages": asked, "tools": [{"type": "function", "function": {"name": "f"}}]});
        let (_, next, _) = Incoming::read(body.to_string().as_bytes()).unwrap().history();
        assert_eq!(next, before(json!(usual())));
        let mut longer = usual().to_vec();
        longer.push(json!({"role": "tool", "tool_call_id": "t1", "content": "3"}));
        longer.push(json!({"role": "user", "content": "And then?"}));
        assert_eq!(before(json!(longer)), next);
    }
}
