//! Calls that a model writes into its text, in tokens of its own, where it should have called.

use super::Block;

/// Puts a turn's calls into text, as models of this vendor have written them.
pub(super) fn calls(vendor: &str, blocks: &mut [Block], stop: &mut &'static str) {
    for (number, block) in blocks.iter_mut().enumerate() {
        if let Block::Tool { name, input, .. } = block {
            let text = match vendor {
                "moonshotai" => format!(
                    "<|tool_call_begin|>functions.{name}:{number}<|tool_call_argument_begin|>{input}<|tool_call_end|>"
                ),
                "openai" => {
                    format!("<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>{input}<|call|>")
                }
                _ => format!("<function={name}>{input}</function>"),
            };
            *block = Block::Text(text);
            *stop = "end_turn";
        }
    }
}
