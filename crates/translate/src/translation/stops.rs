//! Stop sequences for models that take none: the text is cut at the first one, however it comes in pieces.
//!
//! All sequences are looked for at once (Aho and Corasick's machine), so that a byte of text costs the same however many
//! they are, and what is held back is never more than what may still become one of them.

use super::halves::Halves;
use crate::model::request::Block;
use crate::model::response::{Response, StopReason};
use crate::model::text::Text;
use std::collections::BTreeMap;

/// The cutter of one answer.
#[derive(Debug)]
pub struct Stops {
    machine: Machine,
    /// The state that the text so far leads to.
    state: usize,
    /// The end of the text so far, which may be the beginning of a stop sequence.
    held: String,
    halves: Halves,
    cut: bool,
    /// The one that was found.
    found: Option<Text<'static>>,
}

/// Every beginning of a stop sequence is a state.
#[derive(Debug)]
struct Machine {
    states: Vec<State>,
    further: BTreeMap<(usize, u8), usize>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// The length of the state's text: so many bytes at the end of the answer's text are a beginning of a stop
    /// sequence.
    depth: usize,
    /// The state of the longest end of it that is a beginning too.
    shorter: usize,
    /// The length of the longest stop sequence that ends here.
    ends: usize,
}

impl Stops {
    /// Looks for these sequences; nothing when there are none.
    #[must_use]
    pub fn new(sequences: &[String]) -> Option<Self> {
        let mut wanted = sequences.iter().filter(|sequence| !sequence.is_empty()).peekable();
        wanted.peek()?;
        let machine = Machine::new(wanted.map(String::as_bytes));
        Some(Self { machine, state: 0, held: String::new(), halves: Halves::default(), cut: false, found: None })
    }

    /// Whether a stop sequence was found: the text behind it is dropped.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The stop sequence that was found.
    #[must_use]
    pub fn found(&self) -> Option<Text<'static>> {
        self.found.clone()
    }

    /// Takes the next piece of text and gives what is certain.
    pub fn take(&mut self, text: &Text<'_>) -> Option<Text<'static>> {
        let piece = self.halves.plain(text);
        self.plain(&piece)
    }

    /// Gives the text that was held back, when something other than text follows: it is no stop sequence.
    pub fn rest(&mut self) -> Option<Text<'static>> {
        let half = self.halves.rest();
        let certain = self.plain(&half);
        self.state = 0;
        let rest = std::mem::take(&mut self.held);
        said(certain.map(|text| text.plain().into_owned()).unwrap_or_default() + &rest)
    }

    fn plain(&mut self, piece: &str) -> Option<Text<'static>> {
        if self.cut {
            return None;
        }
        let before = self.held.len();
        self.held.push_str(piece);
        for (at, byte) in piece.bytes().enumerate() {
            // The state is the longest beginning of a stop sequence that the text ends with.
            self.state = self.machine.after(self.state, byte);
            let ends = self.machine.state(self.state).ends;
            if ends > 0 {
                self.cut = true;
                self.held.truncate(before + at + 1);
                let found = self.held.split_off(before + at + 1 - ends);
                self.found = Some(Text::from_plain(found));
                return said(std::mem::take(&mut self.held));
            }
        }
        // All but that beginning can be told: no stop sequence can reach further back.
        let certain = self.held.len().saturating_sub(self.machine.state(self.state).depth);
        let held = self.held.split_off(certain);
        said(std::mem::replace(&mut self.held, held))
    }
}

fn said(text: String) -> Option<Text<'static>> {
    (!text.is_empty()).then(|| Text::from_plain(text))
}

impl Machine {
    fn new<'s>(sequences: impl Iterator<Item = &'s [u8]>) -> Self {
        let mut machine = Self { states: vec![State::default()], further: BTreeMap::new() };
        for sequence in sequences {
            machine.add(sequence);
        }
        machine.link();
        machine
    }

    fn add(&mut self, sequence: &[u8]) {
        let mut at = 0;
        for (depth, byte) in sequence.iter().enumerate() {
            let new = self.states.len();
            let next = *self.further.entry((at, *byte)).or_insert(new);
            if next == new {
                self.states.push(State { depth: depth + 1, ..State::default() });
            }
            at = next;
        }
        if let Some(state) = self.states.get_mut(at) {
            state.ends = sequence.len();
        }
    }

    /// Links each state to the longest shorter one, the short ones first.
    fn link(&mut self) {
        let mut steps: Vec<(usize, u8, usize)> =
            self.further.iter().map(|((from, by), to)| (*from, *by, *to)).collect();
        // A state's link leads to a shorter one, whose own link must be known by then.
        steps.sort_by_key(|(_, _, to)| self.state(*to).depth);
        for (from, byte, to) in steps {
            let shorter = if from == 0 { 0 } else { self.after(self.state(from).shorter, byte) };
            let ends = self.state(shorter).ends;
            if let Some(state) = self.states.get_mut(to) {
                state.shorter = shorter;
                state.ends = state.ends.max(ends);
            }
        }
    }

    fn after(&self, mut state: usize, byte: u8) -> usize {
        loop {
            match self.further.get(&(state, byte)) {
                Some(next) => return *next,
                None if state == 0 => return 0,
                None => state = self.state(state).shorter,
            }
        }
    }

    fn state(&self, at: usize) -> State {
        self.states.get(at).copied().unwrap_or_default()
    }
}

/// Cuts a whole answer; gives the places of what is left.
pub(super) fn cut(stops: &mut Stops, response: &mut Response<'_>, places: Vec<u32>) -> Vec<u32> {
    let mut left: Vec<(u32, Block<'_>)> = Vec::with_capacity(response.content.len());
    for (place, mut block) in places.into_iter().zip(std::mem::take(&mut response.content)) {
        match &mut block {
            Block::Text(text) | Block::Cited { text, .. } => *text = stops.take(text).unwrap_or_default(),
            Block::Reasoning { .. }
            | Block::Redacted { .. }
            | Block::ToolUse { .. }
            | Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }
            | Block::CachePoint(_) => give_back(stops, &mut left),
        }
        left.push((place, block));
        if stops.is_cut() {
            response.stop = StopReason::StopSequence(stops.found());
            break;
        }
    }
    give_back(stops, &mut left);
    let (places, content) = left.into_iter().unzip();
    response.content = content;
    places
}

/// Puts what was held back behind the last text.
fn give_back(stops: &mut Stops, left: &mut [(u32, Block<'_>)]) {
    let Some(rest) = stops.rest() else { return };
    let last = left.iter_mut().rev().find_map(|(_, block)| match block {
        Block::Text(text) | Block::Cited { text, .. } => Some(text),
        Block::Reasoning { .. }
        | Block::Redacted { .. }
        | Block::ToolUse { .. }
        | Block::ToolResult { .. }
        | Block::Image { .. }
        | Block::Document { .. }
        | Block::SearchResult { .. }
        | Block::Audio { .. }
        | Block::CachePoint(_) => None,
    });
    if let Some(text) = last {
        *text = Text::from_escaped([text.as_escaped(), rest.as_escaped()].concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a text that comes in these pieces, and whether it was cut.
    fn cut_of<'p>(stops: &[&str], pieces: impl IntoIterator<Item = &'p str>) -> (String, bool) {
        let mut stops = Stops::new(&stops.iter().map(|stop| (*stop).to_owned()).collect::<Vec<_>>()).unwrap();
        let mut said = String::new();
        for piece in pieces {
            said.extend(stops.take(&Text::from_escaped(piece)).map(|text| text.plain().into_owned()));
        }
        said.extend(stops.rest().map(|text| text.plain().into_owned()));
        (said, stops.is_cut())
    }

    /// The slow and obvious way: the sequence that ends first, of those the longest.
    fn plainly(stops: &[&str], text: &str) -> (String, bool) {
        let ends = |stop: &&&str| text.match_indices(**stop).map(|(at, _)| at + stop.len()).next();
        let first = stops.iter().filter_map(|stop| Some((ends(&stop)?, std::cmp::Reverse(stop.len())))).min();
        match first {
            Some((end, length)) => (text[..end - length.0].to_owned(), true),
            None => (text.to_owned(), false),
        }
    }

    #[test]
    fn text_is_cut_however_it_comes() {
        let texts = ["abcabcabd", "aaab", "xbcdy", "Thought: é\nObservation: 5", "no stop at al", "ababac", "é🦀é"];
        let stops: [&[&str]; 7] =
            [&["abd"], &["aab", "ab"], &["abcde", "bcd", "c"], &["\nObservation:"], &["all"], &["abac"], &["🦀é"]];
        for (text, stops) in texts.iter().flat_map(|text| stops.iter().map(move |stops| (*text, *stops))) {
            let expected = plainly(stops, text);
            let escaped = Text::from_plain(text);
            let escaped = escaped.as_escaped();
            assert_eq!(cut_of(stops, [escaped]), expected, "{text:?} {stops:?}");
            let ends = |at: &usize| escaped.is_char_boundary(*at) && !escaped[..*at].ends_with('\\');
            for at in (0..escaped.len()).filter(ends) {
                let (head, tail) = escaped.split_at(at);
                assert_eq!(cut_of(stops, [head, tail]), expected, "{text:?} {stops:?} {at}");
            }
            let letters = text.chars().map(|letter| Text::from_plain(letter.to_string()).as_escaped().to_owned());
            let letters: Vec<String> = letters.collect();
            assert_eq!(cut_of(stops, letters.iter().map(String::as_str)), expected, "{text:?} {stops:?}");
        }
    }

    #[test]
    fn an_escape_is_what_it_says() {
        assert_eq!(cut_of(&["n"], [r"a\nb"]), ("a\nb".to_owned(), false));
        assert_eq!(cut_of(&["é"], [r"a\u00e9b"]), ("a".to_owned(), true));
        assert_eq!(cut_of(&["🦀"], [r"a\ud83e", r"\udd80b"]), ("a".to_owned(), true));
        assert_eq!(cut_of(&["x"], [r"a\ud83e"]), ("a\u{fffd}".to_owned(), false));
        assert_eq!(cut_of(&["x"], [r"a\\ud83e", "b"]), ("a\\ud83eb".to_owned(), false));
    }

    #[test]
    fn nothing_is_looked_for_when_nothing_is_said() {
        assert!(Stops::new(&[]).is_none() && Stops::new(&[String::new()]).is_none());
    }
}
