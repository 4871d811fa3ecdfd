//! Errors and notices about a configuration, with their locations: collected, so that all are reported at once.

use std::fmt;

/// A place in a file, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) struct Position {
    pub(in crate::config) line: usize,
    pub(in crate::config) column: usize,
}

/// One mistake in one file. It never holds a secret's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as its [`Source`](crate::config::Source) is named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The field, as `spec.rules[0].backendRefs[1].name`; empty when the file is not YAML.
    pub path: String,
    /// The error and the value that was expected.
    pub message: String,
}

/// `file:line:column: path: message`, as editors and terminals link it.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// A location: the file, the line and column, the path of the field.
#[derive(Clone, Copy)]
pub(in crate::config) struct Location<'a> {
    pub(in crate::config) file: &'a str,
    pub(in crate::config) position: Position,
    pub(in crate::config) path: &'a str,
}

impl Location<'_> {
    fn mistake(self, message: String) -> ConfigError {
        let Self { file, position, path } = self;
        ConfigError {
            file: file.to_owned(),
            line: position.line,
            column: position.column,
            path: path.to_owned(),
            message,
        }
    }
}

/// The most mistakes, and the most notices, that are reported.
const MOST_TOLD: usize = 1000;

/// A notice about a configuration that is valid. It is shown as its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its severity.
    pub severity: Severity,
    /// The place and the message, or the message alone where it is about no place.
    pub text: String,
}

/// The severity of a [`Notice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Note,
    /// Something will not be served as the files say.
    Problem,
}

impl Notice {
    /// Good to know.
    #[must_use]
    pub fn note(text: String) -> Self {
        Self { severity: Severity::Note, text }
    }

    /// Something will not be served as the files say.
    #[must_use]
    pub fn problem(text: String) -> Self {
        Self { severity: Severity::Problem, text }
    }
}

impl std::ops::Deref for Notice {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<T: AsRef<str>> PartialEq<T> for Notice {
    fn eq(&self, other: &T) -> bool {
        self.text == other.as_ref()
    }
}

/// Everything that was found to say about the files.
#[derive(Default)]
pub(in crate::config) struct Report {
    pub(in crate::config) mistakes: Vec<ConfigError>,
    pub(in crate::config) notices: Vec<Notice>,
    /// The number of regular expressions so far.
    pub(in crate::config) patterns: usize,
}

impl Report {
    /// Something is wrong there: the configuration is refused.
    pub(in crate::config) fn refuse(&mut self, location: Location<'_>, message: impl Into<String>) {
        if self.mistakes.len() < MOST_TOLD {
            self.mistakes.push(location.mistake(message.into()));
        }
    }

    /// Something there is worth knowing, though nothing is wrong.
    pub(in crate::config) fn notice(&mut self, location: Location<'_>, message: impl Into<String>) {
        if self.notices.len() < MOST_TOLD {
            self.notices.push(Notice::note(location.mistake(message.into()).to_string()));
        }
    }

    /// Something there will not be served as the files say.
    pub(in crate::config) fn problem(&mut self, location: Location<'_>, message: impl Into<String>) {
        if self.notices.len() < MOST_TOLD {
            self.notices.push(Notice::problem(location.mistake(message.into()).to_string()));
        }
    }
}
