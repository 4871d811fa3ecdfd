//! Calls that a model writes into its text, in tokens of its own, where it should have called.

use super::Block;
use serde_json::Value;

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
                "deepseek" => format!("<｜tool▁call▁begin｜>{name}<｜tool▁sep｜>{input}<｜tool▁call▁end｜>"),
                "mistral" => format!("[TOOL_CALLS]{name}[ARGS]{input}"),
                "minimax" => {
                    let arguments =
                        tagged(input, |key, value| format!("<parameter name=\"{key}\">{value}</parameter>"));
                    format!("<minimax:tool_call>\n<invoke name=\"{name}\">\n{arguments}</invoke>\n</minimax:tool_call>")
                }
                "zai" => {
                    let arguments =
                        tagged(input, |key, value| format!("<arg_key>{key}</arg_key>\n<arg_value>{value}</arg_value>"));
                    format!("<tool_call>{name}\n{arguments}</tool_call>")
                }
                _ => format!("<function={name}>{input}</function>"),
            };
            *block = Block::Text(text);
            *stop = "end_turn";
        }
    }
}

/// Each argument in tags, on a line of its own; a string stands there as it is.
fn tagged(input: &Value, line: impl Fn(&str, &str) -> String) -> String {
    let said = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let members = input.as_object().into_iter().flatten();
    members.map(|(key, value)| line(key, &said(value)) + "\n").collect()
}
