//! Markdown, styled as it comes: what is written stays, so that copies are clean; nothing is painted again.

/// The escape sequences of a style; nothing where there are no colours.
const BOLD: &str = "\x1b[1m";
const CODE: &str = "\x1b[36m";
const MARK: &str = "\x1b[33m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// The styler of an answer.
#[derive(Debug, Default)]
pub(crate) struct Markdown {
    color: bool,
    /// The beginning of a line, or a star, whose meaning the next letters decide.
    held: String,
    place: Place,
    fenced: bool,
    bold: bool,
    code: bool,
}

/// Where in a line the next letter stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    Within,
    /// In a line whose style was set at its start.
    Styled,
}

impl Markdown {
    pub(crate) fn new(color: bool) -> Self {
        Self { color, ..Self::default() }
    }

    /// Styles some text.
    pub(crate) fn push(&mut self, text: &str, out: &mut String) {
        if !self.color {
            out.push_str(text);
            return;
        }
        for letter in text.chars() {
            self.letter(letter, out);
        }
    }

    /// Ends the answer: what is held is written.
    pub(crate) fn end(&mut self, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.held));
        if self.color {
            out.push_str(PLAIN);
        }
        *self = Self::new(self.color);
    }

    fn letter(&mut self, letter: char, out: &mut String) {
        if letter == '\n' {
            self.end_line(out);
            return;
        }
        match self.place {
            Place::Styled => out.push(letter),
            Place::Within => self.inline(letter, out),
            Place::Start => {
                self.held.push(letter);
                if !undecided(&self.held) {
                    self.begin_line(out);
                }
            }
        }
    }

    fn begin_line(&mut self, out: &mut String) {
        let held = std::mem::take(&mut self.held);
        let mark = held.trim_start();
        if mark.starts_with("```") {
            self.fenced = !self.fenced;
            self.styled(DIM, &held, out);
        } else if self.fenced {
            self.styled(CODE, &held, out);
        } else if mark.starts_with('#') && mark.ends_with(' ') {
            self.styled(BOLD, &held, out);
        } else if mark.ends_with(' ') && mark.len() == 2 {
            // A bullet: the mark alone has a colour.
            out.push_str(&format!("{MARK}{held}{PLAIN}"));
            self.place = Place::Within;
        } else {
            self.place = Place::Within;
            held.chars().for_each(|letter| self.inline(letter, out));
        }
    }

    fn styled(&mut self, style: &str, held: &str, out: &mut String) {
        out.push_str(style);
        out.push_str(held);
        self.place = Place::Styled;
    }

    fn inline(&mut self, letter: char, out: &mut String) {
        if std::mem::take(&mut self.held) == "*" {
            if letter == '*' && !self.code {
                self.bold = !self.bold;
                out.push_str(if self.bold { "\x1b[1m**" } else { "**\x1b[22m" });
                return;
            }
            out.push('*');
        }
        match letter {
            '*' => self.held.push('*'),
            '`' => {
                self.code = !self.code;
                out.push_str(if self.code { "\x1b[36m`" } else { "`\x1b[39m" });
            }
            letter => out.push(letter),
        }
    }

    fn end_line(&mut self, out: &mut String) {
        match self.place {
            Place::Start => self.begin_line(out),
            Place::Within => out.push_str(&std::mem::take(&mut self.held)),
            Place::Styled => {}
        }
        out.push_str(&std::mem::take(&mut self.held));
        let styled = self.place == Place::Styled || self.bold || self.code;
        out.push_str(if styled { "\x1b[0m\n" } else { "\n" });
        (self.place, self.bold, self.code) = (Place::Start, false, false);
    }
}

/// Whether the next letter decides what a line is.
fn undecided(start: &str) -> bool {
    let mark = start.trim_start();
    let only = |letter: char, most: usize| mark.len() <= most && mark.chars().all(|seen| seen == letter);
    mark.is_empty() || only('#', 6) || only('`', 2) || only('-', 1) || only('*', 1) || only('+', 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn styled(text: &str) -> String {
        let (mut markdown, mut out) = (Markdown::new(true), String::new());
        markdown.push(text, &mut out);
        markdown.end(&mut out);
        out
    }

    /// The text without its styles.
    fn bare(styled: &str) -> String {
        let mut parts = styled.split('\x1b');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
    }

    #[test]
    fn headings_bullets_code_and_bold_have_styles() {
        assert_eq!(styled("# A\nb"), "\x1b[1m# A\x1b[0m\nb\x1b[0m");
        assert_eq!(styled("- a `c`"), "\x1b[33m- \x1b[0ma \x1b[36m`c`\x1b[39m\x1b[0m");
        assert_eq!(styled("**a** *b*"), "\x1b[1m**a**\x1b[22m *b*\x1b[0m");
        assert_eq!(
            styled("```rs\nlet a = **b;\n```\n"),
            "\x1b[2m```rs\x1b[0m\n\x1b[36mlet a = **b;\x1b[0m\n\x1b[2m```\x1b[0m\n\x1b[0m"
        );
    }

    #[test]
    fn nothing_of_a_text_is_lost_and_no_style_goes_on() {
        arbtest::arbtest(|bytes| {
            let letters = ['#', '`', '*', '-', '+', ' ', '\n', 'a', 'ü'];
            let text: String = std::iter::from_fn(|| bytes.choose(&letters).ok().copied()).take(60).collect();
            assert_eq!(bare(&styled(&text)), text);
            let mut plain = String::new();
            Markdown::new(false).push(&text, &mut plain);
            assert_eq!(plain, text);
            Ok(())
        });
    }
}
