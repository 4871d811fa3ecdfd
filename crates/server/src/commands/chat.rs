//! `aquifer chat`: a chat in the terminal, or one answer, through a running gateway or a demo of its own.

use super::demo;
use crate::cli::{Chat, ChatReasoning, DEFAULT_LISTEN};
use aquifer_chat::{ChatOptions, Reasoning};
use std::process::ExitCode;

/// The effort when neither an effort nor a budget is asked for: whoever chats wants to see what the model thinks.
const EFFORT: &str = "medium";

/// Answers, or chats until the user leaves.
pub(super) async fn run(arguments: Chat) -> anyhow::Result<ExitCode> {
    let url = match (arguments.demo, arguments.url) {
        (true, _) => format!("http://{}/v1", demo::in_background().await?),
        (false, Some(url)) => url,
        (false, None) => format!("http://{DEFAULT_LISTEN}/v1"),
    };
    let environment = arguments.environment;
    let effort = arguments.effort.or_else(|| arguments.budget.is_none().then(|| EFFORT.to_owned()));
    let colourless = environment.no_color.is_some_and(|value| !value.is_empty());
    let forced = environment.clicolor_force.as_deref().is_some_and(|value| !matches!(value, "" | "0"));
    aquifer_chat::run(ChatOptions {
        url,
        key: arguments.key.map(Into::into),
        model: arguments.model,
        effort,
        budget: arguments.budget,
        system: arguments.system,
        images: arguments.image,
        question: arguments.question,
        interactive: arguments.interactive,
        json: arguments.json,
        reasoning: match arguments.reasoning {
            ChatReasoning::Fold => Reasoning::Fold,
            ChatReasoning::Show => Reasoning::Show,
            ChatReasoning::Stderr => Reasoning::Stderr,
            ChatReasoning::Hide => Reasoning::Hide,
        },
        color: if colourless { Some(false) } else { forced.then_some(true) },
        dumb: environment.term.as_deref() == Some("dumb"),
        editor: environment.visual.or(environment.editor),
    })
    .await
}
