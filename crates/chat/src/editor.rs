//! The line in which questions are written: history, completion, and a program for longer ones.

use crate::command::{EFFORTS, WORDS};
use anyhow::{Context as _, bail};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Context, Editor, Helper, Highlighter, Hinter, Validator};
use std::process::Command;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Text(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D.
    Ended,
}

/// A line editor whose history is in memory alone.
pub(crate) struct LineEditor(Editor<Words, MemHistory>);

/// What completes a command.
#[derive(Helper, Highlighter, Hinter, Validator)]
struct Words {
    models: Vec<String>,
}

impl Completer for Words {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let Some(written) = line.get(..at).filter(|written| written.starts_with('/')) else {
            return Ok((at, Vec::new()));
        };
        let start = written.rfind(' ').map_or(0, |space| space + 1);
        let word = written.get(start..).unwrap_or_default();
        let known: Vec<&str> = match written.split(' ').next() {
            _ if start == 0 => WORDS.to_vec(),
            Some("/effort" | "/retry" | "/compare") => EFFORTS.to_vec(),
            Some("/model") => self.models.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        };
        let fitting = known.into_iter().filter(|known| known.starts_with(word));
        Ok((start, fitting.map(str::to_owned).collect()))
    }
}

impl LineEditor {
    /// An editor that completes the names of models.
    pub(crate) fn new(models: Vec<String>) -> anyhow::Result<Self> {
        let config = Config::builder().auto_add_history(true).bracketed_paste(true).build();
        let mut editor = Editor::with_history(config, MemHistory::new()).context("the terminal cannot be used")?;
        editor.set_helper(Some(Words { models }));
        Ok(Self(editor))
    }

    /// Reads a line; one that ends with a backslash goes on in the next.
    pub(crate) fn read(&mut self, prompt: &str) -> anyhow::Result<Line> {
        let mut text = String::new();
        let mut prompt = prompt;
        loop {
            match self.0.readline(prompt) {
                Ok(line) => match line.strip_suffix('\\') {
                    Some(begun) => {
                        text.push_str(begun);
                        text.push('\n');
                        prompt = "… ";
                    }
                    None => return Ok(Line::Text(text + &line)),
                },
                Err(ReadlineError::Interrupted) => return Ok(Line::Interrupted),
                Err(ReadlineError::Eof) => return Ok(Line::Ended),
                Err(error) => return Err(error).context("cannot read from the terminal"),
            }
        }
    }
}

/// Writes a text with the user's own program.
pub(crate) fn edit(program: Option<&str>) -> anyhow::Result<String> {
    let Some(program) = program else { bail!("$EDITOR names no program") };
    let file = std::env::temp_dir().join(format!("aquifer-chat-{}.md", std::process::id()));
    std::fs::File::create_new(&file).with_context(|| format!("cannot write {}", file.display()))?;
    let mut words = program.split_whitespace();
    let name = words.next().unwrap_or(program);
    let ended = Command::new(name).args(words).arg(&file).status();
    let text = std::fs::read_to_string(&file);
    let _ = std::fs::remove_file(&file);
    if !ended.with_context(|| format!("cannot start {name}"))?.success() {
        bail!("{name} failed");
    }
    text.context("the question cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_levels_and_models_are_completed() {
        let words = Words { models: vec!["us.amazon.nova-2-lite-v1:0".into(), "openai.gpt-oss-120b-1:0".into()] };
        let history = MemHistory::new();
        let complete = |line: &str| words.complete(line, line.len(), &Context::new(&history)).expect("completed");
        assert_eq!(complete("/eff"), (0, vec!["/effort".to_owned()]));
        assert_eq!(complete("/compare low xh"), (13, vec!["xhigh".to_owned()]));
        assert_eq!(complete("/model us."), (7, vec!["us.amazon.nova-2-lite-v1:0".to_owned()]));
        assert_eq!(complete("what is /eff").1, Vec::<String>::new());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = edit(Some("no-such-editor -x")).expect_err("it is not there");
        assert!(error.to_string().contains("no-such-editor"));
    }
}
