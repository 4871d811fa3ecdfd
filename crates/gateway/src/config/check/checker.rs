//! The check of a document against the shape of its kind, which says where a node departs from it.
//!
//! The wording of the mistakes is that of a Kubernetes API server, so that one manifest is refused with the
//! same words here and there.

use crate::beginning;
use crate::config::check::forms::Form;
use crate::config::check::shape::{Field, ListShape, Shape, TextShape, UnknownFields};
use crate::config::text::mistake::{Location, Report};
use crate::config::text::suggest::did_you_mean;
use crate::config::text::yaml::{Entry, Node, Scalar, Value};

/// The most characters of a value or a field's name that a message shows.
const MOST_SHOWN: usize = 100;

/// A check of one document.
pub(in crate::config) struct Check<'a> {
    pub(in crate::config) file: &'a str,
    pub(in crate::config) report: &'a mut Report,
}

impl Check<'_> {
    /// Compares `node`, found at `path`, with `shape`.
    pub(in crate::config) fn node(&mut self, node: &Node, path: &str, shape: &Shape) {
        match (shape, &node.value) {
            (Shape::Any, _) => {}
            (Shape::Map { fields, unknown }, Value::Map(entries)) => self.map(node, entries, path, fields, *unknown),
            (Shape::Texts, Value::Map(entries)) => {
                for entry in entries.iter().filter(|entry| !entry.value.is_null()) {
                    let free = Shape::Text(TextShape { min: 0, max: usize::MAX, form: Form::Free });
                    self.node(&entry.value, &join(path, &entry.key), &free);
                }
            }
            (Shape::List(list), Value::List(items)) => self.list(node, items, path, list),
            (Shape::Text(shape), Value::Scalar(scalar)) => {
                if self.is_type(node, scalar, path, "string") {
                    self.text(node, scalar, path, *shape);
                }
            }
            (Shape::OneOf(words), Value::Scalar(scalar)) => {
                if self.is_type(node, scalar, path, "string") && !words.contains(&scalar.text) {
                    self.refuse(node, path, unsupported(short(scalar.shown()), words));
                }
            }
            (Shape::Whole { min, max }, Value::Scalar(scalar)) => {
                if self.is_type(node, scalar, path, "integer") {
                    self.whole(node, scalar, path, *min, *max);
                }
            }
            (Shape::Truth, Value::Scalar(scalar)) => {
                self.is_type(node, scalar, path, "boolean");
            }
            (expected, found) => {
                let message = wrong_type(path, type_name(found), expected.type_name());
                self.refuse(node, path, message);
            }
        }
    }

    fn map(&mut self, node: &Node, entries: &[Entry], path: &str, fields: &[Field], unknown: UnknownFields) {
        for field in fields {
            let path = join(path, &field.name);
            match node.get(&field.name) {
                Some(value) => self.node(value, &path, &field.shape),
                None if field.required => {
                    let message = match &field.shape {
                        Shape::OneOf(words) => unsupported("", words),
                        shape @ (Shape::Any
                        | Shape::Text(_)
                        | Shape::Whole { .. }
                        | Shape::Truth
                        | Shape::List(_)
                        | Shape::Map { .. }
                        | Shape::Texts) => format!("Required value: expected {}", shape.described()),
                    };
                    self.refuse(node, &path, message);
                }
                None => {}
            }
        }
        for entry in entries.iter().filter(|entry| !fields.iter().any(|field| field.name == entry.key)) {
            let path = join(path, &entry.key);
            let location = Location { file: self.file, position: entry.position, path: &path };
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            match unknown {
                UnknownFields::Welcome => {}
                UnknownFields::Pruned => {
                    let meant = did_you_mean(&entry.key, names);
                    self.report.problem(location, format!("unknown field, ignored{meant}"));
                }
                UnknownFields::Refused => {
                    self.report.refuse(location, format!("unknown field: expected one of {}", names.join(", ")));
                }
            }
        }
    }

    fn list(&mut self, node: &Node, items: &[Node], path: &str, shape: &ListShape) {
        let ListShape { of, max, key } = shape;
        let (max, key) = (*max, key.as_deref());
        if items.len() > max {
            let message = format!("Too many: {}: must have at most {max} items", items.len());
            self.refuse(node, path, message);
            return;
        }
        let mut seen = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            self.node(item, &path, of);
            let Some(text) = key.and_then(|key| item.get(key)).and_then(Node::text) else { continue };
            if seen.contains(&text) {
                let message = format!("Duplicate value: no two items may have the same {}", key.unwrap_or_default());
                self.refuse(item, &path, message);
            }
            seen.push(text);
        }
    }

    fn is_type(&mut self, node: &Node, scalar: &Scalar, path: &str, expected: &str) -> bool {
        let substituted = scalar.written.is_some();
        let as_read = Scalar { text: scalar.text.clone(), plain: scalar.plain || substituted, written: None };
        let found = as_read.type_name();
        let fits = found == expected || (expected == "string" && substituted);
        if !fits {
            self.refuse(node, path, wrong_type(path, found, expected));
        }
        fits
    }

    fn text(&mut self, node: &Node, scalar: &Scalar, path: &str, shape: TextShape) {
        let TextShape { min, max, form } = shape;
        let length = scalar.text.chars().count();
        let message = if length < min {
            format!("Invalid value: \"\": {path} in body should be at least {min} chars long")
        } else if length > max {
            format!("Too long: may not be more than {max} characters")
        } else if let Some(complaint) = form.complaint(&scalar.text, path) {
            let shown = if form == Form::Endpoint { "endpoint" } else { short(scalar.shown()) };
            format!("Invalid value: {shown:?}: {complaint}")
        } else {
            return;
        };
        self.refuse(node, path, message);
    }

    fn whole(&mut self, node: &Node, scalar: &Scalar, path: &str, min: i64, max: i64) {
        let (Ok(value), shown) = (scalar.text.parse::<i64>(), short(scalar.shown())) else { return };
        if value < min {
            let message = format!("Invalid value: {shown}: {path} in body should be greater than or equal to {min}");
            self.refuse(node, path, message);
        } else if value > max {
            let message = format!("Invalid value: {shown}: {path} in body should be less than or equal to {max}");
            self.refuse(node, path, message);
        }
    }

    /// Says that the node at `path` is wrong.
    pub(in crate::config) fn refuse(&mut self, node: &Node, path: &str, message: String) {
        self.report.refuse(Location { file: self.file, position: node.position, path }, message);
    }

    /// Says that a rule about the whole node at `path` is broken.
    pub(in crate::config) fn break_rule(&mut self, node: &Node, path: &str, rule: &str) {
        let kind = if matches!(node.value, Value::List(_)) { "array" } else { "object" };
        self.refuse(node, path, format!("Invalid value: \"{kind}\": {rule}"));
    }
}

/// `parent.name`, with brackets where the name itself has dots or slashes.
pub(in crate::config) fn join(parent: &str, name: &str) -> String {
    let name = short(name);
    if name.is_empty() || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-') {
        format!("{parent}[{name:?}]")
    } else if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

/// The beginning of a text, as long as a message can bear.
pub(in crate::config) fn short(text: &str) -> &str {
    beginning::of(text, MOST_SHOWN)
}

/// Kubernetes's words for a value that is none of those allowed.
pub(in crate::config) fn unsupported(found: &str, words: &[impl AsRef<str>]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("{:?}", word.as_ref())).collect();
    format!("Unsupported value: {found:?}: supported values: {}", words.join(", "))
}

fn wrong_type(path: &str, found: &str, expected: &str) -> String {
    format!("Invalid value: \"{found}\": {path} in body must be of type {expected}: \"{found}\"")
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Scalar(scalar) => scalar.type_name(),
        Value::List(_) => "array",
        Value::Map(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(join("", "spec"), "spec");
        assert_eq!(join("spec", "rules"), "spec.rules");
        assert_eq!(join("data", "ca.crt"), "data[\"ca.crt\"]");
        assert_eq!(join("a", ""), "a[\"\"]");
        assert_eq!(join("a", &"é".repeat(500)).chars().count(), 105);
    }
}
