//! What a field of a resource may look like, and the check that says where a node departs from it.
//!
//! The wording of the mistakes is that of a Kubernetes API server, so that one manifest is refused with the
//! same words here and there.

use crate::beginning;
use crate::config::text::mistake::{Report, Spot};
use crate::config::text::suggest::did_you_mean;
use crate::config::text::yaml::{Entry, Node, Scalar, Value};
use regex::Regex;
use std::sync::LazyLock;
use std::time::Duration;

/// How many characters of a value or a field's name a message shows.
const MOST_SHOWN: usize = 100;

/// What a node must be.
pub(in crate::config) enum Shape {
    /// Anything: not read here.
    Any,
    /// Text with `min` to `max` characters of some form.
    Text { min: usize, max: usize, form: Form },
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number between two others.
    Whole { min: i64, max: i64 },
    /// `true` or `false`.
    Truth,
    /// At most `max` items of one shape; `key` names the field in which no two items may agree.
    List { of: &'static Self, max: usize, key: Option<&'static str> },
    /// These fields; what others mean, `Others` says.
    Map { fields: &'static [Field], others: Others },
    /// Any fields, all of text.
    Texts,
}

/// What a field is that a shape does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Others {
    /// Not read here, and no news: the shape names only what matters to us.
    Welcome,
    /// Pruned, as Kubernetes does, with a notice.
    Pruned,
    /// A mistake.
    Refused,
}

/// One field of a mapping.
pub(in crate::config) struct Field {
    pub(in crate::config) name: &'static str,
    pub(in crate::config) required: bool,
    pub(in crate::config) shape: &'static Shape,
}

pub(in crate::config) const fn required(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, required: true, shape }
}

pub(in crate::config) const fn optional(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, required: false, shape }
}

/// A form of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Form {
    /// Any text.
    Free,
    /// A resource's name.
    Subdomain,
    /// An API group.
    Group,
    /// A kind.
    Kind,
    /// A namespace.
    Label,
    /// A hostname, perhaps with `*.` in front.
    Hostname,
    /// A header's name.
    HeaderName,
    /// A Gateway API duration, as `1m30s`.
    Duration,
    /// An AWS region.
    Region,
    /// A point in time, RFC 3339.
    Time,
    /// `http://` or `https://` with a host and perhaps a port.
    Endpoint,
}

static SUBDOMAIN: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Subdomain.compiled());
static GROUP: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Group.compiled());
static KIND: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Kind.compiled());
static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Label.compiled());
static HOSTNAME: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Hostname.compiled());
static HEADER_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Form::HeaderName.compiled());
static DURATION: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Duration.compiled());
static REGION: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Region.compiled());

impl Form {
    /// The regular expression that text of this form matches, where there is one.
    fn pattern(self) -> Option<&'static str> {
        Some(match self {
            Self::Subdomain => r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            Self::Group => r"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            Self::Kind => r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$",
            Self::Label => r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
            Self::Hostname => r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            Self::HeaderName => r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$",
            Self::Duration => r"^([0-9]{1,5}(h|m|s|ms)){1,4}$",
            Self::Region => r"^[a-z0-9]+(-[a-z0-9]+)*$",
            Self::Free | Self::Time | Self::Endpoint => return None,
        })
    }

    fn compiled(self) -> Option<Regex> {
        Regex::new(self.pattern()?).ok()
    }

    fn regex(self) -> Option<&'static Regex> {
        match self {
            Self::Subdomain => SUBDOMAIN.as_ref(),
            Self::Group => GROUP.as_ref(),
            Self::Kind => KIND.as_ref(),
            Self::Label => LABEL.as_ref(),
            Self::Hostname => HOSTNAME.as_ref(),
            Self::HeaderName => HEADER_NAME.as_ref(),
            Self::Duration => DURATION.as_ref(),
            Self::Region => REGION.as_ref(),
            Self::Free | Self::Time | Self::Endpoint => None,
        }
    }

    /// Whether `text` has this form.
    pub(in crate::config) fn fits(self, text: &str) -> bool {
        self.complaint(text, "").is_none()
    }

    /// What is wrong with `text`, if anything is.
    fn complaint(self, text: &str, path: &str) -> Option<String> {
        match self {
            Self::Time => seconds_since_epoch(text)
                .is_none()
                .then(|| format!("{path} in body must be of type date-time: \"2006-01-02T15:04:05Z\" is an example")),
            Self::Endpoint => endpoint(text).err().map(str::to_owned),
            other => {
                let (pattern, regex) = (other.pattern()?, other.regex()?);
                let hint = match other {
                    Self::Hostname if text.contains("://") => "; a hostname has no scheme such as https://",
                    Self::Hostname if text.contains(':') => "; a hostname has no port",
                    _ => "",
                };
                (!regex.is_match(text)).then(|| format!("{path} in body should match '{pattern}'{hint}"))
            }
        }
    }
}

/// Reads `1h2m3s4ms`, the Gateway API's form of a duration (GEP-2257), but with any number of any size; of a resource the
/// form was checked before.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let milliseconds = match unit {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1000,
            "ms" => 1,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(milliseconds)?))?;
        rest = after;
    }
    Some(total)
}

/// Reads a point in time, RFC 3339, not before 1970.
pub(in crate::config) fn seconds_since_epoch(text: &str) -> Option<u64> {
    let format = &time::format_description::well_known::Rfc3339;
    u64::try_from(time::OffsetDateTime::parse(text, format).ok()?.unix_timestamp()).ok()
}

/// Reads an endpoint: scheme, host and port.
pub(in crate::config) fn endpoint(text: &str) -> Result<url::Url, &'static str> {
    let url = url::Url::parse(text).map_err(|_| "expected a URL such as \"http://localhost:8080\"")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("expected a URL that begins with http:// or https:// and names a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("expected a URL without a user and a password");
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("expected a URL of scheme, host and port, without a path");
    }
    Ok(url)
}

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
            (Shape::Map { fields, others }, Value::Map(entries)) => self.map(node, entries, path, fields, *others),
            (Shape::Texts, Value::Map(entries)) => {
                for entry in entries.iter().filter(|entry| !entry.value.is_null()) {
                    let free = Shape::Text { min: 0, max: usize::MAX, form: Form::Free };
                    self.node(&entry.value, &join(path, &entry.key), &free);
                }
            }
            (Shape::List { of, max, key }, Value::List(items)) => self.list(node, items, path, (of, *max, *key)),
            (Shape::Text { min, max, form }, Value::Scalar(scalar)) => {
                if self.is_type(node, scalar, path, "string") {
                    self.text(node, scalar, path, (*min, *max, *form));
                }
            }
            (Shape::OneOf(words), Value::Scalar(scalar)) => {
                if self.is_type(node, scalar, path, "string") && !words.contains(&scalar.text.as_str()) {
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

    fn map(&mut self, node: &Node, entries: &[Entry], path: &str, fields: &[Field], others: Others) {
        for field in fields {
            let path = join(path, field.name);
            match node.get(field.name) {
                Some(value) => self.node(value, &path, field.shape),
                None if field.required => {
                    let message = match field.shape {
                        Shape::OneOf(words) => unsupported("", words),
                        shape => format!("Required value: expected {}", shape.described()),
                    };
                    self.refuse(node, &path, message);
                }
                None => {}
            }
        }
        let known = |entry: &&Entry| !fields.iter().any(|field| field.name == entry.key);
        for entry in entries.iter().filter(known) {
            let path = join(path, &entry.key);
            let spot = Spot { file: self.file, place: entry.place, path: &path };
            let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
            match others {
                Others::Welcome => {}
                Others::Pruned => {
                    let meant = did_you_mean(&entry.key, names);
                    self.report.problem(spot, format!("unknown field, ignored{meant}"));
                }
                Others::Refused => {
                    self.report.refuse(spot, format!("unknown field: expected one of {}", names.join(", ")));
                }
            }
        }
    }

    fn list(&mut self, node: &Node, items: &[Node], path: &str, (of, max, key): (&Shape, usize, Option<&str>)) {
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

    fn text(&mut self, node: &Node, scalar: &Scalar, path: &str, (min, max, form): (usize, usize, Form)) {
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
        self.report.refuse(Spot { file: self.file, place: node.place, path }, message);
    }

    /// Says that a rule about the whole node at `path` is broken.
    pub(in crate::config) fn break_rule(&mut self, node: &Node, path: &str, rule: &str) {
        let kind = if matches!(node.value, Value::List(_)) { "array" } else { "object" };
        self.refuse(node, path, format!("Invalid value: \"{kind}\": {rule}"));
    }
}

impl Shape {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Any | Self::Map { .. } | Self::Texts => "object",
            Self::Text { .. } | Self::OneOf(_) => "string",
            Self::Whole { .. } => "integer",
            Self::Truth => "boolean",
            Self::List { .. } => "array",
        }
    }

    fn described(&self) -> String {
        match self {
            Self::Map { fields, .. } => {
                let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
                format!("a mapping with {}", names.join(", "))
            }
            Self::Any | Self::Texts => "a mapping".to_owned(),
            Self::Text { .. } | Self::OneOf(_) => "text".to_owned(),
            Self::Whole { .. } => "a whole number".to_owned(),
            Self::Truth => "true or false".to_owned(),
            Self::List { .. } => "a list".to_owned(),
        }
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
pub(in crate::config) fn unsupported(found: &str, words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
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
    fn forms() {
        for (form, good, bad) in [
            (Form::Subdomain, vec!["a", "a-b.c0"], vec!["", "A", "-a", "a.", "a_b", "a\n"]),
            (Form::Group, vec!["", "a.b"], vec!["A", "."]),
            (Form::Kind, vec!["Backend", "x1"], vec!["", "1x", "a.b"]),
            (Form::Label, vec!["default"], vec!["a.b", ""]),
            (Form::Hostname, vec!["a.b", "*.a.b"], vec!["*", "a.*", "A", "a:80"]),
            (Form::HeaderName, vec!["X-Ai_eg!"], vec!["", "a b", "a:"]),
            (
                Form::Duration,
                vec!["1h2m3s4ms", "0s", "99999h"],
                vec!["", "1", "s", "100000h", "1s1s1s1s1s", "1d", "-1s"],
            ),
            (Form::Region, vec!["us-east-1", "us-gov-west-1"], vec!["", "us-east-1å", "us--1", "a/b", "US-EAST-1"]),
            (
                Form::Time,
                vec!["2025-01-01T00:00:00Z", "2025-01-01T00:00:00.5+01:00"],
                vec!["", "2025-01-01", "1960-01-01T00:00:00Z"],
            ),
            (
                Form::Endpoint,
                vec!["http://a", "https://[::1]:8443/", "http://127.0.0.1:1"],
                vec!["", "a", "a:1", "ftp://a", "http://", "http://u@a", "http://a/b", "http://a?b", "http://a#b"],
            ),
            (Form::Free, vec!["", "anything"], vec![]),
        ] {
            assert!(good.iter().all(|text| form.fits(text)), "{form:?}");
            for text in bad {
                assert!(!form.fits(text), "{form:?} {text:?}");
            }
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration("1h2m3s4ms"), Some(Duration::from_millis(3_723_004)));
        assert_eq!(duration("1m1m"), Some(Duration::from_secs(120)));
        assert_eq!(duration(""), Some(Duration::ZERO));
        for wrong in ["5", "m", "5x", "99999999999999999999h", "18446744073709551615h"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn points_in_time() {
        assert_eq!(seconds_since_epoch("1970-01-01T00:00:01Z"), Some(1));
        assert_eq!(seconds_since_epoch("1969-12-31T23:59:59Z"), None);
    }

    #[test]
    fn paths() {
        assert_eq!(join("", "spec"), "spec");
        assert_eq!(join("spec", "rules"), "spec.rules");
        assert_eq!(join("data", "ca.crt"), "data[\"ca.crt\"]");
        assert_eq!(join("a", ""), "a[\"\"]");
        assert_eq!(join("a", &"é".repeat(500)).chars().count(), 105);
    }
}
