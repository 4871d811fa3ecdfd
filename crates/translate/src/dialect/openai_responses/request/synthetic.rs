//! The tools that OpenAI defines by their type and the client runs, as functions that any model can call.

use crate::dialect::json::Object;
use crate::dialect::openai_responses::request::CalledKind;
use crate::fault::Fault;

/// A tool in the words of a function.
pub(super) struct SyntheticTool {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) schema: &'static str,
}

/// The schema of a custom tool: its text is the one member.
pub(super) const CUSTOM: &str = r#"{"type":"object","properties":{"input":{"type":"string","description":"The text that the tool takes, as it is."}},"required":["input"],"additionalProperties":false}"#;

/// What a search of the client's does, where it does not say it itself.
pub(super) const SEARCHES: &str = "Searches the tools that are not offered yet. Those that it finds can be called.";
/// The schema of such a search, where it gives none.
pub(super) const SEARCH: &str = r#"{"type":"object","properties":{"query":{"type":"string"}},"required":["query"]}"#;

const APPLY_PATCH: SyntheticTool = SyntheticTool {
    name: "apply_patch",
    description: "Creates, changes or deletes one file. `diff` is in the V4A format: for `create_file` every line of the \
                  new file begins with `+`; for `update_file` there are hunks that begin with `@@`, with lines that \
                  begin with a space, `-` or `+`; `delete_file` has none.",
    schema: r#"{"type":"object","properties":{"operation":{"type":"object","properties":{"type":{"type":"string","enum":["create_file","update_file","delete_file"]},"path":{"type":"string"},"diff":{"type":"string"}},"required":["type","path"]}},"required":["operation"]}"#,
};

const SHELL: SyntheticTool = SyntheticTool {
    name: "shell",
    description: "Runs commands in a shell, one after another, and gives what each of them wrote.",
    schema: r#"{"type":"object","properties":{"commands":{"type":"array","items":{"type":"string"}},"timeout_ms":{"type":"integer"},"max_output_length":{"type":"integer"}},"required":["commands"]}"#,
};

const LOCAL_SHELL: SyntheticTool = SyntheticTool {
    name: "local_shell",
    description: "Runs one command, given as its arguments, and gives what it wrote.",
    schema: r#"{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"}},"env":{"type":"object","additionalProperties":{"type":"string"}},"working_directory":{"type":"string"},"timeout_ms":{"type":"integer"},"user":{"type":"string"}},"required":["command"]}"#,
};

/// The tool of a kind that has no definition of the client's.
pub(super) fn of(kind: CalledKind) -> Option<&'static SyntheticTool> {
    match kind {
        CalledKind::ApplyPatch => Some(&APPLY_PATCH),
        CalledKind::LocalShell => Some(&LOCAL_SHELL),
        CalledKind::Shell => Some(&SHELL),
        CalledKind::Function | CalledKind::Custom | CalledKind::ToolSearch => None,
    }
}

/// Checks that a shell runs where the client is: Bedrock has no containers.
pub(super) fn local_environment(tool: &Object<'_, '_>) -> Result<(), Fault> {
    let Some(node) = tool.get("environment") else { return Ok(()) };
    let environment = node.object()?;
    let kind = environment.need("type")?;
    match kind.string()?.as_ref() {
        "local" => Ok(()),
        _ => Err(kind.unsupported("must be `local`: Bedrock has no containers")),
    }
}
