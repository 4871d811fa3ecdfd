//! The output of a response while it grows: its items as JSON, written once and never escaped again.

use crate::fault::{Fault, Misbehaviour};

/// The room that is taken ahead for the first item that grows, in bytes: most answers stay within it.
const AHEAD: usize = 32 << 10;
/// The most bytes of one output: a model's longest answer is far below.
const MOST: usize = 64 << 20;

/// The items so far. Only the last one may be open: then its text stands at the end, and grows in place.
#[derive(Default)]
pub(super) struct Output {
    written: String,
    /// The items so far, the open one included.
    items: u32,
    /// Where the latest item begins, and the text in it.
    item_at: usize,
    text_at: usize,
    /// There was no room for all of it.
    overflows: bool,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Output({} items, {} bytes)", self.items, self.written.len())
    }
}

impl Output {
    /// The index of the next item.
    pub(super) fn next(&self) -> u32 {
        self.items
    }

    /// Begins an item with its head, behind which its text grows.
    pub(super) fn begin(&mut self, head: &str) {
        if !self.written.is_empty() {
            self.written.push(',');
        } else {
            self.written.reserve(AHEAD);
        }
        self.items += 1;
        self.item_at = self.written.len();
        self.written.push_str(head);
        self.text_at = self.written.len();
    }

    /// Adds to the text of the open item; it is escaped already.
    #[inline]
    pub(super) fn grow(&mut self, text: &str) {
        if self.written.len() + text.len() <= MOST {
            self.written.push_str(text);
        } else {
            self.overflows = true;
        }
    }

    /// The text of the open item, escaped.
    pub(super) fn text(&self) -> &str {
        self.written.get(self.text_at..).unwrap_or_default()
    }

    /// Ends the open item with its tail.
    pub(super) fn end(&mut self, tail: &str) {
        self.written.push_str(tail);
    }

    /// The latest item, once it is ended.
    pub(super) fn item(&self) -> &str {
        self.written.get(self.item_at..).unwrap_or_default()
    }

    /// Takes the open item out.
    pub(super) fn abandon(&mut self) {
        self.items = self.items.saturating_sub(1);
        self.written.truncate(self.item_at.saturating_sub(1));
    }

    /// All items, with commas between them.
    pub(super) fn items(&self) -> &str {
        &self.written
    }

    /// Makes sure that nothing is missing.
    pub(super) fn check(&self) -> Result<(), Fault> {
        match self.overflows {
            true => Err(Fault::UpstreamMisbehaved(Misbehaviour::Protocol(format!("more than {MOST} bytes")))),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_follow_each_other_and_the_open_one_can_be_taken_out() {
        let mut output = Output::default();
        output.begin("{\"a\":\"");
        output.grow("x");
        output.grow("y");
        assert_eq!(output.text(), "xy");
        output.end("\"}");
        assert_eq!(output.item(), "{\"a\":\"xy\"}");
        output.begin("{\"b\":\"");
        assert_eq!((output.next(), output.items()), (2, "{\"a\":\"xy\"},{\"b\":\""));
        output.abandon();
        assert_eq!((output.next(), output.items()), (1, "{\"a\":\"xy\"}"));
    }

    #[test]
    fn the_first_item_taken_out_leaves_nothing() {
        let mut output = Output::default();
        output.begin("{");
        output.abandon();
        assert_eq!(output.items(), "");
    }

    #[test]
    fn an_output_without_end_is_an_error_and_not_kept() {
        let mut output = Output::default();
        output.begin("{\"");
        let piece = "a".repeat(1 << 20);
        (0..70).for_each(|_| output.grow(&piece));
        assert!(output.check().is_err() && output.text().len() <= MOST);
    }
}
