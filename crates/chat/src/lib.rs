//! A chat in the terminal, or one answer, through a gateway that speaks OpenAI's Chat Completions.
//!
//! ```text
//!  question ─► conversation ─► client ─► server-sent events ─► turn ─► view: screen, plain text, or lines of JSON
//!      ▲                                                         │
//!      └──────────────── editor, commands ◄── conversation ◄─────┘
//! ```
//!
//! Reasoning is shown apart from the answer, and sent back with it as the gateway gave it. History lives in memory alone.
//! What a model says reaches the terminal without control characters.

mod client;
mod clock;
mod command;
mod control;
mod conversation;
mod editor;
mod events;
mod image;
mod json_lines;
mod markdown;
mod plain;
mod repl;
mod screen;
mod sse;
mod summary;
mod turn;
mod view;
mod wrap;

use anyhow::{Context, bail};
use client::Client;
pub use command::EFFORTS;
use conversation::{Ask, Conversation};
use std::io::{IsTerminal, Read, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use view::{Look, View};
use zeroize::Zeroizing;

/// The most that is read of a question on standard input, in bytes.
const LARGEST_QUESTION: u64 = 16 << 20;
/// The exit code of an answer that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Where reasoning is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasoning {
    /// Dimmed while the model thinks, and one line when it answers; to standard error when the answer is piped.
    Fold,
    /// Dimmed, and all of it stays.
    Show,
    /// To standard error.
    Stderr,
    /// Nowhere.
    Hide,
}

/// What the command line says.
#[derive(Debug)]
pub struct ChatOptions {
    /// The gateway's base URL, such as `http://127.0.0.1:1975/v1`.
    pub url: String,
    /// The API key, sent as a bearer token.
    pub key: Option<Zeroizing<String>>,
    /// The model; the first that the gateway lists when there is none.
    pub model: Option<String>,
    /// The effort of reasoning, as `reasoning.effort` takes it.
    pub effort: Option<String>,
    /// The budget of reasoning in tokens, as `reasoning.max_tokens` takes it; counts before the effort.
    pub budget: Option<u32>,
    /// The system text.
    pub system: Option<String>,
    /// Pictures that go with the first question.
    pub images: Vec<PathBuf>,
    /// The question; standard input is read after it when that is no terminal.
    pub question: Option<String>,
    /// Goes on with a chat after the answer to the question.
    pub interactive: bool,
    /// Writes each event as a line of JSON.
    pub json: bool,
    /// Where reasoning is shown.
    pub reasoning: Reasoning,
    /// Colours: `Some` forces them on or off, otherwise terminals have them.
    pub color: Option<bool>,
    /// The terminal understands no escape sequences (`TERM=dumb`).
    pub dumb: bool,
    /// The program of `/edit`.
    pub editor: Option<String>,
}

/// Answers the question, or chats until the user leaves. The exit code is 0 when all was answered, 1 when the last
/// question was not, and 130 when Ctrl-C ended its answer.
pub async fn run(options: ChatOptions) -> anyhow::Result<ExitCode> {
    let question = question(options.question.as_deref())?;
    let look = Look {
        color: options.color.unwrap_or_else(|| stdout().is_terminal() && !options.dumb),
        live: stdout().is_terminal() && !options.dumb,
        reasoning: options.reasoning,
    };
    let client = Client::new(&options.url, options.key)?;
    let model = match options.model {
        Some(model) => model,
        None => {
            client.models().await?.into_iter().next().context("the gateway lists no models; name one with --model")?
        }
    };
    let ask = Ask { model, effort: options.effort, budget: options.budget };
    let mut conversation = Conversation::new(ask, options.system);
    for path in &options.images {
        conversation.attach(image::read(path)?);
    }
    let mut view = if options.json { View::json() } else { View::new(look) };
    let Some(question) = question else {
        if !stdin().is_terminal() || !stdout().is_terminal() || options.json {
            bail!("there is no question: give one, or start the chat in a terminal");
        }
        return repl::run(client, conversation, view, options.editor).await;
    };
    let outcome = turn::answer(&client, &mut conversation, &question, &mut view).await?;
    if options.interactive && stdin().is_terminal() {
        return repl::run(client, conversation, view, options.editor).await;
    }
    Ok(match outcome.ended {
        turn::Ended::Answered => ExitCode::SUCCESS,
        turn::Ended::Failed => ExitCode::FAILURE,
        turn::Ended::Interrupted => ExitCode::from(INTERRUPTED),
    })
}

/// The question of the command line, with what standard input holds after it.
fn question(asked: Option<&str>) -> anyhow::Result<Option<String>> {
    if stdin().is_terminal() {
        return Ok(asked.map(str::to_owned));
    }
    let mut piped = Vec::new();
    stdin().take(LARGEST_QUESTION + 1).read_to_end(&mut piped).context("cannot read standard input")?;
    if piped.len() as u64 > LARGEST_QUESTION {
        bail!("standard input holds more than {} MiB", LARGEST_QUESTION >> 20);
    }
    let piped = String::from_utf8(piped).context("standard input is no UTF-8")?;
    let parts: Vec<&str> = asked.into_iter().chain([piped.trim_end()]).filter(|part| !part.trim().is_empty()).collect();
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}
