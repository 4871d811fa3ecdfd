//! Where an answer is shown: on a screen, in a pipe, or to a program.

use crate::Reasoning;
use crate::control::clean;
use crate::events::{Event, Failure};
use crate::json_lines::JsonLines;
use crate::plain::Plain;
use crate::screen::{Screen, ScreenLook};
use crate::summary::Summary;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Stderr, Stdout, stderr, stdout};
use std::time::Instant;

/// How answers look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) color: bool,
    /// Standard output is a terminal that understands escape sequences.
    pub(crate) live: bool,
    pub(crate) reasoning: Reasoning,
}

/// A place where answers are shown. A reader that has gone away is no error.
pub(crate) struct View {
    kind: Kind,
    /// Warnings that were told: each is told once.
    warned: BTreeSet<String>,
    /// The reasoning of the latest answer, where the screen does not keep it.
    thought: String,
}

enum Kind {
    Screen(Screen<Stdout>),
    Plain(Plain<Stdout, Stderr>),
    Json(JsonLines<Stdout>),
}

impl View {
    /// A view of lines of JSON.
    pub(crate) fn json() -> Self {
        Self::of(Kind::Json(JsonLines::new(stdout())))
    }

    /// A view for people.
    pub(crate) fn new(look: Look) -> Self {
        let screen = look.live && look.reasoning != Reasoning::Stderr || look.reasoning == Reasoning::Show;
        Self::of(match screen {
            true => {
                let folds = look.live && look.reasoning == Reasoning::Fold;
                let look = ScreenLook { color: look.color, folds, hides: look.reasoning == Reasoning::Hide };
                Kind::Screen(Screen::new(stdout(), look, columns))
            }
            false => Kind::Plain(Plain::new(stdout(), stderr(), look.reasoning != Reasoning::Hide)),
        })
    }

    fn of(kind: Kind) -> Self {
        Self { kind, warned: BTreeSet::new(), thought: String::new() }
    }

    /// Begins an answer.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        self.thought.clear();
        if let Kind::Screen(screen) = &mut self.kind {
            screen.begin();
        }
        Ok(())
    }

    /// The reasoning of the latest answer.
    pub(crate) fn thought(&self) -> &str {
        match &self.kind {
            Kind::Screen(screen) => screen.thought(),
            Kind::Plain(_) | Kind::Json(_) => &self.thought,
        }
    }

    pub(crate) fn event(&mut self, event: &Event, at: Instant) -> io::Result<()> {
        let shown = match &mut self.kind {
            Kind::Screen(screen) => screen.event(event, at),
            Kind::Plain(plain) => plain.event(event),
            Kind::Json(lines) => lines.event(event),
        };
        if let (Event::Reasoning(text), Kind::Plain(_)) = (event, &self.kind) {
            self.thought.push_str(&clean(text));
        }
        unless_gone(shown)
    }

    /// Paints what changes with time alone.
    pub(crate) fn tick(&mut self, at: Instant) -> io::Result<()> {
        match &mut self.kind {
            Kind::Screen(screen) => screen.tick(at),
            Kind::Plain(_) | Kind::Json(_) => Ok(()),
        }
    }

    /// Tells what the gateway changed in the request, once in a chat.
    pub(crate) fn warning(&mut self, warning: &str) -> io::Result<()> {
        if !self.warned.insert(warning.to_owned()) {
            return Ok(());
        }
        match &mut self.kind {
            Kind::Json(lines) => unless_gone(lines.warning(warning)),
            Kind::Screen(_) | Kind::Plain(_) => self.note(&format!("warning: {}", clean(warning))),
        }
    }

    /// Tells why there is no answer, or no whole one.
    pub(crate) fn failure(&mut self, failure: &Failure) -> io::Result<()> {
        if let Kind::Json(lines) = &mut self.kind {
            return unless_gone(lines.failure(failure));
        }
        let status = failure.status.map(|status| format!("{status}: ")).unwrap_or_default();
        self.note(&format!("error: {status}{}", clean(&failure.message)))
    }

    /// Tells that the user stopped the answer.
    pub(crate) fn interrupted(&mut self) -> io::Result<()> {
        self.note("stopped; its usage is unknown")
    }

    /// Ends the answer. Of a question that got nothing, a person was told why.
    pub(crate) fn end(&mut self, summary: &Summary) -> io::Result<()> {
        unless_gone(match &mut self.kind {
            Kind::Screen(_) | Kind::Plain(_) if summary.is_of_nothing() => Ok(()),
            Kind::Screen(screen) => screen.end(&clean(&summary.line()), summary.ended),
            Kind::Plain(plain) => plain.end(&clean(&summary.line())),
            Kind::Json(lines) => lines.end(summary),
        })
    }

    /// A line that is no part of an answer. A program gets none.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        unless_gone(match &mut self.kind {
            Kind::Screen(screen) => screen.line(text),
            Kind::Plain(plain) => plain.line(text),
            Kind::Json(_) => Ok(()),
        })
    }
}

fn columns() -> usize {
    crossterm::terminal::size().map_or(80, |size| usize::from(size.0))
}

fn unless_gone(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
