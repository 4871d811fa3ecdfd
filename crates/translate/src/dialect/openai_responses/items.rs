//! Items of an output as JSON: each is a head, the text that grows in it, and a tail.
//!
//! Source: OpenAI's API reference, "Responses", the items of `output`; ids are of the gateway's own making, and clients send
//! them back or drop them.

use super::request::{CalledForm, CalledKind};
use crate::model::request_id::RequestId;
use crate::model::text::Text;
use crate::wire::json::{Document, Kind, Noting};

/// The `status` of an item that is final, and of one that was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemStatus {
    Completed,
    Incomplete,
}

impl ItemStatus {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
        }
    }
}

/// The id of an item: that of its exchange, with the item's index.
pub(super) fn id(prefix: &str, exchange: RequestId, index: u32) -> String {
    format!("{}_{index}", exchange.behind(prefix))
}

/// The prefixes of the ids of items.
pub(super) const MESSAGE: &str = "msg_";
/// Of a reasoning item.
pub(super) const REASONING: &str = "rs_";

/// The prefix of the id of a call's item.
pub(super) fn prefix_of(kind: CalledKind) -> &'static str {
    match kind {
        CalledKind::Function => "fc_",
        CalledKind::Custom => "ctc_",
        CalledKind::ToolSearch => "tsc_",
        CalledKind::ApplyPatch => "apc_",
        CalledKind::LocalShell => "lsh_",
        CalledKind::Shell => "sh_",
    }
}

/// The head of a message with one text.
pub(super) fn message_head(id: &str) -> String {
    format!(r#"{{"type":"message","id":"{id}","role":"assistant","content":[{{"type":"output_text","text":""#)
}

/// The tail of it, with its annotations.
pub(super) fn message_tail(annotations: &str, status: ItemStatus) -> String {
    format!(r#"","annotations":[{annotations}],"logprobs":[]}}],"status":"{}"}}"#, status.word())
}

/// What a client is told of a model that refused to answer, which gives no reason of its own.
pub(super) const REFUSED: &str = "The model refused to answer.";

/// The message that says so.
pub(super) fn refusal(id: &str) -> String {
    format!(
        r#"{{"type":"message","id":"{id}","role":"assistant","content":[{{"type":"refusal","refusal":"{REFUSED}"}}],"status":"completed"}}"#
    )
}

/// The form in which the text of a thought is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThoughtForm {
    /// As a summary: what a model shows of a thought that it keeps to itself.
    Summary,
    /// As the raw chain of an open model.
    Chain,
    /// Not at all.
    Unseen,
}

/// The head of a reasoning item.
pub(super) fn reasoning_head(id: &str, form: ThoughtForm) -> String {
    match form {
        ThoughtForm::Summary => {
            format!(r#"{{"type":"reasoning","id":"{id}","summary":[{{"type":"summary_text","text":""#)
        }
        ThoughtForm::Chain => {
            format!(r#"{{"type":"reasoning","id":"{id}","summary":[],"content":[{{"type":"reasoning_text","text":""#)
        }
        ThoughtForm::Unseen => format!(r#"{{"type":"reasoning","id":"{id}","summary":[]"#),
    }
}

/// The tail of it, with what the client sends back.
pub(super) fn reasoning_tail(form: ThoughtForm, encrypted: Option<&str>) -> String {
    let end = match form {
        ThoughtForm::Summary | ThoughtForm::Chain => "\"}]",
        ThoughtForm::Unseen => "",
    };
    match encrypted {
        Some(encrypted) => format!(r#"{end},"encrypted_content":"{encrypted}"}}"#),
        None => format!(r#"{end},"encrypted_content":null}}"#),
    }
}

/// The call of a tool, as its client knows it.
#[derive(Debug)]
pub(super) struct Called {
    /// The form of its item.
    pub(super) form: CalledForm,
    /// The id of the call, still escaped.
    pub(super) id: String,
}

impl Called {
    /// The head of its item, where it grows by text: before `arguments` or `input`.
    pub(super) fn head(&self, id: &str) -> String {
        let (kind, member) = match self.form.kind {
            CalledKind::Custom => ("custom_tool_call", "input"),
            CalledKind::Function
            | CalledKind::ToolSearch
            | CalledKind::ApplyPatch
            | CalledKind::LocalShell
            | CalledKind::Shell => ("function_call", "arguments"),
        };
        let name = Text::from_plain(self.form.name.as_str());
        let namespace = self
            .form
            .namespace
            .as_deref()
            .map(|namespace| format!(r#","namespace":"{}""#, Text::from_plain(namespace).as_escaped()));
        format!(
            r#"{{"type":"{kind}","id":"{id}","call_id":"{}","name":"{}"{},"{member}":""#,
            self.id,
            name.as_escaped(),
            namespace.unwrap_or_default()
        )
    }

    /// The tail of it.
    pub(super) fn tail(status: ItemStatus) -> String {
        format!(r#"","status":"{}"}}"#, status.word())
    }

    /// The item of a call whose arguments are an object to its client; `None` where they are none that it could read.
    pub(super) fn object(&self, id: &str, arguments: &str, status: &str) -> Option<String> {
        let document = Document::read_noting(arguments, &Noting::down_to(2)).ok()?;
        let said = document.top();
        let of_kind = |name: &str, kind: Kind| said.member(name).filter(|value| value.kind() == kind);
        let member = |name: &str, otherwise: &str| {
            let value = said.member(name).map_or_else(|| otherwise.to_owned(), |value| one_line(value.raw()));
            format!(r#""{name}":{value}"#)
        };
        let own = match self.form.kind {
            _ if said.kind() != Kind::Object => return None,
            CalledKind::ToolSearch => {
                format!(r#""type":"tool_search_call","execution":"client","arguments":{}"#, one_line(said.raw()))
            }
            CalledKind::ApplyPatch => {
                let operation = of_kind("operation", Kind::Object).unwrap_or(said);
                format!(r#""type":"apply_patch_call","operation":{}"#, one_line(operation.raw()))
            }
            CalledKind::Shell => {
                of_kind("commands", Kind::List)?;
                let others =
                    [member("commands", "[]"), member("timeout_ms", "null"), member("max_output_length", "null")];
                format!(r#""type":"shell_call","action":{{{}}},"environment":null"#, others.join(","))
            }
            CalledKind::LocalShell => {
                of_kind("command", Kind::List)?;
                let optional = ["timeout_ms", "user", "working_directory"];
                let optional = optional.into_iter().filter(|name| said.member(name).is_some());
                let others: Vec<String> = optional.map(|name| member(name, "null")).collect();
                let given = [vec![member("command", "[]"), member("env", "{}")], others].concat().join(",");
                format!(r#""type":"local_shell_call","action":{{"type":"exec",{given}}}"#)
            }
            CalledKind::Function | CalledKind::Custom => return None,
        };
        Some(format!(r#"{{{own},"id":"{id}","call_id":"{}","status":"{status}"}}"#, self.id))
    }
}

/// A value as events must have it, in one line: a string of JSON holds no line break.
fn one_line(json: &str) -> String {
    json.split(['\n', '\r']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(kind: CalledKind, arguments: &str) -> Option<Value> {
        let form = CalledForm { kind, name: "t".to_owned(), namespace: None };
        let called = Called { form, id: "call_1".to_owned() };
        let item = called.object("x_1", arguments, "completed")?;
        assert!(!item.contains('\n'), "{item}");
        Some(serde_json::from_str(&item).unwrap())
    }

    #[test]
    fn calls_whose_arguments_are_an_object_have_items_of_their_own() {
        let common = |mut own: Value| {
            for (name, value) in [("id", "x_1"), ("call_id", "call_1"), ("status", "completed")] {
                own[name] = value.into();
            }
            Some(own)
        };
        assert_eq!(
            told(CalledKind::ToolSearch, "{\n\"query\": \"a\"}"),
            common(json!({"type": "tool_search_call", "execution": "client", "arguments": {"query": "a"}}))
        );
        let operation = json!({"type": "delete_file", "path": "a"});
        for arguments in [json!({ "operation": operation }), operation.clone()] {
            let expected = json!({"type": "apply_patch_call", "operation": operation});
            assert_eq!(told(CalledKind::ApplyPatch, &arguments.to_string()), common(expected));
        }
        let action = json!({"commands": ["ls"], "timeout_ms": 5, "max_output_length": null});
        assert_eq!(
            told(CalledKind::Shell, r#"{"commands":["ls"],"timeout_ms":5}"#),
            common(json!({"type": "shell_call", "action": action, "environment": null}))
        );
        let action = json!({"type": "exec", "command": ["ls"], "env": {}, "user": "me"});
        assert_eq!(
            told(CalledKind::LocalShell, r#"{"command":["ls"],"user":"me"}"#),
            common(json!({"type": "local_shell_call", "action": action}))
        );
    }

    #[test]
    fn arguments_that_its_client_could_not_read_are_none() {
        for (kind, arguments) in [
            (CalledKind::ToolSearch, "[]"),
            (CalledKind::ToolSearch, "{\"a\""),
            (CalledKind::Shell, "{}"),
            (CalledKind::LocalShell, r#"{"command":"ls"}"#),
            (CalledKind::Function, "{}"),
        ] {
            assert_eq!(told(kind, arguments), None, "{arguments}");
        }
    }

    #[test]
    fn a_call_in_a_namespace_has_its_inner_name() {
        let form = CalledForm { kind: CalledKind::Function, name: "a\"b".to_owned(), namespace: Some("ns".to_owned()) };
        let item = Called { form, id: "c".to_owned() }.head("fc_1") + &Called::tail(ItemStatus::Completed);
        let item: Value = serde_json::from_str(&item).unwrap();
        assert_eq!((item["name"].as_str(), item["namespace"].as_str()), (Some("a\"b"), Some("ns")));
        assert_eq!((item["arguments"].as_str(), item["status"].as_str()), (Some(""), Some("completed")));
    }
}
