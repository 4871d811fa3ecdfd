//! The chat: questions and commands, one after the other.

use crate::client::Client;
use crate::command::{self, Command, HELP};
use crate::control;
use crate::conversation::Conversation;
use crate::editor::{self, Line, LineEditor};
use crate::image;
use crate::summary::Totals;
use crate::turn;
use crate::view::View;
use anyhow::Context;
use std::process::ExitCode;

struct Chat {
    client: Client,
    conversation: Conversation,
    view: View,
    /// The program of `/edit`.
    program: Option<String>,
    totals: Totals,
}

/// Whether the chat goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Question,
    Leave,
}

/// Chats until the user leaves.
pub(crate) async fn run(
    client: Client,
    conversation: Conversation,
    view: View,
    program: Option<String>,
) -> anyhow::Result<ExitCode> {
    // Only the completion needs them.
    let models = client.models().await.unwrap_or_default();
    let mut editor = LineEditor::new(models)?;
    let mut chat = Chat { client, conversation, view, program, totals: Totals::default() };
    let ask = &chat.conversation.ask;
    chat.view.note(&format!(
        "{} · effort {} · /help",
        ask.model,
        ask.effort.as_deref().unwrap_or("as the model likes")
    ))?;
    let mut interrupted = false;
    loop {
        let line;
        (editor, line) = tokio::task::spawn_blocking(move || {
            let line = editor.read("> ");
            (editor, line)
        })
        .await
        .context("the line editor failed")?;
        match line? {
            Line::Ended => return Ok(ExitCode::SUCCESS),
            Line::Interrupted if interrupted => return Ok(ExitCode::SUCCESS),
            Line::Interrupted => {
                interrupted = true;
                chat.view.note("Ctrl-C once more leaves")?;
                continue;
            }
            Line::Text(text) if text.trim().is_empty() => {}
            Line::Text(text) => {
                if chat.take(text.trim()).await? == Next::Leave {
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
        interrupted = false;
    }
}

impl Chat {
    async fn take(&mut self, line: &str) -> anyhow::Result<Next> {
        if !line.starts_with('/') {
            self.ask(line).await?;
            return Ok(Next::Question);
        }
        let command = match command::read(line) {
            Ok(command) => command,
            Err(wrong) => return self.note(&wrong),
        };
        match command {
            Command::Quit => return Ok(Next::Leave),
            Command::Retry(effort) => self.retry(effort).await?,
            Command::Compare { first, second } => {
                let kept = self.conversation.ask.effort.clone();
                for effort in [first, second] {
                    self.view.note(&format!("── {effort}"))?;
                    self.retry(Some(effort)).await?;
                }
                self.conversation.ask.effort = kept;
            }
            Command::Edit => match editor::edit(self.program.as_deref()) {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => self.ask(text.trim()).await?,
                Err(error) => return self.note(&format!("{error:#}")),
            },
            command => return self.set(command),
        }
        Ok(Next::Question)
    }

    /// A command that asks nothing.
    fn set(&mut self, command: Command) -> anyhow::Result<Next> {
        match command {
            Command::Help => self.note(HELP),
            Command::Effort(effort) => {
                if effort.is_some() {
                    (self.conversation.ask.effort, self.conversation.ask.budget) = (effort, None);
                }
                let effort = self.conversation.ask.effort.clone();
                self.note(&format!("effort {}", effort.as_deref().unwrap_or("as the model likes")))
            }
            Command::Model(model) => {
                if let Some(model) = model {
                    self.conversation.ask.model = model;
                }
                let model = self.conversation.ask.model.clone();
                self.note(&format!("model {model}"))
            }
            Command::System(text) => {
                self.conversation.system = text;
                self.note(if self.conversation.system.is_some() { "a system text" } else { "no system text" })
            }
            Command::Reasoning => {
                let thought = self.view.thought().to_owned();
                self.note(if thought.is_empty() { "no thoughts were shown" } else { &thought })
            }
            Command::Raw => {
                let answer = self.conversation.last_answer().unwrap_or("there is no answer yet").to_owned();
                self.note(&control::clean(&answer))
            }
            Command::Image(path) => match image::read(&path) {
                Ok(picture) => {
                    self.conversation.attach(picture);
                    self.note(&format!("{} goes with the next question", path.display()))
                }
                Err(error) => self.note(&format!("{error:#}")),
            },
            Command::Save(path) => match std::fs::write(&path, self.conversation.markdown()) {
                Ok(()) => self.note(&format!("written to {}", path.display())),
                Err(error) => self.note(&format!("cannot write {}: {error}", path.display())),
            },
            Command::Usage => {
                let line = self.totals.line();
                self.note(&line)
            }
            Command::Clear => {
                self.conversation.clear();
                self.note("forgotten")
            }
            Command::Quit | Command::Retry(_) | Command::Compare { .. } | Command::Edit => Ok(Next::Question),
        }
    }

    async fn ask(&mut self, question: &str) -> anyhow::Result<()> {
        let outcome = turn::answer(&self.client, &mut self.conversation, question, &mut self.view).await?;
        self.totals.add(&outcome.summary);
        Ok(())
    }

    async fn retry(&mut self, effort: Option<String>) -> anyhow::Result<()> {
        if !self.conversation.take_answer_back() {
            return Ok(self.view.note("there is no question to ask again")?);
        }
        if effort.is_some() {
            (self.conversation.ask.effort, self.conversation.ask.budget) = (effort, None);
        }
        let outcome = turn::again(&self.client, &mut self.conversation, &mut self.view).await?;
        self.totals.add(&outcome.summary);
        Ok(())
    }

    fn note(&mut self, text: &str) -> anyhow::Result<Next> {
        self.view.note(text)?;
        Ok(Next::Question)
    }
}
