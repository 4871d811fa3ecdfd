//! YAML read into a tree in which every node knows its place, with limits on size, depth and aliases.
//!
//! The tree is built from the parser's events without recursion: a hostile file can exhaust neither the
//! stack nor the memory.

use crate::config::text::mistake::{ConfigError, Position};
use crate::config::text::references::{shield, unshield};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use std::collections::{HashMap, HashSet};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 20;
/// The greatest depth of nested lists and mappings.
const MAX_DEPTH: usize = 64;
/// The most bytes that the tree of one file may take, aliases expanded.
const MAX_WEIGHT: usize = 32 << 20;
/// The weight of one node besides its text, in bytes.
const NODE_WEIGHT: usize = 64;

/// One node of the tree.
#[derive(Clone)]
pub(in crate::config) struct Node {
    pub(in crate::config) position: Position,
    pub(in crate::config) value: Value,
}

#[derive(Clone)]
pub(in crate::config) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone)]
pub(in crate::config) struct Scalar {
    pub(in crate::config) text: String,
    /// Not quoted, so that `true`, `12` and `null` are no text.
    pub(in crate::config) plain: bool,
    /// The text of the file, when the environment put something else in its place.
    pub(in crate::config) written: Option<String>,
}

#[derive(Clone)]
pub(in crate::config) struct Entry {
    pub(in crate::config) key: String,
    pub(in crate::config) position: Position,
    pub(in crate::config) value: Node,
}

impl Node {
    /// An empty document.
    pub(in crate::config) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
    }

    /// The value of a field; `None` when it is missing or null.
    pub(in crate::config) fn get(&self, key: &str) -> Option<&Self> {
        let entry = self.entries().iter().find(|entry| entry.key == key)?;
        (!entry.value.is_null()).then_some(&entry.value)
    }

    /// The value of a field of a field, as `spec.schema.name`.
    pub(in crate::config) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |node, key| node.get(key))
    }

    /// The text of a scalar.
    pub(in crate::config) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if !scalar.is_null() => Some(&scalar.text),
            Value::Scalar(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The text of a field of a field.
    pub(in crate::config) fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path)?.text()
    }

    /// The text of a scalar as a message may show it: never what the environment put in.
    pub(in crate::config) fn shown(&self) -> &str {
        match &self.value {
            Value::Scalar(scalar) => scalar.shown(),
            Value::List(_) | Value::Map(_) => "",
        }
    }

    /// Whether the environment put something in, here or below.
    pub(in crate::config) fn is_substituted(&self) -> bool {
        match &self.value {
            Value::Scalar(scalar) => scalar.written.is_some(),
            Value::List(items) => items.iter().any(Self::is_substituted),
            Value::Map(entries) => entries.iter().any(|entry| entry.value.is_substituted()),
        }
    }

    /// The whole number of a scalar.
    pub(in crate::config) fn whole(&self) -> Option<i64> {
        self.text()?.parse().ok()
    }

    /// The items of a list; none when it is something else.
    pub(in crate::config) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Scalar(_) | Value::Map(_) => &[],
        }
    }

    /// The items of the list in a field of a field.
    pub(in crate::config) fn items_at(&self, path: &str) -> &[Self] {
        self.at(path).map_or(&[], Self::items)
    }

    /// The entries of a mapping; none when it is something else.
    pub(in crate::config) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Scalar(_) | Value::List(_) => &[],
        }
    }

    /// The entries of the mapping in a field of a field.
    pub(in crate::config) fn entries_at(&self, path: &str) -> &[Entry] {
        self.at(path).map_or(&[], Self::entries)
    }
}

impl Scalar {
    pub(in crate::config) fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// The text of the scalar as a message may show it: never what the environment put in.
    pub(in crate::config) fn shown(&self) -> &str {
        self.written.as_deref().unwrap_or(&self.text)
    }

    /// The name of its JSON type.
    pub(in crate::config) fn type_name(&self) -> &'static str {
        if !self.plain {
            "string"
        } else if self.is_null() {
            "null"
        } else if matches!(self.text.as_str(), "true" | "True" | "TRUE" | "false" | "False" | "FALSE") {
            "boolean"
        } else if self.text.parse::<i64>().is_ok() {
            "integer"
        } else if self.text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
            && self.text.parse::<f64>().is_ok()
        {
            "number"
        } else {
            "string"
        }
    }
}

/// The documents of a file, and the mistake that ended the reading, if one did.
pub(in crate::config) fn parse(file: &str, text: &str) -> (Vec<Node>, Option<ConfigError>) {
    let mut builder = Builder::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let outcome = if text.len() > MAX_BYTES {
        Err((Position { line: 1, column: 1 }, format!("the file is too large: at most {MAX_BYTES} bytes are read")))
    } else {
        builder.read(&shield(text))
    };
    let mistake = outcome.err().map(|(position, message)| ConfigError {
        file: file.to_owned(),
        line: position.line,
        column: position.column,
        path: String::new(),
        message,
    });
    (builder.documents, mistake)
}

type Step<T> = Result<T, (Position, String)>;

/// A node that is complete, with what it takes to copy it.
#[derive(Clone)]
struct Built {
    node: Node,
    weight: usize,
    height: usize,
}

/// A list or a mapping that is still open.
struct Open {
    built: Built,
    anchor: usize,
    keys: HashSet<String>,
    key: Option<(String, Position)>,
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Built>,
    weight: usize,
}

impl Builder {
    fn read(&mut self, text: &str) -> Step<()> {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| unreadable(&error))?;
            self.take(event, position(&span.start))?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'_>, position: Position) -> Step<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), position),
            Event::SequenceStart(anchor, _) => self.begin(Value::List(Vec::new()), anchor, position),
            Event::MappingStart(anchor, _) => self.begin(Value::Map(Vec::new()), anchor, position),
            Event::SequenceEnd | Event::MappingEnd => self.end(position),
            Event::Alias(anchor) => {
                let Some(mut built) = self.anchors.get(&anchor).cloned() else {
                    return Err((position, "an alias of no node before it in this document".to_owned()));
                };
                built.node.position = position;
                self.spend(built.weight, position)?;
                self.put(built, 0, position)
            }
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => Ok(()),
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>, at: Position) -> Step<()> {
        let plain = style == ScalarStyle::Plain && tag.is_none_or(|tag| tag.suffix != "str");
        let text = unshield(text);
        let weight = NODE_WEIGHT.saturating_add(text.len());
        self.spend(weight, at)?;
        let node = Node { position: at, value: Value::Scalar(Scalar { text, plain, written: None }) };
        self.put(Built { node, weight, height: 0 }, anchor, at)
    }

    fn begin(&mut self, value: Value, anchor: usize, position: Position) -> Step<()> {
        self.spend(NODE_WEIGHT, position)?;
        if self.open.len() >= MAX_DEPTH {
            return Err((position, format!("nested too deep: at most {MAX_DEPTH} levels are read")));
        }
        let built = Built { node: Node { position, value }, weight: NODE_WEIGHT, height: 1 };
        self.open.push(Open { built, anchor, keys: HashSet::new(), key: None });
        Ok(())
    }

    fn end(&mut self, position: Position) -> Step<()> {
        let Some(mut open) = self.open.pop() else { return Ok(()) };
        if let Value::Map(entries) = &mut open.built.node.value {
            merge(entries, &open.keys);
        }
        self.put(open.built, open.anchor, position)
    }

    /// Puts a complete node where it belongs: into the document, a list, or a mapping as key or value.
    fn put(&mut self, built: Built, anchor: usize, position: Position) -> Step<()> {
        if anchor > 0 {
            self.spend(built.weight, position)?;
            self.anchors.insert(anchor, built.clone());
        }
        if self.open.len().saturating_add(built.height) > MAX_DEPTH {
            return Err((position, format!("nested too deep: at most {MAX_DEPTH} levels are read")));
        }
        let Some(parent) = self.open.last_mut() else {
            self.documents.push(built.node);
            return Ok(());
        };
        parent.built.weight = parent.built.weight.saturating_add(built.weight);
        parent.built.height = parent.built.height.max(built.height.saturating_add(1));
        match &mut parent.built.node.value {
            Value::List(items) => items.push(built.node),
            Value::Map(entries) => match parent.key.take() {
                Some((key, position)) => entries.push(Entry { key, position, value: built.node }),
                None => parent.key = Some(new_key(built.node, &mut parent.keys)?),
            },
            Value::Scalar(_) => {}
        }
        Ok(())
    }

    fn spend(&mut self, weight: usize, position: Position) -> Step<()> {
        self.weight = self.weight.saturating_add(weight);
        if self.weight > MAX_WEIGHT {
            return Err((position, format!("too many nodes, aliases expanded: at most {MAX_WEIGHT} bytes are kept")));
        }
        Ok(())
    }
}

fn new_key(node: Node, keys: &mut HashSet<String>) -> Step<(String, Position)> {
    let Value::Scalar(scalar) = node.value else {
        return Err((node.position, "a list or a mapping as a key: a field's name is expected".to_owned()));
    };
    if !keys.insert(scalar.text.clone()) {
        return Err((node.position, format!("the field {:?} is given twice", scalar.text)));
    }
    Ok((scalar.text, node.position))
}

/// Does what the merge key `<<` asks for: the fields of the other mapping, where this one has none.
fn merge(entries: &mut Vec<Entry>, keys: &HashSet<String>) {
    let Some(at) = entries.iter().position(|entry| entry.key == "<<") else { return };
    let mut seen = keys.clone();
    let merged = entries.remove(at).value;
    let others = match merged.value {
        Value::Map(_) => vec![merged],
        Value::List(items) => items,
        Value::Scalar(_) => return,
    };
    for other in others {
        if let Value::Map(more) = other.value {
            entries.extend(more.into_iter().filter(|entry| seen.insert(entry.key.clone())));
        }
    }
}

fn position(marker: &Marker) -> Position {
    Position { line: marker.line(), column: marker.col().saturating_add(1) }
}

fn unreadable(error: &ScanError) -> (Position, String) {
    (position(error.marker()), format!("not YAML: {}", error.info()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        let (mut documents, mistake) = parse("f", text);
        assert_eq!((documents.len(), mistake), (1, None), "{text}");
        documents.remove(0)
    }

    fn refusal(text: &str) -> String {
        parse("f", text).1.map(|mistake| mistake.to_string()).unwrap_or_default()
    }

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let root = one("a: 1\né: {b: [x, ünï, y]}\n");
        let position = |node: &Node| (node.position.line, node.position.column);
        assert_eq!(position(&root), (1, 1));
        assert_eq!(position(root.at("a").unwrap()), (1, 4));
        let items = root.items_at("é.b");
        assert_eq!(items.iter().map(position).collect::<Vec<_>>(), [(2, 9), (2, 12), (2, 17)]);
        assert_eq!((root.entries()[1].position.line, root.entries()[1].position.column), (2, 1));
    }

    #[test]
    fn fields_of_fields() {
        let root = one("a: {b: {c: 7, none: null, empty: }}\nlist: [1, 2]\n");
        assert_eq!(root.text_at("a.b.c"), Some("7"));
        assert_eq!(root.at("a.b.c").and_then(Node::whole), Some(7));
        for missing in ["a.b.none", "a.b.empty", "a.x", "list.a", "a.b.c.d"] {
            assert!(root.at(missing).is_none(), "{missing}");
        }
        assert_eq!((root.items_at("list").len(), root.items_at("a").len(), root.entries_at("a").len()), (2, 0, 1));
        assert_eq!(root.text_at("list"), None);
    }

    #[test]
    fn the_types_of_scalars() {
        for (text, expected) in [
            ("x", "string"),
            ("'1'", "string"),
            ("!!str 1", "string"),
            ("1", "integer"),
            ("-1", "integer"),
            ("1.5", "number"),
            ("1e3", "number"),
            ("infinity", "string"),
            ("2025-01-01T00:00:00Z", "string"),
            ("true", "boolean"),
            ("\"true\"", "string"),
            ("~", "null"),
            ("''", "string"),
        ] {
            let Value::Scalar(scalar) = one(text).value else { panic!("{text}") };
            assert_eq!(scalar.type_name(), expected, "{text}");
        }
    }

    #[test]
    fn documents_are_kept_up_to_the_mistake() {
        let (documents, mistake) = parse("f", "a: 1\n---\nb: 2\n---\nc: [\n");
        assert_eq!((documents.len(), mistake.is_some()), (2, true));
        let (documents, mistake) = parse("f", "\u{feff}---\n---\n# nothing\n");
        assert!(documents.iter().all(Node::is_null) && mistake.is_none());
        assert_eq!(parse("f", "").0.len(), 0);
    }

    #[test]
    fn aliases_are_copies_with_their_own_place() {
        let root = one("a: &x {k: v}\nb: *x\nc: &y 1\nd: [*y, *x]\n");
        assert_eq!(root.text_at("b.k"), Some("v"));
        assert_eq!(root.at("b").unwrap().position, Position { line: 2, column: 4 });
        assert_eq!(root.items_at("d")[0].text(), Some("1"));
        assert!(
            refusal("a: &x 1\n---\nb: *x\n").contains("3:4: an alias of no node"),
            "anchors end with their document"
        );
    }

    #[test]
    fn merge_keys_yield_to_the_fields_beside_them() {
        let root = one("a: &a {k: 1, l: 1}\nb: &b {l: 2, m: 2}\nc: {<<: [*a, *b], k: 3}\nd: {<<: x, k: 4}\n");
        let found = |key: &str| root.at("c").and_then(|c| c.text_at(key)).map(str::to_owned);
        assert_eq!((found("k"), found("l"), found("m")), (Some("3".into()), Some("1".into()), Some("2".into())));
        assert_eq!((found("<<"), root.text_at("d.k")), (None, Some("4")));
    }

    #[test]
    fn a_variable_can_stand_in_a_flow_mapping() {
        let root = one("a: {b: ${X:=y}, c: z}\n");
        assert_eq!((root.text_at("a.b"), root.text_at("a.c")), (Some("${X:=y}"), Some("z")));
        assert_eq!(root.at("a.c").unwrap().position, Position { line: 1, column: 20 });
    }

    #[test]
    fn limits() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(refusal(&nested(MAX_DEPTH)), "");
        assert!(refusal(&nested(MAX_DEPTH + 1)).contains("at most 64 levels"));
        let big = "x".repeat(1 << 20);
        let aliased = format!("a: &a {big}\nb: [{}]\n", "*a, ".repeat(40));
        assert!(refusal(&aliased).contains("too many nodes"), "large scalars weigh what they hold");
    }
}
