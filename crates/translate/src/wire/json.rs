//! JSON, looked through once: that all of it is JSON, and where every value stands.
//!
//! [`Document::read`] goes over the text a single time. What it notes makes every later step, to a member or an item, one
//! that looks at no text in between. Values stay as they came, strings still escaped. What is not JSON gives nothing but
//! `None`; serde_json says what is wrong with it, and a test holds the two to one verdict.

use crate::wire::slice::Slice as _;
use std::borrow::Cow;

/// The depth to which the places of values are noted; deeper values are only checked.
const NOTED: usize = 16;

/// The part of a JSON text that is indexed. The rest is only checked for its grammar, which takes no memory.
#[derive(Clone, Copy, Debug)]
pub struct Noting<'n> {
    /// The greatest depth that is indexed.
    pub depth: usize,
    /// The members of the top that are looked into; empty stands for all of them.
    pub looked_into: &'n [&'n str],
    /// The member of the top whose members stand for members of the top.
    pub beside: &'n str,
    /// The members, wherever they stand, that are not looked into.
    pub opaque: &'n [&'n str],
    /// The most values of the whole text.
    pub values: usize,
}

impl Noting<'_> {
    /// Everything down to this depth.
    #[must_use]
    pub fn down_to(depth: usize) -> Self {
        Self { depth: depth.min(NOTED), looked_into: &[], beside: "", opaque: &[], values: usize::MAX }
    }
}

/// The reason why a text was not indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is not JSON, or longer than 4 GiB.
    NotJson,
    /// It holds more values than it may.
    TooMany,
}

/// A text that is JSON.
pub struct Document<'a> {
    text: &'a str,
    spans: Vec<Span>,
    deepest: usize,
    escaped_names: bool,
}

impl std::fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Document({} bytes)", self.text.len())
    }
}

/// One value of a document.
#[derive(Clone, Copy)]
pub struct Value<'a, 'd> {
    document: &'d Document<'a>,
    at: usize,
}

impl std::fmt::Debug for Value<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}({} bytes)", self.kind(), self.raw().len())
    }
}

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    List,
    /// An object.
    Object,
}

/// The span of a value in the text, quotes and brackets included. In an object, the span of each name is followed by
/// its value's.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
    /// The first span behind what is inside.
    next: u32,
    kind: Kind,
    /// A string that holds a backslash; a list or an object of which nothing inside was noted.
    marked: bool,
}

impl<'a> Document<'a> {
    /// Looks through a text; `None` when it is not JSON, or longer than 4 GiB.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        Self::read_noting(text, &Noting::down_to(NOTED)).ok()
    }

    /// The same, noting only what is looked into.
    ///
    /// # Errors
    ///
    /// What is not JSON, and what holds more values than it may.
    pub fn read_noting(text: &'a str, noting: &Noting<'_>) -> Result<Self, Unread> {
        u32::try_from(text.len()).map_err(|_| Unread::NotJson)?;
        let mut scan = Scan::new(text, *noting);
        let read = scan.document();
        let Scan { spans, deepest, escaped_names, values, .. } = scan;
        match read {
            _ if values > noting.values => Err(Unread::TooMany),
            Some(()) => Ok(Self { text, spans, deepest, escaped_names }),
            None => Err(Unread::NotJson),
        }
    }

    /// The value that the text is.
    #[must_use]
    pub fn top(&self) -> Value<'a, '_> {
        Value { document: self, at: 0 }
    }

    /// The nesting depth: how many arrays and objects are open where most are.
    #[must_use]
    pub fn deepest(&self) -> usize {
        self.deepest
    }

    /// Whether the name of some member is written with escapes.
    #[must_use]
    pub fn has_escaped_names(&self) -> bool {
        self.escaped_names
    }
}

impl<'a, 'd> Value<'a, 'd> {
    /// The document that it is of.
    #[must_use]
    pub fn document(self) -> &'d Document<'a> {
        self.document
    }

    /// The value as it stands there.
    #[must_use]
    pub fn raw(self) -> &'a str {
        let inside = self.span().and_then(|span| self.document.text.get(span.start as usize..span.end as usize));
        debug_assert!(inside.is_some() || self.span().is_none(), "a value beyond its text");
        inside.unwrap_or_default()
    }

    /// The value's type.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.span().map_or(Kind::Null, |span| span.kind)
    }

    /// The inside of a string, still escaped.
    #[must_use]
    pub fn escaped(self) -> Option<&'a str> {
        let span = self.span().filter(|span| span.kind == Kind::String)?;
        self.document.text.get(span.start as usize + 1..span.end as usize - 1)
    }

    /// Whether it is a string that holds a backslash.
    #[must_use]
    pub fn has_escapes(self) -> bool {
        self.span().is_some_and(|span| span.kind == Kind::String && span.marked)
    }

    /// The unescaped text of a string; `None` for half of a surrogate pair, which no string can hold, and for other
    /// types.
    #[must_use]
    pub fn plain(self) -> Option<Cow<'a, str>> {
        if self.has_escapes() {
            return serde_json::from_str(self.raw()).ok().map(Cow::Owned);
        }
        self.escaped().map(Cow::Borrowed)
    }

    /// The items of a list; none of anything else.
    pub fn items(self) -> impl Iterator<Item = Self> + use<'a, 'd> {
        let (mut at, end) = self.inside(Kind::List);
        std::iter::from_fn(move || {
            let item = Self { at, ..self };
            at = self.document.spans.get(at..end)?.first()?.next as usize;
            Some(item)
        })
    }

    /// The names and values of an object, in their order; none of anything else.
    pub fn members(self) -> impl Iterator<Item = (Self, Self)> + use<'a, 'd> {
        let (mut at, end) = self.inside(Kind::Object);
        std::iter::from_fn(move || {
            let [_, value] = self.document.spans.get(at..end)?.first_chunk()?;
            let member = (Self { at, ..self }, Self { at: at + 1, ..self });
            at = value.next as usize;
            Some(member)
        })
    }

    /// The value of an object's last member of that name.
    #[must_use]
    pub fn member(self, name: &str) -> Option<Self> {
        let (mut at, end) = self.inside(Kind::Object);
        let mut last = None;
        while at < end {
            let [said, value] = self.document.spans.get(at..)?.first_chunk()?;
            let member = Self { at, ..self };
            let long = (said.end - said.start) as usize;
            let same = match said.marked {
                true => member.plain().is_some_and(|said| said == name),
                false => long == name.len() + 2 && member.escaped() == Some(name),
            };
            if same {
                last = Some(at + 1);
            }
            at = value.next as usize;
        }
        last.map(|at| Self { at, ..self })
    }

    /// Whether it is an array or object so deep that its members were not indexed.
    #[must_use]
    pub fn is_unnoted(self) -> bool {
        self.span().is_some_and(|span| span.kind != Kind::String && span.marked)
    }

    /// The first and the last place inside.
    fn inside(self, kind: Kind) -> (usize, usize) {
        if self.kind() == kind { (self.at + 1, self.next()) } else { (0, 0) }
    }

    fn next(self) -> usize {
        self.span().map_or(self.at, |span| span.next as usize)
    }

    fn span(self) -> Option<&'d Span> {
        self.document.spans.get(self.at)
    }
}

/// A text while it is looked through.
struct Scan<'a, 'n> {
    text: &'a str,
    bytes: &'a [u8],
    noting: Noting<'n>,
    /// The number of values so far, names included.
    values: usize,
    /// The depth to which values are indexed here: less than elsewhere inside a member that is not looked into.
    limit: usize,
    /// The member of the top that is read stands for the top.
    beside: bool,
    at: usize,
    spans: Vec<Span>,
    /// The brackets that are open.
    open: Vec<u8>,
    /// The spans of the outer ones of them.
    noted: [usize; NOTED],
    deepest: usize,
    escaped_names: bool,
}

impl<'a, 'n> Scan<'a, 'n> {
    fn new(text: &'a str, noting: Noting<'n>) -> Self {
        let spans = Vec::with_capacity((text.len() / 32).clamp(16, 4096));
        let (noted, open) = ([0; NOTED], Vec::with_capacity(2 * NOTED));
        Self {
            text,
            bytes: text.as_bytes(),
            noting,
            values: 0,
            limit: noting.depth,
            beside: false,
            at: 0,
            spans,
            open,
            noted,
            deepest: 0,
            escaped_names: false,
        }
    }

    fn document(&mut self) -> Option<()> {
        self.value()?;
        while let Some(bracket) = self.open.last().copied() {
            match (self.take()?, bracket) {
                (b',', _) if self.values > self.noting.values => return None,
                (b',', b'{') => self.name().and_then(|()| self.value())?,
                (b',', _) => self.value()?,
                (b'}', b'{') | (b']', b'[') => self.close(),
                _ => return None,
            }
        }
        self.space();
        (self.at == self.bytes.len()).then_some(())
    }

    /// A value that is whole, or the beginning of one up to its first value inside that is whole.
    fn value(&mut self) -> Option<()> {
        loop {
            self.space();
            match self.bytes.get(self.at)? {
                b'"' => return self.string().map(drop),
                b'{' => {
                    self.open(b'{', Kind::Object);
                    if self.closes(b'}') {
                        return Some(());
                    }
                    self.name()?;
                }
                b'[' => {
                    self.open(b'[', Kind::List);
                    if self.closes(b']') {
                        return Some(());
                    }
                }
                b't' => return self.word(b"true", Kind::Boolean),
                b'f' => return self.word(b"false", Kind::Boolean),
                b'n' => return self.word(b"null", Kind::Null),
                _ => return self.number(),
            }
        }
    }

    fn open(&mut self, bracket: u8, kind: Kind) {
        let depth = self.open.len();
        if depth < self.limit
            && let Some(noted) = self.noted.get_mut(depth)
        {
            *noted = self.spans.len();
        }
        self.note(self.at, kind, depth + 1 == self.limit);
        self.at += 1;
        self.open.push(bracket);
        self.deepest = self.deepest.max(self.open.len());
    }

    /// Takes the bracket that closes what was just opened, if it is there.
    fn closes(&mut self, bracket: u8) -> bool {
        self.space();
        let closes = self.bytes.get(self.at) == Some(&bracket);
        if closes {
            self.at += 1;
            self.close();
        }
        closes
    }

    fn close(&mut self) {
        self.open.pop();
        let (end, next, depth) = (self.at as u32, self.spans.len() as u32, self.open.len());
        if depth >= self.limit {
            return;
        }
        let span = self.noted.get(depth).and_then(|at| self.spans.get_mut(*at));
        if let Some(span) = span {
            (span.end, span.next) = (end, next);
        }
        // What was not looked into is over.
        self.limit = self.noting.depth;
    }

    /// A name and its colon.
    fn name(&mut self) -> Option<()> {
        self.space();
        let start = self.at;
        let escaped = self.string()?;
        self.escaped_names |= escaped;
        let depth = self.open.len();
        if depth < self.limit {
            let name = self.text.get(start + 1..self.at - 1).filter(|_| !escaped);
            self.limit = if self.looks_into(name, depth) { self.noting.depth } else { depth + 1 };
        }
        (self.take()? == b':').then_some(())
    }

    /// Whether a member is indexed; of a name with escapes that is not known.
    #[inline]
    fn looks_into(&mut self, name: Option<&str>, depth: usize) -> bool {
        if self.noting.looked_into.is_empty() {
            return true;
        }
        if depth == 1 {
            self.beside = name == Some(self.noting.beside);
        }
        let Some(name) = name else { return true };
        match depth == 1 || depth == 2 && self.beside {
            true => self.noting.looked_into.contains(&name),
            false => !self.noting.opaque.contains(&name),
        }
    }

    /// A string; whether it has escapes.
    fn string(&mut self) -> Option<bool> {
        let start = self.at;
        let mut rest = self.bytes.get(start..)?.strip_prefix(b"\"")?;
        let mut escaped = false;
        loop {
            rest = rest.get(plain(rest)..)?;
            let (first, behind) = rest.split_first()?;
            rest = match first {
                b'"' => {
                    self.at = self.bytes.len() - behind.len();
                    self.note(start, Kind::String, escaped);
                    return Some(escaped);
                }
                b'\\' => behind.get(escape(behind)?..)?,
                _ => return None,
            };
            escaped = true;
        }
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        self.at += usize::from(self.bytes.get(start) == Some(&b'-'));
        match self.digits() {
            (_, 0) | (b'0', 2..) => return None,
            _ => {}
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            (self.digits().1 > 0).then_some(())?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            (self.digits().1 > 0).then_some(())?;
        }
        self.note(start, Kind::Number, false);
        Some(())
    }

    /// The first digit of those that stand here, and how many.
    fn digits(&mut self) -> (u8, usize) {
        let rest = self.bytes.behind(self.at);
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.at += count;
        (rest.first().copied().unwrap_or_default(), count)
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Option<()> {
        let start = self.at;
        self.bytes.get(start..)?.strip_prefix(word)?;
        self.at += word.len();
        self.note(start, kind, false);
        Some(())
    }

    /// Notes a value that ends here, unless it lies too deep.
    fn note(&mut self, start: usize, kind: Kind, marked: bool) {
        self.values += 1;
        if self.open.len() < self.limit {
            let (start, end, next) = (start as u32, self.at as u32, self.spans.len() as u32 + 1);
            self.spans.push(Span { start, end, next, kind, marked });
        }
    }

    /// The next byte that is no white space.
    fn take(&mut self) -> Option<u8> {
        self.space();
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        byte
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }
}

/// Whether this holds of any string in a JSON text, names included, each still escaped.
pub(crate) fn any_string(json: &str, holds: impl Fn(&str) -> bool) -> bool {
    let mut rest = json;
    while let Some((_, inside)) = rest.split_once('"') {
        let end = length(inside.as_bytes());
        if holds(inside.upto(end)) {
            return true;
        }
        rest = inside.behind(end + 1);
    }
    false
}

/// The length of the string that begins here, still escaped.
fn length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..) {
        at += plain(rest);
        if bytes.get(at) != Some(&b'\\') {
            return at.min(bytes.len());
        }
        at += 2;
    }
    bytes.len()
}

/// Unescapes the beginning of a string, though it may be cut inside an escape.
pub(crate) fn begins(escaped: &str) -> Cow<'_, str> {
    if !escaped.contains('\\') {
        return Cow::Borrowed(escaped);
    }
    let cuts = (0..=escaped.len().min(12)).filter_map(|cut| escaped.get(..escaped.len() - cut));
    let mut whole = cuts.filter_map(|text| serde_json::from_str::<String>(&format!("\"{text}\"")).ok());
    Cow::Owned(whole.next().unwrap_or_default())
}

/// The length of an escape behind its backslash.
pub(crate) fn escape(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(1),
        b'u' => bytes.get(1..5)?.iter().all(u8::is_ascii_hexdigit).then_some(5),
        _ => None,
    }
}

/// The number of plain bytes before a quote, a backslash or a control character. Eight bytes are looked at together;
/// behind the first few, where most strings have ended, more.
#[inline]
pub(crate) fn plain(bytes: &[u8]) -> usize {
    let mut known = 0;
    while known < FEW
        && let Some(word) = bytes.get(known..).and_then(<[u8]>::first_chunk)
    {
        let special = specials(*word);
        if special != 0 {
            return known + first(special);
        }
        known += 8;
    }
    plain_behind(bytes, known)
}

/// The number of bytes that are looked at eight at a time, before many more are looked at together.
const FEW: usize = 32;

/// The same, when so many bytes are known to be plain: up to a quote or a backslash, unless a control character comes
/// before it, which is rare and then the end of what can be read.
#[inline(never)]
fn plain_behind(bytes: &[u8], known: usize) -> usize {
    let rest = bytes.behind(known);
    if rest.len() < 8 {
        // The last word begins within what is known already.
        return match bytes.last_chunk().map(|word| specials(*word)) {
            Some(0) => bytes.len(),
            Some(special) => bytes.len() - 8 + first(special),
            None => bytes.iter().position(|byte| is_special(*byte)).unwrap_or(bytes.len()),
        };
    }
    let run = memchr::memchr2(b'"', b'\\', rest).map_or(rest, |length| rest.get(..length).unwrap_or(rest));
    // Without a branch for each byte, many are looked at together; the last piece begins within the one before it.
    let is_control = |piece: &[u8; 16]| piece.iter().fold(false, |any, byte| any | (*byte < 0x20));
    let controlled = match run.last_chunk() {
        Some(last) => run.as_chunks().0.iter().fold(is_control(last), |any, piece| any | is_control(piece)),
        None => run.iter().any(|byte| *byte < 0x20),
    };
    let length = if controlled { run.iter().position(|byte| *byte < 0x20) } else { None };
    known + length.unwrap_or(run.len())
}

/// Whether a text holds letters of ASCII alone, without quotes, backslashes and control characters.
#[inline(always)]
pub(crate) fn is_plain_ascii(text: &[u8]) -> bool {
    // Without a branch for each byte, many are looked at together; the last piece begins within the one before it.
    let is_special = |any, byte: &u8| any | (*byte == b'"') | (*byte == b'\\') | (byte.cast_signed() < 0x20);
    match (text.last_chunk::<16>(), text.last_chunk::<8>()) {
        (Some(last), _) => {
            let any = last.iter().fold(false, is_special);
            !text.as_chunks::<16>().0.iter().fold(any, |any, piece| any | piece.iter().fold(false, is_special))
        }
        (None, Some(last)) => {
            let any = text.first_chunk().map_or(0, |first| specials(*first)) | specials(*last);
            any == 0 && text.is_ascii()
        }
        (None, None) => !text.iter().fold(false, is_special),
    }
}

/// The place of the first special byte.
fn first(special: u64) -> usize {
    special.trailing_zeros() as usize / 8
}

fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

/// The highest bit of each of eight bytes.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The highest bit of the first special byte of eight is set, and no lower one.
#[inline]
fn specials(bytes: [u8; 8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(bytes);
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    below(word, 0x20) | below(word ^ (ONES * 0x22), 1) | below(word ^ (ONES * 0x5c), 1)
}

#[cfg(test)]
mod tests;
