//! A buffer that keeps the newest part of a text, and wipes what it drops.

use zeroize::Zeroize as _;

/// The most of one pane that is shown, in bytes.
pub(super) const KEPT: usize = 64 << 10;
/// So much more is held before the oldest part is dropped, so that not each piece moves the whole pane.
const SLACK: usize = 16 << 10;
/// The smallest buffer.
const SMALLEST: usize = 1 << 10;

/// The newest part of a text. Its `Debug` shows no content.
#[derive(Default)]
pub(super) struct Pane {
    bytes: Vec<u8>,
    /// The number of bytes before those that are held.
    dropped: u64,
}

impl std::fmt::Debug for Pane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pane").field("held", &self.bytes.len()).field("dropped", &self.dropped).finish()
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl Pane {
    /// The beginning of a text that comes at once.
    pub(super) fn beginning_of(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text.get(..KEPT).unwrap_or(text));
        let mut pane = Self::default();
        pane.push(text.get(..boundary(&text, KEPT)).unwrap_or_default());
        pane
    }

    /// Appends a piece. The buffer grows by steps, and what it grew out of is wiped.
    pub(super) fn push(&mut self, text: &str) {
        let mut text = text;
        if text.len() > KEPT {
            let from = boundary(text, text.len() - KEPT);
            self.drop_all();
            self.dropped += from as u64;
            text = text.get(from..).unwrap_or_default();
        }
        if self.bytes.len() + text.len() > KEPT + SLACK {
            self.trim(KEPT.saturating_sub(text.len()));
        }
        let wanted = self.bytes.len() + text.len();
        if wanted > self.bytes.capacity() {
            let room = wanted.next_power_of_two().clamp(SMALLEST, (KEPT + SLACK).max(wanted));
            let mut grown = Vec::with_capacity(room);
            grown.extend_from_slice(&self.bytes);
            std::mem::replace(&mut self.bytes, grown).zeroize();
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// The number of all bytes that came.
    pub(super) fn end(&self) -> u64 {
        self.dropped + self.bytes.len() as u64
    }

    /// The number of bytes that are not held any more.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The memory that it takes.
    pub(super) fn room(&self) -> usize {
        self.bytes.capacity()
    }

    /// The part between two places, as far as it is held.
    pub(super) fn part(&self, from: u64, to: u64) -> &str {
        let at = |place: u64| usize::try_from(place.saturating_sub(self.dropped)).unwrap_or(usize::MAX);
        let part = self.bytes.get(at(from)..at(to).min(self.bytes.len())).unwrap_or_default();
        std::str::from_utf8(part).unwrap_or_default()
    }

    /// All that is held.
    pub(super) fn text(&self) -> &str {
        self.part(0, u64::MAX)
    }

    /// Drops all that is held.
    pub(super) fn drop_all(&mut self) {
        self.dropped = self.end();
        std::mem::take(&mut self.bytes).zeroize();
    }

    /// Drops all but the newest part of this length.
    fn trim(&mut self, length: usize) {
        let from = boundary(self.text(), self.bytes.len().saturating_sub(length));
        let left = self.bytes.len() - from;
        self.bytes.copy_within(from.., 0);
        if let Some(rest) = self.bytes.get_mut(left..) {
            rest.zeroize();
        }
        self.bytes.truncate(left);
        self.dropped += from as u64;
    }
}

/// The first place between two letters that is not before this one.
pub(super) fn boundary(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_part_of_a_text_is_kept_whole_letter_by_whole_letter() {
        let mut pane = Pane::default();
        let mut whole = String::new();
        for number in 0..20_000 {
            let piece = format!("{number} ä😀 ");
            pane.push(&piece);
            whole.push_str(&piece);
            assert!(pane.room() <= KEPT + SLACK, "{}", pane.room());
        }
        assert_eq!(pane.end(), whole.len() as u64);
        assert!(whole.ends_with(pane.text()) && pane.text().len() > KEPT - 20, "{pane:?}");
        assert_eq!(pane.dropped() as usize + pane.text().len(), whole.len());
        let (from, to) = (pane.end() - 5, pane.end());
        assert_eq!(pane.part(from, to), &whole[whole.len() - 5..]);
        assert_eq!(pane.part(0, pane.dropped()), "");
        pane.push(&whole);
        assert!(whole.ends_with(pane.text()) && pane.text().len() > KEPT - 5);
        assert_eq!(pane.end(), 2 * whole.len() as u64);
        pane.drop_all();
        assert_eq!((pane.text(), pane.room(), pane.dropped()), ("", 0, 2 * whole.len() as u64));
    }

    #[test]
    fn the_beginning_of_a_body_is_kept() {
        assert_eq!(Pane::beginning_of(b"{}").text(), "{}");
        let long = "ä".repeat(KEPT);
        let pane = Pane::beginning_of(long.as_bytes());
        assert!(long.starts_with(pane.text()) && pane.text().len() == KEPT, "{pane:?}");
        assert_eq!(Pane::beginning_of(&[0xff]).text(), "\u{fffd}");
    }

    #[test]
    fn its_debug_shows_no_content() {
        assert!(!format!("{:?}", Pane::beginning_of(b"xyzzy")).contains("xyzzy"));
    }
}
