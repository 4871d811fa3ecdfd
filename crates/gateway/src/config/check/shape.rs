//! The shape of a node: a JSON schema, read once into what the check compares documents with.

use crate::config::check::forms::Form;
use serde_json::Value;

/// The shape that a node must have.
#[derive(Debug)]
pub(in crate::config) enum Shape {
    /// Anything: not read here.
    Any,
    /// Text of some length and form.
    Text(TextShape),
    /// One of these words.
    OneOf(Vec<String>),
    /// A whole number between two others.
    Whole { min: i64, max: i64 },
    /// `true` or `false`.
    Truth,
    /// A list of items of one shape.
    List(Box<ListShape>),
    /// A mapping with these fields.
    Map { fields: Vec<Field>, unknown: UnknownFields },
    /// A mapping with any fields, all of text.
    Texts,
}

/// The length, in characters, and the form of text.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct TextShape {
    pub(in crate::config) min: usize,
    pub(in crate::config) max: usize,
    pub(in crate::config) form: Form,
}

/// The items of a list.
#[derive(Debug)]
pub(in crate::config) struct ListShape {
    pub(in crate::config) of: Shape,
    /// The most items.
    pub(in crate::config) max: usize,
    /// The field in which no two items may agree.
    pub(in crate::config) key: Option<String>,
}

/// The treatment of fields that a shape does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum UnknownFields {
    /// Welcome: the shape names only the fields that matter here.
    Welcome,
    /// Pruned, as Kubernetes does, with a notice.
    Pruned,
    /// Refused as a mistake.
    Refused,
}

/// One field of a mapping.
#[derive(Debug)]
pub(in crate::config) struct Field {
    pub(in crate::config) name: String,
    pub(in crate::config) required: bool,
    pub(in crate::config) shape: Shape,
}

impl Shape {
    /// Reads a JSON schema of the kind that `config::resources` makes.
    ///
    /// # Errors
    ///
    /// The part of the schema that has no shape.
    pub(in crate::config) fn of(schema: &Value) -> Result<Self, String> {
        let number =
            |name: &str| schema.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return Ok(Self::OneOf(texts(words)));
        }
        match schema.get("type").and_then(Value::as_str) {
            None if schema.get("properties").is_none() => Ok(Self::Any),
            Some("boolean") => Ok(Self::Truth),
            Some("string") => {
                let text = |name: &str| schema.get(name).and_then(Value::as_str);
                let form = Form::of(text("pattern"), text("format"));
                let form = form.ok_or_else(|| format!("a form of text that nothing checks: {schema}"))?;
                Ok(Self::Text(TextShape {
                    min: number("minLength").unwrap_or(0),
                    max: number("maxLength").unwrap_or(usize::MAX),
                    form,
                }))
            }
            Some("integer") => {
                let limit = |name: &str| schema.get(name).and_then(Value::as_i64);
                let [min, max] = [limit("minimum").unwrap_or(0), limit("maximum").unwrap_or(i64::MAX)];
                Ok(Self::Whole { min, max })
            }
            Some("array") => {
                let items = schema.get("items").ok_or_else(|| format!("a list without items: {schema}"))?;
                let key = schema.pointer("/x-kubernetes-list-map-keys/0").and_then(Value::as_str);
                let max = number("maxItems").unwrap_or(usize::MAX);
                Ok(Self::List(Box::new(ListShape { of: Self::of(items)?, max, key: key.map(str::to_owned) })))
            }
            Some("object") => Self::of_object(schema),
            _ => Err(format!("a schema that nothing checks: {schema}")),
        }
    }

    fn of_object(schema: &Value) -> Result<Self, String> {
        let others = schema.get("additionalProperties");
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return match others {
                Some(Value::Object(_)) => Ok(Self::Texts),
                _ => Ok(Self::Map { fields: Vec::new(), unknown: UnknownFields::Welcome }),
            };
        };
        let list = |name: &str| schema.get(name).and_then(Value::as_array).map(|list| texts(list)).unwrap_or_default();
        let (order, required) = (list("x-order"), list("required"));
        if order.len() != properties.len() {
            return Err(format!("fields without an order: {schema}"));
        }
        let mut fields = Vec::with_capacity(order.len());
        for name in order {
            let shape = properties.get(&name).ok_or_else(|| format!("no field {name}: {schema}"))?;
            fields.push(Field { required: required.contains(&name), shape: Self::of(shape)?, name });
        }
        let unknown = if others == Some(&Value::Bool(false)) {
            UnknownFields::Refused
        } else if schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true)) {
            UnknownFields::Welcome
        } else {
            UnknownFields::Pruned
        };
        Ok(Self::Map { fields, unknown })
    }

    /// The name of its JSON type.
    pub(in crate::config) fn type_name(&self) -> &'static str {
        match self {
            Self::Any | Self::Map { .. } | Self::Texts => "object",
            Self::Text(_) | Self::OneOf(_) => "string",
            Self::Whole { .. } => "integer",
            Self::Truth => "boolean",
            Self::List(_) => "array",
        }
    }

    /// The words for the value that is expected where it is missing.
    pub(in crate::config) fn described(&self) -> String {
        match self {
            Self::Map { fields, .. } => {
                let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
                format!("a mapping with {}", names.join(", "))
            }
            Self::Any | Self::Texts => "a mapping".to_owned(),
            Self::Text(_) | Self::OneOf(_) => "text".to_owned(),
            Self::Whole { .. } => "a whole number".to_owned(),
            Self::Truth => "true or false".to_owned(),
            Self::List(_) => "a list".to_owned(),
        }
    }
}

fn texts(list: &[Value]) -> Vec<String> {
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
