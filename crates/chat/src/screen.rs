//! The view of a terminal: reasoning dimmed in a few rows that fold into one, then the answer.

use crate::control::clean;
use crate::events::Event;
use crate::markdown::Markdown;
use crate::summary::{grouped, seconds};
use crate::wrap;
use std::io::{self, Write};
use std::time::Instant;

/// The rows of reasoning that are shown while the model thinks.
const ROWS: usize = 10;

/// What is on the screen.
pub(crate) struct Screen<W> {
    out: W,
    look: ScreenLook,
    columns: fn() -> usize,
    markdown: Markdown,
    /// The reasoning of this answer so far.
    thought: String,
    phase: Phase,
    /// The columns of the rows that are painted, and painted over.
    painted: Vec<usize>,
    /// Something of the answer was written, and its line is not ended.
    within_line: bool,
}

/// How a screen looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScreenLook {
    pub(crate) color: bool,
    /// Reasoning folds when the answer begins; else all of it stays.
    pub(crate) folds: bool,
    pub(crate) hides: bool,
}

/// What the model is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    Thinking { since: Instant },
    Answering,
}

impl<W: Write> Screen<W> {
    pub(crate) fn new(out: W, look: ScreenLook, columns: fn() -> usize) -> Self {
        Self {
            out,
            look,
            columns,
            markdown: Markdown::new(look.color),
            thought: String::new(),
            phase: Phase::Waiting,
            painted: Vec::new(),
            within_line: false,
        }
    }

    /// Begins an answer.
    pub(crate) fn begin(&mut self) {
        self.thought.clear();
        self.phase = Phase::Waiting;
    }

    /// The reasoning of the latest answer.
    pub(crate) fn thought(&self) -> &str {
        &self.thought
    }

    pub(crate) fn event(&mut self, event: &Event, at: Instant) -> io::Result<()> {
        match event {
            Event::Reasoning(text) => self.reasoning(&clean(text), at),
            Event::Content(text) => {
                self.fold(at)?;
                self.content(&clean(text))
            }
            Event::Call(name) => {
                self.fold(at)?;
                self.line(&format!("▸ calls {}, which is not offered here", clean(name)))
            }
            Event::Finish(_) => self.fold(at),
            Event::Details(_) | Event::Usage(_) | Event::Failed(_) => Ok(()),
        }
    }

    /// Paints the clock of the thought.
    pub(crate) fn tick(&mut self, at: Instant) -> io::Result<()> {
        if let Phase::Thinking { since } = self.phase
            && self.look.folds
        {
            self.paint(since, at)?;
        }
        Ok(())
    }

    /// A line of its own, dimmed.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.erase()?;
        self.end_line()?;
        let (dim, plain) = if self.look.color { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
        writeln!(self.out, "{dim}{text}{plain}")?;
        self.out.flush()
    }

    /// Ends the answer.
    pub(crate) fn end(&mut self, summary: &str, at: Instant) -> io::Result<()> {
        self.fold(at)?;
        let mut text = String::new();
        self.markdown.end(&mut text);
        self.out.write_all(text.as_bytes())?;
        self.line(summary)
    }

    fn reasoning(&mut self, text: &str, at: Instant) -> io::Result<()> {
        if self.look.hides {
            return Ok(());
        }
        if let Phase::Answering = self.phase {
            // A further thought, behind some of the answer.
            self.end_line()?;
            self.thought.push_str("\n\n");
        }
        let since = match self.phase {
            Phase::Thinking { since } => since,
            Phase::Waiting | Phase::Answering => at,
        };
        self.phase = Phase::Thinking { since };
        self.thought.push_str(text);
        if self.look.folds {
            return self.paint(since, at);
        }
        let (dim, plain) = if self.look.color { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
        write!(self.out, "{dim}{text}{plain}")?;
        self.within_line = !text.ends_with('\n');
        self.out.flush()
    }

    /// Leaves one line of the thought that was painted.
    fn fold(&mut self, at: Instant) -> io::Result<()> {
        let Phase::Thinking { since } = self.phase else { return Ok(()) };
        self.phase = Phase::Answering;
        let time = seconds(at.saturating_duration_since(since));
        if self.look.folds {
            let letters = grouped(self.thought.chars().count() as u64);
            return self.line(&format!("▸ thought {time} · {letters} characters · /reasoning shows it"));
        }
        self.end_line()
    }

    fn content(&mut self, text: &str) -> io::Result<()> {
        self.phase = Phase::Answering;
        let mut styled = String::new();
        self.markdown.push(text, &mut styled);
        self.out.write_all(styled.as_bytes())?;
        if !text.is_empty() {
            self.within_line = !text.ends_with('\n');
        }
        self.out.flush()
    }

    fn end_line(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.within_line) {
            writeln!(self.out)?;
        }
        Ok(())
    }

    /// Paints the last rows of the thought and its clock over those before.
    fn paint(&mut self, since: Instant, at: Instant) -> io::Result<()> {
        let columns = (self.columns)().max(20);
        let mut rows = wrap::tail(self.thought.trim_end(), columns - 1, ROWS);
        let letters = grouped(self.thought.chars().count() as u64);
        rows.push(format!("thinking {} · {letters} characters", seconds(at.saturating_duration_since(since))));
        self.erase()?;
        let (dim, plain) = if self.look.color { ("\x1b[2;3m", "\x1b[0m") } else { ("", "") };
        write!(self.out, "{dim}{}{plain}", rows.join("\r\n"))?;
        self.painted = rows.iter().map(|row| wrap::columns(row)).collect();
        self.out.flush()
    }

    /// Takes away what was painted. A narrower window has broken its rows.
    fn erase(&mut self) -> io::Result<()> {
        let painted = std::mem::take(&mut self.painted);
        if painted.is_empty() {
            return Ok(());
        }
        let columns = (self.columns)().max(1);
        let rows: usize = painted.iter().map(|used| used.div_ceil(columns).max(1)).sum();
        let up = rows - 1;
        let up = if up > 0 { format!("\x1b[{up}A") } else { String::new() };
        write!(self.out, "\r{up}\x1b[J")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;
    use std::time::Duration;

    fn screen(folds: bool) -> Screen<Vec<u8>> {
        Screen::new(Vec::new(), ScreenLook { color: true, folds, hides: false }, || 40)
    }

    fn text(screen: Screen<Vec<u8>>) -> String {
        String::from_utf8(screen.out).expect("UTF-8")
    }

    #[test]
    fn a_thought_folds_when_the_answer_begins() {
        let mut screen = screen(true);
        let begun = now();
        screen.begin();
        screen.event(&Event::Reasoning("Blue scatters\nmore.".into()), begun).expect("written");
        screen.event(&Event::Content("Because.".into()), begun + Duration::from_millis(1500)).expect("written");
        screen.end("1.5 s", begun).expect("written");
        let text = text(screen);
        // Three rows are painted, and taken away: up two, to the end of the screen.
        assert!(text.contains("\r\x1b[2A\x1b[J\x1b[2m▸ thought 1.5 s · 19 characters"), "{text:?}");
        assert!(text.ends_with("Because.\x1b[0m\n\x1b[2m1.5 s\x1b[0m\n"), "{text:?}");
    }

    #[test]
    fn a_narrower_window_has_more_rows_to_take_away() {
        let mut screen = screen(true);
        screen.event(&Event::Reasoning("a".repeat(30)), now()).expect("written");
        screen.columns = || 15;
        screen.tick(now()).expect("written");
        // 30 letters and the clock of 30: two rows each.
        assert!(text(screen).contains("\x1b[3A"));
    }

    #[test]
    fn a_thought_that_stays_is_written_once() {
        let mut screen = screen(false);
        screen.event(&Event::Reasoning("Hm.".into()), now()).expect("written");
        screen.tick(now()).expect("written");
        screen.event(&Event::Content("So.".into()), now()).expect("written");
        assert_eq!(text(screen), "\x1b[2mHm.\x1b[0m\nSo.");
    }

    #[test]
    fn a_hostile_answer_brings_no_escape() {
        let mut screen = Screen::new(Vec::new(), ScreenLook { color: false, folds: false, hides: false }, || 40);
        screen.event(&Event::Reasoning("\x1b[2J".into()), now()).expect("written");
        screen.event(&Event::Content("\x1b]52;c;AAAA\x07".into()), now()).expect("written");
        screen.event(&Event::Call("\x1b[31mf".into()), now()).expect("written");
        assert!(!text(screen).contains('\x1b'));
    }
}
