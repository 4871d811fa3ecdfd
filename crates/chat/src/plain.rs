//! The view of a pipe: the answer on standard output, all else on standard error.

use crate::control::clean;
use crate::events::Event;
use std::io::{self, Write};

/// What is written where.
pub(crate) struct Plain<O, E> {
    out: O,
    err: E,
    /// Reasoning goes to standard error.
    shows_reasoning: bool,
    thinking: bool,
    /// The line on standard output is not ended.
    within_line: bool,
}

impl<O: Write, E: Write> Plain<O, E> {
    pub(crate) fn new(out: O, err: E, shows_reasoning: bool) -> Self {
        Self { out, err, shows_reasoning, thinking: false, within_line: false }
    }

    pub(crate) fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Reasoning(text) if self.shows_reasoning => {
                self.thinking = true;
                write!(self.err, "{}", clean(text))?;
                self.err.flush()
            }
            Event::Content(text) => {
                self.end_thought()?;
                let text = clean(text);
                self.within_line = !text.ends_with('\n');
                write!(self.out, "{text}")?;
                self.out.flush()
            }
            Event::Call(name) => self.line(&format!("it calls {}, which is not offered here", clean(name))),
            Event::Reasoning(_) | Event::Details(_) | Event::Finish(_) | Event::Usage(_) | Event::Failed(_) => Ok(()),
        }
    }

    /// A line on standard error.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.end_thought()?;
        writeln!(self.err, "{text}")
    }

    /// Ends the answer with a newline.
    pub(crate) fn end(&mut self, summary: &str) -> io::Result<()> {
        if std::mem::take(&mut self.within_line) {
            writeln!(self.out)?;
            self.out.flush()?;
        }
        self.line(summary)
    }

    fn end_thought(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.thinking) {
            writeln!(self.err)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_alone_is_on_standard_output() {
        let mut plain = Plain::new(Vec::new(), Vec::new(), true);
        for event in [Event::Reasoning("Hm.".into()), Event::Content("So\x07.".into())] {
            plain.event(&event).expect("written");
        }
        plain.end("1.0 s").expect("written");
        assert_eq!(String::from_utf8_lossy(&plain.out), "So.\n");
        assert_eq!(String::from_utf8_lossy(&plain.err), "Hm.\n1.0 s\n");
    }
}
